//! `headland dev`: the whole of Headland on this machine, as one process and perhaps a Postgres.
//!
//! Order of things: lock the state folder, Postgres, gateway, emulator. What has been started is kept in [`House`],
//! so that whatever ends the work, a signal at any moment included, ends all of it.

mod account;
mod binaries;
mod bound;
mod cache;
mod home;
mod leftover;
mod place;
mod postgres;
mod region;
mod requests;
mod sample;

use std::fs::{self, File, TryLockError};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use config::Config;
use emulator::Emulator;
use gateway::Gateway;
use hyper::{Request, StatusCode};
use tokio::time::sleep;
use url::Url;

pub(crate) use bound::Bound;

use crate::policy::Policy;
use crate::signal::Stop;
use crate::{duration, http, log, percent, token};
use binaries::Binaries;
use place::{Place, Written};
use postgres::Cluster;

/// Longest wait for `GET /health` to answer 200 once the components are loaded.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);
const HEALTH_POLL: Duration = Duration::from_millis(50);
/// In the state folder: cuts the region off while it is there.
const AWAY_FILE: &str = "region-is-away";
/// Nobody wants to wait for long after Ctrl-C: requests in flight get this much time at the edge, and again behind it.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(2);

/// What `headland dev` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Postgres to serve; without one, a private cluster with sample data is made and run
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<String>,
    /// Gateway or Neon endpoint to use instead of a database, without `/sql`
    #[arg(
        long,
        env = "REGION_URL",
        value_name = "URL",
        conflicts_with = "database_url",
        requires = "region_connection"
    )]
    region_url: Option<String>,
    /// Connection string that this region checks
    #[arg(long, env = "REGION_CONNECTION", hide_env_values = true, value_name = "URL", requires = "region_url")]
    region_connection: Option<String>,
    /// Policy to use in place of the built-in one: a headland.toml, or PostgREST's configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What tokens are verified with: a secret, a JWK or a JWKS [default: the configuration file's, or, for the private
    /// cluster, one that `headland token` signs with]
    #[arg(long, env = "JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    jwt_secret: Option<String>,
    /// Where the edge listens
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Edges to run over one key-value store, each on a port of its own: that of --listen and the next ones
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    edges: usize,
    /// Delay with which an edge sees what others have written to the key-value store; what it has written itself, at once
    #[arg(long, default_value = "0ms", value_name = "TIME", value_parser = duration::parse)]
    kv_delay: Duration,
    /// Delay put on each trip to the region, as if it were that far away
    #[arg(long, default_value = "0ms", value_name = "TIME", value_parser = duration::parse)]
    rtt: Duration,
    /// Share of trips to the region that fail: half before the region sees the request, half after it has handled it
    #[arg(long, default_value = "0%", value_name = "PERCENT", value_parser = percent::parse)]
    drop: f64,
    /// Does not rebuild and reload components when their files change
    #[arg(long)]
    no_watch: bool,
    /// The components to run
    #[arg(long, default_value = "spin.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Where the state is kept: key-value store, precompiled components, Postgres. While it has a file `region-is-away`,
    /// the edge cannot reach its region; with the word `silent` in the file it is never answered
    #[arg(long, default_value = ".headland", value_name = "FOLDER")]
    state: PathBuf,
}

/// What runs, in the order in which it was started.
#[derive(Default)]
struct House {
    /// Of the state folder; given up when all else has ended.
    lock: Option<File>,
    region_file: Option<Written>,
    postgres: Option<Cluster>,
    gateway: Option<Gateway>,
    emulator: Option<Emulator>,
}

/// Runs until a signal comes, or something ends that must not.
pub(crate) async fn run(mut options: Options) -> anyhow::Result<()> {
    let policy = options.read_policy()?;
    let mut stop = Stop::listen()?;
    let mut house = House::default();
    let outcome = tokio::select! {
        outcome = serve(&options, policy, &mut house) => outcome,
        () = stop.wait() => {
            tracing::info!("stopping");
            Ok(())
        }
    };
    house.close().await;
    outcome
}

/// Prints where the programs of Postgres are that a new cluster would use.
pub(crate) fn print_postgres() -> anyhow::Result<()> {
    println!("{}", Binaries::find(None)?.folder.display());
    Ok(())
}

async fn serve(options: &Options, policy: Option<String>, house: &mut House) -> anyhow::Result<()> {
    let began = Instant::now();
    let config = config(&options.manifest, policy.as_deref())?;
    for address in emulator::addresses(options.listen, options.edges)? {
        free(address)?;
    }
    house.lock = Some(lock(&options.state)?);

    let (mut place, tables) = match options.region() {
        Some(place) => (place, Vec::new()),
        None => own_region(options, &config, house).await?,
    };
    place.policy = policy;
    place.jwt_secret = jwt_secret(options, place.database_url.is_some())?;
    house.region_file = Some(place.write(&options.state)?);

    let emulator = emulator::start(edge(options, &place)?).await?;
    let emulator = house.emulator.insert(emulator);
    let addresses: Vec<SocketAddr> = emulator.addresses().iter().copied().map(from_here).collect();
    for address in &addresses {
        healthy(*address).await?;
    }
    announce(&addresses, &tables, place.database_url.is_some(), began)?;

    match &mut house.postgres {
        Some(cluster) => Err(cluster.wait().await),
        None => std::future::pending().await,
    }
}

/// The secret that is given, else one of our own for the private cluster.
fn jwt_secret(options: &Options, is_private: bool) -> anyhow::Result<Option<String>> {
    match options.jwt_secret.as_deref().filter(|secret| !secret.is_empty()) {
        Some(secret) => Ok(Some(secret.to_owned())),
        None => is_private.then(|| token::dev_secret(&options.state)).transpose(),
    }
}

/// A gateway for the database that is named, or else for the private one; and the tables to be read there.
async fn own_region(options: &Options, config: &Config, house: &mut House) -> anyhow::Result<(Place, Vec<String>)> {
    let private = match options.database_url() {
        Some(_) => None,
        None => Some(private_database(&options.state, house).await?),
    };
    let database_url = options.database_url().or(private.as_deref()).unwrap_or_default();
    let (gateway, region) = region::open(database_url, SHUTDOWN_GRACE).await?;
    house.gateway = Some(gateway);
    let tables = requests::tables(&region, config).await.context("cannot use the database")?;
    let place = Place { database_url: private, ..Place::new(region.url(), region.connection) };
    Ok((place, tables))
}

/// Runs the private cluster, filled with the sample; returns the authenticator's URL.
async fn private_database(state: &Path, house: &mut House) -> anyhow::Result<String> {
    let prepared = postgres::prepare(state).await?;
    if prepared.is_new {
        tracing::info!("set-up 2/3: starting it");
    }
    let cluster = house.postgres.insert(prepared.start()?);
    cluster.ready().await?;

    let mut url = cluster.url.clone();
    let (gateway, superuser) = region::open(url.as_str(), SHUTDOWN_GRACE).await?;
    if !sample::is_filled(&superuser).await? {
        tracing::info!("set-up 3/3: loading the sample data");
        sample::fill(&superuser).await?;
    }
    let password = sample::renew_password(&superuser).await?;
    gateway.shutdown().await;
    gateway::migrate(url.as_str(), gateway::Source::Triggers.install()).await?;

    let named = url.set_username(sample::AUTHENTICATOR).and_then(|()| url.set_password(Some(&password)));
    named.map_err(|()| anyhow::anyhow!("the cluster's URL has no host"))?;
    Ok(url.into())
}

fn edge(options: &Options, place: &Place) -> anyhow::Result<emulator::Options> {
    // In full: the watcher reports files by their full paths, and so do errors about components.
    let mut edge = emulator::Options::new(fs::canonicalize(&options.manifest)?);
    edge.listen = options.listen;
    edge.edges = options.edges;
    edge.variables = place.variables().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    edge.state_dir = options.state.join("emulator");
    edge.kv_delay = options.kv_delay;
    edge.rtt = options.rtt;
    edge.drop_share = options.drop;
    edge.away_file = Some(options.state.join(AWAY_FILE));
    edge.watch = !options.no_watch;
    edge.shutdown_grace = SHUTDOWN_GRACE;
    Ok(edge)
}

impl Options {
    fn region(&self) -> Option<Place> {
        let (url, connection) = (self.region_url.clone()?, self.region_connection.clone()?);
        Some(Place::new(url, connection))
    }

    /// Reads the file that `--config` names, and takes from it what the command line leaves open.
    fn read_policy(&mut self) -> anyhow::Result<Option<String>> {
        let Some(path) = &self.config else { return Ok(None) };
        let policy = Policy::read(path)?;
        for warning in &policy.warnings {
            tracing::warn!("{warning}");
        }
        self.jwt_secret = self.jwt_secret.take().or(policy.jwt_secret);
        if self.region_url.is_none() && self.database_url().is_none() {
            self.database_url = policy.database_url;
        }
        Ok(Some(policy.text))
    }

    /// An empty variable is as good as none.
    fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref().filter(|url| !url.is_empty())
    }
}

impl House {
    /// Ends what runs, callers first.
    async fn close(self) {
        if let Some(emulator) = self.emulator {
            emulator.shutdown().await;
        }
        if let Some(gateway) = self.gateway {
            gateway.shutdown().await;
        }
        if let Some(postgres) = self.postgres {
            postgres.stop().await;
        }
        drop(self.lock);
    }
}

/// Policy as the functions will read it: the one that is named, else `headland.toml` beside the manifest, else the
/// defaults.
fn config(manifest: &Path, policy: Option<&str>) -> anyhow::Result<Config> {
    anyhow::ensure!(manifest.is_file(), "there is no `{}`; --manifest names another", manifest.display());
    if let Some(policy) = policy {
        return Ok(Config::parse(policy)?);
    }
    match fs::read_to_string(manifest.with_file_name("headland.toml")) {
        Ok(text) => Ok(Config::parse(&text)?),
        Err(_) => Ok(Config::default()),
    }
}

/// Refuses a busy port before anything is set up.
fn free(listen: SocketAddr) -> anyhow::Result<()> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(error) => anyhow::bail!("cannot listen on {listen}: {error}; --listen takes another address and port"),
    }
}

/// One `headland dev` per state folder; the lock ends with the process, however it ends.
fn lock(state: &Path) -> anyhow::Result<File> {
    let path = state.join("lock");
    fs::create_dir_all(state).with_context(|| format!("cannot make `{}`", state.display()))?;
    let file = File::create(&path).with_context(|| format!("cannot write `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            anyhow::bail!("another `headland dev` runs on `{}`; --state takes another folder", state.display())
        }
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock `{}`", path.display())),
    }
}

/// The address to ask from this machine: the loopback one where the edge listens on all.
fn from_here(mut listening: SocketAddr) -> SocketAddr {
    if listening.ip().is_unspecified() {
        listening.set_ip(if listening.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    listening
}

/// Returns once `GET /health` answers 200.
async fn healthy(edge: SocketAddr) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let (status, _) = http::send(edge, Request::get("/health").body(Default::default())?).await?;
        if status == StatusCode::OK {
            return Ok(());
        }
        anyhow::ensure!(began.elapsed() < HEALTH_TIMEOUT, "`GET /health` answers {status}");
        sleep(HEALTH_POLL).await;
    }
}

fn announce(addresses: &[SocketAddr], tables: &[String], is_private: bool, began: Instant) -> anyhow::Result<()> {
    for address in addresses {
        tracing::info!("listening on http://{address} after {:.1} s", began.elapsed().as_secs_f32());
    }
    let url: Url = format!("http://{}", addresses[0]).parse()?;
    let has = |name: &str| tables.iter().any(|table| table == name);
    let is_sample = is_private && has("directors") && has("movies");
    for request in requests::requests(&url, tables, is_sample) {
        tracing::info!(target: log::PASTE, "{request}");
    }
    Ok(())
}
