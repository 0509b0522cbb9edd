//! Stored answers in an instance's memory: a bounded number, in a bounded number of bytes, the hot ones.

use std::cell::Cell;
use std::rc::Rc;

use crate::{Entry, Key};

/// Most answers and other names of answers.
const PLACES_MAX: usize = 2048;
/// Most bytes of answers.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Answers by their keys.
///
/// What is full is made room in as CLOCK does it: a hand goes round, passes by what was asked for since it was last there, and
/// takes what was not. The order of the round is that of the keys, which is as good as any.
#[derive(Default)]
pub(crate) struct Memory {
    /// Sorted by key.
    places: Vec<Place>,
    bytes: usize,
    hand: usize,
}

struct Place {
    key: Key,
    held: Held,
    was_asked_for: Cell<bool>,
}

enum Held {
    Entry(Rc<Entry>),
    /// Another name of what is under this key.
    Alias(Key),
}

impl Memory {
    /// The answer with this key, or with this other name.
    pub(crate) fn get(&self, key: &Key) -> Option<Rc<Entry>> {
        match self.find(key)? {
            Held::Entry(entry) => Some(entry.clone()),
            Held::Alias(key) => match self.find(key)? {
                Held::Entry(entry) => Some(entry.clone()),
                Held::Alias(_) => None,
            },
        }
    }

    /// Keeps an answer, in place of any other with its key.
    pub(crate) fn put(&mut self, entry: Rc<Entry>) {
        self.bytes += entry.bytes();
        self.hold(entry.key, Held::Entry(entry));
    }

    /// Keeps another name of an answer.
    pub(crate) fn put_alias(&mut self, alias: Key, key: Key) {
        if alias != key {
            self.hold(alias, Held::Alias(key));
        }
    }

    fn find(&self, key: &Key) -> Option<&Held> {
        let place = &self.places[self.place(key).ok()?];
        place.was_asked_for.set(true);
        Some(&place.held)
    }

    fn place(&self, key: &Key) -> Result<usize, usize> {
        self.places.binary_search_by(|place| place.key.cmp(key))
    }

    fn hold(&mut self, key: Key, held: Held) {
        match self.place(&key) {
            Ok(index) => {
                let before = std::mem::replace(&mut self.places[index].held, held);
                self.bytes -= before.bytes();
            }
            Err(index) => {
                self.places.insert(index, Place { key, held, was_asked_for: Cell::new(false) });
                // It stays before the same one, and what is new is met last.
                self.hand += usize::from(index <= self.hand);
            }
        }
        while self.places.len() > PLACES_MAX || self.bytes > BYTES_MAX {
            self.make_room();
        }
    }

    fn make_room(&mut self) {
        loop {
            self.hand = if self.hand < self.places.len() { self.hand } else { 0 };
            if !self.places[self.hand].was_asked_for.take() {
                let place = self.places.remove(self.hand);
                self.bytes -= place.held.bytes();
                return;
            }
            self.hand += 1;
        }
    }
}

impl Held {
    fn bytes(&self) -> usize {
        match self {
            Held::Entry(entry) => entry.bytes(),
            Held::Alias(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::{BODY_BYTES_MAX, KeyMaker, Snapshot, Terms};

    fn key(number: usize) -> Key {
        KeyMaker::new(number as u64).key()
    }

    fn entry(number: usize, length: usize) -> Rc<Entry> {
        let response = http::Response::new(Bytes::from(vec![0; length]));
        let terms = Terms::default();
        Rc::new(Entry::new(key(number), response, vec![], terms, Snapshot::default(), Duration::ZERO).unwrap())
    }

    #[test]
    fn ok_by_key_and_by_other_names() {
        let mut memory = Memory::default();
        assert!(memory.get(&key(1)).is_none());
        let (one, other) = (entry(1, 1), entry(1, 2));
        memory.put(one.clone());
        memory.put_alias(key(2), key(1));
        memory.put_alias(key(1), key(1));
        assert!(Rc::ptr_eq(&memory.get(&key(1)).unwrap(), &one));
        assert!(Rc::ptr_eq(&memory.get(&key(2)).unwrap(), &one));
        memory.put(other.clone());
        assert!(Rc::ptr_eq(&memory.get(&key(2)).unwrap(), &other));
        assert_eq!(memory.bytes, other.bytes());
        memory.put_alias(key(3), key(4));
        assert!(memory.get(&key(3)).is_none());
        memory.put_alias(key(4), key(3));
        assert!(memory.get(&key(3)).is_none(), "names do not go round in circles");
    }

    /// A million keys of which nobody asks twice, and one that everybody asks for.
    #[test]
    fn ok_bounded_and_what_is_hot_stays() {
        let mut memory = Memory::default();
        let hot = key(0);
        memory.put(entry(0, 1));
        for number in 1..1_000_000 {
            assert!(memory.get(&hot).is_some(), "{number}");
            memory.put(entry(number, number % 7));
        }
        assert_eq!(memory.places.len(), PLACES_MAX);
        assert_eq!(memory.bytes, memory.places.iter().map(|place| place.held.bytes()).sum::<usize>());
    }

    #[test]
    fn ok_bounded_in_bytes() {
        let mut memory = Memory::default();
        for number in 0..100 {
            memory.put(entry(number, BODY_BYTES_MAX));
            assert!(memory.bytes <= BYTES_MAX);
        }
        assert_eq!(memory.places.len(), BYTES_MAX / entry(0, BODY_BYTES_MAX).bytes());
    }
}
