//! Prepared statements are remembered, and nobody can tell but by the time it takes.

use std::time::Duration;

use serde_json::{Value, json};

use crate::fixture::Fixture;

/// One connection, so that the next request finds what this one prepared.
async fn fixture(database: &'static str) -> Option<Fixture> {
    Fixture::start_with(database, |options| options.pool_max = 1).await
}

fn names(result: &Value) -> Vec<&str> {
    result["fields"].as_array().unwrap().iter().map(|field| field["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_statements_are_prepared_once() {
    let Some(gateway) = fixture("statements_once").await else { return };
    for n in 0..3 {
        let result = gateway.query_with("SELECT $1::int AS n", json!([n]), &[]).await;
        assert_eq!(result["rows"], json!([{"n": n}]));
    }
    let sql = "SELECT name, (generic_plans + custom_plans)::int AS used FROM pg_prepared_statements \
               WHERE statement = 'SELECT $1::int AS n'";
    assert_eq!(gateway.query(sql).await["rows"][0]["used"], json!(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_columns_that_ddl_changed() {
    let Some(gateway) = fixture("statements_ddl").await else { return };
    gateway.query("CREATE TABLE t (a int)").await;
    gateway.query("INSERT INTO t VALUES (1)").await;
    let raw = async || gateway.post(r#"{"query":"SELECT * FROM t"}"#, &[("Headland-Raw", "true")]).await;
    let select = async || gateway.query("SELECT * FROM t").await;
    let check = async |ddl: &str, fields: &[&str], row: Value| {
        select().await;
        gateway.psql(ddl);
        let result = select().await;
        assert_eq!((names(&result), &result["rows"][0]), (fields.to_vec(), &row), "{ddl}");
    };
    check("ALTER TABLE t ADD b text DEFAULT 'x'", &["a", "b"], json!({"a": 1, "b": "x"})).await;
    check("ALTER TABLE t RENAME b TO c", &["a", "c"], json!({"a": 1, "c": "x"})).await;
    check("ALTER TABLE t ALTER a TYPE text", &["a", "c"], json!({"a": "1", "c": "x"})).await;
    check("ALTER TABLE t DROP a", &["c"], json!({"c": "x"})).await;
    check("ALTER TABLE t RENAME c TO body", &["body"], json!({"body": "x"})).await;
    assert_eq!(raw().await.text(), "x");
    gateway.psql("ALTER TABLE t ADD n int");
    assert_eq!(raw().await.header("headland-row"), Some(r#"{"n":null}"#));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_table_that_was_replaced_by_one_of_the_same_shape() {
    let Some(gateway) = fixture("statements_replaced").await else { return };
    let table = async || gateway.query("SELECT a FROM t").await["fields"][0]["tableID"].clone();
    gateway.query("CREATE TABLE t (a int)").await;
    let first = table().await;
    gateway.psql("DROP TABLE t; CREATE TABLE t (a int)");
    let now = gateway.query("SELECT 't'::regclass::oid::int4 AS oid").await["rows"][0]["oid"].clone();
    assert_eq!(table().await, now);
    assert_ne!(now, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_parameter_types_that_ddl_changed() {
    let Some(gateway) = fixture("statements_types").await else { return };
    gateway.query("CREATE TABLE t (a int)").await;
    let insert = async |value: &str| gateway.query_with("INSERT INTO t VALUES ($1)", json!([value]), &[]).await;
    let find = async |value: &str| {
        let result = gateway.query_with("SELECT a FROM t WHERE a = $1", json!([value]), &[]).await;
        result["rowCount"].clone()
    };
    insert("1").await;
    assert_eq!(find("1").await, json!(1));
    // The remembered `$1` is an integer, and there is no `text = integer`.
    gateway.psql("ALTER TABLE t ALTER a TYPE text");
    assert_eq!(find("1").await, json!(1));
    // An integer can be assigned to a text: only the value tells, once it is not quite new.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    insert("x").await;
    assert_eq!(find("x").await, json!(1));
    // What changes through the gateway is known at once.
    gateway.query("ALTER TABLE t ALTER a TYPE int USING 7").await;
    insert("8").await;
    gateway.query("ALTER TABLE t ALTER a TYPE text").await;
    insert("009").await;
    assert_eq!(find("009").await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_aged_statement_within_a_batch() {
    let Some(gateway) = fixture("statements_batch").await else { return };
    gateway.query("CREATE TABLE t (a int)").await;
    gateway.query("CREATE TABLE log (n serial)").await;
    let body = json!({"queries": [
        {"query": "INSERT INTO log DEFAULT VALUES"}, {"query": "SELECT * FROM t"}, {"query": "SELECT t.* FROM t"},
    ]});
    let batch = async || gateway.post(body.to_string(), &[]).await;
    assert_eq!(batch().await.status, 200);
    gateway.psql("ALTER TABLE t ADD b int");
    let reply = batch().await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(names(&reply.json()["results"][1]), ["a", "b"]);
    assert_eq!(names(&reply.json()["results"][2]), ["a", "b"]);
    let kept = gateway.query("SELECT count(*)::int AS n FROM log").await;
    assert_eq!(kept["rows"], json!([{"n": 2}]), "what ran before the aged statement is not kept twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_aged_statement_after_a_commit_is_not_run_again() {
    let Some(gateway) = fixture("statements_committed").await else { return };
    gateway.query("CREATE TABLE t (a int)").await;
    gateway.query("CREATE TABLE log (n int)").await;
    gateway.query("SELECT * FROM t").await;
    gateway.psql("ALTER TABLE t ADD b int");
    let body = json!({"queries": [
        {"query": "INSERT INTO log VALUES (1)"}, {"query": "COMMIT"}, {"query": "SELECT * FROM t"},
    ]});
    assert_eq!(gateway.post(body.to_string(), &[]).await.json()["code"], json!("0A000"));
    assert_eq!(gateway.query("SELECT * FROM log").await["rowCount"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_statements_that_a_caller_deallocated() {
    let Some(gateway) = fixture("statements_deallocated").await else { return };
    for drop in ["DEALLOCATE ALL", "DISCARD ALL", "DO $$BEGIN EXECUTE 'DEALLOCATE ALL'; END$$"] {
        gateway.query("SELECT 1 AS a").await;
        gateway.query(drop).await;
        assert_eq!(gateway.query("SELECT 1 AS a").await["rows"], json!([{"a": 1}]), "{drop}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_search_path_decides_what_a_text_means() {
    let Some(gateway) = fixture("statements_path").await else { return };
    for sql in [
        "CREATE SCHEMA x",
        "CREATE SCHEMA y",
        "CREATE TABLE x.t AS SELECT 1 AS a",
        "CREATE TABLE y.t AS SELECT 'y' AS b",
    ] {
        gateway.query(sql).await;
    }
    for (schema, row) in [("x", json!({"a": 1})), ("y", json!({"b": "y"})), ("x", json!({"a": 1}))] {
        let body = json!({"queries": [
            {"query": "SELECT set_config('search_path', $1, true)", "params": [schema]},
            {"query": "SELECT * FROM t"},
        ]});
        assert_eq!(gateway.post(body.to_string(), &[]).await.json()["results"][1]["rows"], json!([row]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_more_statements_than_are_remembered() {
    let options = |options: &mut gateway::Options| {
        options.pool_max = 1;
        options.statements_max = 3;
    };
    let Some(gateway) = Fixture::start_with("statements_evicted", options).await else { return };
    for round in 0..3 {
        let queries: Vec<_> = (0..10).map(|n| json!({"query": format!("SELECT {n} AS n")})).collect();
        let reply = gateway.post(json!({"queries": queries}).to_string(), &[]).await;
        assert_eq!(reply.json()["results"][9]["rows"], json!([{"n": 9}]), "{round}");
        // An error on the way leaves later ones unprepared.
        let broken = json!({"queries": [{"query": "SELECT 1 AS n"}, {"query": "selec"}, {"query": "SELECT 2 AS n"}]});
        assert_eq!(gateway.post(broken.to_string(), &[]).await.json()["code"], json!("42601"));
        assert_eq!(gateway.query("SELECT 2 AS n").await["rows"], json!([{"n": 2}]));
    }
    let prepared = gateway.query("SELECT count(*)::int AS n FROM pg_prepared_statements").await;
    assert!(prepared["rows"][0]["n"].as_i64() <= Some(4), "{prepared}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_long_statements_are_run_without_being_remembered() {
    let Some(gateway) = fixture("statements_long").await else { return };
    let long = format!("SELECT $1::int AS n -- {}", "x".repeat(40 << 10));
    for n in 0..2 {
        assert_eq!(gateway.query_with(&long, json!([n]), &[]).await["rows"], json!([{"n": n}]));
    }
    let prepared = gateway.query("SELECT count(*)::int AS n FROM pg_prepared_statements").await;
    assert_eq!(prepared["rows"], json!([{"n": 1}]), "only the one that asks");
}
