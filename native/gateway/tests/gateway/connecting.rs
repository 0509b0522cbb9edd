//! Ways into Postgres: sockets, passwords, TLS, parameters.

use std::process::Command;

use gateway::Options;
use serde_json::json;

use crate::fixture::{CREDENTIAL, Fixture, postgres};
use crate::postgres::{PASSWORD, Postgres};

async fn fixture(url: &str) -> Fixture {
    Fixture::around(gateway::start(Options::new(url, CREDENTIAL).unwrap()).await.unwrap(), "postgres")
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_unix_socket_and_tcp() {
    let Some(postgres) = postgres() else { return };
    let over = "SELECT inet_server_addr()::text AS v";
    let socket = fixture(&postgres.socket_url("postgres")).await;
    assert_eq!(socket.query(over).await["rows"], json!([{"v": null}]));
    let tcp = fixture(&postgres.tcp_url("postgres", PASSWORD, "postgres")).await;
    assert_eq!(tcp.query(over).await["rows"], json!([{"v": "127.0.0.1/32"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_passwords_by_scram_and_md5() {
    let Some(postgres) = postgres() else { return };
    for method in ["scram-sha-256", "md5"] {
        let role = format!("with_{}", method.replace('-', "_"));
        postgres.psql(
            "postgres",
            &format!("SET password_encryption = '{method}'; CREATE ROLE {role} LOGIN PASSWORD 'ö p'"),
        );
        let right = fixture(&postgres.tcp_url(&role, "ö p", "postgres")).await;
        assert_eq!(right.query("SELECT current_user AS v").await["rows"], json!([{"v": role}]));
        let wrong = fixture(&postgres.tcp_url(&role, "other", "postgres")).await;
        let reply = wrong.post(r#"{"query":"SELECT 1"}"#, &[]).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (500, Some("28000")));
        assert_eq!(reply.json()["message"], json!("Postgres does not let the gateway in"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_url_parameters() {
    let Some(postgres) = postgres() else { return };
    let url = format!("{}&application_name=a%20b&options=-c%20work_mem%3D5MB", postgres.socket_url("postgres"));
    let gateway = fixture(&url).await;
    for _ in 0..2 {
        let sql = "SELECT current_setting('application_name') AS a, current_setting('work_mem') AS w";
        assert_eq!(gateway.query(sql).await["rows"], json!([{"a": "a b", "w": "5MB"}]), "also after a reset");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn err_out_of_connections() {
    let Some(postgres) = postgres() else { return };
    postgres.psql("postgres", "CREATE ROLE limited LOGIN CONNECTION LIMIT 0");
    let gateway = fixture(&postgres.socket_url("postgres").replace("//postgres@", "//limited@")).await;
    let reply = gateway.post(r#"{"query":"SELECT 1"}"#, &[]).await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (503, Some("53300")), "{}", reply.text());
    assert_eq!(reply.header("retry-after"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_tls() {
    let Some(plain) = postgres() else { return };
    let Some(secured) = with_certificate() else { return };
    let sql = "SELECT ssl AS v FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let url = |postgres: &Postgres, mode: &str| {
        format!("{}?sslmode={mode}", postgres.tcp_url("postgres", PASSWORD, "postgres"))
    };
    for (mode, encrypted) in [("disable", false), ("prefer", true), ("require", true)] {
        let gateway = fixture(&url(&secured, mode)).await;
        assert_eq!(gateway.query(sql).await["rows"], json!([{"v": encrypted}]), "{mode}");
        // Large both ways, where TLS keeps buffers of its own.
        let large = gateway.query_with("SELECT $1 || 'y' AS v", json!(["x".repeat(3 << 20)]), &[]).await;
        assert_eq!(large["rows"][0]["v"].as_str().map(str::len), Some((3 << 20) + 1));
    }
    let unreachable = async |url: String| {
        let reply = fixture(&url).await.post(r#"{"query":"SELECT 1"}"#, &[]).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (503, Some("08006")), "{url}");
    };
    unreachable(url(&secured, "verify-full")).await;
    unreachable(url(plain, "require")).await;
    let preferring = fixture(&url(plain, "prefer")).await;
    assert_eq!(preferring.query(sql).await["rows"], json!([{"v": false}]));
}

/// A server with a certificate that no authority signed.
fn with_certificate() -> Option<Postgres> {
    let mut postgres = Postgres::start(&[])?;
    let (key, certificate) = (postgres.data().join("server.key"), postgres.data().join("server.crt"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output();
    if !made.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: no `openssl` to make a certificate with");
        return None;
    }
    postgres.give(&key);
    postgres.give(&certificate);
    postgres.psql("postgres", "ALTER SYSTEM SET ssl = on");
    postgres.stop();
    postgres.run();
    Some(postgres)
}
