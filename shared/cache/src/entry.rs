//! A stored answer: what is given to callers as it is, and what decides whether it may be.
//!
//! In a key-value store it is
//!
//! ```text
//! entry  = version:u8(=2) status:u16 good-at:u64 cost:u32 snapshot:block seen:block tables:block(u32 *) headers:block(header *) body
//! header = name ":" value LF
//! block  = length:u32 bytes
//! ```
//!
//! with little-endian integers; `good-at` is in milliseconds since the Unix epoch, `cost` in milliseconds. The body is what is left, and is not looked at.

use std::cell::{Cell, Ref, RefCell};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::{Key, RelationId, Snapshot, wire};

/// Longest body of an answer that is stored, in bytes. With the rest it fits into a value of any key-value store.
pub const BODY_BYTES_MAX: usize = 900_000;
/// Longest of all the rest.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// About how many headers are added for each caller: there is room for them.
const HEADERS_ADDED: usize = 8;

const VERSION: u8 = 2;

/// On what terms an answer may be given, by the relations that it was asked of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terms {
    /// For how long an edge may give it without asking the region, from the moment when it was certainly good; `None` is not
    /// at all.
    pub age_max: Option<Duration>,
    /// For how much longer it may, while somebody has it renewed (RFC 5861 §3).
    pub stale_while_revalidate: Duration,
    /// For how much longer it is given where the region does not answer (RFC 5861 §4).
    pub stale_if_error: Duration,
    /// Whether the region hears of all who write the tables, so that it can say whether the answer is still good.
    pub is_watched: bool,
}

/// An answer that is kept for more than one request. Nothing of the request is in it.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// The response's.
    pub status: StatusCode,
    /// Those that every response with this answer has.
    pub headers: HeaderMap,
    /// Byte for byte.
    pub body: Bytes,
    /// The tables that it was made of.
    pub tables: Vec<RelationId>,
    /// What policy says of it.
    pub terms: Terms,
    /// What it contains, which can become more. One without is of a region that does not tell.
    snapshot: RefCell<Snapshot>,
    /// What whoever is given it has seen, where that is more.
    seen: Option<Snapshot>,
    /// What its callers are told that they have seen, but for those who have seen more; once it was made.
    told: RefCell<Option<HeaderValue>>,
    /// A moment when it was good, since the Unix epoch.
    good_at: Cell<Duration>,
    /// How long the region took the last time that it was asked.
    cost: Cell<Duration>,
    /// Whether it was asked for after it was made.
    is_used: Cell<bool>,
    /// Of which moment a key-value store has it, or has what was there before it.
    kept_at: Cell<Duration>,
}

impl Entry {
    /// An answer whose statement had this snapshot, and which was asked for at the moment `good_at`: `None` where it is too long to
    /// be stored.
    pub fn new(
        key: Key,
        response: http::Response<Bytes>,
        tables: Vec<RelationId>,
        terms: Terms,
        snapshot: Snapshot,
        good_at: Duration,
    ) -> Option<Entry> {
        let (mut head, body) = response.into_parts();
        head.headers.reserve(HEADERS_ADDED);
        let entry = Entry {
            key,
            status: head.status,
            headers: head.headers,
            body,
            tables,
            terms,
            snapshot: RefCell::new(snapshot),
            seen: None,
            told: RefCell::default(),
            good_at: Cell::new(good_at),
            cost: Cell::default(),
            is_used: Cell::default(),
            kept_at: Cell::default(),
        };
        (entry.body.len() <= BODY_BYTES_MAX && entry.head_bytes() <= HEAD_BYTES_MAX).then_some(entry)
    }

    /// The same of a statement that saw more than its snapshot says, which was cut to what fits.
    pub fn showing(mut self, seen: Option<Snapshot>) -> Entry {
        self.seen = seen;
        self
    }

    /// About how many bytes it takes in memory.
    pub fn bytes(&self) -> usize {
        self.body.len() + self.head_bytes() + size_of::<Entry>()
    }

    /// What it contains.
    pub fn snapshot(&self) -> Ref<'_, Snapshot> {
        self.snapshot.borrow()
    }

    /// When it was good.
    pub fn good_at(&self) -> Duration {
        self.good_at.get()
    }

    /// As a response to whoever asks.
    pub fn response(&self) -> http::Response<Bytes> {
        let mut response = http::Response::new(self.body.clone());
        *response.status_mut() = self.status;
        response.headers_mut().clone_from(&self.headers);
        response
    }

    /// What a caller is told who demanded a snapshot and is given this ([`wire::HEADLAND_SNAPSHOT`]); `None` where there is nothing to
    /// tell.
    pub fn tells(&self, demanded: &Snapshot) -> Option<HeaderValue> {
        if !self.snapshot().contains_all(demanded) {
            return wire::write_seen(self.snapshot_for(demanded));
        }
        let made = self.told.borrow().clone();
        made.or_else(|| {
            let told = wire::write_seen(self.snapshot_for(demanded));
            self.told.borrow_mut().clone_from(&told);
            told
        })
    }

    /// What a caller has seen who demanded a snapshot, and is given this for it: there was nothing in what was demanded that
    /// would have changed the answer.
    pub fn snapshot_for(&self, demanded: &Snapshot) -> Snapshot {
        let mut snapshot = self.snapshot().clone();
        self.seen.iter().for_each(|seen| snapshot.merge(seen));
        snapshot.given_for(demanded)
    }

    /// The region took so long to say what it is, or that it is still good.
    pub fn took(&self, cost: Duration) {
        self.cost.set(cost);
    }

    /// Whether one of those who ask should have it renewed although it may still be given, so that nobody has to wait when it
    /// may not: the more likely the older it is, and the longer the region takes. `luck` is from 0 to 1, and another one each
    /// time; one that is past its age always should. This is XFetch with β = 1 (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede Prevention,
    /// VLDB 2015, figure 4).
    pub fn is_due(&self, age: Duration, luck: f64) -> bool {
        let gap = self.cost.get().as_secs_f64() * -luck.ln();
        self.terms.age_max.is_some_and(|most| age.as_secs_f64() + gap >= most.as_secs_f64())
    }

    /// The region has said, when it was asked at the moment `at`, that the answer is still good, and contains this by now.
    pub fn renew(&self, snapshot: &Snapshot, at: Duration) {
        self.snapshot.borrow_mut().merge(snapshot);
        self.told.take();
        self.good_at.set(self.good_at.get().max(at));
    }

    /// It takes the place of another answer to the same request, also in a key-value store.
    pub fn follow(&self, before: &Entry) {
        self.is_used.set(true);
        self.kept_at.set(before.kept_at.get());
    }

    /// It is asked for once more.
    pub fn count_use(&self) {
        self.is_used.set(true);
    }

    /// Whether a key-value store should have it, or have it anew: what is asked for once more is asked for often. `pause` is the
    /// least time between two writes.
    pub fn is_worth_keeping(&self, pause: Duration) -> bool {
        self.is_used.get() && self.good_at.get() > self.kept_at.get() + pause
    }

    /// A key-value store has it as it is now.
    pub fn keep(&self) {
        self.kept_at.set(self.good_at.get());
    }

    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.bytes());
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.status.as_u16().to_le_bytes());
        bytes.extend_from_slice(&(self.good_at.get().as_millis() as u64).to_le_bytes());
        bytes.extend_from_slice(&(self.cost.get().as_millis() as u32).to_le_bytes());
        push_block(&mut bytes, self.snapshot.borrow().to_string().as_bytes());
        push_block(&mut bytes, self.seen.as_ref().map(Snapshot::to_string).unwrap_or_default().as_bytes());
        push_block(&mut bytes, &self.tables.iter().flat_map(|table| table.to_le_bytes()).collect::<Vec<u8>>());
        let mut headers = Vec::with_capacity(self.head_bytes());
        for (name, value) in &self.headers {
            headers.extend_from_slice(name.as_str().as_bytes());
            headers.push(b':');
            headers.extend_from_slice(value.as_bytes());
            headers.push(b'\n');
        }
        push_block(&mut bytes, &headers);
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The same, good at `now` at the latest: an edge whose clock is ahead has asked in what is the future here, and nothing that is asked
    /// for meanwhile would take its place.
    pub fn good_by(self, now: Duration) -> Entry {
        let good_at = self.good_at.get().min(now);
        self.good_at.set(good_at);
        self.kept_at.set(good_at);
        self
    }

    /// Reads what [`Entry::encode`] wrote; `None` where it is something else. Nothing of the body is copied.
    pub fn decode(key: Key, mut bytes: Bytes, terms: Terms) -> Option<Entry> {
        let version = bytes.try_get_u8().ok()?;
        let status = StatusCode::from_u16(bytes.try_get_u16_le().ok()?).ok()?;
        let good_at = Duration::from_millis(bytes.try_get_u64_le().ok()?);
        let cost = Duration::from_millis(bytes.try_get_u32_le().ok()?.into());
        let snapshot = Snapshot::parse(str::from_utf8(&take_block(&mut bytes)?).ok()?)?;
        let seen = take_block(&mut bytes)?;
        let seen = if seen.is_empty() { None } else { Some(Snapshot::parse(str::from_utf8(&seen).ok()?)?) };
        let tables = take_block(&mut bytes)?;
        let (tables, rest) = tables.as_chunks::<4>();
        let tables: Vec<RelationId> = tables.iter().map(|table| RelationId::from_le_bytes(*table)).collect();
        let is_whole = rest.is_empty() && version == VERSION;
        let headers = headers(&take_block(&mut bytes)?)?;
        Some(Entry {
            key,
            status,
            headers,
            body: bytes,
            tables,
            terms,
            snapshot: RefCell::new(snapshot),
            seen,
            told: RefCell::default(),
            good_at: Cell::new(good_at),
            cost: Cell::new(cost),
            is_used: Cell::default(),
            kept_at: Cell::new(good_at),
        })
        .filter(|_| is_whole)
    }

    fn head_bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 2);
        headers.sum::<usize>() + self.tables.len() * size_of::<RelationId>()
    }
}

fn push_block(bytes: &mut Vec<u8>, block: &[u8]) {
    bytes.extend_from_slice(&(block.len() as u32).to_le_bytes());
    bytes.extend_from_slice(block);
}

fn take_block(bytes: &mut Bytes) -> Option<Bytes> {
    let length = bytes.try_get_u32_le().ok()? as usize;
    (length <= bytes.len()).then(|| bytes.split_to(length))
}

fn headers(block: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(8 + HEADERS_ADDED);
    for line in block.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(&line[colon + 1..]).ok()?);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyMaker, Timeline};

    const TERMS: Terms = Terms {
        age_max: Some(Duration::from_secs(60)),
        stale_while_revalidate: Duration::ZERO,
        stale_if_error: Duration::ZERO,
        is_watched: true,
    };

    fn key() -> Key {
        KeyMaker::new(1).key()
    }

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::of_postgres(Timeline(9), text).unwrap()
    }

    fn entry(body: Bytes) -> Option<Entry> {
        let mut response = http::Response::new(body);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        response.headers_mut().insert("content-range", HeaderValue::from_static("0-1/*"));
        response.headers_mut().append("a", HeaderValue::from_static("b: c"));
        response.headers_mut().append("a", HeaderValue::from_bytes(b"\xff").unwrap());
        Entry::new(key(), response, vec![16385, 7], TERMS, snapshot("10:20:10,12"), Duration::from_millis(1_234_567))
    }

    #[test]
    fn ok_what_was_written_is_read() {
        let written = entry(Bytes::from_static(b"[{\"a\":1}]\n")).unwrap();
        let read = Entry::decode(key(), written.encode().into(), TERMS).unwrap();
        assert_eq!((read.status, &read.headers, &read.body), (written.status, &written.headers, &written.body));
        assert_eq!(
            (&read.tables, &*read.snapshot(), read.good_at()),
            (&written.tables, &*written.snapshot(), written.good_at())
        );
        assert!(!read.is_worth_keeping(Duration::ZERO));
    }

    #[test]
    fn err_what_is_something_else() {
        let whole = Bytes::from(entry(Bytes::new()).unwrap().encode());
        assert!(Entry::decode(key(), whole.clone(), TERMS).is_some());
        for length in 0..whole.len() {
            assert!(Entry::decode(key(), whole.slice(..length), TERMS).is_none(), "{length}");
        }
        for (place, byte) in [(0, 1), (1, 0), (2, 9), (15, 255), (18, 255)] {
            let mut other = whole.to_vec();
            other[place] = byte;
            assert!(Entry::decode(key(), other.into(), TERMS).is_none(), "{place}");
        }
    }

    #[test]
    fn ok_one_from_the_future() {
        let written = entry(Bytes::new()).unwrap().encode();
        let read =
            |now| Entry::decode(key(), written.clone().into(), TERMS).unwrap().good_by(Duration::from_millis(now));
        assert_eq!(read(1_234_566).good_at(), Duration::from_millis(1_234_566));
        assert_eq!(read(1_234_568).good_at(), Duration::from_millis(1_234_567));
    }

    #[test]
    fn err_too_long() {
        assert!(entry(vec![0; BODY_BYTES_MAX].into()).is_some());
        assert!(entry(vec![0; BODY_BYTES_MAX + 1].into()).is_none());
        let mut response = http::Response::new(Bytes::new());
        response.headers_mut().insert("a", HeaderValue::from_bytes(&[b'a'; HEAD_BYTES_MAX]).unwrap());
        assert!(Entry::new(key(), response, vec![], TERMS, Snapshot::default(), Duration::ZERO).is_none());
    }

    #[test]
    fn ok_one_without_a_snapshot() {
        let written =
            Entry::new(key(), http::Response::default(), vec![], TERMS, Snapshot::default(), Duration::ZERO).unwrap();
        assert!(Entry::decode(key(), written.encode().into(), TERMS).unwrap().snapshot().is_empty());
    }

    /// A statement that saw what came later than a transaction that its cut snapshot ends before.
    #[test]
    fn ok_one_whose_snapshot_was_cut() {
        let written = entry(Bytes::new()).unwrap().showing(Some(snapshot("10:30:10,12")));
        let read = Entry::decode(key(), written.encode().into(), TERMS).unwrap();
        for entry in [written, read] {
            assert_eq!(*entry.snapshot(), snapshot("10:20:10,12"));
            assert_eq!(entry.snapshot_for(&Snapshot::default()), snapshot("10:30:10,12"));
            assert_eq!(entry.snapshot_for(&snapshot("31:31:")), snapshot("31:31:"));
            let elsewhere = Snapshot::of_postgres(Timeline(8), "31:31:").unwrap();
            assert_eq!(entry.snapshot_for(&elsewhere), snapshot("10:30:10,12"));
        }
    }

    /// Each caller is told what it has seen, whoever was told before it, and also when there is more of it.
    #[test]
    fn ok_what_callers_are_told() {
        let entry = entry(Bytes::new()).unwrap();
        let elsewhere = Snapshot::of_postgres(Timeline(8), "90:90:").unwrap();
        let nothing = Snapshot::default();
        let check = |demanded: &Snapshot, expected: &str| {
            let told = entry.tells(demanded).unwrap();
            assert_eq!(Snapshot::parse(told.to_str().unwrap()).unwrap(), snapshot(expected), "{demanded}");
        };
        for _ in 0..2 {
            check(&nothing, "10:20:10,12");
            check(&snapshot("9:9:"), "10:20:10,12");
            check(&snapshot("31:31:"), "31:31:");
            check(&elsewhere, "10:20:10,12");
        }
        entry.renew(&snapshot("20:30:"), entry.good_at());
        check(&nothing, "20:30:");
        let without =
            Entry::new(key(), http::Response::default(), vec![], TERMS, nothing.clone(), Duration::ZERO).unwrap();
        assert_eq!(without.tells(&nothing), None);
    }

    #[test]
    fn ok_due_before_it_is_too_old() {
        let entry = entry(Bytes::new()).unwrap();
        let (most, second) = (TERMS.age_max.unwrap(), Duration::from_secs(1));
        assert!(!entry.is_due(most - second, 0.001), "it cost nothing");
        entry.took(second);
        assert!(!entry.is_due(Duration::ZERO, 0.001));
        assert!(!entry.is_due(most - second, 0.5));
        assert!(entry.is_due(most - second, 0.3));
        assert!(entry.is_due(most, 1.0) && entry.is_due(Duration::ZERO, 0.0));
        assert!(Entry::decode(key(), entry.encode().into(), TERMS).unwrap().is_due(most - second, 0.3));
        let terms = Terms { age_max: None, ..TERMS };
        assert!(!Entry::decode(key(), entry.encode().into(), terms).unwrap().is_due(most, 0.0));
    }

    #[test]
    fn ok_renewed_and_kept() {
        let entry = entry(Bytes::new()).unwrap();
        let (begun, pause) = (entry.good_at(), Duration::from_secs(1));
        assert!(!entry.is_worth_keeping(Duration::ZERO), "nobody has asked for it again");
        entry.count_use();
        assert!(entry.is_worth_keeping(pause));
        entry.keep();
        entry.renew(&snapshot("20:30:"), begun + pause);
        assert!(!entry.is_worth_keeping(pause));
        entry.renew(&snapshot("10:20:10"), begun);
        assert_eq!((&*entry.snapshot(), entry.good_at()), (&snapshot("20:30:"), begun + pause));
        let next = self::entry(Bytes::new()).unwrap();
        next.follow(&entry);
        assert!(!next.is_worth_keeping(pause));
        entry.renew(&snapshot("31:31:"), begun + pause + Duration::from_millis(1));
        assert!(entry.is_worth_keeping(pause));
    }
}
