//! A region that is down, slow, full, or answers nonsense: each has its status and code, quickly, and is forgotten
//! once the region is back.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Mode, Runtime, SLOW, get, region, send};
use crate::{Outcome, test};

/// The policy of these runtimes gives up after 1.5 s.
const LONGEST: Duration = Duration::from_millis(2_500);

/// What the region does, and what the caller gets.
const TROUBLE: &[(Mode, &[u16], &str)] = &[
    // Whether a connection could not be made or broke is told apart where the runtime does. After some of the latter no more
    // are tried for a moment, which is as the former.
    (Mode::Down, &[502, 503], "PGRST000"),
    (Mode::Silent, &[504], "PGRST003"),
    (Mode::Nonsense, &[502], "PGRST001"),
    (Mode::Truncated, &[502, 503], "PGRST000"),
    (Mode::Full, &[503], "PGRST003"),
    (Mode::BadGateway, &[502, 503], "PGRST000"),
];

/// How soon a region is well again that has come back.
const SOON: Duration = Duration::from_secs(1);
/// An answer that is stored would hide the trouble.
const UNSTORED: &[(&str, &str)] = &[("cache-control", "no-store")];

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = Vec::new();
    for runtime in [Runtime::EmulatorOverRegion, Runtime::Workerd] {
        for (mode, statuses, code) in TROUBLE {
            let name = format!("{}::region_{mode:?}", runtime.name()).to_lowercase();
            let run = move || trouble(runtime, *mode, statuses, code);
            tests.push(test(name, run).with_ignored_flag(runtime.absent().is_some()));
        }
        let name = format!("{}::region_slow", runtime.name());
        tests.push(test(name, move || slow(runtime)).with_ignored_flag(runtime.absent().is_some()));
    }
    tests
}

fn trouble(runtime: Runtime, mode: Mode, statuses: &[u16], code: &str) -> Outcome {
    let url = format!("{}/rest/v1/movies?select=title&limit=1", runtime.url()?);
    region(Mode::Pass)?;
    ensure!(get(&url)?.status == 200, "not well before the trouble");
    region(mode)?;
    let outcome = in_trouble(&url, mode, statuses, code);
    region(Mode::Pass)?;
    outcome?;
    let back = Instant::now();
    while send("GET", &url, UNSTORED, "")?.status != 200 {
        ensure!(back.elapsed() < SOON, "not well after the trouble");
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn in_trouble(url: &str, mode: Mode, statuses: &[u16], code: &str) -> Outcome {
    for _ in 0..3 {
        let start = Instant::now();
        let reply = send("GET", url, UNSTORED, "")?;
        ensure!(start.elapsed() < LONGEST, "took {:?}", start.elapsed());
        ensure!(statuses.contains(&reply.status), "{}: {}", reply.status, reply.body);
        ensure!(reply.code()? == code, "{}: {}", reply.status, reply.body);
        let details = ["panick", ".rs:", "127.0.0.1", "at "];
        ensure!(details.iter().all(|text| !reply.body.contains(text)), "says too much: {}", reply.body);
        if mode == Mode::Full {
            reply.header("retry-after").context("no Retry-After")?;
        }
    }
    Ok(())
}

/// A region that is slow, but within the deadline, is waited for.
fn slow(runtime: Runtime) -> Outcome {
    let url = format!("{}/rest/v1/movies?select=title&id=eq.1", runtime.url()?);
    region(Mode::Slow)?;
    let start = Instant::now();
    let reply = send("GET", &url, UNSTORED, "");
    let elapsed = start.elapsed();
    region(Mode::Pass)?;
    let reply = reply?;
    ensure!(reply.status == 200, "{}: {}", reply.status, reply.body);
    ensure!(reply.body == r#"[{"title":"The Land Girls"}]"#, "{}", reply.body);
    ensure!((SLOW..LONGEST).contains(&elapsed), "took {elapsed:?}");
    Ok(())
}
