//! Reads against a region in memory: how many trips they make, and what happens to the catalog meanwhile.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge::{Answer, Body, Edge, FetchError, Request, Response, block_on};

/// What the introspection answers: `public.movies (id, title)`, and `public.genres (id, title)` where it is there.
fn introspected(with_genres: bool) -> String {
    let genres = if with_genres { r#", [2, "public", "genres", "r", 7, null, [0, 1], null]"# } else { "" };
    format!(
        r#"{{"types": [["text", "text", "b", "b", null, [], false, null]], "columns": [["id", 0, 0], ["title", 0, 1]],
        "relations": [[1, "public", "movies", "r", 7, null, [0, 1], null]{genres}], "others": [], "keys": [],
        "foreign_keys": [], "views": [], "reads": [], "inherits": [], "functions": [],
        "computed": [], "representations": [], "handlers": [], "roles": []}}"#
    )
}

/// What a region was asked: `catalog`, or the last statement of a batch.
#[derive(Default)]
struct Region {
    asked: RefCell<Vec<String>>,
    with_genres: RefCell<bool>,
    /// The version of the schema, if it is watched.
    version: RefCell<Option<&'static str>>,
    failure: RefCell<Option<FetchError>>,
}

impl Region {
    fn answer(&self, request: Request) -> Answer {
        if let Some(failure) = self.failure.borrow().clone() {
            return Answer::Failure(failure);
        }
        let known = request.headers().get("headland-catalog").map(|version| version.to_str().unwrap().to_owned());
        if let (Some(now), Some(known)) = (*self.version.borrow(), known)
            && now != known
        {
            self.asked.borrow_mut().push("refused".into());
            return Answer::Response(http::Response::builder().status(412).body(Body::from("{}")).unwrap());
        }
        let body = block_on(request.into_body().bytes(1 << 20)).unwrap();
        let batch: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let statement = batch["queries"].as_array().unwrap().last().unwrap()["query"].as_str().unwrap().to_owned();
        let is_catalog = statement.contains("pg_catalog.pg_class") || statement.contains("pg_class");
        let answer = if is_catalog { introspected(*self.with_genres.borrow()) } else { r#"[{"id":1}]"#.into() };
        self.asked.borrow_mut().push(if is_catalog { "catalog".into() } else { statement });
        let row = r#"{"total_result_set":null,"page_total":"1","response_headers":null,"response_status":null}"#;
        let mut head = http::Response::builder().header("headland-raw", "true").header("headland-row", row);
        if let Some(version) = *self.version.borrow() {
            head = head.header("headland-catalog", version);
        }
        Answer::Response(head.body(Body::from(answer)).unwrap())
    }

    fn trips(&self) -> usize {
        self.asked.borrow().len()
    }
}

fn edge(region: &Rc<Region>) -> Edge {
    let region = region.clone();
    Edge::new()
        .with_variable("region_url", "http://region.test")
        .with_variable("region_connection", "postgresql://edge:secret@region.test/db")
        .with_variable("headland_config", "db-anon-role = 'anon'")
        .with_upstream(move |request| region.answer(request))
}

/// One request and what is left for after it.
fn get(edge: &Edge, path: &str) -> (u16, String) {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let response: Response = block_on(edge::answer(rest::handle, request, edge));
    let status = response.status().as_u16();
    let body = block_on(response.into_body().bytes(1 << 20)).unwrap();
    block_on(edge.settle());
    (status, String::from_utf8(body.into()).unwrap())
}

const READ: &str = "/rest/v1/movies?select=id&id=eq.1";

#[test]
fn ok_one_trip_once_the_catalog_is_known() {
    let region = Rc::new(Region::default());
    let edge = edge(&region);
    assert_eq!(get(&edge, READ), (200, r#"[{"id":1}]"#.into()));
    assert_eq!(region.trips(), 2);
    assert_eq!(get(&edge, READ).0, 200);
    assert_eq!(region.trips(), 3);
    assert_eq!(region.asked.borrow()[1], region.asked.borrow()[2]);
}

#[test]
fn ok_what_cannot_be_asked_makes_no_trip() {
    let region = Rc::new(Region::default());
    let edge = edge(&region);
    assert_eq!(get(&edge, "/rest/v1/movies?id=nonsense.1").0, 400);
    assert_eq!(get(&edge, "/rest/v1/movies/1").0, 404);
    assert_eq!(region.trips(), 0);
}

#[test]
fn ok_an_old_catalog_serves_while_a_newer_one_is_fetched() {
    let region = Rc::new(Region::default());
    let edge = edge(&region);
    get(&edge, READ);
    block_on(edge.sleep(Duration::from_secs(61)));
    assert_eq!(get(&edge, READ).0, 200);
    let asked = region.asked.borrow().clone();
    assert_eq!(asked.iter().map(|statement| statement == "catalog").collect::<Vec<_>>(), [true, false, false, true]);
}

#[test]
fn ok_a_new_table_is_looked_for_and_nonsense_only_once_a_second() {
    let region = Rc::new(Region::default());
    let edge = edge(&region);
    assert_eq!(get(&edge, "/rest/v1/genres").0, 404);
    assert_eq!(region.trips(), 1);
    assert_eq!(get(&edge, "/rest/v1/genres").0, 404);
    assert_eq!(region.trips(), 1, "a catalog of this second is believed");
    *region.with_genres.borrow_mut() = true;
    block_on(edge.sleep(Duration::from_secs(1)));
    assert_eq!(get(&edge, "/rest/v1/genres").0, 200);
    assert_eq!(region.trips(), 3);
}

#[test]
fn ok_a_watched_schema_is_never_read_with_an_old_catalog() {
    let region = Rc::new(Region::default());
    *region.version.borrow_mut() = Some("1");
    let edge = edge(&region);
    assert_eq!(get(&edge, READ).0, 200);
    assert_eq!(get(&edge, "/rest/v1/genres").0, 404);
    *region.version.borrow_mut() = Some("2");
    *region.with_genres.borrow_mut() = true;
    region.asked.borrow_mut().clear();
    assert_eq!(get(&edge, READ).0, 200);
    assert_eq!(get(&edge, "/rest/v1/genres").0, 200);
    let asked = region.asked.borrow().clone();
    assert_eq!(asked[..2], ["refused", "catalog"]);
    assert_eq!(asked.len(), 4, "the next request knows");
}

#[test]
fn err_region_away_says_so_and_logs_why() {
    let region = Rc::new(Region::default());
    let edge = edge(&region);
    get(&edge, READ);
    let rows = [
        (FetchError::Unreachable("refused by 10.0.0.1".into()), 503, "PGRST000"),
        (FetchError::Broken("reset by 10.0.0.1".into()), 502, "PGRST000"),
        (FetchError::TimedOut, 504, "PGRST003"),
    ];
    for (failure, status, code) in rows {
        *region.failure.borrow_mut() = Some(failure.clone());
        let (actual, body) = get(&edge, READ);
        assert_eq!(actual, status, "{failure:?}");
        assert!(body.contains(code) && !body.contains("10.0.0.1"), "{body}");
        block_on(edge.sleep(Duration::from_secs(1)));
    }
    assert!(edge.logged()[0].contains("refused by 10.0.0.1"), "{:?}", edge.logged());
}

#[test]
fn err_configuration_that_cannot_be_read_serves_nobody() {
    let region = Rc::new(Region::default());
    let edge = edge(&region).with_variable("headland_config", "db-anon-rôle = 'anon'");
    let (status, body) = get(&edge, READ);
    assert_eq!((status, region.trips()), (500, 0));
    assert!(!body.contains("anon"), "{body}");
}

#[test]
fn err_nobody_may_read_without_an_anonymous_role() {
    let region = Rc::new(Region::default());
    let edge = edge(&region).with_variable("headland_config", "db-schemas = ['public']");
    assert_eq!(get(&edge, READ).0, 401);
}

/// A request of a page, and the headers of its answer that are about pages.
fn of_page(edge: &Edge, method: &str, path: &str, headers: &[(&str, &str)]) -> (u16, Vec<String>) {
    let mut request = http::Request::builder().method(method).uri(path).header("origin", "http://page.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = block_on(edge::answer(rest::handle, request.body(Body::empty()).unwrap(), edge));
    let is_about_pages = |name: &http::HeaderName| name.as_str().starts_with("access-control-") || name == "allow";
    let about_pages = response.headers().iter().filter(|(name, _)| is_about_pages(name));
    let lines = about_pages.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    (response.status().as_u16(), lines.collect())
}

#[test]
fn ok_pages_of_other_origins() {
    let region = Rc::new(Region::default());
    let edge = edge(&region);
    let exposed = "access-control-expose-headers: Content-Encoding, Content-Location, Content-Range, Content-Type, Date, \
                   Location, Server, Transfer-Encoding, Range-Unit";
    let stored = "access-control-expose-headers: Age, Cache-Status, ETag, Headland-Snapshot, Server-Timing";
    let any = "access-control-allow-origin: *";
    let preflight = of_page(&edge, "OPTIONS", "/rest/v1/anything", &[("access-control-request-method", "GET")]);
    assert_eq!((preflight.0, preflight.1.len(), region.trips()), (200, 3, 0));
    let both = |status| (status, [any, exposed, stored].map(str::to_owned).to_vec());
    assert_eq!(of_page(&edge, "GET", READ, &[]), both(200));
    assert_eq!(of_page(&edge, "GET", "/rest/v1/movies/1", &[]), both(404));
    assert_eq!(of_page(&edge, "GET", READ, &[("authorization", "Bearer x")]), both(500));
    // An error that the dialect has no words for.
    *region.failure.borrow_mut() = Some(FetchError::TimedOut);
    assert_eq!(of_page(&edge, "GET", READ, &[]), both(504));
}

#[test]
fn ok_options_make_no_trip_once_the_catalog_is_known() {
    let region = Rc::new(Region::default());
    let edge = edge(&region);
    get(&edge, READ);
    let trips = region.trips();
    let (status, headers) = of_page(&edge, "OPTIONS", "/rest/v1/movies", &[]);
    assert_eq!((status, region.trips()), (200, trips));
    assert_eq!(headers, ["access-control-allow-origin: *", "allow: OPTIONS,GET,HEAD,POST,PATCH,DELETE"]);
    assert_eq!(of_page(&edge, "OPTIONS", "/rest/v1/nothing", &[]).0, 404);
}
