//! How calls are compiled.

use super::*;
use crate::testing::sent;

fn call(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Statement {
    compile(&sent(method, url, headers, body), &config())
}

/// Compares the query for the rows.
#[track_caller]
fn check(url: &str, body: Option<&str>, expected: &str, parameters: &[&str]) {
    let method = if body.is_some() { Method::POST } else { Method::GET };
    let statement = call(method, url, &[], body.unwrap_or_default());
    let text = statement.text.strip_prefix("WITH pgrst_source AS MATERIALIZED (").expect("it is kept");
    let (text, _) = text.split_once(") SELECT null::bigint AS total_result_set").expect("the frame is there");
    assert_eq!(text, expected, "{url}");
    let found: Vec<&str> = statement.parameters.iter().flatten().map(String::as_str).collect();
    assert_eq!(found, parameters, "{url}");
}

#[test]
fn ok_arguments() {
    check(
        "rpc/films_since?since=1970",
        None,
        r#"SELECT "pgrst_call".* FROM "cinema"."films_since"("since" := $1::integer) AS "pgrst_call""#,
        &["1970"],
    );
    check(
        "rpc/join_words?words=a,b&words=c\"d&separator=-&separator=%2B",
        None,
        r#"SELECT "pgrst_call".* FROM (SELECT "cinema"."join_words"("separator" := $1::text, VARIADIC "words" := $2::text[]) AS pgrst_scalar) AS "pgrst_call""#,
        &["+", r#"{"a,b","c\"d"}"#],
    );
    check(
        "rpc/add",
        Some(r#"{"b": 2, "a": 1}"#),
        r#"SELECT "pgrst_call".* FROM pg_catalog.json_to_record($1) AS pgrst_body("a" integer, "b" integer), LATERAL (SELECT "cinema"."add"("a" := pgrst_body."a", "b" := pgrst_body."b") AS pgrst_scalar) AS "pgrst_call""#,
        &[r#"{"b": 2, "a": 1}"#],
    );
    check(
        "rpc/film",
        Some(r#"[{"id": 2}]"#),
        r#"SELECT "pgrst_call".* FROM (SELECT * FROM pg_catalog.json_to_recordset($1) AS pgrst_body("id" integer) LIMIT 1) AS pgrst_body, LATERAL "cinema"."film"("id" := pgrst_body."id") AS "pgrst_call""#,
        &[r#"[{"id": 2}]"#],
    );
    check(
        "rpc/take_json",
        Some(r#"{"x": 1}"#),
        r#"SELECT "pgrst_call".* FROM (SELECT "cinema"."take_json"($1::json) AS pgrst_scalar) AS "pgrst_call""#,
        &[r#"{"x": 1}"#],
    );
    check("rpc/extremes", Some(""), r#"SELECT "pgrst_call".* FROM "cinema"."extremes"() AS "pgrst_call""#, &[]);
}

#[test]
fn ok_bytes() {
    let headers = [("content-type", "application/octet-stream")];
    let statement = call(Method::POST, "rpc/take_bytes", &headers, "a\0ü");
    assert!(statement.text.contains(r#""cinema"."take_bytes"($1::bytea)"#));
    assert_eq!(statement.parameters, [Some("\\x6100c3bc".to_owned())]);
}

/// What is read of the rows; computed columns, and types where a relation or `TABLE` tells them.
#[test]
fn ok_rows() {
    check(
        "rpc/films_since?since=1970&select=id,decade,details->a,directors(name)&title=wfts.jaws&order=decade&limit=2",
        None,
        r#"SELECT "pgrst_call"."id", "pgrst_call"."decade", "pgrst_call"."details"->$1 AS "a", row_to_json("embed.1".*) AS "directors" FROM "cinema"."films_since"("since" := $2::integer) AS "pgrst_call" LEFT JOIN LATERAL (SELECT "directors_1"."name" FROM "cinema"."directors" AS "directors_1" WHERE "directors_1"."id" = "pgrst_call"."director_id") AS "embed.1" ON TRUE WHERE to_tsvector("pgrst_call"."title") @@ websearch_to_tsquery($3) ORDER BY "pgrst_call"."decade" LIMIT $4"#,
        &["a", "1970", "jaws", "2"],
    );
    check(
        "rpc/shelf?contents->a=eq.1&plot=fts.card&select=place->x",
        None,
        r#"SELECT to_jsonb("pgrst_call"."place")->$1 AS "x" FROM "cinema"."shelf"() AS "pgrst_call" WHERE "pgrst_call"."contents"->$2 = $3 AND "pgrst_call"."plot" @@ to_tsquery($4)"#,
        &["x", "a", "1", "card"],
    );
}

/// The function does not run twice where its rows are counted.
#[test]
fn ok_counts() {
    let text = |url: &str| call(Method::GET, url, &[("prefer", "count=exact")], "").text;
    assert!(text("rpc/years?first=1").contains(") SELECT pg_catalog.count(*) AS total_result_set"));
    assert_eq!(
        text("rpc/years?first=1&limit=1&offset=1").split_once(" AS total_result_set").unwrap().0,
        r#"WITH pgrst_all AS MATERIALIZED (SELECT "pgrst_call".* FROM (SELECT "cinema"."years"("first" := $1::integer) AS pgrst_scalar) AS "pgrst_call"), pgrst_source AS (SELECT * FROM pgrst_all LIMIT $2 OFFSET $3) SELECT (SELECT pg_catalog.count(*) FROM pgrst_all)"#
    );
}

#[test]
fn ok_bodies() {
    let body = |url: &str, accept: &str| {
        let text = call(Method::GET, url, &[("accept", accept)], "").text;
        let (_, body) = text.split_once("page_total, ").unwrap();
        body.split_once(" AS body").unwrap().0.to_owned()
    };
    const ROWS: &str = "coalesce(pg_catalog.json_agg(page.*), '[]')";
    const ROW: &str = "coalesce(pg_catalog.json_agg(page.*)->0, 'null')";
    const SCALARS: &str = "coalesce(pg_catalog.json_agg(page.pgrst_scalar), '[]')";
    const SCALAR: &str = "coalesce(pg_catalog.json_agg(page.pgrst_scalar)->0, 'null')";
    assert_eq!(body("rpc/shelf", "*/*"), ROWS);
    assert_eq!(body("rpc/film?id=1", "*/*"), ROW);
    assert_eq!(body("rpc/years?first=1", "*/*"), SCALARS);
    assert_eq!(body("rpc/add?a=1", "*/*"), SCALAR);
    assert_eq!(body("rpc/retire?name=x", "*/*"), "''");
    assert_eq!(body("rpc/shelf", "application/vnd.pgrst.object+json"), ROW);
    assert_eq!(body("rpc/years?first=1", "application/vnd.pgrst.object+json"), SCALAR);
    assert_eq!(
        body("rpc/film?id=1", "application/vnd.pgrst.array+json;nulls=stripped"),
        "coalesce(pg_catalog.json_strip_nulls(pg_catalog.json_agg(page.*)->0), 'null')"
    );
}

/// They hold before the function is called; isolation is the transaction's.
#[test]
fn ok_settings_of_the_function() {
    let catalog = catalog();
    let request = sent(Method::GET, "rpc/patient", &[], "").unwrap();
    let plan = plan(&request, &catalog, &config()).unwrap();
    let texts = |config: &Config| -> Vec<String> {
        statements(&request, &plan, &READER, &catalog, config).into_iter().map(|statement| statement.text).collect()
    };
    let found = texts(&config());
    assert!(found[0].ends_with(", pg_catalog.set_config($8, $9, true)"), "{}", found[0]);
    assert_eq!(plan.isolation(&READER, &catalog, &config()), Some(::sql::Isolation::Serializable));
    let none = Config { db_hoisted_tx_settings: vec![], ..config() };
    assert!(!texts(&none)[0].contains("$8"));
    assert_eq!(plan.isolation(&READER, &catalog, &none), None);
}

#[test]
fn ok_pre_request() {
    let function =
        |schema: Option<&str>| config::FunctionName { schema: schema.map(str::to_owned), name: "a\"b".into() };
    let text = |schema| {
        let config = Config { db_pre_request: Some(function(schema)), ..config() };
        let catalog = catalog();
        let request = get("films", &[]).unwrap();
        let plan = plan(&request, &catalog, &config).unwrap();
        statements(&request, &plan, &READER, &catalog, &config)[1].text.clone()
    };
    assert_eq!(text(None), r#"SELECT "a""b"()"#);
    assert_eq!(text(Some("cinema")), r#"SELECT "cinema"."a""b"()"#);
}

/// What a function of the database makes of the rows, or of the result.
#[test]
fn ok_handlers() {
    let body = |url: &str, accept: &str| {
        let text = call(Method::GET, url, &[("accept", accept)], "").text;
        let (text, _) = text.split_once(" AS body").unwrap();
        text.rsplit_once("AS page_total, ").unwrap().1.to_owned()
    };
    assert_eq!(body("actors", "text/plain"), r#""cinema"."list_of"((page.*)::"cinema"."actors")"#);
    assert_eq!(
        body("rpc/motto", "text/plain"),
        r#"(SELECT "cinema"."text/plain"(made.pgrst_scalar) FROM pgrst_source AS made)"#
    );
    assert_eq!(
        body("rpc/poster", "image/png"),
        r#"pg_catalog.encode((SELECT "cinema"."image/png"(made.pgrst_scalar) FROM pgrst_source AS made)::bytea, 'hex')"#
    );
}
