//! The little HTTP that the command line speaks itself: one request on one connection, to this machine.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest that an exchange may take, the connection included.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(60);

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Sends `request`, whose URI is a path, to `address` and reads the whole answer.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    timeout(EXCHANGE_TIMEOUT, exchange(address, request))
        .await
        .with_context(|| format!("no answer from {address} within {EXCHANGE_TIMEOUT:?}"))?
}

async fn exchange(address: SocketAddr, mut request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
    request.headers_mut().insert(header::HOST, address.to_string().parse()?);
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with `sender`, or with the peer; either way the answer below says so.
    let connection = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
    connection.abort();
    let body = body.map_err(|error| anyhow::anyhow!("cannot read the answer: {error}"))?;
    Ok((head.status, body.to_bytes()))
}
