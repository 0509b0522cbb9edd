//! Who asks, how, and for which relation.

use std::borrow::Cow;

use config::Config;
use edge::{Error, Fault, HeaderMap, HeaderValue, Method, StatusCode, header};
use percent_encoding::percent_decode_str;
use postgrest::ErrorKind;

/// Where this function's paths begin.
const BASE: &str = "/rest/v1/";

/// The relation that a path names, percent-decoded.
pub(crate) fn relation(path: &str) -> Result<Cow<'_, str>, ErrorKind> {
    let segment = path.strip_prefix(BASE).filter(|segment| !segment.is_empty() && !segment.contains('/'));
    let decoded = segment.and_then(|segment| percent_decode_str(segment).decode_utf8().ok());
    decoded.ok_or(ErrorKind::InvalidPath)
}

/// Only reads are served.
pub(crate) fn check_method(method: &Method) -> Result<(), ErrorKind> {
    match *method {
        Method::GET | Method::HEAD => Ok(()),
        _ => Err(ErrorKind::UnsupportedMethod { method: method.to_string() }),
    }
}

/// The database role of the caller. There is no key to check a token with, so one that has a token is refused, with
/// PostgREST's words.
pub(crate) fn role<'a>(headers: &HeaderMap, config: &'a Config) -> Result<&'a str, Error> {
    if headers.contains_key(header::AUTHORIZATION) {
        return Err(Error::new(StatusCode::INTERNAL_SERVER_ERROR, Fault::Ours, "PGRST300", "Server lacks JWT secret"));
    }
    config.db_anon_role.as_deref().ok_or_else(|| {
        Error::new(StatusCode::UNAUTHORIZED, Fault::Client, "PGRST302", "Anonymous access is disabled")
            .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(relation(path).ok().as_deref(), expected);
    }

    #[test]
    fn ok_relation() {
        check("/rest/v1/movies", Some("movies"));
        check("/rest/v1/a%20b%22%2F", Some("a b\"/"));
        check("/rest/v1/%C3%BC", Some("ü"));
    }

    #[test]
    fn err_path_of_no_relation() {
        check("/rest/v1/", None);
        check("/rest/v1", None);
        check("/rest/v1/movies/1", None);
        check("/rest/v1/%FF", None);
    }

    #[test]
    fn err_token_is_never_ignored() {
        let config = Config { db_anon_role: Some("anon".into()), ..Config::default() };
        let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"))]);
        assert_eq!(role(&headers, &config).unwrap_err().status(), 500);
        assert_eq!(role(&HeaderMap::new(), &config).unwrap(), "anon");
        assert_eq!(role(&HeaderMap::new(), &Config::default()).unwrap_err().status(), 401);
    }
}
