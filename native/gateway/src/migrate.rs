//! What a database has to have, so that the gateway hears of its writers.

use crate::pg::{Connection, Discard, Limits, Stop, Target, Told};
use crate::{Error, ErrorKind, Source};

/// SQL that takes away what [`Source::install`] has put into a database, and tells gateways that they hear of nothing
/// any more.
pub const UNINSTALL: &str = "DROP PUBLICATION IF EXISTS headland; DROP SCHEMA IF EXISTS headland CASCADE; \
    SELECT pg_notify('headland', 'reporter nobody')";

/// Which of the two it is; NULL where none is there in this version.
const PREPARED: &str = "SELECT CASE \
    WHEN pg_catalog.to_regprocedure('headland.history()') IS NULL THEN NULL \
    WHEN pg_catalog.to_regprocedure('headland.take_over(text)') IS NOT NULL THEN 'triggers' \
    WHEN EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = 'headland') THEN 'replication' END";

impl Source {
    /// SQL that has a database tell of its writers in this way, and no more in the other one. It may be run again: then
    /// it watches the tables that are new. Whoever runs it owns the tables, or is a superuser, who with triggers also
    /// gets the event trigger that tells of DDL.
    pub const fn install(self) -> &'static str {
        match self {
            Source::Triggers => concat!(include_str!("migrate/history.sql"), include_str!("migrate/triggers.sql")),
            Source::Replication => {
                concat!(include_str!("migrate/history.sql"), include_str!("migrate/replication.sql"))
            }
        }
    }
}

/// Runs such SQL, in one transaction.
///
/// # Errors
/// A URL that is none, a database that cannot be reached, or what it refuses.
pub async fn migrate(database_url: &str, sql: &str) -> Result<(), Error> {
    let mut connection = open(database_url).await?;
    let queued = connection.start().and_then(|()| connection.simple(sql));
    queued.map_err(|error| unreachable(error.to_string()))?;
    connection.run(&mut Discard).await.map_err(stopped)?;
    if let Some(failure) = connection.take_failure() {
        return Err(Error::postgres(ErrorKind::Statement, failure.error));
    }
    connection.close().await;
    Ok(())
}

/// What was installed there, in this version.
///
/// # Errors
/// A URL that is none, a database that cannot be reached, or what it refuses.
pub async fn prepared(database_url: &str) -> Result<Option<Source>, Error> {
    let mut connection = open(database_url).await?;
    let asked = connection.ask(PREPARED, &mut Told::default()).await;
    let source = asked.map_err(stopped)?.map_err(|error| Error::postgres(ErrorKind::Statement, error))?;
    connection.close().await;
    Ok(source.map(|source| if source == "triggers" { Source::Triggers } else { Source::Replication }))
}

async fn open(database_url: &str) -> Result<Connection, Error> {
    let limits = Limits { statements_max: 1, response_bytes_max: 1 << 20 };
    let opened = Connection::open(&Target::parse(database_url)?, limits).await;
    opened.map_err(|error| unreachable(error.to_string()))
}

fn stopped(stop: Stop) -> Error {
    match stop {
        Stop::Refused(error) => error,
        Stop::Lost { error: Some(error), .. } => Error::postgres(ErrorKind::Unreachable, error),
        Stop::Lost { error: None, .. } => unreachable("the connection was lost".to_owned()),
    }
}

fn unreachable(why: String) -> Error {
    Error::new(ErrorKind::Unreachable, why)
}
