//! The version of the schema, and what becomes of a request that knows another one.

use std::time::Duration;

use serde_json::json;

use crate::fixture::{Fixture, until};

const CATALOG: &str = "headland-catalog";

async fn version(gateway: &Fixture) -> Option<String> {
    let reply = gateway.post(json!({"query": "SELECT 1"}).to_string(), &[]).await;
    reply.header(CATALOG).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_each_change_is_another_version_and_nothing_else_is() {
    let watched = |options: &mut gateway::Options| options.catalog_watch = Some(Duration::from_millis(10));
    let Some(gateway) = Fixture::start_with("schema", watched).await else { return };
    until("the first look", async || version(&gateway).await.is_some()).await;
    gateway.psql("CREATE TABLE quiet (id int); INSERT INTO quiet VALUES (1); CREATE ROLE schema_role");
    let mut known = version(&gateway).await.unwrap();
    for change in [
        "CREATE TABLE films (id int primary key, title text)",
        "ALTER TABLE films ADD COLUMN of int REFERENCES films",
        "ALTER TABLE films ALTER COLUMN title SET DEFAULT 'x'",
        "ALTER TABLE films DROP COLUMN of",
        "COMMENT ON TABLE films IS 'films'",
        "CREATE VIEW shown AS SELECT id FROM films",
        "CREATE OR REPLACE VIEW shown AS SELECT id FROM films WHERE id > 0",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION one() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1'",
        "ALTER ROLE schema_role SET work_mem = '1MB'",
        "DROP FUNCTION one()",
        "ALTER TABLE films ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY shown ON films USING (true)",
        "ALTER POLICY shown ON films USING (id > 0)",
        "DROP POLICY shown ON films",
        "CREATE PUBLICATION told FOR TABLE films",
        "ALTER PUBLICATION told DROP TABLE films",
    ] {
        gateway.psql(change);
        until(change, async || version(&gateway).await.as_ref() != Some(&known)).await;
        // The change may have been seen while other catalogs were not yet; the next look is whole.
        tokio::time::sleep(Duration::from_millis(200)).await;
        known = version(&gateway).await.unwrap();
    }
    gateway.psql("INSERT INTO quiet SELECT generate_series(1, 1000); ANALYZE");
    gateway.psql("VACUUM quiet");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(version(&gateway).await, Some(known));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_another_version_runs_nothing() {
    let watched = |options: &mut gateway::Options| options.catalog_watch = Some(Duration::from_millis(10));
    let Some(gateway) = Fixture::start_with("schema_other", watched).await else { return };
    until("the first look", async || version(&gateway).await.is_some()).await;
    gateway.psql("CREATE TABLE log (id int)");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let known = version(&gateway).await.unwrap();
    let insert = json!({"query": "INSERT INTO log VALUES (1)"}).to_string();
    let reply = gateway.post(insert.clone(), &[(CATALOG, "another")]).await;
    assert_eq!(reply.status, 412);
    assert_eq!(reply.json()["message"], "the schema is no longer the one that the request was made for");
    assert_eq!(gateway.psql("SELECT count(*) FROM log"), "0");
    assert_eq!(gateway.post(insert, &[(CATALOG, &known)]).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_nobody_looks_unless_asked_to() {
    let Some(gateway) = Fixture::start("schema_unwatched").await else { return };
    let reply = gateway.post(json!({"query": "SELECT 1"}).to_string(), &[(CATALOG, "another")]).await;
    assert_eq!((reply.status.as_u16(), reply.header(CATALOG)), (200, None));
}
