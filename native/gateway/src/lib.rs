//! The regional gateway: Postgres behind SQL over HTTP.
//!
//! It speaks the protocol of Neon's serverless driver (`POST /sql`), over a pool of connections to one Postgres, and
//! protects that Postgres: connections, queue, bytes and time are bounded, and nobody gets in without the edge's
//! credential. To the protocol it adds, by header and never required, the raw form (`Headland-Raw`), the caller's
//! deadline (`Headland-Deadline`), the version of the schema (`Headland-Catalog`), and what a caller is counted under
//! (`Headland-Limit`).
//!
//! Every request costs one network round trip to Postgres: all its statements go out in one flush. Results
//! are text from end to end and are copied once, from Postgres' messages into the response.
//!
//! Start at [`Options::new`] and [`start`]. Routes are in `http`, the protocol's forms in `protocol`, the
//! client of Postgres in `pg`, and `execute` joins them.

mod credential;
mod error;
mod execute;
mod http;
mod metrics;
mod options;
mod pg;
mod protocol;

pub use error::{Error, ErrorKind};
pub use http::{Gateway, start};
pub use options::Options;
