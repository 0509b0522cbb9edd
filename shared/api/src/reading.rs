//! A read that may be answered from what is stored: in the instance's memory, then in KV, then by the region, which may say
//! that what is stored is still good. A read that makes its trip in any case does not wait for KV, unless the trip fails.
//!
//! A request is first looked for as it is spelled, which needs no look into it. What is not found so, or may not be given, is
//! planned; then it has a key that other spellings of it have too (`request_key.rs`). Which answers are kept, and on what terms, is
//! said in `terms.rs`; when one is fresh, in `cache`.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use cache::{Directives, Entry, Key, Snapshot, Store, Terms, entity_tag, has_match, wire};
use config::Config;
use edge::{Edge, Error, Fault, HeaderMap, HeaderName, HeaderValue, KvPut, Method, StatusCode, header};
use http::request::Parts;
use postgrest::{ApiRequest, Basis};
use sql::{Answer, Question, Region, Statement};

use crate::flight::{self, Flight};
use crate::refusal::Refusal;
use crate::role::Who;
use crate::schema::Fetched;
use crate::{news, request_key, terms};

/// Where stored answers lie in KV. The number is that of the way in which keys and entity tags are made.
const KV_PREFIX: &str = "read/2/";
/// How long KV has an answer that nobody renews.
const KV_EXPIRY: Duration = Duration::from_secs(24 * 3600);
/// Least time between two writes of one answer to KV. Stores take one write a second.
const KV_PAUSE_MIN: Duration = Duration::from_secs(1);
/// The same for an answer that is asked about each time: KV has it for when the region does not answer, and nothing else.
const KV_PAUSE: Duration = Duration::from_secs(10);

/// A read waits for at most so many fetches of others that are of no use to it: they began too early for what its caller demands, or
/// their answer cannot be kept.
const FLIGHTS_MAX: usize = 3;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const CACHE_GROUPS: HeaderName = HeaderName::from_static("cache-groups");
const SNAPSHOT: HeaderName = HeaderName::from_static(wire::HEADLAND_SNAPSHOT);

/// Beside `Authorization`, what of a request decides its answer. The dialect names the rest.
const VARY: &str = "Authorization, Apikey, Accept-Profile";

/// A read whose answer may be stored.
pub(crate) struct Reading<'a> {
    edge: &'a Edge,
    config: &'a Config,
    who: &'a Who,
    headers: &'a HeaderMap,
    /// The region's number.
    region: u64,
    store: Rc<RefCell<Store>>,
    /// What keys begin with.
    seed: u64,
    /// The request as it is spelled.
    spelling: Vec<u8>,
    directives: Directives,
    /// What the answer has to contain.
    demanded: Snapshot,
    asked_at: Duration,
    /// A fetch that is to be made after the response.
    due: RefCell<Option<Flight>>,
}

/// A read whose answer is kept.
pub(crate) struct Keeping<'a> {
    reading: &'a Reading<'a>,
    key: Key,
    tables: Vec<u32>,
    groups: Option<HeaderValue>,
    terms: Terms,
    stored: Option<Stored>,
}

/// An answer, and where it was.
struct Stored {
    entry: Rc<Entry>,
    snapshot: Snapshot,
    place: &'static str,
}

impl Stored {
    fn new(entry: Rc<Entry>, place: &'static str) -> Stored {
        let snapshot = entry.snapshot().clone();
        Stored { entry, snapshot, place }
    }
}

impl<'a> Reading<'a> {
    /// `None` where the method is no read, or the caller wants nothing to be stored.
    pub(crate) fn of(
        head: &'a Parts,
        who: &'a Who,
        edge: &'a Edge,
        region: &Region,
        config: &'a Config,
        known: &Fetched,
        asked_at: Duration,
    ) -> Option<Reading<'a>> {
        let directives = Directives::of(&head.headers);
        if !matches!(head.method, Method::GET | Method::HEAD) || directives.no_store {
            return None;
        }
        let demanded = head.headers.get(SNAPSHOT).and_then(|value| Snapshot::parse(value.to_str().ok()?));
        let seed = request_key::seed(edge, region, known);
        Some(Reading {
            edge,
            config,
            who,
            headers: &head.headers,
            region: region.fingerprint(),
            store: store(edge),
            seed,
            spelling: request_key::spelling(seed, head, who),
            directives,
            // What is malformed is nobody's, and demands nothing.
            demanded: demanded.unwrap_or_default(),
            asked_at,
            due: RefCell::default(),
        })
    }

    /// The response, if there is one to this very request that may be given without asking anybody.
    pub(crate) fn at_once(&self) -> Option<http::Response<Bytes>> {
        let entry = self.store.borrow().get_spelled(&self.spelling)?;
        let age = self.age(&entry, self.asked_at)?;
        Some(self.hit(&entry, age, "memory"))
    }

    /// What is stored of a read, if its answer is one that is kept.
    pub(crate) async fn keeping(
        &'a self,
        request: &ApiRequest,
        basis: Basis<'_>,
        statements: &[Statement],
    ) -> Option<Keeping<'a>> {
        let terms = terms::terms(self.config, &basis)?;
        let key = request_key::key(self.seed, request, statements, &basis, self.who, self.config);
        let stored = self.find(&key, terms).await.map(|(entry, place)| Stored::new(entry, place));
        Some(Keeping { reading: self, key, groups: groups(&basis), tables: basis.tables, terms, stored })
    }

    /// Looks into memory; and into KV, if that can save the trip.
    async fn find(&self, key: &Key, terms: Terms) -> Option<(Rc<Entry>, &'static str)> {
        let held = self.store.borrow().get(key);
        if held.is_some() {
            self.store.borrow_mut().put_spelling(&self.spelling, *key);
        }
        let is_enough = held.as_ref().is_some_and(|entry| self.age(entry, self.asked_at).is_some());
        let kept = if terms.age_max.is_none() || is_enough { None } else { self.find_in_kv(key, terms).await };
        if kept.is_some() {
            // Of an answer that others have left there others may know that it is no longer good.
            news::hear(self.edge, self.region, &self.store).await;
        }
        match (held, kept) {
            (Some(held), Some(kept)) if kept.good_at() <= held.good_at() => Some((held, "memory")),
            (_, Some(kept)) => Some((self.put(kept), "kv")),
            (held, None) => held.map(|entry| (entry, "memory")),
        }
    }

    async fn find_in_kv(&self, key: &Key, terms: Terms) -> Option<Entry> {
        let kept = self.edge.kv_get(&key.name(KV_PREFIX)).await.ok().flatten()?;
        Entry::decode(*key, kept.value, terms).map(|entry| entry.good_by(self.edge.now()))
    }

    fn put(&self, entry: Entry) -> Rc<Entry> {
        let mut store = self.store.borrow_mut();
        store.put_spelling(&self.spelling, entry.key);
        store.put(entry)
    }

    /// How long ago an answer was certainly good, if it may be given now without asking.
    fn age(&self, entry: &Entry, now: Duration) -> Option<Duration> {
        self.store.borrow().age(entry, &self.demanded, self.directives.age_max_of(&entry.terms), now)
    }

    fn hit(&self, entry: &Rc<Entry>, age: Duration, place: &str) -> http::Response<Bytes> {
        entry.count_use();
        self.keep_after_response(entry);
        news::hear_after_response(self.edge, self.region, &self.store, self.asked_at);
        if entry.is_due(age, flight::luck(self.edge)) {
            let patience = Duration::from_millis(self.config.region_timeout);
            *self.due.borrow_mut() = flight::board(self.edge, entry.key, patience);
        }
        self.response(entry, format_args!("hit; ttl={}; detail={place}", ttl(&entry.terms, age)), Some(age))
    }

    fn response(&self, entry: &Entry, status: fmt::Arguments<'_>, age: Option<Duration>) -> http::Response<Bytes> {
        self.finish(entry.response(), entry.tells(&self.demanded), status, age)
    }

    /// Adds what every response to such a read says; one whose body the caller has goes without (RFC 9110 §13.2.2).
    fn finish(
        &self,
        mut response: http::Response<Bytes>,
        told: Option<HeaderValue>,
        status: fmt::Arguments<'_>,
        age: Option<Duration>,
    ) -> http::Response<Bytes> {
        let entity_tag = response.headers().get(header::ETAG);
        if entity_tag.is_some_and(|tag| has_match(self.headers, tag.as_bytes())) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = Bytes::new();
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        let headers = response.headers_mut();
        if let Some(told) = told {
            headers.insert(SNAPSHOT, told);
        }
        if let Ok(status) = HeaderValue::try_from(format!("headland; {status}")) {
            headers.insert(CACHE_STATUS, status);
        }
        if let Some(age) = age {
            headers.insert(header::AGE, age.as_secs().into());
        }
        response
    }

    /// Leaves what is hot for other instances.
    fn keep_after_response(&self, entry: &Rc<Entry>) {
        let pause = entry.terms.age_max.map_or(KV_PAUSE, |most| (most / 2).max(KV_PAUSE_MIN));
        if !entry.is_worth_keeping(pause) {
            return;
        }
        entry.keep();
        let (edge, entry, name) = (self.edge.clone(), entry.clone(), entry.key.name(KV_PREFIX));
        self.edge.after_response(async move {
            let put = KvPut { expiry: Some(KV_EXPIRY), metadata: Bytes::new() };
            if let Err(error) = edge.kv_put(&name, &entry.encode(), put).await {
                edge.log(&format!("an answer is not in KV: {error}"));
            }
        });
    }

    /// Whether the answer that was given is to be fetched anew, for those who come next.
    pub(crate) fn due(&self) -> Option<Flight> {
        self.due.take()
    }

    /// What only what is stored could have answered (RFC 9111 §5.2.1.7).
    pub(crate) fn refuse_trip(&self) -> Result<(), Refusal> {
        if !self.directives.only_if_cached {
            return Ok(());
        }
        let message = "there is no stored answer, and no other is wanted";
        Err(Error::new(StatusCode::GATEWAY_TIMEOUT, Fault::Client, "only_if_cached", message).into())
    }
}

impl Keeping<'_> {
    /// The response, if there is one that may be given without asking the region.
    pub(crate) fn at_once(&self) -> Option<http::Response<Bytes>> {
        let Stored { entry, place, .. } = self.stored.as_ref()?;
        let age = self.reading.age(entry, self.reading.edge.now())?;
        Some(self.reading.hit(entry, age, place))
    }

    /// Begins to fetch the answer, if other callers could be given it; or waits until another request of the instance has fetched it,
    /// and gives that. Who wants it to be asked for waits for nobody, and nobody waits for more than a few that come to nothing.
    pub(crate) async fn board(&mut self) -> Result<Option<Flight>, http::Response<Bytes>> {
        let (edge, patience) = (self.reading.edge, Duration::from_millis(self.reading.config.region_timeout));
        if self.terms.age_max.is_none() {
            return Ok(None);
        }
        let deadline = edge.monotonic() + patience;
        for _ in 0..FLIGHTS_MAX {
            let flight = flight::board(edge, self.key, patience);
            if flight.is_some() || self.reading.directives.no_cache {
                return Ok(flight);
            }
            flight::wait(edge, self.key, deadline.saturating_sub(edge.monotonic())).await;
            let fetched = self.reading.store.borrow().get(&self.key);
            if let Some(entry) = fetched {
                self.stored = Some(Stored::new(entry, "memory"));
            }
            if let Some(response) = self.at_once() {
                return Err(response);
            }
        }
        Ok(None)
    }

    /// What the region is asked.
    pub(crate) fn question(&self) -> Option<Question<'_>> {
        let stored = self.stored.as_ref().map(|stored| &stored.snapshot).filter(|snapshot| !snapshot.is_empty());
        let question = Question { tables: &self.tables, stored, demanded: &self.reading.demanded };
        self.terms.is_watched.then_some(question)
    }

    /// The response to a read that the region has answered; `made` makes one of the row.
    pub(crate) fn response(
        self,
        mut answer: Answer,
        made: impl FnOnce(sql::Row) -> Result<http::Response<Bytes>, Refusal>,
    ) -> Result<http::Response<Bytes>, Refusal> {
        let forward = self.forward();
        self.reading.store.borrow_mut().learn(&answer.writers, &answer.known);
        match &self.stored {
            Some(stored) if answer.row.is_none() => Ok(self.unchanged(stored, &answer, forward)),
            _ => Ok(self.keep(made(answer.take_row()?)?, answer, forward)),
        }
    }

    /// The answer that is stored, for a caller whom the region cannot answer now; `None` where there is none that contains all
    /// that is demanded.
    pub(crate) async fn stale(mut self, error: &sql::Error) -> Option<http::Response<Bytes>> {
        use sql::Error::{Broken, Full, TimedOut, Unreachable};
        if !matches!(error, Broken(_) | Full { .. } | TimedOut | Unreachable(_)) {
            return None;
        }
        if self.stored.is_none() {
            let kept = self.reading.find_in_kv(&self.key, self.terms).await?;
            self.stored = Some(Stored::new(self.reading.put(kept), "kv"));
        }
        let Stored { entry, snapshot, place } = self.stored.as_ref()?;
        let age = self.reading.asked_at.saturating_sub(entry.good_at());
        let is_enough = snapshot.contains_all(&self.reading.demanded)
            && age <= self.reading.directives.age_max_if_error(&entry.terms);
        let status = format_args!("fwd=stale; detail=\"unreachable, {place}\"");
        is_enough.then(|| self.reading.response(entry, status, Some(age)))
    }

    fn unchanged(&self, stored: &Stored, answer: &Answer, forward: &str) -> http::Response<Bytes> {
        let Stored { entry, place, .. } = stored;
        entry.renew(answer.snapshot.as_ref().unwrap_or(&Snapshot::default()), self.reading.asked_at);
        entry.took(self.reading.edge.now().saturating_sub(self.reading.asked_at));
        entry.count_use();
        self.reading.keep_after_response(entry);
        let status = format_args!("{forward}; fwd-status=304; detail={place}");
        self.reading.response(entry, status, Some(Duration::ZERO))
    }

    fn keep(self, mut response: http::Response<Bytes>, answer: Answer, forward: &str) -> http::Response<Bytes> {
        self.describe(&mut response);
        let snapshot = answer.snapshot.unwrap_or_default();
        // It may be the answer to somebody else, who demanded less: nothing that was demanded would have changed it.
        let told =
            wire::write_seen(answer.seen.as_ref().unwrap_or(&snapshot).clone().given_for(&self.reading.demanded));
        // Where the region does not hear of writers, it will not say that anything is good.
        if self.stored.is_some() {
            news::tell(self.reading.edge, self.reading.region, self.reading.config, &answer.writers);
        }
        let is_of_use = self.terms.age_max.is_some() || !answer.writers.is_empty();
        let is_whole = matches!(response.status(), StatusCode::OK | StatusCode::PARTIAL_CONTENT);
        let entry = if is_of_use && is_whole { self.entry(&response, &snapshot) } else { None };
        let entry = entry.map(|entry| entry.showing(answer.seen));
        let Some(entry) = entry else {
            return self.reading.finish(response, told, format_args!("{forward}"), None);
        };
        entry.took(self.reading.edge.now().saturating_sub(self.reading.asked_at));
        if let Some(before) = &self.stored {
            entry.follow(&before.entry);
        }
        let entry = self.reading.put(entry);
        self.reading.keep_after_response(&entry);
        self.reading.finish(response, told, format_args!("{forward}; stored"), None)
    }

    /// Why the region was asked (RFC 9211 §2.2), by what was known before it.
    fn forward(&self) -> &'static str {
        let Some(Stored { entry, .. }) = &self.stored else { return "fwd=miss" };
        let Reading { store, demanded, asked_at, .. } = self.reading;
        // An answer that is fresh was not what the caller would take.
        let age = store.borrow().age(entry, demanded, entry.terms.age_max, *asked_at);
        if age.is_some() { "fwd=request" } else { "fwd=stale" }
    }

    fn entry(&self, response: &http::Response<Bytes>, snapshot: &Snapshot) -> Option<Entry> {
        Entry::new(self.key, response.clone(), self.tables.clone(), self.terms, snapshot.clone(), self.reading.asked_at)
    }

    /// Adds what goes with this answer whoever is given it.
    fn describe(&self, response: &mut http::Response<Bytes>) {
        let body = response.body().clone();
        let headers = response.headers_mut();
        if !body.is_empty() {
            let value = |name| headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default();
            let entity_tag = entity_tag(value(header::CONTENT_TYPE), value(header::CONTENT_RANGE), &body);
            headers.extend(HeaderValue::try_from(entity_tag).ok().map(|tag| (header::ETAG, tag)));
        }
        // Only here is known whether it is still good.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, vary(headers.get(header::VARY)));
        headers.extend(self.groups.clone().map(|groups| (CACHE_GROUPS, groups)));
    }
}

/// What an instance keeps. Nothing of a request is in it but its answer, under a key that nobody else's request has.
pub(crate) fn store(edge: &Edge) -> Rc<RefCell<Store>> {
    edge.instance_get().unwrap_or_else(|| edge.instance_put(RefCell::default()))
}

/// For how many seconds more an answer of that age is young; below zero it is past that (RFC 9211 §2.5).
fn ttl(terms: &Terms, age: Duration) -> i64 {
    let begun = age.as_secs() + u64::from(age.subsec_nanos() > 0);
    terms.age_max.unwrap_or_default().as_secs() as i64 - begun as i64
}

/// Says in a response what its caller has seen.
pub(crate) fn tell_snapshot(snapshot: Snapshot, headers: &mut HeaderMap) {
    if let Some(told) = wire::write_seen(snapshot) {
        headers.insert(SNAPSHOT, told);
    }
}

/// What a response depends on beside that on which the dialect says it does, in one line.
fn vary(dialect: Option<&HeaderValue>) -> HeaderValue {
    let dialect = dialect.and_then(|value| value.to_str().ok()).unwrap_or("*");
    HeaderValue::try_from(format!("{dialect}, {VARY}")).unwrap_or_else(|_| HeaderValue::from_static("*"))
}

/// The relations that were asked for, as `Cache-Groups` (RFC 9875): `"public.films", "public.people"`. Names that HTTP
/// does not allow in a string are left out.
fn groups(basis: &Basis<'_>) -> Option<HeaderValue> {
    let mut names: Vec<String> =
        basis.relations.iter().map(|relation| format!("{}.{}", relation.schema(), relation.name())).collect();
    names.retain(|name| name.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')));
    sort::distinct(&mut names);
    let groups: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    HeaderValue::try_from(groups.join(", ")).ok().filter(|_| !groups.is_empty())
}
