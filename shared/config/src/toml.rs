//! The part of TOML (<https://toml.io/en/v1.0.0>) that policy is written in, as a flat list of settings.
//!
//! ```text
//! document = *( ws [ table / setting ] ws [ comment ] newline )
//! table    = "[" key "]"
//! setting  = key "=" value
//! key      = part *( "." part )            ; with white space around the dots
//! part     = 1*( ALPHA / DIGIT / "-" / "_" ) / string
//! value    = string / integer / "true" / "false" / list
//! list     = "[" [ value *( "," value ) [ "," ] ] "]"    ; with white space, comments and newlines
//! string   = %x22 *( char / escape ) %x22 / "'" *char "'"
//! integer  = [ "+" / "-" ] 1*( DIGIT / "_" )
//! ```
//!
//! Floats, dates, strings over several lines, inline tables and arrays of tables are refused, as no option takes one.
//! What is read here means the same to any TOML reader. A crate that reads all of TOML would be a tenth of a component.

use crate::Value;
use crate::reader::{Problem, Reader};

/// Deepest list in a list.
const LIST_DEPTH_MAX: usize = 4;

/// One `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The parts of the key, the table's first; at least one.
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Setting {
    /// The parts, joined by dots.
    pub(crate) fn key(&self) -> String {
        self.path.join(".")
    }
}

/// The settings of a document, in order; no key is there twice.
pub(crate) fn parse(text: &str) -> Result<Vec<Setting>, Problem> {
    let mut reader = Reader::new(text);
    let mut settings: Vec<Setting> = Vec::new();
    let mut table = Vec::new();
    loop {
        reader.skip_lines();
        if reader.is_at_end() {
            return Ok(settings);
        }
        if reader.take('[') {
            table = key(&mut reader)?;
            reader.expect(']')?;
        } else {
            let line = reader.line();
            let path = [table.clone(), key(&mut reader)?].concat();
            reader.expect('=')?;
            reader.skip_blanks();
            let value = value(&mut reader, 0)?;
            if settings.iter().any(|setting| setting.path == path) {
                return Err(reader.problem(&format!("`{}` is there twice", path.join("."))));
            }
            settings.push(Setting { path, value, line });
        }
        reader.end_line()?;
    }
}

fn key(reader: &mut Reader<'_>) -> Result<Vec<String>, Problem> {
    let mut path = Vec::new();
    loop {
        reader.skip_blanks();
        path.push(match reader.peek() {
            Some('"' | '\'') => string(reader)?,
            _ => match reader.take_while(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
                "" => return Err(reader.problem("expected a key")),
                part => part.to_owned(),
            },
        });
        reader.skip_blanks();
        if !reader.take('.') {
            return Ok(path);
        }
    }
}

fn value(reader: &mut Reader<'_>, depth: usize) -> Result<Value, Problem> {
    match reader.peek() {
        Some('"' | '\'') => string(reader).map(Value::Text),
        Some('[') if depth < LIST_DEPTH_MAX => list(reader, depth),
        _ => word(reader),
    }
}

fn list(reader: &mut Reader<'_>, depth: usize) -> Result<Value, Problem> {
    let mut values = Vec::new();
    reader.expect('[')?;
    loop {
        reader.skip_lines();
        if reader.take(']') {
            return Ok(Value::List(values));
        }
        values.push(value(reader, depth + 1)?);
        reader.skip_lines();
        if !reader.take(',') {
            reader.expect(']')?;
            return Ok(Value::List(values));
        }
    }
}

/// A string on one line.
fn string(reader: &mut Reader<'_>) -> Result<String, Problem> {
    let Some(quote @ ('"' | '\'')) = reader.next() else { return Err(reader.problem("expected a string")) };
    let mut text = String::new();
    loop {
        let Some(c) = reader.peek().filter(|c| !matches!(c, '\n' | '\r')) else {
            return Err(reader.problem("a string does not end on its line"));
        };
        reader.take(c);
        match c {
            _ if c == quote && text.is_empty() && reader.peek() == Some(quote) => {
                return Err(reader.problem("strings over several lines are not read"));
            }
            _ if c == quote => return Ok(text),
            '\\' if quote == '"' => text.push(escape(reader)?),
            _ if c.is_control() && c != '\t' => return Err(reader.problem("a control character in a string")),
            _ => text.push(c),
        }
    }
}

fn escape(reader: &mut Reader<'_>) -> Result<char, Problem> {
    let known = match reader.next() {
        Some('u') => return reader.hexadecimal(4).and_then(|code| scalar(reader, code)),
        Some('U') => return reader.hexadecimal(8).and_then(|code| scalar(reader, code)),
        Some('"') => '"',
        Some('\\') => '\\',
        Some('n') => '\n',
        Some('t') => '\t',
        Some('r') => '\r',
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        _ => return Err(reader.problem("an escape that TOML does not have")),
    };
    Ok(known)
}

fn scalar(reader: &Reader<'_>, code: u32) -> Result<char, Problem> {
    char::from_u32(code).ok_or_else(|| reader.problem("an escape that is no character"))
}

/// `true`, `false`, or an integer.
fn word(reader: &mut Reader<'_>) -> Result<Value, Problem> {
    let word = reader.take_while(|c| !matches!(c, ',' | ']' | '#' | ' ' | '\t' | '\r' | '\n'));
    match word {
        "true" => return Ok(Value::Flag(true)),
        "false" => return Ok(Value::Flag(false)),
        _ => {}
    }
    integer(word)
        .map(Value::Integer)
        .ok_or_else(|| reader.problem("expected a string, an integer, true, false or a list"))
}

/// TOML wants a digit on both sides of each underscore, and no zero ahead.
fn integer(word: &str) -> Option<i64> {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    let is_written = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let is_plain = is_written && (digits.len() == 1 || !digits.starts_with('0'));
    if is_plain { word.replace('_', "").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read is what the crate `toml` reads.
    #[track_caller]
    fn check(text: &str, expected: &[(&str, Value)]) {
        let settings: Vec<(String, Value)> =
            parse(text).unwrap().into_iter().map(|setting| (setting.key(), setting.value)).collect();
        let expected: Vec<(String, Value)> =
            expected.iter().map(|(key, value)| (key.to_string(), value.clone())).collect();
        assert_eq!(settings, expected, "{text}");
        let mut flat = Vec::new();
        flatten("", &text.parse().expect("TOML"), &mut flat);
        let sorted = |mut settings: Vec<(String, Value)>| {
            settings.sort_by(|a, b| a.0.cmp(&b.0));
            settings
        };
        assert_eq!(sorted(flat), sorted(settings), "{text}");
    }

    fn flatten(prefix: &str, table: &::toml::Table, flat: &mut Vec<(String, Value)>) {
        for (key, value) in table {
            match value {
                ::toml::Value::Table(table) => flatten(&format!("{prefix}{key}."), table, flat),
                value => flat.push((format!("{prefix}{key}"), same(value))),
            }
        }
    }

    fn same(value: &::toml::Value) -> Value {
        match value {
            ::toml::Value::String(text) => Value::Text(text.clone()),
            ::toml::Value::Integer(number) => Value::Integer(*number),
            ::toml::Value::Boolean(flag) => Value::Flag(*flag),
            ::toml::Value::Array(values) => Value::List(values.iter().map(same).collect()),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn ok_settings_and_tables() {
        check("", &[]);
        check("# nothing\r\n\n  \t", &[]);
        check("a = true # yes\nb=false", &[("a", Value::Flag(true)), ("b", Value::Flag(false))]);
        check("a . b.\"c d\" = 1\n[x.y]\nz = 2", &[("a.b.c d", Value::Integer(1)), ("x.y.z", Value::Integer(2))]);
        check("1-_ = +1_000\r\nn = -0\n", &[("1-_", Value::Integer(1000)), ("n", Value::Integer(0))]);
    }

    #[test]
    fn ok_strings() {
        check(r#"a = "\"\\\t\u00e4\U0001F600 ü""#, &[("a", text("\"\\\tä😀 ü"))]);
        check(r"a = 'C:\new'", &[("a", text(r"C:\new"))]);
        check("a = \"\"\nb = ''", &[("a", text("")), ("b", text(""))]);
    }

    #[test]
    fn ok_lists() {
        check("a = []", &[("a", Value::List(vec![]))]);
        check("a = [ # first\n 'x', # then\n \"y\",\n]", &[("a", Value::List(vec![text("x"), text("y")]))]);
        check(
            "a = [[1], [2]]",
            &[("a", Value::List(vec![Value::List(vec![Value::Integer(1)]), Value::List(vec![Value::Integer(2)])]))],
        );
    }

    #[test]
    fn err_what_is_no_toml() {
        refused("a", "line 1: expected `=`");
        refused("\n\na = ", "line 3: expected a string");
        refused("= 1", "expected a key");
        refused("a..b = 1", "expected a key");
        refused("a = 1 b = 2", "expected the end of the line");
        refused("a = 'x", "does not end");
        refused("a = 'x\n'", "does not end");
        refused("a = [1", "expected `]`");
        refused("a = [1 2]", "expected `]`");
        refused("[a", "expected `]`");
        refused("a = 1\na = 2", "line 2: `a` is there twice");
        refused("[a]\nb = 1\n[a]\nb = 1", "`a.b` is there twice");
        refused(r#"a = "\x""#, "escape");
        refused(r#"a = "\ud800""#, "no character");
        refused(r#"a = "\u00""#, "hexadecimal");
        refused("a = \"\u{1}\"", "control character");
        refused("a = yes", "expected a string");
        for number in ["01", "1__0", "_1", "1_", "+", "0x10", "9223372036854775808"] {
            refused(&format!("a = {number}"), "expected a string");
        }
    }

    #[test]
    fn err_toml_that_is_not_read() {
        refused("a = 1.5", "expected a string");
        refused("a = 2026-01-01", "expected a string");
        refused("a = { b = 1 }", "expected a string");
        refused("a = '''x'''", "several lines");
        refused("[[a]]", "expected a key");
        refused("a = [[[[[1]]]]]", "expected a string");
    }
}
