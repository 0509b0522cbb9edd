//! What a URL's path names.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// The one segment of `path` behind `base`, percent-decoded (RFC 3986 §2.1); `None` where there is none, more than one,
/// or one that is not UTF-8.
pub fn name_in<'a>(path: &'a str, base: &str) -> Option<Cow<'a, str>> {
    let segment = path.strip_prefix(base).filter(|segment| !segment.is_empty() && !segment.contains('/'))?;
    percent_decode_str(segment).decode_utf8().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(name_in(path, "/rest/v1/").as_deref(), expected);
    }

    #[test]
    fn ok_a_segment() {
        check("/rest/v1/movies", Some("movies"));
        check("/rest/v1/a%20b%22%2F", Some("a b\"/"));
        check("/rest/v1/%C3%BC", Some("ü"));
    }

    #[test]
    fn err_none_or_several() {
        check("/rest/v1/", None);
        check("/rest/v1//", None);
        check("/rest/v1/movies/1", None);
        check("/movies", None);
    }

    #[test]
    fn err_not_utf8() {
        check("/rest/v1/%FF", None);
    }
}
