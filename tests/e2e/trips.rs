//! What a read costs, counted where it arrives: in the gateway.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Runtime, dev, get};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let runtimes = [Runtime::Emulator, Runtime::Workerd];
    let one_trip = |runtime: Runtime| {
        let name = format!("{}::a_read_is_one_request_and_one_round_trip", runtime.name());
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
    "movies?or=(imdb_rating.gte.9,title.ilike.*star*)&order=id&offset=3&limit=2",
];

fn one_trip(runtime: Runtime) -> Outcome {
    let url = runtime.url()?;
    // The catalog is fetched by the first request of all.
    get(&format!("{url}/rest/v1/movies?limit=1"))?;
    for read in READS {
        for _ in 0..2 {
            sleep(Duration::from_millis(50));
            let before = Counted::now()?;
            let reply = get(&format!("{url}/rest/v1/{read}"))?;
            let after = Counted::now()?;
            let cost = (after.requests - before.requests, after.trips - before.trips);
            ensure!(cost == (1, 1), "{read} ({}) cost {cost:?} requests and round trips", reply.status);
        }
    }
    Ok(())
}

/// The gateway's counters.
struct Counted {
    requests: u64,
    trips: u64,
}

impl Counted {
    fn now() -> anyhow::Result<Counted> {
        let metrics = get(&format!("{}/metrics", dev()?.region_url))?.body;
        let sum = |name: &str| {
            let samples = metrics.lines().filter(|line| line.starts_with(name));
            let values = samples.map(|line| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok()));
            values.sum::<Option<f64>>().map(|sum| sum as u64).with_context(|| format!("no {name} in:\n{metrics}"))
        };
        Ok(Counted { requests: sum("headland_gateway_requests_total")?, trips: sum("headland_gateway_trips_total")? })
    }
}
