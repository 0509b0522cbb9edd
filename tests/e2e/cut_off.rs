//! The region is cut off while many ask, and comes back: what is stored is given all the time, everything else is refused, and
//! afterwards all is fresh at once, with no more queries than there is to be asked.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use anyhow::ensure;
use libtest_mimic::Trial;

use crate::harness::{Apart, Client, Psql, Reply, Source, send};
use crate::trips::Counted;
use crate::{Outcome, test};

const POLICY: &str = "db-anon-role = 'anon'\ncatalog-max-age = 3600\n\
    relations.cut_edge.cache = 'edge'\nrelations.cut_edge.cache-max-age = 1\n";
/// Those that answers are stored of, and the one that everything else is about.
const TABLES: [&str; 2] = ["cut_region", "cut_edge"];
const OTHER: &str = "cut_other";
/// Stored answers of each table.
const KEYS: usize = 20;
/// Connections, each of which asks for one thing after the other: so many for what is stored, and so many for anything else.
const STORED: usize = 24;
const OTHERS: usize = 8;
/// From an answer to the next question, so that it is not this machine that is waited for.
const PAUSE: Duration = Duration::from_millis(15);
/// How often each is asked for to begin with, on one connection: instances take turns, but not that often.
const ASKED: usize = 5;
/// For how long everything is well before.
const BEFORE: Duration = Duration::from_secs(2);
/// For how long the region is away, unless `HEADLAND_AWAY_SECONDS` says otherwise.
const AWAY: Duration = Duration::from_secs(4);
/// Nobody waits for a region that is away: this is a part of what a request would wait for an answer (`region-timeout`).
const WAITED_MAX: Duration = Duration::from_secs(1);
/// How soon all is well when it is back, and for how long that is looked at.
const SOON: Duration = Duration::from_secs(1);

pub(crate) fn tests() -> Vec<Trial> {
    let is_absent = Psql::absent().is_some();
    [Way::UNREACHABLE, Way::SILENT]
        .map(|way| {
            let name = format!("emulator::stored::a_region_that_is_{}", way.word);
            test(&name, move || a_region_that_is_cut_off(&way)).with_ignored_flag(is_absent)
        })
        .into()
}

/// How the region is away.
#[derive(Clone, Copy)]
struct Way {
    /// What is in the file.
    word: &'static str,
    /// How soon an edge sees it.
    seen: Duration,
}

impl Way {
    const UNREACHABLE: Way = Way { word: "unreachable", seen: Duration::from_millis(500) };
    /// That nothing comes is seen when a probe is not answered.
    const SILENT: Way = Way { word: "silent", seen: Duration::from_secs(3) };
}

fn a_region_that_is_cut_off(way: &Way) -> Outcome {
    let apart = Apart::start(&format!("cut-off-{}", way.word), Source::Triggers, POLICY, 1, &[])?;
    let mut psql = Psql::start(&apart.superuser_url)?;
    let ddl = |table| {
        format!(
            "create table {table} (id serial primary key, n int); grant all on {table} to anon; \
             insert into {table} (n) select 0 from generate_series(1, {KEYS}); "
        )
    };
    let ddl: String = TABLES.into_iter().chain([OTHER]).map(ddl).collect();
    apart.change_schema(&mut psql, &ddl, &format!("/rest/v1/{OTHER}"))?;
    let load = Load::new(&apart);
    load.store()?;
    scope(|scope| {
        let stored = (0..STORED).map(|index| {
            scope.spawn({
                let load = &load;
                move || load.ask_for_stored(index)
            })
        });
        let others = (0..OTHERS).map(|_| scope.spawn(|| load.ask_for_others()));
        let asking: Vec<_> = stored.chain(others).collect();
        let outcome = cut_off(&apart, &load, way);
        load.is_over.store(true, Relaxed);
        asking.into_iter().try_for_each(|asking| asking.join().expect("asking does not panic"))?;
        outcome
    })
}

fn cut_off(apart: &Apart, load: &Load, way: &Way) -> Outcome {
    sleep(BEFORE);
    fs::write(apart.away_file(), way.word)?;
    sleep(way.seen);
    load.take();
    let seconds = std::env::var("HEADLAND_AWAY_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    sleep(seconds.map_or(AWAY, Duration::from_secs));
    let while_away = load.take();
    fs::remove_file(apart.away_file())?;
    back(apart, load)?;
    report("stored", while_away.iter().filter(|answer| answer.is_stored));
    report("others", while_away.iter().filter(|answer| !answer.is_stored));
    ensure!(while_away.len() > 1_000, "too little was asked for: {}", while_away.len());
    for answer in while_away {
        let expected = if answer.is_stored { 200 } else { 503 };
        ensure!(answer.status == expected, "{answer:?} in place of {expected}");
        ensure!(answer.took < WAITED_MAX, "{answer:?} has waited");
    }
    Ok(())
}

/// A write is made as soon as it can be, and read; the load goes on.
fn back(apart: &Apart, load: &Load) -> Outcome {
    let (began, before) = (Instant::now(), Counted::of(&apart.gateway_url())?);
    let mut own = 0;
    for table in TABLES {
        let (all, one) = (format!("{}{table}?id=gt.0", load.base), load.stored(table, 1));
        let written = || Ok(send("PATCH", &all, &[], r#"{"n":1}"#)?.status == 204);
        let read = || Ok(send("GET", &one, &[("cache-control", "no-cache")], "")?.body == r#"[{"n":1}]"#);
        own += attempts(began, written)? + attempts(began, read)?;
    }
    eprintln!("read what was written {:?} after the region was back", began.elapsed());
    sleep(SOON.saturating_sub(began.elapsed()));
    let after = Counted::of(&apart.gateway_url())?;
    let first = load.take();

    // A request is one trip; those that were on their way at the end are counted by the gateway alone.
    let answers = first.len() + own + STORED + OTHERS;
    let requests = (after.requests - before.requests) as usize;
    ensure!(requests <= answers, "{requests} requests to the gateway for {answers}");
    // What is stored is asked of the database once when it is back, perhaps, and once after the write.
    let others = first.iter().filter(|answer| !answer.is_stored).count() + OTHERS;
    let most = others + own + 2 * KEYS * TABLES.len();
    let queries = (after.trips - before.trips) as usize;
    eprintln!(
        "the first second: {} answers, {requests} requests to the gateway, {queries} queries, {others} of them others'",
        first.len()
    );
    ensure!(queries <= most, "{queries} queries in place of {most}");

    sleep(SOON);
    for answer in load.take().iter().filter(|answer| answer.asked_at > began + SOON) {
        ensure!(answer.status < 300 && !answer.is_unreachable, "{answer:?} after the region was back");
        ensure!(answer.is_new || !answer.is_of_region, "{answer:?} in place of what was written");
    }
    Ok(())
}

/// How often something was tried until it succeeded.
fn attempts(began: Instant, succeeds: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<usize> {
    let mut attempts = 1;
    while !succeeds()? {
        ensure!(began.elapsed() < SOON, "not well after {SOON:?}");
        attempts += 1;
    }
    Ok(attempts)
}

/// What was asked for, and how it was answered.
#[derive(Debug)]
struct Answer {
    asked_at: Instant,
    took: Duration,
    status: u16,
    is_stored: bool,
    is_of_region: bool,
    is_unreachable: bool,
    is_new: bool,
}

struct Load {
    base: String,
    answers: Mutex<Vec<Answer>>,
    /// Counts what is asked for the first time.
    asked: AtomicUsize,
    is_over: AtomicBool,
}

impl Load {
    fn new(apart: &Apart) -> Load {
        let base = format!("{}/rest/v1/", apart.edge_urls()[0]);
        Load { base, answers: Mutex::default(), asked: AtomicUsize::new(1_000), is_over: AtomicBool::new(false) }
    }

    fn stored(&self, table: &str, key: usize) -> String {
        format!("{}{table}?select=n&id=eq.{key}", self.base)
    }

    /// Asks for each stored answer until KV has it: it takes what an instance is asked for twice.
    fn store(&self) -> Outcome {
        let client = Client::default();
        for table in TABLES {
            for key in 1..=KEYS {
                (0..ASKED).try_for_each(|_| client.send("GET", &self.stored(table, key), &[], "").map(drop))?;
            }
        }
        Ok(())
    }

    /// Never is one of these without its answer.
    fn ask_for_stored(&self, first: usize) -> Outcome {
        let client = Client::default();
        for number in first.. {
            let table = TABLES[number % TABLES.len()];
            let url = self.stored(table, number / TABLES.len() % KEYS + 1);
            let (asked_at, reply) = (Instant::now(), client.send("GET", &url, &[], "")?);
            let is_known = [r#"[{"n":0}]"#, r#"[{"n":1}]"#].contains(&reply.body.as_str());
            ensure!(reply.status == 200 && is_known, "{url}: {reply:?}");
            if self.add(asked_at, &reply, Some(table)) {
                break;
            }
        }
        Ok(())
    }

    /// Writes, and reads that nobody has made before.
    fn ask_for_others(&self) -> Outcome {
        let client = Client::default();
        loop {
            let number = self.asked.fetch_add(1, Relaxed);
            let url = self.stored(OTHER, number);
            let (method, body) = if number.is_multiple_of(8) { ("PATCH", r#"{"n":2}"#) } else { ("GET", "") };
            let url = if method == "PATCH" { url.replace("select=n&", "") } else { url };
            let (asked_at, reply) = (Instant::now(), client.send(method, &url, &[], body)?);
            if self.add(asked_at, &reply, None) {
                return Ok(());
            }
        }
    }

    /// Keeps an answer; gives whether it was the last one.
    fn add(&self, asked_at: Instant, reply: &Reply, table: Option<&str>) -> bool {
        self.answers.lock().unwrap().push(Answer {
            asked_at,
            took: asked_at.elapsed(),
            status: reply.status,
            is_stored: table.is_some(),
            is_of_region: table == Some(TABLES[0]),
            is_unreachable: reply.header("cache-status").is_some_and(|how| how.contains("\"unreachable, ")),
            is_new: reply.body.contains('1'),
        });
        sleep(PAUSE);
        self.is_over.load(Relaxed)
    }

    /// The answers since it was last asked for them.
    fn take(&self) -> Vec<Answer> {
        std::mem::take(&mut self.answers.lock().unwrap())
    }
}

fn report<'a>(what: &str, answers: impl Iterator<Item = &'a Answer>) {
    let mut times: Vec<Duration> = answers.map(|answer| answer.took).collect();
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 1000).min(times.len().saturating_sub(1)));
    let named = [500, 990, 999, 1000].map(at);
    eprintln!("{what}: {} answers, 50 %, 99 %, 99.9 % and all of them within {named:?}", times.len());
}
