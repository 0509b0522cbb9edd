//! When an instance is dropped although it has not ended by itself.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;
use wasmtime_wasi_http::handler::{WorkerExpiration, WorkerStatus};

use super::Limits;
use crate::exchange::Vitals;

/// An instance's clock. It is asked each time that the instance gives way.
pub(crate) struct Expiration {
    vitals: Arc<Vitals>,
    idle_timeout: Duration,
    request_timeout: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Expiration {
    pub(super) fn new(vitals: Arc<Vitals>, limits: &Limits) -> Expiration {
        let Limits { idle_timeout, request_timeout, .. } = *limits;
        Expiration { vitals, idle_timeout, request_timeout, timer: Box::pin(tokio::time::sleep(idle_timeout)) }
    }
}

impl WorkerExpiration for Expiration {
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let this = self.get_mut();
        this.vitals.gave_way();
        let timeout = match status {
            WorkerStatus::Idle => this.idle_timeout,
            // A request that is too late is answered in time by its own timer, as far as the instance gives way at all.
            WorkerStatus::Requests | WorkerStatus::PostReturn => this.request_timeout,
        };
        let deadline = (start + timeout).into();
        // With every request the deadline moves on. The timer stays where it is until it fires: setting it anew each time would cost
        // more than the requests of a fast component.
        if deadline < this.timer.deadline() {
            this.timer.as_mut().reset(deadline);
        }
        while this.timer.as_mut().poll(context).is_ready() {
            if this.timer.deadline() >= deadline {
                if status != WorkerStatus::Idle {
                    this.vitals.be_late();
                }
                return Poll::Ready(());
            }
            this.timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
