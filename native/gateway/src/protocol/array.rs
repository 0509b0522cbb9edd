//! Array literals of Postgres to JSON arrays.
//!
//! ```text
//! literal  bounds? array             bounds  ('[' … ']')+ '='
//! array    '{' (item (',' item)*)? '}'
//! item     array | '"' quoted '"' | bare          bare NULL is null
//! ```
//!
//! The delimiter is the element type's; only `box` has another than a comma.

use std::borrow::Cow;

use super::json;
use super::value::Scalar;

/// Appends `literal` as JSON. Whatever is no array literal becomes a string.
pub(super) fn write(out: &mut Vec<u8>, literal: &str, element: Scalar, delimiter: u8) {
    let start = out.len();
    let body = without_bounds(literal);
    let mut reader = Reader { rest: body, element, delimiter };
    if reader.array(out).is_none() || !reader.rest.is_empty() {
        out.truncate(start);
        json::string(out, literal);
    }
}

fn without_bounds(literal: &str) -> &str {
    match literal.starts_with('[') {
        true => literal.split_once('=').map_or(literal, |(_, body)| body),
        false => literal,
    }
}

struct Reader<'a> {
    rest: &'a str,
    element: Scalar,
    delimiter: u8,
}

impl<'a> Reader<'a> {
    /// Nesting needs no stack: inner arrays only open and close.
    fn array(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let mut depth = 0usize;
        loop {
            while self.eat('{') {
                out.push(b'[');
                depth += 1;
            }
            if depth == 0 {
                return None;
            }
            if !self.rest.starts_with('}') {
                self.item(out)?;
            }
            while self.eat('}') {
                out.push(b']');
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(());
                }
            }
            if !self.eat(char::from(self.delimiter)) {
                return None;
            }
            out.push(b',');
        }
    }

    fn item(&mut self, out: &mut Vec<u8>) -> Option<()> {
        if self.eat('"') {
            let text = self.quoted()?;
            self.element.write(out, &text);
            return Some(());
        }
        let delimiter = char::from(self.delimiter);
        let end = self.rest.find([delimiter, '}'])?;
        let (bare, rest) = self.rest.split_at(end);
        self.rest = rest;
        match bare {
            "" => return None,
            "NULL" => out.extend_from_slice(b"null"),
            _ => self.element.write(out, bare),
        }
        Some(())
    }

    /// Up to the closing quote; a backslash means the character after it.
    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let mut text = Cow::Borrowed("");
        loop {
            let end = self.rest.find(['"', '\\'])?;
            let (piece, rest) = self.rest.split_at(end);
            text += piece;
            self.rest = &rest[1..];
            if rest.starts_with('"') {
                return Some(text);
            }
            let escaped = self.rest.chars().next()?;
            text.to_mut().push(escaped);
            self.rest = &self.rest[escaped.len_utf8()..];
        }
    }

    fn eat(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(literal: &str, element: Scalar, expected: &str) {
        let mut out = Vec::new();
        write(&mut out, literal, element, b',');
        let got = String::from_utf8(out).unwrap();
        assert_eq!(got, expected);
        serde_json::from_str::<serde_json::Value>(&got).unwrap();
    }

    #[test]
    fn ok_arrays() {
        check("{}", Scalar::Number, "[]");
        check("{1,2,NULL}", Scalar::Number, "[1,2,null]");
        check("{{1,2},{3,4}}", Scalar::Number, "[[1,2],[3,4]]");
        check("{{{1}},{{2}}}", Scalar::Number, "[[[1]],[[2]]]");
        check("{t,f}", Scalar::Bool, "[true,false]");
        check("{1.5,NaN}", Scalar::Number, r#"[1.5,"NaN"]"#);
        check(r#"{a,"NULL","","b c","q\"\\é"}"#, Scalar::Text, r#"["a","NULL","","b c","q\"\\é"]"#);
        check(r#"{"{\"a\": [1, 2]}","null"}"#, Scalar::Json, r#"[{"a": [1, 2]},null]"#);
    }

    #[test]
    fn ok_bounds_are_dropped() {
        check("[2:3]={1,2}", Scalar::Number, "[1,2]");
        check("[0:0][1:2]={{1,2}}", Scalar::Number, "[[1,2]]");
    }

    #[test]
    fn ok_other_delimiter() {
        let mut out = Vec::new();
        write(&mut out, "{(1,1),(0,0);(2,2),(1,1)}", Scalar::Text, b';');
        assert_eq!(out, br#"["(1,1),(0,0)","(2,2),(1,1)"]"#);
    }

    #[test]
    fn ok_what_is_no_array_stays_text() {
        for text in ["", "1 2", "{", "{1", "{1}}", "{,}", "{1,}x", "{\"a}", "[1:2]"] {
            check(text, Scalar::Number, &serde_json::to_string(text).unwrap());
        }
    }
}
