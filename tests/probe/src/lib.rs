//! `GET /probe`: the names of the behaviour suite's cases, a line each; `GET /probe/{case}`: runs one inside the
//! runtime, 200 `ok` or 500 with what went wrong; `POST /probe/stream`: the request's body as a stream, chunk by
//! chunk as it came.
//!
//! For tests only; it is deployed nowhere.

use edge::{Edge, Error, Method, Request, Response, StatusCode, suite, text};

edge::serve!(handle);
edge::serve_worker!(handle);

/// Runs what the path names.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    match request.uri().path().trim_start_matches("/probe").trim_matches('/') {
        "health" => Ok(text("ok")),
        "" => Ok(text(suite::CASES.join("\n"))),
        "stream" if request.method() == Method::POST => Ok(Response::new(request.into_body())),
        case => Ok(outcome(suite::run(case, edge).await)),
    }
}

fn outcome(outcome: Result<(), suite::Failure>) -> Response {
    match outcome {
        Ok(()) => text("ok"),
        Err(failure) => {
            let mut response = text(failure);
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}
