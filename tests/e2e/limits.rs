//! Callers that are limited: exactly as many requests as are allowed reach the region, whatever instance they go
//! through.

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{JWT_SECRET, Runtime, get, headland, send};
use crate::trips::Counted;
use crate::{Outcome, test};

const RUNTIMES: [Runtime; 2] = [Runtime::EmulatorOverRegion, Runtime::Workerd];

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = vec![];
    for runtime in RUNTIMES {
        let is_absent = runtime.absent().is_some();
        let name = |what: &str| format!("{}::{what}", runtime.name());
        let run = move || as_many_as_are_allowed(runtime);
        tests.push(test(name("limits_are_exact_and_a_refusal_costs_no_trip"), run).with_ignored_flag(is_absent));
    }
    let is_absent = Runtime::Workerd.absent().is_some();
    tests.push(test("limits_are_exact_over_all_runtimes", one_count).with_ignored_flag(is_absent));
    for runtime in [Runtime::EmulatorOverRegion, Runtime::Spin] {
        let name = format!("{}::limits_do_not_go_by_forged_addresses", runtime.name());
        tests.push(test(name, move || forged(runtime)).with_ignored_flag(runtime.absent().is_some()));
    }
    tests
}

/// Of the policy that the runtimes have: three requests in an hour.
const ALLOWED: [&str; 3] = [r#""user";r=2;t=2400"#, r#""user";r=1;t=1200"#, r#""user";r=0;t=1"#];
const POLICY: &str = r#""user";q=3;w=3600"#;

/// Each instance that has not met a caller asks the gateway once; an emulator has one in each of its threads.
const INSTANCES_MAX: u64 = 8;

fn as_many_as_are_allowed(runtime: Runtime) -> Outcome {
    let caller = caller(runtime.name())?;
    for expected in ALLOWED {
        is_allowed(runtime, &caller, expected)?;
    }
    is_refused(runtime, &caller)?;
    let before = Counted::now()?.requests;
    const REFUSED: u64 = 40;
    for _ in 0..REFUSED {
        is_refused(runtime, &caller)?;
    }
    let cost = Counted::now()?.requests - before;
    ensure!(cost < INSTANCES_MAX, "{REFUSED} refusals cost {cost} requests");
    Ok(())
}

fn one_count() -> Outcome {
    let caller = caller("everywhere")?;
    let [one, other] = RUNTIMES;
    for (runtime, expected) in [one, other, one].into_iter().zip(ALLOWED) {
        is_allowed(runtime, &caller, expected)?;
    }
    is_refused(other, &caller)?;
    is_refused(one, &caller)
}

/// A bearer whom the limit is for.
fn caller(name: &str) -> anyhow::Result<String> {
    let claim = format!("limited_as={name}-{}", std::process::id());
    let mut command = headland()?;
    command.args(["token", "--role", "authenticated", "--claim", &claim, "--jwt-secret", JWT_SECRET]);
    let token = String::from_utf8(command.output()?.stdout)?;
    Ok(format!("Bearer {}", token.trim()))
}

fn is_allowed(runtime: Runtime, caller: &str, expected: &str) -> Outcome {
    let url = format!("{}/rest/v1/genres?select=id&id=eq.1", runtime.url()?);
    let reply = send("GET", &url, &[("authorization", caller)], "")?;
    ensure!(reply.status == 200, "status {}, body {}", reply.status, reply.body);
    let limit = reply.header("ratelimit").context("no RateLimit")?;
    // Until the next request one more second may pass.
    ensure!(limit.starts_with(expected), "{limit}");
    ensure!(reply.header("ratelimit-policy") == Some(POLICY), "{:?}", reply.header("ratelimit-policy"));
    Ok(())
}

fn is_refused(runtime: Runtime, caller: &str) -> Outcome {
    let url = format!("{}/rest/v1/genres?select=id&id=eq.1", runtime.url()?);
    let reply = send("GET", &url, &[("authorization", caller)], "")?;
    ensure!((reply.status, reply.code()?.as_str()) == (429, "over_limit"), "{} {}", reply.status, reply.body);
    let wait: u64 = reply.header("retry-after").context("no Retry-After")?.parse()?;
    ensure!((1100..=1200).contains(&wait), "Retry-After is {wait}");
    let limit = (reply.header("ratelimit"), reply.header("ratelimit-policy"));
    ensure!(limit == (Some(&*format!(r#""user";r=0;t={wait}"#)), Some(POLICY)), "{limit:?}");
    Ok(())
}

/// Whatever address a caller claims to have, it is one caller.
fn forged(runtime: Runtime) -> Outcome {
    let url = format!("{}/rest/v1/rpc/average_rating?director=Christopher%20Nolan", runtime.url()?);
    let mut before = remaining(get(&url)?.header("ratelimit"))?;
    for number in 1..9 {
        let address = format!("203.0.113.{number}");
        let with_port = format!("{address}:1");
        let headers = [("spin-client-addr", &*with_port), ("x-forwarded-for", &address), ("x-real-ip", &address)];
        let now = remaining(send("GET", &url, &headers, "")?.header("ratelimit"))?;
        ensure!(now + 1 == before, "{now} remain after {before}");
        before = now;
    }
    Ok(())
}

fn remaining(limit: Option<&str>) -> anyhow::Result<u32> {
    let available = limit.and_then(|limit| limit.strip_prefix(r#""address";r="#)?.split(';').next()?.parse().ok());
    available.with_context(|| format!("RateLimit is {limit:?}"))
}
