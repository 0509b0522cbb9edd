//! What was sent in one flush, and how far Postgres has got in answering it.
//!
//! ```text
//! sent      Close* ( Parse? Bind Describe? Execute )* Sync
//! answered  '3'*   ( '1'?   '2'  ('T'|'n')? 'D'* ('C'|'I') )* 'E'? 'Z'
//! ```
//!
//! After an error Postgres skips everything up to the Sync.

use std::sync::Arc;
use std::time::Duration;

use super::message::HEAD_BYTES;
use super::row::{Columns, Row};
use super::server_error::ServerError;
use super::statement_cache::Statement;
use crate::Error;

/// Room for steps that is kept between exchanges.
const STEPS_KEPT_MAX: usize = 64;

/// A statement that was prepared less long ago is not suspected of having aged because a value was refused.
const DOUBT_INTERVAL: Duration = Duration::from_secs(1);

/// Takes the results of the caller's statements, in order: columns, rows, completion, for each of them. What a sink says nothing
/// of is dropped. An error ends the taking; Postgres may go on, which is the business of whoever drives the connection.
pub(crate) trait Sink {
    /// Takes nothing, so that values may be dropped before they have arrived.
    const DISCARDS: bool = false;
    /// Has asked for a stream.
    const STREAMS: bool = false;

    fn columns(&mut self, _columns: &Arc<Columns>) -> Result<(), Error> {
        Ok(())
    }
    fn row(&mut self, _row: Row<'_>) -> Result<(), Error> {
        Ok(())
    }
    /// The tag of `CommandComplete`, empty for an empty statement.
    fn complete(&mut self, _tag: &str) -> Result<(), Error> {
        Ok(())
    }
    /// The payload of a notification, which comes at any time to whoever listens.
    fn notified(&mut self, _payload: &str) {}
    /// How a piece of a stream begins, for who asked for one. `None`: it makes no sense.
    fn streamed(&mut self, _data: &[u8]) -> Option<()> {
        None
    }
}

/// Why the taking of messages stops before more can arrive.
pub(crate) enum Interrupt {
    Refused(Error),
    /// What arrived makes no sense.
    Broken,
}

impl From<Error> for Interrupt {
    fn from(error: Error) -> Interrupt {
        Interrupt::Refused(error)
    }
}

/// For answers that nobody waits for.
pub(crate) struct Discard;

impl Sink for Discard {
    const DISCARDS: bool = true;
}

/// One statement of the flush.
pub(crate) struct Step {
    pub(crate) statement: Arc<Statement>,
    /// A Parse was sent along and has not been confirmed.
    pub(crate) unparsed: bool,
    /// Was prepared by an earlier flush.
    pub(crate) remembered: bool,
    /// The caller's own: its results go to the sink. Otherwise `BEGIN` and the like.
    pub(crate) callers: bool,
}

impl Step {
    /// Whether an error at the Bind may be none of the statement as it would be prepared now.
    fn may_have_aged(&self, code: &str) -> bool {
        match code {
            // "cached plan must not change result type", and a statement that does not exist.
            "0A000" | "26000" => true,
            // Postgres analyses the text anew when the schema has changed, but with parameters of the types
            // that were inferred at first: no such function or operator, no such cast, ambiguous.
            "42883" | "42804" | "42846" | "42725" | "42P08" | "42P18" => true,
            // A value that does not fit its type, which may not be the column's any more. As a rule it is just
            // wrong, so this is looked into once in a while only.
            "22P02" | "22003" | "22007" | "22008" => self.statement.prepared.elapsed() > DOUBT_INTERVAL,
            _ => false,
        }
    }
}

#[derive(Default)]
pub(crate) struct Pipeline {
    pub(crate) steps: Vec<Step>,
    /// Index of the step that is being answered.
    pub(crate) at: usize,
    /// That step's Bind was confirmed.
    pub(crate) bound: bool,
    /// Something was answered at all.
    pub(crate) answered: bool,
    pub(crate) failure: Option<Failure>,
    /// A statement began or ended a transaction by itself, so that what ran before it may be committed.
    pub(crate) transaction_ended: bool,
    /// A statement gave up or made prepared statements by itself.
    pub(crate) statements_disturbed: bool,
    /// A statement may have changed the types of columns.
    pub(crate) schema_changed: bool,
}

/// An `ErrorResponse`, and where it struck.
pub(crate) struct Failure {
    pub(crate) error: Box<ServerError>,
    /// It struck the Bind of a remembered statement and may mean that the statement has aged: since it was
    /// prepared, DDL or the search path changed what its text means, or it was deallocated.
    pub(crate) aged: bool,
    /// It was the very first answer.
    pub(crate) first: bool,
}

impl Pipeline {
    pub(crate) fn clear(&mut self) {
        let mut steps = std::mem::take(&mut self.steps);
        steps.clear();
        steps.shrink_to(STEPS_KEPT_MAX);
        *self = Pipeline { steps, ..Pipeline::default() };
    }

    /// The step being answered. There is none for a simple query.
    pub(crate) fn step(&self) -> Option<&Step> {
        self.steps.get(self.at)
    }

    /// `ParseComplete`.
    pub(crate) fn parsed(&mut self) {
        if let Some(step) = self.steps.get_mut(self.at) {
            step.unparsed = false;
        }
    }

    /// `RowDescription` or `NoData`, the whole message.
    pub(crate) fn described<S: Sink>(&mut self, message: &[u8], sink: &mut S) -> Result<(), Interrupt> {
        match self.step() {
            Some(step) if step.callers => {
                let columns = step.statement.describe(message).map_err(|_| Interrupt::Broken)?;
                Ok(sink.columns(&columns)?)
            }
            _ => Ok(()),
        }
    }

    /// `CommandComplete` or `EmptyQueryResponse`, the whole message.
    pub(crate) fn completed<S: Sink>(&mut self, message: &[u8], sink: &mut S) -> Result<(), Interrupt> {
        // Between head and final zero byte stands the tag; an empty statement's completion has neither.
        let tag = message.get(HEAD_BYTES..message.len() - 1).unwrap_or_default();
        let tag = str::from_utf8(tag).map_err(|_| Interrupt::Broken)?;
        let callers = self.step().is_some_and(|step| step.callers);
        self.at += 1;
        self.bound = false;
        if callers {
            self.note(tag);
            sink.complete(tag)?;
        }
        Ok(())
    }

    /// `ErrorResponse`, the whole message.
    pub(crate) fn failed(&mut self, message: &[u8]) -> Result<(), Interrupt> {
        let error = ServerError::read(message.into()).map_err(|_| Interrupt::Broken)?;
        let aged = !self.bound && self.step().is_some_and(|step| step.remembered && step.may_have_aged(&error.code));
        self.failure.get_or_insert(Failure { error, aged, first: !self.answered });
        Ok(())
    }

    /// Remembers of a caller's statement what its tag gives away.
    fn note(&mut self, tag: &str) {
        match tag {
            "BEGIN" | "START TRANSACTION" | "COMMIT" | "ROLLBACK" | "PREPARE TRANSACTION" => {
                self.transaction_ended = true;
            }
            "PREPARE" | "DEALLOCATE" | "DEALLOCATE ALL" | "DISCARD ALL" => self.statements_disturbed = true,
            _ if tag.starts_with("ALTER ") || tag.starts_with("DROP ") => self.schema_changed = true,
            _ => {}
        }
    }
}
