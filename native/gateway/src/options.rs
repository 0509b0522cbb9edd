//! What an operator sets, with defaults that suit one gateway beside one Postgres.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::Error;
use crate::pg::Target;

/// How the gateway listens, whom it lets in, and within which limits.
#[derive(Clone)]
pub struct Options {
    /// `postgresql://…`, as libpq reads it: `sslmode`, `application_name`, `options` and `host` are honoured.
    pub database_url: String,
    /// Where to serve HTTP; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The user that callers name. No role of Postgres: the URL's role runs the statements.
    pub user: String,
    /// The secret that callers give as the password of their connection string.
    pub credential: String,
    /// The database that callers name.
    pub database: String,
    /// Connections to Postgres at most.
    pub pool_max: usize,
    /// Requests that may wait for a connection; one more is answered 503.
    pub queue_max: usize,
    /// Requests wait this long for a connection, including the time to open one.
    pub acquire_timeout: Duration,
    /// Opening a connection takes this long at most.
    pub connect_timeout: Duration,
    /// A request takes this long at most, then its statement is cancelled.
    pub deadline: Duration,
    /// A request's body must have arrived after this time.
    pub body_timeout: Duration,
    /// Bytes of a request's body.
    pub request_bytes_max: usize,
    /// Bytes of a response's body.
    pub response_bytes_max: usize,
    /// A connection to Postgres is closed when it is this old and idle.
    pub max_lifetime: Duration,
    /// A connection to Postgres is closed when nobody used it for this long.
    pub idle_timeout: Duration,
    /// Prepared statements kept per connection.
    pub statements_max: usize,
    /// HTTP connections served at a time; further ones wait in the listener's backlog.
    pub http_connections_max: usize,
    /// Of these, connections from one address (of IPv6, from one network of 64 bits); further ones are closed at
    /// once. Half of all by default, as everything may come through one proxy.
    pub http_connections_per_address_max: usize,
    /// A client is disconnected when it had no request in progress for this long. By default longer than usual
    /// clients keep an idle connection, so that it is they who close it.
    pub http_idle_timeout: Duration,
    /// A request's head must have arrived this long after its first byte.
    pub http_head_timeout: Duration,
    /// A client that takes nothing of a response for this long, or no more than a trickle for longer, is
    /// disconnected ([`connections::Patience::take`]).
    pub http_take_timeout: Duration,
    /// Bytes of a request's head, at least 8 KiB; 431 above it.
    pub header_bytes_max: usize,
    /// What is in flight has this long to finish on shutdown.
    pub shutdown_grace: Duration,
    /// Callers whose requests are counted for edges that limit them (`Headland-Limit`), 24 bytes each; where there are
    /// more, those are forgotten that owe the fewest requests.
    pub limited_callers_max: usize,
    /// How often to look whether the schema has changed, to tell edges; `None` is never.
    pub catalog_watch: Option<Duration>,
    /// How to hear of all writers, for which the database must have been prepared ([`Source::install`]); `None` is not
    /// at all.
    pub writers: Option<Source>,
    /// A standby that streams from that Postgres, as `database_url` has it. It is given the reads for which it has certainly replayed
    /// enough. Needs [`writers`](Options::writers) by triggers, and a role that has `pg_read_all_stats`.
    pub replica_url: Option<String>,
}

/// Where the gateway hears of writers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Statement triggers, and `NOTIFY`. They tell of DDL too, if a superuser has installed them.
    Triggers,
    /// Logical replication, which needs `wal_level = logical` and a role with `REPLICATION`. DDL is not in it, so the
    /// schema is looked at, every second if [`catalog_watch`](Options::catalog_watch) says nothing else.
    Replication,
}

/// How often to look at the schema where nothing tells of DDL.
const CATALOG_WATCH: Duration = Duration::from_secs(1);

impl Options {
    /// Defaults for this database and this credential, on a free port of the loopback interface.
    ///
    /// Fails if the URL cannot be read or the credential is empty.
    pub fn new(database_url: &str, credential: &str) -> Result<Options, Error> {
        let options = Options {
            database_url: database_url.to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            user: "edge".to_owned(),
            credential: credential.to_owned(),
            database: Target::parse(database_url)?.database,
            pool_max: 10,
            queue_max: 1000,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(30),
            body_timeout: Duration::from_secs(10),
            request_bytes_max: 10 << 20,
            response_bytes_max: 10 << 20,
            max_lifetime: Duration::from_secs(30 * 60),
            idle_timeout: Duration::from_secs(5 * 60),
            statements_max: 256,
            http_connections_max: 10_000,
            http_connections_per_address_max: 5_000,
            http_idle_timeout: Duration::from_secs(120),
            http_head_timeout: Duration::from_secs(10),
            http_take_timeout: Duration::from_secs(60),
            header_bytes_max: 64 << 10,
            shutdown_grace: Duration::from_secs(10),
            limited_callers_max: 1 << 16,
            catalog_watch: None,
            writers: None,
            replica_url: None,
        };
        options.check()?;
        Ok(options)
    }

    /// How often to look whether the schema has changed.
    pub(crate) fn catalog_watch(&self) -> Option<Duration> {
        let is_deaf_to_ddl = self.writers == Some(Source::Replication);
        self.catalog_watch.or(is_deaf_to_ddl.then_some(CATALOG_WATCH))
    }

    /// Refuses what could not work: nobody should find out by the first request.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::new(crate::ErrorKind::Options, what));
        if self.credential.is_empty() {
            return refuse("the credential is empty");
        }
        if self.pool_max == 0 || self.pool_max > tokio::sync::Semaphore::MAX_PERMITS {
            return refuse("`pool_max` must be at least 1");
        }
        if self.statements_max == 0 {
            return refuse("`statements_max` must be at least 1");
        }
        if self.http_connections_max == 0 || self.http_connections_max > tokio::sync::Semaphore::MAX_PERMITS {
            return refuse("`http_connections_max` must be at least 1");
        }
        if self.http_connections_per_address_max == 0 {
            return refuse("`http_connections_per_address_max` must be at least 1");
        }
        if self.replica_url.is_some() && self.writers.is_none() {
            return refuse(
                "`replica_url` needs `writers`: without knowing who wrote what, nothing is known of a replica",
            );
        }
        Ok(())
    }
}

/// Without the database's password and the credential.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("listen", &self.listen)
            .field("user", &self.user)
            .field("database", &self.database)
            .field("pool_max", &self.pool_max)
            .field("queue_max", &self.queue_max)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
