//! `scripts/new-function greet`, and `/greet` answers in the emulator and in the Worker, without an edit.

use std::process::Command;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Process, Runtime, START_TIMEOUT, get, headland, root, scratch, wrangler};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let is_absent = Runtime::Workerd.absent().is_some();
    vec![test("new_function::answers_at_once", answers_at_once).with_ignored_flag(is_absent)]
}

fn answers_at_once() -> Outcome {
    let clone = scratch("clone")?;
    let clone_text = clone.display().to_string();
    // The working tree and not the last commit, so that the test sees what is being changed.
    run(Command::new("sh").arg("-c").arg(format!(
        "git ls-files -co --exclude-standard -z | xargs -0 tar -cf - --ignore-failed-read 2>/dev/null | tar -xf - -C '{clone_text}'"
    )))?;
    let script = |name: &str, arguments: &[&str]| run(Command::new(clone.join("scripts").join(name)).args(arguments));
    script("new-function", &["greet"])?;
    ensure!(script("new-function", &["greet"]).is_err(), "made the same function twice");
    ensure!(script("new-function", &["../greet"]).is_err(), "took a name that is none");
    script("build", &[])?;
    run(Command::new("cargo")
        .args(["test", "--release", "--package", "greet", "--manifest-path"])
        .arg(clone.join("Cargo.toml")))?;

    let mut dev = headland()?;
    dev.args(["dev", "--listen", "127.0.0.1:0", "--no-watch", "--region-url", "http://127.0.0.1:1"]);
    dev.args(["--region-connection", "none", "--state"]).arg(scratch("greet")?);
    let emulator = Process::start(dev.arg("--manifest").arg(clone.join("spin.toml")))?;
    greets(&emulator.wait_for("listening on ", START_TIMEOUT)?).context("in the emulator")?;
    ensure!(emulator.stop(), "the emulator did not end");

    let worker = wrangler(&clone, "wrangler.toml", &[])?;
    greets(worker.wait_for("Ready on ", START_TIMEOUT)?.trim_end_matches('/')).context("in the Worker")?;
    ensure!(worker.stop(), "the Worker did not end");
    Ok(())
}

fn greets(url: &str) -> Outcome {
    let reply = get(&format!("{url}/greet?name=Ada"))?;
    ensure!(reply.status == 200 && reply.body.contains("Ada"), "{}: {}", reply.status, reply.body);
    ensure!(get(&format!("{url}/greet"))?.status == 400, "greets nobody");
    Ok(())
}

fn run(command: &mut Command) -> Outcome {
    let output = command.current_dir(root()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{command:?}: {}{}", text(&output.stdout), text(&output.stderr));
    Ok(())
}
