use ::sql::Statement;
use config::Config;
use http::Method;

use super::*;

mod call;

use crate::testing::{READER, catalog, config, get, request};
use crate::{Error, plan};

/// What stands around the query for the rows.
const SUFFIX: &str = ", nullif(pg_catalog.current_setting('response.headers', true), '') AS response_headers, \
                      nullif(pg_catalog.current_setting('response.status', true), '') AS response_status \
                      FROM pgrst_source AS page";
const JSON: &str = " SELECT null::bigint AS total_result_set, pg_catalog.count(*) AS page_total, \
                    coalesce(pg_catalog.json_agg(page.*), '[]') AS body";

fn compile(request: &Result<ApiRequest, Error>, config: &Config) -> Statement {
    let catalog = catalog();
    let request = request.as_ref().unwrap();
    let plan = plan(request, &catalog, config).unwrap();
    statements(request, &plan, &READER, &catalog, config).pop().unwrap()
}

/// Compares the query for the rows, in which `t.` stands for `"cinema"."films".`.
#[track_caller]
fn check(url: &str, expected: &str, parameters: &[&str]) {
    let statement = compile(&get(url, &[]), &config());
    let text =
        statement.text.strip_suffix(SUFFIX).and_then(|text| text.strip_suffix(JSON)).expect("the frame is there");
    let text =
        text.strip_prefix("WITH pgrst_source AS (").and_then(|text| text.strip_suffix(")")).expect("it is there");
    assert_eq!(text.replace("\"cinema\".\"films\".", "t."), expected, "{url}");
    let found: Vec<&str> = statement.parameters.iter().flatten().map(String::as_str).collect();
    assert_eq!(found, parameters, "{url}");
}

#[test]
fn ok_columns() {
    check("films", r#"SELECT t.* FROM "cinema"."films""#, &[]);
    check("films?select=", r#"SELECT t.* FROM "cinema"."films""#, &[]);
    check(
        "films?select=id,n:title,year::text",
        r#"SELECT t."id", t."title" AS "n", CAST(t."year" AS text) FROM "cinema"."films""#,
        &[],
    );
    check(
        "films?select=details->a->>0,tags->1",
        r#"SELECT t."details"->$1->>$2::int AS "a", to_jsonb(t."tags")->$3::int AS "tags" FROM "cinema"."films""#,
        &["a", "0", "1"],
    );
}

#[test]
fn ok_names_are_quoted() {
    check(
        r#"films?select="a\"b":"c\"%3B drop table x"&"%27$1"=eq.1"#,
        r#"SELECT t."c""; drop table x" AS "a""b" FROM "cinema"."films" WHERE t."'$1" = $1"#,
        &["1"],
    );
}

#[test]
fn ok_filters() {
    let select = r#"SELECT t.* FROM "cinema"."films" WHERE "#;
    let check = |query: &str, condition: &str, parameters: &[&str]| {
        check(&format!("films?{query}"), &format!("{select}{condition}"), parameters);
    };
    check("id=eq.1&title=not.like.*a%25", r#"t."id" = $1 AND NOT t."title" LIKE $2"#, &["1", "%a%"]);
    check(
        "id=gte(any).{1,2}&title=ilike(all).{*a}",
        r#"t."id" >= ANY ($1) AND t."title" ILIKE ALL ($2)"#,
        &["{1,2}", "{%a}"],
    );
    check(r#"title=in.(a,"b\"\\,)",c\)"#, r#"t."title" = ANY ($1)"#, &[r#"{"a","b\"\\,)","c\\"}"#]);
    check("id=in.()", r#"t."id" = ANY ($1)"#, &["{}"]);
    check("id=is.null&year=not.is.true", r#"t."id" IS NULL AND NOT t."year" IS TRUE"#, &[]);
    check(
        "year=isdistinct.1&tags=cs.{a}&id=adj.[1,2)",
        r#"t."id" -|- $1 AND t."tags" @> $2 AND t."year" IS DISTINCT FROM $3"#,
        &["[1,2)", "{a}", "1"],
    );
    check(
        "or=(id.eq.1,not.and(id.lt.2,year.is.null))",
        r#"(t."id" = $1 OR NOT (t."id" < $2 AND t."year" IS NULL))"#,
        &["1", "2"],
    );
    check("not.and=(id.eq.1)", r#"NOT (t."id" = $1)"#, &["1"]);
    check(
        "details->>a=eq.1&tags->0=eq.2",
        r#"t."details"->>$1 = $2 AND to_jsonb(t."tags")->$3::int = $4"#,
        &["a", "1", "0", "2"],
    );
}

/// In whatever order conditions are written, they make one statement; of one column they stay as they are.
#[test]
fn ok_filters_in_one_order() {
    let expected = r#"SELECT t.* FROM "cinema"."films" WHERE t."id" > $1 AND t."id" < $2 AND t."year" = $3"#;
    for query in ["id=gt.1&id=lt.9&year=eq.5", "year=eq.5&id=gt.1&id=lt.9", "id=gt.1&year=eq.5&id=lt.9"] {
        check(&format!("films?{query}"), expected, &["1", "9", "5"]);
    }
}

#[test]
fn ok_full_text_search() {
    let select = r#"SELECT t.* FROM "cinema"."films" WHERE "#;
    let check = |query: &str, condition: &str, parameters: &[&str]| {
        check(&format!("films?{query}"), &format!("{select}{condition}"), parameters);
    };
    check("plot=fts.a", r#"t."plot" @@ to_tsquery($1)"#, &["a"]);
    check("plot=plfts(german).a", r#"t."plot" @@ plainto_tsquery($1, $2)"#, &["german", "a"]);
    check("title=phfts.a", r#"to_tsvector(t."title") @@ phraseto_tsquery($1)"#, &["a"]);
    check(
        "details->a=wfts(simple).b",
        r#"to_tsvector($1, t."details"->$2) @@ websearch_to_tsquery($3, $4)"#,
        &["simple", "a", "simple", "b"],
    );
    // What is not a column may be a function that returns a tsvector.
    check("computed=fts.a", r#"t."computed" @@ to_tsquery($1)"#, &["a"]);
}

#[test]
fn ok_order_and_range() {
    check(
        "films?order=year.desc.nullslast,details->a.asc,id&limit=3&offset=6",
        r#"SELECT t.* FROM "cinema"."films" ORDER BY t."year" DESC NULLS LAST, t."details"->$1 ASC, t."id" LIMIT $2 OFFSET $3"#,
        &["a", "3", "6"],
    );
    check("films?limit=0", r#"SELECT t.* FROM "cinema"."films" LIMIT $1"#, &["0"]);
    check("films?offset=0", r#"SELECT t.* FROM "cinema"."films""#, &[]);
}

#[test]
fn ok_embedding_to_one() {
    check(
        "films?select=id,d:directors(name)&d.id=eq.1&order=d(name)",
        r#"SELECT t."id", row_to_json("embed.1".*) AS "d" FROM "cinema"."films" LEFT JOIN LATERAL (SELECT "directors_1"."name" FROM "cinema"."directors" AS "directors_1" WHERE "directors_1"."id" = $1 AND "directors_1"."id" = t."director_id") AS "embed.1" ON TRUE ORDER BY "embed.1"."name""#,
        &["1"],
    );
}

#[test]
fn ok_embedding_to_many_and_deeper() {
    check(
        "films?select=posters(films!inner(id)),roles!inner()",
        r#"SELECT row_to_json("embed.1".*) AS "posters" FROM "cinema"."films" LEFT JOIN LATERAL (SELECT row_to_json("embed.2".*) AS "films" FROM "cinema"."posters" AS "posters_1" JOIN LATERAL (SELECT "films_2"."id" FROM "cinema"."films" AS "films_2" WHERE "films_2"."id" = "posters_1"."film_id") AS "embed.2" ON TRUE WHERE "posters_1"."film_id" = t."id") AS "embed.1" ON TRUE JOIN LATERAL (SELECT json_agg("rows".*) AS body FROM (SELECT "roles_1".* FROM "cinema"."roles" AS "roles_1" WHERE "roles_1"."film_id" = t."id") AS "rows") AS "embed.3" ON "embed.3".body IS NOT NULL"#,
        &[],
    );
}

#[test]
fn ok_embedding_through_a_junction() {
    check(
        "films?select=actors(name)&actors=not.is.null",
        r#"SELECT coalesce("embed.1".body, '[]') AS "actors" FROM "cinema"."films" LEFT JOIN LATERAL (SELECT json_agg("rows".*) AS body FROM (SELECT "actors_1"."name" FROM "cinema"."actors" AS "actors_1", "cinema"."roles" AS "via.roles_1" WHERE "actors_1"."id" = "via.roles_1"."actor_id" AND "via.roles_1"."film_id" = t."id") AS "rows") AS "embed.1" ON TRUE WHERE "embed.1".body IS DISTINCT FROM NULL"#,
        &[],
    );
}

#[test]
fn ok_rows_max_holds_at_every_level() {
    let config = Config { db_max_rows: Some(10), ..config() };
    let limits = |url: &str| compile(&get(url, &[]), &config).parameters.into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(limits("films"), ["10"]);
    assert_eq!(limits("films?limit=3&offset=4"), ["3", "4"]);
    assert_eq!(limits("films?limit=30"), ["10"]);
    assert_eq!(limits("directors?select=films(id)&films.limit=20"), ["10", "10"]);
}

#[test]
fn ok_counts() {
    let counted = |url: &str, count: &str, config: &Config| {
        let text = compile(&get(url, &[("prefer", count)]), config).text;
        let (_, counted) = text.split_once("AS (SELECT \"cinema\".\"films\".").unwrap();
        counted.split_once(" AS total_result_set").unwrap().0.replace("\"cinema\".\"films\"", "films")
    };
    assert_eq!(counted("films", "count=exact", &config()), r#"* FROM films) SELECT pg_catalog.count(*)"#);
    assert_eq!(
        counted("films?select=id,directors!inner(id)&id=gt.1&limit=1", "count=exact", &config()),
        r#""id", row_to_json("embed.1".*) AS "directors" FROM films JOIN LATERAL (SELECT "directors_1"."id" FROM "cinema"."directors" AS "directors_1" WHERE "directors_1"."id" = films."director_id") AS "embed.1" ON TRUE WHERE films."id" > $1 LIMIT $2), pgrst_source_count AS (SELECT 1 FROM films WHERE films."id" > $3 AND EXISTS (SELECT 1 FROM "cinema"."directors" AS "directors_1" WHERE "directors_1"."id" = films."director_id")) SELECT (SELECT pg_catalog.count(*) FROM pgrst_source_count)"#
    );
    assert_eq!(
        counted("films", "count=planned", &config()),
        "* FROM films) SELECT nullif(pg_catalog.current_setting('headland.plan_rows', true), '')::bigint"
    );
    assert_eq!(
        counted("films", "count=estimated", &Config { db_max_rows: Some(9), ..config() }),
        "* FROM films LIMIT $1), pgrst_source_count AS (SELECT 1 FROM films LIMIT $2) SELECT (SELECT CASE WHEN n > 9 THEN greatest(n, nullif(pg_catalog.current_setting('headland.plan_rows', true), '')::bigint) ELSE n END FROM (SELECT pg_catalog.count(*) AS n FROM pgrst_source_count) AS counted)"
    );
}

#[test]
fn ok_estimate() {
    let catalog = catalog();
    let estimate = |url: &str, prefer: &str| {
        let request = get(url, &[("prefer", prefer)]).unwrap();
        let plan = plan(&request, &catalog, &config()).unwrap();
        statements(&request, &plan, &READER, &catalog, &config())
    };
    assert_eq!(estimate("films", "count=exact").len(), 2);
    let statements = &estimate("films?\"100%25\"=eq.'%25\"", "count=planned")[1..];
    assert_eq!(
        statements[0].text,
        "SELECT pg_catalog.set_config('headland.query', pg_catalog.format($1, VARIADIC $2::text[]), true)"
    );
    assert_eq!(
        statements[0].parameters,
        [
            r#"EXPLAIN (FORMAT JSON) SELECT 1 FROM "cinema"."films" WHERE "cinema"."films"."100%%" = %1$L"#,
            r#"{"'%\""}"#
        ]
        .map(|value| Some(value.to_owned()))
    );
    assert_eq!(statements.len(), 3);
}

#[test]
fn ok_execution_plan() {
    let config = Config { db_plan_enabled: true, ..config() };
    let catalog = catalog();
    let accept = "application/vnd.pgrst.plan+json; for=\"text/csv\"; options=verbose|analyze";
    let headers = [("accept", accept), ("prefer", "count=planned")];
    let request =
        crate::testing::request_under(Method::GET, "films?select=id&\"%25$1\"=eq.%25", &headers, &config).unwrap();
    let plan = plan(&request, &catalog, &config).unwrap();
    let statements = statements(&request, &plan, &READER, &catalog, &config);
    let [_, build, run, read] = statements.as_slice() else { panic!("settings, and three statements") };
    assert_eq!(
        build.text,
        "SELECT pg_catalog.set_config('headland.query', pg_catalog.format($1, VARIADIC $2::text[]), true)"
    );
    let template = build.parameters[0].as_deref().unwrap();
    let start = r#"EXPLAIN (FORMAT JSON, analyze, verbose) WITH pgrst_source AS (SELECT "cinema"."films"."id" FROM "cinema"."films" WHERE "cinema"."films"."%%$1" = %1$L) SELECT "#;
    assert!(template.starts_with(start) && template.contains("string_agg"), "{template}");
    assert_eq!(build.parameters[1].as_deref(), Some(r#"{"%"}"#));
    assert!(run.text.starts_with("DO $$"));
    assert_eq!(read.text, "SELECT pg_catalog.current_setting('headland.plan') AS body");
}

#[test]
fn ok_representations() {
    let body = |method: Method, accept: &str| {
        let text = compile(&request(method, "films", &[("accept", accept)]), &config()).text;
        text.split_once("page_total, ").unwrap().1.split_once(" AS body").unwrap().0.to_owned()
    };
    assert_eq!(body(Method::HEAD, "*/*"), "''");
    assert_eq!(
        body(Method::GET, "application/vnd.pgrst.object+json"),
        "coalesce(pg_catalog.json_agg(page.*)->0, 'null')"
    );
    assert!(body(Method::GET, "application/vnd.pgrst.array+json;nulls=stripped").contains("json_strip_nulls"));
    assert!(body(Method::GET, "text/csv").contains("json_object_keys"));
    assert_eq!(
        body(Method::GET, "application/geo+json"),
        "pg_catalog.json_build_object('type', 'FeatureCollection', 'features', \
         coalesce(pg_catalog.json_agg(st_asgeojson(page.*)::json), '[]'))"
    );
}

/// A prepared statement is found by its text, so the text must not depend on values.
#[test]
fn ok_one_shape_is_one_text() {
    let text = |url: &str| compile(&get(url, &[]), &config()).text;
    assert_eq!(text("films?id=eq.1&limit=1"), text("films?id=eq.999'&limit=70"));
    assert_eq!(text("films?id=in.(1,2)&details->>a=eq.b"), text("films?id=in.(3)&details->>c=eq.d"));
}

fn settings_of(request: &ApiRequest, caller: &Caller<'_>) -> Statement {
    let catalog = catalog();
    let plan = plan(request, &catalog, &config()).unwrap();
    settings::settings(request, &plan, caller, &catalog, &config())
}

#[test]
fn ok_settings() {
    let headers = [("X-Trace", "a\"b"), ("cookie", "a=1; b=2=3"), ("prefer", "timezone=Europe/Berlin")];
    let caller = Caller { claims_json: r#"{"sub":"x"}"#, ..READER };
    let statement = settings_of(&get("films", &headers).unwrap(), &caller);
    assert_eq!(
        statement.text,
        "SELECT pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config('role', $2, true), \
         pg_catalog.set_config('request.jwt.claims', $3, true), pg_catalog.set_config('request.method', $4, true), \
         pg_catalog.set_config('request.path', $5, true), pg_catalog.set_config('request.headers', $6, true), \
         pg_catalog.set_config('request.cookies', $7, true), pg_catalog.set_config('timezone', $8, true)"
    );
    let parameters: Vec<&str> = statement.parameters.iter().flatten().map(String::as_str).collect();
    assert_eq!(
        parameters,
        [
            r#""cinema", "public""#,
            "reader",
            r#"{"sub":"x"}"#,
            "GET",
            "/films",
            r#"{"prefer":"timezone=Europe/Berlin","x-trace":"a\"b"}"#,
            r#"{"a":"1","b":"2=3"}"#,
            "Europe/Berlin"
        ]
    );
}

/// Two callers whose headers differ send the same, where nothing reads them.
#[test]
fn ok_settings_of_a_request_that_nothing_reads() {
    let catalog = catalog();
    let settings = |headers: &[(&'static str, &'static str)]| {
        let request = get("films", headers).unwrap();
        let mut plan = plan(&request, &catalog, &config()).unwrap();
        plan.withhold_request();
        settings::settings(&request, &plan, &READER, &catalog, &config())
    };
    let statement = settings(&[("X-Trace", "1"), ("cookie", "a=1")]);
    assert_eq!(statement, settings(&[("User-Agent", "2")]));
    assert_eq!(statement.parameters[5..], [Some("{}".to_owned()), Some("{}".to_owned())]);
}

/// Before the role itself, because the one who connects may be allowed to set what the role may not.
#[test]
fn ok_settings_of_the_policy() {
    let catalog = catalog();
    let request = get("films", &[]).unwrap();
    let config = Config { app_settings: vec![("app.settings.host".into(), "x'y".into())], ..config() };
    let plan = plan(&request, &catalog, &config).unwrap();
    let statement = settings::settings(&request, &plan, &READER, &catalog, &config);
    let (name, value) = (statement.parameters.len() - 1, statement.parameters.len());
    let expected = format!(", pg_catalog.set_config(${name}, ${value}, true)");
    assert!(statement.text.ends_with(&expected), "{}", statement.text);
    assert_eq!(statement.parameters[name - 1..], [Some("app.settings.host".into()), Some("x'y".into())]);
}

#[test]
fn ok_settings_of_the_role() {
    let caller = Caller { role: "careful", ..READER };
    let (catalog, request) = (catalog(), get("films", &[]).unwrap());
    let statement = settings_of(&request, &caller);
    let expected = "SELECT pg_catalog.set_config('search_path', $1, true), pg_catalog.set_config($2, $3, true), \
                    pg_catalog.set_config($4, $5, true), pg_catalog.set_config('role', $6, true), ";
    assert!(statement.text.starts_with(expected), "{}", statement.text);
    let parameters: Vec<&str> = statement.parameters[1..6].iter().flatten().map(String::as_str).collect();
    assert_eq!(parameters, ["statement_timeout", "7s", "work_mem", "5MB", "careful"]);
    let plan = plan(&request, &catalog, &config()).unwrap();
    assert_eq!(plan.isolation(&caller, &catalog, &config()), Some(::sql::Isolation::RepeatableRead));
    assert_eq!(plan.isolation(&READER, &catalog, &config()), None);
}

/// Whatever is accepted compiles: quotes are in pairs, and every parameter is there.
#[test]
fn ok_random_queries_compile() {
    const PIECES: [&str; 40] = [
        "select=",
        "id",
        "title",
        ",",
        "details->a",
        "->>0",
        "::text",
        "directors(",
        "actors(",
        "roles!inner(",
        ")",
        "&",
        "id=eq.1",
        "or=(",
        "not.",
        "and(",
        "id.is.null",
        "order=",
        "directors(name)",
        ".desc",
        "limit=2",
        "directors.",
        "actors.",
        "\"a\\\"b\"",
        "=in.(1,\"2\")",
        "=fts(x).y",
        "=not.is.null",
        "*",
        "n:",
        "year.eq.5",
        "=cs.{1}",
        "offset=1",
        "posters()",
        "posters",
        "$a",
        "'",
        "%",
        "🙂",
        ";",
        "films.",
    ];
    let (catalog, config) = (catalog(), config());
    let mut random = fastrand::Rng::with_seed(11);
    let mut compiled = 0;
    for _ in 0..30_000 {
        let query: String = (0..random.usize(1..12)).map(|_| *random.choice(&PIECES).unwrap()).collect();
        let Ok(request) = get(&format!("films?{query}"), &[("prefer", "count=exact")]) else { continue };
        let Ok(plan) = plan(&request, &catalog, &config) else { continue };
        let Some(Statement { text, parameters }) = statements(&request, &plan, &READER, &catalog, &config).pop() else {
            panic!("nothing is run");
        };
        compiled += 1;
        assert_eq!(text.matches('"').count() % 2, 0, "{query}: {text}");
        let is_written = |number: usize| text.contains(&format!("${number}"));
        assert!((1..=parameters.len()).all(is_written), "{query}: {text}");
    }
    assert!(compiled > 1_000, "{compiled}");
}
