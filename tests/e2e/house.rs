//! The house is in order: whatever is a function has its route in spin.toml, its place in the Worker, and a test.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::root;
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("house::functions_agree_with_spin_toml", functions_agree_with_spin_toml),
        test("house::spin_toml_agrees_with_the_worker", spin_toml_agrees_with_the_worker),
        test("house::every_function_has_an_end_to_end_case", every_function_has_an_end_to_end_case),
        test("house::functions_on_api_get_its_variables", functions_on_api_get_its_variables),
        test("house::only_edge_names_a_runtime", only_edge_names_a_runtime),
        test("house::no_registry_host_in_npm_locks", no_registry_host_in_npm_locks),
    ]
}

/// The crates below functions/ but the Worker, which is all of them.
fn functions() -> anyhow::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(root().join("functions"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().join("Cargo.toml").is_file() && name != "worker" {
            names.insert(name);
        }
    }
    Ok(names)
}

/// Route to component.
fn triggers() -> anyhow::Result<BTreeMap<String, String>> {
    let manifest: toml::Table = fs::read_to_string(root().join("spin.toml"))?.parse()?;
    let triggers = manifest["trigger"]["http"].as_array().context("no [[trigger.http]]")?;
    let text = |value: &toml::Value, key: &str| value[key].as_str().map(str::to_owned).context("not text");
    triggers.iter().map(|trigger| Ok((text(trigger, "route")?, text(trigger, "component")?))).collect()
}

/// Route to function, as the Worker's table has them.
fn routes() -> anyhow::Result<BTreeMap<String, String>> {
    let source = fs::read_to_string(root().join("functions/worker/src/routes.rs"))?;
    let (_, table) = source.split_once("routes! {").context("no `routes! {`")?;
    let (table, _) = table.split_once('}').context("no end of the table")?;
    let rows = table.lines().map(str::trim).filter(|line| !line.is_empty());
    let row = |line: &str| {
        let (route, function) = line.trim_end_matches(',').split_once(" => ").with_context(|| line.to_owned())?;
        Ok((route.trim_matches('"').to_owned(), function.replace('_', "-")))
    };
    rows.map(row).collect()
}

fn functions_agree_with_spin_toml() -> Outcome {
    let manifest: toml::Table = fs::read_to_string(root().join("spin.toml"))?.parse()?;
    let components: BTreeSet<String> =
        manifest["component"].as_table().context("no components")?.keys().cloned().collect();
    ensure!(functions()? == components, "functions/ has {:?}, spin.toml {components:?}", functions()?);
    let triggered: BTreeSet<String> = triggers()?.into_values().collect();
    ensure!(triggered == components, "a component has no trigger: {triggered:?}, {components:?}");
    Ok(())
}

fn spin_toml_agrees_with_the_worker() -> Outcome {
    let (spin, worker) = (triggers()?, routes()?);
    ensure!(spin == worker, "spin.toml has {spin:?}, the Worker {worker:?}");
    Ok(())
}

/// A route counts as tested where cases.rs asks for a path below it.
fn every_function_has_an_end_to_end_case() -> Outcome {
    let cases = fs::read_to_string(root().join("tests/e2e/cases.rs"))?;
    for (route, component) in triggers()? {
        let path = route.trim_end_matches("...");
        ensure!(cases.contains(&format!("\"GET {path}")), "no case asks for `{path}` of `{component}`");
    }
    Ok(())
}

/// What `api` reads is handed to every component whose crate is built on it, and it may ask the region and the issuer:
/// Spin gives a component no other variable, and lets it ask nobody else.
fn functions_on_api_get_its_variables() -> Outcome {
    const READ_BY_API: [&str; 6] =
        ["region_url", "region_connection", "headland_config", "jwt_secret", "publishable_keys", "secret_keys"];
    const ASKED_BY_API: [&str; 2] = ["{{ region_url }}", "{{ jwks_host }}"];
    let manifest: toml::Table = fs::read_to_string(root().join("spin.toml"))?.parse()?;
    for name in functions()? {
        let package: toml::Table =
            fs::read_to_string(root().join("functions").join(&name).join("Cargo.toml"))?.parse()?;
        if package["dependencies"].get("api").is_none() {
            continue;
        }
        let variables = manifest["component"][&name].get("variables").and_then(toml::Value::as_table);
        let given = |variable: &str| {
            let value = variables.and_then(|variables| variables.get(variable)?.as_str());
            value.is_some_and(|value| value == format!("{{{{ {variable} }}}}"))
        };
        let missing: Vec<_> = READ_BY_API.into_iter().filter(|variable| !given(variable)).collect();
        ensure!(missing.is_empty(), "spin.toml gives `{name}` no {missing:?}");
        let hosts = manifest["component"][&name].get("allowed_outbound_hosts").and_then(toml::Value::as_array);
        let may_ask =
            |host: &str| hosts.is_some_and(|hosts| hosts.iter().any(|allowed| allowed.as_str() == Some(host)));
        ensure!(ASKED_BY_API.into_iter().all(may_ask), "spin.toml does not let `{name}` ask {ASKED_BY_API:?}");
    }
    Ok(())
}

/// Only `edge`, and the Worker's entry point, may name spin-sdk, wasi or worker.
fn only_edge_names_a_runtime() -> Outcome {
    for folder in ["shared", "functions"] {
        for entry in fs::read_dir(root().join(folder))? {
            let path = entry?.path();
            let Ok(manifest) = fs::read_to_string(path.join("Cargo.toml")) else { continue };
            let names = |package: &str| manifest.lines().any(|line| line.starts_with(&format!("{package}.workspace")));
            let may = path.ends_with("shared/edge") || path.ends_with("functions/worker");
            for package in ["spin-sdk", "wasi", "worker"] {
                ensure!(may || !names(package), "`{}` names `{package}`", path.display());
            }
        }
    }
    Ok(())
}

fn no_registry_host_in_npm_locks() -> Outcome {
    for lock in ["tests/package-lock.json", "native/headland/package-lock.json"] {
        let text = fs::read_to_string(root().join(lock))?;
        ensure!(!text.contains("\"resolved\": \"http"), "`{lock}` names a host");
    }
    Ok(())
}
