//! `Headland-Raw`: a single row's `body` is the response.

use serde_json::{Value, json};

use crate::fixture::{Fixture, Reply};

const RAW: (&str, &str) = ("Headland-Raw", "true");

async fn ask(gateway: &Fixture, sql: &str) -> Reply {
    gateway.post(json!({"query": sql}).to_string(), &[RAW]).await
}

#[track_caller]
fn check_raw(reply: &Reply, body: &[u8], row: Value) {
    assert_eq!((reply.status.as_u16(), &reply.body[..]), (200, body), "{}", reply.text());
    assert_eq!(reply.header("headland-raw"), Some("true"));
    assert_eq!(reply.header("content-type"), Some("application/octet-stream"));
    let header = reply.header("headland-row").unwrap();
    assert_eq!(serde_json::from_str::<Value>(header).unwrap(), row);
}

#[track_caller]
fn check_ordinary(reply: &Reply, rows: Value) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!((reply.header("headland-raw"), reply.header("headland-row")), (None, None));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json()["rows"], rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_body_of_the_only_row() {
    let Some(gateway) = Fixture::start("raw_only_row").await else { return };
    check_raw(&ask(&gateway, "SELECT '[{\"a\":\"ö\n\"}]' AS body").await, "[{\"a\":\"ö\n\"}]".as_bytes(), json!({}));
    check_raw(
        &ask(&gateway, "SELECT 7 AS n, '' AS body, true AS t, NULL AS z").await,
        b"",
        json!({"n": "7", "t": "t", "z": null}),
    );
    check_raw(&ask(&gateway, "SELECT NULL AS body").await, b"", json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_row_header_is_ascii() {
    let Some(gateway) = Fixture::start("raw_ascii").await else { return };
    let reply = ask(&gateway, "SELECT 'x' AS body, E'ö🎬\\n\\x7f\"\\\\' AS \"ä\"").await;
    check_raw(&reply, b"x", json!({"ä": "ö🎬\n\u{7f}\"\\"}));
    assert_eq!(reply.header("headland-row"), Some(r#"{"\u00e4":"\u00f6\ud83c\udfac\n\u007f\"\\"}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_last_result_of_a_batch() {
    let Some(gateway) = Fixture::start("raw_batch").await else { return };
    let body = json!({"queries": [
        {"query": "SELECT set_config('app.who', $1, true)", "params": ["edge"]},
        {"query": "SELECT current_setting('app.who') AS body, 2 AS total"},
    ]});
    let reply = gateway.post(body.to_string(), &[RAW, ("Neon-Batch-Read-Only", "true")]).await;
    check_raw(&reply, b"edge", json!({"total": "2"}));
    assert_eq!(reply.header("neon-batch-read-only"), Some("true"));
}

/// What a request for `tx=rollback` sends: the row comes, nothing stays, and the connection serves on.
#[tokio::test(flavor = "multi_thread")]
async fn ok_last_row_before_a_rollback() {
    let Some(gateway) = Fixture::start_with("raw_rollback", |options| options.pool_max = 1).await else { return };
    gateway.query("CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t DEFERRABLE INITIALLY DEFERRED)").await;
    let insert = |up: i32| {
        json!({"queries": [
            {"query": "SELECT set_config('app.who', $1, true)", "params": ["edge"]},
            {"query": "WITH n AS (INSERT INTO t VALUES (1, $1) RETURNING id) SELECT 'made ' || id AS body FROM n",
             "params": [up.to_string()]},
            {"query": "SET CONSTRAINTS ALL IMMEDIATE"},
            {"query": "ROLLBACK"},
        ]})
    };
    for _ in 0..3 {
        let reply = gateway.post(insert(1).to_string(), &[RAW]).await;
        check_raw(&reply, b"made 1", json!({}));
        let refused = gateway.post(insert(2).to_string(), &[RAW]).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (400, &json!("23503")));
        let after = ask(&gateway, "SELECT count(*) || coalesce(current_setting('app.who', true), '') AS body FROM t");
        check_raw(&after.await, b"0", json!({}));
    }
    gateway.until_activity("state = 'idle'", 1).await;
    assert_eq!(gateway.metric("connects_total").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_ordinary_form_in_any_other_case() {
    let Some(gateway) = Fixture::start("raw_otherwise").await else { return };
    check_ordinary(
        &ask(&gateway, "SELECT v AS body FROM (VALUES (1), (2)) AS t (v)").await,
        json!([{"body": "1"}, {"body": "2"}]),
    );
    check_ordinary(&ask(&gateway, "SELECT 1 AS body WHERE false").await, json!([]));
    check_ordinary(&ask(&gateway, "SELECT 1 AS \"Body\"").await, json!([{"Body": "1"}]));
    check_ordinary(&ask(&gateway, "CREATE TABLE t ()").await, json!([]));
    let batch = gateway.post(r#"{"queries":[{"query":"SELECT 1 AS body"},{"query":"SELECT 2 AS n"}]}"#, &[RAW]).await;
    assert_eq!(batch.json()["results"][0]["rows"], json!([{"body": "1"}]));
    assert_eq!(gateway.post(r#"{"queries":[]}"#, &[RAW]).await.text(), r#"{"results":[]}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_ordinary_form_when_the_row_exceeds_its_header() {
    let Some(gateway) = Fixture::start("raw_header_limit").await else { return };
    // The header is `{"v":"…"}` of 16 KiB at most.
    let fits = (16 << 10) - r#"{"v":""}"#.len();
    let sql = |length: usize| format!("SELECT 'b' AS body, repeat('x', {length}) AS v");
    check_raw(&ask(&gateway, &sql(fits)).await, b"b", json!({"v": "x".repeat(fits)}));
    check_ordinary(&ask(&gateway, &sql(fits + 1)).await, json!([{"body": "b", "v": "x".repeat(fits + 1)}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_as_without_it() {
    let Some(gateway) = Fixture::start("raw_error").await else { return };
    let reply = ask(&gateway, "SELECT 1/0 AS body").await;
    assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (400, Some("22012")));
    assert_eq!(reply.header("headland-raw"), None);
}
