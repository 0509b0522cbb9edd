//! Numbers: `number = [ "-" ] int [ frac ] [ exp ]`, RFC 8259 §6.

use crate::{ErrorKind, Limits};

/// A number that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    phase: Phase,
    bytes: usize,
    exponent: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Start,
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    ExponentMark,
    ExponentSign,
    Exponent,
}

const DIGIT: ErrorKind = ErrorKind::Expected("a digit");

impl Number {
    pub(crate) const START: Number = Number { phase: Phase::Start, bytes: 0, exponent: 0 };

    /// Reads on from `at`. Gives whether the number has ended there, or only the bytes have.
    #[inline(always)]
    pub(crate) fn read(&mut self, bytes: &[u8], at: &mut usize, limits: &Limits) -> Result<bool, ErrorKind> {
        let start = *at;
        // One byte more than may be: whatever is behind it, that is what is wrong.
        let end = bytes.len().min(start + limits.number_bytes + 1 - self.bytes);
        let has_ended = self.phases(&bytes[..end], at, limits)?;
        self.bytes += *at - start;
        if self.bytes > limits.number_bytes {
            return Err(ErrorKind::NumberBytes(limits.number_bytes));
        }
        Ok(has_ended)
    }

    #[inline(always)]
    fn phases(&mut self, bytes: &[u8], at: &mut usize, limits: &Limits) -> Result<bool, ErrorKind> {
        while let Some(&byte) = bytes.get(*at) {
            self.phase = match (self.phase, byte) {
                (Phase::Start, b'-') => Phase::Minus,
                (Phase::Start | Phase::Minus, b'0') => Phase::Zero,
                (Phase::Start | Phase::Minus | Phase::Integer, b'0'..=b'9') => {
                    *at = digits(bytes, *at + 1);
                    self.phase = Phase::Integer;
                    continue;
                }
                (Phase::Zero | Phase::Integer, b'.') => Phase::Point,
                (Phase::Point | Phase::Fraction, b'0'..=b'9') => {
                    *at = digits(bytes, *at + 1);
                    self.phase = Phase::Fraction;
                    continue;
                }
                (Phase::Zero | Phase::Integer | Phase::Fraction, b'e' | b'E') => Phase::ExponentMark,
                (Phase::ExponentMark, b'+' | b'-') => Phase::ExponentSign,
                (Phase::ExponentMark | Phase::ExponentSign | Phase::Exponent, b'0'..=b'9') => {
                    self.exponent = self.exponent.saturating_mul(10).saturating_add(u32::from(byte - b'0'));
                    if self.exponent > limits.exponent {
                        return Err(ErrorKind::Exponent(limits.exponent));
                    }
                    Phase::Exponent
                }
                _ if self.may_end() => return Ok(true),
                _ => return Err(DIGIT),
            };
            *at += 1;
        }
        Ok(false)
    }

    /// Whether it is a number as it is.
    pub(crate) fn may_end(&self) -> bool {
        matches!(self.phase, Phase::Zero | Phase::Integer | Phase::Fraction | Phase::Exponent)
    }
}

/// The end of a number that has no exponent, and something behind it. Most are of this kind, and to go through
/// the phases takes half as long again.
#[inline(always)]
pub(crate) fn end_of_simple(bytes: &[u8], at: usize, limits: &Limits) -> Option<usize> {
    let integer = at + usize::from(bytes[at] == b'-');
    let mut end = digits(bytes, integer);
    if end == integer || bytes[integer] == b'0' && end > integer + 1 {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        let fraction = end + 1;
        end = digits(bytes, fraction);
        if end == fraction {
            return None;
        }
    }
    let has_exponent = matches!(bytes.get(end)?, b'e' | b'E');
    (!has_exponent && end - at <= limits.number_bytes).then_some(end)
}

/// The end of the digits from `at` on; without a branch for each of them, as how many there are cannot be foreseen.
#[inline(always)]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes.get(at..at + 8) {
        let eight = u64::from_le_bytes(eight.try_into().expect("they are eight"));
        // A digit is 0x30 to 0x39: its high half is 3, also after 6 is added.
        let others = (eight & HIGH_HALVES | (eight.wrapping_add(SIXES) & HIGH_HALVES) >> 4) ^ THREES;
        let count = others.trailing_zeros() as usize / 8;
        at += count;
        if count < 8 {
            return at;
        }
    }
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

const ONES: u64 = u64::MAX / 0xff;
const HIGH_HALVES: u64 = ONES * 0xf0;
const SIXES: u64 = ONES * 0x06;
const THREES: u64 = ONES * 0x33;
