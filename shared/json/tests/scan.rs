//! What is refused and where, and what a visitor is told.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use json::{Container, Error, Interest, Limits, Policy, Scalar, Scanner, Visitor, scan};

/// Writes down all that it is told.
#[derive(Default, PartialEq, Debug)]
struct Log(Vec<String>);

impl Visitor for Log {
    fn interest(&self) -> Interest {
        Interest::ALL
    }

    fn enter(&mut self, container: Container, offset: usize) {
        self.0.push(format!("{offset} {}", if container == Container::Array { "[" } else { "{" }));
    }

    fn leave(&mut self, container: Container, offset: usize) {
        self.0.push(format!("{offset} {}", if container == Container::Array { "]" } else { "}" }));
    }

    fn name(&mut self, name: &[u8], place: usize) {
        self.0.push(format!("{place} {}", String::from_utf8_lossy(name)));
    }

    fn scalar(&mut self, scalar: Scalar, text: &[u8], offset: usize) {
        self.0.push(format!("{offset} {scalar:?} {}", String::from_utf8_lossy(text)));
    }
}

/// Scans in chunks of a size.
fn chunked(text: &[u8], size: usize, limits: &Limits, visitor: &mut dyn Visitor) -> Result<(), Error> {
    let mut scanner = Scanner::new(limits);
    text.chunks(size).try_for_each(|chunk| scanner.feed(chunk, visitor))?;
    scanner.finish(visitor)
}

/// The outcome, which is the same in chunks of any size.
#[track_caller]
fn outcome(text: &[u8], limits: &Limits) -> Result<Log, Error> {
    let mut log = Log::default();
    let whole = scan(text, limits, &mut log);
    let sizes = if text.len() < 1000 { 1..text.len() } else { 4095..4098 };
    for size in sizes {
        let mut other = Log::default();
        assert_eq!(chunked(text, size, limits, &mut other), whole, "{} in {size}s", String::from_utf8_lossy(text));
        assert_eq!(other, log, "{} in {size}s", String::from_utf8_lossy(text));
        assert_eq!(chunked(text, size, limits, &mut ()), whole);
    }
    whole.map(|()| log)
}

#[track_caller]
fn told(text: &str, expected: &[&str]) {
    assert_eq!(outcome(text.as_bytes(), &Limits::default()).unwrap().0, expected, "{text}");
}

#[track_caller]
fn refused_by(limits: Limits, text: &str, expected: &str) {
    assert_eq!(outcome(text.as_bytes(), &limits).unwrap_err().to_string(), expected, "{text}");
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    refused_by(Limits::default(), text, expected);
}

#[track_caller]
fn accepted(limits: Limits, text: &str) {
    assert!(outcome(text.as_bytes(), &limits).is_ok(), "{text}");
}

#[test]
fn ok_what_is_told() {
    told(" -1.5e+3 ", &["8 Number -1.5e+3"]);
    told(
        r#"["a\n",true,false,null,[]]"#,
        &["0 [", "6 Text a\\n", "11 True ", "17 False ", "22 Null ", "23 [", "25 ]", "26 ]"],
    );
    told(
        r#"{"a":{"b":0},"\u0063":"d"}"#,
        &["0 {", "0 a", "5 {", "0 b", "11 Number 0", "12 }", "1 c", "25 Text d", "26 }"],
    );
}

#[test]
fn ok_names_of_objects_that_are_nearly_alike() {
    let names = |text: &str| {
        let log = outcome(text.as_bytes(), &Limits::default()).unwrap().0;
        let is_name = |line: &&String| line.contains(['a', 'b', 'c', 'd']) && !line.contains('N');
        log.iter().filter(is_name).cloned().collect::<Vec<_>>()
    };
    let pairs = r#"[{"a":1,"b":2}, {"a" :3, "b":4}, {"b":5,"a":6}, {"b":7,"a":8}, {"b":9}, {}, {"b":1,"c":2}]"#;
    assert_eq!(names(pairs), ["0 a", "1 b", "0 a", "1 b", "0 b", "1 a", "0 b", "1 a", "0 b", "0 b", "1 c"]);
    let long = r#"[{"a long name":1}, {"a long nama":1}, {"\u0061 long nama":1}, {"a long nama":1}, {"a long nam":1}]"#;
    assert_eq!(names(long), ["0 a long name", "0 a long nama", "0 a long nama", "0 a long nama", "0 a long nam"]);
    assert!(scan(br#"[{"a":1},{"a"b":1}]"#, &Limits::default(), &mut ()).is_err());
    assert!(scan(br#"[{"a\"b":1},{"a"b":1}]"#, &Limits::default(), &mut ()).is_err());
}

#[test]
fn err_places() {
    refused("", "the text ends too early (at byte 0)");
    refused(r#"{"a": [1, {"b/~": tru}]}"#, "`true` is expected (at byte 21, in /a/1/b~1~0)");
    refused(r#"{"a" 1}"#, "`:` is expected (at byte 5, in /a)");
    refused(r#"{"a":1 "b":2}"#, "`,` or `}` is expected (at byte 7, in /a)");
    refused("[1 2]", "`,` or `]` is expected (at byte 3, in /0)");
    refused("[1,]", "a value is expected (at byte 3, in /1)");
    refused(r#"{"a":1,}"#, "the name of a member is expected (at byte 7, in /a)");
    refused("[1]]", "something follows the end of the value (at byte 3)");
    refused("{\"a\n\":1}", "a control character has to be escaped (at byte 3)");
    refused("[01]", "`,` or `]` is expected (at byte 2, in /0)");
    refused("[1.]", "a digit is expected (at byte 3, in /0)");
    refused("-", "the text ends too early (at byte 1)");
}

#[test]
fn err_prototypes_in_any_spelling() {
    refused(r#"[{"__proto__":1}]"#, "`__proto__` is not taken (at byte 2, in /0/__proto__)");
    refused(r#"{"a":{"\u005f\u005Fpr\u006fto__":1}}"#, "`__proto__` is not taken (at byte 6, in /a/__proto__)");
    let expected = "`constructor` with `prototype` is not taken (at byte 16, in /constructor/prototype)";
    refused(r#"{"constructor": {"prototype":1}}"#, &expected.replace("16", "17"));
    refused(
        r#"[{"constructor":1},{"a":{"prototype":1}},{"constructor":{"prototype":1}}]"#,
        "`constructor` with `prototype` is not taken (at byte 57, in /2/constructor/prototype)",
    );
    for harmless in [
        r#"{"constructor":1}"#,
        r#"{"constructor":[{"prototype":1}]}"#,
        r#"{"constructor":{"a":{"prototype":1}}}"#,
        r#"{"prototype":{"constructor":1}}"#,
        r#"["__proto__"]"#,
        r#"{"__proto__ ":1,"proto":1,"__PROTO__":1}"#,
    ] {
        accepted(Limits::default(), harmless);
    }
    let allowing = Limits { prototypes: Policy::Allow, ..Limits::default() };
    accepted(allowing, r#"{"__proto__":1,"constructor":{"prototype":1}}"#);
}

#[test]
fn err_duplicates() {
    refused(r#"{"a":1,"b":2,"a":3}"#, "this name is there twice (at byte 13, in /a)");
    refused(r#"{"a":1,"\u0061":3}"#, "this name is there twice (at byte 7, in /a)");
    refused(r#"[{"a":1,"b":2},{"a":1,"b":2,"a":3}]"#, "this name is there twice (at byte 28, in /1/a)");
    refused(r#"[{"a":1,"b":2},{"a":1,"a":2}]"#, "this name is there twice (at byte 22, in /1/a)");
    accepted(Limits::default(), r#"[{"a":1},{"a":{"a":1}}]"#);
    accepted(Limits { duplicates: Policy::Allow, ..Limits::default() }, r#"{"a":1,"a":2}"#);
}

#[test]
fn err_duplicates_of_large_objects() {
    for (count, twin) in [(17, 0), (17, 15), (17, 16), (40, 16), (40, 39), (500, 300)] {
        let members: Vec<String> = (0..count).map(|number| format!("\"{number}\":{number}")).collect();
        let members = members.join(",");
        accepted(Limits::default(), &format!("[{{{members}}},{{{members}}}]"));
        let expected = format!("this name is there twice (at byte {}, in /{twin})", members.len() + 2);
        refused(&format!("{{{members},\"{twin}\":0}}"), &expected);
        accepted(Limits { duplicates: Policy::Allow, ..Limits::default() }, &format!("{{{members},\"{twin}\":0}}"));
    }
}

#[test]
fn err_beyond_each_limit() {
    let limits = Limits { depth: 3, number_bytes: 5, exponent: 20, name_bytes: 4, members: 2, ..Limits::default() };
    accepted(limits, r#"[[[]]]"#);
    refused_by(limits, "[[{}, [[]]]]", "nested deeper than 3 (at byte 7, in /0/1/0)");
    accepted(limits, "[-1234,1e20,1e-20,1E+20]");
    refused_by(limits, "[1.23456]", "a number of more bytes than 5 (at byte 7, in /0)");
    refused_by(limits, "[1,2e21]", "an exponent beyond 20 (at byte 6, in /1)");
    accepted(limits, r#"{"abcd":1}"#);
    refused_by(limits, r#"{"abcde":1}"#, "a name of more bytes than 4 (at byte 7)");
    accepted(limits, r#"{"a":1,"b":2}"#);
    refused_by(limits, r#"{"a":1,"b":2,"c":3}"#, "an object of more members than 2 (at byte 13, in /b)");
}

#[test]
fn ok_time_does_not_grow_with_the_square() {
    let members: Vec<String> = (0..100_000).map(|number| format!("\"{number}\":0")).collect();
    accepted(Limits::default(), &format!("{{{}}}", members.join(",")));
    let limits = Limits { duplicates: Policy::Allow, ..Limits::default() };
    accepted(limits, &format!("{{{}}}", vec!["\"a\":0"; 100_000].join(",")));
}

/// A text is accepted exactly if `serde_json` takes it too, but for what is ours alone.
#[test]
fn ok_like_serde_json() {
    let seed = 7;
    let mut random = fastrand::Rng::with_seed(seed);
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"a\"",
        "\"b\\n\"",
        "\"\\u00e9\"",
        "1",
        "-0",
        "1.5e3",
        "0",
        "true",
        "null",
        " ",
        "\"",
        "\\",
        "\"a\":",
        "\"é\":1",
        ".",
        "e",
        "-",
        "\"\\ud800\"",
        "fals",
        "{\"c\":2}",
        "[3]",
        "\u{1}",
        "tru",
    ];
    let mut valid = 0;
    for _ in 0..300_000 {
        let text: String = (0..random.usize(1..8)).map(|_| *random.choice(&pieces).unwrap()).collect();
        let limits = Limits { duplicates: Policy::Allow, ..Limits::default() };
        let theirs = match serde_json::from_str::<serde_json::Value>(&text) {
            // Numbers that are no `f64` are numbers here.
            Err(error) if error.to_string().contains("out of range") => continue,
            outcome => outcome.is_ok(),
        };
        let ours = scan(text.as_bytes(), &limits, &mut ()).is_ok();
        assert_eq!(ours, theirs, "{text}");
        let size = random.usize(1..5);
        assert_eq!(chunked(text.as_bytes(), size, &limits, &mut ()).is_ok(), ours, "{text} in {size}s");
        valid += usize::from(ours);
    }
    assert!(valid > 10_000, "{valid}");
}
