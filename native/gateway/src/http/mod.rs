//! The gateway's face: HTTP/1.1 and HTTP/2, whole bodies.

mod body;
mod flights;
mod fresh;
mod health;
mod limit;
mod route;
mod schema;
mod serve;
mod sql;

pub use serve::{Gateway, start};

use std::sync::Arc;

use crate::Options;
use crate::credential::Credential;
use crate::metrics::Metrics;
use crate::pg::Pool;
use crate::protocol::Types;
use crate::replica::Replica;
use crate::writers::Known;

/// What all requests share.
struct State {
    options: Options,
    credential: Credential,
    pool: Arc<Pool>,
    metrics: Arc<Metrics>,
    types: Types,
    health: health::Health,
    schema: schema::Schema,
    limits: limit::Limits,
    /// Where it hears of writers.
    known: Option<Known>,
    replica: Option<Replica>,
    flights: flights::Flights,
}
