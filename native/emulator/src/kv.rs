//! The key-value database: one redb file for all stores of the application.
//!
//! Reads see the latest commit and take microseconds, so they are done in place. Writes go to one thread that commits all that
//! are waiting together; a write is acknowledged once it is on the disk, so it outlives the process.
//!
//! Each edge has a [`View`] of it. With a delay, what other edges write is seen later, as the hosted stores behave; a journal in
//! memory knows what is seen meanwhile. After a restart every edge sees the latest values.

mod journal;
mod view;

pub(crate) use view::View;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use redb::{Database, ReadOnlyTable, ReadableDatabase, StorageError, TableDefinition, TableError, WriteTransaction};
use tokio::sync::oneshot;

use self::journal::{Journal, Key, Value};
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
    /// `None` without a delay.
    journal: Option<Arc<Mutex<Journal>>>,
}

struct Open {
    database: Arc<Database>,
    writes: mpsc::Sender<Write>,
    writer: thread::JoinHandle<()>,
}

struct Write {
    edge: usize,
    key: Arc<Key>,
    /// `None` deletes.
    value: Value,
    done: oneshot::Sender<Result<(), String>>,
}

type Table<'a> = TableDefinition<'a, &'static str, &'static [u8]>;

impl Kv {
    /// Opens or creates the database in `folder`, which no other process may have open. An edge sees what others write after
    /// `delay`.
    pub(crate) fn open(folder: &Path, delay: Duration) -> Result<Kv, Error> {
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
        let journal = (!delay.is_zero()).then(|| Arc::new(Mutex::new(Journal::new(delay))));
        let (written, recorded) = (database.clone(), journal.clone());
        let writer = thread::Builder::new()
            .name("emulator-kv".into())
            .spawn(move || while commit_waiting(&written, recorded.as_deref(), &queue) {})
            .map_err(|error| refuse(&error))?;
        Ok(Kv { open: RwLock::new(Some(Open { database, writes, writer })), journal })
    }

    /// The database as the edge of this number sees it.
    pub(crate) fn view(self: &Arc<Kv>, edge: usize) -> View {
        View::new(self.clone(), edge)
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

    async fn write(&self, edge: usize, key: Key, value: Value) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        let write = Write { edge, key: Arc::new(key), value, done };
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
fn commit_waiting(database: &Database, journal: Option<&Mutex<Journal>>, queue: &mpsc::Receiver<Write>) -> bool {
    let Ok(first) = queue.recv() else { return false };
    let batch: Vec<Write> = std::iter::once(first).chain(queue.try_iter().take(COMMIT_WRITES_MAX - 1)).collect();
    let result = commit(database, journal, &batch);
    if let (Err(_), Some(journal)) = (&result, journal) {
        // It has what the database has not.
        lock(journal).clear();
    }
    for write in batch {
        // A component that did not wait for its write has dropped the other end.
        let _ = write.done.send(result.clone());
    }
    true
}

/// What is committed is in the journal before anybody can read it.
fn commit(database: &Database, journal: Option<&Mutex<Journal>>, batch: &[Write]) -> Result<(), String> {
    let transaction = database.begin_write().map_err(text)?;
    let mut stores: HashMap<&str, Vec<&Write>> = HashMap::new();
    for write in batch {
        stores.entry(&write.key.store).or_default().push(write);
    }
    for (store, writes) in stores {
        apply(&transaction, journal, store, &writes).map_err(text)?;
    }
    transaction.commit().map_err(text)
}

fn apply(
    transaction: &WriteTransaction,
    journal: Option<&Mutex<Journal>>,
    store: &str,
    writes: &[&Write],
) -> Result<(), redb::Error> {
    let mut table = transaction.open_table(Table::new(store))?;
    for Write { edge, key, value, .. } in writes {
        let before = match value {
            Some(value) => table.insert(key.name.as_str(), &**value)?,
            None => table.remove(key.name.as_str())?,
        };
        if let Some(journal) = journal {
            let before = before.as_ref().map(|before| before.value());
            lock(journal).record(*edge, key, value.clone(), before, Instant::now());
        }
    }
    Ok(())
}

fn lock(journal: &Mutex<Journal>) -> MutexGuard<'_, Journal> {
    journal.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(50);

    fn folder(name: &str) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("emulator-kv-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("created");
        folder
    }

    /// The only edge's view.
    fn open(folder: &Path) -> View {
        Arc::new(Kv::open(folder, Duration::ZERO).expect("opened")).view(0)
    }

    fn two_edges(name: &str, delay: Duration) -> (View, View) {
        let kv = Arc::new(Kv::open(&folder(name), delay).expect("opened"));
        (kv.view(0), kv.view(1))
    }

    #[tokio::test]
    async fn ok_survives_a_restart() {
        let folder = folder("restart");
        let kv = open(&folder);
        assert_eq!(kv.get("default", "a"), Ok(None));
        kv.write("default", "a".into(), Some(b"1".to_vec())).await.expect("written");
        kv.write("default", "b".into(), Some(Vec::new())).await.expect("written");
        kv.write("other", "a".into(), Some(b"2".to_vec())).await.expect("written");
        kv.write("default", "b".into(), None).await.expect("deleted");
        kv.write("default", "never".into(), None).await.expect("deleted");
        drop(kv);
        let kv = open(&folder);
        assert_eq!(kv.get("default", "a"), Ok(Some(b"1".to_vec())));
        assert_eq!(kv.get("other", "a"), Ok(Some(b"2".to_vec())));
        assert_eq!(kv.exists("default", "b"), Ok(false));
        assert_eq!(kv.keys("default"), Ok(vec!["a".to_owned()]));
        assert_eq!(kv.keys("nothing"), Ok(vec![]));
    }

    #[tokio::test]
    async fn ok_writes_at_the_same_time() {
        let kv = open(&folder("many"));
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
        let kv = open(&folder("limits"));
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

    #[tokio::test]
    async fn ok_other_edges_see_it_later() {
        let (own, other) = two_edges("later", Duration::from_secs(3600));
        for (key, value) in [("a", Some(vec![1])), ("b", Some(vec![])), ("b", None), ("a", Some(vec![2]))] {
            own.write("default", key.into(), value).await.expect("written");
        }
        assert_eq!((own.get("default", "a"), other.get("default", "a")), (Ok(Some(vec![2])), Ok(None)));
        assert_eq!((own.exists("default", "a"), other.exists("default", "a")), (Ok(true), Ok(false)));
        assert_eq!((own.keys("default"), other.keys("default")), (Ok(vec!["a".to_owned()]), Ok(vec![])));
    }

    #[tokio::test]
    async fn ok_other_edges_see_it_after_the_delay() {
        let (own, other) = two_edges("after", DELAY);
        own.write("default", "a".into(), Some(vec![1])).await.expect("written");
        tokio::time::sleep(DELAY).await;
        assert_eq!((other.get("default", "a"), other.exists("default", "a")), (Ok(Some(vec![1])), Ok(true)));
        assert_eq!(other.keys("default"), Ok(vec!["a".to_owned()]));
        own.write("default", "a".into(), None).await.expect("deleted");
        tokio::time::sleep(DELAY).await;
        assert_eq!((other.get("default", "a"), other.exists("default", "a")), (Ok(None), Ok(false)));
        assert_eq!(other.keys("default"), Ok(vec![]));
    }

    #[test]
    fn err_already_open() {
        let folder = folder("twice");
        let _kv = open(&folder);
        let error = Kv::open(&folder, Duration::ZERO).err().expect("refused");
        assert!(error.to_string().contains("another emulator"), "{error}");
    }
}
