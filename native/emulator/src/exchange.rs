//! What is known about a request and about the instance that serves it, while it does.
//!
//! An instance and the requests in it live in different tasks. When the instance ends, its requests first learn that it did and
//! only then why; [`Exchange::cause`] waits for that.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

/// One request on its way through a component.
#[derive(Default)]
pub(crate) struct Exchange {
    trips: AtomicU32,
    /// Whether the request's body did not arrive in time.
    body_late: AtomicBool,
    instance: OnceLock<Arc<Vitals>>,
}

/// The health of one instance.
#[derive(Default)]
pub(crate) struct Vitals {
    /// Epochs that the instance has computed through without waiting for anything.
    busy_epochs: AtomicU32,
    /// Whether the instance gave way because an epoch ended, and not because it waits for something.
    preempted: AtomicBool,
    /// Whether it was refused memory.
    memory_refused: AtomicBool,
    /// Whether it was dropped for being late.
    late: AtomicBool,
    cause: OnceLock<Cause>,
    ended: Notify,
}

/// Why an instance ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It trapped: a panic, `unreachable`, a stack overflow.
    Trap,
    /// It trapped after it was refused memory.
    Memory,
    /// It computed for longer than it may.
    Cpu,
    /// It did not answer in time.
    Timeout,
}

/// The trap that ends an instance which computes for too long.
#[derive(Debug)]
pub(crate) struct CpuTimeExceeded;

impl std::fmt::Display for CpuTimeExceeded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the component computed for too long without waiting for anything")
    }
}

impl std::error::Error for CpuTimeExceeded {}

impl Exchange {
    /// Counts one outbound request.
    pub(crate) fn count_trip(&self) {
        self.trips.fetch_add(1, Relaxed);
    }

    /// Outbound requests so far.
    pub(crate) fn trips(&self) -> u32 {
        self.trips.load(Relaxed)
    }

    /// The request's body has broken off, as it did not arrive in time.
    pub(crate) fn end_body_late(&self) {
        self.body_late.store(true, Relaxed);
    }

    /// Whether it did.
    pub(crate) fn body_is_late(&self) -> bool {
        self.body_late.load(Relaxed)
    }

    /// An instance has taken the request.
    pub(crate) fn enter(&self, instance: Arc<Vitals>) {
        // A request enters one instance only.
        let _ = self.instance.set(instance);
    }

    /// What an error that ended this request alone means.
    pub(crate) fn explain(&self, error: &wasmtime::Error) -> Cause {
        self.instance.get().map_or(Cause::Trap, |instance| instance.explain(error))
    }

    /// Why the instance that had the request ended, once that is known, for which it waits as long as `patience`.
    pub(crate) async fn cause(&self, patience: Duration) -> Option<Cause> {
        let instance = self.instance.get()?;
        let ended = instance.ended.notified();
        if instance.cause.get().is_none() {
            let _ = tokio::time::timeout(patience, ended).await;
        }
        instance.cause.get().copied()
    }
}

impl Vitals {
    /// An epoch ended while the instance computed. Returns how many have in a row.
    pub(crate) fn count_busy_epoch(&self) -> u32 {
        self.preempted.store(true, Relaxed);
        self.busy_epochs.fetch_add(1, Relaxed) + 1
    }

    /// The instance gave way. Unless that was for the end of an epoch, it waits for something and starts afresh.
    pub(crate) fn gave_way(&self) {
        if !self.preempted.swap(false, Relaxed) {
            self.busy_epochs.store(0, Relaxed);
        }
    }

    /// The instance asked for more memory than it may have.
    pub(crate) fn refuse_memory(&self) {
        self.memory_refused.store(true, Relaxed);
    }

    /// The instance is to be dropped, as it did not answer in time.
    pub(crate) fn be_late(&self) {
        self.late.store(true, Relaxed);
    }

    /// What an error of the instance means.
    pub(crate) fn explain(&self, error: &wasmtime::Error) -> Cause {
        match () {
            _ if error.downcast_ref::<CpuTimeExceeded>().is_some() => Cause::Cpu,
            _ if self.late.load(Relaxed) => Cause::Timeout,
            _ if self.memory_refused.load(Relaxed) => Cause::Memory,
            _ => Cause::Trap,
        }
    }

    /// The instance ended.
    pub(crate) fn end(&self, cause: Cause) {
        let _ = self.cause.set(cause);
        self.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_only_uninterrupted_epochs_count() {
        let vitals = Vitals::default();
        assert_eq!((vitals.count_busy_epoch(), vitals.count_busy_epoch()), (1, 2));
        vitals.gave_way();
        assert_eq!(vitals.count_busy_epoch(), 3);
        vitals.gave_way();
        vitals.gave_way();
        assert_eq!(vitals.count_busy_epoch(), 1);
    }

    #[tokio::test]
    async fn ok_cause_arrives_before_or_after_the_question() {
        let (exchange, vitals) = (Exchange::default(), Arc::new(Vitals::default()));
        exchange.enter(vitals.clone());
        let later = async {
            tokio::task::yield_now().await;
            vitals.end(Cause::Memory);
        };
        assert_eq!(exchange.cause(Duration::ZERO).await, None);
        assert_eq!(tokio::join!(exchange.cause(Duration::from_secs(9)), later).0, Some(Cause::Memory));
        assert_eq!(exchange.cause(Duration::ZERO).await, Some(Cause::Memory));
    }
}
