//! Slow clients against a server as ours are built, with little patience.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bytes::Bytes;
use connections::{Client, HEADER_BYTES_MIN, Overstay, Patience, STREAM_SEND_BYTES_MAX, STREAMS_MAX, protocol};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http2;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

const PATIENCE: Patience =
    Patience { idle: Duration::from_millis(900), head: Duration::from_millis(300), take: Duration::from_millis(300) };
/// When a client that is too slow has been disconnected, however slow this machine is.
const LONGEST: Duration = Duration::from_secs(10);
/// More than the kernel takes of a connection that nobody reads.
const LARGE: usize = 64 << 20;
const WINDOW: u32 = 65_535;

/// Serves one connection: `/large` is a body of [`LARGE`] bytes in pieces of 1 KiB, everything else is empty.
struct Server {
    address: SocketAddr,
    /// Why the client was disconnected; dropped when the connection has ended in another way.
    overstay: oneshot::Receiver<Overstay>,
    /// Bytes that have been asked of large bodies.
    pulled: Arc<AtomicUsize>,
}

/// A body that counts what is asked of it.
struct Large {
    left: usize,
    pulled: Arc<AtomicUsize>,
}

impl Body for Large {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const PIECE: &[u8] = &[b'x'; 1 << 10];
        if self.left == 0 {
            return std::task::Poll::Ready(None);
        }
        self.left -= PIECE.len();
        self.pulled.fetch_add(PIECE.len(), Relaxed);
        std::task::Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PIECE)))))
    }
}

impl Server {
    async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, overstay) = oneshot::channel();
        let pulled = Arc::new(AtomicUsize::new(0));
        let counter = pulled.clone();
        tokio::spawn(async move {
            let (stream, client) = Client::watch(listener.accept().await.unwrap().0, PATIENCE);
            let service = hyper::service::service_fn(|request: Request<Incoming>| {
                let (in_progress, counter) = (client.request(), counter.clone());
                async move {
                    let left = if request.uri().path() == "/large" { LARGE } else { 0 };
                    let body = Large { left, pulled: counter };
                    Ok::<_, Infallible>(in_progress.reply(request.version(), Response::new(body)))
                }
            });
            let builder = protocol(HEADER_BYTES_MIN);
            tokio::select! {
                _ = builder.serve_connection(TokioIo::new(stream), service) => {}
                overstay = client.overstays() => sender.send(overstay).unwrap(),
            }
        });
        Server { address, overstay, pulled }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn connect_http2(&self) -> http2::SendRequest<Empty<Bytes>> {
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            // It is there, and says so.
            .keep_alive_interval(Duration::from_millis(50))
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(self.connect().await))
            .await
            .unwrap();
        tokio::spawn(connection);
        sender
    }

    /// Waits until the client is disconnected, which is for this reason.
    async fn disconnects(self, expected: Overstay) {
        assert_eq!(timeout(LONGEST, self.overstay).await.expect("in time"), Ok(expected));
    }
}

fn get(server: &Server, path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://{}{path}", server.address)).body(Empty::new()).unwrap()
}

/// Sends bytes one by one until the server has had enough.
async fn trickle(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes.iter().cycle() {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn err_nothing_or_half_a_head() {
    for (sent, expected) in [("", Overstay::Idle), ("P", Overstay::Head), ("GET / HTTP/1.1\r\nhost:", Overstay::Head)] {
        let server = Server::start().await;
        let mut stream = server.connect().await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        server.disconnects(expected).await;
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0, "{sent:?}");
    }
}

#[tokio::test]
async fn err_head_byte_by_byte() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let began = Instant::now();
    trickle(&mut stream, b"x: y\r\n").await;
    assert!(began.elapsed() >= PATIENCE.head, "{:?}", began.elapsed());
    server.disconnects(Overstay::Head).await;
}

#[tokio::test]
async fn err_head_over_its_size() {
    for (field, count) in [("x: ".to_owned() + &"y".repeat(HEADER_BYTES_MIN), 1), ("x: y".to_owned(), 101)] {
        let server = Server::start().await;
        let mut stream = server.connect().await;
        let head = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", (field + "\r\n").repeat(count));
        // It may have been refused before its end.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 431");
    }
}

#[tokio::test]
async fn err_idle_after_a_response() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let began = Instant::now();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));
    assert!(began.elapsed() >= PATIENCE.idle, "{:?}", began.elapsed());
    server.disconnects(Overstay::Idle).await;
}

#[tokio::test]
async fn err_idle_in_http2_whatever_it_pings() {
    let server = Server::start().await;
    let mut sender = server.connect_http2().await;
    assert_eq!(sender.send_request(get(&server, "/")).await.unwrap().status(), 200);
    server.disconnects(Overstay::Idle).await;
}

#[tokio::test]
async fn err_response_never_taken() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let pulled = server.pulled.clone();
    server.disconnects(Overstay::Take).await;
    assert!(pulled.load(Relaxed) < LARGE, "what the sockets held, and no more");
}

#[tokio::test]
async fn err_small_responses_never_taken() {
    let server = Server::start().await;
    let stream = server.connect().await;
    let (_unread, mut writer) = stream.into_split();
    let asking = tokio::spawn(async move {
        while writer.write_all(&b"GET / HTTP/1.1\r\nhost: h\r\n\r\n".repeat(100)).await.is_ok() {}
    });
    server.disconnects(Overstay::Take).await;
    asking.await.unwrap();
}

#[tokio::test]
async fn err_response_trickles() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let taking = tokio::spawn(async move {
        while stream.read_u8().await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    server.disconnects(Overstay::Take).await;
    taking.abort();
}

#[tokio::test]
async fn ok_response_taken_steadily() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    let (began, mut taken, mut buffer) = (Instant::now(), 0, vec![0; 1 << 20]);
    loop {
        let bytes = stream.read(&mut buffer).await.unwrap();
        if bytes == 0 {
            break;
        }
        taken += bytes;
        sleep(Duration::from_millis(5)).await;
    }
    assert!(taken >= LARGE && began.elapsed() > PATIENCE.take, "{taken} {:?}", began.elapsed());
}

#[tokio::test]
async fn err_http2_window_withheld() {
    let server = Server::start().await;
    let mut sender = server.connect_http2().await;
    // Nothing is read of these, so their windows stay as they are.
    let mut held = Vec::new();
    for _ in 0..10 {
        held.push(sender.send_request(get(&server, "/large")).await.unwrap());
    }
    let pulled = server.pulled.clone();
    server.disconnects(Overstay::Take).await;
    let most = held.len() * (STREAM_SEND_BYTES_MAX + WINDOW as usize + (32 << 10));
    assert!(pulled.load(Relaxed) < most, "{} of {most}", pulled.load(Relaxed));
    assert!(held.pop().unwrap().into_body().collect().await.is_err());
}

#[tokio::test]
async fn ok_http2_whole_bodies_arrive() {
    let server = Server::start().await;
    let mut sender = server.connect_http2().await;
    let body = sender.send_request(get(&server, "/large")).await.unwrap().into_body();
    assert_eq!(body.collect().await.unwrap().to_bytes().len(), LARGE);
}

#[tokio::test]
async fn err_http2_streams_over_their_number() {
    let server = Server::start().await;
    let mut sender = server.connect_http2().await;
    sender.send_request(get(&server, "/")).await.unwrap();
    let held: Vec<_> = (0..STREAMS_MAX + 1).map(|_| sender.send_request(get(&server, "/large"))).collect();
    let answered = Arc::new(AtomicUsize::new(0));
    for response in held {
        let answered = answered.clone();
        tokio::spawn(async move {
            let Ok(response) = response.await else { return };
            answered.fetch_add(1, Relaxed);
            sleep(LONGEST).await;
            drop(response);
        });
    }
    server.disconnects(Overstay::Take).await;
    assert_eq!(answered.load(Relaxed), STREAMS_MAX as usize);
}

#[tokio::test]
async fn ok_one_frame_is_handed_over_in_pieces_and_whole() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (_, client) = Client::watch(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap(), PATIENCE);
    for (version, frames) in [(hyper::Version::HTTP_11, 1), (hyper::Version::HTTP_2, 3)] {
        let body = Full::new(Bytes::from(vec![b'x'; (32 << 10) + 1]));
        let mut body = client.request().reply(version, Response::new(body)).into_body();
        assert_eq!(body.size_hint().exact(), Some((32 << 10) + 1));
        let mut left = (32 << 10) + 1;
        for _ in 0..frames {
            left -= body.frame().await.unwrap().unwrap().into_data().unwrap().len();
            assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(left as u64), left == 0));
        }
    }
}
