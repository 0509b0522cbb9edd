//! A key set as its issuer published it, for how long it is used, and how it lies in KV.
//!
//! ```text
//! value    = the text of the set
//! metadata = at:u64le  asked:u64le  fresh:u64le
//! ```
//!
//! All three are in milliseconds, the first two since the Unix epoch.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use edge::{Edge, HeaderMap, KvEntry, KvPut, header};
use token::{KeySet, Unusable};

use crate::trusted::Trusted;

/// For so long a set is believed, unless its issuer says less: so much later at most is a key refused that was withdrawn.
const FRESH_MAX: Duration = Duration::from_secs(600);
/// And at least for so long, whatever the issuer says.
const FRESH_MIN: Duration = Duration::from_secs(60);
/// For so long a set is used while no newer one can be had. An issuer that is down for longer has been given up by its
/// own users; and a key that is withdrawn meanwhile, because it was stolen, must end some time.
const USED_MAX: Duration = Duration::from_secs(24 * 3600);
/// This part of its fresh time, the last one, is when a newer set is looked for: each instance at a moment of its own.
const EARLY_PART: u32 = 4;

/// A key set.
pub(super) struct Published {
    pub(super) trusted: Rc<Trusted>,
    text: Bytes,
    /// When it was fetched. This and what follows are since the Unix epoch.
    at: Duration,
    /// When its issuer was last asked for it, with or without success.
    pub(super) asked: Duration,
    fresh: Duration,
    /// When this instance looks for a newer one.
    early: Duration,
}

/// What is to be done about a set's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Age {
    /// It is used.
    Fresh,
    /// It is used, and a newer one is looked for after the response.
    Early,
    /// A newer one is looked for, and it is used if that fails.
    Stale,
    /// It is used no more.
    Over,
}

impl Published {
    /// A set that was fetched at `at`. Where it is the one that is `known`, the tokens stay verified.
    pub(super) fn new(
        text: Bytes,
        at: Duration,
        fresh: Duration,
        known: Option<&Published>,
        edge: &Edge,
    ) -> Result<Published, Unusable> {
        let trusted = match known.filter(|known| known.text == text) {
            Some(known) => known.trusted.clone(),
            None => Rc::new(Trusted::new(KeySet::parse_published(&text)?)),
        };
        let mut random = [0];
        edge.random(&mut random);
        let early = at + fresh - fresh / EARLY_PART * u32::from(random[0]) / 256;
        Ok(Published { trusted, text, at, asked: at, fresh, early })
    }

    /// The same set, after its issuer was asked in vain.
    pub(super) fn still(&self, asked: Duration) -> Published {
        Published { trusted: self.trusted.clone(), text: self.text.clone(), asked, ..*self }
    }

    pub(super) fn age(&self, now: Duration) -> Age {
        if now >= self.at + USED_MAX {
            Age::Over
        } else if now >= self.at + self.fresh {
            Age::Stale
        } else if now >= self.early {
            Age::Early
        } else {
            Age::Fresh
        }
    }

    pub(super) fn is_newer_than(&self, other: &Published) -> bool {
        (self.at, self.asked) > (other.at, other.asked)
    }

    /// What another instance has stored. Times to come, by another clock, are now.
    pub(super) fn from_kv(entry: KvEntry, known: Option<&Published>, edge: &Edge) -> Option<Published> {
        let ([at, asked, fresh], []) = entry.metadata.as_chunks() else { return None };
        let [at, asked, fresh] = [at, asked, fresh].map(|time| Duration::from_millis(u64::from_le_bytes(*time)));
        let (now, fresh) = (edge.now(), fresh.clamp(FRESH_MIN, FRESH_MAX));
        let published = Published::new(entry.value, at.min(now), fresh, known, edge).ok()?;
        Some(Published { asked: asked.min(now), ..published })
    }

    /// What to store.
    pub(super) fn for_kv(&self) -> (&[u8], KvPut) {
        let times = [self.at, self.asked, self.fresh].map(|time| (time.as_millis() as u64).to_le_bytes());
        (&self.text, KvPut { expiry: Some(USED_MAX), metadata: times.concat().into() })
    }
}

/// For how long the issuer's answer is believed: what `Cache-Control` says (RFC 9111 §5.2.2), within our limits.
pub(super) fn fresh(headers: &HeaderMap) -> Duration {
    let directives = headers.get(header::CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut fresh = FRESH_MAX;
    for directive in directives.split(',') {
        let (name, value) = directive.trim().split_once('=').unwrap_or((directive.trim(), ""));
        if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
            fresh = FRESH_MIN;
        } else if name.eq_ignore_ascii_case("max-age")
            && let Ok(seconds) = value.trim_matches('"').parse()
        {
            fresh = fresh.min(Duration::from_secs(seconds)).max(FRESH_MIN);
        }
    }
    fresh
}

#[cfg(test)]
mod tests {
    use edge::HeaderValue;

    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    #[track_caller]
    fn check_fresh(cache_control: &'static str, expected: Duration) {
        let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(cache_control))]);
        assert_eq!(fresh(&headers), expected, "{cache_control}");
    }

    fn published(text: &'static str) -> Published {
        Published::new(text.into(), NOW, FRESH_MAX, None, &Edge::new()).unwrap()
    }

    #[test]
    fn ok_fresh_within_our_limits() {
        assert_eq!(fresh(&HeaderMap::new()), FRESH_MAX);
        check_fresh("public, max-age=300", Duration::from_secs(300));
        check_fresh("Max-Age=\"61\", must-revalidate", Duration::from_secs(61));
        check_fresh("max-age=60", FRESH_MIN);
        check_fresh("max-age=59", FRESH_MIN);
        check_fresh("max-age=600", FRESH_MAX);
        check_fresh("max-age=601", FRESH_MAX);
        for none in ["", "public", "max-age", "max-age=", "max-age=-1", "max-age=x", "s-maxage=60"] {
            check_fresh(none, FRESH_MAX);
        }
        for most in ["no-cache", "No-Store", "max-age=0", "no-store, max-age=300"] {
            check_fresh(most, FRESH_MIN);
        }
    }

    #[test]
    fn ok_age() {
        let published = published(r#"{"keys":[]}"#);
        let (millisecond, earliest) = (Duration::from_millis(1), NOW + FRESH_MAX / 4 * 3);
        assert!(published.early > earliest && published.early <= NOW + FRESH_MAX);
        for (moment, before, after) in [
            (published.early, Age::Fresh, Age::Early),
            (NOW + FRESH_MAX, Age::Early, Age::Stale),
            (NOW + USED_MAX, Age::Stale, Age::Over),
        ] {
            assert_eq!((published.age(moment - millisecond), published.age(moment)), (before, after));
        }
        assert_eq!(published.still(NOW + FRESH_MAX).age(NOW + FRESH_MAX), Age::Stale);
    }

    #[test]
    fn ok_each_instance_is_early_at_a_moment_of_its_own() {
        let edge = Edge::new();
        let early = || Published::new(r#"{"keys":[]}"#.into(), NOW, FRESH_MAX, None, &edge).unwrap().early;
        let moments: Vec<_> = (0..100).map(|_| early()).collect();
        let half = NOW + FRESH_MAX / 8 * 7;
        assert!(moments.iter().any(|moment| *moment < half) && moments.iter().any(|moment| *moment > half));
    }

    #[test]
    fn ok_there_and_back_again() {
        let edge = Edge::new();
        let known = published(r#"{"keys":[]}"#).still(NOW + Duration::from_secs(7));
        let (_, KvPut { metadata, .. }) = known.for_kv();
        let entry = |metadata: &[u8]| KvEntry {
            value: known.text.clone(),
            metadata: Bytes::copy_from_slice(metadata),
            expires: None,
        };
        let back = |metadata: &[u8]| Published::from_kv(entry(metadata), Some(&known), &edge);
        edge::block_on(edge.sleep(Duration::from_secs(60)));
        let same = back(&metadata).unwrap();
        assert_eq!((same.at, same.asked, same.fresh), (known.at, known.asked, known.fresh));
        assert!(Rc::ptr_eq(&same.trusted, &known.trusted) && !same.is_newer_than(&known));
        for wrong in [&metadata[1..], &[&metadata[..], &metadata[..8]].concat(), b""] {
            assert!(back(wrong).is_none());
        }
        let to_come = back(&[0xff; 24]).unwrap();
        assert_eq!((to_come.at, to_come.asked, to_come.fresh), (edge.now(), edge.now(), FRESH_MAX));
    }
}
