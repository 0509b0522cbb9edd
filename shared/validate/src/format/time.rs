//! Dates and times, RFC 3339 §5.6.
//!
//! ```text
//! full-date    = 4DIGIT "-" 2DIGIT "-" 2DIGIT
//! partial-time = 2DIGIT ":" 2DIGIT ":" 2DIGIT [ "." 1*DIGIT ]
//! time-offset  = "Z" / ( "+" / "-" ) 2DIGIT ":" 2DIGIT
//! full-time    = partial-time time-offset
//! date-time    = full-date "T" full-time        ; "t" and "z" are the same
//! ```

const MINUTES_OF_DAY: i32 = 24 * 60;

pub(super) fn is_date(text: &str) -> bool {
    text.len() == 10 && is_real_date(text) == Some(true)
}

pub(super) fn is_date_time(text: &str) -> bool {
    text.split_once(['T', 't']).is_some_and(|(date, time)| is_date(date) && is_time(time))
}

pub(super) fn is_time(text: &str) -> bool {
    time(text.as_bytes()).is_some()
}

/// Whether the date that a text begins with is in the calendar; `None` if it begins with no `full-date`.
pub(crate) fn is_real_date(text: &str) -> Option<bool> {
    let date: &[u8; 10] = text.as_bytes().first_chunk()?;
    let [c1, c2, y1, y2, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let year = number(c1, c2)? * 100 + number(y1, y2)?;
    let (month, day) = (number(m1, m2)?, number(d1, d2)?);
    Some((1..=days(year, month)).contains(&day))
}

/// Those of a month, RFC 3339 §5.7; none of a month that is not there.
fn days(year: i32, month: i32) -> i32 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn time(text: &[u8]) -> Option<()> {
    let (&[h1, h2, b':', m1, m2, b':', s1, s2], mut rest) = text.split_first_chunk()? else { return None };
    if let [b'.', fraction @ ..] = rest {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        rest = fraction.get(digits..).filter(|_| digits > 0)?;
    }
    let (hour, minute, second, offset) = (number(h1, h2)?, number(m1, m2)?, number(s1, s2)?, offset(rest)?);
    let is_last_minute = || (hour * 60 + minute - offset).rem_euclid(MINUTES_OF_DAY) == MINUTES_OF_DAY - 1;
    // RFC 3339 §5.7: a leap second ends a day of UTC.
    let is_second = second < 60 || (second == 60 && is_last_minute());
    (hour < 24 && minute < 60 && is_second).then_some(())
}

/// Minutes east of UTC.
fn offset(text: &[u8]) -> Option<i32> {
    match *text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hour, minute) = (number(h1, h2)?, number(m1, m2)?);
            let minutes = hour * 60 + minute;
            (hour < 24 && minute < 60).then_some(if sign == b'-' { -minutes } else { minutes })
        }
        _ => None,
    }
}

fn number(tens: u8, ones: u8) -> Option<i32> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i32::from(byte - b'0'));
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::check;

    #[test]
    fn ok_dates() {
        check(
            is_date,
            &["2026-01-31", "2024-02-29", "2000-02-29", "0000-01-01", "9999-12-31"],
            &[
                "",
                "2026-02-29",
                "1900-02-29",
                "2026-04-31",
                "2026-13-01",
                "2026-00-01",
                "2026-01-00",
                "2026-1-01",
                "26-01-01",
                "2026/01/01",
                "2026-01-01 ",
                "2026-01-1৪",
                "+026-01-01",
            ],
        );
    }

    #[test]
    fn ok_times() {
        check(
            is_time,
            &[
                "00:00:00Z",
                "23:59:59.999z",
                "12:30:00+05:30",
                "12:30:00.1-23:59",
                "23:59:60Z",
                "01:29:60+01:30",
                "23:29:60.5-00:30",
            ],
            &[
                "",
                "12:30:00",
                "12:30Z",
                "24:00:00Z",
                "12:60:00Z",
                "12:30:61Z",
                "22:59:60Z",
                "23:59:60+01:00",
                "12:30:00.Z",
                "12:30:00+5:30",
                "12:30:00+0530",
                "12:30:00+24:00",
                "12:30:00+01:60",
                "12:30:00ZZ",
                "1২:30:00Z",
            ],
        );
    }

    /// The examples of RFC 3339 §5.8.
    #[test]
    fn ok_date_times() {
        check(
            is_date_time,
            &[
                "1985-04-12T23:20:50.52Z",
                "1996-12-19T16:39:57-08:00",
                "1990-12-31T23:59:60Z",
                "1990-12-31T15:59:60-08:00",
                "1937-01-01t12:00:27.87+00:20",
            ],
            &["1985-04-12 23:20:50Z", "1985-04-12T23:20:50", "1985-04-12", "T", "1985-04-12TT23:20:50Z"],
        );
    }
}
