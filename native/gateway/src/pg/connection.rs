//! One connection: queue statements, flush once, read the answers.
//!
//! All state of an exchange lies in the connection, so that a caller who goes away in the middle (the
//! future is dropped) leaves a connection behind that another can bring to its end.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::{backend, frontend};
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connect::{self, BackendKey};
use super::message;
use super::pipeline::{Failure, Interrupt, Pipeline, Sink, Step};
use super::row::Row;
use super::server_error::ServerError;
use super::startup::{self, StartupError};
use super::statement_cache::StatementCache;
use super::stream::Stream;
use super::target::Target;
use crate::{Error, ErrorKind};

/// A parameter in text form; `None` is NULL.
pub(crate) type Parameter<'a> = Option<std::borrow::Cow<'a, str>>;

/// Room made for each read.
const READ_BYTES: usize = 8 << 10;
/// Larger buffers are not kept between exchanges.
const BUFFER_KEPT_BYTES_MAX: usize = 64 << 10;
/// What a message may be larger than the largest response, for heads and messages that hold no row.
const MESSAGE_SLACK_BYTES: usize = 64 << 10;

pub(crate) struct Connection {
    stream: Stream,
    outgoing: BytesMut,
    incoming: BytesMut,
    /// Bytes of a value that nobody wants, still to arrive.
    skipping: usize,
    message_bytes_max: usize,
    statements: StatementCache,
    /// Of the pool's count of schema changes.
    schema_version: u64,
    pipeline: Pipeline,
    /// Syncs without their `ReadyForQuery`.
    syncs_unanswered: u32,
    /// Bytes of this exchange that the socket took.
    sent_bytes: usize,
    unflushed: bool,
    /// As in `ReadyForQuery`: `I`dle, in a `T`ransaction, in one that has `E`rrors.
    transaction_status: u8,
    broken: bool,
    pub(crate) key: BackendKey,
    pub(crate) opened: Instant,
}

/// Limits of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) statements_max: usize,
    pub(crate) response_bytes_max: usize,
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

impl Connection {
    pub(crate) async fn open(target: &Target, limits: Limits) -> Result<Connection, StartupError> {
        let mut stream = connect::connect(target).await?;
        let key = startup::log_in(&mut stream, target).await?;
        Ok(Connection {
            stream,
            outgoing: BytesMut::new(),
            incoming: BytesMut::new(),
            skipping: 0,
            message_bytes_max: limits.response_bytes_max.saturating_add(MESSAGE_SLACK_BYTES),
            statements: StatementCache::new(limits.statements_max),
            schema_version: 0,
            pipeline: Pipeline::default(),
            syncs_unanswered: 0,
            sent_bytes: 0,
            unflushed: false,
            transaction_status: b'I',
            broken: false,
            key,
            opened: Instant::now(),
        })
    }

    /// Begins an exchange. What an earlier one left in the cache's bin is closed by the way.
    pub(crate) fn start(&mut self) -> io::Result<()> {
        debug_assert!(self.syncs_unanswered == 0, "one exchange at a time");
        self.pipeline.clear();
        self.sent_bytes = 0;
        for name in self.statements.take_evicted() {
            frontend::close(b'S', &name, &mut self.outgoing)?;
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
        let found = self.statements.find(sql);
        let remembered = found.is_some();
        let statement = found.unwrap_or_else(|| self.statements.add(sql));
        if !remembered {
            frontend::parse(&statement.name, sql, [], &mut self.outgoing)?;
        }
        bind(&statement.name, parameters, &mut self.outgoing)?;
        if callers {
            frontend::describe(b'P', "", &mut self.outgoing)?;
        }
        frontend::execute("", 0, &mut self.outgoing)?;
        self.pipeline.steps.push(Step { statement, unparsed: !remembered, remembered, callers });
        Ok(())
    }

    /// Ends the queue; everything since [`start`](Self::start) goes out in one flush.
    pub(crate) fn sync(&mut self) {
        frontend::sync(&mut self.outgoing);
        self.syncs_unanswered += 1;
    }

    /// Queues statements in one text, answered like a Sync.
    pub(crate) fn simple(&mut self, sql: &str) -> io::Result<()> {
        frontend::query(sql, &mut self.outgoing)?;
        self.syncs_unanswered += 1;
        Ok(())
    }

    /// Sends what is queued and reads until it is all answered. May be dropped and called again.
    pub(crate) async fn run<S: Sink>(&mut self, sink: &mut S) -> Result<(), Stop> {
        while self.syncs_unanswered > 0 {
            match self.take_messages(sink) {
                Ok(()) => {}
                Err(Interrupt::Refused(error)) => return Err(Stop::Refused(error)),
                Err(Interrupt::Broken) => return Err(self.lost()),
            }
            if self.syncs_unanswered > 0 && poll_fn(|cx| self.poll_transfer(cx)).await.is_err() {
                return Err(self.lost());
            }
        }
        self.settle();
        Ok(())
    }

    /// The error that the exchange ended with.
    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        self.pipeline.failure.take()
    }

    /// Gives up all remembered statements of the exchange, so that the next one prepares them anew.
    pub(crate) fn forget_statements(&mut self) {
        for step in self.pipeline.steps.drain(..) {
            self.statements.evict(&step.statement);
        }
    }

    /// Whether the exchange was rolled back as a whole, so that it may be run again.
    pub(crate) fn is_undone(&self) -> bool {
        !self.pipeline.transaction_ended
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

    /// A caller's statement made or dropped prepared statements behind our back.
    pub(crate) fn statements_disturbed(&self) -> bool {
        self.pipeline.statements_disturbed
    }

    /// A caller's statement may have changed the types of columns.
    pub(crate) fn schema_changed(&self) -> bool {
        self.pipeline.schema_changed
    }

    /// Prepares anew whatever comes, if the schema has changed since the connection was told last.
    pub(crate) fn on_schema(&mut self, version: u64) {
        if self.schema_version != version {
            self.schema_version = version;
            self.statements.evict_all();
        }
    }

    /// Forgets all prepared statements; the caller deallocates them.
    pub(crate) fn clear_statements(&mut self) {
        self.statements.clear();
    }

    /// Whether an idle connection is still there. Costs no trip: the server's farewell, or the end of the
    /// stream, would have arrived.
    pub(crate) fn is_alive(&mut self) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(read) = self.poll_read(&mut cx) {
            if read.is_err() || self.incoming.len() > BUFFER_KEPT_BYTES_MAX {
                return false;
            }
        }
        // Parameters that changed and notices are left to the next exchange.
        self.incoming.first().is_none_or(|&tag| tag != backend::ERROR_RESPONSE_TAG)
    }

    /// Says goodbye, so that the server's log has nothing to complain of.
    pub(crate) async fn close(mut self) {
        if self.is_between_exchanges() {
            frontend::terminate(&mut self.outgoing);
            let _ = self.stream.write_all(&self.outgoing).await;
            let _ = self.stream.shutdown().await;
        }
    }

    fn take_messages<S: Sink>(&mut self, sink: &mut S) -> Result<(), Interrupt> {
        loop {
            let skipped = self.skipping.min(self.incoming.len());
            self.incoming.advance(skipped);
            self.skipping -= skipped;
            let Some((tag, bytes)) = message::head(&self.incoming).map_err(|_| Interrupt::Broken)? else {
                return Ok(());
            };
            if tag == backend::DATA_ROW_TAG && (S::DISCARDS || bytes > self.message_bytes_max) {
                if !S::DISCARDS {
                    let max = self.message_bytes_max - MESSAGE_SLACK_BYTES;
                    return Err(Interrupt::Refused(Error::response_too_large(max)));
                }
                self.skipping = bytes;
                continue;
            }
            if bytes > self.message_bytes_max {
                return Err(Interrupt::Broken);
            }
            if self.incoming.len() < bytes {
                self.incoming.reserve(bytes - self.incoming.len());
                return Ok(());
            }
            self.take_message(tag, bytes, sink)?;
            if self.syncs_unanswered == 0 {
                return Ok(());
            }
        }
    }

    /// One message, which has arrived whole.
    fn take_message<S: Sink>(&mut self, tag: u8, bytes: usize, sink: &mut S) -> Result<(), Interrupt> {
        if tag == backend::DATA_ROW_TAG {
            return self.take_row(bytes, sink);
        }
        let message = &self.incoming[..bytes];
        let pipeline = &mut self.pipeline;
        let answers = !matches!(
            tag,
            backend::NOTICE_RESPONSE_TAG | backend::PARAMETER_STATUS_TAG | backend::NOTIFICATION_RESPONSE_TAG
        );
        let taken = match tag {
            backend::PARSE_COMPLETE_TAG => {
                pipeline.parsed();
                Ok(())
            }
            backend::BIND_COMPLETE_TAG => {
                pipeline.bound = true;
                Ok(())
            }
            backend::ROW_DESCRIPTION_TAG | backend::NO_DATA_TAG => pipeline.described(message, sink),
            backend::COMMAND_COMPLETE_TAG | backend::EMPTY_QUERY_RESPONSE_TAG => {
                Ok(pipeline.complete(completion_tag(message)?, sink)?)
            }
            backend::ERROR_RESPONSE_TAG => {
                let error = ServerError::read(message.into()).map_err(|_| Interrupt::Broken)?;
                pipeline.fail(error);
                Ok(())
            }
            backend::READY_FOR_QUERY_TAG => {
                self.transaction_status = message.get(message::HEAD_BYTES).copied().unwrap_or(b'E');
                self.syncs_unanswered -= 1;
                Ok(())
            }
            backend::COPY_IN_RESPONSE_TAG | backend::COPY_OUT_RESPONSE_TAG => {
                // Postgres now waits for data, or sends it: a conversation that the flush has no part for.
                self.broken = true;
                Err(Error::new(ErrorKind::Unsupported, "`COPY` from or to the client is not supported").into())
            }
            backend::CLOSE_COMPLETE_TAG => Ok(()),
            _ if answers => Err(Interrupt::Broken),
            _ => Ok(()),
        };
        pipeline.answered |= answers;
        self.incoming.advance(bytes);
        taken
    }

    fn take_row<S: Sink>(&mut self, bytes: usize, sink: &mut S) -> Result<(), Interrupt> {
        let before = self.incoming.len();
        let taken = sink.row(Row::new(&mut self.incoming, bytes));
        // The sink may have kept the message, and so have split it off.
        let kept = before - self.incoming.len();
        self.incoming.advance(bytes - kept);
        Ok(taken?)
    }

    /// After the last answer: the cache learns which statements Postgres never got to.
    fn settle(&mut self) {
        for step in self.pipeline.steps.iter().filter(|step| step.unparsed) {
            self.statements.forget(&step.statement);
        }
        if self.outgoing.capacity() > BUFFER_KEPT_BYTES_MAX {
            self.outgoing = BytesMut::new();
        }
        if self.incoming.is_empty() && self.incoming.capacity() > BUFFER_KEPT_BYTES_MAX {
            self.incoming = BytesMut::new();
        }
    }

    fn lost(&mut self) -> Stop {
        self.broken = true;
        let failure = self.pipeline.failure.take();
        let farewell_first = failure.as_ref().is_some_and(|failure| failure.first && failure.error.is_farewell());
        Stop::Lost { untouched: farewell_first || self.sent_bytes == 0, error: failure.map(|failure| failure.error) }
    }

    /// Sends what there is room for and waits until something has arrived. Doing both at once keeps the
    /// two sides from waiting for each other when a request and its response are both large.
    fn poll_transfer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.poll_write(cx).is_err() {
            // The server may have said why it is leaving; what is left to read will tell, or end.
            self.outgoing.clear();
        }
        self.poll_read(cx)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match pin!(self.stream.write_buf(&mut self.outgoing)).poll(cx) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(bytes)) => self.sent_bytes += bytes,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
            self.unflushed = true;
        }
        // Only TLS keeps back what it was given.
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            self.unflushed = false;
            flushed?;
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.incoming.capacity() - self.incoming.len() < READ_BYTES / 2 {
            self.incoming.reserve(READ_BYTES);
        }
        match pin!(self.stream.read_buf(&mut self.incoming)).poll(cx) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(read) => Poll::Ready(read.map(drop)),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// The tag's text; an empty statement's completion has none.
fn completion_tag(message: &[u8]) -> Result<&str, Interrupt> {
    let text = message.get(message::HEAD_BYTES..message.len() - 1).unwrap_or_default();
    str::from_utf8(text).map_err(|_| Interrupt::Broken)
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
