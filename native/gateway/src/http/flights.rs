//! One query for many reads that are the same.
//!
//! Reads with the same statements, parameters and transaction come together where a stored answer has just gone stale. While
//! one of them runs, the others wait for its answer, and take it if it is as good as their own would be: if no writer is missing
//! from its snapshot by then. Who comes later is given it on the same condition: instances of a function are short-lived, and
//! each new one asks for what is hot. An answer that is still good is good at any age, so only room is limited. So a hot read
//! costs the database one query, and nobody is given anything that was stale when it was asked for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderValue;
use tokio::sync::watch;

use crate::protocol::{RawReply, Transaction};

/// Most bytes of answers that are kept, with what was asked.
const LANDED_BYTES_MAX: usize = 16 << 20;
/// What keeping one takes beside its bytes, or a little less.
const LANDED_BYTES_MIN: usize = 512;

/// What makes two reads the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Read {
    /// Statements and parameters, with role and claims among them.
    pub(super) body: Bytes,
    pub(super) transaction: Transaction,
    /// The version of the schema that its answer names.
    pub(super) catalog: Option<HeaderValue>,
}

/// Reads that run now, or did before.
#[derive(Default)]
pub(super) struct Flights(Mutex<State>);

#[derive(Default)]
struct State {
    flying: HashMap<Read, watch::Receiver<Option<RawReply>>>,
    landed: HashMap<Read, Landed>,
    /// What has landed, in that order.
    order: BTreeMap<u64, Read>,
    landings: u64,
    landed_bytes: usize,
}

struct Landed {
    /// Its place in the order.
    landing: u64,
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
        if let Some(Landed { reply, .. }) = state.landed.get(read) {
            if is_good(reply) {
                return Place::Late(reply.clone());
            }
            state.forget(read);
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
    fn land(&mut self, read: &Read, reply: &RawReply) {
        self.forget(read);
        let bytes = bytes(read, reply);
        if bytes > LANDED_BYTES_MAX {
            return;
        }
        self.landed_bytes += bytes;
        while self.landed_bytes > LANDED_BYTES_MAX {
            let first = self.order.values().next().cloned().expect("what takes room has a place");
            self.forget(&first);
        }
        let (read, reply) = (Read { body: own(&read.body), ..read.clone() }, reply.clone());
        let reply = RawReply { body: own(&reply.body), row: own(&reply.row), ..reply };
        self.landings += 1;
        self.order.insert(self.landings, read.clone());
        self.landed.insert(read, Landed { landing: self.landings, reply });
    }

    fn forget(&mut self, read: &Read) {
        if let Some(Landed { landing, reply }) = self.landed.remove(read) {
            self.order.remove(&landing);
            self.landed_bytes -= bytes(read, &reply);
        }
    }
}

fn bytes(read: &Read, reply: &RawReply) -> usize {
    LANDED_BYTES_MIN + read.body.len() + reply.body.len() + reply.row.len()
}

/// The same bytes alone: they are part of all that was read from a connection with them.
fn own(bytes: &Bytes) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// A read that runs. Whoever boards later, or when it was dropped without an answer, flies anew.
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    read: Read,
    landing: watch::Sender<Option<RawReply>>,
}

impl Flight<'_> {
    /// Gives its answer to all who wait, and to who comes later.
    pub(super) fn land(self, reply: RawReply) {
        self.flights.state().land(&self.read, &reply);
        self.landing.send_replace(Some(reply));
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
        Read { body: Bytes::from_static(body.as_bytes()), transaction: Transaction::default(), catalog: None }
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
        let catalog = Some(HeaderValue::from_static("2"));
        assert!(matches!(board(&flights, &Read { catalog, ..read("a") }), Place::Pilot(_)));
        flight.land(reply("rows"));
        assert_eq!(waiting.wait_for(Option::is_some).await.unwrap().as_ref().unwrap().body, "rows");
        let Place::Late(late) = board(&flights, &read("a")) else { panic!("it has landed") };
        assert_eq!(late.body, "rows");
        assert!(matches!(flights.board(&read("a"), |_| false), Place::Pilot(_)));
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
        let fills = |share: usize| reply(vec![0; LANDED_BYTES_MAX / share - LANDED_BYTES_MIN - "a".len()]);
        for name in ["a", "b"] {
            fly(&flights, &read(name), fills(2));
        }
        assert_eq!(flights.state().landed_bytes, LANDED_BYTES_MAX);
        assert!(matches!(board(&flights, &read("a")), Place::Late(_)));
        // The first to land is the first to go.
        fly(&flights, &read("c"), fills(4));
        let late = |name| matches!(board(&flights, &read(name)), Place::Late(_));
        assert_eq!(["a", "b", "c"].map(late), [false, true, true]);
        fly(&flights, &read("d"), fills(1));
        assert_eq!(["b", "c", "d"].map(late), [false, false, true]);
        fly(&flights, &read("long"), reply(vec![0; LANDED_BYTES_MAX]));
        assert_eq!(["d", "long"].map(late), [true, false]);
        assert!(matches!(flights.board(&read("d"), |_| false), Place::Pilot(_)));
        let state = flights.state();
        assert_eq!((state.landed.len(), state.order.len(), state.landed_bytes), (0, 0, 0));
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
