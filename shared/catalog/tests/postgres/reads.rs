//! What an answer follows from. Each row is created in a real PostgreSQL, and its line is what the catalog says of it.

use catalog::Relation;

use crate::cluster::Cluster;
use crate::introspect;

const SCHEMA: &str = include_str!("reads.sql");

/// Nothing but its tables and the caller's role decides.
const TABLES: &str = "determined";
/// The caller's claims as well.
const CLAIMS: &str = "determined, claims";
/// Something else, too.
const MORE: &str = "undetermined";
const MORE_AND_CLAIMS: &str = "undetermined, claims";

/// Queries of views.
const VIEWS: &[(&str, &str)] = &[
    ("select * from films", TABLES),
    ("select * from ok_view", TABLES),
    ("select 1 as one", TABLES),
    ("select upper(title), size + 1 as more, title || 'x' as x, title ~ 'a' as a from films", TABLES),
    (
        "select count(*), json_agg(f), string_agg(f.title, ','), to_char(at, 'YYYY') as y from films f group by at",
        TABLES,
    ),
    ("select percentile_cont(0.5) within group (order by size) as half from films", TABLES),
    ("select rank() over (order by size), sum(size) over (order by id) from films", TABLES),
    ("select id from films where to_tsvector(title) @@ plainto_tsquery('a') and size = any (array[1, 2])", TABLES),
    (
        "select to_jsonb(f) as body, row_to_json(f) as other, concat(id, at) as c, format('%s', at) as f from films f",
        TABLES,
    ),
    // Dates that are in the tables, or were made with the view.
    ("select at::date as d, at::text as t, at + '1 day'::interval as n, extract(year from at) as y from films", TABLES),
    (
        "select age(at, '2024-01-01') as a, at > '2024-01-01'::date as later, date_trunc('day', at) as d from films",
        TABLES,
    ),
    ("select 'now'::timestamptz as made, (size || ' days')::interval as days from films", TABLES),
    // Text as other types.
    (
        "select title::integer as i, title::uuid as u, title::jsonb as j, title::text[] as l, title::mood as m from films",
        TABLES,
    ),
    ("select title::timestamptz as t from films", MORE),
    ("select title::date as t from films", MORE),
    ("select title::timestamp[] as t from films", MORE),
    ("select title::tstzrange as t from films", MORE),
    ("select title::regclass as t from films", MORE),
    ("select * from jsonb_to_record('{}') as x(at timestamptz)", MORE),
    ("select * from xmltable('/a' passing xml '<a/>' columns at timestamptz)", MORE),
    // Clocks.
    ("select now() as t", MORE),
    ("select id from films where at > current_date", MORE),
    ("select current_timestamp(3) as t", MORE),
    ("select localtime as t", MORE),
    ("select clock_timestamp() as t", MORE),
    ("select transaction_timestamp() as t", MORE),
    ("select age(at) as t from films", MORE),
    ("select at::time::timetz as t from films", MORE),
    ("select * from films join (select now() as t) as x on at < t", MORE),
    ("with recursive x as (select 1 as n union all select n + 1 from x where random() < 0.5) select * from x", MORE),
    // Who asks, and where.
    ("select current_user as a, current_role as b, user as c, current_catalog as d", TABLES),
    ("select session_user as a", MORE),
    ("select current_schema as a", MORE),
    ("select inet_client_addr() as a", MORE),
    ("select has_table_privilege('app.films', 'select') as a", MORE),
    ("select pg_backend_pid() as a", MORE),
    ("select txid_current() as a", MORE),
    ("select version() as a", MORE),
    ("select random() as a", MORE),
    ("select nextval('counter') as a", MORE),
    ("select last_value from counter", MORE),
    // Settings.
    ("select current_setting('request.jwt.claims') as a", CLAIMS),
    ("select current_setting('request.jwt.claim.sub', true)::uuid = id as a from people", CLAIMS),
    ("select current_setting('request.headers') as a", MORE_AND_CLAIMS),
    ("select current_setting('app.x') as a", MORE_AND_CLAIMS),
    ("select current_setting('request.jw' || 't') as a", MORE_AND_CLAIMS),
    ("select current_setting(current_setting('request.jwt.claims')) as a", MORE_AND_CLAIMS),
    ("select query_to_xml('select 1', true, true, '') as a", MORE_AND_CLAIMS),
    // Names that look like fields.
    (
        r#"select 1 as ":funcid 1299", 'x' as "{SQLVALUEFUNCTION :op 0 }" from (select 1 as ":resulttype 1184 :resultcollid") as ":varattno -2 ""#,
        TABLES,
    ),
    // What is no table of ours, and no row of a table.
    ("select relname from pg_class", MORE),
    ("select id from films where exists (select from pg_roles)", MORE),
    ("select table_name from information_schema.tables", MORE),
    ("select * from remote", MORE),
    ("select * from unlogged", MORE),
    ("select * from films tablesample system (50)", MORE),
    ("select xmin from films", MORE),
    ("select ctid from films", MORE),
    ("select tableoid from films", TABLES),
    // Functions of users.
    ("select immutable(1)", TABLES),
    ("select volatile(1)", MORE_AND_CLAIMS),
    ("select reads_a_table()", MORE_AND_CLAIMS),
    ("select with_default()", MORE_AND_CLAIMS),
    ("select 1 <#> 2 as a", MORE_AND_CLAIMS),
    ("select most(size) from films", TABLES),
    ("select odd(size) from films", MORE_AND_CLAIMS),
    ("select odd(size) over (order by id) from films", MORE_AND_CLAIMS),
    ("select auth.uid(), auth.role(), auth.jwt()", CLAIMS),
    ("select hidden_claims()", CLAIMS),
    // What lies below.
    ("select * from no_now", MORE),
    ("select * from no_now_at_all", MORE),
    ("select * from stored", TABLES),
    ("select * from parent", TABLES),
    ("select * from parent_of_remote", MORE),
    ("select * from secured", CLAIMS),
    ("select * from parent_of_secured", CLAIMS),
];

/// The same of servers from a version on.
const NEWER_VIEWS: &[(u32, &str, &str)] = &[
    (170_000, "select json_value('{}', '$.a' returning timestamptz) as a", MORE),
    (170_000, "select * from json_table('[]', '$[*]' columns (at timestamptz)) as a", MORE),
    (160_000, "select json_array(1, '2') as a, json_arrayagg(id) as b from films", TABLES),
];

/// What policies for SELECT use; the row's other tables are those that are read.
const POLICIES: &[(&str, &str, &[&str])] = &[
    ("true", CLAIMS, &[]),
    ("owner = auth.uid()", CLAIMS, &[]),
    ("owner = (select auth.uid())", CLAIMS, &[]),
    ("current_setting('request.jwt.claims', true)::json ->> 'role' = 'x'", CLAIMS, &[]),
    ("exists (select from people where id = owner)", CLAIMS, &["people"]),
    ("exists (select from ok_view v where v.id = people)", CLAIMS, &["films"]),
    ("exists (select from secured s where s.person = owner)", CLAIMS, &["people", "secured"]),
    ("exists (select from pg_roles where rolname = 'x')", MORE_AND_CLAIMS, &[]),
    ("exists (select from no_now)", MORE_AND_CLAIMS, &["films"]),
    ("now() > '2024-01-01'", MORE_AND_CLAIMS, &[]),
    ("pg_has_role('pg_monitor', 'member')", MORE_AND_CLAIMS, &[]),
    ("is_member(owner)", MORE_AND_CLAIMS, &[]),
];

/// Stable functions in SQL that return text.
const BODIES: &[(&str, &str)] = &[
    ("select 'a'", TABLES),
    ("select lower('it''s') || trim($1) || current_user", TABLES),
    ("select case when $1 is null then 'FROM now()' else 'x -- y' end", TABLES),
    ("select current_setting('request.jwt.claims', true)", CLAIMS),
    ("SELECT pg_catalog.current_setting( 'request.jwt.claim.sub' )", CLAIMS),
    ("select current_setting('request.jwt.claims')::json #>> '{a,b}'", CLAIMS),
    ("select current_setting('app.x')", MORE_AND_CLAIMS),
    ("select current_setting('app.x', 'request.jwt' is null)", MORE_AND_CLAIMS),
    ("select current_setting($1)", MORE_AND_CLAIMS),
    ("select now()::text", MORE_AND_CLAIMS),
    ("select current_date::text", MORE_AND_CLAIMS),
    ("select $1::timestamptz::text", MORE_AND_CLAIMS),
    ("select ''::text || (select max(title) from app.films)", MORE_AND_CLAIMS),
    ("table app.titles", MORE_AND_CLAIMS),
    ("select app.uuid('x')", MORE_AND_CLAIMS),
    ("select /* ' */ now()::text /* ' */", MORE_AND_CLAIMS),
    ("select 'a' -- '\n || now() --'", MORE_AND_CLAIMS),
    (r"select e'\'' || now() || e'\''", MORE_AND_CLAIMS),
    (r#"select "session_user"()::text"#, MORE_AND_CLAIMS),
    ("select $a$'$a$ || now() || $a$'$a$", MORE_AND_CLAIMS),
];

#[test]
fn what_a_view_is_made_of() {
    let Some(cluster) = start() else { return };
    let version: u32 = cluster.run("postgres", "show server_version_num").trim().parse().expect("it is a number");
    let newer =
        NEWER_VIEWS.iter().filter(|(least, ..)| version >= *least).map(|(_, query, expected)| (*query, *expected));
    let rows: Vec<_> = VIEWS.iter().copied().chain(newer).collect();
    let create = |(number, (query, _)): (usize, &(&str, _))| format!("create view row_{number} as {query};\n");
    run(&cluster, &rows.iter().enumerate().map(create).collect::<String>());
    check(&cluster, &rows);
}

#[test]
fn what_a_policy_asks() {
    let Some(cluster) = start() else { return };
    for (number, (using, ..)) in POLICIES.iter().enumerate() {
        let table = format!("create table row_{number} (owner uuid, people integer)");
        let policy = format!("create policy reading on row_{number} for select using ({using})");
        let others = format!("create policy writing on row_{number} for insert with check (now() is null)");
        run(&cluster, &format!("{table}; alter table row_{number} enable row level security; {policy}; {others};"));
        run(&cluster, &format!("create view above_{number} as select * from row_{number}"));
    }
    check(&cluster, &POLICIES.iter().map(|(using, expected, _)| (*using, *expected)).collect::<Vec<_>>());
    let catalog = introspect(&cluster, "authenticator", &["app"]);
    for (number, (using, expected, read)) in POLICIES.iter().enumerate() {
        let itself = format!("row_{number}");
        let tables: Vec<&str> = read.iter().copied().chain([itself.as_str()]).collect();
        for name in [&itself, &format!("above_{number}")] {
            let relation = catalog.relation("app", name).expect("it was created");
            let sources: Vec<_> = relation.sources().map(|source| source.name).collect();
            assert_eq!((says(relation), sources), (*expected, tables.clone()), "{name}: {using}");
        }
    }
}

#[test]
fn what_the_text_of_a_function_shows() {
    let Some(cluster) = start() else { return };
    for (number, (body, _)) in BODIES.iter().enumerate() {
        let function =
            format!("create function body_{number}(text) returns text stable language sql as $body${body}$body$");
        run(&cluster, &format!("{function}; create view row_{number} as select body_{number}('x') as x"));
    }
    check(&cluster, BODIES);
}

#[test]
fn what_notifies_of_its_writes() {
    let Some(cluster) = start() else { return };
    let watched = || -> Vec<String> {
        let catalog = introspect(&cluster, "authenticator", &["app"]);
        let sources = catalog.relations().flat_map(|relation| relation.sources().filter(|source| source.is_watched));
        let mut names: Vec<_> = sources.map(|source| source.name.to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(watched(), ["films", "people"]);
    run(&cluster, "alter table people disable trigger headland");
    assert_eq!(watched(), ["films"]);
    run(&cluster, "create event trigger headland on ddl_command_end execute function headland.changed()");
    assert_eq!(watched(), ["films", "stored"]);
    run(&cluster, "alter event trigger headland disable");
    assert_eq!(watched(), ["films"]);
    // By the log, if it tells of all that writes; of partitions with what they are parts of.
    run(
        &cluster,
        "create publication headland for table films, titles, parent with (publish = 'insert, update, delete')",
    );
    assert_eq!(watched(), ["films"]);
    run(&cluster, "alter publication headland set (publish = 'insert, update, delete, truncate')");
    assert_eq!(watched(), ["child", "films", "parent", "titles"]);
}

/// A cluster with what the rows use.
fn start() -> Option<Cluster> {
    let cluster = Cluster::start()?;
    run(&cluster, SCHEMA);
    Some(cluster)
}

fn run(cluster: &Cluster, script: &str) {
    cluster.run("postgres", &format!("set client_min_messages = warning; set search_path = app;\n{script}"));
}

/// Asks for the relations `row_0`, `row_1` and so on.
#[track_caller]
fn check(cluster: &Cluster, rows: &[(&str, &str)]) {
    let catalog = introspect(cluster, "authenticator", &["app"]);
    let line = |number: usize, query: &str, says: &str| format!("{number}: {query}: {says}\n");
    let found = |(number, (query, _)): (usize, &(&str, _))| {
        let relation = catalog.relation("app", &format!("row_{number}")).expect("it was created");
        line(number, query, says(relation))
    };
    let found: String = rows.iter().enumerate().map(found).collect();
    let expected: String = rows.iter().enumerate().map(|(number, (query, says))| line(number, query, says)).collect();
    crate::compare(&found, &expected);
}

fn says(relation: Relation<'_>) -> &'static str {
    match (relation.is_determined(), relation.reads_claims()) {
        (true, false) => TABLES,
        (true, true) => CLAIMS,
        (false, false) => MORE,
        (false, true) => MORE_AND_CLAIMS,
    }
}
