//! Who wrote what: what a stored answer is measured by.
//!
//! Where [`writers`](crate::Options::writers) is set and the database has what [`Source::install`] makes, every write
//! is heard of, from a [`Feed`](feed::Feed) beside the pool: of [`triggers`], where a write through the gateway reports
//! itself in the flush that it is made in, or of [`replication`], where the log tells of all of them. What follows from
//! that is `cache`'s. While anything may have been missed, nothing is fresh, and requests are answered by queries.

mod feed;
mod notification;
mod replication;
mod report;
mod triggers;
mod write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cache::{RelationId, SCHEMA, Snapshot, Ticket, Writers, Xid};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

pub(crate) use self::feed::listen;
pub(crate) use self::report::Report;
pub(crate) use self::write::Write;
use crate::Source;

/// Where nothing was heard for this long, it is not known that there was nothing to hear.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// A word to oneself, which nobody else can know before it is said.
type Word = u64;

/// What is known, by all that goes on.
pub(crate) struct Known {
    source: Source,
    state: Mutex<State>,
    /// Tells who listens that writers may have been missed.
    missed: Notify,
}

#[derive(Default)]
struct State {
    writers: Writers,
    /// What goes before a write, if it is to report itself.
    prelude: Option<Arc<str>>,
    /// Writes that reported nothing, and may have been committed.
    in_doubt: Vec<Ticket>,
    /// Writes behind which a word will come; `None` while writers are missed.
    awaited: Option<HashMap<Word, oneshot::Sender<()>>>,
    heard_at: Option<Instant>,
    /// How often writers were missed.
    losses: u64,
}

impl Known {
    pub(crate) fn new(source: Source) -> Known {
        Known { source, state: Mutex::default(), missed: Notify::new() }
    }

    /// If an answer with the snapshot `stored`, made of these relations, may be given to a caller who demands a snapshot:
    /// the snapshot that it has by now.
    pub(crate) fn is_fresh(
        &self,
        stored: &Snapshot,
        demanded: &Snapshot,
        relations: &[RelationId],
    ) -> Option<Snapshot> {
        let state = self.state();
        let is_heard = state.heard_at.is_some_and(|at| at.elapsed() < SILENCE_MAX);
        let relations = [&[SCHEMA], relations].concat();
        (is_heard && state.writers.is_fresh(stored, demanded, &relations)).then(|| {
            let mut snapshot = stored.clone();
            snapshot.merge(state.writers.known());
            snapshot
        })
    }

    /// What edges are told: up to where all is known, and who has written each of these relations, the schema first.
    /// `None` while writers are missed.
    pub(crate) fn standings(&self, relations: &[RelationId]) -> Option<(Snapshot, Vec<(RelationId, Snapshot)>)> {
        let state = self.state();
        let writers = |relation: &RelationId| Some((*relation, state.writers.standing(*relation)?.writers));
        let others = relations.iter().filter(|relation| **relation != SCHEMA);
        let writers: Option<Vec<_>> = [SCHEMA].iter().chain(others).map(writers).collect();
        Some((state.writers.known().clone(), writers?))
    }

    /// The schema was seen to be another than before.
    pub(crate) fn changed(&self, seen: &Snapshot) {
        self.state().writers.changed(seen);
    }

    /// Whether the primary has shown all of this to somebody.
    pub(crate) fn has_shown(&self, seen: &Snapshot) -> bool {
        self.state().writers.known().contains_all(seen)
    }

    fn wrote(&self, relations: &[RelationId], xid: Xid, seen: &Snapshot) {
        self.state().writers.wrote(relations, xid, seen);
    }

    /// The word of a mark has come.
    fn hear(&self) {
        let mut state = self.state();
        state.writers.hear();
        state.heard_at = Some(Instant::now());
    }

    /// A word has come: if it is that of a write, all is known of it.
    fn tell(&self, word: Word) {
        let awaits = self.state().awaited.as_mut().and_then(|awaited| awaited.remove(&word));
        // Whoever waited may have gone.
        awaits.into_iter().for_each(|awaits| _ = awaits.send(()));
    }

    /// Writers may be missed from now on. How often that has been so.
    fn lose(&self) -> u64 {
        self.state().lose()
    }

    /// Writers may have been missed, such as this one; whoever listens is told.
    fn miss(&self, in_doubt: Option<Ticket>) {
        let mut state = self.state();
        state.in_doubt.extend(in_doubt);
        state.lose();
        self.missed.notify_one();
    }

    /// From here on nothing is missed, unless some were since the floor was waited for, which is what `losses` tells.
    /// Writes that were in doubt before that have ended.
    fn find(&self, floor: &Snapshot, reporter: Option<&str>, losses: u64) {
        let mut state = self.state();
        if state.losses == losses {
            state.writers.find(floor);
            std::mem::take(&mut state.in_doubt).into_iter().for_each(|ticket| state.writers.end(ticket));
            state.prelude = reporter.map(|name| write::prelude(name).into());
            state.awaited = Some(HashMap::new());
            state.heard_at = Some(Instant::now());
        }
    }

    /// Waits until nothing was heard for too long.
    async fn is_silent(&self) {
        let heard_at = self.state().heard_at;
        sleep_until(heard_at.unwrap_or_else(Instant::now) + SILENCE_MAX).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lose(&mut self) -> u64 {
        self.writers.lose();
        self.prelude = None;
        self.awaited = None;
        self.losses += 1;
        self.losses
    }
}
