//! `Server-Timing` (<https://www.w3.org/TR/server-timing/>): how long each stage took, where `server-timing-enabled`.
//!
//! Runtimes whose clocks stand still between one I/O and the next show 0 for what only computes.

use std::fmt::Write;
use std::time::Duration;

use config::Config;
use edge::{Edge, HeaderMap, HeaderValue};

/// The stages so far.
pub(crate) struct Timing<'a> {
    edge: &'a Edge,
    is_wanted: bool,
    /// When the stage began that is under way.
    since: Duration,
    stages: String,
}

impl<'a> Timing<'a> {
    pub(crate) fn start(edge: &'a Edge, config: &Config) -> Timing<'a> {
        let is_wanted = config.server_timing_enabled;
        let since = if is_wanted { edge.monotonic() } else { Duration::ZERO };
        Timing { edge, is_wanted, since, stages: String::new() }
    }

    /// Ends a stage. The next one begins.
    pub(crate) fn stage(&mut self, name: &str) {
        if !self.is_wanted {
            return;
        }
        let now = self.edge.monotonic();
        let micros = now.saturating_sub(self.since).as_micros();
        let comma = if self.stages.is_empty() { "" } else { ", " };
        write!(self.stages, "{comma}{name};dur={}.{:03}", micros / 1000, micros % 1000).expect("text grows");
        self.since = now;
    }

    /// Says so in a response.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        if self.is_wanted
            && let Ok(value) = HeaderValue::from_str(&self.stages)
        {
            headers.insert("server-timing", value);
        }
    }
}

#[cfg(test)]
mod tests {
    use edge::block_on;

    use super::*;

    #[test]
    fn ok_stages() {
        let edge = Edge::new();
        let told = |server_timing_enabled: bool| {
            let mut timing = Timing::start(&edge, &Config { server_timing_enabled, ..Config::default() });
            timing.stage("parse");
            block_on(edge.sleep(Duration::from_micros(12_034)));
            timing.stage("transaction");
            let mut headers = HeaderMap::new();
            timing.tell(&mut headers);
            headers.get("server-timing").map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(told(true).as_deref(), Some("parse;dur=0.000, transaction;dur=12.034"));
        assert_eq!(told(false), None);
    }
}
