//! What an instance owns on the host's side.

use std::sync::Arc;

use wasmtime::ResourceLimiter;
use wasmtime::component::{GuestTaskId, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::Instances;
use crate::exchange::{Exchange, Vitals};
use crate::host::{Grants, Host};
use crate::outbound::Hooks;
use crate::output::{Output, Stream};

/// Elements of all tables of an instance together: function pointers, mostly.
const TABLE_ELEMENTS_MAX: usize = 100_000;

/// The data of an instance's store.
pub(crate) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    hooks: Hooks,
    grants: Arc<Grants>,
    open_stores: usize,
    memory_bytes: usize,
    memory_bytes_max: usize,
    table_elements: usize,
    /// The requests in progress, by the task that serves each.
    exchanges: Vec<(GuestTaskId, Arc<Exchange>)>,
    pub(super) vitals: Arc<Vitals>,
}

impl State {
    pub(super) fn new(instances: &Instances, vitals: Arc<Vitals>) -> State {
        let output = |stream| Output::new(instances.component.clone(), stream);
        let wasi = WasiCtx::builder()
            .envs(&instances.environment)
            .stdout(output(Stream::Stdout))
            .stderr(output(Stream::Stderr))
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        State {
            wasi,
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            hooks: Hooks::new(instances.outbound.clone()),
            grants: instances.grants.clone(),
            open_stores: 0,
            memory_bytes: 0,
            memory_bytes_max: instances.limits.memory_bytes_max,
            table_elements: 0,
            exchanges: Vec::new(),
            vitals,
        }
    }

    /// A task of the instance begins to serve a request.
    pub(super) fn enter(&mut self, task: GuestTaskId, exchange: Arc<Exchange>) {
        // Whoever waits for an answer holds the other reference.
        self.exchanges.retain(|(_, exchange)| Arc::strong_count(exchange) > 1);
        self.exchanges.push((task, exchange));
    }

    /// The next outbound request is sent by the innermost of `tasks`.
    pub(crate) fn send_for(&mut self, tasks: &[GuestTaskId]) {
        let found = self.exchanges.iter().find(|(task, _)| tasks.contains(task));
        self.hooks.exchange = found.map(|(_, exchange)| exchange.clone());
    }

    /// The view that Spin's own interfaces work on.
    pub(crate) fn host(&mut self) -> Host<'_> {
        Host { grants: &self.grants, table: &mut self.table, open_stores: &mut self.open_stores }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

impl ResourceLimiter for State {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory_bytes + (desired - current);
        if total > self.memory_bytes_max {
            self.vitals.refuse_memory();
            return Ok(false);
        }
        self.memory_bytes = total;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.table_elements + (desired - current);
        let grows = total <= TABLE_ELEMENTS_MAX;
        if grows {
            self.table_elements = total;
        }
        Ok(grows)
    }
}
