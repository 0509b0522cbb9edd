//! What may be sent again, and after how long.

use std::time::Duration;

use edge::Edge;

use crate::Error;

/// How often a batch is sent at most.
pub const ATTEMPTS_MAX: u32 = 3;
/// The first wait is shorter than this; each further one may be twice as long.
const BACKOFF_BASE: Duration = Duration::from_millis(50);

/// Whether sending the batch again cannot do anything twice and may do better.
pub(crate) fn is_safe(error: &Error, read_only: bool) -> bool {
    match error {
        Error::Unreachable(_) => true,
        Error::Broken(_) => read_only,
        // A full region is not helped by more requests: its caller is told when to come again. The others would
        // say the same once more.
        Error::Full { .. } | Error::TimedOut | Error::CatalogChanged | Error::OverLimit(_) => false,
        Error::Unconfigured(_) | Error::Database(_) | Error::Refused { .. } | Error::Nonsense(_) => false,
    }
}

/// How long to wait after attempt `attempt` (from 1): any time below the doubled bound ("full jitter").
pub(crate) fn backoff(edge: &Edge, attempt: u32) -> Duration {
    let mut seed = [0; 8];
    edge.random(&mut seed);
    let bound = BACKOFF_BASE * 2u32.saturating_pow(attempt - 1);
    bound.mul_f64(fastrand::Rng::with_seed(u64::from_le_bytes(seed)).f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_only_what_is_safe() {
        let broken = Error::Broken("reset".into());
        assert!(is_safe(&Error::Unreachable("refused".into()), false));
        assert!(is_safe(&broken, true));
        assert!(!is_safe(&broken, false));
        assert!(!is_safe(&Error::TimedOut, true));
        assert!(!is_safe(&Error::Full { retry_after: 1 }, true));
    }

    #[test]
    fn ok_backoff_grows_and_varies() {
        let edge = Edge::new();
        for attempt in 1..ATTEMPTS_MAX {
            let bound = BACKOFF_BASE * 2u32.pow(attempt - 1);
            let waits: Vec<_> = (0..100).map(|_| backoff(&edge, attempt)).collect();
            assert!(waits.iter().all(|wait| *wait < bound));
            assert!(waits.iter().any(|wait| *wait > bound / 2));
            assert!(waits.iter().any(|wait| *wait < bound / 2));
        }
    }
}
