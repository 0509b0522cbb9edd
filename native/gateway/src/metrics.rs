//! Counters, gauges and one histogram, in Prometheus' text form.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;

use crate::pg::Gauges;

/// The statuses that the gateway answers with; others are counted under the last one.
const STATUSES: [u16; 8] = [200, 400, 408, 413, 429, 503, 507, 500];

/// Upper bounds of the histogram's buckets, in microseconds.
const BUCKETS_US: [u64; 14] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000, 30_000_000,
];

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(crate) struct Metrics {
    requests: [Counter; STATUSES.len()],
    /// One more bucket than bounds: what took longer than all of them.
    latencies: [Counter; BUCKETS_US.len() + 1],
    latency_sum_us: Counter,
    pub(crate) unchanged: Counter,
    pub(crate) shared: Counter,
    pub(crate) replica: Counter,
    pub(crate) replica_errors: Counter,
    pub(crate) statements: Counter,
    pub(crate) trips: Counter,
    pub(crate) connects: Counter,
    pub(crate) connect_errors: Counter,
    pub(crate) resets: Counter,
    pub(crate) cancels: Counter,
    pub(crate) disconnects: Counter,
    pub(crate) refusals: Counter,
}

impl Metrics {
    /// A request to `/sql` that was answered.
    pub(crate) fn request(&self, status: StatusCode, elapsed: Duration) {
        let known = STATUSES.iter().position(|&known| known == status.as_u16());
        self.requests[known.unwrap_or(STATUSES.len() - 1)].add(1);
        let elapsed_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.latencies[BUCKETS_US.partition_point(|&bound| bound < elapsed_us)].add(1);
        self.latency_sum_us.add(elapsed_us);
    }

    pub(crate) fn render(&self, gauges: &Gauges) -> String {
        let mut out = String::with_capacity(4096);
        head(&mut out, "requests_total", "counter", "Requests to /sql by status.");
        for (status, count) in STATUSES.iter().zip(&self.requests) {
            line(&mut out, &format!("requests_total{{status=\"{status}\"}}"), count.get());
        }
        for (name, help, counter) in [
            ("unchanged_total", "Reads answered without a query: what the edge has is still good.", &self.unchanged),
            ("shared_total", "Reads answered by the query of another that was the same.", &self.shared),
            ("replica_total", "Reads answered by the replica.", &self.replica),
            (
                "replica_errors_total",
                "Reads that the replica failed at, and the primary answered.",
                &self.replica_errors,
            ),
            ("statements_total", "Statements of callers sent to Postgres.", &self.statements),
            ("trips_total", "Round trips to Postgres on behalf of requests.", &self.trips),
            ("connects_total", "Connections opened to Postgres.", &self.connects),
            ("connect_errors_total", "Connections that could not be opened.", &self.connect_errors),
            ("resets_total", "Sessions reset between requests, one round trip each.", &self.resets),
            ("cancels_total", "Statements cancelled at a deadline or because the caller left.", &self.cancels),
            ("disconnects_total", "Clients disconnected because they sent or took too slowly.", &self.disconnects),
            ("refused_connections_total", "Connections closed at once: their address has its share.", &self.refusals),
        ] {
            head(&mut out, name, "counter", help);
            line(&mut out, name, counter.get());
        }
        for (name, help, value) in [
            ("pool_lent", "Connections in use.", gauges.lent),
            ("pool_idle", "Connections waiting for use.", gauges.idle),
            ("queue_waiting", "Requests waiting for a connection.", gauges.waiting),
        ] {
            head(&mut out, name, "gauge", help);
            line(&mut out, name, value as u64);
        }
        self.render_latencies(&mut out);
        out
    }

    fn render_latencies(&self, out: &mut String) {
        const NAME: &str = "request_duration_seconds";
        head(out, NAME, "histogram", "Time from a request's head to its response.");
        let mut count = 0;
        for (bound, bucket) in BUCKETS_US.iter().zip(&self.latencies) {
            count += bucket.get();
            line(out, &format!("{NAME}_bucket{{le=\"{}\"}}", seconds(*bound)), count);
        }
        count += self.latencies[BUCKETS_US.len()].get();
        line(out, &format!("{NAME}_bucket{{le=\"+Inf\"}}"), count);
        line(out, &format!("{NAME}_sum"), seconds(self.latency_sum_us.get()));
        line(out, &format!("{NAME}_count"), count);
    }
}

fn seconds(us: u64) -> f64 {
    us as f64 / 1e6
}

// Writing to a `String` cannot fail.

fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(out, "# HELP headland_gateway_{name} {help}\n# TYPE headland_gateway_{name} {kind}");
}

fn line(out: &mut String, series: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "headland_gateway_{series} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_counts_and_cumulative_buckets() {
        let metrics = Metrics::default();
        metrics.trips.add(3);
        metrics.request(StatusCode::OK, Duration::from_micros(500));
        metrics.request(StatusCode::OK, Duration::from_micros(501));
        metrics.request(StatusCode::IM_A_TEAPOT, Duration::from_secs(60));
        let text = metrics.render(&Gauges { lent: 1, idle: 2, waiting: 3 });
        for line in [
            "headland_gateway_requests_total{status=\"200\"} 2",
            "headland_gateway_requests_total{status=\"500\"} 1",
            "headland_gateway_trips_total 3",
            "headland_gateway_pool_idle 2",
            "headland_gateway_request_duration_seconds_bucket{le=\"0.00025\"} 0",
            "headland_gateway_request_duration_seconds_bucket{le=\"0.0005\"} 1",
            "headland_gateway_request_duration_seconds_bucket{le=\"0.001\"} 2",
            "headland_gateway_request_duration_seconds_bucket{le=\"30\"} 2",
            "headland_gateway_request_duration_seconds_bucket{le=\"+Inf\"} 3",
            "headland_gateway_request_duration_seconds_count 3",
        ] {
            assert!(text.lines().any(|got| got == line), "{line} not in\n{text}");
        }
    }
}
