//! What a request costs, counted where it arrives: in the gateway.

use std::ops::RangeInclusive;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Runtime, dev, get, send};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let runtimes = [Runtime::Emulator, Runtime::Workerd];
    let one_trip = |runtime: Runtime| {
        let name = format!("{}::a_request_is_one_request_and_one_round_trip", runtime.name());
        test(name, move || one_trip(runtime)).with_ignored_flag(runtime.absent().is_some())
    };
    runtimes.map(one_trip).into()
}

/// Every kind of read, first with a statement that Postgres has never seen, then again.
const READS: &[&str] = &[
    "movies?select=title&id=eq.1",
    "movies?select=title,director:directors(name),genres(name)&limit=50",
    "directors?select=name,movies!inner(title)&name=eq.Christopher%20Nolan",
    "movies?select=count&limit=1",
    "",
    "rpc/search_movies?words=star&select=title,directors(name)&limit=2",
    "rpc/average_rating?director=Christopher%20Nolan",
    "movies?or=(imdb_rating.gte.9,title.ilike.*star*)&order=id&offset=3&limit=2",
];

/// Method and path, headers, body.
type Write = (&'static str, &'static [(&'static str, &'static str)], &'static str);

/// Every kind of write; the second time some are refused, by Postgres or by the statement itself.
const WRITES: &[Write] = &[
    ("POST reviews", &[], r#"{"id": 800, "movie_id": 1}"#),
    ("POST reviews?columns=id,movie_id", &[], r#"[{"id": 801, "movie_id": 1}]"#),
    ("PATCH reviews?id=eq.801&columns=stars", &[("prefer", "missing=default")], "{}"),
    (
        "POST reviews?select=id,movies(title)",
        &[("prefer", "return=representation, resolution=merge-duplicates")],
        r#"{"id": 800, "movie_id": 2}"#,
    ),
    ("PUT reviews?id=eq.800", &[], r#"{"id": 800, "movie_id": 1}"#),
    ("PUT reviews?id=eq.800", &[], r#"{"id": 801, "movie_id": 1}"#),
    ("PATCH reviews?id=eq.800", &[("prefer", "return=representation")], r#"{"stars": 1}"#),
    ("PATCH reviews?id=gte.800", &[("prefer", "handling=strict, max-affected=1")], r#"{"stars": 1}"#),
    ("DELETE reviews?id=gte.800", &[("accept", "application/vnd.pgrst.object+json")], ""),
    ("DELETE reviews?id=gte.800", &[], ""),
];

fn one_trip(runtime: Runtime) -> Outcome {
    let url = runtime.url()?;
    // The catalog is fetched by the first request of all, and lies in KV for new instances a moment after its answer.
    get(&format!("{url}/rest/v1/movies?limit=1"))?;
    sleep(Duration::from_millis(500));
    let base = format!("{url}/rest/v1/");
    for read in READS {
        // The answer may be stored by then, and still be good.
        costs(&base, "GET", read, &[], "", 0..=1)?;
        costs(&base, "GET", read, &[("cache-control", "no-store")], "", 1..=1)?;
    }
    for _ in 0..2 {
        for (request, headers, body) in WRITES {
            let (method, path) = request.split_once(' ').expect("a method and a path");
            costs(&base, method, path, headers, body, 1..=1)?;
        }
    }
    Ok(())
}

/// One request to the gateway, and so many round trips to Postgres.
fn costs(
    base: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
    trips: RangeInclusive<u64>,
) -> Outcome {
    let before = Counted::now()?;
    send(method, &format!("{base}{path}"), headers, body)?;
    let after = Counted::now()?;
    let cost = (after.requests - before.requests, after.trips - before.trips);
    ensure!(cost.0 == 1 && trips.contains(&cost.1), "{method} {path} cost {cost:?} requests and round trips");
    Ok(())
}

/// The gateway's counters.
pub(crate) struct Counted {
    pub(crate) requests: u64,
    pub(crate) trips: u64,
}

impl Counted {
    /// Those of the gateway that all tests share.
    pub(crate) fn now() -> anyhow::Result<Counted> {
        Counted::of(&dev()?.region_url)
    }

    pub(crate) fn of(gateway_url: &str) -> anyhow::Result<Counted> {
        let metrics = get(&format!("{gateway_url}/metrics"))?.body;
        let sum = |name: &str| {
            let samples = metrics.lines().filter(|line| line.starts_with(name));
            let values = samples.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()));
            values.sum::<Option<f64>>().map(|sum| sum as u64).with_context(|| format!("no {name} in:\n{metrics}"))
        };
        Ok(Counted { requests: sum("headland_gateway_requests_total")?, trips: sum("headland_gateway_trips_total")? })
    }
}
