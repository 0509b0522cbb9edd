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

/// The payload of a whole `NotificationResponse`: behind the head a process, a channel and a payload, both of which end in
/// a zero byte.
pub(crate) fn notification(message: &[u8]) -> Option<&str> {
    let rest = message.get(HEAD_BYTES + size_of::<u32>()..)?.strip_suffix(b"\0")?;
    let channel_ends = rest.iter().position(|byte| *byte == 0)?;
    str::from_utf8(&rest[channel_ends + 1..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_notification() {
        assert_eq!(notification(b"A\0\0\0\x13\0\0\0\x07chan\0hello\0"), Some("hello"));
        assert_eq!(notification(b"A\0\0\0\x0e\0\0\0\x07chan\0\0"), Some(""));
        assert_eq!(notification(b"A\0\0\0\x0d\0\0\0\x07chan\0"), None);
        assert_eq!(notification(b"A\0\0\0\x04"), None);
    }

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
