//! The way from an edge to the region and back, as long and as bad as the options make it.

use std::future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wasmtime_wasi_http::Error;

use super::away::{Absence, Away};

/// What the requests go through that leave the edge. A clone looks for the same file.
#[derive(Clone)]
pub(crate) struct Network {
    /// Added to each trip.
    rtt: Duration,
    /// The share of trips that fail, 0 to 1.
    drop_share: f64,
    away: Option<Arc<Away>>,
}

/// How far a trip comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// There and back.
    Arrives,
    /// Nowhere: nobody has seen the request.
    RequestLost,
    /// To the region only: the request was handled, and its sender does not know.
    AnswerLost,
}

impl Network {
    pub(crate) fn new(rtt: Duration, drop_share: f64, away: Option<Arc<Away>>) -> Network {
        Network { rtt, drop_share, away }
    }

    /// Makes the trip that `exchange` sends and awaits. While the region is away it fails at once, or never ends.
    pub(super) async fn carry<T>(&self, exchange: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        match self.away.as_ref().and_then(|away| away.is_away(Instant::now())) {
            Some(Absence::Unreachable) => return Err(Error::DestinationUnavailable),
            Some(Absence::Silent) => future::pending().await,
            None => {}
        }
        let fate = Fate::of(fastrand::f64(), self.drop_share);
        let half = self.rtt / 2;
        pause(half).await;
        let answer = match fate {
            Fate::RequestLost => Err(Error::ConnectionRefused),
            Fate::AnswerLost => exchange.await.and(Err(Error::ConnectionTerminated)),
            Fate::Arrives => exchange.await,
        };
        pause(self.rtt - half).await;
        answer
    }
}

impl Fate {
    /// `roll` is from 0 to below 1. Of what is dropped, half are requests.
    fn of(roll: f64, drop_share: f64) -> Fate {
        match () {
            () if roll < drop_share / 2.0 => Fate::RequestLost,
            () if roll < drop_share => Fate::AnswerLost,
            () => Fate::Arrives,
        }
    }
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Of `trips`: those whose request was handled, and those whose answer came.
    async fn count(drop_share: f64, trips: usize) -> (usize, usize) {
        fastrand::seed(7);
        let network = Network::new(Duration::ZERO, drop_share, None);
        let (handled, mut answered) = (Cell::new(0), 0);
        for _ in 0..trips {
            let exchange = async {
                handled.set(handled.get() + 1);
                Ok(())
            };
            match network.carry(exchange).await {
                Ok(()) => answered += 1,
                Err(error) => assert!(matches!(error, Error::ConnectionRefused | Error::ConnectionTerminated)),
            }
        }
        (handled.get(), answered)
    }

    #[tokio::test]
    async fn ok_none_and_all_are_dropped() {
        assert_eq!(count(0.0, 1000).await, (1000, 1000));
        assert_eq!(count(1.0, 1000).await.1, 0);
    }

    #[tokio::test]
    async fn ok_half_of_what_is_dropped_was_handled() {
        for (drop_share, trips) in [(0.01, 100_000), (0.2, 10_000), (1.0, 10_000)] {
            let (handled, answered) = count(drop_share, trips).await;
            let (unsent, unanswered) = ((trips - handled) as f64, (handled - answered) as f64);
            let half = trips as f64 * drop_share / 2.0;
            // Five times the standard deviation.
            let tolerance = 5.0 * half.sqrt();
            assert!((unsent - half).abs() < tolerance, "{unsent} of {trips} were not sent with {drop_share}");
            assert!((unanswered - half).abs() < tolerance, "{unanswered} of {trips} got no answer with {drop_share}");
        }
    }

    #[test]
    fn ok_fates() {
        use Fate::{AnswerLost, Arrives, RequestLost};
        for (roll, drop_share, expected) in [
            (0.0, 0.0, Arrives),
            (0.0, 0.01, RequestLost),
            (0.0049, 0.01, RequestLost),
            (0.005, 0.01, AnswerLost),
            (0.01, 0.01, Arrives),
            (0.9999, 1.0, AnswerLost),
        ] {
            assert_eq!(Fate::of(roll, drop_share), expected, "{roll} of {drop_share}");
        }
    }

    #[tokio::test]
    async fn ok_what_fails_by_itself_fails_as_it_does() {
        fastrand::seed(7);
        let network = Network::new(Duration::ZERO, 0.0, None);
        let outcome = network.carry(async { Err::<(), _>(Error::TlsProtocolError) }).await;
        assert!(matches!(outcome, Err(Error::TlsProtocolError)));
    }
}
