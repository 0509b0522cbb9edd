//! Everything at once on few connections: each caller gets its own answer, and nothing is left over.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::Fixture;

const CALLERS: u64 = 24;
const REQUESTS: u64 = 60;
const RAW: (&str, &str) = ("Headland-Raw", "true");

#[tokio::test(flavor = "multi_thread")]
async fn ok_answers_are_never_mixed_up() {
    let options = |options: &mut gateway::Options| {
        options.pool_max = 4;
        options.statements_max = 8;
        options.acquire_timeout = Duration::from_secs(60);
    };
    let Some(gateway) = Fixture::start_with("mixture", options).await else { return };
    gateway.query("CREATE TABLE t (id bigint)").await;
    let gateway = Arc::new(gateway);
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                for request in 0..REQUESTS {
                    ask(&gateway, caller * REQUESTS + request).await;
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    gateway.until_activity("state <> 'idle'", 0).await;
    assert_eq!(gateway.metric("pool_lent").await, 0);
    assert_eq!(gateway.query("SELECT * FROM t").await["rowCount"], json!(0), "all of them were rolled back");
}

/// One of the things that callers do, by turns; `n` is in what they send and in what they get.
async fn ask(gateway: &Fixture, n: u64) {
    let sql = format!("SELECT $1::int AS body, {} AS v", n % 20);
    let single = json!({"query": sql, "params": [n]});
    let insert = json!({"query": "INSERT INTO t VALUES ($1)", "params": [n]});
    match n % 7 {
        0 | 1 => assert_eq!(gateway.query_with(&sql, json!([n]), &[]).await["rows"][0]["body"], json!(n)),
        2 => {
            let reply = gateway.post(single.to_string(), &[RAW]).await;
            assert_eq!(reply.text(), n.to_string());
            assert_eq!(reply.header("headland-row"), Some(format!("{{\"v\":\"{}\"}}", n % 20).as_str()));
        }
        3 => {
            let setting = json!({"query": "SELECT set_config('app.n', $1, true)", "params": [n]});
            let look = json!({"query": "SELECT current_setting('app.n') AS body"});
            let reply = gateway.post(json!({"queries": [setting, single, look]}).to_string(), &[RAW]).await;
            assert_eq!(reply.text(), n.to_string());
        }
        4 => {
            let reply = gateway.post(json!({"queries": [insert, {"query": "SELECT 1/0"}]}).to_string(), &[RAW]).await;
            assert_eq!(reply.json()["code"], json!("22012"));
        }
        5 => {
            let sleep = json!({"query": "SELECT pg_sleep(60)"});
            let body = json!({"queries": [insert, sleep]}).to_string();
            let reply = gateway.post(body, &[("Headland-Deadline", "40")]).await.json();
            assert!(matches!(reply["code"].as_str(), Some("57014" | "53300")), "{reply}");
        }
        _ => {
            // Leaves at any moment, as a rule in the middle.
            let sleep = json!({"query": "SELECT pg_sleep(0.03), $1::int", "params": [n]});
            let body = json!({"queries": [insert, sleep, {"query": "SELECT 1/0"}]}).to_string();
            let patience = Duration::from_millis(n % 45);
            let answer: Option<Value> =
                tokio::time::timeout(patience, gateway.post(body, &[])).await.ok().map(|r| r.json());
            assert!(answer.is_none_or(|answer| answer["code"] == json!("22012")));
        }
    }
}
