//! What a database has to have, so that the gateway hears of its writers.

use crate::pg::{Connection, Discard, Limits, Stop, Target};
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
    let unreachable = |why: String| Error::new(ErrorKind::Unreachable, why);
    let target = Target::parse(database_url)?;
    let limits = Limits { statements_max: 1, response_bytes_max: 1 << 20 };
    let mut connection = Connection::open(&target, limits).await.map_err(|error| unreachable(error.to_string()))?;
    let queued = connection.start().and_then(|()| connection.simple(sql));
    queued.map_err(|error| unreachable(error.to_string()))?;
    match connection.run(&mut Discard).await {
        Ok(()) => {}
        Err(Stop::Refused(error)) => return Err(error),
        Err(Stop::Lost { error: Some(error), .. }) => return Err(Error::postgres(ErrorKind::Unreachable, error)),
        Err(Stop::Lost { error: None, .. }) => return Err(unreachable("the connection was lost".to_owned())),
    }
    if let Some(failure) = connection.take_failure() {
        return Err(Error::postgres(ErrorKind::Statement, failure.error));
    }
    connection.close().await;
    Ok(())
}
