//! Clients that nobody here wrote: they must work unmodified, against every runtime.

use std::process::Command;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Runtime, node, node_modules, root};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let runtimes = [Runtime::Emulator, Runtime::Workerd, Runtime::Spin];
    let postgrest_js = |runtime: Runtime| {
        let absent = runtime.absent().is_some() || node_modules().is_none();
        let name = format!("{}::postgrest_js_reads", runtime.name());
        test(name, move || script("postgrest_js.mjs", &format!("{}/rest/v1", runtime.url()?))).with_ignored_flag(absent)
    };
    runtimes.map(postgrest_js).into()
}

/// Runs a script of tests/clients with a base URL. It exits with 0 once all its assertions have held.
fn script(name: &str, url: &str) -> Outcome {
    let modules = node_modules().context("HEADLAND_NODE_MODULES is not set")?;
    // Node looks for packages beside the script, wherever they were installed.
    let folder = modules.parent().context("no parent folder")?.join("clients");
    std::fs::create_dir_all(&folder)?;
    let script = folder.join(format!("{}-{name}", std::process::id()));
    std::fs::copy(root().join("tests/clients").join(name), &script)?;
    let output = Command::new(node()).arg(&script).arg(url).output();
    std::fs::remove_file(&script)?;
    let output = output?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Ok(())
}
