//! The key-value database: one redb file for all stores of the application.
//!
//! Reads see the latest commit and take microseconds, so they are done in place. Writes go to one thread that commits all that
//! are waiting together; a write is acknowledged once it is on the disk, so it outlives the process.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::thread;

use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageError, TableDefinition, TableError,
    WriteTransaction,
};
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind};

/// Bytes of a key: hosted Spin's limit.
pub const KEY_BYTES_MAX: usize = 255;
/// Bytes of a value: hosted Spin's limit of 1 MB.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Writes that one commit takes, so that the first of them does not wait for ever.
const COMMIT_WRITES_MAX: usize = 1024;

/// The file below the folder for state.
const FILE: &str = "kv.redb";
const CLOSED: &str = "the key-value database is closed";

/// The database.
pub(crate) struct Kv {
    /// `None` once it is closed. Reads hold the lock; closing waits for them.
    open: RwLock<Option<Open>>,
}

struct Open {
    database: Arc<Database>,
    writes: mpsc::Sender<Write>,
    writer: thread::JoinHandle<()>,
}

struct Write {
    store: String,
    key: String,
    /// `None` deletes.
    value: Option<Vec<u8>>,
    done: oneshot::Sender<Result<(), String>>,
}

type Table<'a> = TableDefinition<'a, &'static str, &'static [u8]>;

impl Kv {
    /// Opens or creates the database in `folder`, which no other process may have open.
    pub(crate) fn open(folder: &Path) -> Result<Kv, Error> {
        let path = folder.join(FILE);
        let refuse = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::State, format!("cannot open the key-value database `{}`: {error}", path.display()))
        };
        let database = Database::create(&path).map_err(|error| match error {
            redb::DatabaseError::DatabaseAlreadyOpen => refuse(&"another emulator is using it"),
            error => refuse(&error),
        })?;
        let database = Arc::new(database);
        let (writes, queue) = mpsc::channel();
        let written = database.clone();
        let writer = thread::Builder::new()
            .name("emulator-kv".into())
            .spawn(move || while commit_waiting(&written, &queue) {})
            .map_err(|error| refuse(&error))?;
        Ok(Kv { open: RwLock::new(Some(Open { database, writes, writer })) })
    }

    /// Finishes the writes that were asked for and lets go of the file. What comes later is refused.
    pub(crate) fn close(&self) {
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Open { database, writes, writer }) = open {
            drop(writes);
            // The writer panics only if redb does, and there is nothing left to do about that.
            let _ = writer.join();
            drop(database);
        }
    }

    /// The value of `key`, if there is one.
    pub(crate) fn get(&self, store: &str, key: &str) -> Result<Option<Vec<u8>>, String> {
        self.read(store, |table| Ok(table.get(key)?.map(|value| value.value().to_vec())))
    }

    /// Whether `key` has a value.
    pub(crate) fn exists(&self, store: &str, key: &str) -> Result<bool, String> {
        self.read(store, |table| Ok(table.get(key)?.is_some()))
    }

    /// All keys, in order.
    pub(crate) fn keys(&self, store: &str) -> Result<Vec<String>, String> {
        self.read(store, |table| table.iter()?.map(|entry| Ok(entry?.0.value().to_owned())).collect())
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
        let (done, answer) = oneshot::channel();
        let write = Write { store: store.to_owned(), key, value, done };
        self.with(|open| open.writes.send(write).map_err(|_| CLOSED.to_owned()))?;
        answer.await.map_err(|_| CLOSED.to_owned())?
    }

    /// `work` on the table of a store, or the default if nothing was ever written to it.
    fn read<T: Default>(
        &self,
        store: &str,
        work: impl FnOnce(ReadOnlyTable<&'static str, &'static [u8]>) -> Result<T, StorageError>,
    ) -> Result<T, String> {
        self.with(|open| match open.database.begin_read().map_err(text)?.open_table(Table::new(store)) {
            Ok(table) => work(table).map_err(text),
            Err(TableError::TableDoesNotExist(_)) => Ok(T::default()),
            Err(error) => Err(text(error)),
        })
    }

    fn with<T>(&self, work: impl FnOnce(&Open) -> Result<T, String>) -> Result<T, String> {
        match &*self.open.read().unwrap_or_else(PoisonError::into_inner) {
            Some(open) => work(open),
            None => Err(CLOSED.to_owned()),
        }
    }
}

impl Drop for Kv {
    fn drop(&mut self) {
        self.close();
    }
}

/// Waits for a write, takes those behind it along, and says whether there may be more.
fn commit_waiting(database: &Database, queue: &mpsc::Receiver<Write>) -> bool {
    let Ok(first) = queue.recv() else { return false };
    let batch: Vec<Write> = std::iter::once(first).chain(queue.try_iter().take(COMMIT_WRITES_MAX - 1)).collect();
    let result = commit(database, &batch);
    for write in batch {
        // A component that did not wait for its write has dropped the other end.
        let _ = write.done.send(result.clone());
    }
    true
}

fn commit(database: &Database, batch: &[Write]) -> Result<(), String> {
    let transaction = database.begin_write().map_err(text)?;
    let mut stores: HashMap<&str, Vec<&Write>> = HashMap::new();
    for write in batch {
        stores.entry(&write.store).or_default().push(write);
    }
    for (store, writes) in stores {
        apply(&transaction, store, &writes).map_err(text)?;
    }
    transaction.commit().map_err(text)
}

fn apply(transaction: &WriteTransaction, store: &str, writes: &[&Write]) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(Table::new(store))?;
    for write in writes {
        match &write.value {
            Some(value) => drop(table.insert(write.key.as_str(), value.as_slice())?),
            None => drop(table.remove(write.key.as_str())?),
        }
    }
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("emulator-kv-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("created");
        folder
    }

    #[tokio::test]
    async fn ok_survives_a_restart() {
        let folder = folder("restart");
        let kv = Kv::open(&folder).expect("opened");
        assert_eq!(kv.get("default", "a"), Ok(None));
        kv.write("default", "a".into(), Some(b"1".to_vec())).await.expect("written");
        kv.write("default", "b".into(), Some(Vec::new())).await.expect("written");
        kv.write("other", "a".into(), Some(b"2".to_vec())).await.expect("written");
        kv.write("default", "b".into(), None).await.expect("deleted");
        kv.write("default", "never".into(), None).await.expect("deleted");
        drop(kv);
        let kv = Kv::open(&folder).expect("opened again");
        assert_eq!(kv.get("default", "a"), Ok(Some(b"1".to_vec())));
        assert_eq!(kv.get("other", "a"), Ok(Some(b"2".to_vec())));
        assert_eq!(kv.exists("default", "b"), Ok(false));
        assert_eq!(kv.keys("default"), Ok(vec!["a".to_owned()]));
        assert_eq!(kv.keys("nothing"), Ok(vec![]));
    }

    #[tokio::test]
    async fn ok_writes_at_the_same_time() {
        let kv = Arc::new(Kv::open(&folder("many")).expect("opened"));
        let mut writes = tokio::task::JoinSet::new();
        for n in 0..500 {
            let kv = kv.clone();
            writes.spawn(async move { kv.write("default", format!("{n:03}"), Some(vec![])).await });
        }
        assert!(writes.join_all().await.iter().all(Result::is_ok));
        assert_eq!(kv.keys("default").expect("read").len(), 500);
    }

    #[tokio::test]
    async fn err_over_a_limit() {
        let kv = Kv::open(&folder("limits")).expect("opened");
        let value = |bytes| Some(vec![0; bytes]);
        assert!(kv.write("default", "k".repeat(KEY_BYTES_MAX), value(VALUE_BYTES_MAX)).await.is_ok());
        assert!(
            kv.write("default", "k".repeat(KEY_BYTES_MAX + 1), value(1)).await.expect_err("key").contains("256 bytes")
        );
        assert!(
            kv.write("default", "k".into(), value(VALUE_BYTES_MAX + 1))
                .await
                .expect_err("value")
                .contains("over the limit")
        );
    }

    #[test]
    fn err_already_open() {
        let folder = folder("twice");
        let _kv = Kv::open(&folder).expect("opened");
        let error = Kv::open(&folder).err().expect("refused");
        assert!(error.to_string().contains("another emulator"), "{error}");
    }
}
