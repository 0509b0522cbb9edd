//! Clients that leave, gateways that end, and a Postgres that comes and goes.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway::Options;
use http::{Method, Request};
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::fixture::{CREDENTIAL, Fixture, postgres, until};
use crate::postgres::{Postgres, read_all};

const SLEEPING: &str = "state = 'active' AND query LIKE '%pg_sleep%'";
const SLEEP: &str = r#"{"query":"SELECT pg_sleep(60)"}"#;

fn start_request(gateway: &Fixture, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.gateway.address()).unwrap();
    let (string, length) = (gateway.connection_string(), body.len());
    let head = format!(
        "POST /sql HTTP/1.1\r\nHost: h\r\nNeon-Connection-String: {string}\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_client_that_leaves_cancels_its_statement() {
    let Some(gateway) = Fixture::start_with("leaves", |options| options.pool_max = 1).await else { return };
    gateway.query("CREATE TABLE t (id int)").await;
    for body in [SLEEP, r#"{"queries":[{"query":"INSERT INTO t VALUES (1)"},{"query":"SELECT pg_sleep(60)"}]}"#] {
        let stream = start_request(&gateway, body);
        gateway.until_activity(SLEEPING, 1).await;
        drop(stream);
        gateway.until_activity(SLEEPING, 0).await;
        assert_eq!(gateway.query("SELECT * FROM t").await["rowCount"], json!(0));
    }
    assert_eq!(gateway.metric("connects_total").await, 1, "leaving does not cost the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_client_that_leaves_the_queue_frees_its_place() {
    let Some(gateway) = Fixture::start_with("leaves_queue", |options| options.pool_max = 1).await else { return };
    let working = start_request(&gateway, SLEEP);
    gateway.until_activity(SLEEPING, 1).await;
    let waiting = start_request(&gateway, SLEEP);
    until("it waits", async || gateway.metric("queue_waiting").await == 1).await;
    drop(waiting);
    until("it is gone", async || gateway.metric("queue_waiting").await == 0).await;
    drop(working);
    assert_eq!(gateway.query("SELECT 1").await["rowCount"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_http2_stream_that_is_reset_cancels_its_statement() {
    let Some(gateway) = Fixture::start("leaves_http2").await else { return };
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let request = |sql: &str| {
        Request::post(gateway.url("/sql"))
            .header("Neon-Connection-String", gateway.connection_string())
            .body(Full::from(json!({"query": sql}).to_string()))
            .unwrap()
    };
    let asking = tokio::spawn(client.request(request("SELECT pg_sleep(60)")));
    gateway.until_activity(SLEEPING, 1).await;
    asking.abort();
    gateway.until_activity(SLEEPING, 0).await;
    assert_eq!(client.request(request("SELECT 1")).await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_shutdown_lets_requests_finish() {
    let Some(gateway) = Fixture::start("shutdown").await else { return };
    gateway.query("CREATE TABLE t (id int)").await;
    let address = gateway.gateway.address();
    let stream = start_request(
        &gateway,
        r#"{"query":"WITH s AS MATERIALIZED (SELECT pg_sleep(0.5)) INSERT INTO t SELECT 1 FROM s"}"#,
    );
    gateway.until_activity(SLEEPING, 1).await;
    let Fixture { gateway, .. } = gateway;
    let Some(postgres) = postgres() else { return };
    gateway.shutdown().await;
    let response = read_all(stream);
    assert!(response.starts_with("HTTP/1.1 200") && response.contains(r#""rowCount":1"#), "{response}");
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(postgres.psql("shutdown", "SELECT count(*) FROM t"), "1");
    assert_eq!(postgres.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shutdown'"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_shutdown_cancels_what_takes_too_long() {
    let grace = Duration::from_millis(300);
    let Some(gateway) = Fixture::start_with("shutdown_grace", |options| options.shutdown_grace = grace).await else {
        return;
    };
    let stream = start_request(&gateway, SLEEP);
    gateway.until_activity(SLEEPING, 1).await;
    let Fixture { gateway, .. } = gateway;
    let Some(postgres) = postgres() else { return };
    let started = Instant::now();
    gateway.shutdown().await;
    assert!(started.elapsed() >= grace && started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(read_all(stream), "");
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shutdown_grace'";
    until("nothing is left", async || postgres.psql("postgres", left) == "0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_shutdown_cancels_http2_streams_too() {
    let grace = Duration::from_millis(300);
    let Some(gateway) = Fixture::start_with("shutdown_http2", |options| options.shutdown_grace = grace).await else {
        return;
    };
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let request = Request::post(gateway.url("/sql"))
        .header("Neon-Connection-String", gateway.connection_string())
        .body(Full::from(SLEEP));
    let asking = tokio::spawn(client.request(request.unwrap()));
    gateway.until_activity(SLEEPING, 1).await;
    let Fixture { gateway, .. } = gateway;
    let Some(postgres) = postgres() else { return };
    let started = Instant::now();
    gateway.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert!(asking.await.unwrap().is_err());
    let left = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shutdown_http2'";
    assert_eq!(postgres.psql("postgres", left), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_connection_that_postgres_closed_while_idle() {
    let Some(gateway) = Fixture::start_with("closed_idle", |options| options.pool_max = 1).await else { return };
    gateway.query("CREATE TABLE t (id int)").await;
    for count in 1..=5 {
        gateway.query("SELECT 1").await;
        gateway.until_activity("state = 'idle'", 1).await;
        let kill =
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'closed_idle'";
        gateway.psql(kill);
        assert_eq!(gateway.query("INSERT INTO t VALUES (1)").await["rowCount"], json!(1));
        assert_eq!(gateway.query("SELECT * FROM t").await["rowCount"], json!(count), "never twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn err_connection_that_postgres_closed_at_work() {
    let Some(gateway) = Fixture::start("closed_at_work").await else { return };
    let body = r#"{"query":"SELECT pg_terminate_backend(pg_backend_pid())"}"#;
    let reply = gateway.post(body, &[]).await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (500, Some("57P01")), "{}", reply.text());
    assert_eq!(reply.header("retry-after"), None);
    assert_eq!(gateway.query("SELECT 1").await["rowCount"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_postgres_down_and_up_again() {
    if crate::fixture::postgres().is_none() {
        return;
    }
    let Some(mut postgres) = Postgres::start(&[]) else { return };
    let options =
        Options::new(&postgres.tcp_url("postgres", crate::postgres::PASSWORD, "postgres"), CREDENTIAL).unwrap();
    let gateway = gateway::start(options).await.unwrap();
    let gateway = Fixture::around(gateway, "postgres");
    let health = async || gateway.send(Method::GET, "/health", "", &[]).await.status.as_u16();
    assert_eq!(gateway.query("SELECT 1").await["rowCount"], json!(1));
    assert_eq!(health().await, 200);

    postgres.stop();
    for headers in [&[][..], &[("Headland-Raw", "true")][..]] {
        let started = Instant::now();
        let reply = gateway.post(r#"{"query":"SELECT 1"}"#, headers).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (503, Some("08006")), "{}", reply.text());
        assert_eq!(reply.header("retry-after"), Some("1"));
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    }
    until("/health sees it", async || health().await == 503).await;

    postgres.run();
    assert_eq!(gateway.query("SELECT 1").await["rowCount"], json!(1));
    until("/health sees it", async || health().await == 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_health_costs_little_and_does_not_wait_for_the_pool() {
    let Some(gateway) = Fixture::start_with("health", |options| options.pool_max = 1).await else { return };
    let health = async || gateway.send(Method::GET, "/health", "", &[]).await;
    for _ in 0..50 {
        let reply = health().await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, r#"{"status":"up"}"#));
    }
    assert_eq!(gateway.metric("connects_total").await, 1);
    let working = start_request(&gateway, SLEEP);
    gateway.until_activity(SLEEPING, 1).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let started = Instant::now();
    assert_eq!(health().await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    drop(working);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_start_needs_no_postgres() {
    let options = Options::new("postgresql://u@127.0.0.1:1/postgres", CREDENTIAL).unwrap();
    let gateway = Fixture::around(gateway::start(options).await.unwrap(), "postgres");
    let reply = gateway.post(r#"{"query":"SELECT 1"}"#, &[]).await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (503, Some("08006")));
    assert_eq!(gateway.send(Method::GET, "/health", "", &[]).await.status, 503);
    assert_eq!(gateway.send(Method::GET, "/metrics", "", &[]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn err_options() {
    let check = |url: &str, credential: &str, message: &str| {
        assert_eq!(Options::new(url, credential).unwrap_err().to_string(), message);
    };
    check("postgresql://u@h/d", "", "the credential is empty");
    check("nonsense", "x", "cannot read the database URL: relative URL without a base");
    let mut options = Options::new("postgresql://u@h/d", "x").unwrap();
    options.pool_max = 0;
    assert_eq!(gateway::start(options.clone()).await.unwrap_err().to_string(), "`pool_max` must be at least 1");
    options.pool_max = 1;
    options.http_connections_per_address_max = 0;
    let error = gateway::start(options.clone()).await.unwrap_err().to_string();
    assert_eq!(error, "`http_connections_per_address_max` must be at least 1");
    options.http_connections_per_address_max = 1;
    let taken = gateway::start(options.clone()).await.unwrap();
    options.listen = taken.address();
    let error = gateway::start(options).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot listen on {}", taken.address())), "{error}");
}
