//! Accepting connections, and ending them in order.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use connections::{Client, Patience, Place, Places, protocol};
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::{State, flights, health, limit, route, schema};
use crate::credential::Credential;
use crate::metrics::Metrics;
use crate::pg::{Pool, Target};
use crate::protocol::Types;
use crate::replica::Replica;
use crate::writers::{self, Known};
use crate::{Error, ErrorKind, Options};

/// After an accept failed, for want of file descriptors as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A gateway that is serving. Dropping it ends it at once; [`shutdown`](Gateway::shutdown) lets what is in
/// flight finish.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Gateway {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, lets those in flight finish within `shutdown_grace`, cancels the rest, and
    /// closes the connections to Postgres.
    pub async fn shutdown(self) {
        let _ = self.stop.send(());
        let _ = self.serving.await;
    }
}

/// Starts a gateway: bound and serving when this returns. Postgres need not be up.
///
/// Must be called inside a tokio runtime with I/O and time enabled. Fails if the options make no sense or
/// the address cannot be bound.
pub async fn start(options: Options) -> Result<Gateway, Error> {
    options.check()?;
    let target = Target::parse(&options.database_url)?;
    let replica = options.replica_url.as_deref().map(Target::parse).transpose()?;
    let unbound = |error| Error::new(ErrorKind::Options, format!("cannot listen on {}: {error}", options.listen));
    let listener = TcpListener::bind(options.listen).await.map_err(unbound)?;
    let address = listener.local_addr().map_err(unbound)?;
    let metrics = Arc::new(Metrics::default());
    let state = Arc::new(State {
        credential: Credential::new(&options),
        pool: Pool::new(target, &options, metrics.clone()),
        replica: replica.map(|target| Replica::new(target, &options, metrics.clone())),
        metrics,
        types: Types::default(),
        health: health::Health::default(),
        schema: schema::Schema::default(),
        limits: limit::Limits::new(options.limited_callers_max),
        known: options.writers.map(Known::new),
        flights: flights::Flights::default(),
        options,
    });
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(serve(state, listener, stopped));
    Ok(Gateway { address, stop, serving })
}

/// Serves until told to stop, or until the [`Gateway`] is dropped.
async fn serve(state: Arc<State>, listener: TcpListener, stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut beside = JoinSet::new();
    beside.spawn(state.pool.clone().reap());
    if let Some(interval) = state.options.catalog_watch() {
        let state = state.clone();
        beside.spawn(async move { state.schema.watch(&state.pool, interval, state.known.as_ref()).await });
    }
    if state.known.is_some() {
        let state = state.clone();
        beside.spawn(async move {
            let Some(known) = &state.known else { return };
            writers::listen(known, &state.pool).await;
        });
    }
    if let Some(replica) = &state.replica {
        beside.spawn(replica.pool.clone().reap());
        let state = state.clone();
        beside.spawn(async move {
            let Some(replica) = &state.replica else { return };
            replica.watch(&state.pool).await;
        });
    }
    let options = &state.options;
    let places = Places::new(options.http_connections_max, options.http_connections_per_address_max);
    let asked = tokio::select! {
        asked = stopped => asked.is_ok(),
        () = accept(&state, &listener, &places, &graceful, &mut connections) => false,
    };
    drop(listener);
    if asked && timeout(state.options.shutdown_grace, graceful.shutdown()).await.is_err() {
        tracing::warn!(connections = connections.len(), "requests did not finish within the grace");
    }
    // Aborted requests drop their leases, which cancels what they run.
    connections.shutdown().await;
    beside.shutdown().await;
    state.pool.close().await;
    if let Some(replica) = &state.replica {
        replica.pool.close().await;
    }
}

/// Never returns.
async fn accept(
    state: &Arc<State>,
    listener: &TcpListener,
    places: &Places,
    graceful: &GracefulShutdown,
    connections: &mut JoinSet<()>,
) {
    loop {
        let free = places.free().await;
        match listener.accept().await {
            Ok((stream, address)) => match free.take(address.ip()) {
                Some(place) => drop(connections.spawn(connection(state.clone(), stream, place, graceful.watcher()))),
                None => state.metrics.refusals.add(1),
            },
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(state: Arc<State>, stream: TcpStream, _place: Place, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    let options = &state.options;
    let patience =
        Patience { idle: options.http_idle_timeout, head: options.http_head_timeout, take: options.http_take_timeout };
    let (stream, client) = Client::watch(stream, patience);
    let service = service_fn(|request: Request<Incoming>| {
        let (state, in_progress, version) = (state.clone(), client.request(), request.version());
        async move {
            let response = route::handle(&state, request).await;
            Ok::<_, Infallible>(in_progress.reply(version, response))
        }
    });
    let builder = protocol(options.header_bytes_max);
    let serving = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        served = watcher.watch(serving) => {
            if let Err(error) = served {
                tracing::debug!(error, "a connection ended in an error");
            }
        }
        overstay = client.overstays() => {
            state.metrics.disconnects.add(1);
            tracing::debug!(?overstay, "a slow client was disconnected");
        }
    }
}
