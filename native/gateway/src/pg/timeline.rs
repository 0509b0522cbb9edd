//! Which history of which database a connection is to.
//!
//! A restored database, or a replica that took over, may give the number of a transaction to another one. It has another
//! timeline then, or another identifier. On a replica itself there is none: what it has seen is behind.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::sync::Arc;

use cache::Timeline;

use super::connection::{Connection, Stop};
use super::pipeline::Sink;
use super::row::{Columns, Row};
use super::startup::StartupError;
use crate::Error;

/// The cluster, the database in it, and the timeline that it writes.
const QUERY: &str = "SELECT pg_catalog.concat_ws(':', system_identifier, \
    (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()), \
    pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8)) \
    FROM pg_catalog.pg_control_system() WHERE NOT pg_catalog.pg_is_in_recovery()";

/// Asks, in one round trip. A role that may not know it has a connection without.
pub(super) async fn ask(connection: &mut Connection) -> Result<Option<Timeline>, StartupError> {
    connection.start()?;
    connection.statement(QUERY, &[])?;
    connection.sync();
    let mut hashed = Hashed(None);
    match connection.run(&mut hashed).await {
        Ok(()) => {}
        Err(Stop::Lost { error: Some(error), .. }) => return Err(StartupError::Server(error)),
        Err(_) => return Err(io::Error::other("the connection was lost").into()),
    }
    let refused = connection.take_failure().is_some();
    Ok(hashed.0.filter(|_| !refused))
}

struct Hashed(Option<Timeline>);

impl Sink for Hashed {
    fn columns(&mut self, _: &Arc<Columns>) -> Result<(), Error> {
        Ok(())
    }

    fn row(&mut self, row: Row<'_>) -> Result<(), Error> {
        self.0 = row.cells().next().flatten().map(|value| {
            let mut hasher = DefaultHasher::new();
            value.hash(&mut hasher);
            Timeline(hasher.finish())
        });
        Ok(())
    }

    fn complete(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }
}
