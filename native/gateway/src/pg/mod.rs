//! A client of Postgres for this one purpose: text in, text out, one round trip a request.
//!
//! Messages are those of the frontend/backend protocol 3.0. [`Pool`] lends a connection as a
//! [`Lease`]; statements are queued on it, sent in one flush that ends in one Sync, and their
//! answers go row by row to a [`Sink`]. What a row looks like to the caller is `protocol`'s work.

mod ask;
mod connect;
mod connection;
mod lease;
mod message;
mod pgoutput;
mod pipeline;
mod pool;
mod replication;
mod row;
mod server_error;
mod startup;
mod statement_cache;
mod stream;
mod target;
mod timeline;
mod tls;
mod wire;

pub(crate) use ask::Told;
pub(crate) use connection::{Connection, Limits, Parameter, Stop};
pub(crate) use lease::Lease;
pub(crate) use pgoutput::Message;
pub(crate) use pipeline::{Discard, Sink};
pub(crate) use pool::{Gauges, Pool};
pub(crate) use replication::Replication;
pub(crate) use row::{Cells, Column, Columns, Rendered, Row};
pub(crate) use server_error::ServerError;
pub(crate) use target::Target;
pub(crate) use timeline::{BRANCH, REPLAYED};
