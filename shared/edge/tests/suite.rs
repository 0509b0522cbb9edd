//! The behaviour suite over the memory form.

use edge::{Answer, Body, Edge, Request, Response, block_on, suite};

fn upstream(request: Request) -> Answer {
    let mut response = Response::default();
    match request.uri().path() {
        "/echo" => {
            response.headers_mut().insert("x-probe", request.headers()["x-probe"].clone());
            *response.body_mut() = request.into_body();
        }
        "/status" => {
            *response.status_mut() = edge::StatusCode::SERVICE_UNAVAILABLE;
            response.headers_mut().insert("retry-after", edge::HeaderValue::from_static("7"));
        }
        "/big" => *response.body_mut() = Body::from(vec![b'x'; suite::BIG_BYTES]),
        "/slow" => return Answer::Late(suite::SLOW, response),
        _ => return Answer::Failure(edge::FetchError::Unreachable("connection refused".into())),
    }
    Answer::Response(response)
}

#[test]
fn ok_every_case() {
    let edge = Edge::new()
        .with_variable("probe_set", "here")
        .with_variable("probe_empty", "")
        .with_variable("probe_upstream", "http://upstream.test")
        .with_client_address("127.0.0.1")
        .with_upstream(upstream);
    for case in suite::CASES {
        let outcome = block_on(suite::run(case, &edge));
        block_on(edge.settle());
        assert_eq!(outcome, Ok(()), "{case}");
    }
    assert_eq!(edge.logged(), Vec::<String>::new());
}
