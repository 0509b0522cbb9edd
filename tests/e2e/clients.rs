//! Clients that nobody here wrote: they must work unmodified, against every runtime.

use std::process::Command;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{JWT_SECRET, Runtime, dev, node, node_modules, root};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let absent = |runtime: Runtime| runtime.absent().is_some() || node_modules().is_none();
    let postgrest_js = |runtime: Runtime| {
        let name = format!("{}::postgrest_js_reads", runtime.name());
        let run = move || script("postgrest_js.mjs", &[&format!("{}/rest/v1", runtime.url()?)]);
        test(name, run).with_ignored_flag(absent(runtime))
    };
    let supabase_js = |runtime: Runtime| {
        let name = format!("{}::supabase_js", runtime.name());
        let run = move || script("supabase_js.mjs", &[&runtime.url()?, JWT_SECRET, &dev()?.superuser_url]);
        test(name, run).with_ignored_flag(absent(runtime))
    };
    let reads = [Runtime::Emulator, Runtime::Workerd, Runtime::Spin].map(postgrest_js);
    // Those whose policy lets a client see plans and roll back.
    let all = [Runtime::EmulatorOverRegion, Runtime::Workerd, Runtime::Spin].map(supabase_js);
    reads.into_iter().chain(all).collect()
}

/// Runs a script of tests/clients. It exits with 0 once all its assertions have held.
fn script(name: &str, arguments: &[&str]) -> Outcome {
    let modules = node_modules().context("HEADLAND_NODE_MODULES is not set")?;
    // Node looks for packages beside the script, wherever they were installed.
    let folder = modules.parent().context("no parent folder")?.join("clients");
    std::fs::create_dir_all(&folder)?;
    let script = folder.join(format!("{}-{name}", std::process::id()));
    std::fs::copy(root().join("tests/clients").join(name), &script)?;
    let output = Command::new(node()).arg(&script).args(arguments).output();
    std::fs::remove_file(&script)?;
    let output = output?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    ensure!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Ok(())
}
