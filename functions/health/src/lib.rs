//! `GET /health`: says that the edge is up; `GET /ready`: that the region answers too.
//!
//! `/ready` costs one trip and is 503 where the region does not answer within [`READY_TIMEOUT`].

use std::time::Duration;

use edge::{Edge, Error, Fault, Method, Request, Response, StatusCode, json};
use sql::{Batch, Region, Statement};

edge::serve!(handle);

/// How long `/ready` waits for the region.
pub const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// Answers `{"status":"ok"}`.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Error::method_not_allowed("GET, HEAD"));
    }
    if request.uri().path() == "/ready" {
        ask_region(edge).await.map_err(not_ready)?;
    }
    Ok(json(r#"{"status":"ok"}"#))
}

async fn ask_region(edge: &Edge) -> Result<(), sql::Error> {
    let statement = Statement { text: "select 'ready' as body".into(), parameters: vec![] };
    let batch = Batch {
        statements: &[statement],
        read_only: true,
        isolation: None,
        catalog: None,
        limits: None,
        question: None,
    };
    Region::of(edge).await?.run(edge, batch, READY_TIMEOUT).await.map(|_| ())
}

fn not_ready(error: sql::Error) -> Error {
    Error::new(StatusCode::SERVICE_UNAVAILABLE, Fault::Upstream, "not_ready", "the region does not answer")
        .with_operator(error)
}

#[cfg(test)]
mod tests {
    use edge::{Answer, Body, FetchError, HeaderValue, block_on};

    use super::*;

    fn edge(upstream: fn(Request) -> Answer) -> Edge {
        Edge::new()
            .with_variable("region_url", "http://region.test")
            .with_variable("region_connection", "postgresql://edge:secret@region.test/db")
            .with_upstream(upstream)
    }

    #[track_caller]
    fn check(method: Method, path: &str, upstream: fn(Request) -> Answer, expected: u16) {
        let request = edge_request(method, path);
        let edge = edge(upstream);
        let status = block_on(handle(request, &edge)).map_or_else(|error| error.status(), |response| response.status());
        assert_eq!(status, expected);
    }

    fn edge_request(method: Method, path: &str) -> Request {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        request
    }

    fn up(_: Request) -> Answer {
        let mut response = Response::new(Body::from("ready"));
        response.headers_mut().insert("headland-raw", HeaderValue::from_static("true"));
        Answer::Response(response)
    }

    fn down(_: Request) -> Answer {
        Answer::Failure(FetchError::Unreachable("connection refused".into()))
    }

    #[test]
    fn ok_health_needs_no_region() {
        check(Method::GET, "/health", down, 200);
        check(Method::HEAD, "/health", down, 200);
    }

    #[test]
    fn ok_ready_with_the_region() {
        check(Method::GET, "/ready", up, 200);
        check(Method::GET, "/ready", down, 503);
        check(Method::GET, "/ready", |_| Answer::Late(READY_TIMEOUT * 2, Response::default()), 503);
    }

    #[test]
    fn err_other_methods() {
        check(Method::POST, "/health", up, 405);
    }
}
