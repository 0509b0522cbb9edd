//! Requests that components send: allowed hosts, one pool of connections, and the network to the region.

mod away;
mod body;
mod client;
mod hosts;
mod network;
mod send;

pub(crate) use away::Away;
pub(crate) use client::Client;
pub(crate) use hosts::AllowedHosts;
pub(crate) use network::Network;
pub(crate) use send::add_to_linker;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Response, Uri, header};
use wasmtime_wasi_http::{Error, ForbiddenHeaderFilter, RequestOptions, WasiBody, WasiHttpHooks};

use crate::exchange::Exchange;

/// The hosts by which a component names the application that it is part of.
const OWN_HOSTS: [&str; 2] = ["self", "self.alt"];

/// What the requests of one component go through.
pub(crate) struct Outbound {
    pub(crate) component: Arc<str>,
    pub(crate) allowed: Arc<AllowedHosts>,
    pub(crate) client: Client,
    /// Where the application itself listens.
    pub(crate) own: SocketAddr,
    pub(crate) network: Network,
}

/// The part of it that belongs to one instance.
pub(crate) struct Hooks {
    outbound: Arc<Outbound>,
    forbidden: ForbiddenHeaderFilter,
    /// The request on whose behalf the next one is sent.
    pub(crate) exchange: Option<Arc<Exchange>>,
}

type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(Response<WasiBody>, Io), Error>;

impl Hooks {
    pub(crate) fn new(outbound: Arc<Outbound>) -> Hooks {
        Hooks { outbound, forbidden: Arc::new(is_forbidden), exchange: None }
    }
}

impl WasiHttpHooks for Hooks {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_processed: Io,
    ) -> Box<dyn Future<Output = Answer> + Send> {
        let (outbound, exchange) = (self.outbound.clone(), self.exchange.take());
        Box::new(async move {
            let is_own = outbound.is_own(request.uri());
            let request = outbound.admit(request, is_own)?;
            if let Some(exchange) = exchange {
                exchange.count_trip();
            }
            let sent = outbound.client.send(request, options.unwrap_or_default());
            // What the edge asks of itself meets no network.
            let response = if is_own { sent.await } else { outbound.network.carry(sent).await };
            Ok((response?, Box::new(std::future::ready(Ok(()))) as Io))
        })
    }

    fn is_forbidden_header(&mut self, name: &HeaderName) -> bool {
        is_forbidden(name)
    }

    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        self.forbidden.clone()
    }
}

impl Outbound {
    /// Whether the component asks the application that it is part of, and may.
    fn is_own(&self, uri: &Uri) -> bool {
        let scheme = uri.scheme_str().unwrap_or_default();
        uri.host().is_some_and(|host| OWN_HOSTS.contains(&host)) && self.allowed.allows_own(scheme)
    }

    /// Checks where the request goes, and turns `self` into an address.
    fn admit(&self, mut request: Request<WasiBody>, is_own: bool) -> Result<Request<WasiBody>, Error> {
        if is_own {
            self.address_to_own(&mut request)?;
        } else if !self.allowed.allows(request.uri()) {
            self.log_denied(request.uri());
            return Err(Error::HttpRequestDenied);
        }
        Ok(request)
    }

    fn address_to_own(&self, request: &mut Request<WasiBody>) -> Result<(), Error> {
        let ip = match self.own.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let address = SocketAddr::new(ip, self.own.port()).to_string();
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(Authority::try_from(address.as_str()).map_err(|_| Error::HttpRequestUriInvalid)?);
        *request.uri_mut() = Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)?;
        let host = HeaderValue::try_from(address).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(header::HOST, host);
        Ok(())
    }

    fn log_denied(&self, uri: &Uri) {
        let (component, scheme) = (&self.component, uri.scheme_str().unwrap_or("*"));
        let host = uri.host().unwrap_or_default();
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        tracing::warn!(
            "`{component}` may not send requests to {host}; to allow it, \
             add \"{scheme}://{host}{port}\" to `allowed_outbound_hosts` of [component.{component}] in spin.toml"
        );
    }
}

/// The fields that belong to a connection and not to a component: those that wasi:http forbids by default.
fn is_forbidden(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "transfer-encoding"
            | "upgrade"
            | "host"
            | "http2-settings"
    )
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::reply::whole;

    /// Answers each request on each connection with the connection's number.
    async fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move {
            for number in 1.. {
                let (mut stream, _) = listener.accept().await.expect("accepted");
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|bytes| bytes > 0) {
                        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}");
                        stream.write_all(response.as_bytes()).await.expect("written");
                    }
                });
            }
        });
        address
    }

    fn outbound(allowed: &str, own: SocketAddr, rtt: Duration) -> Arc<Outbound> {
        outbound_over(allowed, own, Network::new(rtt, 0.0, None))
    }

    fn outbound_over(allowed: &str, own: SocketAddr, network: Network) -> Arc<Outbound> {
        let allowed = AllowedHosts::parse([allowed]).expect("valid");
        let client = Client::new(Duration::from_secs(5)).expect("a client");
        Arc::new(Outbound { component: "test".into(), allowed: allowed.into(), client, own, network })
    }

    async fn fetch(outbound: &Arc<Outbound>, uri: &str) -> Result<String, Error> {
        let mut hooks = Hooks::new(outbound.clone());
        let exchange = Arc::new(Exchange::default());
        hooks.exchange = Some(exchange.clone());
        let request = Request::get(uri).body(whole("")).expect("a request");
        let sent = Box::into_pin(hooks.send_request(request, None, Box::new(std::future::ready(Ok(()))))).await;
        let body = sent?.0.into_body().collect().await?.to_bytes();
        Ok(format!("{} in {} trip", String::from_utf8_lossy(&body), exchange.trips()))
    }

    #[tokio::test]
    async fn ok_connections_are_shared() {
        let server = server().await;
        let outbound = outbound(&format!("http://{server}"), server, Duration::ZERO);
        for _ in 0..3 {
            assert_eq!(fetch(&outbound, &format!("http://{server}/")).await.expect("answered"), "1 in 1 trip");
        }
    }

    #[tokio::test]
    async fn ok_rtt_is_added_once() {
        let server = server().await;
        let outbound = outbound("*://*:*", server, Duration::from_millis(60));
        let start = Instant::now();
        fetch(&outbound, &format!("http://{server}/")).await.expect("answered");
        let took = start.elapsed();
        assert!(took >= Duration::from_millis(60) && took < Duration::from_millis(115), "{took:?}");
    }

    #[tokio::test]
    async fn ok_own() {
        let server = server().await;
        let outbound = outbound("http://self", server, Duration::ZERO);
        assert_eq!(fetch(&outbound, "http://self/x").await.expect("answered"), "1 in 1 trip");
        assert!(matches!(fetch(&outbound, &format!("http://{server}/")).await, Err(Error::HttpRequestDenied)));
    }

    #[tokio::test]
    async fn err_dropped_or_away_unless_it_is_own() {
        let server = server().await;
        let file = std::env::temp_dir().join(format!("emulator-outbound-{}", std::process::id()));
        std::fs::write(&file, "").expect("written");
        let away = Away::new(file.clone(), Instant::now());
        for network in [Network::new(Duration::ZERO, 1.0, None), Network::new(Duration::ZERO, 0.0, Some(away.into()))] {
            let outbound = outbound_over("*://*:*", server, network);
            fetch(&outbound, "http://self/").await.expect("answered");
            fetch(&outbound, &format!("http://{server}/")).await.expect_err("lost");
        }
        std::fs::remove_file(&file).expect("removed");
    }

    #[tokio::test]
    async fn err_denied() {
        let server = server().await;
        let outbound = outbound("http://example.com", server, Duration::ZERO);
        for uri in [format!("http://{server}/"), "http://self/".into(), "https://example.com/".into()] {
            assert!(matches!(fetch(&outbound, &uri).await, Err(Error::HttpRequestDenied)), "{uri}");
        }
    }

    #[tokio::test]
    async fn err_nobody_there() {
        let free = TcpListener::bind("127.0.0.1:0").await.and_then(|listener| listener.local_addr()).expect("bound");
        let outbound = outbound("*://*:*", free, Duration::ZERO);
        assert!(matches!(fetch(&outbound, &format!("http://{free}/")).await, Err(Error::ConnectionRefused)));
        let unknown = fetch(&outbound, "http://nowhere.invalid/").await;
        assert!(matches!(unknown, Err(Error::DnsError { .. })), "{unknown:?}");
    }

    #[test]
    fn ok_same_fields_as_the_default() {
        for name in wasmtime_wasi_http::DEFAULT_FORBIDDEN_HEADERS {
            assert!(is_forbidden(&name), "{name}");
        }
        assert!(!is_forbidden(&header::AUTHORIZATION));
    }
}
