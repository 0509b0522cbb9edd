use json::Limits;
use serde_json::{Map, Value};

use super::*;
use crate::{Bound, DataType, Format, Generated, Matcher, VIOLATIONS_MAX};

const INTEGER: DataType<'_> = DataType::Integer(i32::MIN as i64, i32::MAX as i64);

fn rules() -> [Vec<Rule>; 5] {
    let texts = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect();
    [
        vec![Rule::Required, Rule::Min(Bound::new("1").unwrap()), Rule::Max(Bound::new("10").unwrap())],
        vec![Rule::Format(Format::Email), Rule::MaxLength(20)],
        vec![Rule::Pattern(Matcher::new("^[a-z/]+$").unwrap()), Rule::MinLength(2)],
        vec![Rule::OneOf(texts(&["draft", "published"]))],
        vec![Rule::TogetherWith(texts(&["zip", "street"]))],
    ]
}

/// What an operator asks.
fn asked(rules: &[Vec<Rule>; 5]) -> Vec<Column<'_>> {
    let names = ["rating", "email", "a/b~c", "state", "city"];
    names.into_iter().zip(rules).map(|(name, rules)| Column { name, declared: None, rules }).collect()
}

/// What a catalog says.
fn declared() -> Vec<Column<'static>> {
    let column = |name, data_type: DataType<'static>, refuses_null, is_filled, generated| {
        let declared = Declared { type_name: "integer", data_type, refuses_null, is_filled, generated };
        Column { name, declared: Some(declared), rules: &[] }
    };
    vec![
        column("id", INTEGER, true, true, Some(Generated::Identity)),
        column("n", INTEGER, true, false, None),
        column("d", INTEGER, true, true, None),
        column("tags", DataType::Array, false, false, None),
        column("sum", INTEGER, false, false, Some(Generated::Expression)),
    ]
}

fn violations(mut check: Check<'_>, text: &str) -> Violations {
    json::scan(text.as_bytes(), &Limits::default(), &mut check).unwrap();
    check.violations()
}

fn listed(violations: &Violations) -> Vec<(&str, &str)> {
    violations.listed.iter().map(|violation| (&*violation.pointer, violation.rule)).collect()
}

#[track_caller]
fn check(write: Write, text: &str, expected: &[(&str, &str)]) {
    let rules = rules();
    let found = violations(Check::new("films", write, asked(&rules), None), text);
    assert_eq!(listed(&found), expected, "{text}");
}

#[track_caller]
fn check_declared(write: Write, taken: Option<&[&str]>, text: &str, expected: &[(&str, &str, &str)]) {
    let taken = taken.map(|names| names.iter().map(|name| name.to_string()).collect::<Vec<_>>());
    let found = violations(Check::new("films", write, declared(), taken.as_deref()), text);
    let found: Vec<_> = found.listed.iter().map(|found| (&*found.pointer, found.code, &*found.message)).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn ok_rows() {
    for text in [
        r#"{"rating": 5}"#,
        r#"[]"#,
        r#"[{"rating": "5.5", "email": "a@b.c", "a/b~c": "xy", "state": "draft"}, {"rating": 1e1, "email": null}]"#,
        r#"{"rating": 10, "city": "x", "zip": 1, "street": false, "other": {"rating": [0], "email": ""}}"#,
        r#"{"rating": 1, "city": null, "zip": null}"#,
        r#"{"rating": 1, "email": "a\u0040b.c"}"#,
        "5",
    ] {
        check(Write::Insert, text, &[]);
    }
    check(Write::Update, "{}", &[]);
}

#[test]
fn err_every_violation_has_its_pointer() {
    check(
        Write::Insert,
        r#"[{"email": "x", "rating": 0}, {"rating": null}, 5, {"state": "Draft", "a/b~c": "!"}, {"rating": {"rating": 3}}]"#,
        &[
            ("/0/email", "format"),
            ("/0/rating", "min"),
            ("/1/rating", "required"),
            ("/3/state", "one-of"),
            ("/3/a~1b~0c", "pattern"),
            ("/3/a~1b~0c", "min-length"),
            ("/3/rating", "required"),
            ("/4/rating", "min"),
        ],
    );
    check(
        Write::Insert,
        r#"{"rating": true, "city": [1]}"#,
        &[("/rating", "min"), ("/rating", "max"), ("/city", "together-with")],
    );
    check(Write::Update, r#"{"rating": null, "zip": 1}"#, &[("/rating", "required"), ("/city", "together-with")]);
    check(Write::Update, r#"{"city": "x", "zip": 1, "street": null}"#, &[("/city", "together-with")]);
}

#[test]
fn ok_members_that_mean_nothing() {
    let rules = rules();
    let taken = ["rating".to_owned()];
    let found = violations(
        Check::new("films", Write::Insert, asked(&rules), Some(&taken)),
        r#"[{"rating": 1, "email": "x", "city": 1}, {"email": "x"}]"#,
    );
    assert_eq!(listed(&found), [("/1/rating", "required")]);
}

#[test]
fn err_what_postgres_would_refuse() {
    let null = |column| format!("null value in column \"{column}\" of relation \"films\" violates not-null constraint");
    check_declared(Write::Insert, None, r#"{"n": 1, "tags": [1, "x"]}"#, &[]);
    check_declared(Write::Update, None, r#"{"tags": null}"#, &[]);
    check_declared(
        Write::Insert,
        None,
        r#"[{"n": 1, "d": null}, {"d": 2}, {"n": "x", "tags": 5}]"#,
        &[
            ("/0/d", "23502", &null("d")),
            ("/1/n", "23502", &null("n")),
            ("/2/n", "22P02", "invalid input syntax for type integer: \"x\""),
            ("/2/tags", "22P02", "expected JSON array"),
        ],
    );
    check_declared(
        Write::Insert,
        None,
        r#"{"id": null, "sum": 1, "n": 1}"#,
        &[
            ("/id", "428C9", "cannot insert a non-DEFAULT value into column \"id\""),
            ("/sum", "428C9", "cannot insert a non-DEFAULT value into column \"sum\""),
        ],
    );
    check_declared(
        Write::Update,
        None,
        r#"{"id": 1, "n": null}"#,
        &[("/id", "428C9", "column \"id\" can only be updated to DEFAULT"), ("/n", "23502", &null("n"))],
    );
    check_declared(Write::Insert, Some(&["d"]), r#"{"id": 1, "n": 1}"#, &[("/n", "23502", &null("n"))]);
}

#[test]
fn ok_many_violations_are_counted() {
    let rows = |count: usize| format!("[{}]", vec![r#"{"rating":0}"#; count].join(","));
    let found = |count| {
        let rules = rules();
        let found = violations(Check::new("films", Write::Insert, asked(&rules), None), &rows(count));
        (found.listed.len(), found.more)
    };
    assert_eq!(found(VIOLATIONS_MAX), (VIOLATIONS_MAX, 0));
    assert_eq!(found(VIOLATIONS_MAX + 3), (VIOLATIONS_MAX, 3));
}

#[test]
fn err_too_much_text_for_patterns() {
    let rules = [Rule::Pattern(Matcher::new("^a*$").unwrap())];
    let Rule::Pattern(matcher) = &rules[0] else { unreachable!() };
    let value = "a".repeat(pattern::TEXT_BYTES_MAX);
    let fitting = (PATTERN_WORK_MAX / matcher.work(&value)) as usize;
    let found = |count: usize| {
        let text = format!("[{}]", vec![format!(r#"{{"x":"{value}"}}"#); count].join(","));
        let columns = vec![Column { name: "x", declared: None, rules: &rules }];
        violations(Check::new("films", Write::Insert, columns, None), &text).listed
    };
    assert_eq!(found(fitting), []);
    let last = found(fitting + 1);
    assert_eq!((last.len(), &*last[0].pointer, &*last[0].message), (1, &*format!("/{fitting}/x"), OUT_OF_WORK));
}

/// The same rules, on a tree.
fn on_a_tree(rules: &[Vec<Rule>; 5], write: Write, text: &Value) -> Vec<(String, &'static str)> {
    let rows: Vec<(String, &Map<String, Value>)> = match text {
        Value::Object(row) => vec![(String::new(), row)],
        Value::Array(rows) => {
            rows.iter().enumerate().filter_map(|(at, row)| Some((format!("/{at}"), row.as_object()?))).collect()
        }
        _ => vec![],
    };
    let mut found = Vec::new();
    for (prefix, row) in rows {
        for Column { name, rules, .. } in asked(rules) {
            let pointer = format!("{prefix}/{}", name.replace('~', "~0").replace('/', "~1"));
            let is_valued = |name: &str| row.get(name).is_some_and(|value| !value.is_null());
            let text = match row.get(name) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(Some(text.clone())),
                Some(Value::Array(_) | Value::Object(_)) => Some(None),
                Some(other) => Some(Some(other.to_string())),
            };
            let mut is_over = false;
            for rule in rules {
                let is_broken = match (rule, &text) {
                    (Rule::Required, None) => write == Write::Insert || row.contains_key(name),
                    (Rule::TogetherWith(others), _) => {
                        let count =
                            others.iter().filter(|other| is_valued(other)).count() + usize::from(is_valued(name));
                        count != 0 && count != others.len() + 1
                    }
                    (rule, Some(Some(text))) => !rule.holds(text),
                    (Rule::Required, Some(None)) | (_, None) => false,
                    (_, Some(None)) => !std::mem::replace(&mut is_over, true),
                };
                if is_broken {
                    found.push((pointer.clone(), rule.name()));
                }
            }
        }
    }
    found.sort();
    found
}

fn random_text() -> String {
    let names = ["rating", "email", "a/b~c", "state", "city", "zip", "street", "x"];
    let values = [
        "null",
        "1",
        "0",
        "\"5\"",
        "11e0",
        "true",
        "[]",
        "[{\"rating\":1}]",
        "{\"city\":2}",
        "\"a@b\"",
        "\"ab\"",
        "\"draft\"",
        "\"\\u0061/\"",
        "\"\"",
    ];
    let row = || {
        let members = names.iter().filter(|_| fastrand::bool());
        let members = members.map(|name| format!("\"{name}\":{}", values[fastrand::usize(..values.len())]));
        format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
    };
    match fastrand::u8(..4) {
        0 => row(),
        _ => {
            let rows = (0..fastrand::usize(..4)).map(|_| if fastrand::u8(..9) == 0 { "7".into() } else { row() });
            format!("[{}]", rows.collect::<Vec<_>>().join(","))
        }
    }
}

#[test]
fn ok_the_same_as_on_a_tree_in_chunks_of_every_size() {
    let rules = rules();
    for round in 0..3000 {
        let text = random_text();
        let write = if round % 2 == 0 { Write::Insert } else { Write::Update };
        let expected = on_a_tree(&rules, write, &serde_json::from_str(&text).unwrap());
        for size in [1 + round % 7, text.len()] {
            let mut check = Check::new("films", write, asked(&rules), None);
            let mut scanner = json::Scanner::new(&Limits::default());
            text.as_bytes().chunks(size).for_each(|chunk| scanner.feed(chunk, &mut check).unwrap());
            scanner.finish(&mut check).unwrap();
            let found = check.violations();
            let mut found: Vec<_> = found.listed.into_iter().map(|found| (found.pointer, found.rule)).collect();
            found.sort();
            assert_eq!(found, expected, "{text} in chunks of {size}");
        }
    }
}
