//! What is refused by the catalog is what Postgres refuses, with the same code and message.

use postgrest::Error;

use super::*;
use crate::writes::Library;

/// Spelled as JSON; each is put into a column of every type.
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "5",
    "1.0",
    "1.5",
    "-0",
    "1e2",
    "1e0",
    "1.5e1",
    "12345",
    "32767",
    "32768",
    "-32768",
    "-32769",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "999.99",
    "999.994",
    "999.995",
    "1000",
    "0.0099",
    "0.01",
    "1e40",
    "1e-50",
    "1e309",
    "20261121",
    "true",
    "false",
    "[]",
    "[1]",
    "[1,\"x\"]",
    "[[1]]",
    "{}",
    "{\"a\":1}",
    r#""""#,
    r#"" ""#,
    r#""abc""#,
    r#""ab ""#,
    r#""abc  ""#,
    r#""abcd""#,
    r#""äöü""#,
    r#""äöüß""#,
    r#""\ud83d\ude00\ud83d\ude00\ud83d\ude00""#,
    r#"" 12 ""#,
    r#""+7""#,
    r#""\t7\n""#,
    r#""- 7""#,
    r#""0x1F""#,
    r#""0b1""#,
    r#""0o7""#,
    r#""0xg""#,
    r#""1_000""#,
    r#""1__0""#,
    r#""_1""#,
    r#""1_""#,
    r#""1.""#,
    r#"".5""#,
    r#"".""#,
    r#""1,5""#,
    r#""NaN""#,
    r#""nan ""#,
    r#""inf""#,
    r#""-Infinity""#,
    r#""infinit""#,
    r#""1e5""#,
    r#""1e""#,
    r#""1e+5""#,
    r#""0x1p3""#,
    r#""1x""#,
    r#""t""#,
    r#""TRUE""#,
    r#""tru""#,
    r#""truex""#,
    r#""y""#,
    r#""yes""#,
    r#""no ""#,
    r#""on""#,
    r#""o""#,
    r#""of""#,
    r#""off""#,
    r#""2""#,
    r#""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#,
    r#""{A0EEBC999C0B4EF8BB6D6BB9BD380A11}""#,
    r#""a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11""#,
    r#""a0e-ebc999c0b4ef8bb6d6bb9bd380a11""#,
    r#""a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11""#,
    r#""a0eebc999c0b4ef8bb6d6bb9bd380a11-""#,
    r#"" a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#,
    r#""2026-11-21""#,
    r#""2026-02-29""#,
    r#""2024-02-29""#,
    r#""2026-13-01""#,
    r#""2026-00-10""#,
    r#""2026-01-00""#,
    r#""0000-01-01""#,
    r#""2026-11-21T12:00:00Z""#,
    r#""2026-02-30T12:00:00Z""#,
    r#""2026-02-30 12:00""#,
    r#""2026-02-301""#,
    r#""2026-11-21T25:00:00Z""#,
    r#""20261121""#,
    r#""1/8/1999""#,
    r#""J2451187""#,
    r#""now""#,
    r#""Tomorrow""#,
    r#""-infinity""#,
    r#""epoch""#,
    r#""allballs""#,
    r#""yesterday allballs""#,
    r#""noon""#,
    r#""Nov""#,
    r#""Monday""#,
    r#""2026-11-21 BC""#,
    r#""happy""#,
    r#""Happy""#,
    r#""so so""#,
    r#""Ärger""#,
    r#""{}""#,
    r#""{1,2}""#,
    r#""{1""#,
    r#""[1,5)""#,
    r#""101""#,
    r#""10.0.0.1""#,
    "null",
];

#[test]
fn what_is_refused_is_what_postgres_refuses() {
    let Some(cluster) = Cluster::start() else { return };
    let library = rules(&cluster);
    let typed = library.catalog.relation("rules", "typed").unwrap();
    let mut refused = 0;
    for column in typed.columns() {
        // One request to Postgres for all values of a column: each in a statement of its own.
        for value in VALUES {
            let body = format!("{{\"{}\": {value}}}", column.name());
            refused += usize::from(is_refused_alike(&library, "POST typed", &body));
        }
    }
    assert!(refused > 500, "{refused} refused");
}

#[test]
fn rows_that_are_not_whole() {
    let Some(cluster) = Cluster::start() else { return };
    let library = rules(&cluster);
    for (request, body, is_refused) in [
        ("POST filled", r#"{"needed": 1, "known": "x"}"#, false),
        ("POST filled", r#"{"known": "x"}"#, true),
        ("POST filled", r#"{"needed": 1}"#, true),
        ("POST filled", r#"{"needed": null, "known": "x"}"#, true),
        ("POST filled", r#"{"needed": 1, "known": "x", "preset": null}"#, true),
        ("POST filled", r#"{"needed": 1, "known": "x", "number": null}"#, true),
        ("POST filled", r#"{"needed": 1, "known": "x", "id": 7}"#, true),
        ("POST filled", r#"{"needed": 1, "known": "x", "id": null}"#, true),
        ("POST filled", r#"{"needed": 1, "known": "x", "twice": 10}"#, true),
        ("POST filled?columns=needed,known", r#"[{"needed": 1, "known": "x", "id": 7}]"#, false),
        ("POST filled?columns=needed,known,preset", r#"[{"needed": 1, "known": "x"}]"#, true),
        ("PATCH filled?preset=eq.5", r#"{"needed": null}"#, true),
        ("PATCH filled?preset=eq.5", r#"{"id": 7}"#, true),
        ("PATCH filled?preset=eq.5", r#"{"twice": 7}"#, true),
        ("PATCH filled?preset=eq.5", r#"{"needed": 2}"#, false),
        // What is no column is told of first.
        ("POST filled", r#"{"nothing": 1}"#, false),
        ("POST nowhere", r#"{"needed": 1}"#, false),
        ("POST triggered", r#"{"id": 1}"#, false),
        ("POST triggered", r#"{"id": 2, "needed": null}"#, false),
        ("POST shown", r#"{"known": "x", "needed": 1}"#, false),
        ("POST shown", r#"{"known": "x", "needed": "y"}"#, true),
    ] {
        assert_eq!(is_refused_alike(&library, request, body), is_refused, "{request} {body}");
    }
    let prefers = [("prefer", "missing=default")];
    let body = r#"[{"needed": 1, "known": "x"}]"#;
    assert_eq!(library.checked("POST filled?columns=needed,known,preset", &prefers, body), None);
}

fn rules(cluster: &Cluster) -> Library<'_> {
    cluster.run("postgres", include_str!("rules.sql"));
    Library::new(cluster, Config { db_schemas: vec!["rules".into()], ..Config::default() })
}

/// Whether the catalog refuses a body; then Postgres refuses it in the same words.
#[track_caller]
fn is_refused_alike(library: &Library<'_>, request: &str, body: &str) -> bool {
    let Some(found) = library.checked(request, &[], body) else { return false };
    let expected = library.attempt(request, &[], body).expect_err("Postgres takes this");
    // psql shows one line, a container is told as `[…]` or `{…}`, and of a null it is not known whether a domain refused it.
    let same = |error: &Error| {
        let text = error.to_string().replace(|c: char| "[]{}…".contains(c), "");
        if error.code() == "23502" { error.code() } else { text.lines().next().unwrap_or_default().to_owned() }
    };
    let message = same(&found);
    let beginning = message.strip_suffix("\"\"").unwrap_or(&message);
    assert!(same(&expected).starts_with(beginning), "{request} {body}: {found} or {expected}");
    true
}
