//! What an edge asks of its gateway, and what that answers: the value of the header `Headland-Limit`.
//!
//! ```text
//! asks   = ask *( ", " ask )                    ; at most ASKS_MAX
//! ask    = key ";q=" requests ";w=" window ";b=" burst
//! key    = %x22 16( DIGIT / %x61-66 ) %x22      ; a caller's number
//! told   = owed *( ", " owed )                  ; in the order of the asks
//! owed   = 1*DIGIT                              ; nanoseconds until all is forgotten
//! ```
//!
//! Both are lists of structured fields (RFC 9651 §3.1). What is asked is read in the form in which it is written here.

use std::fmt::{Arguments, Write};
use std::time::Duration;

use crate::{ASKS_MAX, Ask, Quota, Standing};

/// Writes what is asked.
pub fn write_asks(asks: &[Ask]) -> String {
    let mut text = String::new();
    for Ask { key, quota } in asks {
        let (requests, window, burst) = (quota.requests(), quota.window(), quota.burst());
        item(&mut text, format_args!("\"{key:016x}\";q={requests};w={window};b={burst}"));
    }
    text
}

/// Reads what is asked. `None` where it is not of the grammar, has more than [`ASKS_MAX`], or a quota that is none.
pub fn read_asks(text: &str) -> Option<Vec<Ask>> {
    let asks: Option<Vec<Ask>> = text.split(", ").take(ASKS_MAX + 1).map(read_ask).collect();
    asks.filter(|asks| asks.len() <= ASKS_MAX)
}

fn read_ask(item: &str) -> Option<Ask> {
    let (key, rest) = read_key(item)?;
    let (requests, rest) = rest.strip_prefix(";q=")?.split_once(";w=")?;
    let (window, burst) = rest.split_once(";b=")?;
    let small = |text: &str| u32::try_from(number(text)?).ok();
    let quota = Quota::new(small(requests)?, small(window)?, small(burst)?)?;
    Some(Ask { key, quota })
}

/// Writes where callers are, in the order of what was asked.
pub fn write_told(standings: &[Standing]) -> String {
    let mut text = String::new();
    for standing in standings {
        item(&mut text, format_args!("{}", standing.owed().as_nanos()));
    }
    text
}

/// Reads what each of so many asks owes. `None` where it is not of the grammar, or about more or fewer.
pub fn read_told(count: usize, text: &str) -> Option<Vec<Duration>> {
    let mut owed = Vec::with_capacity(count);
    for item in text.split(',') {
        owed.push(Duration::from_nanos(number(item.strip_prefix(' ').unwrap_or(item))?));
    }
    Some(owed).filter(|owed| owed.len() == count)
}

fn item(text: &mut String, item: Arguments<'_>) {
    let comma = if text.is_empty() { "" } else { ", " };
    write!(text, "{comma}{item}").expect("text grows");
}

/// The number, and what follows it.
fn read_key(item: &str) -> Option<(u64, &str)> {
    let (key, rest) = item.strip_prefix('"')?.split_once('"')?;
    let is_key = key.len() == 16 && key.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    Some((u64::from_str_radix(key, 16).ok().filter(|_| is_key)?, rest))
}

/// Digits alone, with no zero ahead: `parse` takes that and a sign too.
fn number(text: &str) -> Option<u64> {
    let is_written = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(key: u64, requests: u32, window: u32, burst: u32) -> Ask {
        Ask { key, quota: Quota::new(requests, window, burst).expect("a quota within the limits") }
    }

    #[track_caller]
    fn check(asks: &[Ask], expected: &str) {
        assert_eq!(write_asks(asks), expected);
        assert_eq!(read_asks(expected).as_deref(), Some(asks));
    }

    #[test]
    fn ok_asks() {
        check(&[ask(0xab, 100, 60, 20)], r#""00000000000000ab";q=100;w=60;b=20"#);
        check(
            &[ask(u64::MAX, 1, 86400, 1), ask(0, 1_000_000, 1, 1)],
            r#""ffffffffffffffff";q=1;w=86400;b=1, "0000000000000000";q=1000000;w=1;b=1"#,
        );
    }

    #[test]
    fn ok_as_many_as_are_allowed() {
        let asks = vec![ask(7, 3, 2, 1); ASKS_MAX + 1];
        assert_eq!(read_asks(&write_asks(&asks[1..])).as_deref(), Some(&asks[1..]));
        assert_eq!(read_asks(&write_asks(&asks)), None);
    }

    #[test]
    fn ok_told() {
        let quota = Quota::new(10, 10, 10).expect("a quota within the limits");
        let owed = [Duration::from_nanos(1), Duration::from_secs(10)];
        let text = write_told(&owed.map(|owed| Standing::new(quota, owed)));
        assert_eq!(text, "1, 10000000000");
        assert_eq!(read_told(2, &text).as_deref(), Some(&owed[..]));
        for (count, text) in [(1, "1, 2"), (3, "1, 2"), (0, "1"), (1, ""), (1, "-1"), (1, "+1"), (1, "1.5"), (1, "1;a")]
        {
            assert_eq!(read_told(count, text), None, "{text}");
        }
    }

    #[test]
    fn err_what_is_not_of_the_grammar() {
        for text in [
            "",
            "search;q=1;w=1;b=1",
            r#""00000000000000ab""#,
            r#""00000000000000AB";q=1;w=1;b=1"#,
            r#""0000000000000ab";q=1;w=1;b=1"#,
            r#""+0000000000000ab";q=1;w=1;b=1"#,
            r#""00000000000000ab";w=1;q=1;b=1"#,
            r#""00000000000000ab";q=1;w=1"#,
            r#""00000000000000ab";q=+1;w=1;b=1"#,
            r#""00000000000000ab";q=01;w=1;b=1"#,
            r#""00000000000000ab";q=0;w=1;b=1"#,
            r#""00000000000000ab";q=1;w=1;b=2"#,
            r#""00000000000000ab";q=1;w=1;b=1;x"#,
            r#""00000000000000ab";q=1;w=1;b=1,"00000000000000ab";q=1;w=1;b=1"#,
            r#""00000000000000ab";q=99999999999;w=1;b=1"#,
        ] {
            assert_eq!(read_asks(text), None, "{text}");
        }
    }
}
