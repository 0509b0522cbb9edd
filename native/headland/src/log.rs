//! Logs on stdout: lines for people on a terminal, JSON lines anywhere else.
//!
//! `HEADLAND_LOG` filters them, in the syntax of `tracing_subscriber::EnvFilter`.

use std::fmt;
use std::io::{IsTerminal, stdout};
use std::time::Instant;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Events of this target are meant to be copied: on a terminal they stand alone on their line.
pub(crate) const PASTE: &str = "headland::paste";

const FILTER: &str = "info,wasmtime=warn,cranelift=warn";

/// Sets the process's subscriber; called once.
pub(crate) fn init() {
    let filter = EnvFilter::try_from_env("HEADLAND_LOG").unwrap_or_else(|_| EnvFilter::new(FILTER));
    let logs = tracing_subscriber::fmt().with_env_filter(filter);
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
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
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
