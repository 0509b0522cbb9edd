//! What a caller says of stored answers: `Cache-Control` (RFC 9111 §5.2.1, RFC 5861 §4) and `If-None-Match` (RFC 9110 §13.1.2).

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, IF_NONE_MATCH, PRAGMA};

use crate::Terms;

/// What a caller takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Directives {
    /// `no-store`: nothing is taken from what is stored, and nothing is stored.
    pub no_store: bool,
    /// `no-cache`: no stored answer without asking the region whether it is good.
    pub no_cache: bool,
    /// `only-if-cached`: a stored answer or none.
    pub only_if_cached: bool,
    /// `max-age`: how long ago an answer may have been known to be good.
    pub age_max: Option<Duration>,
    /// `min-fresh`: for how much longer it has to be young.
    pub fresh_min: Option<Duration>,
    /// `max-stale`: by how much it may be past that.
    pub stale_max: Option<Duration>,
    /// `stale-if-error`: by how much it may be past that while the region does not answer.
    pub stale_if_error: Option<Duration>,
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
        let seconds = value.trim_matches('"').parse().ok().map(Duration::from_secs);
        if is("no-store") {
            self.no_store = true;
        } else if is("no-cache") {
            self.no_cache = true;
        } else if is("only-if-cached") {
            self.only_if_cached = true;
        } else if is("max-age") {
            self.age_max = seconds.or(self.age_max);
        } else if is("min-fresh") {
            self.fresh_min = seconds.or(self.fresh_min);
        } else if is("max-stale") {
            // Without a number, however old it is.
            let any = value.is_empty().then_some(Duration::MAX);
            self.stale_max = seconds.or(any).or(self.stale_max);
        } else if is("stale-if-error") {
            self.stale_if_error = seconds.or(self.stale_if_error);
        }
    }

    /// How long ago an answer on these terms may have been good that is given without asking the region; `None` is not at all.
    pub fn age_max_of(&self, terms: &Terms) -> Option<Duration> {
        let young = terms.age_max.filter(|_| !self.no_store && !self.no_cache)?;
        let most = match self.fresh_min {
            Some(least) => young.checked_sub(least)?,
            None => young.saturating_add(self.stale_max_of(terms)),
        };
        Some(self.age_max.map_or(most, |wanted| wanted.min(most)))
    }

    /// The same while the region does not answer, whatever else the caller says of ages.
    pub fn age_max_if_error(&self, terms: &Terms) -> Duration {
        let stale = self.stale_if_error.map_or(terms.stale_if_error, |wanted| wanted.min(terms.stale_if_error));
        terms.age_max.unwrap_or_default().saturating_add(stale)
    }

    /// By how much such an answer may be past its age.
    fn stale_max_of(&self, terms: &Terms) -> Duration {
        match self.stale_max {
            Some(wanted) => wanted.min(terms.stale_while_revalidate.max(terms.stale_if_error)),
            // Who says how old it may be, and nothing of stale ones, wants none (RFC 9111 §5.2.1.1).
            None if self.age_max.is_some() => Duration::ZERO,
            None => terms.stale_while_revalidate,
        }
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
            ("min-fresh=3", Directives { fresh_min: seconds(3), ..none }),
            ("min-fresh", none),
            ("max-stale=3, Stale-If-Error=4", Directives { stale_max: seconds(3), stale_if_error: seconds(4), ..none }),
            ("max-stale", Directives { stale_max: Some(Duration::MAX), ..none }),
            ("max-stale=x, stale-if-error=", none),
        ] {
            assert_eq!(Directives::of(&headers(&[("cache-control", value)])), expected, "{value}");
        }
        assert!(Directives::of(&headers(&[("pragma", "no-cache")])).no_cache);
        assert!(!Directives::of(&headers(&[("pragma", "no-cache"), ("cache-control", "max-age=5")])).no_cache);
    }

    #[test]
    fn ok_ages() {
        let second = Duration::from_secs(1);
        let terms = Terms {
            age_max: Some(second * 10),
            stale_while_revalidate: second * 3,
            stale_if_error: second * 100,
            is_watched: true,
        };
        // Without asking, and while the region does not answer.
        for (value, most, if_error) in [
            ("", Some(13), 110),
            ("no-cache", None, 110),
            ("no-store, max-stale", None, 110),
            ("max-age=1", Some(1), 110),
            ("max-age=11", Some(10), 110),
            ("max-age=11, max-stale", Some(11), 110),
            ("min-fresh=0", Some(10), 110),
            ("min-fresh=4", Some(6), 110),
            ("min-fresh=4, max-age=5, max-stale", Some(5), 110),
            ("min-fresh=11", None, 110),
            ("max-stale=0", Some(10), 110),
            ("max-stale=20", Some(30), 110),
            ("max-stale", Some(110), 110),
            ("stale-if-error=7", Some(13), 17),
            ("stale-if-error=700", Some(13), 110),
        ] {
            let directives = Directives::of(&headers(&[("cache-control", value)]));
            let seconds = |age: Duration| age.as_secs();
            assert_eq!(directives.age_max_of(&terms).map(seconds), most, "{value}");
            assert_eq!(seconds(directives.age_max_if_error(&terms)), if_error, "{value}");
            assert_eq!(directives.age_max_of(&Terms { age_max: None, ..terms }), None, "{value}");
        }
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
