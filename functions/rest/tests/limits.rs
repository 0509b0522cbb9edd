//! Rate limits at the edge, over a region in memory that counts as a gateway does, or does not.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge::{Answer, Body, Edge, Error, Request, Response, block_on};
use limit::{Table, wire};

const INTROSPECTED: &str = r#"{"types": [["text", "text", "b", "b", null, [], false, null]],
    "columns": [["id", 0, 0]], "relations": [[1, "public", "movies", "r", 7, null, [0], null],
    [2, "public", "genres", "r", 7, null, [0], null]], "others": [], "keys": [], "foreign_keys": [], "views": [],
    "reads": [], "inherits": [], "functions": [], "computed": [], "representations": [], "handlers": [], "roles": []}"#;

/// `{"role":"reader","sub":"ada"}` and `{"role":"reader"}`, signed with [`SECRET`].
const ADA: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoicmVhZGVyIiwic3ViIjoiYWRhIn0.5Wp4gaok5QWIQ5TzhowKYiCLLf7h8Fnl0g2H0RkPIqA";
const NOBODY: &str =
    "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoicmVhZGVyIn0.m_kbN39q__pKstQD5wKyqnP7UtxM5Uli9OdFfoe09eE";
const SECRET: &str = "reallyreallyreallyreallyverysafe";

/// A region: what it has counted, where it counts, and how many requests it was sent.
struct Region {
    table: Option<RefCell<Table>>,
    /// What it answers in `Headland-Limit` whatever was counted.
    garbled: Cell<Option<&'static str>>,
    trips: Cell<usize>,
    now: Cell<Duration>,
}

impl Region {
    fn new(counts: bool) -> Rc<Region> {
        let table = counts.then(|| RefCell::new(Table::new(64)));
        let now = Cell::new(Duration::from_secs(50));
        Rc::new(Region { table, garbled: Cell::default(), trips: Cell::default(), now })
    }

    fn answer(&self, request: Request) -> Answer {
        self.trips.set(self.trips.get() + 1);
        let asks = request.headers().get("headland-limit").map(|asks| wire::read_asks(asks.to_str().unwrap()).unwrap());
        let body = block_on(request.into_body().bytes(1 << 20)).unwrap();
        let is_catalog = String::from_utf8_lossy(&body).contains("pg_class");
        let row = r#"{"total_result_set":null,"page_total":"1","response_headers":null,"response_status":null}"#;
        let mut head = http::Response::builder().header("headland-raw", "true").header("headland-row", row);
        if let (Some(asks), Some(table)) = (asks, &self.table) {
            let verdict = table.borrow_mut().take(&asks, self.now.get());
            let told = wire::write_told(&verdict.standings);
            head = head.status(if verdict.allowed { 200 } else { 429 });
            head = head.header("headland-limit", self.garbled.get().unwrap_or(&told));
        }
        Answer::Response(head.body(Body::from(if is_catalog { INTROSPECTED } else { "[]" })).unwrap())
    }

    /// An instance of the function in front of it.
    fn edge(self: &Rc<Region>, limits: &str) -> Edge {
        let region = self.clone();
        Edge::new()
            .with_variable("region_url", "http://region.test")
            .with_variable("region_connection", "postgresql://edge:secret@region.test/db")
            .with_variable("jwt_secret", SECRET)
            .with_variable("headland_config", &format!("db-anon-role = 'anon'\n{limits}"))
            .with_upstream(move |request| region.answer(request))
    }
}

/// `status, RateLimit, Retry-After` of a GET.
fn get(edge: &Edge, path: &str, headers: &[(&str, &str)]) -> String {
    let mut request = http::Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    seen(&block_on(edge::answer(rest::handle, request.body(Body::empty()).unwrap(), edge)))
}

fn seen(response: &Response) -> String {
    let header =
        |name: &str| response.headers().get(name).map_or("-".into(), |value| value.to_str().unwrap().to_owned());
    format!("{}, {}, {}", response.status().as_u16(), header("ratelimit"), header("retry-after"))
}

const MOVIES: &str = "/rest/v1/movies";
const BY_ROLE: &str = "[limits.role]\nrequests = 3\nwindow = 30\nby = 'role'";

#[test]
fn ok_nothing_is_done_without_limits() {
    let region = Region::new(true);
    let edge = region.edge("");
    assert_eq!(get(&edge, MOVIES, &[]), "200, -, -");
    assert_eq!(get(&edge, "/rest/v1/movies/1", &[]), "404, -, -");
}

#[test]
fn ok_counted_and_refused_without_a_trip() {
    for counts in [true, false] {
        let region = Region::new(counts);
        let edge = region.edge(BY_ROLE);
        for expected in [r#"200, "role";r=2;t=20, -"#, r#"200, "role";r=1;t=10, -"#, r#"200, "role";r=0;t=10, -"#] {
            assert_eq!(get(&edge, MOVIES, &[]), expected);
        }
        let trips = region.trips.get();
        assert_eq!(get(&edge, MOVIES, &[]), r#"429, "role";r=0;t=10, 10"#);
        assert_eq!(region.trips.get(), trips);
        block_on(edge.sleep(Duration::from_secs(10)));
        region.now.set(region.now.get() + Duration::from_secs(10));
        assert_eq!(get(&edge, MOVIES, &[]), r#"200, "role";r=0;t=10, -"#);
    }
}

#[test]
fn ok_exact_over_several_instances() {
    let region = Region::new(true);
    let [one, two] = [region.edge(BY_ROLE), region.edge(BY_ROLE)];
    assert_eq!(get(&one, MOVIES, &[]), r#"200, "role";r=2;t=20, -"#);
    assert_eq!(get(&two, MOVIES, &[]), r#"200, "role";r=1;t=10, -"#);
    assert_eq!(get(&two, MOVIES, &[]), r#"200, "role";r=0;t=10, -"#);
    // The first instance has seen one request, and asks; then it knows.
    let trips = region.trips.get();
    assert_eq!(get(&one, MOVIES, &[]), r#"429, "role";r=0;t=10, 10"#);
    assert_eq!(region.trips.get(), trips + 1);
    assert_eq!(get(&one, MOVIES, &[]), r#"429, "role";r=0;t=10, 10"#);
    assert_eq!(region.trips.get(), trips + 1);
}

#[test]
fn ok_the_refusal_in_full() {
    let region = Region::new(false);
    let edge = region.edge("[limits.'a \"b\"']\nrequests = 2\nwindow = 60\nburst = 1\nby = 'role'");
    let ask = || http::Request::get(MOVIES).header("origin", "http://page.test").body(Body::empty()).unwrap();
    block_on(edge::answer(rest::handle, ask(), &edge));
    let response = block_on(edge::answer(rest::handle, ask(), &edge));
    let lines = |name: &str| -> Vec<String> {
        response.headers().get_all(name).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(response.status(), 429);
    assert_eq!(lines("ratelimit-policy"), [r#""a \"b\"";q=2;w=60;headland-burst=1"#]);
    assert_eq!(lines("ratelimit"), [r#""a \"b\"";r=0;t=30"#]);
    assert_eq!(lines("retry-after"), ["30"]);
    assert_eq!(lines("access-control-expose-headers")[1], "RateLimit, RateLimit-Policy, Retry-After");
    let body = block_on(response.into_body().bytes(999)).unwrap();
    let message = r#"too many requests: the limit `a \"b\"` is reached"#;
    assert_eq!(body, format!(r#"{{"code":"over_limit","details":null,"hint":null,"message":"{message}"}}"#));
    assert!(edge.logged().is_empty(), "{:?}", edge.logged());
}

#[test]
fn ok_by_address() {
    let region = Region::new(false);
    let limits = "[limits.ip]\nrequests = 2\nwindow = 60\nby = 'address'";
    let edge = region.edge(limits).with_client_address("2001:db8::1");
    assert_eq!(get(&edge, MOVIES, &[]), r#"200, "ip";r=1;t=30, -"#);
    // Nothing that a caller sends changes its address.
    let forged =
        ["spin-client-addr", "x-forwarded-for", "forwarded", "cf-connecting-ip", "true-client-ip", "x-real-ip"];
    let forged = forged.map(|name| (name, "192.0.2.1"));
    let edge = edge.with_client_address("2001:db8::ffff:1");
    assert_eq!(get(&edge, MOVIES, &forged), r#"200, "ip";r=0;t=30, -"#);
    let edge = edge.with_client_address("2001:db8:0:1::1");
    assert_eq!(get(&edge, MOVIES, &[]), r#"200, "ip";r=1;t=30, -"#);
    let edge = region.edge(limits);
    assert_eq!(get(&edge, MOVIES, &[]), r#"200, "ip";r=1;t=30, -"#, "callers without an address are one");
    assert_eq!(get(&edge, MOVIES, &[]), r#"200, "ip";r=0;t=30, -"#);
}

#[test]
fn ok_by_role_and_claim_and_relation() {
    let region = Region::new(false);
    let edge = region.edge(
        "[limits.user]\nrequests = 10\nwindow = 10\nby = '$.sub'\n[limits.genres]\nrequests = 60\nwindow = 60\n\
         by = 'role'\nrelations = ['genres']",
    );
    let (ada, nobody) = ([("authorization", ADA)], [("authorization", NOBODY)]);
    assert_eq!(get(&edge, MOVIES, &[]), "200, -, -");
    assert_eq!(get(&edge, MOVIES, &nobody), "200, -, -");
    assert_eq!(get(&edge, MOVIES, &ada), r#"200, "user";r=9;t=9, -"#);
    assert_eq!(get(&edge, "/rest/v1/genres", &ada), r#"200, "user";r=8;t=8, "genres";r=59;t=59, -"#);
    assert_eq!(get(&edge, "/rest/v1/genres", &nobody), r#"200, "genres";r=58;t=58, -"#);
    assert_eq!(get(&edge, "/rest/v1/genres", &[]), r#"200, "genres";r=59;t=59, -"#, "of another role");
}

#[test]
fn err_paths_that_cannot_be_read_serve_nobody() {
    let region = Region::new(false);
    let edge = region.edge("[limits.a]\nrequests = 1\nwindow = 1\nby = '$.a..b'");
    assert_eq!(get(&edge, MOVIES, &[]), "500, -, -");
    assert!(edge.logged()[0].contains("`..` is not supported"), "{:?}", edge.logged());
}

#[test]
fn err_a_gateway_that_talks_nonsense() {
    let region = Region::new(true);
    region.garbled.set(Some("nonsense"));
    let edge = region.edge(BY_ROLE);
    assert_eq!(get(&edge, MOVIES, &[]), r#"200, "role";r=2;t=20, -"#, "the instance goes by what it knows");
    let other = region.edge(BY_ROLE);
    get(&other, MOVIES, &[]);
    get(&other, MOVIES, &[]);
    assert_eq!(get(&edge, MOVIES, &[]), "502, -, -");
}

/// A function of one's own.
async fn greet(request: Request, edge: &Edge) -> Result<Response, Error> {
    api::limited(request, edge, async |_| Ok(Response::new(Body::from("hello")))).await
}

#[test]
fn ok_routes_of_functions_of_ones_own() {
    let region = Region::new(false);
    let edge = region.edge(
        "[limits.greet]\nrequests = 2\nwindow = 60\nby = 'role'\nroutes = ['/greet']\n\
         [limits.api]\nrequests = 30\nwindow = 30\nroutes = ['/rest/v1']",
    );
    let ask = |path: &str, token: Option<&str>| {
        let request = http::Request::get(path).header("authorization", token.unwrap_or("none"));
        seen(&block_on(edge::answer(greet, request.body(Body::empty()).unwrap(), &edge)))
    };
    assert_eq!(ask("/greet", None), r#"200, "greet";r=1;t=30, -"#);
    assert_eq!(ask("/greeting", None), "200, -, -");
    assert_eq!(ask("/greet/you", None), r#"200, "greet";r=0;t=30, -"#);
    assert_eq!(ask("/greet", None), r#"429, "greet";r=0;t=30, 30"#);
    assert_eq!(ask("/greet", Some(ADA)), r#"200, "greet";r=1;t=30, -"#, "of another role");
    assert_eq!(ask("/greet", Some("Bearer a.b.c")), "401, -, -");
    assert_eq!(get(&edge, MOVIES, &[]), r#"200, "api";r=29;t=29, -"#);
    // Where no limit goes by role or claim, tokens are the function's own matter.
    assert_eq!(ask("/rest/v1/x", Some("Bearer a.b.c")), r#"200, "api";r=28;t=28, -"#);
}

#[test]
fn ok_a_route_needs_no_region() {
    let limits = "[limits.greet]\nrequests = 1\nwindow = 60\nroutes = ['/greet']";
    let edge = Edge::new().with_variable("headland_config", limits);
    let ask = || block_on(edge::answer(greet, http::Request::get("/greet").body(Body::empty()).unwrap(), &edge));
    assert_eq!([ask(), ask()].map(|response| response.status().as_u16()), [200, 429]);
}
