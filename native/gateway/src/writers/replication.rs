//! Writers as the log tells of them, by logical replication: no trigger, and no word of a write's own.
//!
//! Three things are to be shown.
//!
//! - *Nothing is missed that is not in the floor.* The slot has a position in the log, and what is committed behind it
//!   is told. In the log a commit comes before anybody sees it, so the position may lie in between, and of such a
//!   transaction nobody tells. But then it had its number before the slot was there. So a number is taken after that,
//!   and waited until every lower one has ended and is seen: the floor, a later snapshot, contains them. A higher
//!   number was given when the position was settled, and its commit lies behind it.
//! - *A word comes behind all that its snapshot contains.* What a snapshot contains had its commit in the log before
//!   somebody could see it, and so before the snapshot was taken. The word is a message in a transaction that is
//!   committed after that. Transactions come in the order of their commits.
//! - *It is the same database.* The two connections might lead to two servers, while one takes the place of the other.
//!   The floor counts when a word that was sent on one connection has come on the other.
//!
//! Of a write through the gateway there is nothing in doubt for long: if it is committed, the log tells of it.
//!
//! The word is in a transaction, and not outside of one, because a commit has the log written at once. It comes after
//! 0.8 ms (the median of 40), and otherwise after 106, as Postgres' WAL writer runs every 200.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use cache::{RELATIONS_MAX, RelationId, SCHEMA, Snapshot, Xid};
use tokio::time::{sleep, timeout};

use super::feed::{Feed, Line, TIMEOUT, why};
use super::{Known, Word};
use crate::pg::{self, Message, Pool};

/// The publication, and the prefix of messages.
const NAME: &str = "headland";
/// How often it is looked whether transactions have ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// So often it is looked whether one is seen that has written something new, before it counts as a write to everything.
const LOOKS_MAX: usize = 10;

pub(super) struct Replication {
    line: Line,
    stream: pg::Replication,
    /// Of the last mark.
    latest: Snapshot,
    /// The one that is being told of.
    transaction: Transaction,
    /// Of partitions their root, of all others themselves.
    roots: HashMap<RelationId, RelationId>,
}

#[derive(Default)]
struct Transaction {
    xid: Xid,
    relations: BTreeSet<RelationId>,
    word: Option<Word>,
}

impl Replication {
    pub(super) async fn open(pool: &Pool) -> Result<Replication, String> {
        let mut line = Line::open(pool).await?;
        let opened = timeout(TIMEOUT, pg::Replication::open(pool)).await;
        let mut stream = opened.map_err(|_elapsed| "the database makes no slot in time")?.map_err(why)?;
        timeout(TIMEOUT, settle(&mut line)).await.map_err(|_elapsed| "transactions from before do not end")??;
        stream.start(NAME).map_err(why)?;
        let (latest, transaction, roots) = Default::default();
        Ok(Replication { line, stream, latest, transaction, roots })
    }

    /// Takes in a transaction that is complete.
    async fn commit(&mut self, known: &Known) -> Result<Option<Word>, String> {
        let Transaction { xid, relations, word } = std::mem::take(&mut self.transaction);
        let relations = self.roots_of(relations, xid).await?;
        // What it could see itself is not told. In its place stands what is in our last mark: whoever sees the
        // transaction may not see all of that, and is then asked for more than need be.
        known.wrote(&relations, xid, &self.latest);
        Ok(word)
    }

    /// In place of partitions their roots. A relation is asked for once, and again when Postgres says that it may be
    /// another than it was.
    async fn roots_of(&mut self, mut relations: BTreeSet<RelationId>, xid: Xid) -> Result<Vec<RelationId>, String> {
        if self.roots.len() > RELATIONS_MAX {
            self.roots.clear();
        }
        let unknown: Vec<_> = relations.iter().filter(|relation| !self.roots.contains_key(relation)).collect();
        if !unknown.is_empty() && !self.ask_roots(&unknown, xid).await? {
            relations.insert(SCHEMA);
        }
        Ok(relations.iter().map(|relation| *self.roots.get(relation).unwrap_or(relation)).collect())
    }

    /// Asks for roots as they are behind a transaction, which may have made the partition that it wrote. It is told of
    /// before it is seen, as a rule by less than it takes to ask. Whether it was seen in time.
    async fn ask_roots(&mut self, relations: &[&RelationId], xid: Xid) -> Result<bool, String> {
        let list: Vec<String> = relations.iter().map(ToString::to_string).collect();
        let question = ROOTS.replace("$1", &list.join(","));
        for _ in 0..LOOKS_MAX {
            let answer = self.line.ask(&question).await?;
            let (snapshot, pairs) = answer.split_once(' ').ok_or("roots were expected")?;
            if Snapshot::of_postgres(self.line.timeline, snapshot).is_some_and(|snapshot| snapshot.contains(xid)) {
                let numbers: Vec<RelationId> = pairs.split(' ').filter_map(|number| number.parse().ok()).collect();
                self.roots.extend(numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])));
                return Ok(true);
            }
            sleep(LOOK_INTERVAL).await;
        }
        Ok(false)
    }
}

/// A snapshot, and by it each relation and its root. (`pg_partition_root()` goes by caches, which may be behind.)
const ROOTS: &str = "WITH RECURSIVE part (relation, root) AS ( \
    SELECT oid, oid FROM pg_catalog.unnest('{$1}'::oid[]) AS oid UNION ALL \
    SELECT relation, inhparent FROM part JOIN pg_catalog.pg_inherits ON inhrelid = root \
    JOIN pg_catalog.pg_class ON pg_class.oid = root AND relispartition) \
    SELECT pg_catalog.concat_ws(' ', pg_catalog.pg_current_snapshot(), \
    pg_catalog.string_agg(pg_catalog.concat_ws(' ', relation, root), ' ')) FROM part \
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE pg_class.oid = root AND relispartition)";

/// Waits until all transactions have ended, and are seen, that have a number by now.
async fn settle(line: &mut Line) -> Result<(), String> {
    let next = line.ask("SELECT pg_catalog.pg_current_xact_id()").await?;
    let begun = Snapshot::of_postgres(line.timeline, &format!("{next}:{next}:")).ok_or("a number was expected")?;
    while !line.snapshot("").await?.contains_all(&begun) {
        sleep(LOOK_INTERVAL).await;
    }
    Ok(())
}

impl Feed for Replication {
    async fn floor(&mut self, known: &Known) -> Result<Snapshot, String> {
        let word = fastrand::u64(..);
        let floor = self.mark(word).await?;
        let told = timeout(TIMEOUT, async {
            loop {
                self.wait().await?;
                if self.take_in(known).await?.contains(&word) {
                    return Ok(floor);
                }
            }
        });
        told.await.map_err(|_elapsed| "the log is not told".to_owned())?
    }

    fn reporter(&self) -> Option<&str> {
        None
    }

    async fn mark(&mut self, word: Word) -> Result<Snapshot, String> {
        let emit = format!(
            ", pg_catalog.pg_logical_emit_message(true, '{NAME}', '{word:016x}') \
             FROM pg_catalog.pg_publication WHERE pubname = '{NAME}'"
        );
        self.latest = self.line.snapshot(&emit).await?;
        Ok(self.latest.clone())
    }

    async fn wait(&mut self) -> Result<(), String> {
        self.stream.wait().await.map_err(why)
    }

    async fn take_in(&mut self, known: &Known) -> Result<Vec<Word>, String> {
        let mut words = Vec::new();
        for message in self.stream.take() {
            let transaction = &mut self.transaction;
            match message {
                Message::Begin(low) => transaction.xid = self.latest.nearest(low),
                Message::Change(relation) => _ = transaction.relations.insert(relation),
                Message::Truncate(relations) => transaction.relations.extend(relations),
                Message::Emitted { prefix, content } if prefix == NAME => transaction.word = word(&content),
                Message::Relation(relation) => _ = self.roots.remove(&relation),
                Message::Commit => words.extend(self.commit(known).await?),
                Message::Emitted { .. } | Message::Other => {}
            }
        }
        Ok(words)
    }
}

/// One of ours; of others' there may be any.
fn word(content: &[u8]) -> Option<Word> {
    Word::from_str_radix(str::from_utf8(content).ok()?, 16).ok()
}
