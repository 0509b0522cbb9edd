//! Everybody at once asks for what has just been made wrong: one query for each key, whatever their number.

use std::thread::scope;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Apart, Client, Psql, Source, send};
use crate::trips::Counted;
use crate::{Outcome, test};

const POLICY: &str = "db-anon-role = 'anon'\ncatalog-max-age = 3600\n\
    relations.hot_edge.cache = 'edge'\nrelations.hot_edge.cache-max-age = 60\n";
const CONNECTIONS: usize = 200;
/// On each connection one after the other: 10,000 in all.
const REQUESTS: usize = 50;
/// How often each answer is asked for before, so that instances have it, and KV too.
const ASKED: usize = 4;
const KEYS: [usize; 2] = [1, 100];
/// After DDL: of the schema, of what is asked for, and of that once more if the gateway has heard of the DDL before it has looked.
const QUERIES_AFTER_DDL: u64 = 3;
const TABLES: [&str; 2] = ["hot_region", "hot_edge"];

pub(crate) fn tests() -> Vec<Trial> {
    let is_absent = Psql::absent().is_some();
    let tests = [
        test("emulator::stored::a_stampede_is_one_query", a_stampede_is_one_query),
        test("emulator::stored::a_new_schema_is_looked_at_once", a_new_schema_is_looked_at_once),
    ];
    tests.map(|test| test.with_ignored_flag(is_absent)).into()
}

fn a_stampede_is_one_query() -> Outcome {
    let apart = Apart::start("stampede", Source::Triggers, POLICY, 1, &[])?;
    let mut psql = Psql::start(&apart.superuser_url)?;
    apart.change_schema(&mut psql, &TABLES.map(ddl).concat(), "/rest/v1/hot_edge")?;
    for table in TABLES {
        let mut seen = String::new();
        for (round, keys) in KEYS.into_iter().enumerate() {
            seen =
                stampede(&apart, table, keys, round + 1, &seen).with_context(|| format!("{keys} keys of {table}"))?;
        }
    }
    Ok(())
}

fn ddl(table: &str) -> String {
    format!(
        "create table {table} (id int primary key, n int); grant all on {table} to anon; \
         insert into {table} select id, 0 from generate_series(1, 100) as id; "
    )
}

/// DDL while everybody asks: all that are under way were planned with the schema before it. What they ask for is a query anew,
/// as it is another answer, and so is the schema; instances that come and go meanwhile do not add to that.
fn a_new_schema_is_looked_at_once() -> Outcome {
    let apart = Apart::start("new-schema", Source::Triggers, POLICY, 1, &[])?;
    let mut psql = Psql::start(&apart.superuser_url)?;
    apart.change_schema(&mut psql, &ddl("hot_region"), "/rest/v1/hot_region")?;
    let url = format!("{}/rest/v1/hot_region?select=n&id=eq.1", apart.edge_urls()[0]);
    let url = |_| url.clone();
    all_ask(&url, ASKED, "", r#"[{"n":0}]"#)?;
    let before = Counted::of(&apart.gateway_url())?;
    scope(|scope| -> Outcome {
        let asking = scope.spawn(|| all_ask(&url, REQUESTS, "", r#"[{"n":0}]"#));
        psql.run(&format!("begin; {}commit", ddl("hot_edge")))?;
        asking.join().expect("asking does not panic")
    })?;
    let after = Counted::of(&apart.gateway_url())?;
    let (queries, requests) = (after.trips - before.trips, after.requests - before.requests);
    ensure!((2..=QUERIES_AFTER_DDL).contains(&queries), "{queries} queries, {requests} requests to the gateway");
    Ok(())
}

/// All ask before and after a write; gives its snapshot, if they carry it: where an edge answers by itself.
fn stampede(apart: &Apart, table: &str, keys: usize, n: usize, seen: &str) -> anyhow::Result<String> {
    let base = format!("{}/rest/v1/{table}", apart.edge_urls()[0]);
    let url = |index: usize| format!("{base}?select=n&id=eq.{}", index % keys + 1);
    all_ask(&url, ASKED, seen, &format!(r#"[{{"n":{}}}]"#, n - 1))?;
    let written = send("PATCH", &format!("{base}?id=gt.0"), &[], &format!(r#"{{"n":{n}}}"#))?;
    let snapshot = written.header("headland-snapshot").context("no snapshot")?;
    let snapshot = if table == "hot_edge" { snapshot } else { "" };
    let before = Counted::of(&apart.gateway_url())?;
    all_ask(&url, REQUESTS, snapshot, &format!(r#"[{{"n":{n}}}]"#))?;
    let after = Counted::of(&apart.gateway_url())?;
    let queries = after.trips - before.trips;
    ensure!(queries == keys as u64, "{queries} queries, {} requests to the gateway", after.requests - before.requests);
    Ok(snapshot.to_owned())
}

/// So many requests on each connection, which all have the same answer. As clients do, each says of itself what others do not.
fn all_ask(url: &(impl Fn(usize) -> String + Sync), requests: usize, snapshot: &str, expected: &str) -> Outcome {
    let ask = &|index: usize| -> Outcome {
        let (client, url) = (Client::default(), url(index));
        for number in 0..requests {
            let trace = format!("{index}-{number}");
            let headers = [("x-request-id", trace.as_str()), ("headland-snapshot", snapshot)];
            let told = if snapshot.is_empty() { 1 } else { 2 };
            let reply = client.send("GET", &url, &headers[..told], "")?;
            ensure!((reply.status, reply.body.as_str()) == (200, expected), "{url}: {reply:?}");
        }
        Ok(())
    };
    scope(|scope| {
        let asking: Vec<_> = (0..CONNECTIONS).map(|index| scope.spawn(move || ask(index))).collect();
        asking.into_iter().try_for_each(|asking| asking.join().expect("asking does not panic"))
    })
}
