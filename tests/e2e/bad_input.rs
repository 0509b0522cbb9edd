//! Bad input of every kind, to every function: refused with the right words, and nothing goes to the region.

use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use libtest_mimic::Trial;

use crate::harness::{Runtime, get, send};
use crate::trips::Counted;
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let runtimes = [Runtime::Emulator, Runtime::Workerd];
    let stops = |runtime: Runtime| {
        let name = format!("{}::bad_input_stops_at_the_edge", runtime.name());
        test(name, move || stops(runtime)).with_ignored_flag(runtime.absent().is_some())
    };
    runtimes.map(stops).into()
}

/// What takes a body of JSON.
const TAKERS: [&str; 5] = [
    "POST /rest/v1/reviews",
    "POST /rest/v1/reviews?columns=id",
    "PATCH /rest/v1/reviews?id=eq.1",
    "PUT /rest/v1/reviews?id=eq.1",
    "POST /rest/v1/rpc/search_movies",
];

/// A body that each of them refuses with 400 and PGRST102, and what the answer says.
const BODIES: &[(&str, &str)] = &[
    ("words", r#""Empty or invalid json""#),
    (r#"{"id":1"#, "the text ends too early (at byte 7, in /id)"),
    (r#"{"id":1}{"id":2}"#, "something follows the end of the value (at byte 8)"),
    (r#"{"id":01}"#, "at byte 7, in /id"),
    (r#"{"id":1,}"#, "the name of a member is expected (at byte 8, in /id)"),
    (r#"{"a":"\ud800"}"#, "a surrogate stands alone"),
    (r#"{"__proto__":{"is_admin":true}}"#, "`__proto__` is not taken (at byte 1, in /__proto__)"),
    (r#"{"a":{"b":[{"\u005f_proto__":1}]}}"#, "in /a/b/0/__proto__)"),
    (r#"{"constructor":{"prototype":{"a":1}}}"#, "`constructor` with `prototype` is not taken"),
    (r#"{"id":1,"words":"a","id":2}"#, "this name is there twice (at byte 20, in /id)"),
    (r#"{"a":1e99999}"#, "an exponent beyond 1000"),
];

/// Rows that policy or the catalog does not take: a write, the type of its body, the body, the code and what the answer says.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    (
        "POST /rest/v1/genres",
        "application/json",
        r#"[{"id": 0, "name": "drama"}, {"id": 7, "name": null}, {"id": 8, "name": "Documentaries of the sea"}]"#,
        "23514",
        concat!(
            r#""details":[{"pointer":"/0/id","rule":"min","code":"23514","message":"`id` has to be a number of at least 1"},"#,
            r#"{"pointer":"/0/name","rule":"pattern","code":"23514","message":"`name` has to match `^[A-Z]`"},"#,
            r#"{"pointer":"/1/name","rule":"not-null","code":"23502","message":"null value in column \"name\" of relation \"genres\" violates not-null constraint"},"#,
            r#"{"pointer":"/1/id","rule":"together-with","code":"23514","message":"`id` and `name` have to be given together, or none of them"},"#,
            r#"{"pointer":"/2/name","rule":"max-length","code":"23514","message":"`name` has to have at most 20 characters"}],"hint":null"#
        ),
    ),
    ("POST /rest/v1/genres", "text/csv", "id,name\n5,Drama\n6,drama\n", "23514", r#""pointer":"/1/name""#),
    ("POST /rest/v1/genres", "application/x-www-form-urlencoded", "id=-1&name=Drama", "23514", r#""pointer":"/id""#),
    ("PATCH /rest/v1/genres?id=eq.1", "application/json", r#"{"name": "drama"}"#, "23514", r#""pointer":"/name""#),
    ("PUT /rest/v1/genres?id=eq.1", "application/json", r#"{"id": 1}"#, "23514", r#""pointer":"/name""#),
    ("POST /rest/v1/reviews", "application/json", r#"{"movie_id": 1, "stars": "many"}"#, "22P02", r#""rule":"type""#),
    ("POST /rest/v1/reviews", "application/json", r#"{"movie_id": 1, "stars": 32768}"#, "22003", r#""rule":"range""#),
    ("POST /rest/v1/reviews", "application/json", r#"{"stars": 3}"#, "23502", r#""pointer":"/movie_id""#),
    ("PATCH /rest/v1/movies?id=eq.1", "application/json", r#"{"release_date": "2026-02-30"}"#, "22008", "out of range"),
];

/// Other requests, with headers, the status and the code.
type Request = (&'static str, &'static [(&'static str, &'static str)], u16, &'static str);

const REQUESTS: &[Request] = &[
    ("GET /rest/v1/movies?select=title,directors(name", &[], 400, "PGRST100"),
    ("GET /rest/v1/movies?title=equals.x", &[], 400, "PGRST100"),
    ("GET /rest/v1/movies?order=title.sideways", &[], 400, "PGRST100"),
    ("GET /rest/v1/movies?or=(id.eq.1", &[], 400, "PGRST100"),
    ("GET /rest/v1/movies?title=match.(.%2B)%5C1", &[], 400, "PGRST100"),
    ("GET /rest/v1/movies?title=not.imatch.(a*b*)%7B255%7D", &[], 400, "PGRST100"),
    ("GET /rest/v1/movies?or=(id.eq.1,title.match(any).%7B%22(.)%5C%5C1%22%7D)", &[], 400, "PGRST100"),
    ("GET /rest/v1/rpc/search_movies?words=star&title=match.(.)%5C1", &[], 400, "PGRST100"),
    ("GET /rest/v1/movies?title=eq.a%00b", &[], 400, "22021"),
    ("GET /rest/v1/movies?limit=-1", &[], 416, "PGRST103"),
    ("GET /rest/v1/movies", &[("accept-profile", "secret")], 406, "PGRST106"),
    ("GET /rest/v1/movies", &[("authorization", "Bearer a.b.c")], 401, "PGRST301"),
    ("GET /rest/v1/rpc/search_movies", &[("authorization", "Bearer e30.e30.")], 401, "PGRST301"),
    ("GET /rest/v1/movies/1", &[], 404, "PGRST125"),
    ("GET /rest/v1/rpc/search_movies/1", &[], 404, "PGRST125"),
    ("DELETE /rest/v1/rpc/search_movies", &[], 405, "PGRST101"),
    ("POST /rest/v1/reviews", &[("content-type", "image/png")], 400, "PGRST102"),
    ("POST /health", &[], 405, "method_not_allowed"),
    ("DELETE /ready", &[], 405, "method_not_allowed"),
];

fn stops(runtime: Runtime) -> Outcome {
    let url = runtime.url()?;
    // The catalog is fetched by the first request of all, and lies in KV for new instances a moment after its answer.
    get(&format!("{url}/rest/v1/movies?limit=1"))?;
    sleep(Duration::from_millis(500));
    let before = Counted::now()?.requests;
    let deep = "[".repeat(200);
    let long = format!("[\"{}\"]", "a".repeat(4 << 20));
    for taker in TAKERS {
        for (body, says) in BODIES.iter().chain(&[(deep.as_str(), "nested deeper than 128")]) {
            refused(&url, taker, &[], body, 400, "PGRST102", says)?;
        }
        refused(&url, taker, &[], &long, 413, "PGRST102", "longer than 4194304 bytes")?;
    }
    for (request, headers, status, code) in REQUESTS {
        let body = if request.starts_with("POST") { "{}" } else { "" };
        refused(&url, request, headers, body, *status, code, "")?;
    }
    for (request, content_type, body, code, says) in ROWS {
        refused(&url, request, &[("content-type", content_type)], body, 400, code, says)?;
    }
    let cost = Counted::now()?.requests - before;
    ensure!(cost == 0, "{cost} requests went to the region");
    Ok(())
}

fn refused(
    url: &str,
    request: &str,
    headers: &[(&str, &str)],
    body: &str,
    status: u16,
    code: &str,
    says: &str,
) -> Outcome {
    let (method, target) = request.split_once(' ').expect("a method and a target");
    let reply = send(method, &format!("{url}{target}"), headers, body)?;
    let is_right = reply.status == status && reply.code()? == code && reply.body.contains(says);
    ensure!(is_right, "{request} {:.60}: {} {}", body, reply.status, reply.body);
    Ok(())
}
