//! What a backslash begins, but for anchors.
//!
//! ```text
//! escape    = "\" ( punctuation / character / class / back-reference )
//! character = "a" / "b" / "B" / "c" any / "e" / "f" / "n" / "r" / "t" / "v"
//!           / "x" 1*hex / "u" 4hex / "U" 8hex / 1*3octal
//! class     = "d" / "D" / "s" / "S" / "w" / "W"
//! ```

use super::reader::Reader;
use crate::class::Class;
use crate::error::{Error, ErrorKind};

/// Largest code that Postgres takes for a character.
const CODE_MAX: u32 = 0x7fff_fffe;

/// What an escape stands for.
pub(super) enum Escape {
    Character(u32),
    /// A class, or all but it.
    Class(Class, bool),
}

/// Reads what follows the backslash at `start`, behind so many groups.
pub(super) fn read(reader: &mut Reader<'_>, start: usize, groups: u32) -> Result<Escape, Error> {
    let is_digit = reader.peek().is_some_and(|next| next.is_ascii_digit());
    if is_digit {
        return numeric(reader, start, groups).map(Escape::Character);
    }
    named(reader).ok_or(ErrorKind::Escape.at(start))
}

fn named(reader: &mut Reader<'_>) -> Option<Escape> {
    let code = match reader.next()? {
        'd' => return Some(Escape::Class(Class::Digit, false)),
        'D' => return Some(Escape::Class(Class::Digit, true)),
        's' => return Some(Escape::Class(Class::Space, false)),
        'S' => return Some(Escape::Class(Class::Space, true)),
        'w' => return Some(Escape::Class(Class::Word, false)),
        'W' => return Some(Escape::Class(Class::Word, true)),
        'a' => 7,
        'b' => 8,
        'B' => '\\'.into(),
        'c' => u32::from(reader.next()?) & 0x1f,
        'e' => 0x1b,
        'f' => 0xc,
        'n' => 0xa,
        'r' => 0xd,
        't' => 9,
        'u' => digits(reader, 16, 4, 4)?,
        'U' => digits(reader, 16, 8, 8)?,
        'v' => 0xb,
        'x' => digits(reader, 16, 1, 255)?,
        other if other.is_ascii_alphanumeric() => return None,
        other => other.into(),
    };
    (code <= CODE_MAX).then_some(Escape::Character(code))
}

/// One digit but `0` is a back-reference, and more are where there are so many groups; otherwise they are octal.
fn numeric(reader: &mut Reader<'_>, start: usize, groups: u32) -> Result<u32, Error> {
    let mut ahead = reader.clone();
    let number = digits(&mut ahead, 10, 1, 255).unwrap_or_default();
    let is_single = ahead.offset() == reader.offset() + 1;
    let is_reference = reader.peek() != Some('0') && (is_single || (1..=groups).contains(&number));
    if is_reference {
        return Err(ErrorKind::BackReference.at(start));
    }
    let mut three = reader.clone();
    let code = digits(&mut three, 8, 1, 3).ok_or(ErrorKind::Escape.at(start))?;
    if code <= 0xff {
        *reader = three;
        return Ok(code);
    }
    digits(reader, 8, 1, 2).ok_or(ErrorKind::Escape.at(start))
}

/// A number of at least `min` and at most `max` digits. A larger one wraps, as it does in Postgres.
fn digits(reader: &mut Reader<'_>, base: u32, min: usize, max: usize) -> Option<u32> {
    let mut number: u32 = 0;
    let mut count = 0;
    while count < max
        && let Some(digit) = reader.peek().and_then(|next| next.to_digit(base))
    {
        reader.next();
        number = number.wrapping_mul(base).wrapping_add(digit);
        count += 1;
    }
    (count >= min).then_some(number)
}
