//! Writing JSON straight into the response's buffer (RFC 8259).

/// Appends `text` as a JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// Appends `text` as the inside of a JSON string: one pass, runs without escapes copied whole.
pub(crate) fn escaped(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len());
    let mut start = 0;
    let mut at = 0;
    while at < bytes.len() {
        at += plain_run(&bytes[at..]);
        let Some(&byte) = bytes.get(at) else { break };
        out.extend_from_slice(&bytes[start..at]);
        escape(out, byte);
        at += 1;
        start = at;
    }
    out.extend_from_slice(&bytes[start..]);
}

/// Appends `text` as a JSON string of ASCII, for places such as HTTP headers.
pub(crate) fn ascii_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' | '\\' | '\0'..='\x1f' => escape(out, character as u8),
            ' '..='~' => out.push(character as u8),
            other => {
                let mut units = [0; 2];
                for unit in other.encode_utf16(&mut units) {
                    unicode_escape(out, *unit);
                }
            }
        }
    }
    out.push(b'"');
}

/// Appends a number in decimal.
pub(crate) fn integer(out: &mut Vec<u8>, number: i64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

/// How many bytes from the start need no escape. Eight at a time: the tests below are the usual ones
/// for "some byte is less than" and "some byte equals", which may also flag a byte that follows a flagged
/// one; the bytes of a flagged word are therefore looked at singly.
fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let quotes = quote.wrapping_sub(ONES) & !quote;
        let backslashes = backslash.wrapping_sub(ONES) & !backslash;
        if (below_space | quotes | backslashes) & HIGHS != 0 {
            break;
        }
        at += 8;
    }
    at + bytes[at..].iter().position(|&byte| needs_escape(byte)).unwrap_or(bytes.len() - at)
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => return unicode_escape(out, u16::from(byte)),
    };
    out.extend_from_slice(&[b'\\', short]);
}

fn unicode_escape(out: &mut Vec<u8>, unit: u16) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u16| HEX[usize::from((unit >> shift) & 15)];
    out.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str) {
        let mut out = Vec::new();
        string(&mut out, text);
        assert_eq!(out, serde_json::to_vec(text).unwrap(), "{text:?}");
        let mut ascii = Vec::new();
        ascii_string(&mut ascii, text);
        assert!(ascii.is_ascii());
        assert_eq!(serde_json::from_slice::<String>(&ascii).unwrap(), text);
    }

    #[test]
    fn ok_strings_as_serde_writes_them() {
        check("");
        check("plain");
        check("a \"quoted\" back\\slash");
        check("grüße 🎬 語 \u{7f}\u{80}\u{2028}");
        check(&(0..=0x20u8).map(char::from).collect::<String>());
    }

    #[test]
    fn ok_escapes_at_every_offset_of_a_word() {
        for length in 0..20 {
            for at in 0..=length {
                for special in ["\"", "\\", "\n", "\0", "\x1f", "é", "\u{1d}!"] {
                    let mut text = "x".repeat(length);
                    text.insert_str(at, special);
                    check(&text);
                }
            }
        }
    }

    #[test]
    fn ok_integers() {
        for number in [0, 7, -1, 10, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            integer(&mut out, number);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }
}
