//! What runs while the tests do: each server is started when the first test asks for it, and stopped at the end.

mod apart;
mod http;
mod process;
mod psql;
mod region;
mod runtime;
mod superuser;
mod upstream;

pub(crate) use apart::{Apart, Part, Source};
pub(crate) use http::{Client, Reply, exchange_raw, get, send};
pub(crate) use process::{Process, all_printed, root, scratch};
pub(crate) use psql::Psql;
pub(crate) use region::{Mode, SLOW, region};
pub(crate) use runtime::{JWT_SECRET, Runtime, START_TIMEOUT, dev, headland, node, node_modules, stop, wrangler};
pub(crate) use superuser::Superuser;
pub(crate) use upstream::upstream;
