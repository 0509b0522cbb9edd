//! The body, as far as it has to be known before Postgres reads it.
//!
//! JSON stays the text that it is: only the names of its members are read here, because they become columns or
//! parameters, and Postgres unpacks the rest.

mod csv;
mod members;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use validate::Check;

use self::members::Shape;
use super::query_params;
use crate::error::{Error, ErrorKind};

/// What the body holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// An object, or an array of objects with the same members.
    Json(Json),
    /// The fields of a form, in their order.
    Form(Vec<(String, String)>),
    /// What only a function with a single parameter can take.
    Whole(Whole),
}

/// JSON with the names of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Json {
    /// As it came.
    pub(crate) text: String,
    /// Whether it is an array.
    pub(crate) is_array: bool,
    /// The members of every object in it, sorted.
    pub(crate) keys: Vec<String>,
}

/// A body that is one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Whole {
    Text(String),
    Xml(String),
    Bytes(Bytes),
}

/// What `Content-Type` says that the body is; JSON if it says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ContentType {
    Json,
    Csv,
    Form,
    Text,
    Xml,
    Bytes,
    /// Nothing that is taken.
    Other(String),
}

impl ContentType {
    /// The media type's name.
    fn name(&self) -> &str {
        match self {
            ContentType::Json => "application/json",
            ContentType::Csv => "text/csv",
            ContentType::Form => "application/x-www-form-urlencoded",
            ContentType::Text => "text/plain",
            ContentType::Xml => "text/xml",
            ContentType::Bytes => "application/octet-stream",
            ContentType::Other(name) => name,
        }
    }

    /// Reads the header; parameters, such as `charset`, mean nothing.
    pub(super) fn of(headers: &HeaderMap) -> ContentType {
        let value = headers.get(CONTENT_TYPE).map_or("application/json".into(), text);
        let name = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "application/json" => ContentType::Json,
            "text/csv" => ContentType::Csv,
            "application/x-www-form-urlencoded" => ContentType::Form,
            "text/plain" => ContentType::Text,
            "text/xml" => ContentType::Xml,
            "application/octet-stream" => ContentType::Bytes,
            _ => ContentType::Other(name),
        }
    }
}

fn text(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

impl Payload {
    /// The arguments of a call. No body at all is no arguments.
    pub(super) fn of_call(
        content_type: &ContentType,
        body: &Bytes,
        columns: Option<&[String]>,
    ) -> Result<Payload, Error> {
        Ok(match content_type {
            ContentType::Json if body.is_empty() => Payload::Json(Json::empty()),
            ContentType::Json => Payload::Json(Json::of(body, columns, None)?.0),
            ContentType::Form => Payload::Form(query_params::form(body)?),
            ContentType::Text => Payload::Whole(Whole::Text(utf8(body)?)),
            ContentType::Xml => Payload::Whole(Whole::Xml(utf8(body)?)),
            ContentType::Bytes => Payload::Whole(Whole::Bytes(body.clone())),
            ContentType::Csv => Payload::Json(csv::to_json(&utf8(body)?)?),
            ContentType::Other(name) => return Err(invalid(format!("Content-Type not acceptable: {name}"))),
        })
    }
}

impl Json {
    /// The rows that are written, and whether they pass the check. With `columns`, the members that count are known.
    pub(super) fn of_write(
        content_type: &ContentType,
        body: &Bytes,
        columns: Option<&[String]>,
        check: Option<Check<'_>>,
    ) -> Result<(Json, Result<(), Error>), Error> {
        let json = match content_type {
            ContentType::Json => return Json::of(body, columns, check),
            ContentType::Csv => csv::to_json(&utf8(body)?)?,
            ContentType::Form => Json::of_form(query_params::form(body)?),
            other => return Err(invalid(format!("Content-Type not acceptable: {}", other.name()))),
        };
        let checked = match check {
            Some(_) => members::scan(json.text.as_bytes(), check)?.1,
            None => Ok(()),
        };
        Ok((json, checked))
    }

    /// The fields of a form as one object of texts.
    fn of_form(fields: Vec<(String, String)>) -> Json {
        let member = |(name, value): &(String, String)| format!("{}:{}", quoted(name), quoted(value));
        let members: Vec<String> = fields.iter().map(member).collect();
        let mut keys: Vec<String> = fields.into_iter().map(|(name, _)| name).collect();
        sort::distinct(&mut keys);
        Json { text: format!("{{{}}}", members.join(",")), is_array: false, keys }
    }

    /// Reads JSON, and checks it in the same pass. With `columns`, the members that count are known.
    fn of(
        body: &Bytes,
        columns: Option<&[String]>,
        check: Option<Check<'_>>,
    ) -> Result<(Json, Result<(), Error>), Error> {
        let (shape, checked) = members::scan(body, check)?;
        let text = utf8(body)?;
        let json = match columns {
            None => Json::new(text, shape)?,
            Some(columns) => {
                let mut keys = columns.to_vec();
                sort::distinct(&mut keys);
                Json { text, is_array: !matches!(shape, Shape::Object(_)), keys }
            }
        };
        Ok((json, checked))
    }

    /// What is neither object nor array counts as an array of nothing.
    fn new(text: String, shape: Shape) -> Result<Json, Error> {
        match shape {
            Shape::Object(keys) => Ok(Json { text, is_array: false, keys }),
            Shape::Array(keys) => Ok(Json { text, is_array: true, keys }),
            Shape::Other => Ok(Json { text: "[]".into(), is_array: true, keys: Vec::new() }),
            Shape::Unequal => Err(invalid("All object keys must match")),
        }
    }

    /// An object without members.
    fn empty() -> Json {
        Json { text: "{}".into(), is_array: false, keys: Vec::new() }
    }
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text always serialises")
}

fn utf8(body: &Bytes) -> Result<String, Error> {
    let text = String::from_utf8(body.to_vec()).map_err(|_| invalid("the body is not UTF-8"))?;
    match text.contains('\0') {
        true => Err(ErrorKind::NullCharacter.into()),
        false => Ok(text),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    ErrorKind::InvalidBody { message: message.into() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_array: bool, keys: &[&str]) {
        let json = Json::of(&Bytes::copy_from_slice(text.as_bytes()), None, None).unwrap().0;
        assert_eq!((json.is_array, json.keys), (is_array, keys.iter().map(|key| key.to_string()).collect()), "{text}");
    }

    #[track_caller]
    fn refused(content_type: &str, body: &[u8], message: &str) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, content_type.parse().unwrap())]);
        let error = Payload::of_call(&ContentType::of(&headers), &Bytes::copy_from_slice(body), None).unwrap_err();
        assert_eq!(error.to_string(), message);
    }

    #[test]
    fn ok_members() {
        check("{}", false, &[]);
        check(" {\"b\": [1, {\"c\": 2}], \"a\": null} ", false, &["a", "b"]);
        check("{\"a\\u0062\": 1}", false, &["ab"]);
        check("[]", true, &[]);
        check("[{}, {}]", true, &[]);
        check("[{\"a\": 1, \"b\": 2}, {\"b\": 1, \"a\": 2}]", true, &["a", "b"]);
        check("[{\"b\": [{\"c\": 1}], \"a\": 2}, {\"b\": {}, \"a\": []}]", true, &["a", "b"]);
        for other in ["1", "-1.5e3", "\"x\"", "null", "true"] {
            check(other, true, &[]);
        }
    }

    #[test]
    fn ok_columns_name_the_members_that_count() {
        let columns = ["b".to_owned(), "a".to_owned(), "b".to_owned()];
        let json = Json::of(&Bytes::from_static(b" [{\"c\":1},{\"a\":2},3]"), Some(&columns), None).unwrap().0;
        assert_eq!((json.is_array, json.keys), (true, vec!["a".to_owned(), "b".to_owned()]));
    }

    #[test]
    fn ok_form_keeps_what_is_repeated() {
        let body = Bytes::from_static(b"a=1&b=x+y%26&a=2&c");
        let fields = [("a", "1"), ("b", "x y&"), ("a", "2"), ("c", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(Payload::of_call(&ContentType::Form, &body, None), Ok(Payload::Form(fields.into())));
    }

    #[test]
    fn ok_content_type() {
        let of = |value: &'static str| {
            ContentType::of(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]))
        };
        assert_eq!(ContentType::of(&HeaderMap::new()), ContentType::Json);
        assert_eq!(of("Application/JSON; charset=utf-8"), ContentType::Json);
        assert_eq!(of("text/xml"), ContentType::Xml);
        assert_eq!(of("image/png"), ContentType::Other("image/png".into()));
    }

    #[test]
    fn err_unusable_bodies() {
        for body in ["{", "", " ", "{\"a\":1}x", "[{\"a\":1}", "\u{0}", "\"\u{0}\""] {
            assert!(Json::of(&Bytes::from_static(body.as_bytes()), None, None).is_err(), "{body:?}");
            assert!(Json::of(&Bytes::from_static(body.as_bytes()), Some(&[]), None).is_err(), "{body:?}");
        }
        refused("application/json", b"sdf", "PGRST102: Empty or invalid json");
        refused("application/json", b"[{\"a\":1},{\"b\":1}]", "PGRST102: All object keys must match");
        for rows in [
            "[{\"a\":1,\"b\":2},{\"a\":1,\"c\":2}]",
            "[{\"a\":1},{}]",
            "[{},{\"a\":1}]",
            "[{\"a\":1},{\"a\":1,\"b\":2}]",
        ] {
            refused("application/json", rows.as_bytes(), "PGRST102: All object keys must match");
        }
        refused("application/json", b"[{\"a\":1,\"a\":2}]", "PGRST102: The json is not accepted");
        refused("application/json", b"[1]", "PGRST102: All object keys must match");
        refused("application/json", b"[{\"a\":1},[]]", "PGRST102: All object keys must match");
        refused("application/json", b"\"\xff\"", "PGRST102: Empty or invalid json");
        refused("text/plain", b"\xff", "PGRST102: the body is not UTF-8");
        refused("text/plain", b"a\0", "22021: invalid byte sequence for encoding \"UTF8\": 0x00");
        refused("image/png", b"", "PGRST102: Content-Type not acceptable: image/png");
        let deep = "[".repeat(100_000);
        refused("application/json", deep.as_bytes(), "PGRST102: The json is not accepted");
    }
}
