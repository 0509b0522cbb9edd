//! Which history of which database a connection is to.
//!
//! A restored database, or a replica that took over, may give the number of a transaction to another one. It has another
//! timeline then, or another identifier. So may a server that has crashed, if the first one left nothing on disk; what we have
//! installed names its history anew then. On a replica itself there is none: what it has seen is behind.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use cache::Timeline;

use super::ask::Told;
use super::connection::{Connection, Stop};
use super::startup::StartupError;

/// The cluster, the database in it, the timeline that it writes, and the history since the last crash.
const QUERY: &str = "SELECT pg_catalog.concat_ws(':', system_identifier, \
    (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()), \
    pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8)) \
    OPERATOR(pg_catalog.||) (':' OPERATOR(pg_catalog.||) headland.history()) \
    FROM pg_catalog.pg_control_system() WHERE NOT pg_catalog.pg_is_in_recovery()";

/// Asks, in one round trip. A role that may not know it has a connection without.
pub(super) async fn ask(connection: &mut Connection) -> Result<Option<Timeline>, StartupError> {
    match connection.ask(QUERY, &mut Told::default()).await {
        Ok(identity) => Ok(identity.ok().flatten().map(timeline)),
        Err(Stop::Lost { error: Some(error), .. }) => Err(StartupError::Server(error)),
        Err(_) => Err(io::Error::other("the connection was lost").into()),
    }
}

fn timeline(identity: String) -> Timeline {
    let mut hasher = DefaultHasher::new();
    identity.as_bytes().hash(&mut hasher);
    Timeline(hasher.finish())
}
