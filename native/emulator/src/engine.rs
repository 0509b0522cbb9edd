//! The wasm engine: one for the process, made for many short-lived instances.

use std::thread;
use std::time::Duration;

use wasmtime::component::Linker;
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::error::{Error, ErrorKind};
use crate::instance::State;
use crate::options::Options;
use crate::{host, outbound};

/// Running wasm gives way to others this often.
pub(crate) const EPOCH: Duration = Duration::from_millis(10);

/// Core instances, tables and fibers that are set aside for each component instance. A component from Rust takes up to five.
const CORE_INSTANCES_PER_INSTANCE: u32 = 8;
/// Linear memories that are set aside for each component instance. Those made by the usual tools have one.
const MEMORIES_PER_INSTANCE: u32 = 2;
/// Bytes of an instance's memory that stay resident when it is dropped, so that the next one takes them over without page faults.
const MEMORY_BYTES_KEPT: usize = 1 << 20;

/// Makes the engine and starts its clock, which ends with it.
pub(crate) fn engine(options: &Options) -> Result<Engine, Error> {
    let engine = Engine::new(config().allocation_strategy(pool(options))).or_else(|error| {
        tracing::warn!("no address space for a pool of instances, so each gets its own memory: {error}");
        Engine::new(config().allocation_strategy(InstanceAllocationStrategy::OnDemand))
    });
    let engine = engine.map_err(refuse)?;
    start_clock(&engine)?;
    Ok(engine)
}

/// Everything that a component may import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<State>, Error> {
    let mut linker = Linker::new(engine);
    let link = |linker: &mut Linker<State>| {
        wasmtime_wasi::p2::add_to_linker_async(linker)?;
        wasmtime_wasi::p3::add_to_linker(linker)?;
        wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
        outbound::add_to_linker(linker)?;
        host::add_to_linker(linker)
    };
    link(&mut linker).map_err(refuse)?;
    Ok(linker)
}

fn config() -> Config {
    let mut config = Config::new();
    config.wasm_component_model_async(true).epoch_interruption(true);
    config
}

fn pool(options: &Options) -> PoolingAllocationConfig {
    // Each request in progress may need an instance of its own, if all of them compute at the same time.
    let instances = u32::try_from(options.requests_max).unwrap_or(u32::MAX / CORE_INSTANCES_PER_INSTANCE);
    let core_instances = instances.saturating_mul(CORE_INSTANCES_PER_INSTANCE);
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances)
        .total_core_instances(core_instances)
        .total_memories(instances.saturating_mul(MEMORIES_PER_INSTANCE))
        .total_tables(core_instances)
        .total_stacks(core_instances)
        .max_memory_size(options.memory_bytes_max)
        .linear_memory_keep_resident(MEMORY_BYTES_KEPT);
    pool
}

fn start_clock(engine: &Engine) -> Result<(), Error> {
    let engine = engine.weak();
    let tick = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(EPOCH);
        }
    };
    let started = thread::Builder::new().name("emulator-epoch".into()).spawn(tick);
    started.map(drop).map_err(refuse)
}

fn refuse(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Host, format!("the wasm engine cannot start: {error:#}"))
}
