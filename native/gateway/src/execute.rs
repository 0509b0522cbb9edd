//! A request's statements, from a connection of the pool to an answer: one flush, one round trip.
//!
//! A second trip is made only where the first one is certain to have had no effect: a remembered statement
//! had aged, or the connection had been closed by Postgres while it was idle.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cache::{Bounds, Snapshot, Timeline};
use tokio::time::{Instant, timeout_at};

use crate::pg::{Cells, Discard, Lease, Pool, ServerError, Sink, Stop};
use crate::protocol::{Call, Held, Queries, Query, RawReply, Reply, Shape, Types};
use crate::writers::{Known, Report, Write};
use crate::{Error, ErrorKind};

const OUTCOME_UNKNOWN: &str = "whether the statements took effect is not known";

/// The statement that goes behind those for a standby. It has no row, and fails on a server that is no standby any more; one that
/// still is was one all the time.
const STANDBY: &str = "SELECT WHERE pg_catalog.pg_is_wal_replay_paused() IS NULL";

/// `query_canceled`.
const CANCELED: &str = "57014";

/// What to run, and how to answer.
pub(crate) struct Execution<'a> {
    pub(crate) pool: &'a Arc<Pool>,
    pub(crate) types: &'a Types,
    /// Whom a write reports to.
    pub(crate) known: Option<&'a Known>,
    /// What the standby that it runs on had replayed when that was last looked at; `None` on the primary.
    pub(crate) replayed: Option<&'a Snapshot>,
    pub(crate) call: &'a Call,
    pub(crate) queries: &'a Queries<'a>,
    pub(crate) response_bytes_max: usize,
    pub(crate) deadline: Instant,
    /// What the caller was promised, for messages.
    pub(crate) patience: Duration,
}

pub(crate) enum Answer {
    Json(Bytes),
    Raw(RawReply),
}

impl Execution<'_> {
    pub(crate) async fn run(&self) -> Result<Answer, Error> {
        match (self.call.raw, self.call.text) {
            (true, _) => self.run_raw().await,
            (_, true) => self.run_text().await,
            _ => self.run_typed().await,
        }
    }

    async fn run_text(&self) -> Result<Answer, Error> {
        let (lease, reply) = self.exchange(|| Reply::new(self.shape(None)), None).await?;
        lease.release(false);
        Ok(Answer::Json(reply.finish().map_err(took_effect)?.into()))
    }

    async fn run_raw(&self) -> Result<Answer, Error> {
        let write = self.known.filter(|_| self.may_write()).map(Known::begin);
        let queued = || Held::new(self.response_bytes_max);
        let (lease, mut held) = match self.exchange(queued, write.as_ref()).await {
            Ok(answered) => answered,
            Err(error) => {
                write.filter(|_| error.is_undone()).into_iter().for_each(Write::undone);
                return Err(error);
            }
        };
        let timeline = self.replayed.map(Snapshot::timeline).or(lease.timeline);
        // Whoever asks for the raw form keeps to what ends with the transaction.
        lease.release(true);
        let row = write.as_ref().and_then(|_| held.take_last_row());
        let report = row.zip(timeline).and_then(|(row, timeline)| Report::read(timeline, Cells::of(&row)));
        if let (Some(write), Some(report)) = (write, &report) {
            write.report(report, self.deadline).await;
        }
        match held.raw(|text| self.bounds(timeline?, text)).map_err(took_effect)? {
            Some(raw) => {
                let reported = report.map(|report| Bounds::exact(report.snapshot()));
                Ok(Answer::Raw(RawReply { snapshot: reported.or(raw.snapshot), ..raw }))
            }
            None => self.write(&held, None),
        }
    }

    /// Reads a snapshot of where it ran.
    fn bounds(&self, timeline: Timeline, text: &str) -> Option<Bounds> {
        match self.replayed {
            Some(_) => Bounds::of_standby(timeline, text),
            None => Snapshot::of_postgres(timeline, text).map(Bounds::exact),
        }
    }

    /// Whether it is a transaction that does not say that it writes nothing.
    fn may_write(&self) -> bool {
        self.queries.is_batch() && !self.call.transaction.read_only
    }

    async fn run_typed(&self) -> Result<Answer, Error> {
        let (mut lease, held) = self.exchange(|| Held::new(self.response_bytes_max), None).await?;
        let unknown = held.unknown_types(self.types);
        if !unknown.is_empty() {
            lease = self.learn(lease, &unknown).await?;
        }
        lease.release(false);
        self.write(&held, Some(self.types))
    }

    fn write(&self, held: &Held, types: Option<&Types>) -> Result<Answer, Error> {
        let body = held.write(Reply::new(self.shape(types))).map_err(took_effect)?;
        Ok(Answer::Json(body.into()))
    }

    fn shape<'b>(&'b self, types: Option<&'b Types>) -> Shape<'b> {
        Shape { queries: self.queries, array: self.call.array, types, bytes_max: self.response_bytes_max }
    }

    /// Asks the catalog for types; a trip that is made once for each type.
    async fn learn(&self, lease: Lease, unknown: &[u32]) -> Result<Lease, Error> {
        let list = unknown.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let parameters = vec![Some(format!("{{{list}}}").into())];
        let queries = Queries::Single(Query { sql: Types::QUERY.into(), parameters, array: None });
        let execution = Execution { queries: &queries, ..*self };
        let (lease, held) = execution.exchange_on(lease, || Held::new(self.response_bytes_max), None).await?;
        let arrays = held.last_rows().filter_map(|mut cells| {
            let mut cell = || str::from_utf8(cells.next()??).ok();
            Some((cell()?.parse().ok()?, cell()?.parse().ok()?, *cell()?.as_bytes().first()?))
        });
        self.types.learn(unknown, arrays);
        Ok(lease)
    }

    async fn exchange<S: Sink>(&self, sink: impl Fn() -> S, write: Option<&Write<'_>>) -> Result<(Lease, S), Error> {
        let lease = self.pool.acquire(self.deadline).await?;
        self.exchange_on(lease, sink, write).await
    }

    /// Runs the statements, and once more if it is certain that they had no effect.
    async fn exchange_on<S: Sink>(
        &self,
        mut lease: Lease,
        sink: impl Fn() -> S,
        write: Option<&Write<'_>>,
    ) -> Result<(Lease, S), Error> {
        let (mut may_reopen, mut may_prepare_anew) = (true, true);
        loop {
            let mut taken = sink();
            match self.attempt(&mut lease, &mut taken, write).await {
                Ok(()) => return Ok((lease, taken)),
                Err(Fault::Untouched(_)) if may_reopen => {
                    may_reopen = false;
                    lease = self.pool.reopen(lease, self.deadline).await?;
                }
                Err(Fault::Aged(_)) if may_prepare_anew && lease.is_undone() => {
                    may_prepare_anew = false;
                    lease.forget_statements();
                }
                Err(fault) => {
                    lease.release(self.call.raw);
                    return Err(fault.into());
                }
            }
        }
    }

    async fn attempt<S: Sink>(&self, lease: &mut Lease, sink: &mut S, write: Option<&Write<'_>>) -> Result<(), Fault> {
        if self.deadline <= Instant::now() {
            return Err(Error::deadline(self.patience).into());
        }
        if let Err(error) = self.queue(lease, write) {
            // Half a message may be queued.
            lease.abandon();
            let message = format!("the request cannot be encoded for Postgres: {error}");
            return Err(Error::new(ErrorKind::Malformed, message).into());
        }
        let metrics = &self.pool.metrics;
        metrics.trips.add(1);
        metrics.statements.add(self.queries.as_slice().len() as u64);
        let stopped = match timeout_at(self.deadline, lease.run(sink)).await {
            Ok(stopped) => stopped,
            Err(_elapsed) => return self.cancel(lease, sink).await,
        };
        match stopped {
            Ok(()) => verdict(lease),
            Err(Stop::Refused(error)) => Err(wind_up(lease, error).await.into()),
            Err(Stop::Lost { error, untouched }) => Err(lost(error, untouched)),
        }
    }

    /// The whole flush. A transaction that an attempt before this one left behind is rolled back in it. A write that
    /// becomes known has a statement more behind its own, and perhaps one before; what runs on a standby has one at its
    /// end.
    fn queue(&self, lease: &mut Lease, write: Option<&Write<'_>>) -> io::Result<()> {
        lease.start()?;
        if lease.in_transaction() {
            lease.control("ROLLBACK")?;
        }
        let statement = |lease: &mut Lease, query: &Query<'_>| lease.statement(&query.sql, &query.parameters);
        match self.queries {
            Queries::Single(query) => statement(lease, query)?,
            Queries::Batch(queries) => {
                lease.control(&self.call.transaction.begin())?;
                write.and_then(Write::prelude).map_or(Ok(()), |prelude| lease.control(&prelude))?;
                queries.iter().try_for_each(|query| statement(lease, query))?;
                write.map(Write::question).map_or(Ok(()), |(sql, parameters)| lease.statement(sql, &parameters))?;
                self.replayed.map_or(Ok(()), |_| lease.control(STANDBY))?;
                lease.control("COMMIT")?;
            }
        }
        lease.sync();
        Ok(())
    }

    /// The deadline passed. What Postgres then says is believed: it may have been quicker than the cancel.
    async fn cancel<S: Sink>(&self, lease: &mut Lease, sink: &mut S) -> Result<(), Fault> {
        match lease.cancel(sink).await {
            Some(Ok(())) => match verdict(lease) {
                Err(Fault::Final(error)) if error.code() == CANCELED => {
                    Err(error.with_message(Error::deadline(self.patience).to_string()).into())
                }
                verdict => verdict,
            },
            _ => {
                let message = format!("{}; {OUTCOME_UNKNOWN}", Error::deadline(self.patience));
                Err(Error::new(ErrorKind::OutcomeUnknown, message).into())
            }
        }
    }
}

/// Why an attempt failed.
enum Fault {
    Final(Error),
    /// A remembered statement had aged; nothing was changed.
    Aged(Error),
    /// The connection was closed before anything ran.
    Untouched(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault::Final(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Error {
        match fault {
            Fault::Final(error) | Fault::Aged(error) | Fault::Untouched(error) => error,
        }
    }
}

/// What Postgres said of a flush that it has answered.
fn verdict(lease: &mut Lease) -> Result<(), Fault> {
    match lease.take_failure() {
        None => Ok(()),
        Some(failure) => {
            let error = Error::postgres(ErrorKind::Statement, failure.error);
            Err(if failure.aged { Fault::Aged(error) } else { Fault::Final(error) })
        }
    }
}

/// Ends statements whose results were refused while they came, and says what became of them.
async fn wind_up(lease: &mut Lease, error: Error) -> Error {
    if lease.is_broken() {
        return error;
    }
    let outcome = match lease.cancel(&mut Discard).await {
        Some(Ok(())) if lease.take_failure().is_none() => return took_effect(error),
        Some(Ok(())) => "the statements were rolled back",
        _ => OUTCOME_UNKNOWN,
    };
    let message = format!("{error}; {outcome}");
    error.with_message(message)
}

/// For errors that come when all is done.
fn took_effect(error: Error) -> Error {
    let message = format!("{error}; the statements took effect");
    error.with_message(message)
}

fn lost(error: Option<Box<ServerError>>, untouched: bool) -> Fault {
    if untouched {
        return Fault::Untouched(Error::new(ErrorKind::Unreachable, "the connection to Postgres was closed"));
    }
    Fault::Final(match error {
        Some(error) => Error::postgres(ErrorKind::ConnectionLost, error),
        None => Error::new(ErrorKind::ConnectionLost, "the connection to Postgres was lost"),
    })
}
