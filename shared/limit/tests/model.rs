//! The algorithm against two others that say the same: the leaky bucket in continuous state of ITU-T I.371 annex A, and
//! the definition, a log of all requests. Requests come from a generator that begins with the same seeds every time.

use std::time::Duration;

use limit::{Ask, Gcra, Quota, Table};

/// ITU-T I.371, annex A, figure A.1: a bucket that drains by one unit in each nanosecond. A request adds `increment`,
/// if the bucket holds no more than `limit` when it comes.
struct Bucket {
    increment: u128,
    limit: u128,
    level: u128,
    last_conforming: u128,
}

impl Bucket {
    fn new(quota: Quota) -> Bucket {
        let increment = (u128::from(quota.window()) * 1_000_000_000).div_ceil(quota.requests().into());
        Bucket { increment, limit: increment * u128::from(quota.burst() - 1), level: 0, last_conforming: 0 }
    }

    fn conforms(&mut self, now: Duration) -> bool {
        let now = now.as_nanos();
        let level = self.level.saturating_sub(now - self.last_conforming);
        if level > self.limit {
            return false;
        }
        (self.level, self.last_conforming) = (level + self.increment, now);
        true
    }

    /// How many would still conform, found by trying.
    fn remaining(&self, now: Duration) -> u32 {
        let mut copy = Bucket { ..*self };
        let mut count = 0;
        while copy.conforms(now) {
            count += 1;
        }
        count
    }
}

/// A quota, and times between requests that make it matter: none, some of its interval, or a pause.
fn quota(random: &mut fastrand::Rng) -> Quota {
    let requests = [1, 2, 3, 7, 60, 997][random.usize(..6)];
    let window = [1, 2, 10, 59, 86_400][random.usize(..5)];
    Quota::new(requests, window, random.u32(1..=requests)).expect("a quota within the limits")
}

fn pause(random: &mut fastrand::Rng, quota: Quota) -> Duration {
    let interval = u64::from(quota.window()) * 1_000_000_000 / u64::from(quota.requests());
    Duration::from_nanos(match random.u8(..10) {
        0..5 => 0,
        5 => 1,
        6 => interval,
        7 => interval + 1,
        8 => random.u64(..=interval),
        _ => random.u64(..=interval * u64::from(quota.burst())),
    })
}

#[test]
fn ok_decides_as_the_leaky_bucket_does() {
    for seed in 0..2_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let quota = quota(&mut random);
        let (mut bucket, mut gcra) = (Bucket::new(quota), Gcra::default());
        let mut now = Duration::from_secs(random.u64(..2_000_000_000));
        for step in 0..200 {
            now += pause(&mut random, quota);
            let context = format!("seed {seed}, step {step}, {quota:?}");
            let remaining = bucket.remaining(now);
            assert_eq!(gcra.standing(quota, now).remaining(), remaining, "{context}");
            let outcome = gcra.take(quota, now);
            assert_eq!(outcome.is_ok(), bucket.conforms(now), "{context}");
            if let Err(standing) = outcome {
                let wait = Duration::from_secs(standing.retry_after());
                assert!(gcra.standing(quota, now + wait).allows(), "{context}");
                assert!(!wait.is_zero(), "{context}");
            }
        }
    }
}

/// In no window are there more requests than the quota and a burst; none that came evenly is refused.
#[test]
fn ok_no_window_has_more_than_quota_and_burst() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let quota = quota(&mut random);
        let mut gcra = Gcra::default();
        let window = Duration::from_secs(quota.window().into());
        let mut now = Duration::from_secs(1_700_000_000);
        let mut log: Vec<Duration> = vec![];
        for _ in 0..500 {
            now += pause(&mut random, quota);
            if gcra.take(quota, now).is_ok() {
                log.push(now);
            }
            let recent = log.iter().rev().take_while(|time| now - **time < window).count();
            assert!(recent as u32 <= quota.requests() + quota.burst(), "seed {seed}, {quota:?}: {recent}");
        }
        let even = (window / quota.requests()) + Duration::from_nanos(1);
        now += window;
        assert!((1..100).all(|step| gcra.take(quota, now + even * step).is_ok()), "seed {seed}, {quota:?}");
    }
}

/// A table decides for each caller as if it were alone, as long as there is room, and for several quotas at once as if
/// each were asked first.
#[test]
fn ok_a_table_decides_as_each_caller_alone() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let asks: Vec<Ask> = (0..6).map(|_| Ask { key: random.u64(..), quota: quota(&mut random) }).collect();
        let mut buckets: Vec<Bucket> = asks.iter().map(|ask| Bucket::new(ask.quota)).collect();
        let mut table = Table::new(4096);
        let mut now = Duration::from_secs(1_700_000_000);
        for step in 0..500 {
            let places: Vec<usize> = (0..asks.len()).filter(|_| random.bool()).collect();
            let pace = asks[random.usize(..asks.len())].quota;
            now += pause(&mut random, pace);
            let asked: Vec<Ask> = places.iter().map(|place| asks[*place]).collect();
            let allowed = places.iter().all(|place| buckets[*place].remaining(now) > 0);
            if allowed {
                places.iter().for_each(|place| assert!(buckets[*place].conforms(now)));
            }
            let verdict = table.take(&asked, now);
            assert_eq!(verdict.allowed, allowed, "seed {seed}, step {step}");
            for (place, standing) in places.iter().zip(verdict.standings) {
                assert_eq!(standing.remaining(), buckets[*place].remaining(now), "seed {seed}, step {step}");
            }
        }
    }
}

/// Two tables that tell one another, as the edge's and the gateway's do: what the first one lets pass the second one
/// counts, and the first one never refuses what the second would allow.
#[test]
fn ok_a_shield_never_refuses_what_is_allowed_behind_it() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let ask = Ask { key: 7, quota: quota(&mut random) };
        let mut shields = [Table::new(8), Table::new(8), Table::new(8)];
        let mut exact = Table::new(8);
        let mut bucket = Bucket::new(ask.quota);
        let mut now = Duration::from_secs(1_700_000_000);
        for step in 0..300 {
            now += pause(&mut random, ask.quota);
            let shield = &mut shields[random.usize(..3)];
            let before = bucket.remaining(now);
            if !shield.take(&[ask], now).allowed {
                // What a shield had let pass and was refused behind it stays counted there, one request at most.
                assert!(before <= 1, "seed {seed}, step {step}: {before}");
                continue;
            }
            let verdict = exact.take(&[ask], now);
            assert_eq!(verdict.allowed, bucket.conforms(now), "seed {seed}, step {step}");
            let standing = shield.learn(&ask, verdict.standings[0].owed(), now);
            assert!(standing.remaining() <= verdict.standings[0].remaining());
        }
    }
}
