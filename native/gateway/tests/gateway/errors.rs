//! What is refused, and the fields that say why.

use http::Method;
use serde_json::{Value, json};

use crate::fixture::Fixture;

const FIELDS: [&str; 17] = [
    "message",
    "code",
    "detail",
    "hint",
    "position",
    "internalPosition",
    "internalQuery",
    "severity",
    "where",
    "table",
    "column",
    "schema",
    "dataType",
    "constraint",
    "file",
    "line",
    "routine",
];

#[track_caller]
fn check_fields(error: &Value, expected: Value) {
    let names: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
    let mut all = FIELDS.to_vec();
    all.sort_unstable();
    assert_eq!(names, all);
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&error[name], value, "{name}");
    }
    assert!(error["line"].is_string() && error["file"].is_string() && error["routine"].is_string(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_statement_with_every_field() {
    let Some(gateway) = Fixture::start("error_fields").await else { return };
    gateway.query("CREATE TABLE t (id int PRIMARY KEY, n int NOT NULL)").await;
    gateway.query("INSERT INTO t VALUES (1, 1)").await;
    check_fields(
        &gateway.refused("INSERT INTO t VALUES (1, 1)", "23505").await,
        json!({
            "message": "duplicate key value violates unique constraint \"t_pkey\"", "severity": "ERROR",
            "detail": "Key (id)=(1) already exists.", "schema": "public", "table": "t", "constraint": "t_pkey",
            "hint": null, "position": null, "column": null,
        }),
    );
    check_fields(
        &gateway.refused("INSERT INTO t VALUES (2, NULL)", "23502").await,
        json!({"column": "n", "table": "t"}),
    );
    check_fields(&gateway.refused("SELECT nope FROM t", "42703").await, json!({"position": "8"}));
    check_fields(
        &gateway.refused("SELECT it FROM t", "42703").await,
        json!({"hint": "Perhaps you meant to reference the column \"t.id\"."}),
    );
    let raise = "DO $$BEGIN RAISE 'm' USING ERRCODE = 'PT418', DETAIL = 'd', HINT = 'h', DATATYPE = 'dt'; END$$";
    check_fields(
        &gateway.refused(raise, "PT418").await,
        json!({"message": "m", "detail": "d", "hint": "h", "dataType": "dt",
            "where": "PL/pgSQL function inline_code_block line 1 at RAISE"}),
    );
    check_fields(
        &gateway.refused("DO $$BEGIN EXECUTE 'selec 1'; END$$", "42601").await,
        json!({"internalQuery": "selec 1", "internalPosition": "1", "position": null}),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn err_statements_that_the_protocol_has_no_place_for() {
    let Some(gateway) = Fixture::start("error_statements").await else { return };
    gateway.query("CREATE TABLE t (id int)").await;
    gateway.refused("SELECT 1; SELECT 2", "42601").await;
    gateway.refused("COPY t FROM STDIN", "0A000").await;
    gateway.refused("COPY (SELECT 1) TO STDOUT", "0A000").await;
    let batch = gateway.post(r#"{"queries":[{"query":"COPY t FROM STDIN"},{"query":"SELECT 1"}]}"#, &[]).await;
    assert_eq!((batch.status.as_u16(), batch.json()["code"].as_str()), (400, Some("0A000")));
    assert_eq!(gateway.query("SELECT 1 AS a").await["rowCount"], json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_parameters_that_postgres_refuses() {
    let Some(gateway) = Fixture::start("error_parameters").await else { return };
    let check = async |body: Value, code: &str| {
        let reply = gateway.post(body.to_string(), &[]).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (400, Some(code)), "{body}");
    };
    check(json!({"query": "SELECT $1::int", "params": ["x"]}), "22P02").await;
    check(json!({"query": "SELECT $1::text", "params": ["a\0b"]}), "22021").await;
    check(json!({"query": "SELECT $1::int"}), "08P01").await;
    check(json!({"query": "SELECT 1", "params": [1]}), "08P01").await;
    check(json!({"query": "SELECT \0"}), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_batch_is_rolled_back_whole() {
    let Some(gateway) = Fixture::start("error_batch").await else { return };
    gateway.query("CREATE TABLE t (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)").await;
    let check = async |queries: Value, code: &str| {
        let reply = gateway.post(json!({"queries": queries}).to_string(), &[]).await;
        assert_eq!((reply.status.as_u16(), reply.json()["code"].as_str()), (400, Some(code)));
        assert_eq!(gateway.query("SELECT * FROM t").await["rowCount"], json!(0));
    };
    let insert = json!({"query": "INSERT INTO t VALUES (1)"});
    check(json!([insert, {"query": "SELECT 1/0"}, insert]), "22012").await;
    check(json!([insert, {"query": "selec"}]), "42601").await;
    // Only COMMIT finds this one.
    check(json!([insert, insert]), "23505").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_headers_and_bodies() {
    let Some(gateway) = Fixture::start("error_headers").await else { return };
    let good = gateway.connection_string();
    let check = async |headers: &[(&str, &str)], body: &'static str, message: &str| {
        let reply = gateway.send(Method::POST, "/sql", body, headers).await;
        let error = reply.json();
        assert_eq!((reply.status.as_u16(), error["message"].as_str()), (400, Some(message)));
        assert_eq!((&error["code"], &error["severity"], &error["detail"]), (&json!(""), &json!(""), &json!(null)));
    };
    let select = r#"{"query":"SELECT 1"}"#;
    check(&[], select, "the header `Neon-Connection-String` is missing").await;
    check(&[("Neon-Connection-String", "x")], select, "invalid `Neon-Connection-String`: it is no URL").await;
    let string = ("Neon-Connection-String", good.as_str());
    check(
        &[string, ("Authorization", "Bearer x")],
        select,
        "`Authorization` is not taken here; the credential belongs in `Neon-Connection-String`",
    )
    .await;
    check(&[string, ("Neon-Batch-Isolation-Level", "serializable")], select, "invalid isolation level").await;
    check(&[string, ("Headland-Deadline", "soon")], select, "`Headland-Deadline` is no number of milliseconds").await;
    check(&[string], "", "EOF while parsing a value at line 1 column 0").await;
    check(&[string], "{}", "the body holds neither `query` nor `queries`").await;
    check(
        &[string],
        r#"{"query":"SELECT $1","params":[[[[[[[[1]]]]]]]]}"#,
        "an array parameter is nested too deep (max is 6)",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn err_credential() {
    let Some(gateway) = Fixture::start("error_credential").await else { return };
    let check = async |string: &str, code: &str, message: &str| {
        let headers = [("Neon-Connection-String", string)];
        let reply = gateway.send(Method::POST, "/sql", r#"{"query":"SELECT 1"}"#, &headers).await;
        let error = reply.json();
        assert_eq!((reply.status.as_u16(), error["code"].as_str()), (400, Some(code)), "{error}");
        assert_eq!(error["message"], json!(message));
    };
    let failed = |user: &str| format!("password authentication failed for user '{user}'");
    check("postgresql://edge:wrong@h.x/error_credential", "28P01", &failed("edge")).await;
    check("postgresql://who:s3cr%2Fet@h.x/error_credential", "28P01", &failed("who")).await;
    check("postgresql://edge:s3cr%2Fet@h.x/other", "3D000", "database \"other\" does not exist").await;
    assert_eq!(gateway.metric("trips_total").await, 0, "Postgres hears nothing of them");
}
