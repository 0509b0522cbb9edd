use ::sql::Statement;
use http::Method;

use crate::testing::{READER, catalog, config, sent_under};
use crate::{plan, statements};

/// The statements after the settings.
fn compiled(request: &str, prefer: &str, body: &str) -> Vec<Statement> {
    let (method, url) = request.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let mut headers = vec![("prefer", prefer)];
    headers.retain(|(_, value)| !value.is_empty());
    let mut config = config();
    config.db_tx_end.is_overridable = true;
    let request = sent_under(method, url, &headers, body, &config).unwrap();
    let catalog = catalog();
    let plan = plan(&request, &catalog, &config).unwrap();
    let mut statements = statements(&request, &plan, &READER, &catalog, &config);
    statements.remove(0);
    statements
}

/// Compares what is written, and the parameters. `c.` stands for `"cinema".`, `b.` for `pgrst_body.`
#[track_caller]
fn check(request: &str, prefer: &str, body: &str, expected: &str, parameters: &[&str]) {
    let statement = compiled(request, prefer, body).remove(0);
    let text = statement.text.strip_prefix("WITH pgrst_written AS (").expect("the frame is there");
    let end = text.find("), pgrst_source AS (").or_else(|| text.find(") SELECT CASE WHEN")).expect("it ends");
    let text = text[..end].replace("\"cinema\".", "c.").replace("pgrst_body.", "b.").replace("pg_catalog.", "");
    assert_eq!(text, expected, "{request}");
    let found: Vec<&str> = statement.parameters.iter().flatten().map(String::as_str).collect();
    assert_eq!(found, parameters, "{request}");
}

#[test]
fn ok_insert() {
    let body = r#"{"title": "It's", "id": 1}"#;
    check(
        "POST films",
        "",
        body,
        r#"INSERT INTO c."films"("id", "title") SELECT b."id", b."title" FROM json_to_record($1::json) AS pgrst_body("id" integer, "title" text) RETURNING 1"#,
        &[body],
    );
    check(
        "POST films?columns=title&select=id,directors(name),decade&order=year",
        "return=representation",
        r#"[{"title": 1}]"#,
        r#"INSERT INTO c."films"("title") SELECT b."title" FROM json_to_recordset($1::json) AS pgrst_body("title" text) RETURNING c."films"."decade", c."films"."director_id", c."films"."id", c."films"."year""#,
        &[r#"[{"title": 1}]"#],
    );
    check(
        "POST films",
        "return=representation",
        "{}",
        r#"INSERT INTO c."films" SELECT FROM (VALUES (1)) AS pgrst_body RETURNING c."films".*"#,
        &[],
    );
    check(
        "POST roles",
        "return=headers-only",
        "[{}, {}]",
        r#"INSERT INTO c."roles" SELECT FROM json_array_elements($1::json) AS pgrst_body RETURNING c."roles"."actor_id", c."roles"."film_id""#,
        &["[{}, {}]"],
    );
    // A domain that has a function to read it.
    check(
        "POST swatches",
        "",
        r#"{"shade": "2a"}"#,
        r#"INSERT INTO c."swatches"("shade") SELECT cinema."shade 100%"(b."shade") FROM json_to_record($1::json) AS pgrst_body("shade" json) RETURNING 1"#,
        &[r#"{"shade": "2a"}"#],
    );
}

#[test]
fn ok_upsert() {
    let body = r#"{"id": 1, "name": "x"}"#;
    let insert = r#"INSERT INTO c."actors"("id", "name") SELECT b."id", b."name" FROM json_to_record($1::json) AS pgrst_body("id" integer, "name" text)"#;
    let counted = "set_config('headland.inserted', (coalesce(nullif(current_setting('headland.inserted', true), '')::int, 0) + 1)::text, true) <> ''";
    let uncounted =
        "set_config('headland.inserted', (current_setting('headland.inserted', true)::int - 1)::text, true) <> ''";
    let update = format!(r#"DO UPDATE SET "id" = EXCLUDED."id", "name" = EXCLUDED."name" WHERE {uncounted}"#);
    check(
        "POST actors",
        "resolution=ignore-duplicates",
        body,
        &format!(r#"{insert} ON CONFLICT ("id") DO NOTHING RETURNING 1"#),
        &[body],
    );
    check(
        "POST actors?on_conflict=name,id",
        "resolution=merge-duplicates",
        body,
        &format!(r#"{insert} WHERE {counted} ON CONFLICT ("name", "id") {update} RETURNING 1"#),
        &[body],
    );
    check(
        "PUT actors?id=eq.1",
        "",
        body,
        &format!(r#"{insert} WHERE {counted} AND "pgrst_body"."id" = $2 ON CONFLICT ("id") {update} RETURNING 1"#),
        &[body, "1"],
    );
}

#[test]
fn ok_update_and_delete() {
    check(
        "PATCH films?id=eq.1&or=(year.gt.2,title.is.null)&limit=3&order=id",
        "",
        r#"{"year": 2, "title": "x"}"#,
        r#"UPDATE c."films" SET "title" = b."title", "year" = b."year" FROM json_to_record($1::json) AS pgrst_body("title" text, "year" integer) WHERE c."films"."id" = $2 AND (c."films"."year" > $3 OR c."films"."title" IS NULL) RETURNING 1"#,
        &[r#"{"year": 2, "title": "x"}"#, "1", "2"],
    );
    check(
        "PATCH films?id=eq.1&select=id",
        "return=representation",
        "{}",
        r#"SELECT c."films"."id" FROM c."films" WHERE false"#,
        &[],
    );
    check(
        "DELETE films?details->>a=eq.b",
        "",
        "",
        r#"DELETE FROM c."films" WHERE c."films"."details"->>$1 = $2 RETURNING 1"#,
        &["a", "b"],
    );
    check(
        "DELETE films?select=stars(name)",
        "return=representation",
        "",
        r#"DELETE FROM c."films" RETURNING c."films".*"#,
        &[],
    );
}

#[test]
fn ok_what_is_shown() {
    let statement = compiled(
        "PATCH films?id=eq.1&select=id,directors!inner(name)&directors.id=gt.2&order=year",
        "return=representation, handling=strict, max-affected=7",
        r#"{"year": 2}"#,
    )
    .remove(0);
    let (_, shown) = statement.text.split_once("), pgrst_source AS (").unwrap();
    let (rows, rest) = shown.split_once(") SELECT CASE").unwrap();
    assert_eq!(
        rows,
        r#"SELECT "pgrst_written"."id", row_to_json("embed.1".*) AS "directors" FROM pgrst_written AS "pgrst_written" JOIN LATERAL (SELECT "directors_1"."name" FROM "cinema"."directors" AS "directors_1" WHERE "directors_1"."id" > $3 AND "directors_1"."id" = "pgrst_written"."director_id") AS "embed.1" ON TRUE ORDER BY "pgrst_written"."year""#
    );
    assert!(rest.starts_with(
        " WHEN (SELECT pg_catalog.count(*) FROM pgrst_written) < 0 THEN 0 WHEN (SELECT pg_catalog.count(*) FROM pgrst_written) > $4::bigint THEN ('headland:refused:max-affected:' ||"
    ), "{rest}");
    assert!(rest.ends_with("AS response_status FROM pgrst_source AS page"), "{rest}");
    assert_eq!(statement.parameters.len(), 4);
}

#[test]
fn ok_rollback_comes_last() {
    let texts = |request: &str, prefer: &str| -> Vec<String> {
        compiled(request, prefer, "{}").into_iter().skip(1).map(|statement| statement.text).collect()
    };
    assert_eq!(texts("POST films", "tx=rollback"), ["SET CONSTRAINTS ALL IMMEDIATE", "ROLLBACK"]);
    assert!(texts("POST films", "tx=commit").is_empty());
    assert!(texts("GET films", "tx=rollback").is_empty());
}

/// A prepared statement is found by its text, so the text must not depend on values.
#[test]
fn ok_one_shape_is_one_text() {
    let text = |request: &str, body: &str| compiled(request, "", body).remove(0).text;
    assert_eq!(text("POST films", r#"{"id": 1}"#), text("POST films", r#"{"id": {"x": "y'"}}"#));
    assert_eq!(text("POST films", r#"[{"id": 1}]"#), text("POST films", r#"[{"id": 1}, {"id": 2}]"#));
    assert_eq!(text("PATCH films?id=eq.1", r#"{"id": 1}"#), text("PATCH films?id=eq.2'", r#"{"id": null}"#));
}
