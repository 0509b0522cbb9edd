//! Postgres, the gateway and the edges as processes of their own, over one state folder: each can be killed at any
//! moment, and started again where it was.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Context;

use super::{Process, Psql, START_TIMEOUT, get, headland, scratch, send};
use crate::Outcome;

/// What the gateway lets one in with.
const CREDENTIAL: &str = "apart";
/// How often the gateway looks at the schema.
const CATALOG_WATCH: Duration = Duration::from_millis(250);
/// Postgres, recovering after a kill; and those who serve sessions notice late that it was killed.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Something that can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Postgres,
    Gateway,
    Edges,
}

/// How the gateway hears of who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Triggers,
    Replication,
}

/// All of them. What ends is killed.
pub(crate) struct Apart {
    state: PathBuf,
    source: Source,
    policy: &'static str,
    /// What `headland dev` is given.
    network: Vec<String>,
    /// The superuser's, for `psql`.
    pub(crate) superuser_url: String,
    /// The program and arguments that `headland dev` has started Postgres with.
    postgres_command: Vec<String>,
    database_url: String,
    /// The same at each start, as edges know it.
    gateway_address: Mutex<String>,
    edge_urls: Mutex<Vec<String>>,
    edges: usize,
    running: Mutex<[Option<Process>; 3]>,
}

impl Apart {
    /// Makes a Postgres with sample data, and starts all: so many edges, with this policy, and further arguments of
    /// `headland dev`.
    pub(crate) fn start(
        name: &str,
        source: Source,
        policy: &'static str,
        edges: usize,
        network: &[&str],
    ) -> anyhow::Result<Apart> {
        let state = scratch(&format!("{name}-{source:?}").to_lowercase())?;
        let mut command = headland()?;
        command.args(["dev", "--listen", "127.0.0.1:0", "--no-watch", "--state"]).arg(&state);
        let setting_up = Process::start(command.env_remove("DATABASE_URL"))?;
        setting_up.wait_for("listening on ", START_TIMEOUT)?;
        let region = fs::read_to_string(state.join("region.env"))?;
        let postgres = state.join("postgres");
        let mut postgres_command = command_of(&fs::read_to_string(postgres.join("data/postmaster.opts"))?);
        if source == Source::Replication {
            postgres_command.extend(["-c", "wal_level=logical"].map(str::to_owned));
        }
        let apart = Apart {
            source,
            policy,
            network: network.iter().map(|argument| (*argument).to_owned()).collect(),
            superuser_url: fs::read_to_string(postgres.join("url"))?.trim().to_owned(),
            postgres_command,
            database_url: value(&region, "DATABASE_URL").context("region.env names no database")?,
            gateway_address: Mutex::new("127.0.0.1:0".to_owned()),
            edge_urls: Mutex::default(),
            edges,
            running: Mutex::default(),
            state,
        };
        setting_up.stop();
        apart.begin(Part::Postgres)?;
        if source == Source::Replication {
            Psql::start(&apart.superuser_url)?.run("alter role authenticator replication")?;
            apart.watch_tables()?;
        }
        [Part::Gateway, Part::Edges].into_iter().try_for_each(|part| apart.begin(part))?;
        Ok(apart)
    }

    /// Kills a part at once.
    pub(crate) fn kill(&self, part: Part) {
        // A `Process` is killed when it is dropped.
        self.running.lock().unwrap()[part as usize].take();
    }

    /// Starts a part; returns when it serves.
    pub(crate) fn begin(&self, part: Part) -> Outcome {
        let process = match part {
            Part::Postgres => self.begin_postgres()?,
            Part::Gateway => self.begin_gateway()?,
            Part::Edges => self.begin_edges()?,
        };
        self.running.lock().unwrap()[part as usize] = Some(process);
        Ok(())
    }

    /// Base URLs, one of each edge.
    pub(crate) fn edge_urls(&self) -> Vec<String> {
        self.edge_urls.lock().unwrap().clone()
    }

    /// Base URL of the gateway.
    pub(crate) fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway_address.lock().unwrap())
    }

    /// While this file is there, the edges cannot reach the gateway.
    pub(crate) fn away_file(&self) -> PathBuf {
        self.state.join("region-is-away")
    }

    /// Runs DDL, in one transaction; returns when the gateway has seen the schema that it made, and each edge a relation of it.
    pub(crate) fn change_schema(&self, psql: &mut Psql, ddl: &str, path: &str) -> Outcome {
        self.wait_for("a first look at the schema", || Ok(self.schema_version()?.is_some()))?;
        let before = self.schema_version()?;
        psql.run(&format!("begin; {ddl}; commit"))?;
        if self.source == Source::Replication {
            self.watch_tables()?;
        }
        self.wait_for("the new schema", || Ok(self.schema_version()? != before))?;
        let is_served = |url: &String| Ok(get(&format!("{url}{path}"))?.status == 200);
        self.edge_urls().iter().try_for_each(|url| self.wait_for(path, || is_served(url)))
    }

    /// Has the log tell of who writes the tables that there are. Triggers are there, and come with a table.
    fn watch_tables(&self) -> Outcome {
        let mut command = headland()?;
        command.args(["migrate", "--replication"]).env("DATABASE_URL", &self.superuser_url);
        let output = command.output()?;
        anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// What the gateway calls the schema that it has seen last.
    fn schema_version(&self) -> anyhow::Result<Option<String>> {
        let name = self.database_url.rsplit('/').next().context("a URL without a database")?;
        let connection = format!("postgresql://edge:{CREDENTIAL}@localhost/{name}");
        let headers = [("neon-connection-string", connection.as_str())];
        let reply = send("POST", &format!("{}/sql", self.gateway_url()), &headers, r#"{"query": "select 1"}"#)?;
        Ok(reply.header("headland-catalog").map(str::to_owned))
    }

    fn wait_for(&self, what: &str, is_there: impl Fn() -> anyhow::Result<bool>) -> Outcome {
        let deadline = Instant::now() + START_TIMEOUT;
        while !is_there()? {
            anyhow::ensure!(Instant::now() < deadline, "{what} does not come");
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn begin_postgres(&self) -> anyhow::Result<Process> {
        let deadline = Instant::now() + RECOVERY_TIMEOUT;
        // It refuses to run as root.
        let owner = fs::metadata(self.state.join("postgres/data"))?;
        loop {
            let mut command = Command::new(&self.postgres_command[0]);
            command.args(&self.postgres_command[1..]).uid(owner.uid()).gid(owner.gid());
            let process = Process::start_in(Path::new("/"), &mut command)?;
            match process.wait_for("ready to accept", RECOVERY_TIMEOUT) {
                Ok(_) => return Ok(process),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => sleep(Duration::from_millis(50)),
            }
        }
    }

    fn begin_gateway(&self) -> anyhow::Result<Process> {
        let mut command = headland()?;
        command.args([
            "gateway",
            match self.source {
                Source::Triggers => "--writers",
                Source::Replication => "--writers=replication",
            },
            "--catalog-watch",
            &format!("{CATALOG_WATCH:?}"),
            "--listen",
            &self.gateway_address.lock().unwrap(),
        ]);
        command.env("DATABASE_URL", &self.database_url).env("HEADLAND_CREDENTIAL", CREDENTIAL);
        let process = Process::start(&mut command)?;
        let url = process.wait_for("listening on ", START_TIMEOUT)?;
        *self.gateway_address.lock().unwrap() = url.replace("http://", "");
        Ok(process)
    }

    fn begin_edges(&self) -> anyhow::Result<Process> {
        let database = self.database_url.rsplit('/').next().context("a URL without a database")?;
        let connection = format!("postgresql://edge:{CREDENTIAL}@localhost/{database}");
        let mut command = headland()?;
        command.args(["dev", "--listen", "127.0.0.1:0", "--no-watch", "--edges", &self.edges.to_string(), "--state"]);
        command.arg(&self.state).args(["--region-url", &self.gateway_url(), "--region-connection", &connection]);
        command.args(&self.network).env("SPIN_VARIABLE_HEADLAND_CONFIG", self.policy);
        let process = Process::start(&mut command)?;
        let urls: anyhow::Result<Vec<String>> =
            (0..self.edges).map(|_| process.wait_for("listening on ", START_TIMEOUT)).collect();
        *self.edge_urls.lock().unwrap() = urls?;
        Ok(process)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        [Part::Edges, Part::Gateway, Part::Postgres].into_iter().for_each(|part| self.kill(part));
    }
}

/// What postmaster.opts says: a program, and arguments between quotes.
fn command_of(options: &str) -> Vec<String> {
    let words = options.trim().split(" \"");
    words.map(|word| word.trim_end_matches('"').to_owned()).collect()
}

fn value(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}
