//! The runtimes that the tests go through, each started once.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::process::{Process, root, scratch};
use super::{Mode, region, upstream};

/// Longest wait for a server to listen: the first start makes a Postgres, and wrangler builds the Worker.
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(300);

/// Where the functions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// `headland dev`, with its own Postgres and gateway.
    Emulator,
    /// `wrangler dev`, over [`region`].
    Workerd,
    /// `spin up`, over [`region`]; where `spin` is on the PATH.
    Spin,
    /// The components under `headland dev --region-url`, over [`region`].
    EmulatorOverRegion,
    /// The probe under `headland dev`.
    ProbeOnEmulator,
    /// The probe under `wrangler dev`.
    ProbeOnWorkerd,
}

/// A runtime that listens.
pub(crate) struct Running {
    /// Its base URL, with no slash at the end.
    pub(crate) url: String,
    process: Mutex<Option<Process>>,
}

static RUNNING: Mutex<Vec<(Runtime, Arc<Running>)>> = Mutex::new(Vec::new());

impl Runtime {
    /// All of them.
    pub(crate) const ALL: [Runtime; 6] = [
        Runtime::Emulator,
        Runtime::Workerd,
        Runtime::Spin,
        Runtime::EmulatorOverRegion,
        Runtime::ProbeOnEmulator,
        Runtime::ProbeOnWorkerd,
    ];

    /// The name in a test's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Runtime::Emulator => "emulator",
            Runtime::Workerd => "workerd",
            Runtime::Spin => "spin",
            Runtime::EmulatorOverRegion => "emulator_over_region",
            Runtime::ProbeOnEmulator => "probe_on_emulator",
            Runtime::ProbeOnWorkerd => "probe_on_workerd",
        }
    }

    /// Why it cannot run here, if it cannot.
    pub(crate) fn absent(self) -> Option<&'static str> {
        match self {
            Runtime::Workerd | Runtime::ProbeOnWorkerd if node_modules().is_none() => {
                Some("HEADLAND_NODE_MODULES is not set: no wrangler")
            }
            Runtime::Spin if Command::new("spin").arg("--version").output().is_err() => Some("no `spin` on the PATH"),
            _ => None,
        }
    }

    /// Its base URL; starts it at the first call.
    pub(crate) fn url(self) -> anyhow::Result<String> {
        // Others may be needed to start this one, so the lock is not held meanwhile.
        if let Some((_, running)) = RUNNING.lock().unwrap().iter().find(|(runtime, _)| *runtime == self) {
            return Ok(running.url.clone());
        }
        let running = Arc::new(self.start().with_context(|| format!("cannot start {self:?}"))?);
        RUNNING.lock().unwrap().push((self, running.clone()));
        Ok(running.url.clone())
    }

    fn start(self) -> anyhow::Result<Running> {
        let (process, marker) = match self {
            Runtime::Emulator => (headland_dev(&[])?, "listening on "),
            Runtime::EmulatorOverRegion => {
                let (url, connection) = region(Mode::Pass)?;
                let region = ["--region-url", &url, "--region-connection", &connection];
                (headland_dev(&region)?, "listening on ")
            }
            Runtime::ProbeOnEmulator => {
                let manifest = ["--manifest", "tests/probe/spin.toml", "--region-url", "http://127.0.0.1:1"];
                (headland_dev(&[&manifest[..], &["--region-connection", "none"]].concat())?, "listening on ")
            }
            Runtime::Workerd => {
                let (url, connection) = region(Mode::Pass)?;
                let vars = [format!("REGION_URL:{url}"), format!("REGION_CONNECTION:{connection}")];
                (wrangler(root(), "wrangler.toml", &vars)?, "Ready on ")
            }
            Runtime::ProbeOnWorkerd => (
                wrangler(root(), "tests/probe/wrangler.toml", &[format!("PROBE_UPSTREAM:{}", upstream()?)])?,
                "Ready on ",
            ),
            Runtime::Spin => (spin()?, "Serving "),
        };
        let url = process.wait_for(marker, START_TIMEOUT)?.trim_end_matches('/').to_owned();
        Ok(Running { url, process: Mutex::new(Some(process)) })
    }
}

/// What tokens are signed with.
pub(crate) const JWT_SECRET: &str = "reallyreallyreallyreallyverysafe";
/// Policy of the runtimes over [`region`]: they give up soon, so that a slow region can be tested, and clients may see
/// plans and have their writes rolled back. No catalog grows old while requests are counted. The limits concern the
/// tests of limits alone, the rules those of rows, and `fresh_genres` those of stored answers.
const CONFIG: &str = concat!(
    "db-anon-role = 'anon'\nregion-timeout = 1500\ndb-plan-enabled = true\n",
    "db-tx-end = 'commit-allow-override'\ncatalog-max-age = 3600\nvalidate-by-catalog = true\n",
    "relations.fresh_genres.cache = 'edge'\nrelations.fresh_genres.cache-max-age = 3\n",
    "[limits.user]\nrequests = 3\nwindow = 3600\nby = '$.limited_as'\n",
    "[limits.address]\nrequests = 1000\nwindow = 86400\nby = 'address'\nfunctions = ['average_rating']\n",
    include_str!("rules.toml")
);
/// Policy of [`Runtime::Emulator`]: the project's own, where no catalog grows old, and the same rules.
const CONFIG_OF_EMULATOR: &str = concat!(
    "catalog-max-age = 3600\nvalidate-by-catalog = true\n",
    "relations.fresh_genres.cache = 'edge'\nrelations.fresh_genres.cache-max-age = 3\n",
    include_str!("../../../headland.toml"),
    include_str!("rules.toml")
);

fn headland_dev(arguments: &[&str]) -> anyhow::Result<Process> {
    let state = scratch(&format!("state-{}", arguments.len()))?;
    let mut command = headland()?;
    command.args(["dev", "--listen", "127.0.0.1:0", "--no-watch", "--state"]).arg(state).args(arguments);
    command.env_remove("DATABASE_URL").env("JWT_SECRET", JWT_SECRET);
    if arguments.is_empty() {
        command.env("SPIN_VARIABLE_HEADLAND_CONFIG", CONFIG_OF_EMULATOR);
    } else {
        command.env("SPIN_VARIABLE_HEADLAND_CONFIG", CONFIG).env("SPIN_VARIABLE_PROBE_UPSTREAM", upstream()?);
    }
    Process::start(&mut command)
}

/// `wrangler dev` in a folder, on a configuration file.
pub(crate) fn wrangler(folder: &Path, config: &str, vars: &[String]) -> anyhow::Result<Process> {
    let modules = node_modules().context("HEADLAND_NODE_MODULES is not set")?;
    let mut command = Command::new(node());
    command.arg(modules.join("wrangler/bin/wrangler.js"));
    command.args(["dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", "--config", config]);
    command.arg("--persist-to").arg(scratch("wrangler")?).arg("--var").arg(format!("HEADLAND_CONFIG:{CONFIG}"));
    command.args(["--var", &format!("JWT_SECRET:{JWT_SECRET}")]);
    command.args(vars.iter().flat_map(|var| ["--var", var.as_str()]));
    command.env("CI", "true").env("WRANGLER_SEND_METRICS", "false").env("NO_COLOR", "1");
    Process::start_in(folder, &mut command)
}

fn spin() -> anyhow::Result<Process> {
    let (url, connection) = region(Mode::Pass)?;
    let mut command = Command::new("spin");
    command.args(["up", "--listen", "127.0.0.1:0", "--state-dir"]).arg(scratch("spin")?);
    command.env("SPIN_VARIABLE_REGION_URL", url).env("SPIN_VARIABLE_REGION_CONNECTION", connection);
    command.env("SPIN_VARIABLE_HEADLAND_CONFIG", CONFIG).env("SPIN_VARIABLE_JWT_SECRET", JWT_SECRET);
    Process::start(&mut command)
}

/// The built command line, to be given arguments.
pub(crate) fn headland() -> anyhow::Result<Command> {
    let program =
        std::env::var_os("HEADLAND_BIN").map_or_else(|| root().join("target/release/headland"), PathBuf::from);
    ensure!(program.is_file(), "`{}` is not built; run scripts/test", program.display());
    Ok(Command::new(program))
}

/// What `headland dev` says of its region: the gateway's URL and the connection string, and the database's URL.
pub(crate) struct Dev {
    pub(crate) region_url: String,
    pub(crate) region_connection: String,
    pub(crate) database_url: String,
    pub(crate) superuser_url: String,
}

/// The region of [`Runtime::Emulator`], which is started if it does not run yet.
pub(crate) fn dev() -> anyhow::Result<Dev> {
    Runtime::Emulator.url()?;
    let state = scratch("state-0")?;
    let text = std::fs::read_to_string(state.join("region.env"))?;
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.map(str::to_owned).with_context(|| format!("region.env has no {name}"))
    };
    Ok(Dev {
        region_url: value("REGION_URL")?,
        region_connection: value("REGION_CONNECTION")?,
        database_url: value("DATABASE_URL")?,
        superuser_url: std::fs::read_to_string(state.join("postgres/url"))?.trim().to_owned(),
    })
}

/// Node, new enough for wrangler.
pub(crate) fn node() -> PathBuf {
    std::env::var_os("HEADLAND_NODE").map_or_else(|| "node".into(), PathBuf::from)
}

/// Where npm's packages lie, if they do.
pub(crate) fn node_modules() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = || std::env::var_os("HEADLAND_NODE_MODULES").map(|folder| PathBuf::from(folder).join("node_modules"));
    FOLDER.get_or_init(folder).as_ref()
}

/// Stops what was started, last first.
pub(crate) fn stop() {
    for (runtime, running) in std::mem::take(&mut *RUNNING.lock().unwrap()).into_iter().rev() {
        let process = running.process.lock().unwrap().take();
        if process.is_some_and(|process| !process.stop()) {
            eprintln!("{runtime:?} did not stop by itself");
        }
    }
    let _ = std::fs::remove_dir_all(root().join("target/e2e"));
}
