//! Opening the stream to Postgres: socket, `SSLRequest`, TLS. Also the way a `CancelRequest` takes.

use std::io;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::stream::Stream;
use super::target::{Host, Target, TlsMode};
use super::tls;

/// Opens a stream, encrypted as the target's `sslmode` asks. Unix sockets are never encrypted.
pub(crate) async fn connect(target: &Target) -> io::Result<Stream> {
    match &target.host {
        Host::Folder(folder) => {
            let stream = UnixStream::connect(folder.join(target.socket_name())).await?;
            Ok(Stream::Unix(stream))
        }
        Host::Name(name) => {
            let tcp = TcpStream::connect((name.as_str(), target.port)).await?;
            tcp.set_nodelay(true)?;
            secure(tcp, name, target.tls).await
        }
    }
}

/// Asks Postgres for TLS. Its answer is a single byte; reading no more than that leaves nothing for a
/// meddler to slip in before the handshake.
async fn secure(mut tcp: TcpStream, host: &str, mode: TlsMode) -> io::Result<Stream> {
    if mode == TlsMode::Disable {
        return Ok(Stream::Tcp(tcp));
    }
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    tcp.write_all(&request).await?;
    match tcp.read_u8().await? {
        b'S' => Ok(Stream::Tls(Box::new(tls::handshake(tcp, host, mode).await?))),
        b'N' if mode == TlsMode::Prefer => Ok(Stream::Tcp(tcp)),
        b'N' => Err(io::Error::other("the server does not offer TLS")),
        _ => Err(io::Error::other("unexpected answer to `SSLRequest`")),
    }
}

/// The pair that lets its holder cancel what the connection runs.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BackendKey {
    pub(crate) process_id: i32,
    pub(crate) secret_key: i32,
}

/// Asks Postgres to cancel what the connection with this key runs. Returns when the server has closed the
/// stream, by which time the signal has been sent: it cannot hit what is sent on the connection later.
pub(crate) async fn cancel(target: &Target, key: BackendKey) -> io::Result<()> {
    let mut stream = connect(target).await?;
    let mut request = BytesMut::new();
    frontend::cancel_request(key.process_id, key.secret_key, &mut request);
    stream.write_all(&request).await?;
    stream.flush().await?;
    stream.read_u8().await.map_or(Ok(()), |_| Err(io::Error::other("unexpected answer to `CancelRequest`")))
}
