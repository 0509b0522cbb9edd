//! A circuit breaker: what is sent to a region that does not answer.
//!
//! ```text
//! closed ── OPEN_AFTER attempts in a row failed ──► open ── OPEN_FOR ──► half-open ── an attempt fails ──► open
//!    ▲                                                                       │
//!    └────────────────────────── an attempt succeeds ◄──────────────────────┘
//! ```
//!
//! One failure is enough where other instances have found the same (`outage.rs`). While it is open nothing is sent, and callers hear
//! at once what they would have waited for. Half-open, one attempt at a time
//! is let through; when it succeeds all are.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use edge::Edge;

use crate::{ATTEMPTS_MAX, Error};

/// So many attempts in a row have failed when nothing is sent any more: as many as one request makes.
const OPEN_AFTER: u32 = ATTEMPTS_MAX;
/// For how long.
const OPEN_FOR: Duration = Duration::from_millis(250);

/// What an instance knows of its region; times are since some moment.
#[derive(Default)]
pub(crate) struct Breaker {
    /// Attempts that failed in a row.
    failures: Cell<u32>,
    /// Nothing is sent until then.
    open_until: Cell<Duration>,
}

impl Breaker {
    pub(crate) fn of(edge: &Edge) -> Rc<Breaker> {
        edge.instance_get().unwrap_or_else(|| edge.instance_put(Breaker::default()))
    }

    /// Lets an attempt through, or not. One that is let through half-open holds back others until it is over, or has taken as
    /// long as it may.
    pub(crate) fn admit(&self, now: Duration, patience: Duration) -> Result<(), Error> {
        if self.failures.get() < OPEN_AFTER {
            return Ok(());
        }
        if now < self.open_until.get() {
            return Err(Error::Unreachable("it has not answered for a while".into()));
        }
        self.open_until.set(now + patience);
        Ok(())
    }

    /// Whether nothing is sent at the moment.
    pub(crate) fn is_open(&self, now: Duration) -> bool {
        self.failures.get() >= OPEN_AFTER && now < self.open_until.get()
    }

    /// Sends nothing for a while: others have found already what one failure says.
    pub(crate) fn open(&self, now: Duration) {
        self.failures.set(OPEN_AFTER);
        self.open_until.set(now + OPEN_FOR);
    }

    /// How an attempt ended that was let through.
    pub(crate) fn note<T>(&self, outcome: &Result<T, Error>, now: Duration) {
        match outcome {
            Err(Error::Unreachable(_) | Error::Broken(_) | Error::TimedOut) => {
                self.failures.set(self.failures.get().saturating_add(1));
                self.open_until.set(now + OPEN_FOR);
            }
            // It answers, if only that it does not want to.
            _ => self.failures.set(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(9);

    fn failed() -> Result<(), Error> {
        Err(Error::Unreachable("refused".into()))
    }

    fn open() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..OPEN_AFTER {
            assert!(breaker.admit(Duration::ZERO, LONG).is_ok());
            breaker.note(&failed(), Duration::ZERO);
        }
        breaker
    }

    #[test]
    fn ok_closed_while_some_succeed() {
        let breaker = Breaker::default();
        for attempt in 0..100 {
            assert!(breaker.admit(Duration::ZERO, LONG).is_ok());
            breaker.note(&if attempt % OPEN_AFTER == 0 { Ok(()) } else { failed() }, Duration::ZERO);
        }
        for refusal in [Error::Full { retry_after: 1 }, Error::CatalogChanged] {
            breaker.note::<()>(&Err(refusal), Duration::ZERO);
            assert!(breaker.admit(Duration::ZERO, LONG).is_ok());
        }
    }

    #[test]
    fn ok_half_open_one_at_a_time() {
        let breaker = open();
        assert!(breaker.admit(OPEN_FOR - Duration::from_nanos(1), LONG).is_err());
        assert!(breaker.admit(OPEN_FOR, LONG).is_ok());
        assert!(breaker.admit(OPEN_FOR, LONG).is_err());
        breaker.note(&failed(), OPEN_FOR);
        assert!(breaker.admit(OPEN_FOR * 2 - Duration::from_nanos(1), LONG).is_err());
        assert!(breaker.admit(OPEN_FOR * 2, LONG).is_ok());
        breaker.note(&Ok(()), OPEN_FOR * 2);
        assert!(breaker.admit(OPEN_FOR * 2, LONG).is_ok() && breaker.admit(OPEN_FOR * 2, LONG).is_ok());
    }

    /// Its request was dropped, and nobody notes how it ended.
    #[test]
    fn ok_an_attempt_that_never_ends() {
        let breaker = open();
        assert!(breaker.admit(OPEN_FOR, LONG).is_ok());
        assert!(breaker.admit(OPEN_FOR + LONG - Duration::from_nanos(1), LONG).is_err());
        assert!(breaker.admit(OPEN_FOR + LONG, LONG).is_ok());
    }
}
