//! What the caller of [`start`](crate::start) chooses, and the limits that it usually leaves as they are.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// How to run an application. [`Options::new`] gives each field its default.
#[derive(Clone)]
pub struct Options {
    /// The spin.toml to run. Paths in it are relative to its folder.
    pub manifest: PathBuf,
    /// Where the first edge listens, and the others on the ports after it. Port 0 takes free ones. Default: 127.0.0.1:3000, as Spin.
    pub listen: SocketAddr,
    /// Edges that serve the application, up to [`EDGES_MAX`](crate::EDGES_MAX). They share threads, limits and the key-value
    /// database; an instance never serves two. Default: one.
    pub edges: usize,
    /// Values for the manifest's `[variables]`. They win over `SPIN_VARIABLE_…` in the environment.
    pub variables: BTreeMap<String, String>,
    /// A folder of our own for the key-value database and compiled components. Created if absent, readable by the user only.
    /// Default: `.headland/emulator` beside the manifest.
    pub state_dir: PathBuf,
    /// After this time an edge sees what others have written to the key-value database; what it has written itself, at once.
    /// Default: at once.
    pub kv_delay: Duration,
    /// Added once to every request that leaves the edge: half before it is sent, half before its answer is handed over.
    /// Default: none.
    pub rtt: Duration,
    /// The share of these requests that is lost, 0 to 1: half of them are not sent, and of the others, which are handled, it is
    /// the answer that is lost. Default: none.
    pub drop_share: f64,
    /// While this file exists, these requests fail at once, as if the region could not be reached; with the word `silent` in it they
    /// are never answered. Default: no file.
    pub away_file: Option<PathBuf>,
    /// Threads that requests are served on, each with instances and outbound connections of its own. Default: one per core.
    pub threads: usize,
    /// Whether to watch the components' sources, rebuild what changed, and build what is absent. Default: no.
    pub watch: bool,
    /// Linear memory of one instance. Growing beyond it is refused, which Rust answers with a trap. Default: 128 MiB, as hosted Spin.
    pub memory_bytes_max: usize,
    /// From a request's arrival in an instance to the head of its response; 504 afterwards. Default: 30 s, as hosted Spin.
    pub request_timeout: Duration,
    /// How long an instance may compute without once waiting for anything; 500 afterwards. Default: 10 s.
    pub cpu_time_max: Duration,
    /// Requests in progress in the whole emulator; 503 with `Retry-After` above it. Default: 512.
    pub requests_max: usize,
    /// Of these, requests from one address (of IPv6, from one network of 64 bits); 503 above it. Default: 256.
    pub requests_per_address_max: usize,
    /// Connections served at a time; further ones wait in the listener's backlog. Default: 1024.
    pub connections_max: usize,
    /// Of these, connections from one address; further ones are closed at once. Default: 512.
    pub connections_per_address_max: usize,
    /// A client is disconnected when it had no request in progress for this long. Default: 60 s.
    pub idle_timeout: Duration,
    /// A request's head must have arrived this long after its first byte, or the client is disconnected. Default: 10 s.
    pub head_timeout: Duration,
    /// A request's body must have arrived this long after its head; 408 afterwards. Default: 20 s.
    pub body_timeout: Duration,
    /// A client that takes nothing of a response for this long, or no more than a trickle for longer, is disconnected
    /// ([`connections::Patience::take`]). Default: 60 s.
    pub take_timeout: Duration,
    /// Requests that one instance serves before it is dropped. Default: 128, as Spin 4.
    pub instance_requests_max: usize,
    /// Requests that one instance serves at a time. Default: 16, as Spin 4.
    pub instance_concurrency_max: usize,
    /// How long an instance without a request is kept. Default: 1 s, as Spin 4.
    pub instance_idle_timeout: Duration,
    /// The request line and all header fields together; 431 above it. At least 8 KiB. Default: 64 KiB.
    pub header_bytes_max: usize,
    /// Path and query together; 414 above it. Default: 32 KiB.
    pub uri_bytes_max: usize,
    /// How long [`Emulator::shutdown`](crate::Emulator::shutdown) waits for requests in progress. Default: 10 s.
    pub shutdown_grace: Duration,
}

impl Options {
    /// The defaults for this manifest.
    pub fn new(manifest: impl Into<PathBuf>) -> Options {
        let manifest = manifest.into();
        let state_dir = manifest.parent().map(PathBuf::from).unwrap_or_default().join(".headland/emulator");
        Options {
            manifest,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 3000)),
            edges: 1,
            variables: BTreeMap::new(),
            state_dir,
            kv_delay: Duration::ZERO,
            rtt: Duration::ZERO,
            drop_share: 0.0,
            away_file: None,
            threads: std::thread::available_parallelism().map_or(1, |cores| cores.get()),
            watch: false,
            memory_bytes_max: 128 << 20,
            request_timeout: Duration::from_secs(30),
            cpu_time_max: Duration::from_secs(10),
            requests_max: 512,
            requests_per_address_max: 256,
            connections_max: 1024,
            connections_per_address_max: 512,
            idle_timeout: Duration::from_secs(60),
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(20),
            take_timeout: Duration::from_secs(60),
            instance_requests_max: 128,
            instance_concurrency_max: 16,
            instance_idle_timeout: Duration::from_secs(1),
            header_bytes_max: 64 << 10,
            uri_bytes_max: 32 << 10,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// Names the variables and keeps their values, which may be secrets, to itself.
impl fmt::Debug for Options {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("manifest", &self.manifest)
            .field("listen", &self.listen)
            .field("variables", &self.variables.keys())
            .field("state_dir", &self.state_dir)
            .field("rtt", &self.rtt)
            .field("watch", &self.watch)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_debug_hides_values() {
        let mut options = Options::new("spin.toml");
        options.variables.insert("token".into(), "hunter2".into());
        let text = format!("{options:?}");
        assert!(text.contains("token") && !text.contains("hunter2"), "{text}");
    }
}
