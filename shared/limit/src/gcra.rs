//! The generic cell rate algorithm: one number for each caller.
//!
//! That number is the theoretical arrival time, when the next request would come if all had come evenly. A request that
//! comes later starts anew; one that comes so much earlier that a whole burst lies between is refused, and changes
//! nothing.

use std::time::Duration;

use crate::Quota;
use crate::quota::NANOS_PER_SECOND;

/// The state of one caller under one quota. A new caller's is the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gcra {
    /// The theoretical arrival time, in nanoseconds.
    arrival: u64,
}

/// Where a caller is under a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    quota: Quota,
    /// Nanoseconds until all is forgotten: what its requests take, less the time since. At most the quota's capacity.
    owed: u64,
}

impl Gcra {
    /// Counts one request, and gives the standing after it.
    ///
    /// # Errors
    /// One that is too many, with the standing of before, which stays.
    pub fn take(&mut self, quota: Quota, now: Duration) -> Result<Standing, Standing> {
        let before = self.standing(quota, now);
        if !before.allows() {
            return Err(before);
        }
        let after = Standing { owed: before.owed + quota.interval(), ..before };
        self.arrival = nanos(now).saturating_add(after.owed);
        Ok(after)
    }

    /// Where the caller is now. What is owed beyond a burst is forgotten: the clock was set back, or the quota was
    /// another.
    pub fn standing(&mut self, quota: Quota, now: Duration) -> Standing {
        let standing = Standing::new(quota, Duration::from_nanos(self.owed(now)));
        self.arrival = self.arrival.min(nanos(now).saturating_add(standing.owed));
        standing
    }

    /// Counts what somebody else has counted, unless as much is known here.
    pub(crate) fn learn(&mut self, told: Standing, now: Duration) {
        self.arrival = self.arrival.max(nanos(now).saturating_add(told.owed));
    }

    /// Nanoseconds until all is forgotten.
    pub(crate) fn owed(self, now: Duration) -> u64 {
        self.arrival.saturating_sub(nanos(now))
    }
}

impl Standing {
    /// Of a caller that is forgotten after `owed`, if that is no more than a burst takes; otherwise after that.
    pub fn new(quota: Quota, owed: Duration) -> Standing {
        Standing { quota, owed: nanos(owed).min(quota.capacity()) }
    }

    /// The quota.
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// The time until all is forgotten.
    pub fn owed(&self) -> Duration {
        Duration::from_nanos(self.owed)
    }

    /// Whether one more request would be allowed now.
    pub fn allows(&self) -> bool {
        self.wait() == 0
    }

    /// How many more requests would be allowed now.
    pub fn remaining(&self) -> u32 {
        // No more than the burst, which is a `u32`.
        ((self.quota.capacity() - self.owed) / self.quota.interval()) as u32
    }

    /// Whole seconds after which one more request will be allowed; 0 is now.
    pub fn retry_after(&self) -> u64 {
        self.wait().div_ceil(NANOS_PER_SECOND)
    }

    /// The effective window of draft-ietf-httpapi-ratelimit-headers-11 §4.1.2, in seconds: for how long the requests
    /// that remain last at the quota's rate, and where none remains, until the next one.
    ///
    /// So the ratio of the two never tells a client to ask faster than the quota, and `Retry-After` never lies before
    /// the window's end (both §6).
    pub fn effective_window(&self) -> u64 {
        match self.remaining() {
            0 => self.retry_after(),
            remaining => (u64::from(remaining) * u64::from(self.quota.window())).div_ceil(self.quota.requests().into()),
        }
    }

    /// Nanoseconds until one more request is allowed.
    fn wait(&self) -> u64 {
        (self.owed + self.quota.interval()).saturating_sub(self.quota.capacity())
    }
}

/// Five centuries of them fit.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn quota(requests: u32, window: u32, burst: u32) -> Quota {
        Quota::new(requests, window, burst).expect("a quota within the limits")
    }

    /// Requests at these milliseconds: `remaining/effective window` of those that are allowed, `-retry after` of
    /// others.
    #[track_caller]
    fn check(quota: Quota, at: &[u64], expected: &str) {
        let mut gcra = Gcra::default();
        let outcome = |at: &u64| match gcra.take(quota, NOW + Duration::from_millis(*at)) {
            Ok(after) => format!("{}/{}", after.remaining(), after.effective_window()),
            Err(before) => format!("-{}", before.retry_after()),
        };
        assert_eq!(at.iter().map(outcome).collect::<Vec<_>>().join(" "), expected);
    }

    #[test]
    fn ok_burst_then_evenly() {
        check(
            quota(60, 60, 3),
            &[0, 0, 0, 0, 999, 1000, 1000, 3000, 3000, 3000],
            "2/2 1/1 0/1 -1 -1 0/1 -1 1/1 0/1 -1",
        );
        check(quota(1, 10, 1), &[0, 1, 9_999, 10_000, 10_001], "0/10 -10 -1 0/10 -10");
        check(quota(100, 60, 100), &[0, 0, 600], "99/60 98/59 98/59");
    }

    #[test]
    fn ok_quiet_time_is_worth_one_burst() {
        check(quota(60, 60, 2), &[0, 3_600_000, 3_600_000, 3_600_000], "1/1 1/1 0/1 -1");
    }

    #[test]
    fn ok_the_window_is_never_longer_than_the_quotas() {
        check(quota(7, 10, 7), &[0], "6/9");
        assert_eq!(Standing::new(quota(7, 10, 7), Duration::ZERO).effective_window(), 10);
    }

    #[test]
    fn ok_one_nanosecond_decides() {
        let quota = quota(1, 1, 1);
        let mut gcra = Gcra::default();
        assert!(gcra.take(quota, NOW).is_ok());
        assert!(gcra.take(quota, NOW + Duration::from_nanos(999_999_999)).is_err());
        assert!(gcra.take(quota, NOW + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn ok_a_clock_that_is_set_back_costs_one_burst() {
        let quota = quota(10, 10, 5);
        let mut gcra = Gcra::default();
        for _ in 0..5 {
            assert!(gcra.take(quota, NOW).is_ok());
        }
        let back = NOW - Duration::from_secs(3600);
        assert!(gcra.take(quota, back).is_err());
        assert!(gcra.take(quota, back + Duration::from_millis(999)).is_err());
        assert!(gcra.take(quota, back + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn ok_ends_of_time() {
        let day = quota(1, crate::WINDOW_SECONDS_MAX, 1);
        let mut gcra = Gcra::default();
        assert!(gcra.take(day, Duration::ZERO).is_ok());
        assert!(gcra.take(day, Duration::ZERO).is_err());
        assert!(gcra.take(day, Duration::MAX).is_ok());
    }
}
