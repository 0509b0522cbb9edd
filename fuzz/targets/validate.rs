//! Rows, checked whole and in chunks against rules of every kind. The first byte says how long the chunks are, and what the
//! rows are for. What is found is compared with the tree that `serde_json` makes.
#![no_main]

use std::sync::LazyLock;

use json::{Limits, Scanner};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use validate::{
    Bound, Check, Column, DataType, Declared, Format, Generated, Matcher, Rule, VIOLATIONS_MAX, Violations, Write,
};

/// The range of `rating`, and of `integer`.
const RATINGS: std::ops::RangeInclusive<f64> = 1.0..=10.0;
const INTEGERS: (i64, i64) = (i32::MIN as i64, i32::MAX as i64);

static RULES: LazyLock<Vec<(&str, Vec<Rule>)>> = LazyLock::new(|| {
    let bound = |number| Bound::new(number).expect("a number");
    let pattern = |text| Rule::Pattern(Matcher::new(text).expect("a pattern"));
    let formats = Format::names().filter_map(Format::named).map(Rule::Format);
    vec![
        ("rating", vec![Rule::Required, Rule::Min(bound("1")), Rule::Max(bound("10.0"))]),
        (
            "title",
            vec![Rule::MinLength(2), Rule::MaxLength(9), pattern("^([a-z]|é{2,3})+$"), pattern("(a*)*b|[^x-z]\\s")],
        ),
        (
            "state",
            vec![Rule::OneOf(vec!["a".into(), "b\"".into()]), Rule::TogetherWith(vec!["other".into(), "n".into()])],
        ),
        ("f", formats.collect()),
    ]
});

fn columns() -> Vec<Column<'static>> {
    let asked = RULES.iter().map(|(name, rules)| Column { name, declared: None, rules });
    let types = [
        ("n", DataType::Integer(INTEGERS.0, INTEGERS.1)),
        ("x", DataType::Number),
        ("p", DataType::Numeric { precision: 4, scale: 1 }),
        ("b", DataType::Boolean),
        ("u", DataType::Uuid),
        ("d", DataType::Date),
        ("t", DataType::Text(3)),
        ("e", DataType::Enum(vec!["a", "é"])),
        ("l", DataType::Array),
        ("g", DataType::Any),
    ];
    let declared = types.into_iter().map(|(name, data_type)| {
        let generated = (name == "g").then_some(Generated::Identity);
        let declared = Declared { type_name: name, data_type, refuses_null: name == "n", is_filled: false, generated };
        Column { name, declared: Some(declared), rules: &[] }
    });
    asked.chain(declared).collect()
}

fn check(text: &[u8], size: usize, write: Write, taken: Option<&[String]>) -> Option<Violations> {
    let mut check = Check::new("films", write, columns(), taken);
    let mut scanner = Scanner::new(&Limits::default());
    text.chunks(size).try_for_each(|chunk| scanner.feed(chunk, &mut check)).ok()?;
    scanner.finish(&mut check).ok()?;
    Some(check.violations())
}

fuzz_target!(|input: &[u8]| {
    let Some((first, text)) = input.split_first() else { return };
    let write = if first & 0x80 == 0 { Write::Insert } else { Write::Update };
    let taken = (first & 0x40 != 0).then(|| vec!["rating".to_owned(), "n".to_owned()]);
    let size = usize::from(first & 0x3f) + 1;
    let found = check(text, text.len().max(1), write, taken.as_deref());
    assert_eq!(found, check(text, size, write, taken.as_deref()));
    if let Ok(text) = str::from_utf8(text) {
        Format::names().filter_map(Format::named).for_each(|format| check_format(format, text));
    }
    let Some(found) = found else { return };
    let Ok(tree) = serde_json::from_slice::<Value>(text) else { return };
    assert!(found.listed.len() <= VIOLATIONS_MAX && (found.more == 0 || found.listed.len() == VIOLATIONS_MAX));
    for violation in &found.listed {
        let (row, _) = violation.pointer.rsplit_once('/').expect("a member");
        assert!(tree.pointer(row).is_some_and(Value::is_object), "{violation:?}");
    }
    if found.more == 0 {
        let is_found = |pointer: &str, rules: &[&str]| {
            found.listed.iter().any(|found| found.pointer == pointer && rules.contains(&found.rule))
        };
        each_row(&tree, &mut |pointer, row| check_row(pointer, row, &is_found));
    }
});

fn each_row(tree: &Value, each: &mut dyn FnMut(&str, &Value)) {
    match tree {
        Value::Object(_) => each("", tree),
        Value::Array(rows) => {
            let rows = rows.iter().enumerate().filter(|(_, row)| row.is_object());
            rows.for_each(|(place, row)| each(&format!("/{place}"), row));
        }
        _ => {}
    }
}

/// What `f64` and `i64` say of numbers is what was found.
fn check_row(pointer: &str, row: &Value, is_found: &dyn Fn(&str, &[&str]) -> bool) {
    if let Some(rating) = row["rating"].as_f64() {
        let is_refused = is_found(&format!("{pointer}/rating"), &["min", "max"]);
        // The ends may be rounded to.
        let is_at_end = rating == *RATINGS.start() || rating == *RATINGS.end();
        assert!(is_at_end || is_refused != RATINGS.contains(&rating), "{row}");
    }
    if let Some(number) = row["n"].as_i64() {
        let is_within = (INTEGERS.0..=INTEGERS.1).contains(&number);
        let is_refused = is_found(&format!("{pointer}/n"), &["range"]);
        let is_taken = !is_found(&format!("{pointer}/n"), &["type", "range"]);
        // `columns` may leave it out of account; `-0` is no integer to `serde_json`.
        assert!(if is_within { is_taken } else { is_refused }, "{row}");
    }
}

/// What each format implies.
fn check_format(format: Format, text: &str) {
    if !format.holds(text) {
        return;
    }
    assert!(text.is_ascii() && !text.contains(|c: char| c.is_ascii_whitespace() || c.is_ascii_control()));
    match format {
        Format::DateTime => {
            let (date, time) = text.split_at(10);
            assert!(Format::Date.holds(date) && Format::Time.holds(&time[1..]));
        }
        Format::Email => assert!(text.rsplit_once('@').is_some_and(|(_, host)| Format::Hostname.holds(host))),
        Format::Uri => assert!(text.contains(':') && !text.contains(['<', '>', '"', '\\', '^', '`', '{', '|', '}'])),
        _ => {}
    }
}
