//! Leaving members out, and saying so.

use std::borrow::Cow;
use std::ops::Range;

use crate::{Error, ErrorKind, Interest, Limits, Visitor, scan};

/// A member that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Why.
    pub kind: ErrorKind,
    /// Where it was in the text: its name and its value.
    pub range: Range<usize>,
    /// Its JSON pointer.
    pub pointer: String,
}

/// The text without the members that [`crate::Policy::Drop`] is about, and what they were. A text that has none stays where it is.
///
/// # Errors
/// As [`scan`].
pub fn clean<'t>(text: &'t [u8], limits: &Limits) -> Result<(Cow<'t, [u8]>, Vec<Dropped>), Error> {
    let mut found = Found(Vec::new());
    scan(text, limits, &mut found)?;
    let Found(mut dropped) = found;
    if dropped.is_empty() {
        return Ok((text.into(), dropped));
    }
    sort::sort_by(&mut dropped, &|one, other| one.range.start.cmp(&other.range.start));
    let ranges = dropped.iter().map(|member| member.range.clone());
    Ok((without(text, ranges).into(), dropped))
}

struct Found(Vec<Dropped>);

impl Visitor for Found {
    fn interest(&self) -> Interest {
        Interest::NONE
    }

    fn dropped(&mut self, kind: ErrorKind, range: Range<usize>, pointer: String) {
        self.0.push(Dropped { kind, range, pointer });
    }
}

/// Leaves ranges out that are members, in the order of their starts, each with a comma beside it.
fn without(text: &[u8], ranges: impl Iterator<Item = Range<usize>>) -> Vec<u8> {
    let mut rest = Vec::with_capacity(text.len());
    let mut at = 0;
    // One that begins within the last one went with it.
    for Range { start, end } in ranges {
        if start < at {
            continue;
        }
        rest.extend_from_slice(&text[at..start]);
        let space = text[end..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        at = end + space;
        match text.get(at) {
            Some(b',') => at += 1,
            _ => pop_comma(&mut rest),
        }
    }
    rest.extend_from_slice(&text[at..]);
    rest
}

/// Takes a comma off the end, and the white space around it.
fn pop_comma(text: &mut Vec<u8>) {
    let kept = text.trim_ascii_end();
    if let Some(before) = kept.strip_suffix(b",") {
        text.truncate(before.trim_ascii_end().len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Policy;

    const DROP: Limits = Limits {
        prototypes: Policy::Drop,
        duplicates: Policy::Drop,
        depth: 9,
        number_bytes: 9,
        exponent: 9,
        name_bytes: 99,
        members: 99,
    };

    #[track_caller]
    fn check(text: &str, expected: &str, pointers: &[&str]) {
        let (cleaned, dropped) = clean(text.as_bytes(), &DROP).unwrap();
        assert_eq!(String::from_utf8_lossy(&cleaned), expected, "{text}");
        assert_eq!(dropped.iter().map(|member| &member.pointer).collect::<Vec<_>>(), pointers);
        let (again, dropped) = clean(&cleaned, &DROP).unwrap();
        assert!(again == cleaned && dropped.is_empty());
        serde_json::from_slice::<serde_json::Value>(&cleaned).unwrap();
    }

    #[test]
    fn ok_nothing_to_leave_out() {
        check(
            r#" {"a": {"prototype": 1}, "constructor": {"b": {"prototype": 2}}} "#,
            r#" {"a": {"prototype": 1}, "constructor": {"b": {"prototype": 2}}} "#,
            &[],
        );
    }

    #[test]
    fn ok_prototypes() {
        check(r#"{"__proto__":{"a":1}}"#, "{}", &["/__proto__"]);
        check(r#"{"a":1, "__proto__" : [1, {"b":2}] , "c":3}"#, r#"{"a":1,  "c":3}"#, &["/__proto__"]);
        check(r#"{"a":1, "\u005f_proto__" : 2 }"#, r#"{"a":1}"#, &["/__proto__"]);
        check(r#"[{"b":[{"constructor":{"a":1,"prototype":2}}]}]"#, r#"[{"b":[{}]}]"#, &["/0/b/0/constructor"]);
        check(
            r#"[{"constructor":1},{"constructor":{"prototype":2},"a":3}]"#,
            r#"[{"constructor":1},{"a":3}]"#,
            &["/1/constructor"],
        );
        check(
            r#"{"__proto__":{"__proto__":1,"a":{"a":1,"a":2}}}"#,
            "{}",
            &["/__proto__", "/__proto__/__proto__", "/__proto__/a/a"],
        );
    }

    #[test]
    fn ok_duplicates_the_first_stays() {
        check(r#"{"a":1,"b":2,"a":3,"\u0061":4}"#, r#"{"a":1,"b":2}"#, &["/a", "/a"]);
        check(r#"[{"a":1},{"a":1,"a":{}},{"a":1}]"#, r#"[{"a":1},{"a":1},{"a":1}]"#, &["/1/a"]);
        let members: Vec<String> = (0..60).map(|number| format!("\"{}\":[{number}]", number % 40)).collect();
        let first: Vec<String> = (0..40).map(|number| format!("\"{number}\":[{number}]")).collect();
        let pointers: Vec<String> = (0..20).map(|number| format!("/{number}")).collect();
        let pointers: Vec<&str> = pointers.iter().map(String::as_str).collect();
        check(&format!("{{{}}}", members.join(",")), &format!("{{{}}}", first.join(",")), &pointers);
    }
}
