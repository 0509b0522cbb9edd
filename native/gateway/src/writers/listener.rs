//! The connection that listens, beside the pool.
//!
//! ```text
//! LISTEN ─► take over ─► floor ─► heed notifications, mark now and again ─┐
//!              ▲                                                         │
//!              └────────────── writers were missed ◄─────────────────────┘
//! ```
//!
//! Taking over waits for the writes that were to report to somebody else, or to nobody any more, and has the database notify
//! of any that come later under an old name. So the floor, which is taken then, contains whatever nobody will hear of.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache::{Snapshot, Timeline};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::Known;
use super::notification::Notification;
use crate::pg::{Connection, Pool, Stop, Told};

/// How often it is looked up to where all is known.
const MARK_INTERVAL: Duration = Duration::from_millis(100);
/// After this long without an answer the connection is given up. Taking over waits for writes, whose deadlines are shorter.
const TIMEOUT: Duration = Duration::from_secs(60);
/// From one connection to the next.
const PAUSE: Duration = Duration::from_secs(1);
/// The name of nobody in particular: several gateways hear of every write.
const SHARED: &str = "shared";

/// Listens for as long as it is polled.
pub(crate) async fn listen(known: &Known, pool: &Arc<Pool>) {
    let mut said = String::new();
    loop {
        let began = Instant::now();
        let Err(why) = attend(known, pool).await;
        known.lose();
        if said != why {
            tracing::warn!(why, "writers are not known, so nothing that is stored counts as fresh");
            said = why;
        }
        sleep(PAUSE.saturating_sub(began.elapsed())).await;
    }
}

async fn attend(known: &Known, pool: &Arc<Pool>) -> Result<Infallible, String> {
    let mut line = Line::open(pool).await?;
    line.ask("LISTEN headland").await?;
    let mut name = line.name(1);
    for round in 2.. {
        known.lose();
        let in_doubt = known.state().in_doubt.len();
        line.ask(&format!("SELECT headland.take_over('{name}')")).await?;
        line.forget(&name);
        let floor = line.snapshot().await?;
        let reporter = (name != SHARED).then_some(name.as_str());
        known.find(&floor, reporter, in_doubt);
        tracing::info!(reporter = name, "writers are known");
        name = match line.heed(known, &name).await? {
            Missed::Write => line.name(round),
            Missed::Reporter => SHARED.to_owned(),
        };
    }
    Err("too many rounds".to_owned())
}

/// Why writers were missed.
enum Missed {
    /// One of our own that did not report.
    Write,
    /// Those of another gateway, which has taken over.
    Reporter,
}

/// The connection, and what was heard on it.
struct Line {
    connection: Connection,
    timeline: Timeline,
    marks: u64,
    heard: Told,
}

impl Line {
    async fn open(pool: &Arc<Pool>) -> Result<Line, String> {
        let connection = pool.open_beside().await.map_err(|error| error.to_string())?;
        let timeline = connection.timeline.ok_or("the database does not say which one it is")?;
        Ok(Line { connection, timeline, marks: 0, heard: Told::default() })
    }

    /// A name that no other gateway has, nor this one had before.
    fn name(&self, round: u32) -> String {
        format!("{:016x}.{round}", fastrand::u64(..))
    }

    /// Runs one statement: its last value.
    async fn ask(&mut self, sql: &str) -> Result<String, String> {
        match timeout(TIMEOUT, self.connection.ask(sql, &mut self.heard)).await {
            Ok(Ok(Ok(value))) => Ok(value.unwrap_or_default()),
            Ok(Ok(Err(error))) => Err(error.message.clone()),
            Ok(Err(stop)) => Err(told(stop)),
            Err(_elapsed) => Err("the database did not answer in time".to_owned()),
        }
    }

    async fn snapshot(&mut self) -> Result<Snapshot, String> {
        let text = self.ask("SELECT pg_catalog.pg_current_snapshot()").await?;
        Snapshot::of_postgres(self.timeline, &text).ok_or(format!("`{text}` is no snapshot"))
    }

    /// What was written before we took over is in the floor. What was heard after that is not forgotten: another gateway, which
    /// had waited for us, may have taken over at once.
    fn forget(&mut self, name: &str) {
        let own = self.heard.payloads.iter().position(|payload| *payload == format!("reporter {name}"));
        self.heard.payloads.drain(..own.map_or(0, |own| own + 1));
    }

    /// Takes in what is heard, until writers were missed.
    async fn heed(&mut self, known: &Known, name: &str) -> Result<Missed, String> {
        let mut marking = interval(MARK_INTERVAL);
        marking.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut awaited = None;
        loop {
            tokio::select! {
                () = known.missed.notified() => return Ok(Missed::Write),
                heard = self.connection.heed(&mut self.heard) => heard.map_err(told)?,
                _ = marking.tick(), if awaited.is_none() => awaited = Some(self.mark(known).await?),
                () = known.is_silent(), if awaited.is_some() => return Err("notifications do not arrive".to_owned()),
            }
            for payload in std::mem::take(&mut self.heard.payloads) {
                match Notification::parse(self.timeline, &payload) {
                    Some(Notification::Wrote { xid, seen, relation }) => known.wrote(&[relation], xid, &seen),
                    Some(Notification::Reporter(other)) if other != name && other != SHARED => {
                        return Ok(Missed::Reporter);
                    }
                    Some(Notification::Reporter(SHARED)) => known.state().prelude = None,
                    Some(Notification::Mark(mark)) if awaited.as_deref() == Some(mark) => {
                        let mut state = known.state();
                        state.writers.hear();
                        state.heard_at = Some(Instant::now());
                        awaited = None;
                    }
                    _ => {}
                }
            }
        }
    }

    /// Takes a snapshot and sends the word behind it.
    async fn mark(&mut self, known: &Known) -> Result<String, String> {
        let snapshot = self.snapshot().await?;
        known.state().writers.mark(snapshot);
        self.marks += 1;
        let mark = format!("{:016x}.{}", fastrand::u64(..), self.marks);
        self.ask(&format!("SELECT pg_catalog.pg_notify('headland', 'mark {mark}')")).await?;
        Ok(mark)
    }
}

fn told(stop: Stop) -> String {
    match stop {
        Stop::Lost { error: Some(error), .. } => error.message.clone(),
        Stop::Lost { error: None, .. } => "the connection was lost".to_owned(),
        Stop::Refused(error) => error.to_string(),
    }
}
