//! The fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11.
//!
//! Both are lists of structured fields (RFC 9651): a string, which is the quota's name, with integers as parameters.
//! Partition keys (`pk`) are not given, because they tell one caller from another, nor units (`qu`): all are requests.

use std::fmt::Write;

use crate::{Quota, Standing};

/// Longest name of a quota, in bytes.
pub const NAME_BYTES_MAX: usize = 64;

/// Whether a quota may have this name: a string of structured fields, RFC 9651 §3.3.3.
pub fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Adds an item to `RateLimit-Policy` (§3.1). A burst that is smaller than the quota is told by a parameter of our own.
pub fn policy(field: &mut String, name: &str, quota: Quota) {
    item(field, name);
    write_to(field, format_args!(";q={};w={}", quota.requests(), quota.window()));
    if quota.burst() < quota.requests() {
        write_to(field, format_args!(";headland-burst={}", quota.burst()));
    }
}

/// Adds an item to `RateLimit` (§4.1).
pub fn limit(field: &mut String, name: &str, standing: &Standing) {
    service_limit(field, name, standing.remaining(), standing.effective_window());
}

fn service_limit(field: &mut String, name: &str, available: u32, effective_window: u64) {
    item(field, name);
    write_to(field, format_args!(";r={available};t={effective_window}"));
}

/// A string, after a comma unless it is the first (RFC 9651 §4.1.1 and §4.1.6).
fn item(field: &mut String, name: &str) {
    field.push_str(if field.is_empty() { "\"" } else { ", \"" });
    for character in name.chars() {
        if matches!(character, '"' | '\\') {
            field.push('\\');
        }
        field.push(character);
    }
    field.push('"');
}

fn write_to(field: &mut String, text: std::fmt::Arguments<'_>) {
    field.write_fmt(text).expect("text grows");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn policies(items: &[(&str, u32, u32)], expected: &str) {
        let mut field = String::new();
        for (name, requests, window) in items {
            policy(&mut field, name, Quota::new(*requests, *window, *requests).expect("within the limits"));
        }
        assert_eq!(field, expected);
    }

    #[track_caller]
    fn limits(items: &[(&str, u32, u64)], expected: &str) {
        let mut field = String::new();
        items.iter().for_each(|(name, available, window)| service_limit(&mut field, name, *available, *window));
        assert_eq!(field, expected);
    }

    /// The draft's examples without `pk` and `qu`. Where it writes a comma without a space, we write the space, as RFC
    /// 9651 §4.1.1 has it.
    #[test]
    fn ok_examples_of_the_draft() {
        policies(&[("burst", 100, 60), ("daily", 1000, 86400)], r#""burst";q=100;w=60, "daily";q=1000;w=86400"#); // §3
        policies(&[("default", 100, 10)], r#""default";q=100;w=10"#); // §3.2
        policies(&[("permin", 50, 60), ("perhr", 1000, 3600)], r#""permin";q=50;w=60, "perhr";q=1000;w=3600"#); // §3.2
        limits(&[("default", 50, 30)], r#""default";r=50;t=30"#); // §4, §4.2
        limits(&[("problemPolicy", 0, 10)], r#""problemPolicy";r=0;t=10"#); // §6
        limits(&[("default", 1, 7)], r#""default";r=1;t=7"#); // §7
        limits(&[("daily", 1, 86400)], r#""daily";r=1;t=86400"#); // §8.5
        policies(&[("somepolicy", 10000, 1000)], r#""somepolicy";q=10000;w=1000"#); // §8.5
        limits(&[("somepolicy", 10000, 10)], r#""somepolicy";r=10000;t=10"#); // §8.5
        limits(&[("default", 0, 50)], r#""default";r=0;t=50"#); // B.1.1
        limits(&[("default", 0, 48)], r#""default";r=0;t=48"#); // B.1.1
        limits(&[("dayLimit", 100, 36000)], r#""dayLimit";r=100;t=36000"#); // B.1.2
        policies(&[("basic", 100, 60)], r#""basic";q=100;w=60"#); // B.1.3
        limits(&[("basic", 60, 58)], r#""basic";r=60;t=58"#); // B.1.3
        limits(&[("basic", 20, 56)], r#""basic";r=20;t=56"#); // B.1.3
        limits(&[("default", 0, 5)], r#""default";r=0;t=5"#); // B.1.4
        limits(&[("fixedwindow", 99, 50)], r#""fixedwindow";r=99;t=50"#); // B.2.1
        policies(&[("fixedwindow", 100, 60)], r#""fixedwindow";q=100;w=60"#); // B.2.1
        policies(&[("dynamic", 100, 60)], r#""dynamic";q=100;w=60"#); // B.2.2, B.3
        limits(&[("dynamic", 9, 50)], r#""dynamic";r=9;t=50"#); // B.2.2
        policies(&[("dynamic", 15, 20)], r#""dynamic";q=15;w=20"#); // B.2.3
        limits(&[("dynamic", 0, 20)], r#""dynamic";r=0;t=20"#); // B.2.3
        limits(&[("dynamic", 15, 40)], r#""dynamic";r=15;t=40"#); // B.3
        policies(&[("hour", 1000, 3600), ("day", 5000, 86400)], r#""hour";q=1000;w=3600, "day";q=5000;w=86400"#); // B.3.1
        limits(&[("day", 100, 36000)], r#""day";r=100;t=36000"#); // B.3.1
    }

    #[test]
    fn ok_names_are_strings() {
        limits(&[(r#"a"b\c ~"#, 1, 1)], r#""a\"b\\c ~";r=1;t=1"#);
    }

    #[test]
    fn ok_a_burst_is_told_where_it_is_smaller() {
        let mut field = String::new();
        policy(&mut field, "search", Quota::new(100, 60, 20).expect("within the limits"));
        assert_eq!(field, r#""search";q=100;w=60;headland-burst=20"#);
    }

    /// §4.2 again, counted: of 100 requests in a minute a caller has made 50.
    #[test]
    fn ok_a_standing() {
        let quota = Quota::new(100, 60, 100).expect("within the limits");
        let mut field = String::new();
        limit(&mut field, "default", &Standing::new(quota, std::time::Duration::from_secs(30)));
        assert_eq!(field, r#""default";r=50;t=30"#);
    }

    #[test]
    fn err_what_is_no_name() {
        assert!(is_name(&"n".repeat(NAME_BYTES_MAX)));
        for name in ["", "ü", "a\tb", "a\u{7f}", &"n".repeat(NAME_BYTES_MAX + 1)] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
