//! What was written so lately that not every edge sees it yet.
//!
//! The database holds the latest values. For each key that was written within the delay, the journal has the writes since then and
//! the value before them. An edge sees the latest of its own writes and of those that are older than the delay.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Bytes of all that is in the journal. Above it, the oldest writes are seen before their time.
const JOURNAL_BYTES_MAX: usize = 64 << 20;
/// What a write takes beside its value, the longest key included.
const WRITE_BYTES: usize = 512;

/// A value, or that there is none.
pub(super) type Value = Option<Bytes>;

/// A key and its store.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) store: String,
    pub(super) name: String,
}

/// The latest writes.
pub(super) struct Journal {
    delay: Duration,
    histories: HashMap<Arc<Key>, History>,
    /// Each write of the histories, oldest first.
    order: VecDeque<(Instant, Arc<Key>)>,
    bytes: usize,
    /// Whether it was full at any time, which is said once.
    was_full: bool,
}

/// What became of a key lately.
struct History {
    /// What an edge sees that has not written.
    settled: Value,
    /// Oldest first, each with its edge. Never empty.
    writes: VecDeque<(usize, Value)>,
}

impl Journal {
    /// An edge sees what others write when it is as old as `delay`.
    pub(super) fn new(delay: Duration) -> Journal {
        Journal { delay, histories: HashMap::new(), order: VecDeque::new(), bytes: 0, was_full: false }
    }

    /// `edge` writes `value` where the database had `before`. Writes come in the order in which the database has them.
    pub(super) fn record(&mut self, edge: usize, key: &Arc<Key>, value: Value, before: Option<&[u8]>, now: Instant) {
        self.bytes += WRITE_BYTES + size(&value);
        let history = self.histories.entry(key.clone()).or_insert_with(|| {
            let settled = before.map(Bytes::copy_from_slice);
            self.bytes += size(&settled);
            History { settled, writes: VecDeque::new() }
        });
        history.writes.push_back((edge, value));
        self.order.push_back((now, key.clone()));
        self.settle(now);
    }

    /// What `edge` sees of a key; `None` if that is what the database has.
    pub(super) fn see(&mut self, edge: usize, key: &Key, now: Instant) -> Option<Value> {
        self.settle(now);
        self.histories.get(key).map(|history| history.seen_by(edge).clone())
    }

    /// The keys of a store that were written lately, and whether each is there for `edge`.
    pub(super) fn keys(&mut self, edge: usize, store: &str, now: Instant) -> impl Iterator<Item = (&str, bool)> {
        self.settle(now);
        let of_store = self.histories.iter().filter(move |(key, _)| key.store == store);
        of_store.map(move |(key, history)| (&*key.name, history.seen_by(edge).is_some()))
    }

    /// Has every edge see what the database has.
    pub(super) fn clear(&mut self) {
        *self = Journal { was_full: self.was_full, ..Journal::new(self.delay) };
    }

    fn settle(&mut self, now: Instant) {
        while let Some((written, _)) = self.order.front() {
            let is_full = self.bytes > JOURNAL_BYTES_MAX;
            if !is_full && now.saturating_duration_since(*written) < self.delay {
                return;
            }
            if is_full && !std::mem::replace(&mut self.was_full, true) {
                tracing::warn!(
                    "so much is written to the key-value database that edges see it before the delay is over"
                );
            }
            self.settle_oldest();
        }
    }

    fn settle_oldest(&mut self) {
        let Some((_, key)) = self.order.pop_front() else { return };
        let history = self.histories.get_mut(&key).expect("a write in the order is in a history");
        let (_, value) = history.writes.pop_front().expect("a write in the order is in its history");
        self.bytes -= WRITE_BYTES + size(&history.settled);
        history.settled = value;
        if history.writes.is_empty() {
            self.bytes -= size(&history.settled);
            self.histories.remove(&key);
        }
    }
}

impl History {
    fn seen_by(&self, edge: usize) -> &Value {
        let own = self.writes.iter().rev().find(|(by, _)| *by == edge);
        own.map_or(&self.settled, |(_, value)| value)
    }
}

fn size(value: &Value) -> usize {
    value.as_ref().map_or(0, Bytes::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: u64 = 60;

    /// A journal over a database of its own, with a clock in seconds.
    struct World {
        journal: Journal,
        database: HashMap<Arc<Key>, Bytes>,
        start: Instant,
    }

    impl World {
        fn new() -> World {
            let journal = Journal::new(Duration::from_secs(DELAY));
            World { journal, database: HashMap::new(), start: Instant::now() }
        }

        fn at(&self, second: u64) -> Instant {
            self.start + Duration::from_secs(second)
        }

        fn write(&mut self, second: u64, edge: usize, name: &str, value: Option<&'static str>) {
            let (key, value, now) =
                (key(name), value.map(|value| Bytes::from_static(value.as_bytes())), self.at(second));
            let before = match value.clone() {
                Some(value) => self.database.insert(key.clone(), value),
                None => self.database.remove(&key),
            };
            self.journal.record(edge, &key, value, before.as_deref(), now);
        }

        fn read(&mut self, second: u64, edge: usize, name: &str) -> Option<String> {
            let (key, now) = (key(name), self.at(second));
            let seen = self.journal.see(edge, &key, now).unwrap_or_else(|| self.database.get(&key).cloned());
            seen.map(|value| String::from_utf8(value.to_vec()).unwrap())
        }

        #[track_caller]
        fn check(&mut self, second: u64, name: &str, expected: [Option<&str>; 3]) {
            let seen = [0, 1, 2].map(|edge| self.read(second, edge, name));
            assert_eq!(seen, expected.map(|value| value.map(str::to_owned)), "`{name}` after {second} s");
        }
    }

    fn key(name: &str) -> Arc<Key> {
        Arc::new(Key { store: "default".into(), name: name.into() })
    }

    #[test]
    fn ok_others_see_a_write_after_the_delay() {
        let mut world = World::new();
        world.write(0, 0, "a", Some("1"));
        world.check(0, "a", [Some("1"), None, None]);
        world.check(DELAY - 1, "a", [Some("1"), None, None]);
        world.check(DELAY, "a", [Some("1"), Some("1"), Some("1")]);
        assert!(world.journal.histories.is_empty() && world.journal.bytes == 0);
    }

    #[test]
    fn ok_each_write_in_its_time() {
        let mut world = World::new();
        world.write(0, 0, "a", Some("1"));
        world.write(10, 0, "a", Some("2"));
        world.write(20, 1, "a", Some("3"));
        world.check(20, "a", [Some("2"), Some("3"), None]);
        world.check(DELAY, "a", [Some("2"), Some("3"), Some("1")]);
        world.check(DELAY + 10, "a", [Some("2"), Some("3"), Some("2")]);
        world.check(DELAY + 20, "a", [Some("3"); 3]);
    }

    #[test]
    fn ok_older_write_of_another_never_covers_an_own_one() {
        let mut world = World::new();
        world.write(0, 0, "a", Some("0's"));
        world.write(10, 1, "a", Some("1's"));
        world.check(DELAY, "a", [Some("0's"), Some("1's"), Some("0's")]);
        world.check(DELAY + 10, "a", [Some("1's"); 3]);
    }

    #[test]
    fn ok_delete_is_as_late_as_a_write() {
        let mut world = World::new();
        world.write(0, 0, "a", Some("1"));
        world.write(100, 1, "a", None);
        world.check(100, "a", [Some("1"), None, Some("1")]);
        let there = |world: &mut World, edge, second| {
            let now = world.at(second);
            world.journal.keys(edge, "default", now).map(|(key, there)| (key.to_owned(), there)).collect::<Vec<_>>()
        };
        assert_eq!(there(&mut world, 0, 100), [("a".to_owned(), true)]);
        assert_eq!(there(&mut world, 1, 100), [("a".to_owned(), false)]);
        let now = world.at(100);
        assert_eq!(world.journal.keys(0, "other", now).count(), 0);
        world.check(100 + DELAY, "a", [None; 3]);
        assert_eq!(there(&mut world, 0, 100 + DELAY), []);
    }

    #[test]
    fn ok_full_journal_settles_the_oldest() {
        let mut world = World::new();
        let now = world.at(0);
        let large = Bytes::from(vec![0; (1 << 20) - WRITE_BYTES]);
        let names: Vec<String> = (0..65).map(|n| n.to_string()).collect();
        for name in &names[..64] {
            world.journal.record(0, &key(name), Some(large.clone()), None, now);
        }
        assert_eq!((world.journal.bytes, world.journal.was_full), (JOURNAL_BYTES_MAX, false));
        world.journal.record(0, &key(&names[64]), None, Some(b"before"), now);
        assert!(world.journal.was_full);
        assert_eq!(world.journal.see(1, &key("0"), now), None);
        assert_eq!(world.journal.see(1, &key("1"), now), Some(None));
        assert_eq!(world.journal.see(1, &key("64"), now), Some(Some(Bytes::from_static(b"before"))));
        world.journal.clear();
        assert_eq!(world.journal.see(1, &key("64"), now), None);
    }
}
