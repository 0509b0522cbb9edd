//! A Postgres that crashes forgets the numbers of transactions that left nothing on disk, and gives them to others.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use libtest_mimic::Trial;

use crate::harness::{Apart, Part, Psql, Source, get, send};
use crate::{Outcome, test_by_source};

const POLICY: &str = "db-anon-role = 'anon'\ncatalog-max-age = 3600\n";
/// Numbers that may be given again, of transactions that do nothing.
const ROLLED_BACK: usize = 200;
/// Postgres may write to disk at any moment that they were taken, so not each attempt does it.
const ATTEMPTS: usize = 8;
/// How soon all is well after a start.
const SOON: Duration = Duration::from_secs(5);

pub(crate) fn tests() -> Vec<Trial> {
    test_by_source("a_number_that_postgres_gives_twice", a_number_that_postgres_gives_twice)
}

/// What was stored before contains the number already, and not what was written under it since.
fn a_number_that_postgres_gives_twice(source: Source) -> Outcome {
    let apart = Apart::start("crash", source, POLICY, 1, &[])?;
    let mut psql = Psql::start(&apart.superuser_url)?;
    let ddl = "create table crashed (id int primary key, n int); grant all on crashed to anon; \
        insert into crashed values (1, 0)";
    apart.change_schema(&mut psql, ddl, "/rest/v1/crashed")?;
    let url = format!("{}/rest/v1/crashed", apart.edge_urls()[0]);
    for n in 1..=ATTEMPTS {
        // Another request each time, so that it is a query, whose snapshot has all the numbers.
        let read = format!("{url}?select=n&id=lt.{}", n + 1);
        psql.run(&"begin; select pg_current_xact_id(); rollback; ".repeat(ROLLED_BACK))?;
        let last = number(&mut psql, "select pg_snapshot_xmax(pg_current_snapshot())")?;
        ensure!(get(&read)?.body == format!(r#"[{{"n":{}}}]"#, n - 1), "not read");
        apart.kill(Part::Postgres);
        apart.begin(Part::Postgres)?;
        psql = Psql::start(&apart.superuser_url)?;
        until_writers_are_known(&url)?;
        let written = send("PATCH", &format!("{url}?id=eq.1"), &[], &format!(r#"{{"n":{n}}}"#))?;
        ensure!(written.status == 204, "{}", written.body);
        let written_as = number(&mut psql, "select xmin from crashed")?;
        let reply = get(&read)?;
        let how = reply.header("cache-status").unwrap_or_default();
        ensure!(
            reply.body == format!(r#"[{{"n":{n}}}]"#),
            "{how} {} after {n} was written as {written_as}",
            reply.body
        );
        if written_as < last {
            return Ok(());
        }
    }
    bail!("no number was given twice in {ATTEMPTS} attempts")
}

/// Waits until the gateway says that an answer is still good.
fn until_writers_are_known(url: &str) -> Outcome {
    let began = Instant::now();
    loop {
        let reply = get(&format!("{url}?select=id"))?;
        if reply.header("cache-status").is_some_and(|how| how.contains("fwd-status=304")) {
            return Ok(());
        }
        ensure!(began.elapsed() < SOON, "not well after {SOON:?}: {reply:?}");
        sleep(Duration::from_millis(20));
    }
}

fn number(psql: &mut Psql, sql: &str) -> anyhow::Result<u64> {
    psql.run(sql)?.last().and_then(|row| row.parse().ok()).context("no number")
}
