//! The behaviour suite of `edge`, inside the runtimes.

use anyhow::{bail, ensure};
use libtest_mimic::Trial;

use crate::harness::{Runtime, get, send};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let runtimes = [Runtime::ProbeOnEmulator, Runtime::ProbeOnWorkerd];
    let tests = runtimes.map(|runtime| {
        let name = |what: &str| format!("{}::{what}", runtime.name());
        let absent = runtime.absent();
        [
            test(name("behaves_as_every_edge_does"), move || suite(runtime)).with_ignored_flag(absent.is_some()),
            test(name("streams_a_body"), move || stream(runtime)).with_ignored_flag(absent.is_some()),
            test(name("keeps_a_whole_body_whole"), move || whole(runtime)).with_ignored_flag(absent.is_some()),
        ]
    });
    tests.into_iter().flatten().collect()
}

/// Every case; one that leaves work for after its response is looked at in the next.
fn suite(runtime: Runtime) -> Outcome {
    let url = runtime.url()?;
    let cases = get(&format!("{url}/probe"))?.body;
    ensure!(cases.lines().count() > 15, "the suite has only {cases:?}");
    let mut failures = Vec::new();
    for case in cases.lines() {
        let reply = get(&format!("{url}/probe/{case}"))?;
        if (reply.status, reply.body.as_str()) != (200, "ok") {
            failures.push(format!("{case}: {} {}", reply.status, reply.body));
        }
        if case == "after_response" {
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }
    if !failures.is_empty() {
        bail!("{}", failures.join("\n"));
    }
    Ok(())
}

fn stream(runtime: Runtime) -> Outcome {
    let body = "0123456789".repeat(100_000);
    let reply = send("POST", &format!("{}/probe/stream", runtime.url()?), &[], &body)?;
    ensure!(reply.status == 200 && reply.body == body, "status {}, {} bytes", reply.status, reply.body.len());
    Ok(())
}

/// The length of a whole body is known before its end: it is not sent in chunks.
fn whole(runtime: Runtime) -> Outcome {
    let reply = get(&format!("{}/probe", runtime.url()?))?;
    let length = reply.header("content-length").map(str::to_owned);
    ensure!(length == Some(reply.body.len().to_string()), "content-length is {length:?}");
    Ok(())
}
