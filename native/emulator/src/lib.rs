//! Runs the HTTP components of a spin.toml on wasmtime, as Spin 4 does it, on the developer's own machine.
//!
//! Start at [`start`] and [`Options`]. There are components of WASI HTTP 0.3 (spin-sdk 7) and 0.2, Spin's routes, variables and
//! key-value stores (kept in a file), and its rules on outbound requests. An instance is reused and serves several requests at a
//! time; memory, time and everything else that a component may use up has a limit in [`Options`]. With `watch`, what changes is
//! built and swapped in while requests go on. `rtt`, `drop_share` and `away_file` make a region that is next door as far away as a real
//! one, and as hard to reach. `edges` makes several of the one edge: each has a port, instances and outbound connections of its own.
//!
//! Components get no sockets and no files. TLS, Wagi, Redis triggers and service chaining are Spin's alone.

mod app;
mod bindings;
mod compile;
mod engine;
mod error;
mod exchange;
mod gather;
mod glob;
mod host;
mod instance;
mod kv;
mod manifest;
mod options;
mod outbound;
mod output;
mod reply;
mod route;
mod server;
mod template;
mod threads;
mod variables;
mod watch;

pub use error::{Error, ErrorKind};
pub use kv::{KEY_BYTES_MAX, VALUE_BYTES_MAX};
pub use options::Options;
pub use server::{EDGES_MAX, addresses};

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::{App, Loader};
use crate::kv::Kv;
use crate::manifest::Manifest;
use crate::server::{Listeners, Server};
use crate::threads::Threads;

/// A running application. Dropping it stops it without grace.
pub struct Emulator {
    addresses: Vec<SocketAddr>,
    kv: Arc<Kv>,
    stopping: Arc<AtomicBool>,
    /// Until it has been told to stop.
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    watch: Option<JoinHandle<()>>,
}

/// Loads every component and serves. Once it returns, requests are answered.
///
/// Needs a tokio runtime with time and I/O, which accepts connections and watches files; requests have threads of their own.
pub async fn start(options: Options) -> Result<Emulator, Error> {
    let compiled = prepare_folders(&options)?;
    let kv = Arc::new(Kv::open(&options.state_dir, options.kv_delay)?);
    let listeners = Listeners::bind(&addresses(options.listen, options.edges)?).await?;
    let addresses = listeners.addresses()?;
    let engine = engine::engine(&options)?;
    let loader = Arc::new(Loader::new(options.clone(), engine, &kv, compiled, &addresses)?);
    if options.watch {
        build_absent(&loader).await?;
    }
    let (app, manifest) = load(&loader).await?;
    let server = Arc::new(Server::new(app, &options));
    let threads = Threads::start(options.threads)
        .map_err(|error| Error::new(ErrorKind::Host, format!("no thread can be started: {error}")))?;
    let stopping = loader.stopping();
    let watch = match options.watch {
        true => Some(tokio::spawn(watch::watch(loader, server.clone(), manifest).await?)),
        false => None,
    };
    let (stop, stopped) = oneshot::channel();
    let server = tokio::spawn(server.run(threads, listeners, stopped));
    Ok(Emulator { addresses, kv, stopping, stop: Some(stop), server, watch })
}

impl Emulator {
    /// Where its edges listen, in their order.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no more requests, finishes those in progress within `shutdown_grace`, and closes the key-value database.
    pub async fn shutdown(mut self) {
        self.stopping.store(true, Relaxed);
        if let Some(stop) = self.stop.take() {
            // A server that has stopped by itself needs no telling.
            let _ = stop.send(());
        }
        let _ = (&mut self.server).await;
        let kv = self.kv.clone();
        let _ = tokio::task::spawn_blocking(move || kv.close()).await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stopping.store(true, Relaxed);
        self.server.abort();
        if let Some(watch) = &self.watch {
            watch.abort();
        }
    }
}

/// Compiling takes seconds of computing, which the runtime's threads are not for.
async fn load(loader: &Arc<Loader>) -> Result<(App, Manifest), Error> {
    let loader = loader.clone();
    let loaded = tokio::task::spawn_blocking(move || {
        let manifest = loader.read_manifest()?;
        Ok((loader.load(&manifest)?, manifest))
    });
    loaded.await.map_err(|error| Error::new(ErrorKind::Host, format!("loading stopped: {error}")))?
}

async fn build_absent(loader: &Loader) -> Result<(), Error> {
    for (name, component) in &loader.read_manifest()?.component {
        if let Some(build) = &component.build
            && !loader.folder().join(&component.source).exists()
        {
            watch::build(name, build, loader.folder()).await?;
        }
    }
    Ok(())
}

/// Makes the folder for state, and in it the one for compiled components, for this user only.
fn prepare_folders(options: &Options) -> Result<PathBuf, Error> {
    let compiled = options.state_dir.join("compiled");
    let refuse = |error| {
        Error::new(ErrorKind::State, format!("cannot use the folder `{}`: {error}", options.state_dir.display()))
    };
    fs::create_dir_all(&compiled).map_err(refuse)?;
    #[cfg(unix)]
    for folder in [&options.state_dir, &compiled] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(refuse)?;
    }
    Ok(compiled)
}
