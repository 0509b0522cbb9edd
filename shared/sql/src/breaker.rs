//! A circuit breaker: what is sent to a region that does not answer.
//!
//! ```text
//! closed ── OPEN_AFTER attempts in a row failed ──► failing ── INTERVAL ───────────────────────► half-open
//!    │ ▲                                              ▲                                            ▲ │ │
//!    │ │                                              └───────────────── an attempt fails ◄────────┼─┘ │
//!    │ └─────────────────────────────────── an attempt succeeds ◄──────────────────────────────────┼───┘
//!    └─ nothing is answered, or so others say ─► silent ── INTERVAL ──► a probe ── it is answered ─┘
//! ```
//!
//! An instance that knows nothing yet believes what others have found in the last seconds (`outage.rs`); one that was answered
//! believes it after a failure of its own, if it is later than that answer.
//! Failing or silent, no batch is sent, and callers hear at once what they would have waited for. Half-open, one attempt at a time is let
//! through; when it succeeds all are. Where attempts fail it is known soon how one ends. Where the region is silent nobody should find
//! that out by waiting: what is sent first is a probe (`probe.rs`), after a response.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use edge::Edge;

use crate::{ATTEMPTS_MAX, Error};

/// So many attempts in a row have failed when nothing is sent any more: as many as one request makes.
const OPEN_AFTER: u32 = ATTEMPTS_MAX;
/// From one attempt or probe to the next.
const INTERVAL: Duration = Duration::from_millis(250);
/// An attempt that is let through half-open holds back others for no longer than this.
const ATTEMPT_MAX: Duration = Duration::from_secs(1);
/// After this long without news an attempt is let through without a probe. It is longer than a probe and the pause before it, so it
/// does not pass while probes are sent.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(7);
/// For so long probes are trusted that are not answered. Then an attempt is let through, as something on the way might answer those and
/// not probes.
const TRUSTED_FOR: Duration = Duration::from_secs(60);

/// What an instance knows of its region; times are since some moment.
#[derive(Default)]
pub(crate) struct Breaker {
    state: Cell<State>,
    /// When it has answered anything for the last time.
    answered_at: Cell<Duration>,
    /// When it has answered an attempt for the last time.
    served_at: Cell<Duration>,
    /// Somebody is finding out until then why it is silent.
    suspected_until: Cell<Duration>,
}

#[derive(Clone, Copy)]
enum State {
    Closed {
        /// In a row.
        failures: u32,
    },
    Open {
        /// When it was not there for the last time, as far as is known.
        away_at: Duration,
        since: Duration,
        why: Why,
        /// Something is sent again.
        next_at: Duration,
    },
    HalfOpen {
        /// An attempt is under way until then.
        attempt_until: Duration,
    },
}

/// How it is known that the region is away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Attempts fail.
    Failing,
    /// A probe was not answered.
    Silent,
    /// Others have said so.
    Heard,
}

/// What a probe finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    There,
    Silent,
    /// It could not be sent, or the connection broke.
    Failing,
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Admitted,
    Refused,
    /// And it is time for a probe.
    RefusedAndProbed,
}

impl Default for State {
    fn default() -> State {
        State::Closed { failures: 0 }
    }
}

impl Breaker {
    pub(crate) fn of(edge: &Edge) -> Rc<Breaker> {
        edge.instance_get().unwrap_or_else(|| edge.instance_put(Breaker::default()))
    }

    /// Lets an attempt through, or not. One that is let through half-open holds back others until it is over, or for [`ATTEMPT_MAX`].
    pub(crate) fn admit(&self, now: Duration) -> Admission {
        let attempt = (Admission::Admitted, State::HalfOpen { attempt_until: now + ATTEMPT_MAX });
        let (admission, state) = match self.state.get() {
            closed @ State::Closed { .. } => (Admission::Admitted, closed),
            State::HalfOpen { attempt_until } if now >= attempt_until => attempt,
            State::Open { away_at, since, why, next_at } if now >= next_at => {
                let is_probed = why != Why::Failing && now < away_at + FORGOTTEN_AFTER && now < since + TRUSTED_FOR;
                match is_probed {
                    true => {
                        let next_at = now + INTERVAL;
                        (Admission::RefusedAndProbed, State::Open { away_at, since, why, next_at })
                    }
                    false => attempt,
                }
            }
            other => (Admission::Refused, other),
        };
        self.state.set(state);
        admission
    }

    /// Whether nothing is sent at the moment.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state.get(), State::Open { .. })
    }

    /// Whether what was sent will not be answered either.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.state.get(), State::Open { why: Why::Silent, .. })
    }

    /// When the region was not there for the last time, where nothing is sent.
    pub(crate) fn away_at(&self) -> Option<Duration> {
        match self.state.get() {
            State::Open { away_at, .. } => Some(away_at),
            _ => None,
        }
    }

    /// Whether it can have been away so long ago, as others say: here it may have answered since.
    pub(crate) fn believes(&self, ago: Duration, now: Duration) -> bool {
        now.saturating_sub(ago) >= self.answered_at.get()
    }

    /// Attempts fail. Sends nothing for a while.
    pub(crate) fn open(&self, now: Duration) {
        self.set_open(now, Why::Failing, now, now + INTERVAL);
    }

    fn set_open(&self, away_at: Duration, why: Why, now: Duration, next_at: Duration) {
        let since = match self.state.get() {
            State::Open { since, .. } => since,
            _ => now,
        };
        self.state.set(State::Open { away_at, since, why, next_at });
    }

    /// It was not there so long ago, by word of others, which is looked into at once. What is known here is known better.
    pub(crate) fn hear(&self, ago: Duration, now: Duration) {
        if let State::Closed { .. } = self.state.get()
            && self.believes(ago, now)
        {
            self.set_open(now.saturating_sub(ago), Why::Heard, now, now);
        }
    }

    /// How an attempt ended that was let through at `began`. Whether that closed it.
    pub(crate) fn note<T>(&self, outcome: &Result<T, Error>, began: Duration, now: Duration) -> bool {
        let state = self.state.get();
        match (outcome, state) {
            // Others were answered meanwhile: it has asked for too much.
            (Err(Error::TimedOut), State::Closed { .. }) if self.served_at.get() >= began => false,
            (Err(Error::Unreachable(_) | Error::Broken(_) | Error::TimedOut), state) => {
                match state {
                    State::Open { .. } => {}
                    State::Closed { failures } if failures + 1 < OPEN_AFTER => {
                        self.state.set(State::Closed { failures: failures + 1 });
                    }
                    _ => self.open(now),
                }
                false
            }
            // It answers, if only that it does not want to.
            _ => {
                self.answered_at.set(now);
                self.served_at.set(now);
                self.state.set(State::default());
                !matches!(state, State::Closed { .. })
            }
        }
    }

    /// Whether whoever waits for an answer should find out why there is none: for so long there has been no other either, and nobody
    /// else is about it, who would know before `patience` is over.
    pub(crate) fn is_suspect(&self, now: Duration, silence: Duration, patience: Duration) -> bool {
        let is_suspect = now >= self.answered_at.get() + silence && now >= self.suspected_until.get();
        if is_suspect {
            self.suspected_until.set(now + patience);
        }
        is_suspect
    }

    /// It has answered something: it is there.
    pub(crate) fn answers(&self, now: Duration) {
        self.answered_at.set(now);
    }

    /// How a probe ended that was sent at `began`. One that was sent before the last answer, and is not answered itself, says nothing.
    pub(crate) fn note_probe(&self, found: Found, began: Duration, now: Duration) {
        self.suspected_until.set(now);
        let is_news = began >= self.answered_at.get();
        match (found, self.state.get()) {
            (Found::There, state) => {
                self.answered_at.set(now);
                if let State::Open { .. } = state {
                    self.state.set(State::HalfOpen { attempt_until: now });
                }
            }
            (Found::Silent, _) if is_news => self.set_open(began, Why::Silent, now, now + INTERVAL),
            // So will attempts: nobody waits for long.
            (Found::Failing, State::Open { .. }) if is_news => self.open(now),
            (Found::Silent | Found::Failing, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Admission::{Admitted, Refused, RefusedAndProbed};
    use super::*;

    const LONG: Duration = Duration::from_secs(9);
    const START: Duration = Duration::from_secs(1);
    const NANO: Duration = Duration::from_nanos(1);

    fn failed() -> Result<(), Error> {
        Err(Error::Unreachable("refused".into()))
    }

    fn open() -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..OPEN_AFTER {
            assert!(!breaker.is_open());
            assert_eq!(breaker.admit(START), Admitted);
            breaker.note(&failed(), START, START);
        }
        assert!(breaker.is_open());
        breaker
    }

    fn silent() -> Breaker {
        let breaker = Breaker::default();
        breaker.note_probe(Found::Silent, START, START);
        assert!(breaker.is_open() && breaker.is_silent());
        breaker
    }

    #[test]
    fn ok_closed_while_some_succeed() {
        let breaker = Breaker::default();
        for attempt in 0..100 {
            assert_eq!(breaker.admit(START), Admitted);
            assert!(!breaker.note(&if attempt % OPEN_AFTER == 0 { Ok(()) } else { failed() }, START, START));
        }
        for refusal in [Error::Full { retry_after: 1 }, Error::CatalogChanged] {
            breaker.note::<()>(&Err(refusal), START, START);
            assert_eq!(breaker.admit(START), Admitted);
        }
    }

    #[test]
    fn ok_silent_until_a_probe_is_answered() {
        let (breaker, first) = (silent(), START + INTERVAL);
        assert_eq!(breaker.admit(first - NANO), Refused);
        assert_eq!(breaker.admit(first), RefusedAndProbed);
        assert_eq!(breaker.admit(first), Refused);
        // It takes longer than it is to the next one.
        assert_eq!(breaker.admit(first + INTERVAL), RefusedAndProbed);
        breaker.note_probe(Found::Silent, first, first + INTERVAL);
        assert_eq!(breaker.admit(first + INTERVAL * 2 - NANO), Refused);
        breaker.note_probe(Found::There, first + INTERVAL, first + INTERVAL * 2);
        assert!(!breaker.is_open());
        // One that was sent before and never answered says nothing any more.
        breaker.note_probe(Found::Silent, first, first + INTERVAL * 2);
        assert_eq!(breaker.admit(first + INTERVAL * 2), Admitted);
    }

    #[test]
    fn ok_a_probe_that_fails_at_once() {
        let breaker = Breaker::default();
        breaker.note_probe(Found::Failing, START, START);
        assert!(!breaker.is_open(), "what waits may be answered");
        let (breaker, first) = (silent(), START + INTERVAL);
        assert_eq!(breaker.admit(first), RefusedAndProbed);
        breaker.note_probe(Found::Failing, first, first);
        assert!(breaker.is_open() && !breaker.is_silent());
        assert_eq!(breaker.admit(first + INTERVAL), Admitted);
    }

    /// Something on the way may answer attempts and not probes.
    #[test]
    fn ok_probes_are_not_trusted_for_ever() {
        let (breaker, mut now) = (silent(), START);
        while now < START + TRUSTED_FOR {
            assert_ne!(breaker.admit(now), Admitted);
            breaker.note_probe(Found::Silent, now, now);
            now += INTERVAL;
        }
        assert_eq!(breaker.admit(now), Admitted);
        assert!(breaker.note(&Ok(()), now, now));
    }

    #[test]
    fn ok_half_open_one_at_a_time() {
        let (breaker, first) = (open(), START + INTERVAL);
        assert_eq!(breaker.admit(first - NANO), Refused);
        assert_eq!(breaker.admit(first), Admitted);
        assert_eq!(breaker.admit(first), Refused);
        breaker.note(&failed(), first, first);
        assert!(breaker.is_open());
        assert_eq!(breaker.admit(first + INTERVAL - NANO), Refused);
        assert_eq!(breaker.admit(first + INTERVAL), Admitted);
        assert!(breaker.note(&Ok(()), first + INTERVAL, first + INTERVAL));
        assert_eq!([breaker.admit(first), breaker.admit(first)], [Admitted, Admitted]);
    }

    /// Its request was dropped, and nobody notes how it ended.
    #[test]
    fn ok_an_attempt_that_never_ends() {
        let (breaker, first) = (open(), START + INTERVAL);
        assert_eq!(breaker.admit(first), Admitted);
        assert_eq!(breaker.admit(first + ATTEMPT_MAX - NANO), Refused);
        assert_eq!(breaker.admit(first + ATTEMPT_MAX), Admitted);
    }

    /// Whoever asks for too much does not speak for others.
    #[test]
    fn ok_slow_while_others_are_answered() {
        let (breaker, later) = (Breaker::default(), START + LONG);
        let late = Err::<(), _>(Error::TimedOut);
        breaker.note(&Ok(()), START, START);
        for _ in 0..2 * OPEN_AFTER {
            breaker.note(&late, START, later);
            assert!(!breaker.is_open());
        }
        for _ in 0..OPEN_AFTER {
            breaker.note(&late, START + NANO, later);
        }
        assert!(breaker.is_open() && !breaker.is_silent());
    }

    #[test]
    fn ok_what_others_say_is_looked_into_at_once() {
        let breaker = Breaker::default();
        breaker.note(&Ok(()), START, START);
        breaker.hear(NANO * 2, START + NANO);
        assert!(!breaker.is_open(), "it has answered since");
        breaker.hear(NANO, START + NANO);
        assert_eq!(breaker.admit(START + NANO), RefusedAndProbed);
        breaker.hear(NANO, START + NANO);
        assert_eq!(breaker.admit(START + NANO), Refused);
    }

    /// Who asks for the first time in a while is not told what was so long ago.
    #[test]
    fn ok_what_was_found_long_ago() {
        let breaker = silent();
        assert_eq!(breaker.admit(START + FORGOTTEN_AFTER - NANO), RefusedAndProbed);
        assert_eq!(breaker.admit(START + FORGOTTEN_AFTER + INTERVAL), Admitted);
        assert_eq!(breaker.admit(START + FORGOTTEN_AFTER + INTERVAL), Refused);
    }

    #[test]
    fn ok_one_finds_out_about_a_silence() {
        let (breaker, silence) = (Breaker::default(), Duration::from_millis(500));
        breaker.note(&Ok(()), START, START);
        assert!(!breaker.is_suspect(START + silence - NANO, silence, LONG));
        assert!(breaker.is_suspect(START + silence, silence, LONG));
        assert!(!breaker.is_suspect(START + silence + LONG - NANO, silence, LONG));
        let later = START + silence + LONG;
        assert!(breaker.is_suspect(later, silence, LONG));
        breaker.note_probe(Found::There, later, later);
        assert!(!breaker.is_open() && !breaker.is_suspect(later + silence - NANO, silence, LONG));
        assert!(breaker.is_suspect(later + silence, silence, LONG));
        breaker.note_probe(Found::Silent, later + silence, later + silence);
        assert!(breaker.is_open());
    }
}
