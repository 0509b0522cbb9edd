//! A request costs one network round trip to Postgres.

use serde_json::{Value, json};

use crate::fixture::{Fixture, until};

async fn check(gateway: &Fixture, body: Value, headers: &[(&str, &str)], statements: u64) {
    let before = (gateway.metric("trips_total").await, gateway.metric("statements_total").await);
    let reply = gateway.post(body.to_string(), headers).await;
    let after = (gateway.metric("trips_total").await, gateway.metric("statements_total").await);
    assert_eq!((after.0 - before.0, after.1 - before.1), (1, statements), "{} {body}", reply.status);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_one_trip_for_each_request() {
    let Some(gateway) = Fixture::start_with("trips", |options| options.pool_max = 1).await else { return };
    let single = json!({"query": "SELECT $1::int AS body", "params": [1]});
    let batch = json!({"queries": [single, {"query": "SELECT 2"}, {"query": "SELECT 3"}]});
    let raw = [("Headland-Raw", "true")];
    let options = [("Neon-Batch-Read-Only", "true"), ("Neon-Batch-Isolation-Level", "Serializable")];
    for (round, headers) in [("prepared on the way", &[][..]), ("remembered", &[][..]), ("raw", &raw[..])] {
        println!("{round}");
        check(&gateway, single.clone(), headers, 1).await;
        check(&gateway, batch.clone(), headers, 3).await;
        check(&gateway, batch.clone(), &[headers, &options[..]].concat(), 3).await;
    }
    check(&gateway, json!({"query": "SELECT 1/0"}), &[], 1).await;
    check(&gateway, json!({"queries": [{"query": "SELECT 1"}, {"query": "selec"}]}), &[], 2).await;
    check(&gateway, json!({"queries": []}), &[], 0).await;
    check(&gateway, json!({"query": "SELECT repeat('x', 1000000)"}), &[], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_resets_are_no_trips_of_requests() {
    let Some(gateway) = Fixture::start_with("trips_resets", |options| options.pool_max = 1).await else { return };
    gateway.query("SELECT 1").await;
    until("the reset", async || gateway.metric("resets_total").await == 1).await;
    gateway.post(r#"{"query":"SELECT 1 AS body"}"#, &[("Headland-Raw", "true")]).await;
    gateway.post(r#"{"query":"SELECT 2 AS body"}"#, &[("Headland-Raw", "true")]).await;
    assert_eq!(gateway.metric("resets_total").await, 1);
    assert_eq!(gateway.metric("trips_total").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_requests_that_postgres_never_sees_cost_none() {
    let Some(gateway) = Fixture::start("trips_none").await else { return };
    assert_eq!(gateway.post("{}", &[]).await.status, 400);
    assert_eq!(gateway.post("{}", &[("Neon-Batch-Isolation-Level", "x")]).await.status, 400);
    assert_eq!(gateway.metric("trips_total").await, 0);
    assert_eq!(gateway.metric("connects_total").await, 0);
    assert_eq!(gateway.metric("requests_total{status=\"400\"}").await, 2);
}
