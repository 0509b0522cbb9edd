//! The issuer whose keys tokens are verified with: `jwt-jwks-url`, where it publishes them as a JWK set (RFC 7517 §5).
//!
//! The set comes from the instance's memory, else KV, else the issuer, in which case the request waits for it. A request
//! near the end of the set's fresh time fetches a newer one after its response. While the issuer does not answer, the keys
//! at hand go on being used; without any, tokens are refused with 503, and those who have none notice nothing.
//!
//! A token by a key that is not in the set (a `kid` that nobody has heard of, RFC 7515 §4.1.4) may be by a new one: the
//! issuer is asked once more. But it is asked at most once in an [`INTERVAL`], whatever is sent, by an instance and, as
//! far as KV is current, by all of them.

mod published;

use std::cell::{Cell, RefCell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use config::Config;
use edge::{Body, Edge, Error, Fault, HeaderValue, Request, StatusCode, header};
use token::{Claims, PUBLISHED_BYTES_MAX};

use crate::refusal::Refusal;
use published::{Age, Published};

/// How long the issuer may take, its answer's body included.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The issuer is asked no sooner again, neither for a new key nor after a failure.
const INTERVAL: Duration = Duration::from_secs(30);
/// The same where there are no keys, so that every token is refused meanwhile.
const INTERVAL_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// How often a request looks whether another one has the answer that it waits for.
const WAIT: Duration = Duration::from_millis(20);

/// Who publishes keys, and what this instance knows of them.
pub(crate) struct Issuer {
    url: String,
    known: RefCell<Option<Rc<Published>>>,
    /// When this instance asked last.
    asked: Cell<Duration>,
    /// Until when one request looks for a newer set. A time and not a flag, because a runtime may end that request half-way.
    looking_until: Cell<Duration>,
}

impl Issuer {
    /// The issuer that the policy names, if it does. Nothing is waited for, so that an instance has one of it.
    pub(crate) fn of(edge: &Edge, config: &Config) -> Option<Rc<Issuer>> {
        let url = config.jwt_jwks_url.as_deref()?;
        edge.instance_get().or_else(|| Some(edge.instance_put(Issuer::at(url))))
    }

    fn at(url: &str) -> Issuer {
        Issuer {
            url: url.to_owned(),
            known: RefCell::default(),
            asked: Cell::default(),
            looking_until: Cell::default(),
        }
    }

    /// What the token claims, if the issuer has signed it.
    ///
    /// # Errors
    /// A token that is not right, and no keys to verify it with (503).
    pub(crate) async fn verify(self: &Rc<Self>, token: &str, edge: &Edge) -> Result<Rc<Claims>, Refusal> {
        let known = self.at_hand(edge).await.ok_or_else(|| self.unavailable(edge.now()))?;
        match known.trusted.verify(token) {
            Err(error @ (token::Error::NoKey | token::Error::NoMatch)) => match self.newer(&known, edge).await {
                Some(newer) => Ok(newer.trusted.verify(token)?),
                None => Err(error.into()),
            },
            outcome => Ok(outcome?),
        }
    }

    /// The set to verify with.
    async fn at_hand(self: &Rc<Self>, edge: &Edge) -> Option<Rc<Published>> {
        let now = edge.now();
        match self.known(now).map(|known| known.age(now)) {
            Some(Age::Fresh) => {}
            Some(Age::Early) if self.is_due(now) => edge.after_response(self.look(Some(Age::Fresh), edge)),
            Some(Age::Early) => {}
            Some(_) if self.is_looking(now) => {}
            _ => self.look(Some(Age::Early), edge).await,
        }
        self.known(edge.now())
    }

    /// A set with other keys than `known`, if there is one.
    async fn newer(self: &Rc<Self>, known: &Published, edge: &Edge) -> Option<Rc<Published>> {
        self.look(None, edge).await;
        self.known(edge.now()).filter(|newer| !Rc::ptr_eq(&newer.trusted, &known.trusted))
    }

    /// Looks for a newer set, if it is time to: in KV, where one of this age or younger will do, and at the issuer. Of several
    /// requests one looks, and the others wait for it. (Boxed, as it is called at several places and large.)
    fn look(self: &Rc<Self>, will_do: Option<Age>, edge: &Edge) -> Pin<Box<dyn Future<Output = ()>>> {
        let (issuer, edge) = (self.clone(), edge.clone());
        Box::pin(async move {
            while issuer.is_looking(edge.now()) {
                edge.sleep(WAIT).await;
            }
            if !issuer.is_due(edge.now()) {
                return;
            }
            issuer.looking_until.set(edge.now() + TIMEOUT);
            issuer.load(&edge).await;
            let known = issuer.known(edge.now()).map(|known| known.age(edge.now()));
            if (known.is_none() || known > will_do) && issuer.is_due(edge.now()) {
                issuer.ask(&edge).await;
            }
            issuer.looking_until.set(Duration::ZERO);
        })
    }

    /// Takes over what another instance has left in KV, if that is newer.
    async fn load(&self, edge: &Edge) {
        let Ok(Some(entry)) = edge.kv_get(&self.key()).await else { return };
        let known = self.known.borrow().clone();
        let stored = Published::from_kv(entry, known.as_deref(), edge);
        if let Some(stored) = stored.filter(|stored| known.is_none_or(|known| stored.is_newer_than(&known))) {
            self.known.replace(Some(Rc::new(stored)));
        }
    }

    /// Asks the issuer, and leaves the answer in memory at once and in KV after the response. That there is none, KV has too.
    async fn ask(&self, edge: &Edge) {
        let now = edge.now();
        self.asked.set(now);
        let outcome = self.fetch(now, edge).await.or_else(|why| {
            edge.log(&format!("the keys at {} cannot be had: {why}", self.url));
            self.known.borrow().as_ref().map(|known| known.still(now)).ok_or(())
        });
        if let Ok(published) = outcome {
            let published = Rc::new(published);
            self.known.replace(Some(published.clone()));
            self.keep_after_response(published, edge);
        }
    }

    /// One request to the issuer; redirects are not followed.
    async fn fetch(&self, at: Duration, edge: &Edge) -> Result<Published, String> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = self.url.parse().map_err(|_| "that cannot be requested")?;
        // RFC 7517 §8.5.2.
        let accept = HeaderValue::from_static("application/jwk-set+json, application/json");
        request.headers_mut().insert(header::ACCEPT, accept);
        let answer =
            edge.fetch_whole(request, PUBLISHED_BYTES_MAX, TIMEOUT).await.map_err(|error| error.to_string())?;
        let (head, text) = answer.into_parts();
        if head.status != StatusCode::OK {
            return Err(format!("status {}", head.status.as_u16()));
        }
        let known = self.known.borrow().clone();
        let published = Published::new(text, at, published::fresh(&head.headers), known.as_deref(), edge);
        published.map_err(|error| error.to_string())
    }

    fn keep_after_response(&self, published: Rc<Published>, edge: &Edge) {
        let (later, key) = (edge.clone(), self.key());
        edge.after_response(async move {
            let (value, put) = published.for_kv();
            if let Err(error) = later.kv_put(&key, value, put).await {
                later.log(&format!("the issuer's keys are not in KV: {error}"));
            }
        });
    }

    /// Unless it is too old to be used.
    fn known(&self, now: Duration) -> Option<Rc<Published>> {
        self.known.borrow().clone().filter(|known| known.age(now) != Age::Over)
    }

    /// Whether a request is looking for a newer set.
    fn is_looking(&self, now: Duration) -> bool {
        now < self.looking_until.get()
    }

    /// Whether the issuer may be asked.
    fn is_due(&self, now: Duration) -> bool {
        now >= self.due()
    }

    fn due(&self) -> Duration {
        match &*self.known.borrow() {
            Some(known) => self.asked.get().max(known.asked) + INTERVAL,
            None => self.asked.get() + INTERVAL_WITHOUT_KEYS,
        }
    }

    fn unavailable(&self, now: Duration) -> Error {
        let message = "the keys that tokens are verified with cannot be had now";
        let wait = self.due().saturating_sub(now).as_millis().div_ceil(1000) as u64;
        Error::new(StatusCode::SERVICE_UNAVAILABLE, Fault::Upstream, "issuer_unavailable", message)
            .with_header(header::RETRY_AFTER, wait.into())
    }

    fn key(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.url.hash(&mut hasher);
        format!("jwks/1/{:016x}", hasher.finish())
    }
}

#[cfg(test)]
mod tests;
