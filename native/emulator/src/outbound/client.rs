//! One HTTP client for all components. Connections are kept and shared, so a trip costs one round trip and not three.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::body::TimedBody;
use crate::gather::gather;

/// From the start of connecting to a usable TCP connection, unless the component asks for less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection without a request is kept. Less than the 60 s or more after which servers usually close one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
/// Connections without a request that are kept for each host.
const IDLE_PER_HOST_MAX: usize = 128;
/// Between two pieces of a response's body, unless the component asks for less.
const BETWEEN_BYTES_TIMEOUT: Duration = Duration::from_secs(60);

/// The client. A clone shares the connections.
#[derive(Clone)]
pub(crate) struct Client {
    inner: legacy::Client<HttpsConnector<HttpConnector>, WasiBody>,
    /// To the head of a response, unless the component asks for less.
    first_byte_timeout: Duration,
}

impl Client {
    /// A client that trusts Mozilla's certificate authorities, for HTTP/1.1 and HTTP/2.
    pub(crate) fn new(first_byte_timeout: Duration) -> Result<Client, rustls::Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(Arc::new(rustls::crypto::ring::default_provider()))?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let inner = legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .build(connector);
        Ok(Client { inner, first_byte_timeout })
    }

    /// Sends the request and returns once the head of its response is there.
    pub(crate) async fn send(
        &self,
        request: Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<Response<WasiBody>, Error> {
        let first_byte =
            options.first_byte_timeout.map_or(self.first_byte_timeout, |asked| asked.min(self.first_byte_timeout));
        let connect = options.connect_timeout.map_or(CONNECT_TIMEOUT, |asked| asked.min(CONNECT_TIMEOUT));
        let between_bytes =
            options.between_bytes_timeout.map_or(BETWEEN_BYTES_TIMEOUT, |asked| asked.min(BETWEEN_BYTES_TIMEOUT));
        let exchange = async {
            let (head, body) = request.into_parts();
            let body = gather(&head.headers, body).await?;
            self.inner.request(Request::from_parts(head, body)).await.map_err(translate)
        };
        let response = tokio::time::timeout(connect + first_byte, exchange);
        let response = response.await.map_err(|_| Error::ConnectionReadTimeout)??;
        Ok(response.map(|body| TimedBody::new(body, between_bytes).boxed_unsync()))
    }
}

/// The wasi:http error that says what went wrong.
fn translate(error: legacy::Error) -> Error {
    tracing::debug!(error = &error as &dyn StdError, "outbound request failed");
    let causes = || causes(&error);
    if error.is_connect() {
        if causes().any(|cause| cause.to_string().starts_with("dns error")) {
            return Error::DnsError { rcode: Some("address not available".into()), info_code: None };
        }
        if let Some(error) = causes().find_map(find_rustls) {
            return translate_tls(error);
        }
        return match causes().find_map(|cause| cause.downcast_ref::<io::Error>()).map(io::Error::kind) {
            Some(io::ErrorKind::TimedOut) => Error::ConnectionTimeout,
            Some(io::ErrorKind::ConnectionRefused) => Error::ConnectionRefused,
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => Error::DestinationUnavailable,
            _ => Error::ConnectionTerminated,
        };
    }
    match causes().find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
        Some(error) if error.is_parse() => Error::HttpProtocolError,
        Some(error) if error.is_timeout() => Error::ConnectionReadTimeout,
        Some(error) if error.is_user() => Error::InternalError(Some(format!("the request's body failed: {error}"))),
        _ => Error::ConnectionTerminated,
    }
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// rustls reports through `io::Error`, which does not show what it wraps as a source.
fn find_rustls<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref()
}

fn translate_tls(error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Error::TlsCertificateError,
        _ => Error::TlsProtocolError,
    }
}
