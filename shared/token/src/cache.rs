//! Tokens that were verified before.
//!
//! An ES256 signature takes 1.5 ms to verify at the edge, RS256 0.5 ms, HS256 10 µs; a request is served in 0.1 ms. What
//! is kept are claims, found by the whole token: their times are checked at each use.

use std::collections::HashMap;
use std::rc::Rc;

use crate::Claims;

/// So many tokens are kept in each of two generations.
pub const CACHED_MAX: usize = 128;
/// And so many bytes of tokens.
const CACHED_BYTES_MAX: usize = 256 * 1024;

/// The claims of tokens that were verified.
#[derive(Default)]
pub struct Cache {
    young: HashMap<Box<str>, Rc<Claims>>,
    old: HashMap<Box<str>, Rc<Claims>>,
    young_bytes: usize,
}

impl Cache {
    /// The claims of a token.
    pub fn get(&mut self, token: &str) -> Option<Rc<Claims>> {
        if let Some(claims) = self.young.get(token) {
            return Some(claims.clone());
        }
        let claims = self.old.remove(token)?;
        self.put(token, claims.clone());
        Some(claims)
    }

    /// Keeps the claims of a token that was verified. Where there are too many, those go that were not used for longest.
    pub fn put(&mut self, token: &str, claims: Rc<Claims>) {
        if self.young.len() >= CACHED_MAX || self.young_bytes + token.len() > CACHED_BYTES_MAX {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += token.len();
        self.young.insert(token.into(), claims);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(number: usize) -> Rc<Claims> {
        Claims::parse(format!(r#"{{"sub":{number}}}"#).as_bytes()).unwrap().into()
    }

    #[test]
    fn ok_found_by_the_whole_token() {
        let mut cache = Cache::default();
        cache.put("a.b.c", claims(1));
        assert_eq!(cache.get("a.b.c"), Some(claims(1)));
        assert_eq!(cache.get("a.b.d"), None);
        assert_eq!(cache.get("a.b"), None);
    }

    #[test]
    fn ok_bounded_and_what_is_used_stays() {
        let mut cache = Cache::default();
        for number in 0..10 * CACHED_MAX {
            cache.put(&number.to_string(), claims(number));
            assert_eq!(cache.get("0"), Some(claims(0)));
            assert!(cache.young.len() + cache.old.len() <= 2 * CACHED_MAX);
        }
        assert_eq!(cache.get("1"), None);
    }

    #[test]
    fn ok_bounded_in_bytes() {
        let mut cache = Cache::default();
        for number in 0..100 {
            cache.put(&format!("{number}{}", "x".repeat(16_000)), claims(number));
            assert!(cache.young.len() <= CACHED_BYTES_MAX / 16_000);
        }
    }
}
