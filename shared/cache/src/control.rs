//! What a caller says of stored answers: `Cache-Control` (RFC 9111 §5.2.1) and `If-None-Match` (RFC 9110 §13.1.2).

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, IF_NONE_MATCH, PRAGMA};

/// What a caller takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Directives {
    /// `no-store`: nothing is taken from what is stored, and nothing is stored.
    pub no_store: bool,
    /// `no-cache`: no stored answer without asking the region whether it is good.
    pub no_cache: bool,
    /// `only-if-cached`: a stored answer or none.
    pub only_if_cached: bool,
    /// `max-age`, less `min-fresh`: how long ago an answer may have been known to be good.
    pub age_max: Option<Duration>,
}

impl Directives {
    /// Reads them. What is not known, or makes no sense, says nothing. Without `Cache-Control`, `Pragma: no-cache` is what it
    /// was in HTTP/1.0 (RFC 9111 §5.4).
    pub fn of(headers: &HeaderMap) -> Directives {
        let mut directives = Directives::default();
        for value in headers.get_all(CACHE_CONTROL) {
            value.to_str().unwrap_or_default().split(',').for_each(|directive| directives.add(directive.trim()));
        }
        if !headers.contains_key(CACHE_CONTROL) {
            directives.no_cache = headers.get(PRAGMA).is_some_and(|value| value.as_bytes() == b"no-cache");
        }
        directives
    }

    fn add(&mut self, directive: &str) {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("no-store") {
            self.no_store = true;
        } else if is("no-cache") {
            self.no_cache = true;
        } else if is("only-if-cached") {
            self.only_if_cached = true;
        } else if is("max-age")
            && let Ok(seconds) = value.trim_matches('"').parse()
        {
            self.age_max = Some(Duration::from_secs(seconds));
        }
    }

    /// Whether an answer may be given that was good so long ago.
    pub fn take(&self, age: Duration) -> bool {
        !self.no_store && !self.no_cache && self.age_max.is_none_or(|most| age <= most)
    }
}

/// Whether a caller has what this strong entity tag is of, quotes included. Tags are compared weakly, as RFC 9110 §8.8.3.2 has
/// it; of a list that is malformed what can be read counts.
pub fn has_match(headers: &HeaderMap, entity_tag: &[u8]) -> bool {
    headers.get_all(IF_NONE_MATCH).iter().any(|value| {
        value.as_bytes() == b"*" || value.as_bytes().split(|byte| *byte == b',').any(|tag| opaque(tag) == entity_tag)
    })
}

/// A tag without what says that it is weak. Those of ours have no comma in them.
fn opaque(tag: &[u8]) -> &[u8] {
    let tag = tag.trim_ascii();
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn ok_directives() {
        let none = Directives::default();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (value, expected) in [
            ("", none),
            ("private, foo=bar", none),
            ("no-store", Directives { no_store: true, ..none }),
            ("No-Cache,max-age=0", Directives { no_cache: true, age_max: seconds(0), ..none }),
            ("only-if-cached, max-age=\"5\"", Directives { only_if_cached: true, age_max: seconds(5), ..none }),
            ("max-age=-1", none),
            ("max-age", none),
        ] {
            assert_eq!(Directives::of(&headers(&[("cache-control", value)])), expected, "{value}");
        }
        assert!(Directives::of(&headers(&[("pragma", "no-cache")])).no_cache);
        assert!(!Directives::of(&headers(&[("pragma", "no-cache"), ("cache-control", "max-age=5")])).no_cache);
    }

    #[test]
    fn ok_ages() {
        let of = |value| Directives::of(&headers(&[("cache-control", value)]));
        let second = Duration::from_secs(1);
        assert!(of("").take(second * 1000));
        assert!(of("max-age=1").take(second) && !of("max-age=1").take(second * 2));
        assert!(!of("no-cache").take(Duration::ZERO) && !of("no-store").take(Duration::ZERO));
    }

    #[test]
    fn ok_entity_tags() {
        for (value, expected) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("*", true),
            ("\"b\", \"a\"", true),
            ("\"b\" ,W/\"a\"", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
            ("\"a", false),
        ] {
            assert_eq!(has_match(&headers(&[("if-none-match", value)]), b"\"a\""), expected, "{value}");
        }
        assert!(has_match(&headers(&[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")]), b"\"a\""));
        assert!(!has_match(&headers(&[]), b"\"a\""));
    }
}
