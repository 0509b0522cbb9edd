//! Base64url without padding, RFC 4648 §5, as RFC 7515 §2 wants it.

/// Decodes strictly: no padding, no white space, and no bits left over, so that a text has one spelling.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0_u32, 0);
    for &character in text {
        bits = bits << 6 | u32::from(value(character)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    (count < 6 && bits == 0).then_some(bytes)
}

/// Decodes what people paste: the other alphabet, with or without padding, white space around. A full stop pads too, as
/// in PostgREST.
pub(crate) fn decode_leniently(text: &str) -> Option<Vec<u8>> {
    let text = text.trim().trim_end_matches(['=', '.']);
    let normal = |byte| match byte {
        b'+' => b'-',
        b'/' => b'_',
        byte => byte,
    };
    decode(&text.bytes().map(normal).collect::<Vec<_>>())
}

fn value(character: u8) -> Option<u8> {
    match character {
        b'A'..=b'Z' => Some(character - b'A'),
        b'a'..=b'z' => Some(character - b'a' + 26),
        b'0'..=b'9' => Some(character - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&[u8]>) {
        assert_eq!(decode(text.as_bytes()).as_deref(), expected, "{text}");
    }

    #[test]
    fn ok_bytes() {
        check("", Some(b""));
        check("Zg", Some(b"f"));
        check("Zm8", Some(b"fo"));
        check("Zm9v", Some(b"foo"));
        check("-_8", Some(&[0xfb, 0xff]));
    }

    #[test]
    fn err_more_than_one_spelling() {
        check("Z", None);
        check("Zh", None);
        check("Zm9", None);
        check("Zg==", None);
        check("Zm9v\n", None);
        check("+/8", None);
    }

    #[test]
    fn ok_leniently() {
        for text in ["+/8=", "-_8", " -_8.\n"] {
            assert_eq!(decode_leniently(text).as_deref(), Some(&[0xfb, 0xff][..]), "{text}");
        }
        assert_eq!(decode_leniently("no base-64!"), None);
    }
}
