//! HTTP connections in, responses out.

mod arrival;
mod inbound;
mod listeners;

pub(crate) use listeners::Listeners;
pub use listeners::{EDGES_MAX, addresses};

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use connections::{Client, Patience, Place, Places, protocol};
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, TrapOrPanicError};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::app::{App, Target};
use crate::exchange::{Cause, CpuTimeExceeded, Exchange};
use crate::gather::gather;
use crate::instance;
use crate::options::Options;
use crate::reply::{Refusal, whole};
use crate::threads::Threads;
use arrival::Arrival;

/// The pause after a connection could not be accepted, for want of file descriptors perhaps.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How long a request whose instance ended waits to learn why.
const CAUSE_PATIENCE: Duration = Duration::from_secs(1);
/// How long a request waits to learn whether its instance ended.
const CAUSE_PATIENCE_P2: Duration = Duration::from_millis(50);
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Answered without a component, as Spin does.
const WELL_KNOWN_HEALTH: &str = "/.well-known/spin/health";

/// What all connections share.
pub(crate) struct Server {
    app: RwLock<Arc<App>>,
    connections: Places,
    requests: Places,
    patience: Patience,
    body_timeout: Duration,
    uri_bytes_max: usize,
    header_bytes_max: usize,
    shutdown_grace: Duration,
}

/// Where a request came from, and where it is served.
struct Origin {
    address: SocketAddr,
    /// The address, as components are told it.
    name: HeaderValue,
    /// The number of the edge.
    edge: usize,
    /// The number of the thread.
    thread: usize,
}

/// A response's body. Its request counts as in progress until the body has left.
pub(crate) struct ReplyBody {
    inner: WasiBody,
    _request: Option<Place>,
}

impl Server {
    pub(crate) fn new(app: App, options: &Options) -> Server {
        Server {
            app: RwLock::new(Arc::new(app)),
            connections: Places::new(options.connections_max, options.connections_per_address_max),
            requests: Places::new(options.requests_max, options.requests_per_address_max),
            patience: Patience { idle: options.idle_timeout, head: options.head_timeout, take: options.take_timeout },
            body_timeout: options.body_timeout,
            uri_bytes_max: options.uri_bytes_max,
            header_bytes_max: options.header_bytes_max,
            shutdown_grace: options.shutdown_grace,
        }
    }

    /// The version that new requests get.
    pub(crate) fn app(&self) -> Arc<App> {
        self.app.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// New requests get this version; those in progress keep theirs.
    pub(crate) fn swap(&self, app: App) {
        *self.app.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(app);
    }

    /// Serves until `stop`, then finishes what is in progress, for as long as the grace lasts.
    pub(crate) async fn run(
        self: Arc<Server>,
        threads: Threads,
        mut listeners: Listeners,
        mut stop: oneshot::Receiver<()>,
    ) {
        let graceful = GracefulShutdown::new();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept(&mut listeners) => accepted,
                _ = &mut stop => break,
            };
            match accepted {
                Ok((edge, stream, address, Some(place))) => {
                    let (thread, handle) = threads.next();
                    let serve =
                        self.clone().serve(stream, Origin::new(address, edge, thread), place, graceful.watcher());
                    drop(connections.spawn_on(serve, handle));
                }
                Ok((_, _, address, None)) => tracing::debug!("{address} has its share of connections"),
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
        drop(listeners);
        if tokio::time::timeout(self.shutdown_grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were still in progress when the grace for shutting down ended");
        }
        connections.shutdown().await;
    }

    /// A connection and the number of its edge, with its place if its address has not got its share.
    async fn accept(&self, listeners: &mut Listeners) -> io::Result<(usize, TcpStream, SocketAddr, Option<Place>)> {
        let free = self.connections.free().await;
        let (edge, stream, address) = listeners.accept().await?;
        Ok((edge, stream, address, free.take(address.ip())))
    }

    async fn serve(self: Arc<Server>, stream: TcpStream, origin: Origin, _place: Place, graceful: Watcher) {
        // A response leaves at once, however small.
        let _ = stream.set_nodelay(true);
        // Of the thread that accepts until now.
        let stream = match stream.into_std().and_then(TcpStream::from_std) {
            Ok(stream) => stream,
            Err(error) => return tracing::warn!("cannot serve a connection: {error}"),
        };
        let (stream, client) = Client::watch(stream, self.patience);
        let origin = Arc::new(origin);
        let service = service_fn(|request: Request<Incoming>| {
            let (server, origin) = (self.clone(), origin.clone());
            let (in_progress, version) = (client.request(), request.version());
            async move { Ok::<_, Infallible>(in_progress.reply(version, server.answer(request, &origin).await)) }
        });
        let builder = protocol(self.header_bytes_max);
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            served = graceful.watch(connection) => {
                if let Err(error) = served {
                    tracing::debug!("a connection ended: {error}");
                }
            }
            overstay = client.overstays() => tracing::debug!("{} was disconnected: {overstay:?}", origin.address),
        }
    }

    async fn answer(&self, request: Request<Incoming>, origin: &Origin) -> Response<ReplyBody> {
        let Some(place) = self.requests.take(origin.address.ip()) else {
            return reply(Refusal::Overloaded.into_response(), None);
        };
        if !tracing::enabled!(target: "access", tracing::Level::INFO) {
            let response = self.dispatch(request, origin).await.0;
            return reply(response, Some(place));
        }
        let start = Instant::now();
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let (response, component, exchange) = self.dispatch(request, origin).await;
        log(&method, uri.path(), &response, start, component.as_deref(), &exchange, origin);
        reply(response, Some(place))
    }

    async fn dispatch(
        &self,
        request: Request<Incoming>,
        origin: &Origin,
    ) -> (Response<WasiBody>, Option<Arc<str>>, Arc<Exchange>) {
        let exchange = Arc::new(Exchange::default());
        let uri = request.uri();
        if uri.path_and_query().is_some_and(|path| path.as_str().len() > self.uri_bytes_max) {
            return (Refusal::UriTooLong.into_response(), None, exchange);
        }
        if uri.path() == WELL_KNOWN_HEALTH {
            return (Response::new(whole("OK")), None, exchange);
        }
        let app = self.app();
        let Some((pattern, target)) = app.router.find(uri.path()) else {
            return (Refusal::RouteNotFound.into_response(), None, exchange);
        };
        let response = match inbound::prepare(request, pattern, &origin.name) {
            Ok(request) => self.handle(target, origin, request, &exchange).await,
            Err(refusal) => Err(refusal),
        };
        (response.unwrap_or_else(Refusal::into_response), Some(target.component.clone()), exchange)
    }

    async fn handle(
        &self,
        target: &Target,
        origin: &Origin,
        request: Request<Incoming>,
        exchange: &Arc<Exchange>,
    ) -> Result<Response<WasiBody>, Refusal> {
        let arriving = |body| Arrival::new(body, self.body_timeout, exchange.clone()).boxed_unsync();
        let handler = &target.handlers[origin.edge][origin.thread];
        match handler.handle(exchange.clone(), request.map(arriving)).await {
            // Whatever the component made of the part that it got.
            _ if exchange.body_is_late() => Err(Refusal::BodyTimeout),
            Ok(response) => {
                let (head, body) = response.into_parts();
                match gather(&head.headers, body).await {
                    Ok(body) => Ok(Response::from_parts(head, body)),
                    Err(error) => Err(explain(&target.component, exchange, &error.into()).await),
                }
            }
            Err(error) => Err(explain(&target.component, exchange, &error).await),
        }
    }
}

impl Origin {
    fn new(address: SocketAddr, edge: usize, thread: usize) -> Origin {
        let name = address.to_string().try_into().expect("an address is printable ASCII");
        Origin { address, name, edge, thread }
    }
}

/// What the caller is told; the log gets the rest.
async fn explain(component: &str, exchange: &Exchange, error: &wasmtime::Error) -> Refusal {
    if error.is::<TrapOrPanicError>() {
        // The instance's end is logged once, where it happened, and not for each request in it.
        Refusal::Ended(exchange.cause(CAUSE_PATIENCE).await.unwrap_or(Cause::Trap))
    } else if error.is::<ExpirationError>() {
        instance::log(component, Cause::Timeout, error);
        Refusal::Ended(Cause::Timeout)
    } else if let Some(InstantiationError { error, .. }) = error.downcast_ref::<InstantiationError<Arc<Exchange>>>() {
        tracing::error!("`{component}` cannot be instantiated: {error:#}");
        if error.is::<PoolConcurrencyLimitError>() { Refusal::Overloaded } else { Refusal::Ended(Cause::Trap) }
    } else if error.is::<Trap>() || error.is::<CpuTimeExceeded>() {
        let cause = exchange.explain(error);
        instance::log(component, cause, error);
        Refusal::Ended(cause)
    } else if let Some(cause) = unless_returned(error, exchange.cause(CAUSE_PATIENCE_P2)).await {
        Refusal::Ended(cause)
    } else {
        tracing::error!("`{component}` gave no response: {error:#}");
        Refusal::NoResponse
    }
}

/// With WASI HTTP 0.2, a handler that ended without a response and one whose instance ended look the same. With 0.3, an error that
/// the handler returned comes as such.
async fn unless_returned(error: &wasmtime::Error, cause: impl Future<Output = Option<Cause>>) -> Option<Cause> {
    if error.is::<ErrorCode>() { None } else { cause.await }
}

/// One line for a request, with what its response says of caches (RFC 9211) and the number of the edge, the first of which is 1.
fn log(
    method: &Method,
    path: &str,
    response: &Response<WasiBody>,
    start: Instant,
    component: Option<&str>,
    exchange: &Exchange,
    origin: &Origin,
) {
    let duration_ms = (start.elapsed().as_secs_f64() * 1e4).round() / 10.0;
    let (status, component, trips) = (response.status().as_u16(), component.unwrap_or("-"), exchange.trips());
    let cache = response.headers().get(CACHE_STATUS).and_then(|value| value.to_str().ok());
    let edge = origin.edge + 1;
    tracing::info!(target: "access", %method, %path, status, duration_ms, component, trips, edge, cache, "request");
}

fn reply(response: Response<WasiBody>, request: Option<Place>) -> Response<ReplyBody> {
    response.map(|inner| ReplyBody { inner, _request: request })
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.inner).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
