//! Attackers that nobody here wrote, in their short form; `scripts/attack --long` is for longer nights.

use std::process::Command;

use anyhow::ensure;
use libtest_mimic::Trial;

use crate::harness::{headland, root};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let is_absent = Command::new("python3").arg("--version").output().is_err();
    if is_absent {
        eprintln!("skipped: attack: no python3");
    }
    let attack =
        |tool: &'static str| test(format!("attack::{tool}"), move || attack(tool)).with_ignored_flag(is_absent);
    ["schemathesis", "sqlmap"].map(attack).into()
}

fn attack(tool: &str) -> Outcome {
    let program = headland()?.get_program().to_owned();
    let mut command = Command::new(root().join("scripts/attack"));
    let output = command.arg(tool).env("HEADLAND_BIN", program).current_dir(root()).output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Ok(())
}
