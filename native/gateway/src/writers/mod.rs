//! Who wrote what: what a stored answer is measured by.
//!
//! Where [`writers`](crate::Options::writers) is set and the database has what [`INSTALL`](crate::INSTALL) makes, every write is heard of. One
//! that comes through the gateway reports itself, in the flush that it is made in; of all others the database notifies, and
//! a connection beside the pool listens. What follows from that is `cache`'s. While anything may have been missed, nothing
//! is fresh, and requests are answered by queries.

mod listener;
mod notification;
mod report;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cache::{RelationId, SCHEMA, Snapshot, Ticket, Writers, Xid};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

pub(crate) use self::listener::listen;
pub(crate) use self::report::{REPORT, Report};

/// In place of the name of who reports: of nobody.
const NOTIFIED: &str = "-";
/// Where nothing was heard for this long, it is not known that there was nothing to hear.
const SILENCE_MAX: Duration = Duration::from_secs(3);

/// What is known, by all that goes on.
#[derive(Default)]
pub(crate) struct Known {
    state: Mutex<State>,
    /// Tells the listener that writers may have been missed.
    missed: Notify,
}

#[derive(Default)]
struct State {
    writers: Writers,
    /// What goes before a write, if it is to report itself.
    prelude: Option<Arc<str>>,
    /// Writes that reported nothing, and may have been committed.
    in_doubt: Vec<Ticket>,
    heard_at: Option<Instant>,
}

impl Known {
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

    /// Whether the primary has shown all of this to somebody.
    pub(crate) fn has_shown(&self, seen: &Snapshot) -> bool {
        self.state().writers.known().contains_all(seen)
    }

    /// A write is about to be sent. It will say what it wrote; where nothing is missed, and there is no other gateway, the
    /// database does not notify of it as well.
    pub(crate) fn begin(&self) -> Write<'_> {
        let mut state = self.state();
        let prelude = state.prelude.clone();
        let ticket = prelude.is_some().then(|| state.writers.begin());
        Write { known: self, ticket, prelude }
    }

    fn wrote(&self, relations: &[RelationId], xid: Xid, seen: &Snapshot) {
        self.state().writers.wrote(relations, xid, seen);
    }

    /// Writers may be missed from now on.
    fn lose(&self) {
        self.state().lose();
    }

    /// From here on nothing is missed. So many writes were in doubt before the floor was waited for, and have ended; if there
    /// are more by now, the listener has been told, and has to take another one.
    fn find(&self, floor: &Snapshot, reporter: Option<&str>, in_doubt: usize) {
        let mut state = self.state();
        if state.in_doubt.len() == in_doubt {
            state.writers.find(floor);
            std::mem::take(&mut state.in_doubt).into_iter().for_each(|ticket| state.writers.end(ticket));
            state.prelude = reporter.map(|name| prelude(name).into());
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
    fn lose(&mut self) {
        self.writers.lose();
        self.prelude = None;
    }
}

/// The statement that has triggers leave notes for the gateway.
fn prelude(reporter: &str) -> String {
    format!("SELECT pg_catalog.set_config('headland.reporter', '{reporter}', true)")
}

/// A write that says what it has done. One of which only it speaks, and which ends without a word, may have been committed:
/// writers are missed then.
pub(crate) struct Write<'a> {
    known: &'a Known,
    /// `None` where the database notifies.
    ticket: Option<Ticket>,
    prelude: Option<Arc<str>>,
}

impl Write<'_> {
    /// The statement that goes before its own.
    pub(crate) fn prelude(&self) -> Cow<'_, str> {
        self.prelude.as_deref().map_or_else(|| prelude(NOTIFIED).into(), Cow::from)
    }

    /// It has been committed, and did this.
    pub(crate) fn report(mut self, report: &Report) {
        let mut state = self.known.state();
        if let Some(xid) = report.xid {
            state.writers.wrote(&report.relations, xid, &report.seen);
        }
        self.ticket.take().into_iter().for_each(|ticket| state.writers.end(ticket));
    }

    /// It has certainly not been committed.
    pub(crate) fn undone(mut self) {
        self.ticket.take().into_iter().for_each(|ticket| self.known.state().writers.end(ticket));
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let mut state = self.known.state();
            state.lose();
            state.in_doubt.push(ticket);
            self.known.missed.notify_one();
        }
    }
}
