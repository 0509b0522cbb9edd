//! `GET /health`: whether Postgres answers.
//!
//! What was found is good for a second, so that asking often costs nothing; asking takes two seconds at most.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use hyper::Response;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::route::json;
use crate::pg::{Discard, Pool};

/// How long a finding is good for.
const FRESH: Duration = Duration::from_secs(1);
/// How long finding out may take.
const TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Health {
    /// When Postgres was last asked, and whether it answered. Locked while it is being asked, so that one
    /// question serves all who wait.
    found: Mutex<Option<(Instant, bool)>>,
}

impl Health {
    pub(super) async fn respond(&self, pool: &Arc<Pool>) -> Response<Full<Bytes>> {
        match timeout_at(Instant::now() + TIMEOUT, self.is_up(pool)).await {
            Ok(true) => json(StatusCode::OK, &b"{\"status\":\"up\"}"[..]),
            _ => json(StatusCode::SERVICE_UNAVAILABLE, &b"{\"status\":\"down\"}"[..]),
        }
    }

    async fn is_up(&self, pool: &Arc<Pool>) -> bool {
        let mut found = self.found.lock().await;
        if let Some((at, up)) = *found
            && at.elapsed() < FRESH
        {
            return up;
        }
        let deadline = Instant::now() + TIMEOUT;
        let up = timeout_at(deadline, answers(pool, deadline)).await.unwrap_or(false);
        *found = Some((Instant::now(), up));
        up
    }
}

/// One empty round trip on a connection of the pool; where all are in use, a connection beside it.
async fn answers(pool: &Arc<Pool>, deadline: Instant) -> bool {
    let Some(acquired) = pool.acquire_unqueued(deadline).await else { return pool.probe().await.is_ok() };
    let Ok(mut lease) = acquired else { return false };
    if lease.start().is_err() {
        return false;
    }
    lease.sync();
    let answered = lease.run(&mut Discard).await.is_ok();
    lease.release(true);
    answered
}
