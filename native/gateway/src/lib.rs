//! The regional gateway: Postgres behind SQL over HTTP.
//!
//! It speaks the protocol of Neon's serverless driver (`POST /sql`), over a pool of connections to one Postgres, and
//! protects that Postgres: connections, queue, bytes and time are bounded, and nobody gets in without the edge's
//! credential. To the protocol it adds, by header and never required, the raw form (`Headland-Raw`), the caller's
//! deadline (`Headland-Deadline`), the version of the schema (`Headland-Catalog`), what a caller is counted under
//! (`Headland-Limit`), and the conditional form (`Headland-Stored`): no query where an answer is still good.
//!
//! Every request costs one network round trip to Postgres: all its statements go out in one flush. Results
//! are text from end to end and are copied once, from Postgres' messages into the response.
//!
//! Start at [`Options::new`] and [`start`]. Routes are in `http`, the protocol's forms in `protocol`, the
//! client of Postgres in `pg`, and `execute` joins them. `writers` hears of who wrote what, and `replica` says which
//! reads need not go to the primary.

mod credential;
mod error;
mod execute;
mod http;
mod metrics;
mod migrate;
mod options;
mod pg;
mod protocol;
mod replica;
mod writers;

pub use error::{Error, ErrorKind};
pub use http::{Gateway, start};
pub use migrate::{UNINSTALL, migrate, prepared};
pub use options::{Options, Source};
