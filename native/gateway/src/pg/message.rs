//! Where one message ends: a tag, and a length that counts itself but not the tag.

use std::io;

/// Bytes of tag and length.
pub(crate) const HEAD_BYTES: usize = 5;

/// Tag and whole size of the message at the front, once its head has arrived.
pub(crate) fn head(incoming: &[u8]) -> io::Result<Option<(u8, usize)>> {
    let Some(&[tag, a, b, c, d]) = incoming.first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    match usize::try_from(i32::from_be_bytes([a, b, c, d])) {
        Ok(length) if length >= 4 => Ok(Some((tag, length + 1))),
        _ => Err(io::Error::other("a message with an impossible length")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_head() {
        assert_eq!(head(b"Z\0\0\0").unwrap(), None);
        assert_eq!(head(b"Z\0\0\0\x05I").unwrap(), Some((b'Z', 6)));
    }

    #[test]
    fn err_length_below_its_own_size_or_negative() {
        assert!(head(b"Z\0\0\0\x03").is_err());
        assert!(head(b"Z\xff\xff\xff\xff").is_err());
    }
}
