//! What the gateway reads of its edges, and a table of callers. The first byte says how much time passes with each
//! step, each further three are one request: callers, quotas, time.
#![no_main]

use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use limit::{Ask, Gcra, Quota, Standing, Table, WAYS, field, wire};

/// Of one request in a day to a million in a second.
const QUOTAS: [(u32, u32, u32); 8] = [
    (1, 86_400, 1),
    (3, 1, 3),
    (7, 10, 2),
    (60, 60, 60),
    (100, 60, 20),
    (997, 59, 1),
    (1_000_000, 1, 1_000_000),
    (1_000_000, 86_400, 9),
];

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = str::from_utf8(input) {
        read(text);
    }
    let Some((pace, requests)) = input.split_first() else { return };
    let mut now = Duration::from_secs(1_700_000_000);
    // One set, and no more callers than it has slots: each must be decided as if it were alone.
    let (mut table, mut alone) = (Table::new(WAYS), [Gcra::default(); WAYS]);
    let mut crowded = Table::new(WAYS);
    for request in requests.chunks_exact(3) {
        let passed = Duration::from_nanos(u64::from(request[2]) << (pace % 40));
        now += passed;
        let asks = [request[0], request[1]].map(|byte| ask(byte, byte as usize % WAYS));
        let asks = if asks[0].key == asks[1].key { &asks[..1] } else { &asks[..] };
        let allowed = asks.iter().all(|ask| alone[ask.key as usize].standing(ask.quota, now).allows());
        let verdict = table.take(asks, now);
        assert_eq!(verdict.allowed, allowed);
        for (ask, standing) in asks.iter().zip(&verdict.standings) {
            let alone = &mut alone[ask.key as usize];
            let expected = if allowed { alone.take(ask.quota, now).ok() } else { Some(alone.standing(ask.quota, now)) };
            assert_eq!(Some(*standing), expected);
            check(standing);
        }
        // More callers than slots, and a clock that is set back now and then.
        let then = if request[2] == 255 { now.saturating_sub(passed * 2) } else { now };
        let verdict = crowded.take(&[ask(request[0], request[1] as usize)], then);
        assert!(verdict.allowed || !verdict.standings[0].allows());
        check(&verdict.standings[0]);
    }
});

/// A caller has one quota.
fn ask(quota: u8, key: usize) -> Ask {
    let (requests, window, burst) = QUOTAS[(usize::from(quota) + key) % QUOTAS.len()];
    Ask { key: key as u64, quota: Quota::new(requests, window, burst).expect("within the limits") }
}

fn check(standing: &Standing) {
    let quota = standing.quota();
    assert!(standing.remaining() <= quota.burst());
    assert_eq!(standing.allows(), standing.remaining() > 0);
    assert_eq!(standing.allows(), standing.retry_after() == 0);
    assert!(standing.retry_after() <= u64::from(quota.window()));
    assert!((1..=u64::from(quota.window())).contains(&standing.effective_window()));
}

fn read(text: &str) {
    if let Some(asks) = wire::read_asks(text) {
        assert_eq!(wire::write_asks(&asks), text);
        assert!(asks.len() <= limit::ASKS_MAX);
    }
    if field::is_name(text) {
        let mut field = String::new();
        field::policy(&mut field, text, ask(0, 0).quota);
        let string = field.strip_suffix(";q=1;w=86400").expect("a string and two parameters");
        // RFC 9651's strings are written as JSON writes such text.
        assert_eq!(serde_json::from_str::<String>(string).expect("a string"), text);
    }
}
