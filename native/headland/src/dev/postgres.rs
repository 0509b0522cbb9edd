//! A Postgres of one's own: a private cluster, made once, that runs while `headland dev` does.
//!
//! It listens on 127.0.0.1 only and wants passwords. fsync stays on: what people put into it is theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use super::account::Account;
use super::binaries::Binaries;
use super::bound::{self, Farewell};
use super::home::Home;
use super::leftover;

/// Longest wait for a started Postgres; recovering after a crash may take a while.
const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest wait for each way of asking it to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);
const LOG_LINES_MAX: usize = 5;

/// A cluster on disk, which nothing runs on.
#[derive(Debug)]
pub(crate) struct Prepared {
    home: Home,
    binaries: Binaries,
    url: Url,
    /// Whether it was made just now.
    pub(crate) is_new: bool,
}

/// A cluster that runs. Dropping it does not stop it; [`Cluster::stop`] does, and the end of this process.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// How the superuser connects.
    pub(crate) url: Url,
    child: Child,
    data: PathBuf,
    log: PathBuf,
}

/// Makes the cluster of the `state` folder if there is none, and stops what an earlier start left running on it.
/// The caller holds the folder's lock.
pub(crate) async fn prepare(state: &Path) -> anyhow::Result<Prepared> {
    let home = Home::open(state)?;
    leftover::clear(&home.data()).await?;
    let major = home.major();
    let binaries = Binaries::find(major)?.within_reach(home.account)?;
    let url = home.url()?;
    if major.is_none() {
        tracing::info!("set-up 1/3: making a cluster of PostgreSQL {} in {}", binaries.version, home.folder.display());
        make(&home, &binaries, &url).await?;
    }
    Ok(Prepared { home, binaries, url, is_new: major.is_none() })
}

/// Made under another name first, so that a cluster which exists is whole.
async fn make(home: &Home, binaries: &Binaries, url: &Url) -> anyhow::Result<()> {
    let unfinished = home.folder.join("data.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    fs::create_dir(&unfinished)?;
    home.account.own(&unfinished)?;
    let password = home.hand_over("password", url.password().unwrap_or_default())?;
    let made = initdb(home.account, binaries, &unfinished, &password).await;
    fs::remove_file(password)?;
    made?;
    Ok(fs::rename(unfinished, home.data())?)
}

async fn initdb(account: Account, binaries: &Binaries, data: &Path, password: &Path) -> anyhow::Result<()> {
    let mut command = bound::command(&binaries.folder.join("initdb"), account, Farewell::Kill);
    command.arg("--pgdata").arg(data).arg("--pwfile").arg(password);
    command.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    // initdb has children of its own; none of them may outlive an interruption.
    let mut group = KillGroup(pid(&child));
    let output = child.wait_with_output().await?;
    group.0 = None;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "initdb failed: {}", said.trim());
    Ok(())
}

impl Prepared {
    /// Starts it; it is not ready yet.
    pub(crate) fn start(self) -> anyhow::Result<Cluster> {
        let (data, log) = (self.home.data(), self.home.log());
        let output = self.home.create_log()?;
        let mut command =
            bound::command(&self.binaries.folder.join("postgres"), self.home.account, Farewell::Interrupt);
        command.arg("-D").arg(&data);
        for setting in [
            format!("port={}", self.url.port().unwrap_or_default()),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "logging_collector=off".to_owned(),
            "cluster_name=headland".to_owned(),
        ] {
            command.arg("-c").arg(setting);
        }
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let child = command.spawn().context("cannot start Postgres")?;
        Ok(Cluster { url: self.url, child, data, log })
    }
}

impl Cluster {
    /// Returns once it takes connections.
    pub(crate) async fn ready(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        while !self.says_ready() {
            if let Some(status) = self.child.try_wait()? {
                return Err(self.ended(status));
            }
            anyhow::ensure!(Instant::now() < deadline, "Postgres is not ready after {START_TIMEOUT:?}");
            sleep(POLL).await;
        }
        Ok(())
    }

    /// Returns only if it ends by itself, with the reason.
    pub(crate) async fn wait(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => self.ended(status),
            Err(error) => error.into(),
        }
    }

    /// Ends it: sessions are cut, everything committed is on disk.
    pub(crate) async fn stop(mut self) {
        for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
            if let Some(pid) = pid(&self.child) {
                let _ = kill_process(pid, signal);
            }
            if timeout(STOP_TIMEOUT, self.child.wait()).await.is_ok() {
                return;
            }
        }
    }

    /// As `pg_ctl` tells: the eighth line of postmaster.pid is its state, the first whose state that is.
    fn says_ready(&self) -> bool {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).unwrap_or_default();
        let mut lines = text.lines().map(str::trim);
        let ours = lines.next().and_then(|line| line.parse().ok()) == self.child.id();
        ours && lines.nth(6) == Some("ready")
    }

    fn ended(&self, status: ExitStatus) -> anyhow::Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(LOG_LINES_MAX)..].join("; ");
        anyhow::anyhow!("Postgres ended ({status}); `{}` ends in: {last}", self.log.display())
    }
}

/// `None` once the process has been waited for.
fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(child.id()?.try_into().ok()?)
}

/// Kills a process group when dropped, unless it was emptied before.
struct KillGroup(Option<Pid>);

impl Drop for KillGroup {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}
