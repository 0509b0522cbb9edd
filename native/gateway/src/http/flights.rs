//! One query for many reads that are the same.
//!
//! Reads with the same statements, parameters and transaction come together where a stored answer has just gone stale. While
//! one of them runs, the others wait for its answer, and take it if it is as good as their own would be: if no writer is missing
//! from its snapshot by then. So a hot read costs the database one query at a time, and nobody is given anything that was stale
//! when it was asked for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::protocol::{RawReply, Transaction};

/// What makes two reads the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Read {
    /// Statements and parameters, with role and claims among them.
    pub(super) body: Bytes,
    pub(super) transaction: Transaction,
}

/// Reads that run now.
#[derive(Default)]
pub(super) struct Flights {
    flying: Mutex<HashMap<Read, watch::Receiver<Option<RawReply>>>>,
}

/// A place in a flight.
pub(super) enum Place<'a> {
    /// It has to be flown.
    Pilot(Flight<'a>),
    /// Somebody flies, and this will have the answer; it is closed where there is none.
    Passenger(watch::Receiver<Option<RawReply>>),
}

impl Flights {
    /// A place in the flight of a read.
    pub(super) fn board(&self, read: &Read) -> Place<'_> {
        let mut flying = self.flying.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flying.get(read) {
            return Place::Passenger(flight.clone());
        }
        let (landing, flight) = watch::channel(None);
        flying.insert(read.clone(), flight);
        Place::Pilot(Flight { flights: self, read: read.clone(), landing })
    }
}

/// A read that runs. Whoever boards later, or when it was dropped without an answer, flies anew.
pub(super) struct Flight<'a> {
    flights: &'a Flights,
    read: Read,
    landing: watch::Sender<Option<RawReply>>,
}

impl Flight<'_> {
    /// Gives its answer to all who wait.
    pub(super) fn land(self, reply: RawReply) {
        self.landing.send_replace(Some(reply));
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.flights.flying.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.read);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static str) -> Read {
        Read { body: Bytes::from_static(body.as_bytes()), transaction: Transaction::default() }
    }

    #[tokio::test]
    async fn ok_one_flies_for_all_and_then_anew() {
        let flights = Flights::default();
        let Place::Pilot(flight) = flights.board(&read("a")) else { panic!("nobody flies yet") };
        let Place::Passenger(mut waiting) = flights.board(&read("a")) else { panic!("somebody flies") };
        assert!(matches!(flights.board(&read("b")), Place::Pilot(_)));
        let transaction = Transaction { deferrable: true, ..Transaction::default() };
        assert!(matches!(flights.board(&Read { transaction, ..read("a") }), Place::Pilot(_)));
        flight.land(RawReply { body: Bytes::from_static(b"rows"), ..RawReply::default() });
        assert_eq!(waiting.wait_for(Option::is_some).await.unwrap().as_ref().unwrap().body, "rows");
        assert!(matches!(flights.board(&read("a")), Place::Pilot(_)));
    }

    #[tokio::test]
    async fn ok_a_flight_that_never_lands() {
        let flights = Flights::default();
        let pilot = flights.board(&read("a"));
        let Place::Passenger(mut waiting) = flights.board(&read("a")) else { panic!("somebody flies") };
        drop(pilot);
        assert!(waiting.wait_for(Option::is_some).await.is_err());
        assert!(matches!(flights.board(&read("a")), Place::Pilot(_)));
    }
}
