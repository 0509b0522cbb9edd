//! Records that many share: each is written once, and the most used come first.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

/// Equal keys and how often each is used.
pub(crate) struct Pool<K> {
    uses: HashMap<K, u32>,
}

/// A pool that is written: its bytes, and where in them each record begins.
pub(crate) struct Laid<K> {
    pub(crate) bytes: Vec<u8>,
    offsets: HashMap<K, u32>,
}

impl<K: Copy + Eq + Hash + Ord> Pool<K> {
    pub(crate) fn new() -> Pool<K> {
        Pool { uses: HashMap::new() }
    }

    /// Counts one use.
    pub(crate) fn add(&mut self, key: K) {
        *self.uses.entry(key).or_default() += 1;
    }

    /// The distinct keys, in no order.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &K> {
        self.uses.keys()
    }

    /// Writes all records. Offsets are written as varints, so those that stand in many places should be small. Ties are
    /// broken by the key itself: the same answer always gives the same bytes.
    pub(crate) fn lay(self, write: impl Fn(&mut Vec<u8>, K)) -> Laid<K> {
        let mut keys: Vec<(Reverse<u32>, K)> = self.uses.into_iter().map(|(key, uses)| (Reverse(uses), key)).collect();
        sort::sort_by(&mut keys, &|one, other| one.cmp(other));
        let mut laid = Laid { bytes: Vec::new(), offsets: HashMap::with_capacity(keys.len()) };
        for (_, key) in keys {
            laid.offsets.insert(key, laid.bytes.len() as u32);
            write(&mut laid.bytes, key);
        }
        laid
    }
}

impl<K: Copy + Eq + Hash> Laid<K> {
    /// Where the record begins. Every key that is asked for was added before.
    pub(crate) fn offset(&self, key: K) -> u32 {
        self.offsets.get(&key).copied().expect("what is written was added to its pool")
    }
}
