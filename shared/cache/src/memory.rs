//! Stored answers in an instance's memory: a bounded number, in a bounded number of bytes, the hot ones.

use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;

use crate::{Entry, Key};

/// Most answers and spellings of requests.
const PLACES_MAX: usize = 2048;
/// Most bytes of them.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Answers by their keys, and the keys of requests as they are spelled.
///
/// A spelling is compared as it is: nothing is computed of it, and no two are taken for one.
///
/// What is full is made room in as CLOCK does it: a hand goes round, passes by what was asked for since it was last there, and
/// takes what was not. The order of the round is that of the names, which is as good as any.
#[derive(Default)]
pub(crate) struct Memory {
    /// Sorted by name.
    places: Vec<Place>,
    bytes: usize,
    hand: usize,
}

struct Place {
    held: Held,
    was_asked_for: Cell<bool>,
}

enum Held {
    Answer(Rc<Entry>),
    /// A request as it is spelled, and the key of its answer.
    Spelling(Box<[u8]>, Key),
}

/// What is held is found by this.
#[derive(Clone, Copy)]
enum Name<'a> {
    Answer(&'a Key),
    Spelling(&'a [u8]),
}

impl Name<'_> {
    /// Any order will do. This one takes eight bytes at a time: in wasm `memcmp` takes one.
    fn order(self, other: Name<'_>) -> Ordering {
        match (self, other) {
            (Name::Answer(one), Name::Answer(other)) => one.cmp(other),
            (Name::Spelling(one), Name::Spelling(other)) => {
                let ((words, rest), (other_words, other_rest)) = (one.as_chunks(), other.as_chunks());
                let word = |word: &[u8; 8]| u64::from_ne_bytes(*word);
                let by_words = || words.iter().map(word).cmp(other_words.iter().map(word));
                one.len().cmp(&other.len()).then_with(by_words).then_with(|| rest.cmp(other_rest))
            }
            (Name::Answer(_), Name::Spelling(_)) => Ordering::Less,
            (Name::Spelling(_), Name::Answer(_)) => Ordering::Greater,
        }
    }
}

impl Memory {
    /// The answer with this key.
    pub(crate) fn get(&self, key: &Key) -> Option<Rc<Entry>> {
        match self.find(Name::Answer(key))? {
            Held::Answer(entry) => Some(entry.clone()),
            Held::Spelling(..) => None,
        }
    }

    /// The answer to a request that is spelled like this.
    pub(crate) fn get_spelled(&self, spelling: &[u8]) -> Option<Rc<Entry>> {
        match self.find(Name::Spelling(spelling))? {
            Held::Spelling(_, key) => self.get(key),
            Held::Answer(_) => None,
        }
    }

    /// Keeps an answer, in place of any other with its key.
    pub(crate) fn put(&mut self, entry: Rc<Entry>) {
        self.hold(Held::Answer(entry));
    }

    /// Keeps a spelling of the request whose answer has this key.
    pub(crate) fn put_spelling(&mut self, spelling: &[u8], key: Key) {
        self.hold(Held::Spelling(spelling.into(), key));
    }

    fn find(&self, name: Name<'_>) -> Option<&Held> {
        let place = &self.places[self.place(name).ok()?];
        place.was_asked_for.set(true);
        Some(&place.held)
    }

    fn place(&self, name: Name<'_>) -> Result<usize, usize> {
        self.places.binary_search_by(|place| place.held.name().order(name))
    }

    fn hold(&mut self, held: Held) {
        self.bytes += held.bytes();
        match self.place(held.name()) {
            Ok(index) => {
                let before = std::mem::replace(&mut self.places[index].held, held);
                self.bytes -= before.bytes();
            }
            Err(index) => {
                self.places.insert(index, Place { held, was_asked_for: Cell::new(false) });
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
    fn name(&self) -> Name<'_> {
        match self {
            Held::Answer(entry) => Name::Answer(&entry.key),
            Held::Spelling(spelling, _) => Name::Spelling(spelling),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Held::Answer(entry) => entry.bytes(),
            Held::Spelling(spelling, _) => spelling.len(),
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
    fn ok_by_key_and_as_spelled() {
        let mut memory = Memory::default();
        assert!(memory.get(&key(1)).is_none());
        let (one, other) = (entry(1, 1), entry(1, 2));
        memory.put(one.clone());
        for spelling in [b"/a?b", b"/b?a"] {
            memory.put_spelling(spelling, key(1));
        }
        assert!(Rc::ptr_eq(&memory.get(&key(1)).unwrap(), &one));
        assert!(Rc::ptr_eq(&memory.get_spelled(b"/a?b").unwrap(), &one));
        assert!(memory.get_spelled(b"/a").is_none() && memory.get_spelled(b"").is_none());
        memory.put(other.clone());
        assert!(Rc::ptr_eq(&memory.get_spelled(b"/b?a").unwrap(), &other));
        assert_eq!(memory.bytes, other.bytes() + 8);
        // Of what has gone only the name may be left, and it may become another's.
        memory.put_spelling(b"/a?b", key(2));
        assert!(memory.get_spelled(b"/a?b").is_none());
        assert_eq!(memory.bytes, other.bytes() + 8);
    }

    /// However long they are, and wherever they differ.
    #[test]
    fn ok_no_two_spellings_are_one() {
        let mut memory = Memory::default();
        let mut spellings = vec![vec![]];
        for length in 1..40 {
            let differing = (0..length).map(|place| (0..length).map(|at| u8::from(at == place)).collect());
            spellings.extend(differing);
        }
        for (number, spelling) in spellings.iter().enumerate() {
            memory.put(entry(number, 0));
            memory.put_spelling(spelling, key(number));
        }
        for (number, spelling) in spellings.iter().enumerate() {
            assert_eq!(memory.get_spelled(spelling).unwrap().key, key(number), "{spelling:?}");
            assert!(memory.get_spelled(&[&spelling[..], &[2]].concat()).is_none());
        }
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
