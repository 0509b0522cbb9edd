//! What an instance keeps of answers, and what it has heard of writers: together they say what may be given without asking.

use std::rc::Rc;
use std::time::Duration;

use crate::knowledge::Knowledge;
use crate::memory::Memory;
use crate::{Entry, Key, RelationId, Snapshot};

/// Stored answers, and the judgement of them: at most 2,048 answers and spellings of requests, 16 MB, and the writers of 1,024
/// relations.
#[derive(Default)]
pub struct Store {
    memory: Memory,
    knowledge: Knowledge,
}

impl Store {
    /// The answer with this key.
    pub fn get(&self, key: &Key) -> Option<Rc<Entry>> {
        self.memory.get(key)
    }

    /// Keeps an answer. If there is one with its key that was asked for later, that stays.
    pub fn put(&mut self, entry: Entry) -> Rc<Entry> {
        let later = self.memory.get(&entry.key).filter(|held| held.good_at() > entry.good_at());
        later.unwrap_or_else(|| {
            let entry = Rc::new(entry);
            self.memory.put(entry.clone());
            entry
        })
    }

    /// The answer to a request that is spelled like this.
    pub fn get_spelled(&self, spelling: &[u8]) -> Option<Rc<Entry>> {
        self.memory.get_spelled(spelling)
    }

    /// Keeps a spelling of the request whose answer has this key.
    pub fn put_spelling(&mut self, spelling: &[u8], key: Key) {
        self.memory.put_spelling(spelling, key);
    }

    /// How long ago an answer was certainly good, if at the moment `now` it may be given to a caller who demands a snapshot and takes
    /// what is as old as `age_max`, and nobody need be asked.
    pub fn age(
        &self,
        entry: &Entry,
        demanded: &Snapshot,
        age_max: Option<Duration>,
        now: Duration,
    ) -> Option<Duration> {
        let age = now.checked_sub(entry.good_at())?;
        let is_young = age_max.is_some_and(|most| age <= most);
        (is_young && self.knowledge.is_fresh(&entry.snapshot(), demanded, &entry.tables)).then_some(age)
    }

    /// The region has told who has written these relations, and that up to `known` these are all.
    pub fn learn(&mut self, told: &[(RelationId, Snapshot)], known: &Snapshot) {
        self.knowledge.learn(told, known);
    }

    /// Somebody has just written these relations, in transactions that the snapshots contain.
    pub fn wrote(&mut self, written: &[(RelationId, Snapshot)]) {
        self.knowledge.wrote(written);
    }

    /// Another edge says that somebody has written these relations, which may have been long ago.
    pub fn hear(&mut self, told: &[(RelationId, Snapshot)]) {
        self.knowledge.hear(told);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{KeyMaker, SCHEMA, Terms, Timeline};

    const SECOND: Duration = Duration::from_secs(1);

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::of_postgres(Timeline(1), text).unwrap()
    }

    fn key() -> Key {
        KeyMaker::new(0).key()
    }

    fn entry(age_max: Option<Duration>, asked_at: Duration) -> Entry {
        let terms = Terms { age_max, is_watched: true, ..Terms::default() };
        Entry::new(key(), http::Response::new(Bytes::new()), vec![7], terms, snapshot("10:10:"), asked_at).unwrap()
    }

    #[test]
    fn ok_young_and_fresh() {
        let (mut store, nothing) = (Store::default(), Snapshot::default());
        let (at_edge, most) = (entry(Some(SECOND * 5), SECOND * 10), Some(SECOND * 5));
        assert_eq!(store.age(&at_edge, &nothing, most, SECOND * 10), Some(Duration::ZERO));
        assert_eq!(store.age(&at_edge, &nothing, most, SECOND * 15), Some(SECOND * 5));
        assert_eq!(store.age(&at_edge, &nothing, most, SECOND * 16), None);
        assert_eq!(store.age(&at_edge, &nothing, Some(SECOND * 6), SECOND * 16), Some(SECOND * 6));
        // A clock that is behind.
        assert_eq!(store.age(&at_edge, &nothing, most, SECOND * 9), None);
        assert_eq!(store.age(&at_edge, &nothing, None, SECOND * 10), None);
        assert_eq!(store.age(&at_edge, &snapshot("11:11:"), Some(Duration::MAX), SECOND * 10), None);
        store.learn(&[(SCHEMA, snapshot("1:1:")), (7, snapshot("9:9:"))], &snapshot("11:11:"));
        assert_eq!(store.age(&at_edge, &snapshot("11:11:"), most, SECOND * 10), Some(Duration::ZERO));
        store.wrote(&[(7, snapshot("12:12:"))]);
        assert_eq!(store.age(&at_edge, &nothing, Some(Duration::MAX), SECOND * 10), None);
    }

    #[test]
    fn ok_a_late_answer_does_not_replace_a_later_one() {
        let mut store = Store::default();
        let later = store.put(entry(None, SECOND * 2));
        assert!(Rc::ptr_eq(&store.put(entry(None, SECOND)), &later));
        assert!(!Rc::ptr_eq(&store.put(entry(None, SECOND * 2)), &later));
    }
}
