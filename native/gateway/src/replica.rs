//! Reads that need not go to the primary.
//!
//! What a standby has replayed is like an answer that is stored: a read may run there if that has all the writers of its
//! relations, and all that its caller demands, by the one rule that there is ([`Known::is_fresh`]). How far the standby is, is
//! looked at now and again. Only what is below its `xmin` counts: it does not list what is in progress above that. And it counts
//! under the history that the primary has at that moment. After a crash, a failover or a restore the primary has another one,
//! of which nothing is known until there is a floor that was taken in it, and which the standby then has to have replayed.
//!
//! A standby may also be ahead. It shows a transaction when the commit is replayed, and the primary a moment later, or much
//! later where it waits for another, synchronous standby. Whoever has been given that could be given less by the primary
//! afterwards. So an answer is held back until the primary has been seen to show all that the standby had shown by then.
//!
//! A standby that fails costs time: the primary answers, and the standby is left alone for a while.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cache::{Bounds, Snapshot, Timeline, Xid};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::execute::{Answer, Execution};
use crate::metrics::Metrics;
use crate::pg::{BRANCH, Connection, Pool, REPLAYED, Stop, Target, Told};
use crate::protocol::RawReply;
use crate::writers::Known;
use crate::{Error, ErrorKind, Options};

/// How often it is looked how far the standby is, where nobody waits for it.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How soon it is looked again at a standby that is ahead.
const AHEAD_INTERVAL: Duration = Duration::from_millis(2);
/// For this long an answer is held back; then the primary answers.
const AHEAD_MAX: Duration = Duration::from_millis(100);
/// A server that does not answer a look within this time is not looked at any more.
const LOOK_TIMEOUT: Duration = Duration::from_secs(1);
/// A standby that has failed is left alone for this long.
const PAUSE: Duration = Duration::from_secs(1);
/// A read may take this part of the time that it has left on the standby. The rest is the primary's.
const SHARE: u32 = 2;

/// Whether the database tells of changes of its schema: policies and privileges are among them.
const TELLS_OF_SCHEMA: &str = "SELECT pg_catalog.max(evtname) FROM pg_catalog.pg_event_trigger \
    WHERE evtname OPERATOR(pg_catalog.=) 'headland' AND evtenabled OPERATOR(pg_catalog.<>) 'D'";

/// A standby of the primary.
pub(crate) struct Replica {
    pub(crate) pool: Arc<Pool>,
    metrics: Arc<Metrics>,
    /// The last look.
    seen: watch::Sender<Look>,
    /// Asks for one at once.
    wanted: Notify,
    failed_at: Mutex<Option<Instant>>,
}

/// What is known of a standby.
#[derive(Default)]
struct Look {
    /// What it has certainly replayed; `None` where it is not known whose standby it is.
    replayed: Option<Snapshot>,
    /// All that it had shown by then the primary shows too.
    level_at: Option<Instant>,
}

impl Replica {
    /// Opens nothing yet. Must be called inside a runtime.
    pub(crate) fn new(target: Target, options: &Options, metrics: Arc<Metrics>) -> Replica {
        // Nobody waits for a connection, as the primary has some too; and a standby cannot say which history it is of.
        let options = Options { queue_max: 0, writers: None, ..options.clone() };
        Replica {
            pool: Pool::new(target, &options, metrics.clone()),
            metrics,
            seen: watch::Sender::default(),
            wanted: Notify::new(),
            failed_at: Mutex::default(),
        }
    }

    /// Runs a read, if what was replayed is good enough for it. `None` where the primary has to.
    pub(crate) async fn run(
        &self,
        execution: &Execution<'_>,
        known: &Known,
        is_good: impl Fn(&Snapshot) -> bool,
    ) -> Option<Result<Answer, Error>> {
        let replayed = self.replayed().filter(|replayed| execution.queries.is_batch() && is_good(replayed))?;
        let deadline = Instant::now() + execution.deadline.saturating_duration_since(Instant::now()) / SHARE;
        let here = Execution { pool: &self.pool, known: None, replayed: Some(&replayed), deadline, ..*execution };
        let answered = here.run().await;
        match answered {
            Ok(Answer::Raw(reply)) if !has_replayed(&reply, &replayed) => {
                tracing::debug!("another server has answered than was looked at, and that is behind it");
                self.fail(true);
                None
            }
            Err(error) if !is_callers(&error) => {
                tracing::debug!(kind = ?error.kind, code = error.code(), %error, "the replica did not answer a read");
                self.fail(is_replicas(&error));
                None
            }
            answered if !self.is_level(&answered, known, deadline).await => {
                tracing::debug!("the replica shows what the primary does not show yet");
                self.fail(true);
                None
            }
            answered => {
                self.metrics.replica.add(1);
                Some(answered.map(|answer| answer_at(answer, replayed)))
            }
        }
    }

    fn replayed(&self) -> Option<Snapshot> {
        let is_left_alone = self.failed_at().is_some_and(|at| at.elapsed() < PAUSE);
        self.seen.borrow().replayed.clone().filter(|_| !is_left_alone)
    }

    /// A read was not answered, and the next ones would not be either.
    fn fail(&self, others_would: bool) {
        self.metrics.replica_errors.add(1);
        if others_would {
            *self.failed_at() = Some(Instant::now());
        }
    }

    /// Whether all that whoever is given the answer has seen is what the primary shows too. As a rule that is known, or is found
    /// by the next look.
    async fn is_level(&self, answered: &Result<Answer, Error>, known: &Known, deadline: Instant) -> bool {
        let now = Instant::now();
        if let Ok(Answer::Raw(RawReply { snapshot: Some(bounds), .. })) = answered
            && known.has_shown(&bounds.seen)
        {
            return true;
        }
        let mut looks = self.seen.subscribe();
        self.wanted.notify_one();
        let level = looks.wait_for(|look| look.level_at.is_some_and(|at| at >= now));
        timeout_at(deadline.min(now + AHEAD_MAX), level).await.is_ok_and(|level| level.is_ok())
    }

    /// Looks how far it is, for as long as it is polled.
    pub(crate) async fn watch(&self, primary: &Arc<Pool>) {
        let mut said = String::new();
        loop {
            let began = Instant::now();
            let Err(why) = self.follow(primary).await;
            self.seen.send_replace(Look::default());
            if said != why {
                tracing::warn!(why, "the replica is not used");
                said = why;
            }
            sleep(PAUSE.saturating_sub(began.elapsed())).await;
        }
    }

    async fn follow(&self, primary: &Arc<Pool>) -> Result<Infallible, String> {
        let mut pair = Pair::open(primary, &self.pool).await?;
        loop {
            let look = pair.look().await?;
            let interval = if look.level_at.is_some() { LOOK_INTERVAL } else { AHEAD_INTERVAL };
            self.seen.send_replace(look);
            tokio::select! {
                () = sleep(interval) => {}
                () = self.wanted.notified() => {}
            }
        }
    }

    fn failed_at(&self) -> MutexGuard<'_, Option<Instant>> {
        self.failed_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it was answered by one who had replayed this by then. A standby only goes on, so the one that was looked at had; but behind a name
/// there may be several.
fn has_replayed(reply: &RawReply, replayed: &Snapshot) -> bool {
    reply.snapshot.as_ref().is_none_or(|bounds| bounds.contained.contains_all(replayed))
}

/// The answer, which contains what was replayed before. When that was looked at, it was known to be a standby of this history; whether it
/// still is has not been looked at since, so nothing later is claimed.
fn answer_at(answer: Answer, replayed: Snapshot) -> Answer {
    match answer {
        Answer::Raw(RawReply { snapshot: Some(bounds), body, row }) => {
            Answer::Raw(RawReply { snapshot: Some(Bounds { contained: replayed, ..bounds }), body, row })
        }
        answer => answer,
    }
}

/// A connection to each. That to the primary is to one history: after a crash or a failover there is another connection.
struct Pair {
    primary: Connection,
    timeline: Timeline,
    branch: String,
    standby: Connection,
}

impl Pair {
    async fn open(primary: &Arc<Pool>, standby: &Arc<Pool>) -> Result<Pair, String> {
        let mut primary = primary.open_beside().await.map_err(|error| error.to_string())?;
        let timeline = primary.timeline.ok_or("the database does not say which one it is")?;
        let branch = ask(&mut primary, BRANCH).await?.unwrap_or_default();
        ask(&mut primary, TELLS_OF_SCHEMA)
            .await?
            .ok_or("there is no event trigger, so the schema may be older there")?;
        let standby = standby.open_beside().await.map_err(|error| error.to_string())?;
        Ok(Pair { primary, timeline, branch, standby })
    }

    async fn look(&mut self) -> Result<Look, String> {
        let began = Instant::now();
        let replayed = self.replayed().await?;
        let is_level = self.has_shown(&replayed.seen).await?;
        Ok(Look { replayed: Some(replayed.contained), level_at: is_level.then_some(began) })
    }

    async fn replayed(&mut self) -> Result<Bounds, String> {
        let said = ask(&mut self.standby, REPLAYED).await?;
        let said = said.ok_or("it receives nothing, or the role may not see what (`pg_read_all_stats`)")?;
        let (branch, snapshot) = said.split_once(' ').unwrap_or_default();
        if branch != self.branch {
            return Err("it is no standby of the database".to_owned());
        }
        Bounds::of_standby(self.timeline, snapshot).ok_or(format!("`{snapshot}` is no snapshot"))
    }

    /// Whether the primary shows all of what the standby may have shown; what it does not show has to be in progress there as well.
    async fn has_shown(&mut self, seen: &Snapshot) -> Result<bool, String> {
        let text = ask(&mut self.primary, "SELECT pg_catalog.pg_current_snapshot()").await?.unwrap_or_default();
        let shown = Snapshot::of_postgres(self.timeline, &text).ok_or(format!("`{text}` is no snapshot"))?;
        match seen.missing_from(&shown).as_deref() {
            None => Ok(false),
            Some([]) => Ok(true),
            Some(missing) => Ok(ask(&mut self.standby, &committed(missing)).await?.as_deref() == Some("0")),
        }
    }
}

/// The statement that counts which of these have been committed.
fn committed(xids: &[Xid]) -> String {
    let list = xids.iter().map(Xid::to_string).collect::<Vec<_>>().join(",");
    format!(
        "SELECT pg_catalog.count(*) FROM pg_catalog.unnest('{{{list}}}'::pg_catalog.xid8[]) AS xid \
         WHERE pg_catalog.pg_xact_status(xid) OPERATOR(pg_catalog.=) 'committed'"
    )
}

async fn ask(connection: &mut Connection, sql: &str) -> Result<Option<String>, String> {
    match timeout(LOOK_TIMEOUT, connection.ask(sql, &mut Told::default())).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error)) | Err(Stop::Lost { error: Some(error), .. })) => Err(error.message.clone()),
        Ok(Err(_)) => Err("a connection was lost".to_owned()),
        Err(_elapsed) => Err("a server did not answer in time".to_owned()),
    }
}

/// Whether the statement, or what it asks for, is at fault: the primary would say the same.
fn is_callers(error: &Error) -> bool {
    match error.kind {
        // What is said of values: with the same rows it is the same.
        ErrorKind::Statement => has_class(error, &["22", "P0"]),
        ErrorKind::Malformed | ErrorKind::ResponseTooLarge | ErrorKind::Undecodable | ErrorKind::Unsupported => true,
        _ => false,
    }
}

/// Whether the next read would meet the same. A statement may also ask for what no standby has, such as an unlogged table.
fn is_replicas(error: &Error) -> bool {
    match error.kind {
        // A conflict with what is replayed; out of resources; no standby any more; told to stop; broken.
        ErrorKind::Statement => has_class(error, &["40", "53", "55", "57", "58", "XX"]),
        // All connections are in use, which costs nothing.
        ErrorKind::QueueFull => false,
        _ => true,
    }
}

fn has_class(error: &Error, classes: &[&str]) -> bool {
    error.code().get(..2).is_some_and(|class| classes.contains(&class))
}
