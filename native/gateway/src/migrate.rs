//! What a database has to have, so that the gateway hears of its writers.

use crate::pg::{Connection, Discard, Limits, Stop, Target, Told};
use crate::{Error, ErrorKind};

/// SQL that has a database tell of its writers. It may be run again: then it watches the tables that are new. Whoever runs it
/// owns the tables, or is a superuser, who also gets the event trigger that tells of DDL.
pub const INSTALL: &str = include_str!("migrate.sql");
/// SQL that takes all of that away, and tells gateways that they hear of nothing any more.
pub const UNINSTALL: &str = "DROP SCHEMA IF EXISTS headland CASCADE; SELECT pg_notify('headland', 'reporter nobody')";

/// Runs one of the two, in one transaction.
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

/// Whether [`INSTALL`] was run there, in this version.
///
/// # Errors
/// A URL that is none, a database that cannot be reached, or what it refuses.
pub async fn is_migrated(database_url: &str) -> Result<bool, Error> {
    let mut connection = open(database_url).await?;
    let asked = connection.ask("SELECT pg_catalog.to_regprocedure('headland.history()')", &mut Told::default()).await;
    let function = asked.map_err(stopped)?.map_err(|error| Error::postgres(ErrorKind::Statement, error))?;
    connection.close().await;
    Ok(function.is_some())
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
