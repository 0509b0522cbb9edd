//! A write through the gateway, which is known before its caller has the answer.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use cache::{SCHEMA, Ticket};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::report::{NOTED, Report, STREAMED};
use super::{Known, State, Word};
use crate::Source;
use crate::pg::Parameter;

/// In place of the name of who reports: of nobody.
const NOTIFIED: &str = "-";
/// A write that is not told of by then, such as one behind a very long one, counts as one to everything.
const TOLD_WITHIN: Duration = Duration::from_millis(250);

/// A write that is on its way. One that ends without a word may have been committed: writers are missed then.
pub(crate) struct Write<'a> {
    known: &'a Known,
    /// `None` when it has ended.
    way: Option<Way>,
}

/// How it becomes known what a write has written.
enum Way {
    /// The database notifies.
    Notified,
    /// Triggers leave notes for the gateway, which alone speaks of it.
    Noted { ticket: Ticket, prelude: Arc<str> },
    /// The log tells of it, and behind it of a word. Where nothing is heard, nobody waits for that.
    Streamed { word: Word, told: Option<oneshot::Receiver<()>> },
}

/// The statement that has triggers leave notes.
pub(super) fn prelude(reporter: &str) -> String {
    format!("SELECT pg_catalog.set_config('headland.reporter', '{reporter}', true)")
}

impl Known {
    /// A write is about to be sent.
    pub(crate) fn begin(&self) -> Write<'_> {
        let mut state = self.state();
        let way = match (self.source, state.prelude.clone()) {
            (Source::Triggers, Some(prelude)) => Way::Noted { ticket: state.writers.begin(), prelude },
            (Source::Triggers, None) => Way::Notified,
            (Source::Replication, _) => state.stream(),
        };
        Write { known: self, way: Some(way) }
    }
}

impl State {
    fn stream(&mut self) -> Way {
        let word = fastrand::u64(..);
        let told = self.awaited.as_mut().map(|awaited| {
            let (tell, told) = oneshot::channel();
            awaited.insert(word, tell);
            told
        });
        Way::Streamed { word, told }
    }

    /// Nothing more is to be known of it.
    fn end(&mut self, way: Way) {
        match way {
            Way::Notified => {}
            Way::Noted { ticket, .. } => self.writers.end(ticket),
            Way::Streamed { word, .. } => _ = self.awaited.as_mut().map(|awaited| awaited.remove(&word)),
        }
    }
}

impl Write<'_> {
    /// The statement that goes before its own.
    pub(crate) fn prelude(&self) -> Option<Cow<'_, str>> {
        match self.way.as_ref()? {
            Way::Notified => Some(prelude(NOTIFIED).into()),
            Way::Noted { prelude, .. } => Some(prelude.as_ref().into()),
            Way::Streamed { .. } => None,
        }
    }

    /// The statement that goes behind its own, whose row is the [`Report`].
    pub(crate) fn question(&self) -> (&'static str, Vec<Parameter<'static>>) {
        match self.way {
            Some(Way::Streamed { word, .. }) => (STREAMED, vec![Some(format!("{word:016x}").into())]),
            _ => (NOTED, Vec::new()),
        }
    }

    /// It has been committed, and did this. When this returns, it is known, or counts as a write to everything.
    pub(crate) async fn report(mut self, report: &Report, deadline: Instant) {
        match (self.way.take(), report.xid) {
            (Some(Way::Streamed { told, .. }), Some(xid)) => {
                let deadline = deadline.min(Instant::now() + TOLD_WITHIN);
                let is_told = match told {
                    Some(told) => matches!(timeout_at(deadline, told).await, Ok(Ok(()))),
                    None => false,
                };
                if !is_told {
                    self.known.wrote(&[SCHEMA], xid, &report.seen);
                }
            }
            (Some(way), xid) => {
                let mut state = self.known.state();
                xid.into_iter().for_each(|xid| state.writers.wrote(&report.relations, xid, &report.seen));
                state.end(way);
            }
            (None, _) => {}
        }
    }

    /// It has certainly not been committed.
    pub(crate) fn undone(mut self) {
        self.way.take().into_iter().for_each(|way| self.known.state().end(way));
    }
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        match self.way.take() {
            None | Some(Way::Notified) => {}
            Some(Way::Noted { ticket, .. }) => self.known.miss(Some(ticket)),
            // The log will tell of it, but perhaps not before its caller asks again.
            Some(Way::Streamed { .. }) => self.known.miss(None),
        }
    }
}
