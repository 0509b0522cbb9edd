//! Listening, wherever writers are heard of.
//!
//! ```text
//! open ─► floor ─► take in what is told, mark now and again ─┐
//!           ▲                                                │
//!           └────────────── writers were missed ◄────────────┘
//! ```
//!
//! The floor contains whatever nobody will hear of.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cache::{Snapshot, Timeline};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use super::replication::Replication;
use super::triggers::Triggers;
use super::{Known, Word};
use crate::Source;
use crate::pg::{Connection, Pool, Stop, Told};

/// How often it is looked up to where all is known.
const MARK_INTERVAL: Duration = Duration::from_millis(100);
/// After this long without an answer the connection is given up. Taking over waits for writes, whose deadlines are
/// shorter.
pub(super) const TIMEOUT: Duration = Duration::from_secs(60);
/// From one connection to the next.
const PAUSE: Duration = Duration::from_secs(1);

/// What tells of writers, in the order of their commits.
pub(super) trait Feed {
    /// A snapshot that has whatever nobody will hear of, taken when all else will be heard of.
    async fn floor(&mut self, known: &Known) -> Result<Snapshot, String>;
    /// The name under which this gateway's writes report themselves, if they do.
    fn reporter(&self) -> Option<&str>;
    /// Takes a snapshot, and then sends a word to oneself that will come behind all that the snapshot contains.
    async fn mark(&mut self, word: Word) -> Result<Snapshot, String>;
    /// Waits until something is told. May be dropped and called again.
    async fn wait(&mut self) -> Result<(), String>;
    /// Takes in the writers that were told of, and gives the words that came behind them.
    async fn take_in(&mut self, known: &Known) -> Result<Vec<Word>, String>;
}

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
    match known.source {
        Source::Triggers => follow(known, Triggers::open(pool).await?).await,
        Source::Replication => follow(known, Replication::open(pool).await?).await,
    }
}

async fn follow(known: &Known, mut feed: impl Feed) -> Result<Infallible, String> {
    loop {
        let losses = known.lose();
        let floor = feed.floor(known).await?;
        known.find(&floor, feed.reporter(), losses);
        tracing::info!(reporter = feed.reporter(), "writers are known");
        heed(known, &mut feed).await?;
    }
}

/// Takes in what is told, until writers were missed.
async fn heed(known: &Known, feed: &mut impl Feed) -> Result<(), String> {
    let mut marking = interval(MARK_INTERVAL);
    marking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut awaited = None;
    loop {
        tokio::select! {
            // In this order: nothing is believed once writers were missed, and however much is told, there are marks.
            biased;
            () = known.missed.notified() => return Ok(()),
            _ = marking.tick(), if awaited.is_none() => {
                let word = fastrand::u64(..);
                let snapshot = feed.mark(word).await?;
                known.state().writers.mark(snapshot);
                awaited = Some(word);
            }
            told = feed.wait() => told?,
            () = known.is_silent(), if awaited.is_some() => return Err("nothing is told any more".to_owned()),
        }
        for word in feed.take_in(known).await? {
            if awaited == Some(word) {
                known.hear();
                awaited = None;
            }
            known.tell(word);
        }
    }
}

/// A connection for questions of the gateway's own.
pub(super) struct Line {
    pub(super) connection: Connection,
    pub(super) timeline: Timeline,
    pub(super) heard: Told,
}

impl Line {
    pub(super) async fn open(pool: &Pool) -> Result<Line, String> {
        let connection = pool.open_beside().await.map_err(|error| error.to_string())?;
        let timeline = connection.timeline.ok_or("the database does not say which one it is")?;
        Ok(Line { connection, timeline, heard: Told::default() })
    }

    /// Runs one statement: the first value of its last row.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<String, String> {
        match timeout(TIMEOUT, self.connection.ask(sql, &mut self.heard)).await {
            Ok(Ok(Ok(value))) => Ok(value.unwrap_or_default()),
            Ok(Ok(Err(error))) => Err(error.message.clone()),
            Ok(Err(stop)) => Err(why(stop)),
            Err(_elapsed) => Err("the database did not answer in time".to_owned()),
        }
    }

    /// The snapshot of a statement, which may do something `beside`.
    pub(super) async fn snapshot(&mut self, beside: &str) -> Result<Snapshot, String> {
        match self.ask(&format!("SELECT pg_catalog.pg_current_snapshot(){beside}")).await?.as_str() {
            "" => Err("the database has not been prepared for this".to_owned()),
            text => Snapshot::of_postgres(self.timeline, text).ok_or_else(|| format!("`{text}` is no snapshot")),
        }
    }
}

/// For the operator.
pub(super) fn why(stop: Stop) -> String {
    match stop {
        Stop::Lost { error: Some(error), .. } => error.message.clone(),
        Stop::Lost { error: None, .. } => "the connection was lost".to_owned(),
        Stop::Refused(error) => error.to_string(),
    }
}
