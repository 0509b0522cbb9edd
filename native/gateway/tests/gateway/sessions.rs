//! Nothing that a request does to its session is there for the next one.

use serde_json::{Value, json};

use crate::fixture::Fixture;

/// One connection, so that the next request gets the same session.
async fn fixture(database: &'static str) -> Option<Fixture> {
    Fixture::start_with(database, |options| options.pool_max = 1).await
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_session_state_does_not_leak() {
    let Some(gateway) = fixture("session_state").await else { return };
    gateway.query("CREATE ROLE session_state_role").await;
    gateway.query("CREATE SEQUENCE s").await;
    let check = async |act: &str, look: &str, expected: Value| {
        gateway.query(act).await;
        let found = gateway.query(&format!("SELECT ({look}) AS v")).await["rows"][0]["v"].clone();
        assert_eq!(found, expected, "{act}");
    };
    check("SET work_mem = '7MB'", "current_setting('work_mem')", json!("4MB")).await;
    check("SELECT set_config('app.user', 'eve', false)", "nullif(current_setting('app.user', true), '')", json!(null))
        .await;
    check("SET ROLE session_state_role", "current_user", json!("postgres")).await;
    check("SET SESSION AUTHORIZATION session_state_role", "session_user", json!("postgres")).await;
    check("CREATE TEMP TABLE t (id int)", "to_regclass('t')::text", json!(null)).await;
    check("SELECT pg_advisory_lock(7)", "SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory'", json!(0))
        .await;
    check("LISTEN c", "SELECT count(*)::int FROM pg_listening_channels()", json!(0)).await;
    check("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*)::int FROM pg_cursors WHERE name = 'c'", json!(0))
        .await;
    check("PREPARE p AS SELECT 1", "SELECT count(*)::int FROM pg_prepared_statements WHERE name = 'p'", json!(0)).await;
    gateway.query("SET default_transaction_read_only = on").await;
    gateway.query("CREATE TABLE writable ()").await;
    gateway.query("BEGIN").await;
    gateway.until_activity("state LIKE 'idle in transaction%'", 0).await;
    gateway.query("SELECT nextval('s')").await;
    gateway.refused("SELECT currval('s')", "55000").await;
    let process = gateway.query("SELECT pg_backend_pid() AS pid").await;
    assert_eq!(gateway.query("SELECT pg_backend_pid() AS pid").await["rows"], process["rows"]);
    assert_eq!(gateway.metric("connects_total").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_batch_state_does_not_leak() {
    let Some(gateway) = fixture("session_batch").await else { return };
    let body = json!({"queries": [
        {"query": "SET LOCAL work_mem = '7MB'"},
        {"query": "SET statement_timeout = '7s'"},
        {"query": "SELECT current_setting('work_mem') AS w"},
    ]});
    let reply = gateway.post(body.to_string(), &[]).await;
    assert_eq!(reply.json()["results"][2]["rows"], json!([{"w": "7MB"}]));
    let after =
        gateway.query("SELECT current_setting('work_mem') AS w, current_setting('statement_timeout') AS t").await;
    assert_eq!(after["rows"], json!([{"w": "4MB", "t": "0"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_errors_leave_nothing_behind() {
    let Some(gateway) = fixture("session_errors").await else { return };
    for _ in 0..3 {
        gateway.refused("SELECT 1/0", "22012").await;
        let raw = gateway.post(
            r#"{"queries":[{"query":"SELECT set_config('app.x', '1', true)"},{"query":"SELECT 1/0 AS body"}]}"#,
            &[("Headland-Raw", "true")],
        );
        assert_eq!(raw.await.json()["code"], json!("22012"));
        let body = r#"{"query":"SELECT current_setting('app.x', true) AS v, txid_current_if_assigned() AS t"}"#;
        let after = gateway.post(body, &[("Headland-Raw", "true")]).await.json();
        assert!(matches!(after["rows"][0]["v"].as_str(), None | Some("")), "{after}");
    }
    assert_eq!(gateway.metric("connects_total").await, 1, "an error does not cost the connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_transaction_control_in_a_batch() {
    let Some(gateway) = fixture("session_control").await else { return };
    gateway.query("CREATE TABLE t (id int)").await;
    let body = json!({"queries": [
        {"query": "INSERT INTO t VALUES (1)"}, {"query": "ROLLBACK"}, {"query": "BEGIN"},
        {"query": "INSERT INTO t VALUES (2)"},
    ]});
    assert_eq!(gateway.post(body.to_string(), &[]).await.status, 200);
    assert_eq!(gateway.query("SELECT * FROM t").await["rows"], json!([{"id": 2}]));
}
