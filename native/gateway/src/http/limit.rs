//! How many requests the callers of edges have made.
//!
//! An edge that limits its callers says with each request what its caller is counted under (`Headland-Limit`, the form
//! is [`limit::wire`]'s). All requests come by here, so that what is counted here is exact: a caller that is over a
//! limit is refused with 429 before its statements need a connection, and each answer says what the caller owes. What
//! is counted lies in memory, and a gateway that starts anew has counted nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http_body_util::Full;
use hyper::Response;
use limit::{Standing, Table, wire};

use super::route::refuse;
use crate::{Error, ErrorKind};

pub(super) const LIMIT: HeaderName = HeaderName::from_static("headland-limit");

/// What was counted.
pub(super) struct Limits {
    table: Mutex<Table>,
    /// The moment from which time is counted: unlike that of the day it is never set.
    since: Instant,
}

/// What became of a request.
pub(super) enum Taken {
    /// It may run. What its caller owes, unless it is counted under nothing.
    Allowed(Option<HeaderValue>),
    /// It may not.
    TooMany(Response<Full<Bytes>>),
}

impl Limits {
    /// Remembers so many callers.
    pub(super) fn new(callers_max: usize) -> Limits {
        Limits { table: Mutex::new(Table::new(callers_max)), since: Instant::now() }
    }

    /// Counts a request under what its headers name. Its credential has been checked.
    pub(super) fn take(&self, headers: &HeaderMap) -> Result<Taken, Error> {
        let Some(asked) = headers.get(LIMIT) else { return Ok(Taken::Allowed(None)) };
        let asks = asked.to_str().ok().and_then(wire::read_asks);
        let asks = asks.ok_or_else(|| Error::new(ErrorKind::Malformed, "invalid `Headland-Limit`"))?;
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        // The clock is read under the lock, so that it goes forward for the table.
        let verdict = table.take(&asks, self.since.elapsed());
        drop(table);
        let told = wire::write_told(&verdict.standings);
        let told = HeaderValue::try_from(told).expect("numbers are printable ASCII");
        match verdict.allowed {
            true => Ok(Taken::Allowed(Some(told))),
            false => Ok(Taken::TooMany(too_many(&verdict.standings, told))),
        }
    }
}

fn too_many(standings: &[Standing], told: HeaderValue) -> Response<Full<Bytes>> {
    let mut response = refuse(&Error::new(ErrorKind::OverLimit, "the caller is over a limit"));
    let wait = standings.iter().map(Standing::retry_after).max().unwrap_or_default();
    response.headers_mut().insert(RETRY_AFTER, wait.into());
    response.headers_mut().insert(LIMIT, told);
    response
}
