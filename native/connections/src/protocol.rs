//! hyper's own limits, the same for every server.

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;

/// hyper's smallest limit on a request's head.
pub const HEADER_BYTES_MIN: usize = 8 << 10;
/// Streams that are open at a time on one connection of HTTP/2, and so the requests that it has in progress.
pub const STREAMS_MAX: u32 = 100;
/// Bytes of one response that are held for a client which opens no window for them (RFC 9113, section 5.2).
pub const STREAM_SEND_BYTES_MAX: usize = 64 << 10;

/// HTTP/1.1 and HTTP/2 with heads of at most `header_bytes_max`, which is at least [`HEADER_BYTES_MIN`].
///
/// A head that is longer, or has more than a hundred fields in HTTP/1.1, is answered 431. Clocks are [`Client`]'s.
///
/// [`Client`]: crate::Client
pub fn protocol(header_bytes_max: usize) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(header_bytes_max.max(HEADER_BYTES_MIN));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(header_bytes_max).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS_MAX)
        .max_send_buf_size(STREAM_SEND_BYTES_MAX);
    builder
}
