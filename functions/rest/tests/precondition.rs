//! Writes with preconditions, over a region in memory: what it is asked, and what its caller is told.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::cell::RefCell;
use std::rc::Rc;

use edge::{Answer, Body, Edge, Request, block_on};

/// What the introspection answers: `public.movies (id, title)`.
const INTROSPECTED: &str = r#"{"types": [["text", "text", "b", "b", null, [], false, null]], "columns": [["id", 0, 0], ["title", 0, 1]],
    "relations": [[1, "public", "movies", "r", 87, null, [0, 1], null]], "others": [], "keys": [], "foreign_keys": [], "views": [],
    "reads": [], "inherits": [], "functions": [], "computed": [], "representations": [], "handlers": [], "roles": []}"#;
const MOVIE: &str = "/rest/v1/movies?id=eq.1";

#[derive(Default)]
struct Region {
    /// The isolation level and the statements behind the settings of each batch.
    asked: RefCell<Vec<(String, Vec<String>)>>,
    /// The SQLSTATE and message of what is refused.
    refusal: RefCell<Option<(&'static str, &'static str)>>,
}

impl Region {
    fn answer(&self, request: Request) -> Answer {
        let level = request.headers().get("neon-batch-isolation-level").map(|level| level.to_str().unwrap().to_owned());
        let body = block_on(request.into_body().bytes(1 << 20)).unwrap();
        let batch: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let texts =
            batch["queries"].as_array().unwrap().iter().map(|query| query["query"].as_str().unwrap().to_owned());
        let texts: Vec<_> = texts.collect();
        let is_catalog = texts.iter().any(|text| text.contains("pg_class"));
        if !is_catalog {
            self.asked.borrow_mut().push((level.unwrap_or_default(), texts[1..].to_vec()));
        }
        if let Some((code, message)) = self.refusal.borrow().filter(|_| !is_catalog) {
            let body = serde_json::json!({ "code": code, "message": message, "severity": "ERROR" }).to_string();
            return Answer::Response(http::Response::builder().status(400).body(body.into()).unwrap());
        }
        let row = r#"{"total_result_set":null,"page_total":"1","response_headers":null,"response_status":null}"#;
        let head = http::Response::builder().header("headland-raw", "true").header("headland-row", row);
        let body = if is_catalog { INTROSPECTED } else { r#"[{"id":1}]"# };
        Answer::Response(head.body(Body::from(body.to_owned())).unwrap())
    }

    fn edge(self: &Rc<Region>) -> Edge {
        let region = self.clone();
        Edge::new()
            .with_variable("region_url", "http://region.test")
            .with_variable("region_connection", "postgresql://edge:secret@region.test/db")
            .with_variable("headland_config", "db-anon-role = 'anon'")
            .with_upstream(move |request| region.answer(request))
    }
}

/// The status, the entity tag and the body of what a caller is given.
fn send(edge: &Edge, method: &str, headers: &[(&str, &str)]) -> (u16, Option<String>, String) {
    let mut request = http::Request::builder().method(method).uri(MOVIE);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if method == "PATCH" { Body::from(r#"{"title":"x"}"#.to_owned()) } else { Body::empty() };
    let (head, body) = block_on(edge::answer(rest::handle, request.body(body).unwrap(), edge)).into_parts();
    let tag = head.headers.get("etag").map(|tag| tag.to_str().unwrap().to_owned());
    let body = String::from_utf8(block_on(body.bytes(1 << 20)).unwrap().into()).unwrap();
    (head.status.as_u16(), tag, body)
}

#[test]
fn ok_one_trip_in_which_nothing_changes() {
    let region = Rc::new(Region::default());
    let edge = region.edge();
    let tag = send(&edge, "GET", &[]).1.unwrap();
    send(&edge, "PATCH", &[]);
    assert_eq!(send(&edge, "PATCH", &[("if-match", &tag)]).0, 204);
    let asked = region.asked.borrow();
    let [_, (plain_level, plain), (level, conditional)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((plain_level.as_str(), level.as_str()), ("", "RepeatableRead"));
    let [look, write] = &conditional[..] else { panic!("{conditional:?}") };
    assert!(look.contains("pg_catalog.sha256("), "{look}");
    assert_eq!(std::slice::from_ref(write), plain);
}

#[test]
fn err_what_is_there_has_changed() {
    let region = Rc::new(Region::default());
    let edge = region.edge();
    let marked = "invalid input syntax for type bigint: \"headland:refused:precondition:1\"";
    let serialization = "could not serialize access due to concurrent update";
    for (refusal, headers, status) in [
        (("22P02", marked), vec![("if-match", "\"x\"")], 412),
        (("40001", serialization), vec![("if-match", "\"x\"")], 412),
        (("40001", serialization), vec![("if-match", "*")], 412),
        (("40001", serialization), vec![], 500),
    ] {
        *region.refusal.borrow_mut() = Some(refusal);
        let (found, _, body) = send(&edge, "PATCH", &headers);
        assert_eq!(found, status, "{body}");
        assert_eq!(body.contains(r#""code":"precondition_failed""#), status == 412, "{body}");
    }
    assert_eq!(region.asked.borrow().len(), 4, "none is sent twice");
}
