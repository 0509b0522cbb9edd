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

/// What is being fetched.
#[derive(Default)]
struct Flights(RefCell<Vec<Key>>);

/// A fetch. Whoever boards after it was dropped fetches anew.
pub(crate) struct Flight {
    flights: Rc<Flights>,
    key: Key,
}

/// Begins a fetch; `None` if there is one already.
pub(crate) fn board(edge: &Edge, key: Key) -> Option<Flight> {
    let flights: Rc<Flights> = edge.instance_get().unwrap_or_else(|| edge.instance_put(Flights::default()));
    let is_new = !flights.0.borrow().contains(&key);
    is_new.then(|| {
        flights.0.borrow_mut().push(key);
        Flight { flights, key }
    })
}

/// Begins a fetch, after that of another.
pub(crate) async fn take(edge: &Edge, key: Key, patience: Duration) -> Option<Flight> {
    match board(edge, key) {
        Some(flight) => Some(flight),
        None => wait(edge, key, patience).await,
    }
}

/// Waits until nobody fetches this any more, and begins a fetch; after `patience` without.
pub(crate) async fn wait(edge: &Edge, key: Key, patience: Duration) -> Option<Flight> {
    let deadline = edge.monotonic() + patience;
    let mut pause = WAIT_MIN;
    while edge.monotonic() < deadline {
        edge.sleep(pause).await;
        pause = (pause * 2).min(WAIT_MAX);
        if let Some(flight) = board(edge, key) {
            return Some(flight);
        }
    }
    None
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
        self.flights.0.borrow_mut().retain(|key| *key != self.key);
    }
}

#[cfg(test)]
mod tests {
    use cache::KeyMaker;
    use edge::block_on;

    use super::*;

    #[test]
    fn ok_one_at_a_time() {
        let edge = Edge::new();
        let (one, other) = (KeyMaker::new(1).key(), KeyMaker::new(2).key());
        let flight = board(&edge, one).unwrap();
        assert!(board(&edge, one).is_none() && board(&edge, other).is_some());
        let began = edge.monotonic();
        assert!(block_on(wait(&edge, one, Duration::from_millis(100))).is_none());
        assert!(edge.monotonic() - began >= Duration::from_millis(100));
        drop(flight);
        assert!(block_on(wait(&edge, one, Duration::from_millis(100))).is_some());
    }
}
