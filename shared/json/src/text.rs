//! Strings: `string = quotation-mark *char quotation-mark`, RFC 8259 §7, and their meaning.

use std::borrow::Cow;

use crate::{ErrorKind, plain};

/// A string that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    phase: Phase,
    /// Whether there is an escape sequence in it.
    pub(crate) is_escaped: bool,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Plain,
    /// Behind `\`; after half of a surrogate pair only the other half may follow.
    Escape {
        after_high: bool,
    },
    /// So many hexadecimal digits, after those of which `unit` is made.
    Hex {
        missing: u8,
        unit: u16,
        after_high: bool,
    },
    /// The `\` of the other half.
    LowSurrogate,
    /// So many bytes of a character, of which the next one lies between two (RFC 3629 §4).
    Utf8 {
        missing: u8,
        first: u8,
        last: u8,
    },
}

impl Text {
    pub(crate) const START: Text = Text { phase: Phase::Plain, is_escaped: false };

    /// Reads on from `at`, behind the opening quote. Gives whether the string has ended, before `at`, or only the bytes have.
    #[inline(always)]
    pub(crate) fn read(&mut self, bytes: &[u8], at: &mut usize) -> Result<bool, ErrorKind> {
        if self.phase == Phase::Plain {
            *at = plain::end(bytes, *at);
            if bytes.get(*at) == Some(&b'"') {
                *at += 1;
                return Ok(true);
            }
        }
        self.read_special(bytes, at)
    }

    fn read_special(&mut self, bytes: &[u8], at: &mut usize) -> Result<bool, ErrorKind> {
        while let Some(&byte) = bytes.get(*at) {
            self.phase = match self.phase {
                Phase::Plain if byte == b'"' => {
                    *at += 1;
                    return Ok(true);
                }
                Phase::Plain => match special(byte)? {
                    Phase::Plain => {
                        *at = plain::end(bytes, *at);
                        continue;
                    }
                    phase => phase,
                },
                Phase::Escape { after_high } => {
                    self.is_escaped = true;
                    escape(byte, after_high)?
                }
                Phase::Hex { missing, unit, after_high } => hex(byte, missing, unit, after_high)?,
                Phase::LowSurrogate if byte == b'\\' => Phase::Escape { after_high: true },
                Phase::LowSurrogate => return Err(ErrorKind::Surrogate),
                Phase::Utf8 { missing, first, last } => match (first..=last).contains(&byte) {
                    true if missing == 1 => Phase::Plain,
                    true => continuation(missing - 1),
                    false => return Err(ErrorKind::Utf8),
                },
            };
            *at += 1;
        }
        Ok(false)
    }
}

/// What a byte begins. The ranges are the table of RFC 3629 §4, which leaves out surrogates and longer spellings.
#[inline(always)]
fn special(byte: u8) -> Result<Phase, ErrorKind> {
    let begins = |missing, first, last| Ok(Phase::Utf8 { missing, first, last });
    match byte {
        b'\\' => Ok(Phase::Escape { after_high: false }),
        0..0x20 => Err(ErrorKind::Control),
        0x20..=0x7f => Ok(Phase::Plain),
        0xc2..=0xdf => begins(1, 0x80, 0xbf),
        0xe0 => begins(2, 0xa0, 0xbf),
        0xed => begins(2, 0x80, 0x9f),
        0xe1..=0xef => begins(2, 0x80, 0xbf),
        0xf0 => begins(3, 0x90, 0xbf),
        0xf1..=0xf3 => begins(3, 0x80, 0xbf),
        0xf4 => begins(3, 0x80, 0x8f),
        _ => Err(ErrorKind::Utf8),
    }
}

fn continuation(missing: u8) -> Phase {
    Phase::Utf8 { missing, first: 0x80, last: 0xbf }
}

fn escape(byte: u8, after_high: bool) -> Result<Phase, ErrorKind> {
    match byte {
        b'u' => Ok(Phase::Hex { missing: 4, unit: 0, after_high }),
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' if !after_high => Ok(Phase::Plain),
        _ if after_high => Err(ErrorKind::Surrogate),
        _ => Err(ErrorKind::Escape),
    }
}

fn hex(byte: u8, missing: u8, unit: u16, after_high: bool) -> Result<Phase, ErrorKind> {
    let digit = char::from(byte).to_digit(16).ok_or(ErrorKind::Escape)?;
    let unit = unit << 4 | digit as u16;
    match (missing, unit, after_high) {
        (2.., _, _) => Ok(Phase::Hex { missing: missing - 1, unit, after_high }),
        (_, 0xdc00..=0xdfff, true) => Ok(Phase::Plain),
        (_, 0xd800..=0xdbff, false) => Ok(Phase::LowSurrogate),
        (_, 0xd800..=0xdfff, _) | (_, _, true) => Err(ErrorKind::Surrogate),
        _ => Ok(Phase::Plain),
    }
}

/// What a string or number means as text; `spelled` is what a scan told a visitor of it.
pub fn unescape(spelled: &[u8]) -> Cow<'_, str> {
    const UTF8: &str = "the scan refuses what is not UTF-8";
    if !spelled.contains(&b'\\') {
        return Cow::Borrowed(str::from_utf8(spelled).expect(UTF8));
    }
    let mut meaning = Vec::with_capacity(spelled.len());
    decode(spelled, &mut meaning);
    Cow::Owned(String::from_utf8(meaning).expect(UTF8))
}

/// Appends what a string means; `spelled` is what stands between the quotes of one that was read without an error.
pub(crate) fn decode(spelled: &[u8], meaning: &mut Vec<u8>) {
    let mut rest = spelled;
    while let Some(length) = rest.iter().position(|byte| *byte == b'\\') {
        meaning.extend_from_slice(&rest[..length]);
        let (character, behind) = escaped(&rest[length..]);
        meaning.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        rest = behind;
    }
    meaning.extend_from_slice(rest);
}

/// The character of an escape sequence, and what is behind it.
fn escaped(sequence: &[u8]) -> (char, &[u8]) {
    let simple = match sequence[1] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return code_point(sequence),
        other => other.into(),
    };
    (simple, &sequence[2..])
}

/// RFC 8259 §7: `\uXXXX`, or two of them that are a surrogate pair.
fn code_point(sequence: &[u8]) -> (char, &[u8]) {
    let unit = |at: usize| {
        let digits = sequence[at + 2..at + 6].iter().map(|byte| char::from(*byte).to_digit(16).unwrap_or_default());
        digits.fold(0, |unit, digit| unit << 4 | digit)
    };
    match unit(0) {
        high @ 0xd800..0xdc00 => {
            let point = 0x10000 + ((high - 0xd800) << 10) + (unit(6) - 0xdc00);
            (char::from_u32(point).expect("the scan has seen both halves"), &sequence[12..])
        }
        point => (char::from_u32(point).expect("the scan refuses lone surrogates"), &sequence[6..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads all of it at once, and byte by byte.
    fn read(text: &[u8]) -> Result<bool, ErrorKind> {
        let mut start = Text::START;
        let whole = start.read(text, &mut 0);
        let mut text_read = Text::START;
        let one_by_one = text.iter().try_fold(false, |_, byte| text_read.read(&[*byte], &mut 0));
        assert_eq!(whole, one_by_one, "{text:?}");
        whole
    }

    #[track_caller]
    fn check(text: &[u8], meaning: &str) {
        assert_eq!(read(text), Ok(true), "{text:?}");
        let mut decoded = Vec::new();
        decode(&text[..text.len() - 1], &mut decoded);
        assert_eq!(String::from_utf8(decoded).unwrap(), meaning);
    }

    #[track_caller]
    fn refused(text: &[u8], kind: ErrorKind) {
        assert_eq!(read(text), Err(kind), "{text:?}");
    }

    #[test]
    fn ok_meaning() {
        check(b"\"", "");
        check(br#"plain text that is longer than a vector""#, "plain text that is longer than a vector");
        check(br#"\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t");
        check(br#"\u0041\u00e9\u20ACx\u0000""#, "Aé€x\0");
        check(br#"\ud83d\ude00\uDBFF\uDFFF""#, "\u{1f600}\u{10ffff}");
        check(
            "é€\u{1f600}\u{7f}\u{d7ff}\u{e000}\u{10ffff}\"".as_bytes(),
            "é€\u{1f600}\u{7f}\u{d7ff}\u{e000}\u{10ffff}",
        );
    }

    #[test]
    fn ok_every_character() {
        for character in ('\u{80}'..=char::MAX).step_by(61).chain(['\u{7ff}', '\u{800}', '\u{ffff}', '\u{10000}']) {
            check(format!("{character}\"").as_bytes(), &character.to_string());
        }
    }

    #[test]
    fn ok_open_ends() {
        for text in ["", "a", "\\", "\\u", "\\u123", "\\ud800", "\\ud800\\", "\\ud800\\udc0"] {
            assert_eq!(read(text.as_bytes()), Ok(false), "{text}");
        }
        assert_eq!(read(b"\xe2\x82"), Ok(false));
    }

    #[test]
    fn err_escapes() {
        for text in [&b"\\x"[..], b"\\U0041", b"\\u00g0", b"\\u 041", b"\\\n", b"\\'"] {
            refused(text, ErrorKind::Escape);
        }
        for text in [&b"\\udc00"[..], b"\\ud800\"", b"\\ud800x", b"\\ud800\\n", b"\\ud800\\u0041", b"\\ud800\\ud800"] {
            refused(text, ErrorKind::Surrogate);
        }
    }

    #[test]
    fn err_bytes() {
        for byte in 0..0x20 {
            refused(&[byte], ErrorKind::Control);
        }
        let wrong: [&[u8]; 10] = [
            b"\x80",
            b"\xc0\x80",
            b"\xc1\xbf",
            b"\xe0\x9f\xbf",
            b"\xed\xa0\x80",
            b"\xf0\x8f\xbf\xbf",
            b"\xf4\x90\x80\x80",
            b"\xf5",
            b"\xff",
            b"\xe2\x82\"",
        ];
        for text in wrong {
            refused(text, ErrorKind::Utf8);
        }
    }
}
