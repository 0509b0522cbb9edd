//! The forms of requests and responses.

use bytes::Bytes;
use http::{Method, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::fixture::Fixture;

const ARRAY: (&str, &str) = ("Neon-Array-Mode", "true");
const TEXT: (&str, &str) = ("Neon-Raw-Text-Output", "true");

#[tokio::test(flavor = "multi_thread")]
async fn ok_single_whole_body() {
    let Some(gateway) = Fixture::start("single").await else { return };
    let reply = gateway.post(r#"{"query":"SELECT 1 AS a, 'x\"' AS \"b\"\"\""}"#, &[]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.text(),
        r#"{"fields":[{"name":"a","dataTypeID":23,"tableID":0,"columnID":0,"dataTypeSize":4,"dataTypeModifier":-1,"format":"text"},{"name":"b\"","dataTypeID":25,"tableID":0,"columnID":0,"dataTypeSize":-1,"dataTypeModifier":-1,"format":"text"}],"rows":[{"a":1,"b\"":"x\""}],"command":"SELECT","rowCount":1,"rowAsArray":false}"#
    );
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("neon-request-id").map(str::len), Some(36));
    assert_eq!(reply.header("headland-raw"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_row_modes() {
    let Some(gateway) = Fixture::start("row_modes").await else { return };
    let check = async |array_mode: Value, headers: &[(&str, &str)], rows: Value, as_array: bool| {
        let body = json!({"query": "SELECT 1 AS a, true AS b, NULL AS c", "arrayMode": array_mode});
        let result = gateway.post(body.to_string(), headers).await.json();
        assert_eq!((&result["rows"], &result["rowAsArray"]), (&rows, &json!(as_array)));
    };
    let object = json!([{"a": 1, "b": true, "c": null}]);
    let array = json!([[1, true, null]]);
    check(json!(null), &[], object.clone(), false).await;
    check(json!(null), &[ARRAY], array.clone(), true).await;
    check(json!(true), &[], array, true).await;
    check(json!(false), &[ARRAY], object, false).await;
    check(json!(null), &[TEXT], json!([{"a": "1", "b": "t", "c": null}]), false).await;
    check(json!(null), &[TEXT, ARRAY], json!([["1", "t", null]]), true).await;
    check(json!(null), &[("Neon-Array-Mode", "TRUE")], json!([{"a": 1, "b": true, "c": null}]), false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_duplicate_names_are_duplicate_keys() {
    let Some(gateway) = Fixture::start("duplicate_names").await else { return };
    let reply = gateway.post(r#"{"query":"SELECT 1 AS a, 2 AS a"}"#, &[]).await;
    assert!(reply.text().contains(r#""rows":[{"a":1,"a":2}]"#), "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_commands_and_counts() {
    let Some(gateway) = Fixture::start("commands").await else { return };
    for (sql, command, count) in [
        ("CREATE TABLE t (id int)", "CREATE", json!(null)),
        ("INSERT INTO t SELECT generate_series(1, 3)", "INSERT", json!(3)),
        ("UPDATE t SET id = id + 1 WHERE id > 1", "UPDATE", json!(2)),
        ("SELECT FROM t", "SELECT", json!(3)),
        ("DELETE FROM t", "DELETE", json!(3)),
        ("SELECT * FROM t", "SELECT", json!(0)),
        ("", "", json!(null)),
        ("-- nothing", "", json!(null)),
        ("SET work_mem = '5MB'", "SET", json!(null)),
        ("BEGIN", "BEGIN", json!(null)),
        ("VACUUM t", "VACUUM", json!(null)),
        ("DO $$BEGIN END$$", "DO", json!(null)),
    ] {
        let result = gateway.query(sql).await;
        assert_eq!((&result["command"], &result["rowCount"]), (&json!(command), &count), "{sql}");
        assert!(result["rows"].is_array() && result["fields"].is_array());
    }
    let rows = gateway.query("SELECT FROM generate_series(1, 2)").await;
    assert_eq!((&rows["rows"], &rows["fields"]), (&json!([{}, {}]), &json!([])));
    let returning = gateway.query("INSERT INTO t VALUES (7) RETURNING id").await;
    assert_eq!((&returning["rows"], &returning["rowCount"]), (&json!([{"id": 7}]), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_batch() {
    let Some(gateway) = Fixture::start("batch").await else { return };
    let body = json!({"queries": [
        {"query": "CREATE TABLE t (id int)"},
        {"query": "INSERT INTO t VALUES ($1), ($2)", "params": [1, "2"]},
        {"query": "SELECT id FROM t ORDER BY id", "arrayMode": true},
        {"query": "SELECT count(*)::int AS n FROM t"},
    ]});
    let reply = gateway.post(body.to_string(), &[]).await;
    let results = reply.json()["results"].clone();
    assert_eq!(results.as_array().map(Vec::len), Some(4), "{}", reply.text());
    assert_eq!(results[1]["rowCount"], json!(2));
    assert_eq!((&results[2]["rows"], &results[2]["rowAsArray"]), (&json!([[1], [2]]), &json!(true)));
    assert_eq!((&results[3]["rows"], &results[3]["rowAsArray"]), (&json!([{"n": 2}]), &json!(false)));
    assert_eq!(gateway.post(r#"{"queries":[]}"#, &[]).await.text(), r#"{"results":[]}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_batch_options_take_effect_and_are_repeated() {
    let Some(gateway) = Fixture::start("batch_options").await else { return };
    const SHOW: &str = r#"{"queries":[{"query":"SELECT current_setting('transaction_isolation') AS i,
        current_setting('transaction_read_only') AS r, current_setting('transaction_deferrable') AS d"}]}"#;
    let body = SHOW.replace('\n', " ");
    let check = async |headers: &[(&str, &str)], expected: Value| {
        let reply = gateway.post(body.clone(), headers).await;
        assert_eq!(reply.json()["results"][0]["rows"][0], expected);
        for name in ["neon-batch-isolation-level", "neon-batch-read-only", "neon-batch-deferrable"] {
            let sent = headers.iter().find(|(sent, value)| *sent == name && *value != "false");
            assert_eq!(reply.header(name), sent.map(|(_, value)| *value), "{name}");
        }
    };
    check(&[], json!({"i": "read committed", "r": "off", "d": "off"})).await;
    for (name, level) in [
        ("ReadUncommitted", "read uncommitted"),
        ("ReadCommitted", "read committed"),
        ("RepeatableRead", "repeatable read"),
        ("Serializable", "serializable"),
    ] {
        check(&[("neon-batch-isolation-level", name)], json!({"i": level, "r": "off", "d": "off"})).await;
    }
    check(
        &[
            ("neon-batch-isolation-level", "Serializable"),
            ("neon-batch-read-only", "true"),
            ("neon-batch-deferrable", "true"),
        ],
        json!({"i": "serializable", "r": "on", "d": "on"}),
    )
    .await;
    check(&[("neon-batch-read-only", "false")], json!({"i": "read committed", "r": "off", "d": "off"})).await;
    let single = gateway.post(r#"{"query":"SELECT 1"}"#, &[("neon-batch-read-only", "true")]).await;
    assert_eq!(single.header("neon-batch-read-only"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_parameters() {
    let Some(gateway) = Fixture::start("parameters").await else { return };
    let check = async |cast: &str, parameter: Value, expected: Value| {
        let sql = format!("SELECT $1::{cast} AS v");
        let got = gateway.query_with(&sql, json!([parameter]), &[]).await["rows"][0]["v"].clone();
        assert_eq!(got, expected, "{cast} {parameter}");
    };
    check("text", json!(null), json!(null)).await;
    check("text", json!("it's \"ö\" 🎬\n"), json!("it's \"ö\" 🎬\n")).await;
    check("int", json!(42), json!(42)).await;
    check("int", json!("42"), json!(42)).await;
    check("bool", json!(true), json!(true)).await;
    check("float8", json!(1.5e-7), json!(1.5e-7)).await;
    check("jsonb", json!({"a": [1, null, "\n"]}), json!({"a": [1, null, "\n"]})).await;
    check("int[]", json!([1, null, 3]), json!([1, null, 3])).await;
    check("int[]", json!([[1, 2], [3, 4]]), json!([[1, 2], [3, 4]])).await;
    check("int[]", json!([]), json!([])).await;
    check("bool[]", json!([true, false]), json!([true, false])).await;
    check("jsonb[]", json!([{"a": "\"\\\n"}, {"b": []}]), json!([{"a": "\"\\\n"}, {"b": []}])).await;
    let strings = json!(["", "NULL", "a,b", "{}", "\"", "\\", "\\\"", "line\nbreak", "tab\tbell\u{7}", "🎬", null]);
    check("text[]", strings.clone(), strings).await;
    let numeric =
        gateway.post(r#"{"query":"SELECT $1::numeric AS v","params":[123456789012345678901234567890.10]}"#, &[]);
    assert_eq!(numeric.await.json()["rows"][0]["v"], json!("123456789012345678901234567890.10"));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_typed_output() {
    let Some(gateway) = Fixture::start("typed").await else { return };
    for sql in [
        "CREATE TYPE mood AS ENUM ('sad', 'happy, \"very\"')",
        "CREATE DOMAIN age AS int CHECK (VALUE > 0)",
        "CREATE TYPE pair AS (a int, b text)",
    ] {
        gateway.query(sql).await;
    }
    let check = async |sql: &str, typed: Value, text: Value| {
        let sql = format!("SELECT {sql} AS v");
        for (headers, expected) in [(&[][..], typed), (&[TEXT][..], text)] {
            let result = gateway.query_with(&sql, json!([]), headers).await;
            assert_eq!(result["rows"][0]["v"], expected, "{sql}");
        }
    };
    check("true", json!(true), json!("t")).await;
    check("7::int2", json!(7), json!("7")).await;
    check("-7::int4", json!(-7), json!("-7")).await;
    check("9007199254740993::int8", json!("9007199254740993"), json!("9007199254740993")).await;
    check("1.10::numeric", json!("1.10"), json!("1.10")).await;
    check("'NaN'::numeric", json!("NaN"), json!("NaN")).await;
    check("0.1::float8", json!(0.1), json!("0.1")).await;
    check("1e300::float8", json!(1e300), json!("1e+300")).await;
    check("'-Infinity'::float4", json!("-Infinity"), json!("-Infinity")).await;
    check("'NaN'::float8", json!("NaN"), json!("NaN")).await;
    check("'{\"a\" :\n1}'::json", json!({"a": 1}), json!("{\"a\" :\n1}")).await;
    check("'[1,{}]'::jsonb", json!([1, {}]), json!("[1, {}]")).await;
    check("'null'::jsonb", json!(null), json!("null")).await;
    check("'\\x00ff'::bytea", json!("\\x00ff"), json!("\\x00ff")).await;
    check("date '2020-02-29'", json!("2020-02-29"), json!("2020-02-29")).await;
    check("'sad'::mood", json!("sad"), json!("sad")).await;
    check("7::age", json!(7), json!("7")).await;
    check("(1,'x')::pair", json!("(1,x)"), json!("(1,x)")).await;
    check("array[1,null]::int[]", json!([1, null]), json!("{1,NULL}")).await;
    check("'[2:3]={1,2}'::int[]", json!([1, 2]), json!("[2:3]={1,2}")).await;
    check("array[array[true]]", json!([[true]]), json!("{{t}}")).await;
    check("array['NaN',1.5]::float8[]", json!(["NaN", 1.5]), json!("{NaN,1.5}")).await;
    check("array[1,2]::int8[]", json!(["1", "2"]), json!("{1,2}")).await;
    check("array['{\"a\":1}']::jsonb[]", json!([{"a": 1}]), json!("{\"{\\\"a\\\": 1}\"}")).await;
    check("array['a\"b','c\\d','e,f','']", json!(["a\"b", "c\\d", "e,f", ""]), json!(r#"{"a\"b","c\\d","e,f",""}"#))
        .await;
    check("enum_range(null::mood)", json!(["sad", "happy, \"very\""]), json!(r#"{sad,"happy, \"very\""}"#)).await;
    check("array[1]::age[]", json!(["1"]), json!("{1}")).await;
    check("array[(1,'x')::pair]", json!(["(1,x)"]), json!(r#"{"(1,x)"}"#)).await;
    check(
        "array[box '(1,1),(0,0)', box '(2,2),(1,1)']",
        json!(["(1,1),(0,0)", "(2,2),(1,1)"]),
        json!("{(1,1),(0,0);(2,2),(1,1)}"),
    )
    .await;
    check("'1 2'::int2vector", json!("1 2"), json!("1 2")).await;
    check("point '(1,2)'", json!("(1,2)"), json!("(1,2)")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_fields_of_a_table() {
    let Some(gateway) = Fixture::start("fields").await else { return };
    gateway.query("CREATE TABLE t (a int, b varchar(10), c numeric(5,2))").await;
    let table: u64 = gateway.psql("SELECT 't'::regclass::oid").parse().unwrap();
    let result = gateway.query("SELECT c, b, a + 1 AS d FROM t").await;
    assert_eq!(
        result["fields"],
        json!([
            {"name": "c", "dataTypeID": 1700, "tableID": table, "columnID": 3, "dataTypeSize": -1, "dataTypeModifier": 327_686, "format": "text"},
            {"name": "b", "dataTypeID": 1043, "tableID": table, "columnID": 2, "dataTypeSize": -1, "dataTypeModifier": 14, "format": "text"},
            {"name": "d", "dataTypeID": 23, "tableID": 0, "columnID": 0, "dataTypeSize": 4, "dataTypeModifier": -1, "format": "text"},
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_preflight() {
    let Some(gateway) = Fixture::start("preflight").await else { return };
    let reply = gateway.send(Method::OPTIONS, "/sql", "", &[]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("allow"), Some("OPTIONS, POST"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-max-age"), Some("86400"));
    let allowed = reply.header("access-control-allow-headers").unwrap();
    for name in
        ["Authorization", "Neon-Connection-String", "Neon-Raw-Text-Output", "Neon-Array-Mode", "Neon-Pool-Opt-In"]
    {
        assert!(allowed.contains(name), "{name} not in {allowed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn err_anything_else() {
    let Some(gateway) = Fixture::start("anything_else").await else { return };
    for (method, path) in [(Method::GET, "/sql"), (Method::POST, "/"), (Method::PUT, "/sql"), (Method::POST, "/sql/x")]
    {
        let reply = gateway.send(method, path, "", &[]).await;
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (400, "\"query is not supported\""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_http2() {
    let Some(gateway) = Fixture::start("http2").await else { return };
    let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http::<Full<Bytes>>();
    let request = Request::post(gateway.url("/sql"))
        .header("Neon-Connection-String", gateway.connection_string())
        .body(Full::from(r#"{"query":"SELECT repeat('x', 1000000) AS v"}"#));
    let response = client.request(request.unwrap()).await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (Version::HTTP_2, 200));
    assert!(response.into_body().collect().await.unwrap().to_bytes().len() > 1_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_large_requests_and_responses_at_once() {
    let Some(gateway) = Fixture::start("large_both_ways").await else { return };
    // Each side has more to send than the sockets between hold: one must not wait for the other.
    let megabyte = "x".repeat(1 << 20);
    let query = json!({"query": "SELECT $1::text AS v", "params": [megabyte]});
    let reply = gateway.post(json!({"queries": vec![query; 8]}).to_string(), &[TEXT]).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["results"][7]["rows"][0]["v"].as_str().map(str::len), Some(1 << 20));
}
