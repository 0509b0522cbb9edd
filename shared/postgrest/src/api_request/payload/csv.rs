//! A body of CSV (RFC 4180), as the JSON that Postgres unpacks: an array of an object for each line.
//!
//! The first line names the columns. Every value is a text, but for `NULL`. Blank lines mean nothing.

use super::{Json, invalid, quoted};
use crate::error::Error;

/// Turns CSV into JSON.
pub(super) fn to_json(text: &str) -> Result<Json, Error> {
    let mut lines = Lines { rest: text };
    let names = lines.next().transpose()?.ok_or_else(|| invalid("not enough input"))?;
    let mut json = String::with_capacity(text.len() * 2);
    json.push('[');
    for line in lines {
        let line = line?;
        if line.len() != names.len() {
            return Err(invalid("All lines must have same number of fields"));
        }
        json.push_str(if json.len() > 1 { ",{" } else { "{" });
        for (index, (name, value)) in names.iter().zip(&line).enumerate() {
            json.push_str(if index > 0 { "," } else { "" });
            json.push_str(&quoted(name));
            json.push(':');
            json.push_str(&if value == "NULL" { value.to_ascii_lowercase() } else { quoted(value) });
        }
        json.push('}');
    }
    let has_lines = json.len() > 1;
    json.push(']');
    let mut keys = if has_lines { names } else { Vec::new() };
    sort::distinct(&mut keys);
    Ok(Json { text: json, is_array: true, keys })
}

/// Lines with their fields; a field in quotes may go over several.
struct Lines<'a> {
    rest: &'a str,
}

impl Iterator for Lines<'_> {
    type Item = Result<Vec<String>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rest = self.rest.trim_start_matches(['\r', '\n']);
        if self.rest.is_empty() {
            return None;
        }
        let mut fields = Vec::new();
        loop {
            match self.field() {
                Ok(field) => fields.push(field),
                Err(error) => {
                    self.rest = "";
                    return Some(Err(error));
                }
            }
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => return Some(Ok(fields)),
            }
        }
    }
}

impl Lines<'_> {
    /// Takes a field, up to the comma or the end of the line.
    fn field(&mut self) -> Result<String, Error> {
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let end = self.rest.find([',', '\r', '\n']).unwrap_or(self.rest.len());
        let (field, rest) = self.rest.split_at(end);
        if field.contains('"') {
            return Err(invalid("a quote inside a field that is not quoted"));
        }
        self.rest = rest;
        Ok(field.to_owned())
    }

    /// Takes a field in quotes, in which two quotes are one.
    fn quoted(&mut self) -> Result<String, Error> {
        let mut field = String::new();
        loop {
            let (piece, rest) = self.rest[1..].split_once('"').ok_or_else(|| invalid("a quote is not closed"))?;
            field.push_str(piece);
            self.rest = rest;
            match rest.chars().next() {
                Some('"') => field.push('"'),
                None | Some(',' | '\r' | '\n') => return Ok(field),
                Some(_) => return Err(invalid("text behind a quoted field")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(csv: &str, expected: &str) {
        let json = to_json(csv).map_or_else(|error| error.to_string(), |json| json.text);
        assert_eq!(json, expected, "{csv:?}");
    }

    #[test]
    fn ok_lines() {
        check("a,b\n1,x\n,NULL", r#"[{"a":"1","b":"x"},{"a":"","b":null}]"#);
        check("a\r\n1\r\n\r\n2\r\n", r#"[{"a":"1"},{"a":"2"}]"#);
        check("a,b", "[]");
        check("\n\na\n\"NULL\"\nnull\nö\\", r#"[{"a":null},{"a":"null"},{"a":"ö\\"}]"#);
        check("a,\"b\"\",\n\"\n\"x,y\",\"\"\"\"", "[{\"a\":\"x,y\",\"b\\\",\\n\":\"\\\"\"}]");
        assert_eq!(to_json("b,a\n1,2").unwrap().keys, ["a", "b"]);
        assert!(to_json("b,a").unwrap().keys.is_empty());
    }

    #[test]
    fn err_malformed() {
        check("", "PGRST102: not enough input");
        check("\n\n", "PGRST102: not enough input");
        check("a,b\n1", "PGRST102: All lines must have same number of fields");
        check("a,b\n1,2,3", "PGRST102: All lines must have same number of fields");
        check("a\nx\"y", "PGRST102: a quote inside a field that is not quoted");
        check("a\n\"x", "PGRST102: a quote is not closed");
        check("a\n\"x\"y", "PGRST102: text behind a quoted field");
        check("a\n\"", "PGRST102: a quote is not closed");
    }
}
