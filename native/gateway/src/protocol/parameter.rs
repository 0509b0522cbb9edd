//! A parameter: from JSON to Postgres' text form.
//!
//! ```text
//! null                     NULL
//! string                   itself
//! boolean, number, object  its JSON text, as it was written
//! array                    {element,…}: null as NULL, boolean and number bare, string and object quoted
//! ```

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::pg::Parameter;
use crate::{Error, ErrorKind};

/// How deep arrays may nest: Postgres has no more dimensions (`MAXDIM`).
pub(crate) const ARRAY_DEPTH_MAX: usize = 6;

/// The text form of one value.
pub(crate) fn encode(value: &RawValue) -> Result<Parameter<'_>, Error> {
    let json = value.get();
    Ok(match json.as_bytes().first() {
        Some(b'n') => None,
        Some(b'"') => Some(unquoted(json)?),
        Some(b'[') => {
            let mut literal = String::with_capacity(json.len() + 16);
            array(&mut literal, json, 1)?;
            Some(Cow::Owned(literal))
        }
        _ => Some(Cow::Borrowed(json)),
    })
}

fn array(out: &mut String, json: &str, depth: usize) -> Result<(), Error> {
    if depth > ARRAY_DEPTH_MAX {
        return Err(refuse(format!("an array parameter is nested too deep (max is {ARRAY_DEPTH_MAX})")));
    }
    let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    out.push('{');
    for (index, element) in elements.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let json = element.get();
        match json.as_bytes().first() {
            Some(b'n') => out.push_str("NULL"),
            Some(b'"') => quoted(out, &unquoted(json)?),
            Some(b'{') => quoted(out, json),
            Some(b'[') => array(out, json, depth + 1)?,
            _ => out.push_str(json),
        }
    }
    out.push('}');
    Ok(())
}

/// Within the quotes of an array literal a backslash means the next character, whatever it is; so only the
/// two that need one get one, and a line break stays a line break.
fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for piece in text.split_inclusive(['"', '\\']) {
        let plain = piece.trim_end_matches(['"', '\\']);
        out.push_str(plain);
        if let Some(special) = piece[plain.len()..].chars().next() {
            out.extend(['\\', special]);
        }
    }
    out.push('"');
}

/// A JSON string's text; without escapes it is what stands between the quotes.
fn unquoted(json: &str) -> Result<Cow<'_, str>, Error> {
    let inside = &json[1..json.len() - 1];
    if !inside.contains('\\') {
        return Ok(Cow::Borrowed(inside));
    }
    serde_json::from_str(json).map(Cow::Owned).map_err(|error| refuse(error.to_string()))
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: Option<&str>) {
        let value: &RawValue = serde_json::from_str(json).unwrap();
        assert_eq!(encode(value).unwrap().as_deref(), expected, "{json}");
    }

    #[track_caller]
    fn refuses(json: &str, expected: &str) {
        let value: &RawValue = serde_json::from_str(json).unwrap();
        assert_eq!(encode(value).unwrap_err().to_string(), expected);
    }

    #[test]
    fn ok_scalars() {
        check("null", None);
        check("true", Some("true"));
        check(r#""""#, Some(""));
        check(r#""a \"b\" \n é 🎬""#, Some("a \"b\" \n é 🎬"));
        check(r#""nul \u0000""#, Some("nul \0"));
    }

    #[test]
    fn ok_numbers_keep_every_digit() {
        check("12345678901234567890.10", Some("12345678901234567890.10"));
        check("1e400", Some("1e400"));
        check("-0.0", Some("-0.0"));
    }

    #[test]
    fn ok_objects_keep_their_text() {
        check(r#"{"b":1, "a":"\n"}"#, Some(r#"{"b":1, "a":"\n"}"#));
    }

    #[test]
    fn ok_arrays() {
        check("[]", Some("{}"));
        check("[ [] ]", Some("{{}}"));
        check("[1,null,true,[2.50]]", Some("{1,NULL,true,{2.50}}"));
        check(r#"["a","NULL","","a,b","{}"]"#, Some(r#"{"a","NULL","","a,b","{}"}"#));
        check(r#"[{"k":"v\n"}]"#, Some(r#"{"{\"k\":\"v\\n\"}"}"#));
    }

    #[test]
    fn ok_quotes_backslashes_and_control_characters_in_arrays() {
        check(r#"["\"","\\","\\\"","a\"b\\c\\\\"]"#, Some(r#"{"\"","\\","\\\"","a\"b\\c\\\\"}"#));
        check(r#"["line\nbreak\ttab"]"#, Some("{\"line\nbreak\ttab\"}"));
    }

    #[test]
    fn err_array_too_deep() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        check(&nested(ARRAY_DEPTH_MAX), Some("{{{{{{}}}}}}"));
        refuses(&nested(ARRAY_DEPTH_MAX + 1), "an array parameter is nested too deep (max is 6)");
        refuses(&nested(100_000), "an array parameter is nested too deep (max is 6)");
    }

    #[test]
    fn err_lone_surrogate() {
        refuses(r#""\ud800""#, "unexpected end of hex escape at line 1 column 8");
    }
}
