//! The key-value database as one edge sees it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use redb::ReadableTable;

use super::journal::{Journal, Key, Value};
use super::{KEY_BYTES_MAX, Kv, VALUE_BYTES_MAX, lock};

/// What one edge reads and writes.
#[derive(Clone)]
pub(crate) struct View {
    kv: Arc<Kv>,
    edge: usize,
}

impl View {
    pub(super) fn new(kv: Arc<Kv>, edge: usize) -> View {
        View { kv, edge }
    }

    /// The value of `key`, if there is one.
    pub(crate) fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.kv.read(store, |table| match self.lately(store, key) {
            Some(seen) => Ok(seen.map(Vec::from)),
            None => Ok(table.get(key)?.map(|value| value.value().to_vec())),
        })
    }

    /// Whether `key` has a value.
    pub(crate) fn exists(&self, store: &str, key: &str) -> Result<bool, String> {
        self.kv.read(store, |table| match self.lately(store, key) {
            Some(seen) => Ok(seen.is_some()),
            None => Ok(table.get(key)?.is_some()),
        })
    }

    /// All keys, in order.
    pub(crate) fn keys(&self, store: &str) -> Result<Vec<String>, String> {
        self.kv.read(store, |table| {
            let stored = table.iter()?.map(|entry| Ok(entry?.0.value().to_owned()));
            let mut keys = stored.collect::<Result<BTreeSet<String>, redb::StorageError>>()?;
            self.with_journal(|journal| {
                for (key, is_there) in journal.keys(self.edge, store, Instant::now()) {
                    match is_there {
                        true => keys.insert(key.to_owned()),
                        false => keys.remove(key),
                    };
                }
            });
            Ok(keys.into_iter().collect())
        })
    }

    /// Sets `key` to `value`, or deletes it without one. Refuses what is over [`KEY_BYTES_MAX`] or [`VALUE_BYTES_MAX`].
    pub(crate) async fn write(&self, store: &str, key: String, value: Option<Vec<u8>>) -> Result<(), String> {
        if key.len() > KEY_BYTES_MAX {
            return Err(format!("the key has {} bytes, which is over the limit of {KEY_BYTES_MAX}", key.len()));
        }
        if let Some(value) = &value
            && value.len() > VALUE_BYTES_MAX
        {
            return Err(format!("the value has {} bytes, which is over the limit of {VALUE_BYTES_MAX}", value.len()));
        }
        self.kv.write(self.edge, Key { store: store.to_owned(), name: key }, value.map(Into::into)).await
    }

    /// What the edge sees of a key that was written lately. To be asked once the database is being read: what is not in the
    /// journal by then is not among what is read either.
    fn lately(&self, store: &str, key: &str) -> Option<Value> {
        self.with_journal(|journal| {
            journal.see(self.edge, &Key { store: store.to_owned(), name: key.to_owned() }, Instant::now())
        })?
    }

    /// Nothing where edges see what others write at once.
    fn with_journal<T>(&self, work: impl FnOnce(&mut Journal) -> T) -> Option<T> {
        self.kv.journal.as_ref().map(|journal| work(&mut lock(journal)))
    }
}
