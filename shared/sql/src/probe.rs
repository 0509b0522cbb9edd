//! Whether a region is there that does not answer.
//!
//! A query may take long, and so may waiting for a connection. What answers at once wherever there is a region is a CORS preflight,
//! and that needs neither: the gateway answers it by itself, and so does Neon, whose driver runs in browsers.

use std::time::Duration;

use edge::{Edge, Method, Request, Uri};

use crate::breaker::Breaker;

/// Where nothing was answered for this long, a probe is sent.
const SILENCE_MAX: Duration = Duration::from_millis(500);
/// A probe that is not answered within this time says that the region is away. It may need a connection of its own: four ways there
/// and back, with TLS.
const TIMEOUT: Duration = Duration::from_millis(1500);
/// Bytes of an answer that are read.
const BYTES_MAX: usize = 64 << 10;

/// Why an answer is not waited for any longer.
pub(crate) enum End {
    /// It has taken as long as it may.
    Late,
    /// The region does not answer anything.
    Silent,
}

/// Returns when an answer is not to be waited for any longer, which may take `patience` at most.
pub(crate) async fn end(edge: &Edge, breaker: &Breaker, endpoint: &Uri, patience: Duration) -> End {
    let deadline = edge.monotonic() + patience;
    let left = || deadline.saturating_sub(edge.monotonic());
    while !left().is_zero() {
        edge.sleep(left().min(SILENCE_MAX)).await;
        let now = edge.monotonic();
        if now < deadline && !breaker.is_silent() && breaker.is_suspect(now, SILENCE_MAX, TIMEOUT) {
            edge.within(left(), send(edge, breaker, endpoint)).await;
        }
        if breaker.is_silent() {
            return End::Silent;
        }
    }
    End::Late
}

/// Sends one and notes how it ended.
pub(crate) async fn send(edge: &Edge, breaker: &Breaker, endpoint: &Uri) {
    let began = edge.monotonic();
    let mut request = Request::default();
    *request.method_mut() = Method::OPTIONS;
    *request.uri_mut() = endpoint.clone();
    // Whatever it says, it is not silent.
    let is_answered = edge.fetch_whole(request, BYTES_MAX, TIMEOUT).await.is_ok();
    breaker.note_probe(is_answered, began, edge.monotonic());
}
