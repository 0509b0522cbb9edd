//! Measures a decision by hand, beside the crate `governor`: `scripts/bench limit` calls it.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use limit::{Ask, Gcra, Quota, Table};

const ROUNDS: u32 = 10_000_000;
/// Callers that take turns.
const CALLERS: u64 = 10_000;

fn main() {
    let quota = Quota::new(100, 60, 100).expect("a quota within the limits");
    let since = Instant::now();

    let mut gcra = Gcra::default();
    report("one caller: Gcra", |_| gcra.take(quota, since.elapsed()).is_ok());
    let direct = governor::RateLimiter::direct(same(quota));
    report("one caller: governor", |_| direct.check().is_ok());

    let mut table = Table::new(65_536);
    report("of 10,000 callers: Table", |number| table.take(&[ask(number, quota)], since.elapsed()).allowed);
    let locked = Mutex::new(Table::new(65_536));
    report("of 10,000 callers: Mutex<Table>", |number| {
        locked.lock().expect("nobody panics").take(&[ask(number, quota)], since.elapsed()).allowed
    });
    let keyed = governor::RateLimiter::keyed(same(quota));
    report("of 10,000 callers: governor, dashmap", |number| keyed.check_key(&ask(number, quota).key).is_ok());

    let mut full = Table::new(1024);
    report("ever new callers, full Table", |number| {
        full.take(&[Ask { key: limit::key(1, "", &number.to_le_bytes()), quota }], since.elapsed()).allowed
    });
    report("key", |number| limit::key(1, "search", &number.to_le_bytes()) == 0);
    report("the clock", |_| since.elapsed() > Duration::from_secs(999));
}

fn ask(number: u64, quota: Quota) -> Ask {
    Ask { key: (number % CALLERS).wrapping_mul(0x9e37_79b9_7f4a_7c15), quota }
}

fn same(quota: Quota) -> governor::Quota {
    let interval = Duration::from_secs(quota.window().into()) / quota.requests();
    let burst = NonZeroU32::new(quota.burst()).expect("a burst has at least one");
    governor::Quota::with_period(interval).expect("it is not zero").allow_burst(burst)
}

fn report(what: &str, mut decide: impl FnMut(u64) -> bool) {
    let start = Instant::now();
    let allowed = (0..u64::from(ROUNDS)).filter(|number| decide(black_box(*number))).count();
    println!("{:>8.1} ns  {what} ({allowed} allowed)", start.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
}
