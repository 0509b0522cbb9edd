//! A bounded number of connections, and a bounded queue of requests that wait for one.
//!
//! First come, first served. Connections are opened when needed and kept until they are idle or old for
//! too long; the one used last is lent first, so that those that are not needed grow old.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::connect;
use super::connection::{Connection, Limits, Stop};
use super::lease::Lease;
use super::pipeline::Sink;
use super::startup::StartupError;
use super::target::Target;
use super::timeline;
use crate::metrics::Metrics;
use crate::{Error, ErrorKind, Options};

/// How often idle connections are looked through.
const REAP_INTERVAL: Duration = Duration::from_secs(10);
/// On shutdown, connections that are being cancelled or reset have this long to come back.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);
/// Postgres has this long to end a statement that is cancelled; then its connection is dropped.
const CANCEL_GRACE: Duration = Duration::from_secs(2);
/// How often it is told to within that time.
const CANCEL_INTERVAL: Duration = Duration::from_millis(100);

pub(crate) struct Pool {
    target: Target,
    limits: Limits,
    queue_max: usize,
    acquire_timeout: Duration,
    connect_timeout: Duration,
    max_lifetime: Duration,
    idle_timeout: Duration,
    /// One for each connection that may be open.
    permits: Arc<Semaphore>,
    pool_max: usize,
    /// Whether a connection is asked for its timeline.
    asks_timeline: bool,
    /// Whether the connection that was opened last has one. Those without were opened before the database could tell.
    knows_timeline: AtomicBool,
    waiting: AtomicUsize,
    /// The last attempt to connect failed.
    unreachable: AtomicBool,
    /// Counts the times that a caller's statement may have changed the types of columns.
    schema_version: AtomicU64,
    /// The one used last is at the end.
    idle: Mutex<Vec<Idle>>,
    pub(crate) metrics: Arc<Metrics>,
    /// For the work that goes on when a request has been dropped.
    pub(super) runtime: Handle,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

impl Pool {
    /// Opens nothing yet. Must be called inside a runtime.
    pub(crate) fn new(target: Target, options: &Options, metrics: Arc<Metrics>) -> Arc<Pool> {
        let limits = Limits { statements_max: options.statements_max, response_bytes_max: options.response_bytes_max };
        Arc::new(Pool {
            target,
            limits,
            queue_max: options.queue_max,
            acquire_timeout: options.acquire_timeout,
            connect_timeout: options.connect_timeout,
            max_lifetime: options.max_lifetime,
            idle_timeout: options.idle_timeout,
            permits: Arc::new(Semaphore::new(options.pool_max)),
            pool_max: options.pool_max,
            asks_timeline: options.writers.is_some(),
            knows_timeline: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            unreachable: AtomicBool::new(false),
            schema_version: AtomicU64::new(0),
            idle: Mutex::default(),
            metrics,
            runtime: Handle::current(),
        })
    }

    /// A connection, before `deadline` and within the pool's own patience.
    pub(crate) async fn acquire(self: &Arc<Self>, deadline: Instant) -> Result<Lease, Error> {
        let deadline = deadline.min(Instant::now() + self.acquire_timeout);
        let permit = self.permit(deadline).await?;
        match self.take_idle() {
            Some(connection) => Ok(Lease::new(self.clone(), connection, permit)),
            None => self.open(permit, deadline).await,
        }
    }

    /// A connection if none is in use that it would have to wait for.
    pub(crate) async fn acquire_unqueued(self: &Arc<Self>, deadline: Instant) -> Option<Result<Lease, Error>> {
        let permit = self.permits.clone().try_acquire_owned().ok()?;
        Some(match self.take_idle() {
            Some(connection) => Ok(Lease::new(self.clone(), connection, permit)),
            None => self.open(permit, deadline).await,
        })
    }

    /// A fresh connection in place of a lease's, within the pool's own patience.
    pub(crate) async fn reopen(self: &Arc<Self>, lease: Lease, deadline: Instant) -> Result<Lease, Error> {
        let deadline = deadline.min(Instant::now() + self.acquire_timeout);
        self.open(lease.into_permit(), deadline).await
    }

    /// Opens a connection beside the pool and closes it: for when all are in use and it must be known
    /// whether Postgres still answers.
    pub(crate) async fn probe(&self) -> Result<(), Error> {
        self.open_beside().await?.close().await;
        Ok(())
    }

    /// Opens a connection beside the pool.
    pub(crate) async fn open_beside(&self) -> Result<Connection, Error> {
        let opening = timeout(self.connect_timeout, self.connect());
        let opened = opening.await.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        opened.map_err(|error| self.unreachable(error))
    }

    /// Opens a connection with further parameters, which need not be a session of SQL. Refused, it says what Postgres
    /// says.
    pub(super) async fn open_apart(&self, parameters: &[(&'static str, &str)]) -> Result<Connection, Error> {
        let mut target = self.target.clone();
        target.parameters.extend(parameters.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let refused = |why: String| Error::new(ErrorKind::Unreachable, why);
        match timeout(self.connect_timeout, Connection::open(&target, self.limits)).await {
            Ok(opened) => opened.map_err(|error| refused(error.to_string())),
            Err(_elapsed) => Err(refused("cannot connect to Postgres in time".to_owned())),
        }
    }

    async fn connect(&self) -> Result<Connection, StartupError> {
        let mut connection = Connection::open(&self.target, self.limits).await?;
        if self.asks_timeline {
            connection.timeline = timeline::ask(&mut connection).await?;
            self.knows_timeline.store(connection.timeline.is_some(), Ordering::Relaxed);
        }
        Ok(connection)
    }

    async fn permit(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Error> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = self.enqueue()?;
        match timeout_at(deadline, self.permits.clone().acquire_owned()).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(Error::new(ErrorKind::ShuttingDown, "the gateway is shutting down")),
            Err(_elapsed) => Err(Error::new(ErrorKind::AcquireTimeout, "no connection became free in time")),
        }
    }

    fn enqueue(&self) -> Result<Waiting<'_>, Error> {
        let waiting = Waiting { count: &self.waiting };
        if self.waiting.fetch_add(1, Ordering::Relaxed) < self.queue_max {
            return Ok(waiting);
        }
        let message = format!("too many requests are waiting for a connection (max is {})", self.queue_max);
        Err(Error::new(ErrorKind::QueueFull, message))
    }

    /// The idle connection used last that is still there.
    fn take_idle(&self) -> Option<Connection> {
        loop {
            let mut connection = self.idle().pop()?.connection;
            let is_behind = connection.timeline.is_none() && self.knows_timeline.load(Ordering::Relaxed);
            if !is_behind && !self.is_too_old(&connection) && connection.is_alive() {
                connection.on_schema(self.schema_version.load(Ordering::Relaxed));
                return Some(connection);
            }
        }
    }

    async fn open(self: &Arc<Self>, permit: OwnedSemaphorePermit, deadline: Instant) -> Result<Lease, Error> {
        let deadline = deadline.min(Instant::now() + self.connect_timeout);
        let opening = timeout_at(deadline, self.connect());
        let opened = opening.await.unwrap_or_else(|_| Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()));
        let connection = opened.map_err(|error| self.unreachable(error))?;
        self.metrics.connects.add(1);
        if self.unreachable.swap(false, Ordering::Relaxed) {
            tracing::info!(place = self.target.place(), "connected to Postgres again");
        }
        Ok(Lease::new(self.clone(), connection, permit))
    }

    /// What the caller hears of a failed connect is little: the rest is the operator's, who hears it once and
    /// not for each request that fails of it.
    fn unreachable(&self, error: StartupError) -> Error {
        self.metrics.connect_errors.add(1);
        if !self.unreachable.swap(true, Ordering::Relaxed) {
            let (code, cause) = match &error {
                StartupError::Io(error) => ("", error.to_string()),
                StartupError::Server(error) => (error.code.as_str(), error.message.clone()),
            };
            tracing::warn!(place = self.target.place(), code, cause, "cannot connect to Postgres");
        }
        match error {
            StartupError::Io(_) => Error::new(ErrorKind::Unreachable, "cannot connect to Postgres"),
            // 53: out of resources such as connections. 57: starting up or going down.
            StartupError::Server(error) if matches!(error.code.get(..2), Some("53" | "57")) => {
                Error::postgres(ErrorKind::Unreachable, error)
            }
            StartupError::Server(_) => Error::new(ErrorKind::Login, "Postgres does not let the gateway in"),
        }
    }

    /// Cancels what the connection runs and brings its exchange to an end. `None`: not within
    /// [`CANCEL_GRACE`].
    ///
    /// Postgres ignores a cancel that comes before it has taken up the statement, so it is told again and
    /// again.
    pub(super) async fn cancel<S: Sink>(&self, connection: &mut Connection, sink: &mut S) -> Option<Result<(), Stop>> {
        self.metrics.cancels.add(1);
        let deadline = Instant::now() + CANCEL_GRACE;
        while Instant::now() < deadline {
            self.request_cancel(connection, deadline).await;
            if let Ok(ended) = timeout(CANCEL_INTERVAL, connection.run(sink)).await {
                return Some(ended);
            }
        }
        None
    }

    /// Where it is not certain that the cancel has come and gone when this returns, nobody else gets the
    /// connection, so that it cannot hit another's statement.
    async fn request_cancel(&self, connection: &mut Connection, deadline: Instant) {
        connection.set_doomed(true);
        match timeout_at(deadline, connect::cancel(&self.target, connection.key)).await {
            Ok(Ok(())) => connection.set_doomed(false),
            Ok(Err(error)) => tracing::warn!(%error, "cannot cancel a statement"),
            Err(_elapsed) => tracing::warn!("cannot cancel a statement in time"),
        }
    }

    /// Has every connection prepare its statements anew, if what this one ran may have changed the schema.
    pub(super) fn notice(&self, connection: &Connection) {
        if connection.schema_changed() {
            self.schema_version.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes a connection back; the permit follows it.
    pub(super) fn put_back(&self, connection: Connection, permit: OwnedSemaphorePermit) {
        self.notice(&connection);
        if connection.is_fit() && !self.permits.is_closed() && !self.is_too_old(&connection) {
            self.idle().push(Idle { connection, since: Instant::now() });
        }
        drop(permit);
    }

    fn is_too_old(&self, connection: &Connection) -> bool {
        connection.opened.elapsed() > self.max_lifetime
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes what is idle or old for too long, now and again. Never returns.
    pub(crate) async fn reap(self: Arc<Self>) {
        loop {
            tokio::time::sleep(REAP_INTERVAL.min(self.idle_timeout)).await;
            for connection in self.take_expired() {
                connection.close().await;
            }
        }
    }

    fn take_expired(&self) -> Vec<Connection> {
        let expired = |idle: &mut Idle| {
            idle.since.elapsed() > self.idle_timeout || self.is_too_old(&idle.connection) || !idle.connection.is_alive()
        };
        self.idle().extract_if(.., expired).map(|idle| idle.connection).collect()
    }

    /// Closes what is idle, and what is lent when it comes back, for which there is a little time. Whoever
    /// still waits is turned away.
    pub(crate) async fn close(&self) {
        let all = u32::try_from(self.pool_max).unwrap_or(u32::MAX);
        let _ = timeout(CLOSE_TIMEOUT, self.permits.acquire_many(all)).await;
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for idle in idle {
            idle.connection.close().await;
        }
    }

    /// Connections that are lent, idle, and requests that wait.
    pub(crate) fn gauges(&self) -> Gauges {
        let lent = self.pool_max.saturating_sub(self.permits.available_permits());
        Gauges { lent, idle: self.idle().len(), waiting: self.waiting.load(Ordering::Relaxed) }
    }
}

/// The pool at one moment.
pub(crate) struct Gauges {
    pub(crate) lent: usize,
    pub(crate) idle: usize,
    pub(crate) waiting: usize,
}

/// A place in the queue, given up when dropped.
struct Waiting<'a> {
    count: &'a AtomicUsize,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
