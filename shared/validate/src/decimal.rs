//! Numbers as they are spelled, compared without a loss.

use std::cmp::Ordering;

/// A number in its decimal notation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal<'a> {
    is_negative: bool,
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i32,
}

impl<'a> Decimal<'a> {
    /// Reads `[sign] digits [. digits] [e [sign] digits]` with white space around; one side of the point may be empty.
    pub(crate) fn parse(text: &'a str) -> Option<Decimal<'a>> {
        let text = text.as_bytes().trim_ascii();
        let (is_negative, unsigned) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        let (integer, rest) = split_digits(unsigned);
        let (fraction, rest) = rest.strip_prefix(b".").map_or((&[][..], rest), split_digits);
        let exponent = match rest {
            [] => 0,
            [b'e' | b'E', exponent @ ..] => str::from_utf8(exponent).ok()?.parse().ok()?,
            _ => return None,
        };
        let has_digits = integer.len() + fraction.len() > 0;
        has_digits.then_some(Decimal { is_negative, integer, fraction, exponent })
    }

    /// Digits in front of the decimal point, written out; 0 and less for what is below 1. `None` is zero.
    pub(crate) fn magnitude(&self) -> Option<i64> {
        let place = self.integer.iter().chain(self.fraction).position(|digit| *digit != b'0')?;
        Some(self.integer.len() as i64 - place as i64 + i64::from(self.exponent))
    }

    pub(crate) fn compare(&self, other: &Decimal<'_>) -> Ordering {
        match self.sign().cmp(&other.sign()) {
            Ordering::Equal if self.is_negative => other.compare_size(self),
            Ordering::Equal => self.compare_size(other),
            unequal => unequal,
        }
    }

    fn sign(&self) -> i8 {
        match self.magnitude() {
            None => 0,
            Some(_) if self.is_negative => -1,
            Some(_) => 1,
        }
    }

    fn compare_size(&self, other: &Decimal<'_>) -> Ordering {
        let longest = self.integer.len() + self.fraction.len() + other.integer.len() + other.fraction.len();
        let (ours, others) = (self.digits().take(longest), other.digits().take(longest));
        self.magnitude().cmp(&other.magnitude()).then_with(|| ours.cmp(others))
    }

    /// From the first digit that counts, with zeros behind the last one.
    fn digits(&self) -> impl Iterator<Item = u8> {
        let digits = self.integer.iter().chain(self.fraction).copied();
        digits.skip_while(|digit| *digit == b'0').chain(std::iter::repeat(b'0'))
    }
}

/// The digits that a text begins with, and what is behind them.
fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| byte.is_ascii_digit()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expected: Ordering) {
        let parse = |text| Decimal::parse(text).expect("a number");
        assert_eq!(parse(one).compare(&parse(other)), expected, "{one} and {other}");
        assert_eq!(parse(other).compare(&parse(one)), expected.reverse(), "{other} and {one}");
    }

    #[test]
    fn ok_equal() {
        for (one, other) in [
            ("1", " 1.0\t"),
            ("-0", "0.000e5"),
            ("100", "1e2"),
            ("+12.5", "1250E-2"),
            (".5", "5e-1"),
            ("7.", "007"),
            ("0.00012", "1.2e-4"),
        ] {
            check(one, other, Ordering::Equal);
        }
    }

    #[test]
    fn ok_less() {
        for (one, other) in [
            ("1", "2"),
            ("9", "10"),
            ("-10", "-9"),
            ("-1", "0"),
            ("0", "1e-300"),
            ("-1e-300", "0"),
            ("1.09", "1.1"),
            ("1", "1.0000000000000000000000000000001"),
            ("9007199254740992", "9007199254740993"),
            ("99e9", "1e11"),
            ("-1e1000", "1e-1000"),
        ] {
            check(one, other, Ordering::Less);
        }
    }

    #[test]
    fn ok_as_f64_says() {
        for _ in 0..10_000 {
            let number = || f64::from(fastrand::i32(-2000..2000)) / 16.0;
            let (one, other) = (number(), number());
            check(&format!("{one:e}"), &other.to_string(), one.total_cmp(&other));
        }
    }

    #[test]
    fn err_no_number() {
        for text in ["", " ", "+", ".", "1x", "1 2", "0x1", "1_000", "NaN", "1e", "1e1.5", "--1", "e5", "1e99999999999"]
        {
            assert!(Decimal::parse(text).is_none(), "{text:?}");
        }
    }
}
