//! Which history of which database a connection is to.
//!
//! A restored database, or a replica that took over, may give the number of a transaction to another one. It has another
//! timeline then, or another identifier. So may a server that has crashed, if the first one left nothing on disk; what we have
//! installed names its history anew then.
//!
//! A standby cannot ask for that name. But what it replays is on disk, and so is part of the old history and of the new one: it is
//! enough that it replays the same timeline of the same cluster. The three that it shares with its primary are a *branch*.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use cache::Timeline;

use super::ask::Told;
use super::connection::{Connection, Stop};
use super::startup::StartupError;

/// The cluster, the database in it, and a timeline, as eight digits.
macro_rules! branch {
    ($timeline:literal) => {
        concat!(
            "pg_catalog.concat_ws(':', system_identifier, ",
            "(SELECT oid FROM pg_catalog.pg_database WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()), ",
            $timeline,
            ")"
        )
    };
}

/// The timeline that is written.
macro_rules! written {
    () => {
        branch!("pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8)")
    };
}

/// The branch, and the history since the last crash.
const QUERY: &str = concat!(
    "SELECT ",
    written!(),
    " OPERATOR(pg_catalog.||) (':' OPERATOR(pg_catalog.||) headland.history()) ",
    "FROM pg_catalog.pg_control_system() WHERE NOT pg_catalog.pg_is_in_recovery()"
);

/// The branch that a primary writes.
pub(crate) const BRANCH: &str =
    concat!("SELECT ", written!(), " FROM pg_catalog.pg_control_system() WHERE NOT pg_catalog.pg_is_in_recovery()");

/// The branch that a standby receives, a space, and its snapshot. There is no row where nothing is being received, or the role may
/// not see what: a standby that receives a timeline has replayed nothing that is not on it.
pub(crate) const REPLAYED: &str = concat!(
    "SELECT pg_catalog.concat_ws(' ', ",
    branch!("pg_catalog.lpad(pg_catalog.upper(pg_catalog.to_hex(received_tli)), 8, '0')"),
    ", pg_catalog.pg_current_snapshot()) ",
    "FROM pg_catalog.pg_control_system(), pg_catalog.pg_stat_wal_receiver ",
    "WHERE pg_catalog.pg_is_in_recovery() AND status OPERATOR(pg_catalog.=) 'streaming'"
);

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
