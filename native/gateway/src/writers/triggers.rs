//! Writers as triggers tell of them, by notifications.
//!
//! Taking over waits for the writes that were to report to somebody else, or to nobody any more, and has the database
//! notify of any that come later under an old name. So the floor, which is taken then, contains whatever nobody will
//! hear of.

use cache::Snapshot;

use super::feed::{Feed, Line, why};
use super::notification::Notification;
use super::{Known, Word};
use crate::pg::Pool;

/// The name of nobody in particular: several gateways hear of every write.
const SHARED: &str = "shared";

pub(super) struct Triggers {
    line: Line,
    /// Under which this gateway has taken over.
    name: String,
    rounds: u32,
    /// Whether there are others.
    is_shared: bool,
}

impl Triggers {
    pub(super) async fn open(pool: &Pool) -> Result<Triggers, String> {
        let mut line = Line::open(pool).await?;
        line.ask("LISTEN headland").await?;
        Ok(Triggers { line, name: String::new(), rounds: 0, is_shared: false })
    }

    /// A name that no other gateway has, nor this one had before.
    fn new_name(&mut self) -> String {
        self.rounds += 1;
        format!("{:016x}.{}", fastrand::u64(..), self.rounds)
    }

    /// What was written before we took over is in the floor. What was heard after that is not forgotten: another
    /// gateway, which had waited for us, may have taken over at once.
    fn forget(&mut self) {
        let own = format!("reporter {}", self.name);
        let payloads = &mut self.line.heard.payloads;
        let own = payloads.iter().position(|payload| *payload == own);
        payloads.drain(..own.map_or(0, |own| own + 1));
    }
}

impl Feed for Triggers {
    async fn floor(&mut self, _: &Known) -> Result<Snapshot, String> {
        self.name = if std::mem::take(&mut self.is_shared) { SHARED.to_owned() } else { self.new_name() };
        self.line.ask(&format!("SELECT headland.take_over('{}')", self.name)).await?;
        self.forget();
        self.line.snapshot("").await
    }

    fn reporter(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| *name != SHARED)
    }

    async fn mark(&mut self, word: Word) -> Result<Snapshot, String> {
        self.line.snapshot(&format!(", pg_catalog.pg_notify('headland', 'mark {word:016x}')")).await
    }

    async fn wait(&mut self) -> Result<(), String> {
        self.line.connection.heed(&mut self.line.heard).await.map_err(why)
    }

    async fn take_in(&mut self, known: &Known) -> Result<Vec<Word>, String> {
        let mut words = Vec::new();
        for payload in std::mem::take(&mut self.line.heard.payloads) {
            match Notification::parse(self.line.timeline, &payload) {
                Some(Notification::Wrote { xid, seen, relation }) => known.wrote(&[relation], xid, &seen),
                Some(Notification::Reporter(SHARED)) => known.state().prelude = None,
                Some(Notification::Reporter(other)) if other != self.name => {
                    // Its writes are its own to report, from here on.
                    self.is_shared = true;
                    known.miss(None);
                    break;
                }
                Some(Notification::Mark(word)) => words.push(word),
                _ => {}
            }
        }
        Ok(words)
    }
}
