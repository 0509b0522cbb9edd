//! Each limit at its edge, and the moment it passes.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::fixture::{Fixture, Reply, until};
use crate::postgres::read_all;

const TEXT_ARRAYS: [(&str, &str); 2] = [("Neon-Raw-Text-Output", "true"), ("Neon-Array-Mode", "true")];
const RAW: [(&str, &str); 1] = [("Headland-Raw", "true")];

#[track_caller]
fn check_refused(reply: &Reply, status: u16, code: &str, message: &str) {
    let error = reply.json();
    assert_eq!((reply.status.as_u16(), error["code"].as_str()), (status, Some(code)), "{error}");
    assert_eq!(error["message"], json!(message));
    assert_eq!(reply.header("retry-after"), (status == 503).then_some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_request_over_its_limit() {
    let Some(gateway) = Fixture::start_with("limit_request", |options| options.request_bytes_max = 1000).await else {
        return;
    };
    let body = |bytes: usize| format!("{{\"query\":\"SELECT 1 --{}\"}}", "x".repeat(bytes - 23));
    assert_eq!(body(1000).len(), 1000);
    assert_eq!(gateway.post(body(1000), &[]).await.status, 200);
    check_refused(&gateway.post(body(1001), &[]).await, 413, "", "request is too large (max is 1000 bytes)");

    // Without a Content-Length the size shows only while the body arrives.
    let chunked = |bytes: usize| {
        let (body, end) = (body(bytes), "0\r\n\r\n");
        let (first, second) = body.split_at(500);
        format!("{:x}\r\n{first}\r\n{:x}\r\n{second}\r\n{end}", first.len(), second.len())
    };
    let ask = |bytes: usize| raw_http(&gateway, "Transfer-Encoding: chunked", &chunked(bytes));
    assert!(ask(1000).starts_with("HTTP/1.1 200"), "{}", ask(1000));
    assert!(ask(1001).starts_with("HTTP/1.1 413"), "{}", ask(1001));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_response_over_its_limit() {
    let Some(gateway) = Fixture::start_with("limit_response", |options| options.response_bytes_max = 5000).await else {
        return;
    };
    let sql = |length: usize| json!({"query": format!("SELECT repeat('x', {length}) AS body")}).to_string();
    let empty = gateway.post(sql(0), &TEXT_ARRAYS).await.body.len();
    let fits = 5000 - empty;
    let too_large = "response is too large (max is 5000 bytes); the statements took effect";
    let full = gateway.post(sql(fits), &TEXT_ARRAYS).await;
    assert_eq!((full.status.as_u16(), full.body.len()), (200, 5000), "{}", full.text());
    check_refused(&gateway.post(sql(fits + 1), &TEXT_ARRAYS).await, 507, "", too_large);
    assert_eq!(gateway.post(sql(5000), &RAW).await.body.len(), 5000);
    assert_eq!(gateway.post(sql(5001), &RAW).await.status, 507);
    // Typed results are held until their types are known.
    assert_eq!(gateway.post(sql(fits - 10), &[]).await.status, 200);
    assert_eq!(gateway.post(sql(fits + 1), &[]).await.status, 507);
}

#[tokio::test(flavor = "multi_thread")]
async fn err_response_over_its_limit_does_not_have_to_arrive() {
    let Some(gateway) = Fixture::start_with("limit_response_large", |options| options.pool_max = 1).await else {
        return;
    };
    let started = Instant::now();
    for headers in [&TEXT_ARRAYS[..], &RAW[..], &[][..]] {
        // One large value, and rows without end.
        for sql in ["SELECT repeat('x', 100000000)", "SELECT repeat('x', 1000), generate_series(1, 1000000000)"] {
            let reply = gateway.post(json!({"query": sql}).to_string(), headers).await;
            assert_eq!(reply.status, 507, "{}", reply.text());
            assert!(reply.text().contains("response is too large (max is 10485760 bytes)"), "{}", reply.text());
        }
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    assert_eq!(gateway.query("SELECT 1 AS a").await["rowCount"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_queue_full_and_acquire_timeout() {
    let options = |options: &mut gateway::Options| {
        options.pool_max = 1;
        options.queue_max = 1;
        options.acquire_timeout = Duration::from_millis(300);
    };
    let Some(gateway) = Fixture::start_with("limit_queue", options).await else { return };
    let sleep = || gateway.post(r#"{"query":"SELECT pg_sleep(1)"}"#, &[]);
    let select = || gateway.post(r#"{"query":"SELECT 1"}"#, &[]);
    let ((), first, second, third) = tokio::join!(
        async {
            until("one waits", async || gateway.metric("queue_waiting").await == 1).await;
            let full = "too many requests are waiting for a connection (max is 1)";
            check_refused(&select().await, 503, "53300", full);
        },
        sleep(),
        sleep(),
        async {
            // By now one is at work and one waits; this one comes when the latter has given up.
            tokio::time::sleep(Duration::from_millis(1500)).await;
            select().await
        },
    );
    let statuses = [first.status.as_u16(), second.status.as_u16()];
    assert!(statuses == [200, 503] || statuses == [503, 200], "{statuses:?}");
    let late = if first.status == 503 { first } else { second };
    check_refused(&late, 503, "53300", "no connection became free in time");
    assert_eq!(third.status, 200);
    assert_eq!(gateway.metric("queue_waiting").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_queue_is_served_in_order() {
    let Some(gateway) = Fixture::start_with("limit_order", |options| options.pool_max = 1).await else { return };
    gateway.query("CREATE TABLE t (at serial, n int)").await;
    let ask = async |n: u64| {
        tokio::time::sleep(Duration::from_millis(20 * n)).await;
        let sleep = if n == 0 { "pg_sleep(0.5)" } else { "1" };
        gateway.query(&format!("WITH s AS MATERIALIZED (SELECT {sleep}) INSERT INTO t (n) SELECT {n} FROM s")).await
    };
    tokio::join!(ask(0), ask(1), ask(2), ask(3), ask(4), ask(5));
    let order = gateway.query("SELECT array_agg(n ORDER BY at) AS a FROM t").await["rows"][0]["a"].clone();
    assert_eq!(order, json!([0, 1, 2, 3, 4, 5]));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_deadline_cancels_in_postgres() {
    let Some(gateway) = Fixture::start_with("limit_deadline", |options| {
        options.pool_max = 1;
        options.deadline = Duration::from_millis(400);
    })
    .await
    else {
        return;
    };
    gateway.query("CREATE TABLE t (id int)").await;
    let sleeping = "state = 'active' AND query LIKE '%pg_sleep%'";
    for (body, headers, patience) in [
        (json!({"query": "SELECT pg_sleep(60)"}), &[][..], 400),
        (json!({"query": "SELECT pg_sleep(60)"}), &[("Headland-Deadline", "150")][..], 150),
        (json!({"query": "SELECT pg_sleep(60) AS body"}), &[("Headland-Deadline", "150"), RAW[0]][..], 150),
        (json!({"query": "SELECT pg_sleep(60)"}), &[("Headland-Deadline", "60000")][..], 400),
        (json!({"queries": [{"query": "INSERT INTO t VALUES (1)"}, {"query": "SELECT pg_sleep(60)"}]}), &[][..], 400),
    ] {
        let started = Instant::now();
        let reply = gateway.post(body.to_string(), headers).await;
        let message = format!("canceling statement due to the deadline of {patience} ms");
        check_refused(&reply, 400, "57014", &message);
        let elapsed = started.elapsed();
        assert!(elapsed >= Duration::from_millis(patience) && elapsed < Duration::from_secs(5), "{elapsed:?}");
        assert_eq!(gateway.activity(sleeping), 0);
    }
    let passed = gateway.post(r#"{"query":"INSERT INTO t VALUES (1)"}"#, &[("Headland-Deadline", "0")]).await;
    check_refused(&passed, 400, "57014", "canceling statement due to the deadline of 0 ms");
    gateway.until_activity("state LIKE 'idle in transaction%'", 0).await;
    assert_eq!(gateway.query("SELECT count(*)::int AS n FROM t").await["rows"], json!([{"n": 0}]));
    assert_eq!(gateway.metric("connects_total").await, 1, "a cancel does not cost the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_body_timeout() {
    let Some(gateway) =
        Fixture::start_with("limit_body", |options| options.body_timeout = Duration::from_millis(200)).await
    else {
        return;
    };
    let response = raw_http(&gateway, "Content-Length: 100", "{\"query\":");
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(response.contains("the request's body did not arrive in time"), "{response}");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_client_that_neither_sends_nor_takes() {
    let options = |options: &mut gateway::Options| {
        options.http_idle_timeout = Duration::from_millis(300);
        options.http_head_timeout = Duration::from_millis(200);
        options.http_take_timeout = Duration::from_millis(500);
    };
    let Some(gateway) = Fixture::start_with("limit_idle", options).await else { return };
    // The second might become HTTP/1.1 or HTTP/2, the third has half a head, the last is between requests.
    for sent in ["", "P", "POST /sql HTTP/1.1\r\nHost:", "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n"] {
        let mut stream = TcpStream::connect(gateway.gateway.address()).unwrap();
        stream.write_all(sent.as_bytes()).unwrap();
        let started = Instant::now();
        let answered = read_all(stream);
        assert_eq!(answered.contains(" 200 OK"), sent.starts_with("GET"), "{sent:?} {answered}");
        assert!(started.elapsed() < Duration::from_secs(5), "{sent:?} {:?}", started.elapsed());
    }
    let large = json!({"query": "SELECT repeat('x', 9000000)"}).to_string();
    let mut stream = TcpStream::connect(gateway.gateway.address()).unwrap();
    let string = gateway.connection_string();
    let length = large.len();
    write!(
        stream,
        "POST /sql HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: {string}\r\nContent-Length: {length}\r\n\r\n{large}"
    )
    .unwrap();
    until("the client is disconnected", async || gateway.metric("disconnects_total").await == 5).await;
    assert!(read_all(stream).len() < 9_000_000, "what the sockets held, and no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_slow_clients_hold_their_share_and_no_more() {
    let options = |options: &mut gateway::Options| {
        options.http_connections_max = 20;
        options.http_connections_per_address_max = 10;
        options.http_head_timeout = Duration::from_secs(3);
        options.body_timeout = Duration::from_secs(3);
    };
    let Some(gateway) = Fixture::start_with("limit_share", options).await else { return };
    let (began, string) = (Instant::now(), gateway.connection_string());
    let head = "POST /sql HTTP/1.1\r\nHost: h\r\n".to_owned();
    let body = format!("{head}Neon-Connection-String: {string}\r\nContent-Length: 10000\r\n\r\n");
    let mut slow = Vec::new();
    for sent in [head, body].iter().cycle().take(14) {
        slow.push(tokio::spawn(trickle(connect_from("127.0.0.2", &gateway).await, sent.clone())));
    }
    assert_eq!(gateway.query("SELECT 1").await["rowCount"], json!(1));
    assert_eq!(gateway.metric("refused_connections_total").await, 4);
    assert!(began.elapsed() < Duration::from_secs(3), "not answered while they are held: {:?}", began.elapsed());

    let mut statuses = Vec::new();
    for answer in slow {
        statuses.push(answer.await.unwrap().split(' ').nth(1).map(str::to_owned));
    }
    assert_eq!(statuses.iter().flatten().collect::<Vec<_>>(), ["408"; 5]);
    assert_eq!(gateway.metric("disconnects_total").await, 5);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_pool_is_bounded_and_idle_connections_are_closed() {
    let options = |options: &mut gateway::Options| {
        options.pool_max = 3;
        options.idle_timeout = Duration::from_millis(300);
    };
    let Some(gateway) = Fixture::start_with("limit_pool", options).await else { return };
    assert_eq!(gateway.activity("true"), 0, "nothing is opened before it is needed");
    let all = (0..20).map(|_| gateway.query("SELECT pg_sleep(0.05)"));
    futures(all).await;
    assert!(gateway.metric("connects_total").await <= 3);
    gateway.until_activity("true", 0).await;
    assert_eq!(gateway.query("SELECT 1 AS a").await["rowCount"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_old_connections_are_replaced() {
    let Some(gateway) =
        Fixture::start_with("limit_age", |options| options.max_lifetime = Duration::from_millis(100)).await
    else {
        return;
    };
    let process = async || gateway.query("SELECT pg_backend_pid() AS pid").await["rows"][0]["pid"].clone();
    let first = process().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_ne!(process().await, first);
}

/// Runs all at once.
async fn futures(all: impl Iterator<Item = impl Future<Output = Value>>) {
    let mut all: Vec<_> = all.map(Box::pin).collect();
    std::future::poll_fn(|cx| {
        all.retain_mut(|future| future.as_mut().poll(cx).is_pending());
        if all.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}

/// Connects from another address of this machine.
async fn connect_from(address: &str, gateway: &Fixture) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    let stream = socket.connect(gateway.gateway.address()).await.unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream
}

/// Sends this, and then byte after byte until the gateway has had enough; gives its answer.
async fn trickle(mut stream: TcpStream, sent: String) -> String {
    let reader = stream.try_clone().unwrap();
    let answer = tokio::task::spawn_blocking(move || read_all(reader));
    let _ = stream.write_all(sent.as_bytes());
    while !answer.is_finished() {
        let _ = stream.write_all(b"x");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    answer.await.unwrap()
}

/// What the gateway answers to a request written by hand.
fn raw_http(gateway: &Fixture, header: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(gateway.gateway.address()).unwrap();
    let connection_string = gateway.connection_string();
    let head = format!(
        "POST /sql HTTP/1.1\r\nHost: h\r\nConnection: close\r\nNeon-Connection-String: {connection_string}\r\n{header}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    read_all(stream)
}
