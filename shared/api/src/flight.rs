//! One fetch for each key and instance: of answers that may be given without asking, and of the catalog.
//!
//! Whoever finds that another request of the instance is fetching the same answer waits for it. The wait is a sleep now and
//! again: on Workers a request cannot be woken by another.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use cache::Key;
use edge::Edge;
use fastrand::Rng;

/// The first wait; each one is twice as long as the one before.
const WAIT_MIN: Duration = Duration::from_millis(1);
const WAIT_MAX: Duration = Duration::from_millis(16);

/// What is being fetched, and until when others wait for it. A time and not a flag, because a runtime may end a request half-way and drop
/// nothing: one whose client goes away on Workers.
#[derive(Default)]
struct Flights(RefCell<Vec<(Key, Duration)>>);

/// A fetch. Whoever boards after it was dropped, or has taken as long as it may, fetches anew.
pub(crate) struct Flight {
    flights: Rc<Flights>,
    key: Key,
    until: Duration,
}

/// Begins a fetch that takes no longer than `patience`; `None` if there is one already.
pub(crate) fn board(edge: &Edge, key: Key, patience: Duration) -> Option<Flight> {
    let flights: Rc<Flights> = edge.instance_get().unwrap_or_else(|| edge.instance_put(Flights::default()));
    let (now, until) = (edge.monotonic(), edge.monotonic() + patience);
    flights.0.borrow_mut().retain(|(_, until)| *until > now);
    let is_new = !flights.0.borrow().iter().any(|(other, _)| *other == key);
    is_new.then(|| {
        flights.0.borrow_mut().push((key, until));
        Flight { flights, key, until }
    })
}

/// Begins a fetch, after those of others; after `patience` without.
pub(crate) async fn take(edge: &Edge, key: Key, patience: Duration) -> Option<Flight> {
    let deadline = edge.monotonic() + patience;
    loop {
        let flight = board(edge, key, patience);
        let left = deadline.saturating_sub(edge.monotonic());
        if flight.is_some() || left.is_zero() {
            return flight;
        }
        wait(edge, key, left).await;
    }
}

/// Waits until the fetch is over that is under way, for no longer than `patience`.
pub(crate) async fn wait(edge: &Edge, key: Key, patience: Duration) {
    let Some(flights) = edge.instance_get::<Flights>() else { return };
    let find = || flights.0.borrow().iter().find(|(other, _)| *other == key).map(|(_, until)| *until);
    let Some(awaited) = find() else { return };
    let deadline = awaited.min(edge.monotonic() + patience);
    let mut pause = WAIT_MIN;
    while find() == Some(awaited) && edge.monotonic() < deadline {
        edge.sleep(pause).await;
        pause = (pause * 2).min(WAIT_MAX);
    }
}

/// A number from 0 to 1, another one each time.
pub(crate) fn luck(edge: &Edge) -> f64 {
    let rng: Rc<RefCell<Rng>> = edge.instance_get().unwrap_or_else(|| {
        let mut seed = [0; 8];
        edge.random(&mut seed);
        edge.instance_put(RefCell::new(Rng::with_seed(u64::from_le_bytes(seed))))
    });
    rng.borrow_mut().f64()
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.flights.0.borrow_mut().retain(|flight| *flight != (self.key, self.until));
    }
}

#[cfg(test)]
mod tests {
    use cache::KeyMaker;
    use edge::block_on;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(100);

    #[test]
    fn ok_one_at_a_time() {
        let edge = Edge::new();
        let (one, other) = (KeyMaker::new(1).key(), KeyMaker::new(2).key());
        let flight = board(&edge, one, PATIENCE * 2).unwrap();
        assert!(board(&edge, one, PATIENCE).is_none() && board(&edge, other, PATIENCE).is_some());
        let began = edge.monotonic();
        assert!(block_on(take(&edge, one, PATIENCE)).is_none());
        assert!(edge.monotonic() - began >= PATIENCE);
        drop(flight);
        let began = edge.monotonic();
        block_on(wait(&edge, one, PATIENCE));
        assert!(block_on(take(&edge, one, PATIENCE)).is_some());
        assert_eq!(edge.monotonic(), began);
    }

    /// Its request was ended by the runtime, and nothing of it was dropped.
    #[test]
    fn ok_one_that_never_ends() {
        let (edge, key) = (Edge::new(), KeyMaker::new(1).key());
        let forgotten = board(&edge, key, PATIENCE).unwrap();
        let next = block_on(take(&edge, key, PATIENCE * 2)).unwrap();
        // It ends after all, and is not the one that is under way.
        drop(forgotten);
        assert!(board(&edge, key, PATIENCE).is_none());
        drop(next);
        assert!(board(&edge, key, PATIENCE).is_some());
    }
}
