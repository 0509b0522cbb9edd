//! Heads of stored answers as the runtime has them: what is hot has the same one for a second, and none is made anew for each caller.

use std::rc::Rc;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Body;

/// Heads that are kept.
const HEADS_MAX: usize = 64;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Heads that were given away, in the runtime's own type.
pub(crate) struct Heads<H> {
    made: Vec<Made<H>>,
    /// The one that has been here longest.
    oldest: usize,
}

struct Made<H> {
    /// Where the body was: not many heads have to be compared.
    place: usize,
    headers: HeaderMap,
    head: Rc<H>,
}

impl<H> Default for Heads<H> {
    fn default() -> Heads<H> {
        Heads { made: Vec::new(), oldest: 0 }
    }
}

impl<H> Heads<H> {
    /// What `make` makes of a response's headers, or has made of the same ones before.
    pub(crate) fn get<E>(
        &mut self,
        headers: HeaderMap,
        body: &Body,
        make: impl FnOnce(&HeaderMap) -> Result<H, E>,
    ) -> Result<Rc<H>, E> {
        if !is_hit(&headers) {
            return make(&headers).map(Rc::new);
        }
        let place = place(body);
        if let Some(made) = self.made.iter().find(|made| made.place == place && is_same(&made.headers, &headers)) {
            return Ok(made.head.clone());
        }
        let head = Rc::new(make(&headers)?);
        let made = Made { place, headers, head: head.clone() };
        match self.made.get_mut(self.oldest) {
            Some(oldest) => *oldest = made,
            None => self.made.push(made),
        }
        self.oldest = (self.oldest + 1) % HEADS_MAX;
        Ok(head)
    }
}

/// Whether a response says that it was stored, and given without asking anybody (RFC 9211 §2.1): the next one is likely to have
/// the same head.
fn is_hit(headers: &HeaderMap) -> bool {
    let status = headers.get(CACHE_STATUS).and_then(|value| value.to_str().ok());
    status.is_some_and(|status| status.split(';').skip(1).any(|parameter| parameter.trim() == "hit"))
}

fn place(body: &Body) -> usize {
    match body {
        Body::Whole(bytes) => bytes.as_ptr() as usize,
        Body::Stream(_) => 0,
    }
}

/// Whether two heads have the same fields in the same order. Most values are a stored answer's, and so lie in the same place.
fn is_same(one: &HeaderMap, other: &HeaderMap) -> bool {
    type Field<'a> = (&'a HeaderName, &'a HeaderValue);
    let is_same_field = |((one_name, one), (other_name, other)): (Field<'_>, Field<'_>)| {
        one_name == other_name && (std::ptr::eq(one.as_bytes(), other.as_bytes()) || one == other)
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same_field)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    /// What is given for a head, where the next one to be made is `number`.
    fn given(heads: &mut Heads<usize>, status: &str, age: &str, body: &Body, number: usize) -> usize {
        let headers = headers(&[("cache-status", status), ("age", age)]);
        let Ok(head) = heads.get(headers, body, |_| Ok::<_, Infallible>(number));
        *head
    }

    #[test]
    fn ok_hit() {
        let is_hit = |status| is_hit(&headers(&[("cache-status", status)]));
        assert!(is_hit("headland; hit; ttl=5; detail=memory") && is_hit("headland;hit"));
        assert!(!is_hit("headland; fwd=stale; fwd-status=304; detail=memory") && !is_hit("hit"));
        assert!(!super::is_hit(&HeaderMap::new()));
    }

    #[test]
    fn ok_the_same_head_is_made_once() {
        let (mut heads, body) = (Heads::default(), Body::from("[]"));
        assert_eq!(given(&mut heads, "headland; hit", "1", &body, 1), 1);
        assert_eq!(given(&mut heads, "headland; hit", "1", &body, 2), 1);
        assert_eq!(given(&mut heads, "headland; hit", "2", &body, 3), 3);
        assert_eq!(given(&mut heads, "headland; hit", "1", &Body::from("[1]"), 4), 4);
        assert_eq!(given(&mut heads, "headland; hit", "1", &body, 5), 1);
        assert_eq!(given(&mut heads, "headland; fwd=miss", "1", &body, 6), 6);
        assert_eq!(given(&mut heads, "headland; fwd=miss", "1", &body, 7), 7);
    }

    #[test]
    fn ok_bounded() {
        let (mut heads, body) = (Heads::default(), Body::from("[]"));
        for number in 0..=HEADS_MAX {
            given(&mut heads, "headland; hit", &number.to_string(), &body, number);
        }
        assert_eq!(heads.made.len(), HEADS_MAX);
        assert_eq!(given(&mut heads, "headland; hit", "0", &body, 1000), 1000);
        assert_eq!(given(&mut heads, "headland; hit", &HEADS_MAX.to_string(), &body, 1001), HEADS_MAX);
    }
}
