//! A key-value store as edges see it: late, and back and forth.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The oldest that a value may be which an edge is given, in microseconds.
pub(crate) const DELAY_MAX: u64 = 60_000_000;
/// A key takes one write in this time.
const WRITE_INTERVAL: u64 = 1_000_000;

#[derive(Debug)]
pub(crate) struct Kv<K, V> {
    /// The values of each key and when they were written, as far as somebody may still see them.
    values: HashMap<K, VecDeque<(u64, V)>>,
}

impl<K: Hash + Eq, V: Clone> Kv<K, V> {
    pub(crate) fn new() -> Kv<K, V> {
        Kv { values: HashMap::new() }
    }

    /// Writes a value, unless the key was written just now.
    pub(crate) fn put(&mut self, key: K, value: V, now: u64) {
        let values = self.values.entry(key).or_default();
        if values.back().is_some_and(|(at, _)| now - at < WRITE_INTERVAL) {
            return;
        }
        values.push_back((now, value));
        while values.get(1).is_some_and(|(at, _)| now - at > DELAY_MAX) {
            values.pop_front();
        }
    }

    /// The value as it was so long ago.
    pub(crate) fn get(&self, key: &K, now: u64, delay: u64) -> Option<V> {
        let values = self.values.get(key)?;
        let seen = values.iter().rev().find(|(at, _)| at + delay <= now)?;
        Some(seen.1.clone())
    }
}
