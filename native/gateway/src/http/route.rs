//! Which request goes where, and what all responses have in common.
//!
//! ```text
//! POST    /sql      runs SQL
//! OPTIONS /sql      CORS pre-flight
//! GET     /health   200 while Postgres answers, otherwise 503
//! GET     /metrics  Prometheus' text form
//! ```
//!
//! Anything else is 400 with the JSON string `"query is not supported"`.

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ALLOW, CONTENT_TYPE, HeaderName,
    HeaderValue, RETRY_AFTER,
};
use http::{Method, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::time::Instant;

use super::{State, sql};
use crate::Error;
use crate::error::RETRY_AFTER_SECONDS;

const REQUEST_ID: HeaderName = HeaderName::from_static("neon-request-id");

/// Headers that a browser may send. Neon's own list lacks `Neon-Batch-Deferrable`.
const ALLOWED_HEADERS: &str = "Authorization, Neon-Connection-String, Neon-Raw-Text-Output, Neon-Array-Mode, \
    Neon-Pool-Opt-In, Neon-Batch-Read-Only, Neon-Batch-Isolation-Level, Neon-Batch-Deferrable, Headland-Raw, \
    Headland-Deadline, Headland-Catalog, Headland-Limit";

pub(super) async fn handle(state: &State, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let id = request_id();
    let mut response = match (request.method(), request.uri().path()) {
        (&Method::POST, "/sql") => query(state, request, &id).await,
        (&Method::OPTIONS, "/sql") => preflight(),
        (&Method::GET | &Method::HEAD, "/health") => state.health.respond(&state.pool).await,
        (&Method::GET | &Method::HEAD, "/metrics") => metrics(state),
        _ => json(StatusCode::BAD_REQUEST, &b"\"query is not supported\""[..]),
    };
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(REQUEST_ID, id);
    response
}

async fn query(state: &State, request: Request<Incoming>, id: &HeaderValue) -> Response<Full<Bytes>> {
    let arrived = Instant::now();
    let response = sql::handle(state, request).await.unwrap_or_else(|error| {
        if error.is_operators() {
            tracing::warn!(?id, kind = ?error.kind, code = error.code(), %error, "a request failed");
        }
        refuse(&error)
    });
    state.metrics.request(response.status(), arrived.elapsed());
    response
}

pub(super) fn refuse(error: &Error) -> Response<Full<Bytes>> {
    let mut response = json(error.status(), error.body());
    if error.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
    }
    response
}

fn preflight() -> Response<Full<Bytes>> {
    let mut response = Response::default();
    let headers = response.headers_mut();
    headers.insert(ALLOW, HeaderValue::from_static("OPTIONS, POST"));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(ALLOWED_HEADERS));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

fn metrics(state: &State) -> Response<Full<Bytes>> {
    let text = state.metrics.render(&state.pool.gauges());
    let mut response = Response::new(Full::from(text));
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A UUID of version 4 (RFC 9562). It names a request in logs and protects nothing.
fn request_id() -> HeaderValue {
    const VERSION: u128 = 0xf000 << 64;
    const VARIANT: u128 = 0xc000 << 48;
    let bits = fastrand::u128(..) & !VERSION & !VARIANT | (0x4000 << 64) | (0x8000 << 48);
    let mut text = [b'-'; 36];
    let mut shift = 128;
    for (at, byte) in text.iter_mut().enumerate() {
        if !matches!(at, 8 | 13 | 18 | 23) {
            shift -= 4;
            *byte = b"0123456789abcdef"[(bits >> shift) as usize & 15];
        }
    }
    HeaderValue::from_bytes(&text).expect("hexadecimal digits and dashes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_request_id_is_a_uuid_of_version_4() {
        let id = request_id();
        let groups: Vec<_> = id.to_str().unwrap().split('-').collect();
        assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(groups[2].starts_with('4') && groups[3].starts_with(['8', '9', 'a', 'b']), "{id:?}");
        assert_ne!(id, request_id());
    }
}
