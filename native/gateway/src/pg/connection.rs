//! One connection: queue statements, flush once, read the answers.
//!
//! All state of an exchange lies in the connection, so that a caller who goes away in the middle (the
//! future is dropped) leaves a connection behind that another can bring to its end.

use std::borrow::Cow;
use std::io;
use std::time::Instant;

use bytes::{Buf, BytesMut};
use cache::Timeline;
use postgres_protocol::IsNull;
use postgres_protocol::message::{backend, frontend};

use super::connect::{self, BackendKey};
use super::message;
use super::pipeline::{Failure, Interrupt, Pipeline, Sink, Step};
use super::row::Row;
use super::server_error::ServerError;
use super::startup::{self, StartupError};
use super::statement_cache::StatementCache;
use super::target::Target;
use super::wire::Wire;
use crate::{Error, ErrorKind};

/// A parameter in text form; `None` is NULL.
pub(crate) type Parameter<'a> = Option<Cow<'a, str>>;

/// What a message may be larger than the largest response, for heads and messages that hold no row.
const MESSAGE_SLACK_BYTES: usize = 64 << 10;

/// Of what is streamed, this much is taken in; the rest of a message is passed over.
const COPY_DATA_BYTES_MAX: usize = 64 << 10;
/// `CopyBothResponse`, which the crate does not know.
const COPY_BOTH_RESPONSE_TAG: u8 = b'W';

/// Limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) statements_max: usize,
    pub(crate) response_bytes_max: usize,
}

pub(crate) struct Connection {
    wire: Wire,
    limits: Limits,
    statements: StatementCache,
    /// Of the pool's count of schema changes.
    schema_version: u64,
    /// The exchange that runs, or ran last.
    pipeline: Pipeline,
    /// Syncs without their `ReadyForQuery`.
    syncs_unanswered: u32,
    /// Bytes of a value that nobody wants, still to arrive.
    skipping: usize,
    /// As in `ReadyForQuery`: `I`dle, in a `T`ransaction, in one that has `E`rrors.
    transaction_status: u8,
    /// Nothing can be said to Postgres, or understood from it, any more.
    broken: bool,
    /// A `CancelRequest` may still be on its way, and would hit whatever runs when it arrives.
    doomed: bool,
    pub(crate) key: BackendKey,
    pub(crate) opened: Instant,
    /// Which history of which database it is connected to, where that was asked.
    pub(crate) timeline: Option<Timeline>,
}

/// Why an exchange did not come to its end.
pub(crate) enum Stop {
    /// The connection is gone.
    Lost {
        /// What Postgres said last.
        error: Option<Box<ServerError>>,
        /// Nothing that was queued can have run.
        untouched: bool,
    },
    /// The sink, or a message that has no place here, put an end to it. Postgres goes on.
    Refused(Error),
}

/// From opening to closing.
impl Connection {
    pub(crate) async fn open(target: &Target, limits: Limits) -> Result<Connection, StartupError> {
        let mut stream = connect::connect(target).await?;
        let key = startup::log_in(&mut stream, target).await?;
        Ok(Connection {
            wire: Wire::new(stream),
            limits,
            statements: StatementCache::new(limits.statements_max),
            schema_version: 0,
            pipeline: Pipeline::default(),
            syncs_unanswered: 0,
            skipping: 0,
            transaction_status: b'I',
            broken: false,
            doomed: false,
            key,
            opened: Instant::now(),
            timeline: None,
        })
    }

    /// Whether an idle connection is still there. Costs no trip: the server's farewell, or the end of the
    /// stream, would have arrived.
    pub(crate) fn is_alive(&mut self) -> bool {
        // Parameters that changed and notices are left to the next exchange.
        let farewell = |incoming: &[u8]| incoming.first() == Some(&backend::ERROR_RESPONSE_TAG);
        self.wire.glance().is_ok() && !farewell(&self.wire.incoming)
    }

    /// Whether another request may have it.
    pub(crate) fn is_fit(&self) -> bool {
        self.is_between_exchanges() && !self.in_transaction() && !self.doomed
    }

    pub(crate) fn is_between_exchanges(&self) -> bool {
        self.syncs_unanswered == 0 && !self.broken
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    pub(crate) fn in_transaction(&self) -> bool {
        self.transaction_status != b'I'
    }

    /// Nobody is to use it any more.
    pub(crate) fn abandon(&mut self) {
        self.broken = true;
    }

    /// Whether a `CancelRequest` may be on its way.
    pub(crate) fn set_doomed(&mut self, doomed: bool) {
        self.doomed = doomed;
    }

    /// Says goodbye, so that the server's log has nothing to complain of.
    pub(crate) async fn close(mut self) {
        if self.is_between_exchanges() {
            frontend::terminate(&mut self.wire.outgoing);
            self.wire.close().await;
        }
    }
}

/// Queueing.
impl Connection {
    /// Begins an exchange. Statements that left the cache are closed by the way.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        debug_assert!(self.syncs_unanswered == 0, "one exchange at a time");
        self.pipeline.clear();
        self.wire.sent_bytes = 0;
        for name in self.statements.take_evicted() {
            frontend::close(b'S', &name, &mut self.wire.outgoing)?;
        }
        Ok(())
    }

    /// Queues `BEGIN`, `COMMIT` and the like, whose results nobody wants.
    pub(crate) fn control(&mut self, sql: &str) -> io::Result<()> {
        self.queue(sql, &[], false)
    }

    /// Queues a statement of the caller.
    ///
    /// Its columns are asked for each time, which costs Postgres next to nothing: were they remembered, a
    /// table that is dropped and made again with the same columns would go on under its old `tableID`.
    pub(crate) fn statement(&mut self, sql: &str, parameters: &[Parameter<'_>]) -> io::Result<()> {
        self.queue(sql, parameters, true)
    }

    fn queue(&mut self, sql: &str, parameters: &[Parameter<'_>], callers: bool) -> io::Result<()> {
        let outgoing = &mut self.wire.outgoing;
        let found = self.statements.find(sql);
        let remembered = found.is_some();
        let statement = found.unwrap_or_else(|| self.statements.add(sql));
        if !remembered {
            frontend::parse(&statement.name, sql, [], outgoing)?;
        }
        bind(&statement.name, parameters, outgoing)?;
        if callers {
            frontend::describe(b'P', "", outgoing)?;
        }
        frontend::execute("", 0, outgoing)?;
        self.pipeline.steps.push(Step { statement, unparsed: !remembered, remembered, callers });
        Ok(())
    }

    /// Ends the queue; everything since [`start`](Self::start) goes out in one flush.
    pub(crate) fn sync(&mut self) {
        frontend::sync(&mut self.wire.outgoing);
        self.syncs_unanswered += 1;
    }

    /// Queues data of a stream that goes both ways.
    pub(crate) fn copy(&mut self, data: &[u8]) -> io::Result<()> {
        frontend::CopyData::new(data)?.write(&mut self.wire.outgoing);
        Ok(())
    }

    /// Queues statements in one text, answered like a Sync.
    pub(crate) fn simple(&mut self, sql: &str) -> io::Result<()> {
        frontend::query(sql, &mut self.wire.outgoing)?;
        self.syncs_unanswered += 1;
        Ok(())
    }
}

/// Running.
impl Connection {
    /// Sends what is queued and reads until it is all answered. May be dropped and called again.
    pub(crate) async fn run<S: Sink>(&mut self, sink: &mut S) -> Result<(), Stop> {
        while self.syncs_unanswered > 0 {
            match self.take_messages(sink) {
                Ok(()) if self.syncs_unanswered == 0 => break,
                Ok(()) if self.wire.transfer().await.is_ok() => {}
                Err(Interrupt::Refused(error)) => return Err(Stop::Refused(error)),
                Ok(()) | Err(Interrupt::Broken) => return Err(self.lost()),
            }
        }
        for step in self.pipeline.steps.iter().filter(|step| step.unparsed) {
            // An error came before its turn.
            self.statements.forget(&step.statement);
        }
        self.wire.trim();
        Ok(())
    }

    /// Waits until something has come that nobody asked for, such as notifications, and takes all of it. May be dropped
    /// and called again.
    pub(crate) async fn heed<S: Sink>(&mut self, sink: &mut S) -> Result<(), Stop> {
        let mut has_come = false;
        loop {
            match self.take_next(sink) {
                Ok(true) => has_come = true,
                Ok(false) if has_come => return Ok(()),
                Ok(false) if self.wire.transfer().await.is_ok() => {}
                Err(Interrupt::Refused(error)) => return Err(Stop::Refused(error)),
                Ok(false) | Err(Interrupt::Broken) => return Err(self.lost()),
            }
        }
    }

    /// Takes what has arrived, up to the end of the exchange.
    fn take_messages<S: Sink>(&mut self, sink: &mut S) -> Result<(), Interrupt> {
        while self.syncs_unanswered > 0 && self.take_next(sink)? {}
        Ok(())
    }

    /// Takes the next message, or a part of it that nobody wants, as far as it has arrived.
    fn take_next<S: Sink>(&mut self, sink: &mut S) -> Result<bool, Interrupt> {
        if self.skipping > 0 {
            self.skip();
        }
        let incoming = &mut self.wire.incoming;
        let Some((tag, bytes)) = message::head(incoming).map_err(|_| Interrupt::Broken)? else { return Ok(false) };
        if tag == backend::DATA_ROW_TAG && S::DISCARDS {
            self.skipping = bytes;
            return Ok(true);
        }
        if tag == backend::COPY_DATA_TAG && S::STREAMS {
            return self.take_data(bytes, sink);
        }
        if bytes > self.limits.response_bytes_max.saturating_add(MESSAGE_SLACK_BYTES) {
            return Err(match tag {
                backend::DATA_ROW_TAG => Error::response_too_large(self.limits.response_bytes_max).into(),
                _ => Interrupt::Broken,
            });
        }
        if incoming.len() < bytes {
            incoming.reserve(bytes - incoming.len());
            return Ok(false);
        }
        match tag {
            backend::DATA_ROW_TAG => self.take_row(bytes, sink)?,
            _ => self.take_message(tag, bytes, sink)?,
        }
        Ok(true)
    }

    fn skip(&mut self) {
        let skipped = self.skipping.min(self.wire.incoming.len());
        self.wire.incoming.advance(skipped);
        self.skipping -= skipped;
    }

    /// Rows that are streamed may be long, and nobody wants more of them than how they begin.
    fn take_data<S: Sink>(&mut self, bytes: usize, sink: &mut S) -> Result<bool, Interrupt> {
        let incoming = &mut self.wire.incoming;
        let taken = bytes.min(COPY_DATA_BYTES_MAX);
        if incoming.len() < taken {
            incoming.reserve(taken - incoming.len());
            return Ok(false);
        }
        self.skipping = bytes;
        sink.streamed(&incoming[message::HEAD_BYTES..taken]).ok_or(Interrupt::Broken)?;
        Ok(true)
    }

    fn take_row<S: Sink>(&mut self, bytes: usize, sink: &mut S) -> Result<(), Interrupt> {
        let incoming = &mut self.wire.incoming;
        let before = incoming.len();
        let taken = sink.row(Row::new(incoming, bytes));
        // The sink may have kept the message, and so have split it off.
        let kept = before - incoming.len();
        incoming.advance(bytes - kept);
        Ok(taken?)
    }

    /// One message, which has arrived whole. It is consumed even if the sink refuses what it says.
    fn take_message<S: Sink>(&mut self, tag: u8, bytes: usize, sink: &mut S) -> Result<(), Interrupt> {
        let message = &self.wire.incoming[..bytes];
        let pipeline = &mut self.pipeline;
        let mut taken = Ok(());
        match tag {
            backend::PARSE_COMPLETE_TAG => pipeline.parsed(),
            backend::BIND_COMPLETE_TAG => pipeline.bound = true,
            backend::ROW_DESCRIPTION_TAG | backend::NO_DATA_TAG => taken = pipeline.described(message, sink),
            backend::COMMAND_COMPLETE_TAG | backend::EMPTY_QUERY_RESPONSE_TAG => {
                taken = pipeline.completed(message, sink);
            }
            backend::ERROR_RESPONSE_TAG => taken = pipeline.failed(message),
            backend::READY_FOR_QUERY_TAG => {
                self.transaction_status = message.get(message::HEAD_BYTES).copied().unwrap_or(b'E');
                self.syncs_unanswered -= 1;
            }
            backend::COPY_IN_RESPONSE_TAG | backend::COPY_OUT_RESPONSE_TAG => {
                // Postgres now waits for data, or sends it: a conversation that the flush has no part for.
                self.broken = true;
                let refusal = "`COPY` from or to the client is not supported";
                taken = Err(Error::new(ErrorKind::Unsupported, refusal).into());
            }
            backend::NOTIFICATION_RESPONSE_TAG => {
                sink.notified(message::notification(message).ok_or(Interrupt::Broken)?);
            }
            backend::CLOSE_COMPLETE_TAG => {}
            COPY_BOTH_RESPONSE_TAG if S::STREAMS => {}
            _ if is_asynchronous(tag) => {}
            _ => taken = Err(Interrupt::Broken),
        }
        self.pipeline.answered |= !is_asynchronous(tag);
        self.wire.incoming.advance(bytes);
        taken
    }

    fn lost(&mut self) -> Stop {
        self.broken = true;
        let failure = self.pipeline.failure.take();
        let farewell_first = failure.as_ref().is_some_and(|failure| failure.first && failure.error.is_farewell());
        let untouched = farewell_first || self.wire.sent_bytes == 0;
        Stop::Lost { untouched, error: failure.map(|failure| failure.error) }
    }
}

/// After an exchange.
impl Connection {
    /// The error that it ended with.
    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        self.pipeline.failure.take()
    }

    /// Whether all of it was rolled back, or will be before the next one, so that it may be run again.
    pub(crate) fn is_undone(&self) -> bool {
        !self.pipeline.transaction_ended
    }

    /// A caller's statement made or dropped prepared statements behind our back.
    pub(crate) fn statements_disturbed(&self) -> bool {
        self.pipeline.statements_disturbed
    }

    /// A caller's statement may have changed the types of columns.
    pub(crate) fn schema_changed(&self) -> bool {
        self.pipeline.schema_changed
    }

    /// Gives up its statements, so that they are prepared anew.
    pub(crate) fn forget_statements(&mut self) {
        for step in self.pipeline.steps.drain(..) {
            self.statements.evict(&step.statement);
        }
    }

    /// Gives up all statements, if the schema has changed since the connection was told last.
    pub(crate) fn on_schema(&mut self, version: u64) {
        if self.schema_version != version {
            self.schema_version = version;
            self.statements.evict_all();
        }
    }

    /// Forgets all statements; the caller deallocates them.
    pub(crate) fn clear_statements(&mut self) {
        self.statements.clear();
    }
}

/// Notices and the like come at any time and answer nothing.
fn is_asynchronous(tag: u8) -> bool {
    matches!(tag, backend::NOTICE_RESPONSE_TAG | backend::PARAMETER_STATUS_TAG | backend::NOTIFICATION_RESPONSE_TAG)
}

/// Without format codes, parameters and results are text.
fn bind(statement: &str, parameters: &[Parameter<'_>], out: &mut BytesMut) -> io::Result<()> {
    let write = |parameter: &Parameter<'_>, out: &mut BytesMut| match parameter {
        None => Ok(IsNull::Yes),
        Some(text) => {
            out.extend_from_slice(text.as_bytes());
            Ok(IsNull::No)
        }
    };
    frontend::bind("", statement, [], parameters, write, [], out).map_err(|error| match error {
        frontend::BindError::Conversion(error) => io::Error::other(error),
        frontend::BindError::Serialization(error) => error,
    })
}
