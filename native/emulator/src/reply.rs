//! What a caller gets when no component answers: PostgREST's error shape.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use wasmtime_wasi_http::WasiBody;

use crate::exchange::Cause;

/// Seconds after which an overloaded emulator asks to be tried again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// Why the emulator answers by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No route matches.
    RouteNotFound,
    /// There is no usable `Host` or `:authority`.
    AuthorityInvalid,
    /// Path and query are over `uri_bytes_max`.
    UriTooLong,
    /// The request's body did not arrive in time.
    BodyTimeout,
    /// `requests_max` requests are in progress, or the client's share of them, or there is no room for another instance.
    Overloaded,
    /// The component ended without a response, or returned an error in its place.
    NoResponse,
    /// The instance ended.
    Ended(Cause),
}

impl Refusal {
    /// Status, code and message. Codes stay as they are once given.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Refusal::RouteNotFound => {
                (StatusCode::NOT_FOUND, "route_not_found", "no route of spin.toml matches the path")
            }
            Refusal::AuthorityInvalid => {
                (StatusCode::BAD_REQUEST, "authority_invalid", "the request has no valid `Host`")
            }
            Refusal::UriTooLong => (StatusCode::URI_TOO_LONG, "uri_too_long", "path and query are too long"),
            Refusal::BodyTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "body_timed_out", "the request's body did not arrive in time")
            }
            Refusal::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "overloaded", "too many requests are in progress"),
            Refusal::NoResponse => {
                (StatusCode::INTERNAL_SERVER_ERROR, "component_no_response", "the component gave no response")
            }
            Refusal::Ended(Cause::Trap) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "component_trapped", "the component trapped")
            }
            Refusal::Ended(Cause::Memory) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "component_memory_exceeded",
                "the component reached its limit of memory",
            ),
            Refusal::Ended(Cause::Cpu) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "component_cpu_exceeded", "the component computed for too long")
            }
            Refusal::Ended(Cause::Timeout) => {
                (StatusCode::GATEWAY_TIMEOUT, "component_timed_out", "the component did not answer in time")
            }
        }
    }

    /// The whole response.
    pub(crate) fn into_response(self) -> Response<WasiBody> {
        let (status, code, message) = self.parts();
        let body = format!(r#"{{"code":"{code}","message":"{message}","details":null,"hint":null}}"#);
        let mut response = Response::new(whole(body));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}

/// A body that is there at once.
pub(crate) fn whole(body: impl Into<Bytes>) -> WasiBody {
    Full::new(body.into()).map_err(|never| match never {}).boxed_unsync()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ok_shape() {
        let response = Refusal::Overloaded.into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        let body = response.into_body().collect().await.expect("whole").to_bytes();
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        let expected =
            r#"{"code":"overloaded","message":"too many requests are in progress","details":null,"hint":null}"#;
        assert_eq!(body, serde_json::from_str::<serde_json::Value>(expected).expect("JSON"));
    }
}
