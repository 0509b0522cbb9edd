//! The real `@neondatabase/serverless` from npm, unmodified, on Node.

use std::env;
use std::path::Path;

use tokio::process::Command;

use crate::fixture::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn ok_neon_driver() {
    let Some(modules) = env::var_os("HEADLAND_NODE_MODULES") else {
        eprintln!("skipped: `HEADLAND_NODE_MODULES` does not name a folder with `node_modules`");
        return;
    };
    let Some(gateway) = Fixture::start("neon_driver").await else { return };
    let node = env::var_os("HEADLAND_NODE").unwrap_or_else(|| "node".into());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/neon_driver.mjs");
    let output = Command::new(node)
        .arg(script)
        .arg(modules)
        .arg(gateway.url("/sql"))
        .arg(gateway.connection_string())
        .output()
        .await
        .expect("node starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("all held"), "{out}{err}");
}
