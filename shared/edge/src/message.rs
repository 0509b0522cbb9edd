//! Requests and responses, and the few helpers that most functions want.

use std::borrow::Cow;

use http::{HeaderValue, header};

use crate::Body;

/// What a function is asked.
pub type Request = http::Request<Body>;

/// What a function answers.
pub type Response = http::Response<Body>;

/// A response of plain text, status 200.
pub fn text(body: impl Into<String>) -> Response {
    with_type("text/plain; charset=utf-8", body.into())
}

/// A response of JSON text, status 200. The text is sent as it is.
pub fn json(body: impl Into<String>) -> Response {
    with_type("application/json; charset=utf-8", body.into())
}

/// The first value of a query parameter, percent-decoded with `+` as a space
/// (`application/x-www-form-urlencoded`, WHATWG URL §5.1). `None` where it is absent.
pub fn query_param<'a>(request: &'a Request, name: &str) -> Option<Cow<'a, str>> {
    let pairs = request.uri().query()?.split('&');
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| form_decode(key) == name)
        .map(|(_, value)| form_decode(value))
}

fn with_type(content_type: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn form_decode(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, used) = match (first, tail) {
            (b'+', _) => (b' ', 1),
            (b'%', [high, low, ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (b'%', 1),
            },
            _ => (*first, 1),
        };
        bytes.push(byte);
        rest = &rest[used..];
    }
    Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uri: &str, expected: Option<&str>) {
        let request = http::Request::get(uri).body(Body::empty()).unwrap();
        assert_eq!(query_param(&request, "name").as_deref(), expected);
    }

    #[test]
    fn ok_first_value_decoded() {
        check("/?name=Ada", Some("Ada"));
        check("/?a=1&name=x&name=y", Some("x"));
        check("/?n%61me=Ada+Lovelace", Some("Ada Lovelace"));
        check("/?name=%C3%BC", Some("ü"));
        check("/?name=100%", Some("100%"));
        check("/?name=%zz%4", Some("%zz%4"));
        check("/?name=%FF", Some("\u{fffd}"));
        check("/?name", Some(""));
    }

    #[test]
    fn ok_absent() {
        check("/", None);
        check("/?", None);
        check("/?names=x", None);
    }
}
