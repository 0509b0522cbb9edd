//! One query for many reads that are the same.
//!
//! Reads with the same statements, parameters and transaction come together where a stored answer has just gone stale. While
//! one of them runs, the others wait for its answer, and take it if it is as good as their own would be: if no writer is missing
//! from its snapshot by then. Who comes a moment later is given it on the same condition. So a hot read costs the database one
//! query, and nobody is given anything that was stale when it was asked for.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::protocol::{RawReply, Transaction};

/// For how long an answer is kept for those who come later: until edges have it.
const LANDED_FOR: Duration = Duration::from_secs(1);
/// Most answers that are kept.
const LANDED_MAX: usize = 256;
/// Most bytes of them.
const LANDED_BYTES_MAX: usize = 16 << 20;

/// What makes two reads the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Read {
    /// Statements and parameters, with role and claims among them.
    pub(super) body: Bytes,
    pub(super) transaction: Transaction,
}

/// Reads that run now, or did a moment ago.
#[derive(Default)]
pub(super) struct Flights(Mutex<State>);

#[derive(Default)]
struct State {
    flying: HashMap<Read, watch::Receiver<Option<RawReply>>>,
    /// In the order in which they landed.
    landed: VecDeque<Landed>,
    landed_bytes: usize,
}

struct Landed {
    at: Instant,
    read: Read,
    reply: RawReply,
}

/// A place in a flight.
pub(super) enum Place<'a> {
    /// It has to be flown.
    Pilot(Flight<'a>),
    /// Somebody flies, and this will have the answer; it is closed where there is none.
    Passenger(watch::Receiver<Option<RawReply>>),
    /// Somebody has just flown, and this is the answer.
    Late(RawReply),
}

impl Flights {
    /// A place in the flight of a read. One that has landed is as good as another if its answer `is_good`.
    pub(super) fn board(&self, read: &Read, is_good: impl Fn(&RawReply) -> bool) -> Place<'_> {
        let mut state = self.state();
        state.forget_all_before(Instant::now().checked_sub(LANDED_FOR));
        if let Some(index) = state.landed.iter().position(|landed| landed.read == *read) {
            if is_good(&state.landed[index].reply) {
                return Place::Late(state.landed[index].reply.clone());
            }
            state.forget(index);
        }
        if let Some(flight) = state.flying.get(read) {
            return Place::Passenger(flight.clone());
        }
        let (landing, flight) = watch::channel(None);
        state.flying.insert(read.clone(), flight);
        Place::Pilot(Flight { flights: self, read: read.clone(), landing })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn land(&mut self, landed: Landed) {
        self.landed_bytes += landed.bytes();
        self.landed.push_back(landed);
        while self.landed.len() > LANDED_MAX || self.landed_bytes > LANDED_BYTES_MAX {
            self.forget(0);
        }
    }

    fn forget(&mut self, index: usize) {
        let forgotten = self.landed.remove(index);
        self.landed_bytes -= forgotten.map_or(0, |landed| landed.bytes());
    }

    fn forget_all_before(&mut self, moment: Option<Instant>) {
        while self.landed.front().is_some_and(|first| moment.is_some_and(|moment| first.at < moment)) {
            self.forget(0);
        }
    }
}

impl Landed {
    fn bytes(&self) -> usize {
        self.read.body.len() + self.reply.body.len() + self.reply.row.len()
    }
}

/// A read that runs. Whoever boards later, or when it was dropped without an answer, flies anew.
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    read: Read,
    landing: watch::Sender<Option<RawReply>>,
}

impl Flight<'_> {
    /// Gives its answer to all who wait, and to who comes a moment later.
    pub(super) fn land(self, reply: RawReply) {
        self.landing.send_replace(Some(reply.clone()));
        self.flights.state().land(Landed { at: Instant::now(), read: self.read.clone(), reply });
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.state().flying.remove(&self.read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Read {
        Read { body: Bytes::from_static(body.as_bytes()), transaction: Transaction::default() }
    }

    fn reply(body: impl Into<Bytes>) -> RawReply {
        RawReply { body: body.into(), ..RawReply::default() }
    }

    fn board<'a>(flights: &'a Flights, read: &Read) -> Place<'a> {
        flights.board(read, |_| true)
    }

    #[track_caller]
    fn fly(flights: &Flights, of: &Read, answer: RawReply) {
        let Place::Pilot(flight) = board(flights, of) else { panic!("nobody flies yet") };
        flight.land(answer);
    }

    #[tokio::test]
    async fn ok_one_flies_for_all_and_then_anew() {
        let flights = Flights::default();
        let Place::Pilot(flight) = board(&flights, &read("a")) else { panic!("nobody flies yet") };
        let Place::Passenger(mut waiting) = board(&flights, &read("a")) else { panic!("somebody flies") };
        assert!(matches!(board(&flights, &read("b")), Place::Pilot(_)));
        let transaction = Transaction { deferrable: true, ..Transaction::default() };
        assert!(matches!(board(&flights, &Read { transaction, ..read("a") }), Place::Pilot(_)));
        flight.land(reply("rows"));
        assert_eq!(waiting.wait_for(Option::is_some).await.unwrap().as_ref().unwrap().body, "rows");
        let Place::Late(late) = board(&flights, &read("a")) else { panic!("it has just landed") };
        assert_eq!(late.body, "rows");
        flights.state().forget_all_before(Instant::now().checked_add(LANDED_FOR));
        assert!(matches!(board(&flights, &read("a")), Place::Pilot(_)));
    }

    #[tokio::test]
    async fn ok_what_has_landed_and_is_no_longer_good() {
        let flights = Flights::default();
        fly(&flights, &read("a"), reply("old"));
        assert!(matches!(flights.board(&read("a"), |reply| reply.body != "old"), Place::Pilot(_)));
        fly(&flights, &read("a"), reply("new"));
        assert!(matches!(flights.board(&read("a"), |reply| reply.body != "old"), Place::Late(_)));
    }

    #[tokio::test]
    async fn ok_what_has_landed_is_bounded() {
        let flights = Flights::default();
        for number in 0..=LANDED_MAX {
            let body = Bytes::from(number.to_string());
            fly(&flights, &Read { body, transaction: Transaction::default() }, reply("rows"));
        }
        assert_eq!(flights.state().landed.len(), LANDED_MAX);
        assert!(matches!(board(&flights, &read("0")), Place::Pilot(_)));
        fly(&flights, &read("long"), reply(vec![0; LANDED_BYTES_MAX]));
        let state = flights.state();
        assert_eq!((state.landed.len(), state.landed_bytes), (0, 0));
    }

    #[tokio::test]
    async fn ok_a_flight_that_never_lands() {
        let flights = Flights::default();
        let pilot = board(&flights, &read("a"));
        let Place::Passenger(mut waiting) = board(&flights, &read("a")) else { panic!("somebody flies") };
        drop(pilot);
        assert!(waiting.wait_for(Option::is_some).await.is_err());
        assert!(matches!(board(&flights, &read("a")), Place::Pilot(_)));
    }
}
