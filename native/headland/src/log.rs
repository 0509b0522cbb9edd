//! Logs on stdout: lines for people on a terminal, JSON lines anywhere else.
//!
//! `HEADLAND_LOG` filters them, in the syntax of `tracing_subscriber::EnvFilter`.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{IsTerminal, stdout};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Events of this target are meant to be copied: on a terminal they stand alone on their line.
pub(crate) const PASTE: &str = "headland::paste";

/// Events of this target are requests that the emulator has answered.
const ACCESS: &str = "access";

const FILTER: &str = "info,wasmtime=warn,cranelift=warn";

/// Sets the process's subscriber; called once.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("HEADLAND_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    // A reader that has gone away, as of `headland dev | head`, is no reason to stop.
    let logs = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false);
    if stdout().is_terminal() {
        logs.event_format(Plain { began: Instant::now() }).init();
    } else {
        logs.json().flatten_event(true).init();
    }
}

/// `   1.204s message key=value`, the time since the start first, with the level where it is not `INFO`.
struct Plain {
    began: Instant,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let about = event.metadata();
        if about.target() == PASTE {
            out.write_str("  ")?;
        } else {
            let (dim, plain) = if out.has_ansi_escapes() { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
            let level = level(*about.level(), out.has_ansi_escapes());
            write!(out, "{dim}{:8.3}s{plain} {level}", self.began.elapsed().as_secs_f64())?;
        }
        if about.target() == ACCESS {
            write!(out, "{}", Access::of(event))?;
        } else {
            context.field_format().format_fields(out.by_ref(), event)?;
        }
        writeln!(out)
    }
}

/// `GET /rest/v1/movies 200 3.1 ms, 1 trip: from the database`: a request in the words people use, whatever the order of its
/// fields. Of several edges all but the first are named.
#[derive(Default)]
struct Access {
    fields: BTreeMap<&'static str, String>,
}

impl Access {
    fn of(event: &Event<'_>) -> Access {
        let mut access = Access::default();
        event.record(&mut access);
        access
    }

    fn get(&self, name: &str) -> &str {
        self.fields.get(name).map_or("-", |value| value)
    }
}

impl Visit for Access {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.fields.insert(field.name(), format!("{value:.1}"));
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (method, path, status) = (self.get("method"), self.get("path"), self.get("status"));
        match self.get("edge") {
            "-" | "1" => {}
            edge => write!(f, "edge {edge}: ")?,
        }
        write!(f, "{method} {path} {status} {} ms", self.get("duration_ms"))?;
        match self.get("trips") {
            "-" | "0" => {}
            "1" => f.write_str(", 1 trip")?,
            trips => write!(f, ", {trips} trips")?,
        }
        answered_by(self.get("cache")).map_or(Ok(()), |what| write!(f, ": {what}"))
    }
}

/// What answered, by the `Cache-Status` of a Headland.
fn answered_by(status: &str) -> Option<&'static str> {
    let status = status.strip_prefix("headland; ")?;
    let is_kv = status.ends_with("kv") || status.ends_with("kv\"");
    let is_hit = status.starts_with("hit");
    Some(match (is_hit, is_kv) {
        (true, false) => "from memory",
        (true, true) => "from KV",
        _ if status.contains("fwd-status=304") => "unchanged in the region",
        (false, false) if status.contains("unreachable") => "from memory, as the region is away",
        (false, true) if status.contains("unreachable") => "from KV, as the region is away",
        _ => "from the database",
    })
}

fn level(level: Level, colors: bool) -> &'static str {
    match (level, colors) {
        (Level::INFO, _) => "",
        (Level::ERROR, true) => "\x1b[31merror\x1b[0m ",
        (Level::ERROR, false) => "error ",
        (Level::WARN, true) => "\x1b[33mwarning\x1b[0m ",
        (Level::WARN, false) => "warning ",
        (Level::DEBUG, _) => "debug ",
        (Level::TRACE, _) => "trace ",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[(&'static str, &str)], expected: &str) {
        let told = [("method", "GET"), ("path", "/a"), ("status", "200"), ("duration_ms", "0.4")];
        let fields = told.iter().chain(fields).map(|(name, value)| (*name, (*value).to_owned())).collect();
        assert_eq!(Access { fields }.to_string(), expected);
    }

    #[test]
    fn ok_trips_and_edges() {
        check(&[], "GET /a 200 0.4 ms");
        check(&[("trips", "0"), ("edge", "1")], "GET /a 200 0.4 ms");
        check(&[("trips", "1"), ("edge", "2")], "edge 2: GET /a 200 0.4 ms, 1 trip");
        check(&[("trips", "2"), ("cache", "other; hit")], "GET /a 200 0.4 ms, 2 trips");
    }

    #[test]
    fn ok_what_answered() {
        let check = |status: &str, expected: &str| assert_eq!(answered_by(status), Some(expected), "{status}");
        check("headland; hit; ttl=4; detail=memory", "from memory");
        check("headland; hit; ttl=4; detail=kv", "from KV");
        check("headland; fwd=stale; fwd-status=304; detail=kv", "unchanged in the region");
        check("headland; fwd=stale; detail=\"unreachable, memory\"", "from memory, as the region is away");
        check("headland; fwd=stale; detail=\"unreachable, kv\"", "from KV, as the region is away");
        check("headland; fwd=miss; stored", "from the database");
        check("headland; fwd=miss", "from the database");
    }
}
