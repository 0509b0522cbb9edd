//! What has to hold of what is there before it is written (RFC 9110 §13.1).

use http::HeaderMap;
use http::header::{IF_MATCH, IF_NONE_MATCH};

use super::Action;
use crate::error::{Error, ErrorKind};

/// `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// `*`: the URL has rows.
    Any,
    /// What a GET of the URL gives has one of these strong entity tags, which are without their quotes.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Reads the header of a write to rows that are there. A tag that is weak or none matches nothing.
    pub(super) fn of(headers: &HeaderMap, action: Action) -> Result<Option<IfMatch>, Error> {
        let values = || headers.get_all(IF_MATCH).iter().filter_map(|value| value.to_str().ok());
        match action {
            _ if !headers.contains_key(IF_MATCH) => Ok(None),
            Action::Read | Action::Call | Action::Inspect => Ok(None),
            // Of two who insert, neither writes what the other has seen.
            Action::Create => Err(ErrorKind::NotImplemented { details: "If-Match of a POST." }.into()),
            _ if values().any(|value| value == "*") => Ok(Some(IfMatch::Any)),
            Action::Update | Action::Upsert | Action::Delete => {
                // The comma that a tag may have in it is in none of ours.
                let tags = values().flat_map(|value| value.split(','));
                let opaque = |tag: &str| Some(tag.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned());
                Ok(Some(IfMatch::Tags(tags.filter_map(opaque).collect())))
            }
        }
    }
}

/// Whether a PUT is to make its row, and not to replace it: `If-None-Match: *`.
pub(super) fn is_of_new(headers: &HeaderMap, action: Action) -> bool {
    action == Action::Upsert && headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == b"*")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(action: Action, values: &[&'static str], expected: Result<Option<IfMatch>, Error>) {
        let mut headers = HeaderMap::new();
        values.iter().for_each(|value| _ = headers.append(IF_MATCH, HeaderValue::from_static(value)));
        assert_eq!(IfMatch::of(&headers, action), expected, "{values:?}");
    }

    #[test]
    fn ok_and_err_if_match() {
        let tags = |tags: &[&str]| Ok(Some(IfMatch::Tags(tags.iter().map(|tag| tag.to_string()).collect())));
        check(Action::Update, &[], Ok(None));
        check(Action::Update, &["*"], Ok(Some(IfMatch::Any)));
        check(Action::Delete, &["\"a\""], tags(&["a"]));
        check(Action::Upsert, &["\"a\" ,\"b\"", "\"c\""], tags(&["a", "b", "c"]));
        for nothing in ["", "a", "W/\"a\"", "\"a", "\"", "*, *"] {
            check(Action::Update, &[nothing], tags(&[]));
        }
        check(Action::Read, &["*"], Ok(None));
        check(Action::Call, &["*"], Ok(None));
        check(Action::Create, &["*"], Err(ErrorKind::NotImplemented { details: "If-Match of a POST." }.into()));
    }

    #[test]
    fn ok_new() {
        let mut headers = HeaderMap::new();
        assert!(!is_of_new(&headers, Action::Upsert));
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        assert!(is_of_new(&headers, Action::Upsert) && !is_of_new(&headers, Action::Update));
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"a\""));
        assert!(!is_of_new(&headers, Action::Upsert));
    }
}
