//! Whether a region is there that does not answer.
//!
//! A query may take long, and so may waiting for a connection. What is answered at once wherever there is a region is `OPTIONS`, which browsers
//! ask before they ask anything (CORS), and that needs neither: the gateway answers it by itself, and so does Neon, whose driver
//! runs in browsers.

use std::cell::Cell;
use std::time::Duration;

use edge::{Edge, FetchError, Method, Request, Uri};

use crate::breaker::{Breaker, Found};

/// Where nothing was answered for this long, a probe is sent.
const SILENCE_MAX: Duration = Duration::from_millis(500);
/// Who is waited for is silent who does not answer a probe within this time. It may need a connection of its own: four ways there and
/// back, with TLS.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// The same where nobody waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Why an answer is not waited for any longer.
pub(crate) enum End {
    /// It has taken as long as it may.
    Late,
    /// The region does not answer anything.
    Silent,
}

/// Returns when an answer is not to be waited for any longer, which may take `patience` at most. One that `has_begun` may take its time.
pub(crate) async fn end(
    edge: &Edge,
    breaker: &Breaker,
    endpoint: &Uri,
    patience: Duration,
    has_begun: &Cell<bool>,
) -> End {
    let deadline = edge.monotonic() + patience;
    let left = || deadline.saturating_sub(edge.monotonic());
    while !left().is_zero() {
        edge.sleep(left().min(SILENCE_MAX)).await;
        let now = edge.monotonic();
        if has_begun.get() || now >= deadline {
            continue;
        }
        if !breaker.is_silent() && breaker.is_suspect(now, SILENCE_MAX, TIMEOUT) {
            edge.within(left(), send(edge, breaker, endpoint, TIMEOUT)).await;
        }
        if breaker.is_silent() && !has_begun.get() {
            return End::Silent;
        }
    }
    End::Late
}

/// Sends one, waits for its answer for so long, and notes what was found. Whatever is answered, the region is not silent.
pub(crate) async fn send(edge: &Edge, breaker: &Breaker, endpoint: &Uri, patience: Duration) {
    let began = edge.monotonic();
    let mut request = Request::default();
    *request.method_mut() = Method::OPTIONS;
    *request.uri_mut() = endpoint.clone();
    let found = match edge.within(patience, edge.fetch(request)).await {
        Some(Ok(_)) => Found::There,
        None | Some(Err(FetchError::TimedOut)) => Found::Silent,
        Some(Err(_)) => Found::Failing,
    };
    breaker.note_probe(found, began, edge.monotonic());
}
