//! PostgREST's own cases, as `scripts/conformance` replays them, against the list of those that are known to fail.
//!
//! A case that fails and is not on the list fails the test, and so does one that passes and is still on it. The cases
//! lie beside the checkout; where they do not, this says so and is skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail, ensure};
use libtest_mimic::Trial;

use crate::harness::{Runtime, root, scratch};
use crate::{Outcome, test};

/// A line per case: its id, white space, and why it fails.
const KNOWN: &str = include_str!("../conformance/known.txt");

pub(crate) fn tests() -> Vec<Trial> {
    let is_absent = material().is_none();
    if is_absent {
        eprintln!("skipped: conformance: the cases do not lie beside the checkout");
    }
    let emulator = || compare("emulator", &[]);
    let workerd = || compare("workerd", &["--group", "default"]);
    vec![
        test("emulator::conformance", emulator).with_ignored_flag(is_absent),
        test("workerd::conformance_of_the_default_group", workerd)
            .with_ignored_flag(is_absent || Runtime::Workerd.absent().is_some()),
        test("house::known_failures_have_a_reason", || known().map(drop)),
    ]
}

fn material() -> Option<PathBuf> {
    let folder = std::env::var_os("HEADLAND_CONFORMANCE").map(PathBuf::from);
    Some(folder.unwrap_or_else(|| root().join("../shared/conformance"))).filter(|folder| folder.is_dir())
}

/// Id to reason.
fn known() -> anyhow::Result<BTreeMap<&'static str, &'static str>> {
    let lines = KNOWN.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut known = BTreeMap::new();
    for line in lines {
        let (id, reason) = line.split_once(char::is_whitespace).with_context(|| format!("no reason: {line}"))?;
        ensure!(known.insert(id, reason.trim()).is_none(), "there twice: {id}");
    }
    Ok(known)
}

fn compare(runtime: &str, arguments: &[&str]) -> Outcome {
    let results = scratch("conformance")?.join(format!("{runtime}.json"));
    let mut command = Command::new(root().join("scripts/conformance"));
    command.args(["--runtime", runtime, "--out"]).arg(&results).args(arguments).current_dir(root());
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "scripts/conformance failed:\n{said}");
    let cases: Vec<serde_json::Value> = serde_json::from_slice(&std::fs::read(&results)?)?;
    ensure!(!cases.is_empty(), "no case was replayed:\n{said}");

    let known = known()?;
    let mut wrong = Vec::new();
    for case in &cases {
        let id = case["id"].as_str().context("a case without an id")?;
        match (case["pass"].as_bool().context("a case without an outcome")?, known.get(id)) {
            (true, Some(reason)) => wrong.push(format!("{id} passes, and is still listed: {reason}")),
            (false, None) => wrong.push(format!("{id} fails: {}", case["failures"])),
            _ => {}
        }
    }
    if !wrong.is_empty() {
        bail!(
            "{} of {} cases are not as tests/conformance/known.txt has them:\n{}",
            wrong.len(),
            cases.len(),
            wrong.join("\n")
        );
    }
    Ok(())
}
