//! The states of many callers, in bounded memory.
//!
//! A table is divided into sets of [`WAYS`] slots, and a caller's number says in which set it is. So a decision looks
//! at one set, however large the table is, and nothing is ever moved, sorted or allocated.
//!
//! Where a set is full, a new caller takes the slot whose caller owes the fewest requests: how many it must wait for
//! until all is forgotten. One that owes none is not limited by what is known of it, and is missed by nobody; among
//! those that owe the same, the one that would be forgotten first has to go. What an attacker with many addresses can
//! do with that:
//!
//! - Forgetting a caller gives it as many requests as it owed. All the other callers of its set owe at least as many at
//!   that moment, and had to make those requests: they bought [`WAYS`] − 1 times what was gained. Addresses that ask
//!   once displace one another, and never a caller that owes two.
//! - Nobody can choose the set, because nobody knows the seed of the numbers ([`key`](crate::key())). Whoever means one
//!   caller has to fill the whole table.
//! - Requests are compared and not times, because a quota of one request in an hour would otherwise displace everybody
//!   under a quota of a hundred in a second, with one request.

use std::time::Duration;

use crate::gcra::{Gcra, Standing};
use crate::quota::Quota;

/// Slots of a set.
pub const WAYS: usize = 8;

/// Bounded memory of callers.
pub struct Table {
    sets: Vec<[Slot; WAYS]>,
}

/// One caller, or nobody: who owes nothing is as good as unknown.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    key: u64,
    gcra: Gcra,
    /// Nanoseconds that one request takes under the caller's quota.
    interval: u64,
}

/// Whether one more request is allowed to a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// The caller's number under this quota.
    pub key: u64,
    /// The quota.
    pub quota: Quota,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Whether all quotas allow it. Otherwise it was counted under none.
    pub allowed: bool,
    /// Where the caller is now under each quota, in the order in which they were asked for.
    pub standings: Vec<Standing>,
}

impl Table {
    /// Room for at least this many callers, 24 bytes each.
    pub fn new(callers: usize) -> Table {
        Table { sets: vec![Default::default(); callers.div_ceil(WAYS).max(1)] }
    }

    /// Counts a request under all of these quotas, or, where one of them has no room for it, under none.
    pub fn take(&mut self, asks: &[Ask], now: Duration) -> Verdict {
        let mut verdict = Verdict { allowed: true, standings: Vec::with_capacity(asks.len()) };
        for ask in asks {
            let standing = self.standing(ask, now);
            verdict.allowed &= standing.allows();
            verdict.standings.push(standing);
        }
        if verdict.allowed {
            for (ask, standing) in asks.iter().zip(&mut verdict.standings) {
                // The same quota twice may have room for one of two.
                *standing = self.slot(ask, now).take(ask.quota, now).unwrap_or_else(|before| before);
            }
        }
        verdict
    }

    /// Counts what another table has counted of the same caller, unless as much is known here; gives the standing after
    /// both.
    pub fn learn(&mut self, ask: &Ask, told: Duration, now: Duration) -> Standing {
        let gcra = self.slot(ask, now);
        gcra.learn(Standing::new(ask.quota, told), now);
        gcra.standing(ask.quota, now)
    }

    fn standing(&mut self, ask: &Ask, now: Duration) -> Standing {
        let known = self.set(ask.key).iter_mut().find(|slot| slot.key == ask.key);
        known.map_or(Gcra::default().standing(ask.quota, now), |slot| slot.gcra.standing(ask.quota, now))
    }

    /// The caller's own slot, or one that is its own from now on.
    fn slot(&mut self, ask: &Ask, now: Duration) -> &mut Gcra {
        let set = self.set(ask.key);
        let place = set.iter().position(|slot| slot.key == ask.key).unwrap_or_else(|| cheapest(set, now));
        let slot = &mut set[place];
        if slot.key != ask.key {
            *slot = Slot { key: ask.key, ..Slot::default() };
        }
        slot.interval = ask.quota.interval();
        &mut slot.gcra
    }

    fn set(&mut self, key: u64) -> &mut [Slot; WAYS] {
        let count = self.sets.len() as u64;
        &mut self.sets[(key % count) as usize]
    }
}

/// The place of the slot whose caller is missed least.
fn cheapest(set: &[Slot; WAYS], now: Duration) -> usize {
    let cost = |slot: &Slot| (slot.requests_owed(now), slot.gcra.owed(now));
    (1..WAYS).fold(0, |least, place| if cost(&set[place]) < cost(&set[least]) { place } else { least })
}

impl Slot {
    fn requests_owed(&self, now: Duration) -> u64 {
        self.gcra.owed(now).div_ceil(self.interval.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn ask(key: u64, requests: u32, window: u32) -> Ask {
        Ask { key, quota: Quota::new(requests, window, requests).expect("a quota within the limits") }
    }

    /// How many of `times` requests are allowed.
    fn take(table: &mut Table, ask: Ask, times: usize) -> usize {
        (0..times).filter(|_| table.take(&[ask], NOW).allowed).count()
    }

    #[test]
    fn ok_callers_are_counted_apart() {
        let mut table = Table::new(64);
        assert_eq!(take(&mut table, ask(1, 3, 60), 5), 3);
        assert_eq!(take(&mut table, ask(2, 3, 60), 5), 3);
        assert_eq!(take(&mut table, ask(1, 3, 60), 1), 0);
    }

    #[test]
    fn ok_counted_under_all_or_none() {
        let mut table = Table::new(64);
        let (wide, narrow) = (ask(1, 10, 60), ask(2, 2, 60));
        let remaining =
            |verdict: Verdict| (verdict.allowed, verdict.standings.iter().map(Standing::remaining).collect::<Vec<_>>());
        assert_eq!(remaining(table.take(&[wide, narrow], NOW)), (true, vec![9, 1]));
        assert_eq!(remaining(table.take(&[wide, narrow], NOW)), (true, vec![8, 0]));
        assert_eq!(remaining(table.take(&[wide, narrow], NOW)), (false, vec![8, 0]));
        assert_eq!(remaining(table.take(&[wide], NOW)), (true, vec![7]));
        assert_eq!(remaining(table.take(&[], NOW)), (true, vec![]));
    }

    #[test]
    fn ok_the_same_quota_twice() {
        let mut table = Table::new(64);
        let ask = ask(1, 3, 60);
        assert_eq!(table.take(&[ask, ask], NOW).standings[1].remaining(), 1);
        assert!(table.take(&[ask, ask], NOW).allowed);
        assert!(!table.take(&[ask], NOW).allowed);
    }

    #[test]
    fn ok_what_another_table_counted() {
        let mut table = Table::new(64);
        let ask = ask(1, 10, 10);
        take(&mut table, ask, 2);
        assert_eq!(table.learn(&ask, Duration::from_secs(1), NOW).remaining(), 8, "more is known here");
        assert_eq!(table.learn(&ask, Duration::from_secs(7), NOW).remaining(), 3);
        assert_eq!(table.learn(&ask, Duration::from_secs(99), NOW).remaining(), 0, "no more than a burst is owed");
        assert!(!table.take(&[ask], NOW).allowed);
        assert!(table.take(&[ask], NOW + Duration::from_secs(1)).allowed);
    }

    #[test]
    fn ok_a_table_never_grows() {
        for (callers, slots) in [(0, WAYS), (1, WAYS), (WAYS, WAYS), (WAYS + 1, 2 * WAYS)] {
            let mut table = Table::new(callers);
            (0..1000).for_each(|key| _ = table.take(&[ask(key, 3, 60)], NOW));
            assert_eq!(table.sets.len() * WAYS, slots);
        }
    }

    #[test]
    fn ok_many_addresses_do_not_displace_who_owes_more() {
        let mut table = Table::new(WAYS);
        let limited = ask(1, 3, 60);
        assert_eq!(take(&mut table, limited, 9), 3);
        for key in 2..10_000 {
            assert_eq!(take(&mut table, ask(key, 3, 60), 1), 1);
        }
        assert_eq!(take(&mut table, limited, 9), 0);
    }

    #[test]
    fn ok_a_long_window_displaces_nobody_who_owes_more_requests() {
        let mut table = Table::new(WAYS);
        let limited = ask(1, 100, 1);
        assert_eq!(take(&mut table, limited, 999), 100);
        for key in 2..1000 {
            assert_eq!(take(&mut table, ask(key, 10, 86_400), 1), 1);
        }
        assert_eq!(take(&mut table, limited, 9), 0);
    }

    /// To be forgotten with `WAYS` others in one set, each of them has to owe as much.
    #[test]
    fn ok_forgetting_costs_more_than_it_gains() {
        let mut table = Table::new(WAYS);
        let limited = ask(1, 50, 60);
        take(&mut table, limited, 50);
        let others: Vec<Ask> = (2..=WAYS as u64).map(|key| ask(key, 50, 60)).collect();
        let mut spent = others.iter().map(|other| take(&mut table, *other, 49)).sum::<usize>();
        spent += take(&mut table, ask(99, 50, 60), 50);
        assert_eq!(take(&mut table, limited, 1), 0, "one of the others was forgotten");
        assert_eq!(spent, WAYS * 49 + 1);
    }

    #[test]
    fn ok_who_owes_nothing_goes_first() {
        let mut table = Table::new(WAYS);
        (1..=WAYS as u64).for_each(|key| assert_eq!(take(&mut table, ask(key, 2, key as u32), 2), 2));
        // A second and a half later the first has been forgiven, and the second one owes two thirds of a request.
        let later = NOW + Duration::from_millis(1500);
        assert!(table.take(&[ask(99, 1, 60)], later).allowed);
        assert!(!table.take(&[ask(99, 1, 60)], later).allowed);
        (3..=WAYS as u64).for_each(|key| {
            assert_eq!(table.standing(&ask(key, 2, key as u32), later).remaining(), u32::from(key == 3), "{key}");
        });
    }
}
