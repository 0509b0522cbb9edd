//! A Postgres that behaves as a real one rarely does.

use std::time::{Duration, Instant};

use gateway::Options;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::fixture::{CREDENTIAL, Fixture, Reply};

const SELECT: &str = r#"{"query":"SELECT 1 AS a"}"#;

/// The code of a `CancelRequest`.
const CANCEL: [u8; 4] = 80_877_102_u32.to_be_bytes();

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag][..], &length, body].concat()
}

fn error(severity: &str, code: &str) -> Vec<u8> {
    message(b'E', format!("S{severity}\0C{code}\0Mfarewell\0\0").as_bytes())
}

/// Answers to Parse, Bind, Describe, Execute and Sync of a statement with one column and one row.
fn answer() -> Vec<u8> {
    let description = [&[0, 1][..], b"a\0", &[0; 6], &23_u32.to_be_bytes(), &[0, 4], &[255; 4], &[0, 0]].concat();
    let row = [&[0, 1][..], &[0, 0, 0, 1], b"1"].concat();
    [
        message(b'1', b""),
        message(b'2', b""),
        message(b'T', &description),
        message(b'D', &row),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}

/// Lets everyone in and hands each connection, with its number, to `play`. Cancels are taken and ignored.
async fn impostor<F>(play: impl Fn(usize, TcpStream) -> F + Send + 'static) -> Fixture
where
    F: Future<Output = ()> + Send + 'static,
{
    impostor_with(play, |_| {}).await
}

async fn impostor_with<F>(
    play: impl Fn(usize, TcpStream) -> F + Send + 'static,
    change: impl FnOnce(&mut Options),
) -> Fixture
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgresql://u@{}/postgres?sslmode=disable", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut count = 0;
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            if log_in(&mut stream).await {
                count += 1;
                tokio::spawn(play(count, stream));
            }
        }
    });
    let mut options = Options::new(&url, CREDENTIAL).unwrap();
    options.pool_max = 1;
    change(&mut options);
    Fixture::around(gateway::start(options).await.unwrap(), "postgres")
}

/// Whether it was a login.
async fn log_in(stream: &mut TcpStream) -> bool {
    let mut startup = [0; 1024];
    let bytes = stream.read(&mut startup).await.unwrap();
    if bytes < 8 || startup[4..8] == CANCEL {
        return false;
    }
    let welcome = [message(b'R', &[0; 4]), message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]), message(b'Z', b"I")].concat();
    stream.write_all(&welcome).await.is_ok()
}

/// Waits for a flush, whose last byte is that of a Sync or a Query.
async fn read_flush(stream: &mut TcpStream) -> Vec<u8> {
    let mut flush = Vec::new();
    while !flush.ends_with(b"S\0\0\0\x04") && !flush.starts_with(b"Q") {
        if stream.read_buf(&mut flush).await.unwrap_or(0) == 0 {
            break;
        }
    }
    flush
}

#[track_caller]
fn check(reply: &Reply, status: u16, code: &str) {
    let body = reply.json();
    assert_eq!((reply.status.as_u16(), body["code"].as_str()), (status, Some(code)), "{body}");
    assert_eq!(reply.header("retry-after"), (status == 503).then_some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_answers_that_arrive_byte_by_byte() {
    let gateway = impostor(|_, mut stream| async move {
        stream.set_nodelay(true).unwrap();
        read_flush(&mut stream).await;
        for byte in answer() {
            stream.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        read_flush(&mut stream).await;
    })
    .await;
    assert_eq!(gateway.query("SELECT 1 AS a").await["rows"], json!([{"a": 1}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_farewell_instead_of_an_answer_is_tried_again() {
    // It crossed the request on the wire: the server did not take up what was sent.
    let gateway = impostor(|count, mut stream| async move {
        read_flush(&mut stream).await;
        let said = if count == 1 { error("FATAL", "57P01") } else { answer() };
        stream.write_all(&said).await.unwrap();
        if count > 1 {
            read_flush(&mut stream).await;
        }
    })
    .await;
    assert_eq!(gateway.query("SELECT 1 AS a").await["rows"], json!([{"a": 1}]));
    assert_eq!(gateway.metric("connects_total").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn err_farewells_without_end() {
    let gateway = impostor(|_, mut stream| async move {
        read_flush(&mut stream).await;
        stream.write_all(&error("FATAL", "57P01")).await.unwrap();
    })
    .await;
    check(&gateway.post(SELECT, &[]).await, 503, "08006");
    assert_eq!(gateway.metric("trips_total").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn err_silence_may_mean_that_it_ran() {
    let gateway = impostor(|_, mut stream| async move {
        read_flush(&mut stream).await;
    })
    .await;
    check(&gateway.post(SELECT, &[]).await, 500, "08006");
    assert_eq!(gateway.metric("trips_total").await, 1, "not tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_farewell_after_a_part_of_the_answer() {
    let gateway = impostor(|_, mut stream| async move {
        read_flush(&mut stream).await;
        let said = [message(b'1', b""), message(b'2', b""), error("FATAL", "57P01")].concat();
        stream.write_all(&said).await.unwrap();
    })
    .await;
    check(&gateway.post(SELECT, &[]).await, 500, "57P01");
    assert_eq!(gateway.metric("trips_total").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn err_nonsense() {
    let said: [&[u8]; 5] = [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"Z\0\0\0\x01",
        b"T\xff\xff\xff\xff",
        b"T\0\0\0\x06\0\x09",
        b"W\0\0\0\x04",
    ];
    for bytes in said {
        let gateway = impostor(move |_, mut stream| async move {
            read_flush(&mut stream).await;
            stream.write_all(bytes).await.unwrap();
            read_flush(&mut stream).await;
        })
        .await;
        let started = Instant::now();
        check(&gateway.post(SELECT, &[]).await, 500, "08006");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn err_nonsense_instead_of_a_login() {
    for said in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"R\x7f\xff\xff\xff", b"R\0\0\0\x08\0\0\0\x07", b""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("postgresql://u@{}/postgres?sslmode=disable", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(said).await.unwrap();
            // Reads on, or the end of the stream would overtake what was said.
            let _ = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut [0; 1024])).await;
        });
        let gateway = gateway::start(Options::new(&url, CREDENTIAL).unwrap()).await.unwrap();
        check(&Fixture::around(gateway, "postgres").post(SELECT, &[]).await, 503, "08006");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn err_server_that_lets_nobody_in() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut options =
        Options::new(&format!("postgresql://u@{}/postgres", listener.local_addr().unwrap()), CREDENTIAL).unwrap();
    options.connect_timeout = Duration::from_millis(200);
    let gateway = Fixture::around(gateway::start(options).await.unwrap(), "postgres");
    let started = Instant::now();
    check(&gateway.post(SELECT, &[]).await, 503, "08006");
    assert_eq!(gateway.send(http::Method::GET, "/health", "", &[]).await.status, 503);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn err_statement_that_cannot_be_cancelled() {
    let gateway = impostor_with(
        |count, mut stream| async move {
            read_flush(&mut stream).await;
            if count == 1 {
                std::future::pending::<()>().await;
            }
            stream.write_all(&answer()).await.unwrap();
            read_flush(&mut stream).await;
        },
        |options| options.deadline = Duration::from_millis(200),
    )
    .await;
    let started = Instant::now();
    let reply = gateway.post(SELECT, &[]).await;
    check(&reply, 400, "08007");
    let message = "canceling statement due to the deadline of 200 ms; whether the statements took effect is not known";
    assert_eq!(reply.json()["message"], json!(message));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    // The connection is given up, and its place with it.
    let until = Instant::now() + Duration::from_secs(10);
    while gateway.post(SELECT, &[]).await.status != 200 {
        assert!(Instant::now() < until);
    }
}
