//! `headland gateway`: the regional gateway as a process of its own, beside the database.

use std::net::SocketAddr;
use std::time::Duration;

use crate::duration;
use crate::signal::Stop;

/// What `headland gateway` takes. What is left out has the gateway's own default.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The Postgres that it stands before; better given in the environment, where no process list shows it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: String,
    /// The password that edge functions must give; better given in the environment
    #[arg(long, env = "HEADLAND_CREDENTIAL", hide_env_values = true, value_name = "SECRET")]
    credential: String,
    /// The user that edge functions must name
    #[arg(long, env = "HEADLAND_USER", value_name = "NAME")]
    user: Option<String>,
    /// The database that edge functions must name [default: the one of the database URL]
    #[arg(long, env = "HEADLAND_DATABASE", value_name = "NAME")]
    database: Option<String>,
    /// Where it listens
    #[arg(long, env = "HEADLAND_LISTEN", default_value = "127.0.0.1:4000", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Most connections to Postgres
    #[arg(long, env = "HEADLAND_POOL_MAX", value_name = "COUNT")]
    pool_max: Option<usize>,
    /// Most requests that wait for a connection; the next one is answered 503
    #[arg(long, env = "HEADLAND_QUEUE_MAX", value_name = "COUNT")]
    queue_max: Option<usize>,
    /// Longest wait for a connection
    #[arg(long, env = "HEADLAND_ACQUIRE_TIMEOUT", value_name = "TIME", value_parser = duration::parse)]
    acquire_timeout: Option<Duration>,
    /// Longest that a request may take in Postgres
    #[arg(long, env = "HEADLAND_DEADLINE", value_name = "TIME", value_parser = duration::parse)]
    deadline: Option<Duration>,
    /// Largest request body
    #[arg(long, env = "HEADLAND_REQUEST_BYTES_MAX", value_name = "BYTES")]
    request_bytes_max: Option<usize>,
    /// Largest response body
    #[arg(long, env = "HEADLAND_RESPONSE_BYTES_MAX", value_name = "BYTES")]
    response_bytes_max: Option<usize>,
    /// Longest that requests in flight may take once it has been told to stop
    #[arg(long, env = "HEADLAND_SHUTDOWN_GRACE", value_name = "TIME", value_parser = duration::parse)]
    shutdown_grace: Option<Duration>,
    /// Most callers that are counted, for edges that limit them
    #[arg(long, env = "HEADLAND_LIMITED_CALLERS_MAX", value_name = "COUNT")]
    limited_callers_max: Option<usize>,
    /// How often to look whether the schema has changed, so that edges know at once [default: never]
    #[arg(long, env = "HEADLAND_CATALOG_WATCH", value_name = "TIME", value_parser = duration::parse)]
    catalog_watch: Option<Duration>,
    /// Hears of all writers, for which the database must have been prepared by `headland migrate` in the same way
    #[arg(
        long,
        env = "HEADLAND_WRITERS",
        value_name = "SOURCE",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "triggers"
    )]
    writers: Option<Writers>,
    /// A standby that streams from that Postgres; it is given the reads for which it has replayed enough. Needs `--writers`
    #[arg(long, env = "HEADLAND_REPLICA_URL", hide_env_values = true, value_name = "URL")]
    replica_url: Option<String>,
}

/// Where the gateway hears of writers.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Writers {
    /// Statement triggers, which notify
    Triggers,
    /// The log, by logical replication, without triggers
    Replication,
}

impl From<Writers> for gateway::Source {
    fn from(writers: Writers) -> gateway::Source {
        match writers {
            Writers::Triggers => gateway::Source::Triggers,
            Writers::Replication => gateway::Source::Replication,
        }
    }
}

/// Serves until a signal comes, and then finishes what is in flight.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let mut stop = Stop::listen()?;
    let gateway = gateway::start(options.try_into()?).await?;
    tracing::info!("listening on http://{}", gateway.address());
    stop.wait().await;
    tracing::info!("stopping");
    gateway.shutdown().await;
    Ok(())
}

impl TryFrom<Options> for gateway::Options {
    type Error = gateway::Error;

    fn try_from(given: Options) -> Result<gateway::Options, gateway::Error> {
        let mut options = gateway::Options::new(&given.database_url, &given.credential)?;
        options.listen = given.listen;
        set(&mut options.user, given.user);
        set(&mut options.database, given.database);
        set(&mut options.pool_max, given.pool_max);
        set(&mut options.queue_max, given.queue_max);
        set(&mut options.acquire_timeout, given.acquire_timeout);
        set(&mut options.deadline, given.deadline);
        set(&mut options.request_bytes_max, given.request_bytes_max);
        set(&mut options.response_bytes_max, given.response_bytes_max);
        set(&mut options.shutdown_grace, given.shutdown_grace);
        set(&mut options.limited_callers_max, given.limited_callers_max);
        options.catalog_watch = given.catalog_watch;
        options.writers = given.writers.map(gateway::Source::from);
        options.replica_url = given.replica_url;
        Ok(options)
    }
}

fn set<T>(option: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *option = given;
    }
}
