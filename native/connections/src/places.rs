//! Who gets in: so many at a time, and of one address no more than its share.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use limit::IPV6_PREFIX_BITS;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A number of places, for connections or for requests.
#[derive(Debug)]
pub struct Places {
    total: Arc<Semaphore>,
    per_address_max: usize,
    taken: Arc<Taken>,
}

/// A place that nobody has yet.
#[derive(Debug)]
pub struct Free<'a> {
    places: &'a Places,
    permit: OwnedSemaphorePermit,
}

/// A place, given up when this is dropped.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    taken: Arc<Taken>,
    address: IpAddr,
}

/// Places by address, without those that have none.
#[derive(Debug, Default)]
struct Taken(Mutex<HashMap<IpAddr, usize>>);

impl Places {
    /// `total_max` is at most [`Semaphore::MAX_PERMITS`].
    pub fn new(total_max: usize, per_address_max: usize) -> Places {
        Places { total: Arc::new(Semaphore::new(total_max)), per_address_max, taken: Arc::default() }
    }

    /// Waits until there is a place.
    pub async fn free(&self) -> Free<'_> {
        let permit = self.total.clone().acquire_owned().await.expect("the semaphore is never closed");
        Free { places: self, permit }
    }

    /// A place for this address, if there is one and the address has not got its share.
    pub fn take(&self, address: IpAddr) -> Option<Place> {
        let permit = self.total.clone().try_acquire_owned().ok()?;
        Free { places: self, permit }.take(address)
    }
}

impl Free<'_> {
    /// Gives the place to this address, unless the address has got its share.
    pub fn take(self, address: IpAddr) -> Option<Place> {
        let Free { places, permit } = self;
        let address = client(address);
        let mut taken = places.taken.lock();
        let count = taken.entry(address).or_default();
        if *count >= places.per_address_max {
            return None;
        }
        *count += 1;
        Some(Place { _permit: permit, taken: places.taken.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        let count = taken.get_mut(&self.address).expect("it was counted when the place was taken");
        *count -= 1;
        if *count == 0 {
            taken.remove(&self.address);
        }
    }
}

impl Taken {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What stands for one client: an IPv4 address, or an IPv6 network. Rate limits count the same ([`limit::network`]).
fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::MAX << (Ipv6Addr::BITS as usize - IPV6_PREFIX_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & network))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes places for these addresses, one after the other, and says who got one.
    #[track_caller]
    fn check(total_max: usize, per_address_max: usize, addresses: &[&str], expected: &[bool]) {
        let places = Places::new(total_max, per_address_max);
        let taken: Vec<_> = addresses.iter().map(|address| places.take(address.parse().unwrap())).collect();
        assert_eq!(taken.iter().map(Option::is_some).collect::<Vec<_>>(), expected);
        drop(taken);
        assert!(places.taken.lock().is_empty());
        assert_eq!(places.total.available_permits(), total_max);
    }

    #[test]
    fn ok_up_to_the_share_and_the_total() {
        check(4, 2, &["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.2"], &[true, true, false, true]);
        check(2, 2, &["10.0.0.1", "10.0.0.2", "10.0.0.3"], &[true, true, false]);
    }

    #[test]
    fn ok_a_network_is_one_client_in_ipv6_only() {
        check(9, 1, &["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"], &[true, false, true]);
        check(9, 1, &["::ffff:10.0.0.1", "10.0.0.1", "::ffff:10.0.0.2"], &[true, false, true]);
    }

    #[tokio::test]
    async fn ok_who_waits_gets_the_place_that_is_given_up() {
        let places = Places::new(1, 1);
        let address = "10.0.0.1".parse().unwrap();
        let first = places.take(address).unwrap();
        let (second, ()) = tokio::join!(places.free(), async { drop(first) });
        assert!(second.take(address).is_some());
    }
}
