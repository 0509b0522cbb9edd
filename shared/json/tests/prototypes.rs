//! What `secure-json-parse` refuses, removes and leaves alone, as its readme describes it; the cases are written for this project.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use json::{Limits, Policy, clean, scan};

/// A text, and what is left of it, or `None` if nothing has to go.
const CASES: &[(&str, Option<&str>)] = &[
    (r#"{"a":5,"b":6}"#, None),
    (r#"{"a":5,"b":6,"__proto__":{"x":7}}"#, Some(r#"{"a":5,"b":6}"#)),
    (r#"{"a":5,"b":6,"__proto__":{"x":7},"c":{"d":0,"e":"text"}}"#, Some(r#"{"a":5,"b":6,"c":{"d":0,"e":"text"}}"#)),
    (r#"{"a":5,"c":{"d":0,"__proto__":{"y":8}}}"#, Some(r#"{"a":5,"c":{"d":0}}"#)),
    (r#"[{"__proto__":1},{"a":[{"__proto__":1}]}]"#, Some(r#"[{},{"a":[{}]}]"#)),
    (r#"{"__proto__":null}"#, Some("{}")),
    (r#"{"\u005f_proto__":1,"a":2}"#, Some(r#"{"a":2}"#)),
    (r#"{"_\u005fp\u0072oto__":1,"a":2}"#, Some(r#"{"a":2}"#)),
    (r#"{"_\u005Fproto\u005F_":1,"a":2}"#, Some(r#"{"a":2}"#)),
    ("{\"__proto__\"\t\r\n :1,\"a\":2}", Some(r#"{"a":2}"#)),
    (r#"{"a":"__proto__","b":["__proto__"],"__prot__":1,"x__proto__":2}"#, None),
    (r#"{"a":1,"constructor":{"prototype":{"b":1}}}"#, Some(r#"{"a":1}"#)),
    (r#"{"a":1,"c\u006Fnstructor":{"pr\u006ftotype":{"b":1}}}"#, Some(r#"{"a":1}"#)),
    (r#"{"a":{"constructor":{"x":1,"prototype":null}}}"#, Some(r#"{"a":{}}"#)),
    (r#"{"constructor":{"b":1}}"#, None),
    (r#"{"constructor":"prototype"}"#, None),
    (r#"{"constructor":null}"#, None),
    (r#"{"constructor":{"__proto__":1}}"#, Some(r#"{"constructor":{}}"#)),
    (r#"{"prototype":{"constructor":{}}}"#, None),
];

#[test]
fn ok_refused_removed_or_ignored() {
    let with = |prototypes| Limits { prototypes, ..Limits::default() };
    for (text, rest) in CASES {
        assert_eq!(scan(text.as_bytes(), &with(Policy::Refuse), &mut ()).is_err(), rest.is_some(), "{text}");
        assert!(scan(text.as_bytes(), &with(Policy::Allow), &mut ()).is_ok(), "{text}");
        let (cleaned, dropped) = clean(text.as_bytes(), &with(Policy::Drop)).unwrap();
        assert_eq!((&*cleaned, dropped.is_empty()), (rest.unwrap_or(text).as_bytes(), rest.is_none()), "{text}");
    }
}

#[test]
fn err_a_byte_order_mark_is_no_json() {
    assert!(scan("\u{feff}{}".as_bytes(), &Limits::default(), &mut ()).is_err());
}
