//! Callers at several edges, sessions beside the gateway, and everything killed on the way: nobody is given what is too old.
//!
//! Each row belongs to one writer, who counts it up, so that its value is its version: the checker of the simulation knows
//! which one everybody wrote and saw. A table has the rows of many writers, whose transactions are long and are committed in any
//! order. What is killed, with SIGKILL and in turn: the process of all edges, that of the gateway, Postgres' first process, and
//! (by `pg_terminate_backend`) the gateway's sessions with its listener's among them.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use freshness::{Checker, Version};
use libtest_mimic::Trial;

use crate::harness::{Apart, Part, Psql, Reply, Source, send};
use crate::{Outcome, test_by_source};

const LENGTH: Duration = Duration::from_secs(30);
const EDGES: usize = 3;
/// One trip in a hundred fails, half of them after it has been handled; KV is seen late.
const NETWORK: &[&str] = &["--kv-delay", "2s", "--rtt", "10ms", "--drop", "1%"];
const POLICY: &str = "db-anon-role = 'anon'\ncatalog-max-age = 3600\nregion-timeout = 3000\n\
    relations.counted_2.cache = 'edge'\nrelations.counted_2.cache-max-age = 2\n";

const TABLES: usize = 3;
/// The one that edges answer by themselves, and how old such answers may be.
const EDGE_TABLE: usize = 2;
const AGE_MAX: Duration = Duration::from_secs(2);
/// Half of them carry their snapshot; of each half, half stay at an edge.
const CALLERS: usize = 12;
const SESSIONS: usize = 4;
/// In each table, one of each writer.
const ROWS: usize = CALLERS + SESSIONS;

/// How long a notification takes at most: milliseconds, on a machine that is not busy. A commit that was not notified of is
/// found out after twice `SILENCE_MAX` of the gateway at the latest, 6 s; this is what holds while nothing is wrong.
const NOTIFIED_AFTER: Duration = Duration::from_secs(1);
/// From one accident to the next.
const QUIET: Range<u64> = 500..3_000;
/// For how long what was killed is away.
const AWAY: Range<u64> = 0..500;

pub(crate) fn tests() -> Vec<Trial> {
    test_by_source("nobody_is_wronged_by_kills", nobody_is_wronged)
}

fn nobody_is_wronged(source: Source) -> Outcome {
    let seed = std::env::var("HEADLAND_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    World::begin(source, seed)?.run().with_context(|| format!("with HEADLAND_SEED={seed}"))
}

struct World {
    seed: u64,
    apart: Apart,
    checker: Mutex<Checker>,
    began: Instant,
    counted: Counted,
}

/// How often things happened.
#[derive(Debug, Default)]
struct Counted {
    /// Requests that were answered with what was asked for, and those that were not because something was dead.
    answered: AtomicUsize,
    failed: AtomicUsize,
    /// Of the former: without a trip, without a query, and while the region did not answer.
    hits: AtomicUsize,
    unchanged: AtomicUsize,
    unreachable: AtomicUsize,
    /// Writes through the gateway, and transactions of sessions.
    writes: AtomicUsize,
    commits: AtomicUsize,
    accidents: AtomicUsize,
}

impl World {
    fn begin(source: Source, seed: u64) -> anyhow::Result<World> {
        let apart = Apart::start("kills", source, POLICY, EDGES, NETWORK)?;
        let mut psql = Psql::start(&apart.superuser_url)?;
        let tables: String = (0..TABLES)
            .map(|table| {
                let Range { start, end } = rows(table);
                format!(
                    "create table counted_{table} (id int primary key, n int not null); \
                     insert into counted_{table} select id, 0 from generate_series({start}, {end} - 1) as id; "
                )
            })
            .collect();
        let all: Vec<String> = (0..TABLES).map(|table| format!("select id, n from counted_{table}")).collect();
        let view = format!("create view counted_all as {}", all.join(" union all "));
        let ddl = format!("{tables}{view}; grant all on all tables in schema public to anon");
        apart.change_schema(&mut psql, &ddl, "/rest/v1/counted_all")?;
        let checker = Mutex::new(Checker::new(TABLES * ROWS, CALLERS));
        Ok(World { seed, apart, checker, began: Instant::now(), counted: Counted::default() })
    }

    fn run(&self) -> Outcome {
        scope(|scope| {
            let callers = (0..CALLERS).map(|index| scope.spawn(move || Caller::new(self, index).run()));
            let sessions = (0..SESSIONS).map(|index| scope.spawn(move || Session::new(self, index).run()));
            let mut all: Vec<_> = callers.chain(sessions).collect();
            all.push(scope.spawn(|| self.break_things()));
            all.into_iter().try_for_each(|one| one.join().expect("nobody panics"))
        })?;
        eprintln!("{:?}", self.counted);
        self.judge()
    }

    fn judge(&self) -> Outcome {
        let violations = self.checker().violations().to_vec();
        if let Some(violation) = violations.first() {
            bail!("{violation}; {} in all", violations.len());
        }
        let Counted { answered, failed, hits, unchanged, writes, commits, accidents, .. } = &self.counted;
        ensure!(answered.load(Relaxed) > 2 * failed.load(Relaxed), "most requests failed: {:?}", self.counted);
        // Each way to be answered was taken, in spite of all.
        let least = [(answered, 1_000), (hits, 50), (unchanged, 100), (writes, 100), (commits, 20), (accidents, 6)];
        ensure!(least.iter().all(|(count, least)| count.load(Relaxed) >= *least), "too little: {:?}", self.counted);
        Ok(())
    }

    /// Kills one after the other, each as often as any other.
    fn break_things(&self) -> Outcome {
        let mut rng = fastrand::Rng::with_seed(self.seed);
        let mut psql = None;
        let mut accidents = [Some(Part::Edges), Some(Part::Gateway), Some(Part::Postgres), None];
        loop {
            rng.shuffle(&mut accidents);
            for accident in accidents {
                sleep(Duration::from_millis(rng.u64(QUIET)));
                if !self.goes_on() {
                    return Ok(());
                }
                match accident {
                    None => cut(&mut psql, &self.apart.superuser_url)?,
                    Some(part) => {
                        self.apart.kill(part);
                        sleep(Duration::from_millis(rng.u64(AWAY)));
                        self.apart.begin(part)?;
                        psql = None;
                    }
                }
                self.counted.accidents.fetch_add(1, Relaxed);
            }
        }
    }

    fn goes_on(&self) -> bool {
        self.began.elapsed() < LENGTH
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }

    fn checker(&self) -> MutexGuard<'_, Checker> {
        self.checker.lock().unwrap()
    }

    /// A row certainly has this version by now. One before it of which nobody knows was not there for longer.
    fn committed(&self, row: u32, version: Version) {
        let mut checker = self.checker();
        while checker.version(row) < version {
            checker.committed(row, self.now());
        }
    }
}

/// Ends all sessions of the gateway.
fn cut(psql: &mut Option<Psql>, url: &str) -> Outcome {
    let sql = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'authenticator'";
    if psql.is_none() {
        *psql = Some(Psql::start(url)?);
    }
    psql.as_mut().context("it has just been started")?.run(sql).map(drop)
}

/// The ids of a table's rows, which are the checker's relations.
fn rows(table: usize) -> Range<u32> {
    (table * ROWS) as u32..((table + 1) * ROWS) as u32
}

/// Somebody who asks one thing after another.
struct Caller<'a> {
    world: &'a World,
    index: usize,
    rng: fastrand::Rng,
    /// Whether it sends back the last snapshot that it was given.
    carries: bool,
    snapshot: Option<String>,
    /// What it has written last to its rows, for all it knows.
    versions: [Version; TABLES],
}

impl<'a> Caller<'a> {
    fn new(world: &'a World, index: usize) -> Caller<'a> {
        let rng = fastrand::Rng::with_seed(world.seed ^ (index as u64 + 1));
        Caller { world, index, rng, carries: index.is_multiple_of(2), snapshot: None, versions: [0; TABLES] }
    }

    fn run(mut self) -> Outcome {
        while self.world.goes_on() {
            let is_answered = if self.rng.u8(0..20) == 0 { self.write()? } else { self.read()? };
            let pause = if is_answered { self.rng.u64(0..10) } else { 50 };
            sleep(Duration::from_millis(pause));
        }
        Ok(())
    }

    fn write(&mut self) -> anyhow::Result<bool> {
        let table = self.rng.usize(0..TABLES);
        let row = rows(table).start + self.index as u32;
        // Counted whether it will have happened or not; one that happens late does not undo the next.
        self.versions[table] += 1;
        let version = self.versions[table];
        let path = format!("counted_{table}?id=eq.{row}&n=lt.{version}&select=n");
        let body = format!(r#"{{"n":{version}}}"#);
        let Some(reply) = self.send("PATCH", &path, &[("prefer", "return=representation")], &body)? else {
            return Ok(false);
        };
        ensure!(reply.body == format!("[{body}]"), "wrote {body}, and was told {}", reply.body);
        self.world.committed(row, version);
        let mut checker = self.world.checker();
        checker.is_public(row, version);
        if self.carries {
            checker.has_seen(self.index, row, version);
        }
        self.world.counted.writes.fetch_add(1, Relaxed);
        Ok(true)
    }

    fn read(&mut self) -> anyhow::Result<bool> {
        let table = self.rng.usize(0..TABLES);
        let (path, asked) = match self.rng.u8(0..4) {
            0 => ("counted_all?select=id,n&order=id".to_owned(), 0..rows(TABLES - 1).end),
            1 => {
                let row = self.rng.u32(rows(table));
                (format!("counted_{table}?select=id,n&id=eq.{row}"), row..row + 1)
            }
            _ => (format!("counted_{table}?select=id,n&order=id"), rows(table)),
        };
        // Of a view the region is asked, as of all relations that nobody has said anything about.
        let is_by_edge = asked == rows(EDGE_TABLE) || asked.len() == 1 && table == EDGE_TABLE;
        let relations: Vec<u32> = asked.collect();
        let (seen, public, at) = {
            let checker = self.world.checker();
            let seen = self.carries.then(|| checker.expect_seen(self.index, &relations));
            (seen, checker.expect_public(&relations), self.world.now())
        };
        let Some(reply) = self.send("GET", &path, &[], "")? else { return Ok(false) };
        let versions = versions(&reply)?;
        ensure!(versions.iter().map(|(row, _)| row).eq(&relations), "{path}: {}", reply.body);
        let is_unreachable = self.count(&reply);
        let mut checker = self.world.checker();
        if let Some(seen) = seen {
            checker.saw(&seen, &versions, self.world.now());
        }
        // Of when it was asked for, so that no time on the way counts.
        let micros = |age: Duration| age.as_micros() as u64;
        match is_by_edge {
            // What is given while the region is away says so, and may be old.
            _ if is_unreachable => {}
            true => {
                let of_callers: Vec<_> = versions.iter().filter(|(row, _)| is_callers(*row)).copied().collect();
                checker.is_within(&of_callers, at, micros(AGE_MAX));
                checker.is_within(&versions, at, micros(AGE_MAX + NOTIFIED_AFTER));
            }
            false => {
                checker.saw(&public, &versions, at);
                checker.is_within(&versions, at, micros(NOTIFIED_AFTER));
            }
        }
        Ok(true)
    }

    /// `None` where something was dead, so that nobody knows what happened.
    fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Option<Reply>> {
        let urls = self.world.apart.edge_urls();
        // Every other one of each kind goes from edge to edge.
        let edge = if self.index % 4 < 2 { self.rng.usize(0..EDGES) } else { self.index % EDGES };
        let demanded = self.snapshot.as_deref().map(|snapshot| ("headland-snapshot", snapshot));
        let headers: Vec<_> = headers.iter().copied().chain(demanded).collect();
        let reply = send(method, &format!("{}/rest/v1/{path}", urls[edge]), &headers, body).ok();
        let Some(reply) = reply.filter(|reply| ![502, 503, 504].contains(&reply.status)) else {
            self.world.counted.failed.fetch_add(1, Relaxed);
            return Ok(None);
        };
        ensure!(reply.status == 200, "{method} {path}: {} {}", reply.status, reply.body);
        if self.carries {
            self.snapshot = reply.header("headland-snapshot").map(str::to_owned).or(self.snapshot.take());
        }
        self.world.counted.answered.fetch_add(1, Relaxed);
        Ok(Some(reply))
    }

    /// Counts how a read was answered; gives whether the region was away.
    fn count(&self, reply: &Reply) -> bool {
        let how = reply.header("cache-status").unwrap_or_default();
        let counted = &self.world.counted;
        let ways = [("; hit", &counted.hits), ("=304", &counted.unchanged), ("\"unreachable, ", &counted.unreachable)];
        for (_, count) in ways.iter().filter(|(way, _)| how.contains(way)) {
            count.fetch_add(1, Relaxed);
        }
        how.contains("\"unreachable, ")
    }
}

fn is_callers(row: u32) -> bool {
    (row as usize % ROWS) < CALLERS
}

fn versions(reply: &Reply) -> anyhow::Result<Vec<(u32, Version)>> {
    let json = reply.json()?;
    let rows = json.as_array().context("no rows")?;
    let number = |value: &serde_json::Value| value.as_u64().context("no number");
    rows.iter().map(|row| Ok((number(&row["id"])? as u32, number(&row["n"])? as Version))).collect()
}

/// Somebody who writes beside the gateway.
struct Session<'a> {
    world: &'a World,
    index: usize,
    rng: fastrand::Rng,
    psql: Option<Psql>,
    versions: [Version; TABLES],
}

impl<'a> Session<'a> {
    fn new(world: &'a World, index: usize) -> Session<'a> {
        let rng = fastrand::Rng::with_seed(world.seed ^ (index as u64 + 1) << 32);
        Session { world, index, rng, psql: None, versions: [0; TABLES] }
    }

    fn run(mut self) -> Outcome {
        while self.world.goes_on() {
            if self.psql.is_none() {
                self.psql = Psql::start(&self.world.apart.superuser_url).ok();
            }
            if self.transact().is_err() {
                // Postgres is dead.
                self.psql = None;
                sleep(Duration::from_millis(50));
            }
            sleep(Duration::from_millis(self.rng.u64(0..300)));
        }
        Ok(())
    }

    /// A transaction that writes one table or two, takes its time, and is rolled back now and then.
    fn transact(&mut self) -> Outcome {
        let tables = [self.rng.usize(0..TABLES), self.rng.usize(0..TABLES)];
        let mut versions = self.versions;
        tables.iter().for_each(|table| versions[*table] = self.versions[*table] + 1);
        let psql = self.psql.as_mut().context("no session")?;
        psql.run("begin")?;
        for table in tables {
            let row = rows(table).start + (CALLERS + self.index) as u32;
            psql.run(&format!("update counted_{table} set n = {} where id = {row}", versions[table]))?;
        }
        let longest = if self.rng.u8(0..10) == 0 { 2_000 } else { 100 };
        sleep(Duration::from_millis(self.rng.u64(0..longest)));
        if self.rng.u8(0..5) == 0 {
            return psql.run("rollback").map(drop);
        }
        // From here on it may have happened.
        self.versions = versions;
        psql.run("commit")?;
        for table in tables {
            self.world.committed(rows(table).start + (CALLERS + self.index) as u32, versions[table]);
        }
        self.world.counted.commits.fetch_add(1, Relaxed);
        Ok(())
    }
}
