//! One instance of a component: what it owns, what bounds it, and when it is dropped.
//!
//! Instances are reused as Spin 4 does it: each serves many requests, several at a time, and is then dropped; an idle one is
//! dropped after a while. `ProxyHandler` runs them; this file answers its questions.

mod expiration;
mod state;

pub(crate) use state::State;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut, UpdateDeadline};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{HandlerState, Instance, ProxyPre, ShouldAccept, WorkerState};

use self::expiration::Expiration;
use crate::engine::EPOCH;
use crate::exchange::{Cause, CpuTimeExceeded, Exchange, Vitals};
use crate::host::Grants;
use crate::outbound::Outbound;

/// What each instance of a component is made from.
pub(crate) struct Instances {
    pub(crate) component: Arc<str>,
    pub(crate) pre: ProxyPre<State>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) outbound: Arc<Outbound>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) limits: Limits,
    /// Whether the emulator stops, so that no instance's end is worth a word.
    pub(crate) stopping: Arc<AtomicBool>,
}

/// The limits of one instance, as the options give them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) memory_bytes_max: usize,
    pub(crate) request_timeout: Duration,
    pub(crate) cpu_time_max: Duration,
    pub(crate) requests_max: usize,
    pub(crate) concurrency_max: usize,
    pub(crate) idle_timeout: Duration,
}

/// A running instance's end of the conversation.
pub(crate) struct Worker {
    component: Arc<str>,
    vitals: Arc<Vitals>,
    limits: Limits,
    stopping: Arc<AtomicBool>,
}

impl Instances {
    fn store(&self, vitals: &Arc<Vitals>) -> Store<State> {
        let engine = match &self.pre {
            ProxyPre::P2(pre) => pre.engine(),
            ProxyPre::P3(pre) => pre.engine(),
        };
        let mut store = Store::new(engine, State::new(self, vitals.clone()));
        store.limiter(|state| state);
        store.set_epoch_deadline(1);
        let busy_epochs_max = self.limits.cpu_time_max.div_duration_f64(EPOCH).ceil() as u32;
        store.epoch_deadline_callback(move |context| {
            if context.data().vitals.count_busy_epoch() > busy_epochs_max {
                return Err(CpuTimeExceeded.into());
            }
            // Another task gets the thread, so that an endless loop delays others and stops none.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let began = Instant::now();
        let vitals = Arc::new(Vitals::default());
        let mut store = self.store(&vitals);
        let start = tokio::time::timeout(self.limits.request_timeout, self.pre.instantiate_async(&mut store));
        let proxy = start.await.map_err(|_| wasmtime::format_err!("the component did not start in time"))??;
        tracing::debug!("instance of `{}` started in {} µs", self.component, began.elapsed().as_micros());
        Ok(Instance {
            store,
            proxy,
            view: State::http,
            expiration: Expiration::new(vitals.clone(), &self.limits),
            state: Worker {
                component: self.component.clone(),
                vitals,
                limits: self.limits,
                stopping: self.stopping.clone(),
            },
        })
    }
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Arc<Exchange>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.limits.requests_max {
            ShouldAccept::Never
        } else if concurrent >= self.limits.concurrency_max {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, State>,
        exchange: Arc<Exchange>,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        exchange.enter(self.vitals.clone());
        store.data_mut().enter(task, exchange);
        Box::pin(tokio::time::sleep(self.limits.request_timeout))
    }

    fn drop(&self, store: Store<State>, result: wasmtime::Result<()>) {
        drop(store);
        if let Err(error) = result {
            let cause = self.vitals.explain(&error);
            if !self.stopping.load(Relaxed) {
                log(&self.component, cause, &error);
            }
            self.vitals.end(cause);
        }
    }
}

/// Says what happened to a component, with the trap's backtrace where there is one.
pub(crate) fn log(component: &str, cause: Cause, error: &wasmtime::Error) {
    match cause {
        Cause::Trap => tracing::error!("`{component}` trapped: {error:?}"),
        Cause::Memory => tracing::error!("`{component}` reached its limit of memory and trapped: {error:?}"),
        Cause::Cpu => tracing::error!("`{component}` was stopped, as it computed for too long: {error:?}"),
        Cause::Timeout => tracing::error!("`{component}` was stopped, as it did not answer in time"),
    }
}
