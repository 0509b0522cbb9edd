//! Which rows: `limit` and `offset`, and the header `Range: 0-9`.

use http::header::RANGE;
use http::{HeaderMap, Method};

use crate::error::{Error, ErrorKind, RangeError};

/// Rows in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Range {
    /// How many rows are skipped.
    pub(crate) offset: u64,
    /// How many rows are taken at most; `None` is all.
    pub(crate) limit: Option<u64>,
}

/// `limit` and `offset` as they were given; negative numbers are possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LimitOffset {
    pub(crate) limit: Option<i64>,
    pub(crate) offset: Option<i64>,
}

/// Row numbers from 0, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rows {
    lower: i64,
    upper: i64,
}

const ALL: Rows = Rows { lower: 0, upper: i64::MAX };

impl Range {
    /// Whether every row is asked for.
    pub(crate) fn is_all(self) -> bool {
        self == Range::default()
    }

    /// The same rows, but at most `rows_max`.
    pub(crate) fn at_most(self, rows_max: Option<u64>) -> Range {
        let limit = match (self.limit, rows_max) {
            (Some(limit), Some(rows_max)) => Some(limit.min(rows_max)),
            (limit, rows_max) => limit.or(rows_max),
        };
        Range { limit, ..self }
    }
}

impl LimitOffset {
    /// The rows of an embedded relation.
    pub(crate) fn range(self) -> Result<Range, Error> {
        combine(ALL, self)
    }
}

/// The rows of the relation itself. Only GET knows `Range` (RFC 9110, section 14.2).
pub(super) fn requested(method: &Method, headers: &HeaderMap, limit_offset: LimitOffset) -> Result<Range, Error> {
    let header = if method == Method::GET { headers.get(RANGE) } else { None };
    let rows = header.and_then(|value| rows(value.to_str().ok()?)).unwrap_or(ALL);
    if rows.lower > rows.upper {
        return Err(ErrorKind::InvalidRange(RangeError::LowerAboveUpper).into());
    }
    combine(rows, limit_offset)
}

/// Reads `first-last` or `first-`; anything else is ignored, as other range units are.
fn rows(value: &str) -> Option<Rows> {
    let (lower, upper) = value.split_once('-')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if lower.is_empty() || !is_number(lower) || !is_number(upper) {
        return None;
    }
    let upper = if upper.is_empty() { i64::MAX } else { integer(upper)? };
    Some(Rows { lower: integer(lower)?, upper })
}

fn combine(rows: Rows, LimitOffset { limit, offset }: LimitOffset) -> Result<Range, Error> {
    if limit == Some(0) {
        return Ok(Range { offset: 0, limit: Some(0) });
    }
    let first = offset.unwrap_or(0);
    let last = limit.map_or(i64::MAX, |limit| first.saturating_add(limit.saturating_sub(1)));
    let (lower, upper) = (rows.lower.max(first), rows.upper.min(last));
    if lower > upper {
        return Err(ErrorKind::InvalidRange(RangeError::NegativeLimit).into());
    }
    let limit = (upper != i64::MAX).then(|| upper.abs_diff(lower).saturating_add(1));
    Ok(Range { offset: lower.unsigned_abs(), limit })
}

/// Reads a whole number; one that is too large counts as the largest. `None` is not a number.
pub(super) fn integer(text: &str) -> Option<i64> {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    match text.trim().parse::<i64>() {
        Ok(number) => Some(number),
        Err(error) if *error.kind() == PosOverflow => Some(i64::MAX),
        Err(error) if *error.kind() == NegOverflow => Some(i64::MIN),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, limit: Option<i64>, offset: Option<i64>, expected: Result<(u64, Option<u64>), RangeError>) {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, header.parse().unwrap());
        let found = requested(&Method::GET, &headers, LimitOffset { limit, offset });
        let expected = expected.map(|(offset, limit)| Range { offset, limit });
        assert_eq!(found, expected.map_err(|error| ErrorKind::InvalidRange(error).into()));
    }

    #[test]
    fn ok_header() {
        check("0-9", None, None, Ok((0, Some(10))));
        check("10-", None, None, Ok((10, None)));
        check("5-5", None, None, Ok((5, Some(1))));
        check("0-99999999999999999999", None, None, Ok((0, None)));
        for ignored in ["", "-", "-5", "bytes=0-9", "0-9,20-29", "a-b", "+1-2"] {
            check(ignored, None, None, Ok((0, None)));
        }
    }

    #[test]
    fn ok_limit_and_offset() {
        check("", Some(3), None, Ok((0, Some(3))));
        check("", Some(3), Some(2), Ok((2, Some(3))));
        check("", None, Some(2), Ok((2, None)));
        check("", Some(0), Some(7), Ok((0, Some(0))));
        check("", None, Some(-2), Ok((0, None)));
        check("", Some(5), Some(-2), Ok((0, Some(3))));
        check("", Some(i64::MAX), Some(i64::MAX), Ok((i64::MAX as u64, None)));
    }

    #[test]
    fn ok_header_and_limit_meet() {
        check("0-9", Some(3), None, Ok((0, Some(3))));
        check("5-9", Some(7), None, Ok((5, Some(2))));
        check("0-9", None, Some(8), Ok((8, Some(2))));
    }

    #[test]
    fn err_empty() {
        check("1-0", None, None, Err(RangeError::LowerAboveUpper));
        check("", Some(-1), None, Err(RangeError::NegativeLimit));
        check("", Some(i64::MIN), Some(i64::MIN), Err(RangeError::NegativeLimit));
        check("0-1", Some(3), Some(8), Err(RangeError::NegativeLimit));
    }

    #[test]
    fn ok_numbers() {
        assert_eq!(integer(" 15 "), Some(15));
        assert_eq!(integer("99999999999999999999"), Some(i64::MAX));
        assert_eq!(integer("-99999999999999999999"), Some(i64::MIN));
        assert_eq!(integer("ten"), None);
        assert_eq!(integer(""), None);
    }
}
