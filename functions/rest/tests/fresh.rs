//! Reads that are answered from what is stored, over a region in memory that hears of writers as a gateway does.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use cache::{SCHEMA, Snapshot, Timeline, wire};
use edge::{Answer, Body, Edge, FetchError, Request, Response, block_on};

/// Tables that are watched: `movies` and `genres`; `notes`, which has row security; `rolls`, of which nobody tells the writers; and
/// a view of which nobody knows what is in it.
const INTROSPECTED: &str = r#"{"types": [["text", "text", "b", "b", null, [], false, null],
    ["timestamp with time zone", "timestamp with time zone", "b", "b", null, [], false, null]],
    "columns": [["id", 0, 0], ["title", 0, 1], ["at", 1, 1]],
    "relations": [[1, "public", "movies", "r", 87, null, [0, 1, 2], null], [2, "public", "genres", "r", 87, null, [0, 1], null],
    [3, "public", "notes", "r", 223, null, [0, 1], null], [4, "public", "rolls", "r", 71, null, [0, 1], null],
    [5, "public", "clock", "v", 0, null, [0, 1], null]], "others": [], "keys": [], "foreign_keys": [], "views": [],
    "reads": [], "inherits": [], "functions": [], "computed": [], "representations": [], "handlers": [], "roles": []}"#;

/// `{"role":"reader","sub":…}` with `ada` and `bob`, signed with [`SECRET`].
const ADA: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoicmVhZGVyIiwic3ViIjoiYWRhIn0.5Wp4gaok5QWIQ5TzhowKYiCLLf7h8Fnl0g2H0RkPIqA";
const BOB: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoicmVhZGVyIiwic3ViIjoiYm9iIn0.CH3O9Ue_JuFZFU0ztHjdUyM38tzK8UTweA_-J3o9QAI";
const SECRET: &str = "reallyreallyreallyreallyverysafe";

const AT_EDGE: &str = "cache = 'edge'\ncache-max-age = 10";
const MOVIES: &str = "/rest/v1/movies?select=id&id=eq.1";
const GENRES: &str = "/rest/v1/genres";
const NOTES: &str = "/rest/v1/notes";

/// A database and its gateway.
struct Region {
    /// The next transaction's number.
    next: Cell<u64>,
    /// By table, beginning with the schema.
    writers: RefCell<[Snapshot; 6]>,
    is_away: Cell<bool>,
    /// Whether it says what it hears of writers.
    tells: Cell<bool>,
    queries: Cell<usize>,
    trips: Cell<usize>,
    delay: Cell<Duration>,
    /// Whether an answer is too long to be kept.
    is_long: Cell<bool>,
}

impl Region {
    fn new() -> Rc<Region> {
        Rc::new(Region {
            next: Cell::new(10),
            writers: RefCell::default(),
            is_away: Cell::default(),
            tells: Cell::new(true),
            queries: Cell::default(),
            trips: Cell::default(),
            delay: Cell::default(),
            is_long: Cell::default(),
        })
    }

    /// All that was committed.
    fn snapshot(&self) -> Snapshot {
        let next = self.next.get();
        Snapshot::of_postgres(Timeline(7), &format!("{next}:{next}:")).unwrap()
    }

    /// Somebody writes a table; what a reader must have seen who knows of it.
    fn write(&self, table: u32) -> Snapshot {
        self.next.set(self.next.get() + 1);
        self.writers.borrow_mut()[table as usize] = self.snapshot();
        self.snapshot()
    }

    fn answer(&self, request: Request) -> Answer {
        if self.is_away.get() {
            return Answer::Failure(FetchError::Unreachable("it is away".into()));
        }
        if request.method() == http::Method::OPTIONS {
            return Answer::Response(Response::default());
        }
        let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let tables = header(wire::HEADLAND_RELATIONS).map(|text| wire::read_tables(&text).unwrap());
        let stored = header(wire::HEADLAND_STORED).map(|text| Snapshot::parse(&text).unwrap());
        let body = block_on(request.into_body().bytes(1 << 20)).unwrap();
        let text = String::from_utf8(body.into()).unwrap();
        if text.contains("pg_class") {
            return Answer::Response(raw().body(INTROSPECTED.into()).unwrap());
        }
        self.trips.set(self.trips.get() + 1);
        let mut head = raw();
        if text.contains("INSERT INTO") {
            head = head.header(wire::HEADLAND_SNAPSHOT, self.write(1).to_string());
        }
        let writers = self.writers.borrow();
        if let Some(tables) = tables.filter(|_| self.tells.get()) {
            let written = [SCHEMA].iter().chain(&tables).map(|table| (*table, writers[*table as usize].clone()));
            let written: Vec<_> = written.collect();
            if stored.is_some_and(|stored| written.iter().all(|(_, writers)| stored.contains_all(writers))) {
                head = http::Response::builder().header(wire::HEADLAND_UNCHANGED, self.snapshot().to_string());
            } else {
                head = head.header(wire::HEADLAND_SNAPSHOT, self.snapshot().to_string());
            }
            head = head.header(wire::HEADLAND_KNOWN, self.snapshot().to_string());
            head = head.header(wire::HEADLAND_WRITERS, wire::write_writers(written));
        }
        let is_unchanged = head.headers_ref().unwrap().contains_key(wire::HEADLAND_UNCHANGED);
        self.queries.set(self.queries.get() + usize::from(!is_unchanged));
        let body = if is_unchanged { Body::empty() } else { self.row(&text).into() };
        Answer::Late(self.delay.get(), head.body(body).unwrap())
    }

    /// Shows on whose behalf and how late it was asked.
    fn row(&self, batch: &str) -> String {
        let batch: serde_json::Value = serde_json::from_str(batch).unwrap();
        let settings = batch["queries"][0]["params"].as_array().unwrap();
        let claims = settings.iter().find(|value| value.as_str().unwrap().starts_with("{\"role\"")).unwrap();
        let rest = " ".repeat(if self.is_long.get() { cache::BODY_BYTES_MAX } else { 0 });
        format!(r#"[{{"claims":{},"at":{}}}]{rest}"#, claims.as_str().unwrap(), self.next.get())
    }

    /// An instance of the function in front of it.
    fn edge(self: &Rc<Region>, policy: &str) -> Edge {
        let region = self.clone();
        Edge::new()
            .with_variable("region_url", "http://region.test")
            .with_variable("region_connection", "postgresql://edge:secret@region.test/db")
            .with_variable("jwt_secret", SECRET)
            .with_variable("headland_config", &format!("db-anon-role = 'anon'\n{policy}"))
            .with_upstream(move |request| region.answer(request))
    }
}

fn raw() -> http::response::Builder {
    let row = r#"{"total_result_set":null,"page_total":"1","response_headers":null,"response_status":null}"#;
    http::Response::builder().header("headland-raw", "true").header("headland-row", row)
}

/// What a caller is given.
struct Given {
    status: u16,
    body: String,
    /// `Cache-Status` without the cache's name.
    how: String,
    headers: http::HeaderMap,
}

impl Given {
    fn snapshot(&self) -> Snapshot {
        Snapshot::parse(self.headers["headland-snapshot"].to_str().unwrap()).unwrap()
    }
}

/// One request, and what is left for after it.
fn get(edge: &Edge, path: &str, headers: &[(&str, &str)]) -> Given {
    let mut request = http::Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response: Response = block_on(edge::answer(rest::handle, request.body(Body::empty()).unwrap(), edge));
    let (head, body) = response.into_parts();
    let body = String::from_utf8(block_on(body.bytes(1 << 20)).unwrap().into()).unwrap();
    block_on(edge.settle());
    let how = head.headers.get("cache-status").map(|value| value.to_str().unwrap().replace("headland; ", ""));
    Given { status: head.status.as_u16(), body, how: how.unwrap_or_default(), headers: head.headers }
}

/// Writes a movie.
fn post(edge: &Edge) {
    let body = Body::from(r#"{"id":"1"}"#.to_owned());
    let request = http::Request::post("/rest/v1/movies").header("content-type", "application/json").body(body);
    let response = block_on(edge::answer(rest::handle, request.unwrap(), edge));
    assert_eq!(response.status(), 201);
    block_on(edge.settle());
}

/// How a request is answered that should be.
#[track_caller]
fn check(edge: &Edge, path: &str, headers: &[(&str, &str)], expected: &str) -> Given {
    let given = get(edge, path, headers);
    assert_eq!((given.status, given.how.as_str()), (200, expected), "{path} {}", given.body);
    given
}

#[test]
fn ok_by_default_the_region_says_whether_it_is_still_good() {
    let region = Region::new();
    let edge = region.edge("");
    let first = check(&edge, MOVIES, &[], "fwd=miss; stored");
    let second = check(&edge, MOVIES, &[], "fwd=stale; fwd-status=304; detail=memory");
    assert_eq!((first.body, region.queries.get(), region.trips.get()), (second.body, 1, 2));
    assert_eq!(first.headers["etag"], second.headers["etag"]);
    assert_eq!(first.headers["content-range"], second.headers["content-range"]);
    assert_eq!(second.headers["age"], "0");
    assert_eq!(second.headers["cache-groups"], "\"public.movies\"");
    region.write(2);
    check(&edge, MOVIES, &[], "fwd=stale; fwd-status=304; detail=memory");
    let written = region.write(1);
    let third = check(&edge, MOVIES, &[], "fwd=stale; stored");
    assert_eq!((third.snapshot(), region.queries.get()), (written, 2));
    assert_ne!(third.headers["etag"], second.headers["etag"]);
}

#[test]
fn ok_at_the_edge_for_a_while() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    block_on(edge.sleep(Duration::from_secs(4)));
    let hit = check(&edge, MOVIES, &[], "hit; ttl=6; detail=memory");
    assert_eq!((hit.headers["age"].to_str().unwrap(), region.trips.get()), ("4", 1));
    block_on(edge.sleep(Duration::from_millis(6_001)));
    check(&edge, MOVIES, &[], "fwd=stale; fwd-status=304; detail=memory");
    check(&edge, MOVIES, &[], "hit; ttl=10; detail=memory");
    assert_eq!((region.trips.get(), region.queries.get()), (2, 1));
}

#[test]
fn ok_what_the_region_tells_of_writers_counts_for_all_that_is_stored() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    region.write(1);
    check(&edge, MOVIES, &[], "hit; ttl=10; detail=memory");
    // Another answer that is made of it.
    check(&edge, "/rest/v1/movies", &[], "fwd=miss; stored");
    check(&edge, MOVIES, &[], "fwd=stale; stored");
    // DDL is a write to everything.
    region.write(0);
    check(&edge, "/rest/v1/genres", &[], "fwd=miss; stored");
    check(&edge, MOVIES, &[], "fwd=stale; stored");
}

#[test]
fn ok_nobody_goes_back_in_time() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    let written = region.write(1).to_string();
    check(&edge, MOVIES, &[], "hit; ttl=10; detail=memory");
    let seen = check(&edge, MOVIES, &[("headland-snapshot", &written)], "fwd=stale; stored");
    assert_eq!(seen.snapshot().to_string(), written);
    // Of what was written elsewhere it has to be known that it was elsewhere; then it was seen, too.
    let elsewhere = region.write(2).to_string();
    check(&edge, MOVIES, &[("headland-snapshot", &elsewhere)], "fwd=stale; fwd-status=304; detail=memory");
    let hit = check(&edge, MOVIES, &[("headland-snapshot", &elsewhere)], "hit; ttl=10; detail=memory");
    assert_eq!(hit.snapshot().to_string(), elsewhere);
    let earlier = check(&edge, MOVIES, &[("headland-snapshot", &written)], "hit; ttl=10; detail=memory");
    assert_eq!(earlier.snapshot().to_string(), elsewhere, "the answer contains that");
}

#[test]
fn ok_a_snapshot_of_nobody_costs_a_trip_at_most() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    for malformed in ["", "x", "0000000000000007:9:9", &"9".repeat(600), "0000000000000007:1:99:98,97"] {
        check(&edge, MOVIES, &[("headland-snapshot", malformed)], "hit; ttl=10; detail=memory");
    }
    let elsewhere = ("headland-snapshot", "0000000000000008:1:1:");
    for forged in [("headland-snapshot", "0000000000000007:99999:99999:"), elsewhere] {
        check(&edge, MOVIES, &[forged], "fwd=stale; fwd-status=304; detail=memory");
    }
    // Whoever comes from a history that is over is told of the one that goes on.
    for (path, how) in [(MOVIES, "fwd=stale; fwd-status=304; detail=memory"), (GENRES, "fwd=miss; stored")] {
        assert_eq!(check(&edge, path, &[elsewhere], how).snapshot().timeline(), Timeline(7));
    }
    check(&edge, MOVIES, &[], "hit; ttl=10; detail=memory");
}

#[test]
fn ok_two_spellings_of_one_request() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    check(&edge, "/rest/v1/movies?select=id&id=eq.1&title=eq.a%20b", &[], "fwd=miss; stored");
    for spelling in [
        "/rest/v1/movies?select=id&id=eq.1&title=eq.a%20b",
        "/rest/v1/movies?title=eq.a+b&id=eq.1&select=id",
        "/rest/v1/%6Dovies?select=%69d&id=eq.1&title=eq.a%20b",
    ] {
        check(&edge, spelling, &[], "hit; ttl=10; detail=memory");
        check(&edge, spelling, &[("accept", "application/json"), ("x-request-id", "1")], "hit; ttl=10; detail=memory");
    }
    for (other, headers) in [
        ("/rest/v1/movies?select=id&id=eq.1&title=eq.ab", vec![]),
        ("/rest/v1/movies?select=id&id=eq.1&title=eq.a%20b&limit=9", vec![]),
        ("/rest/v1/movies?select=id&id=eq.1&title=eq.a%20b", vec![("accept", "text/csv")]),
        ("/rest/v1/movies?select=id&id=eq.1&title=eq.a%20b", vec![("prefer", "count=exact")]),
        ("/rest/v1/movies?select=id&id=eq.1&title=eq.a%20b", vec![("prefer", "timezone=UTC")]),
        ("/rest/v1/movies?select=id&id=eq.1&title=eq.a%20b", vec![("range", "0-1")]),
    ] {
        check(&edge, other, &headers, "fwd=miss; stored");
    }
}

/// Where rows depend on claims, whoever has others is never given them: not by spelling, not by headers, not from KV.
#[test]
fn ok_nobody_is_given_what_is_anothers() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    let (ada, bob) = (("authorization", ADA), ("authorization", BOB));
    let is_for = |given: &Given, sub: &str| given.body.contains(sub);
    for _ in 0..3 {
        assert!(is_for(&get(&edge, NOTES, &[ada]), "ada"));
        assert!(is_for(&get(&edge, NOTES, &[bob]), "bob"));
        assert!(is_for(&get(&edge, NOTES, &[]), "anon"));
        edge.drop_instance();
    }
    let crafted = [
        ("vary", "*"),
        ("x-forwarded-host", "a.test"),
        ("x-original-url", NOTES),
        ("x-http-method-override", "POST"),
        ("headland-relations", "1"),
        ("headland-stored", "0000000000000007:99:99:"),
        ("accept-profile", "public"),
        ("apikey", ADA),
    ];
    for (name, value) in crafted {
        assert!(is_for(&get(&edge, NOTES, &[bob, (name, value)]), "bob"), "{name}");
        assert!(is_for(&get(&edge, NOTES, &[ada, (name, value)]), "ada"), "{name}");
    }
    for path in ["/rest/v1/notes?", "/rest/v1/n%6Ftes", "/rest/v1/notes?select=*", "/rest/v1/notes?limit=5&"] {
        assert!(is_for(&get(&edge, path, &[ada]), "ada"), "{path}");
        assert!(is_for(&get(&edge, path, &[bob]), "bob"), "{path}");
    }
    // Where they do not, one answer serves all of a role, and the region is not told who asked for it.
    let (trips, both) = (region.trips.get(), [ada, bob]);
    for given in both.map(|who| get(&edge, GENRES, &[who])) {
        assert!(!is_for(&given, "ada") && !is_for(&given, "bob"), "{}", given.body);
    }
    assert_eq!(region.trips.get(), trips + 1);
    assert!(is_for(&get(&edge, GENRES, &[]), "anon"));
}

#[test]
fn ok_the_claims_that_are_said_to_matter() {
    let region = Region::new();
    let edge = region.edge(&format!(
        "{AT_EDGE}\n[relations.notes]\ncache-claims = ['org']\n[relations.genres]\ncache-claims = ['sub']"
    ));
    check(&edge, NOTES, &[("authorization", ADA)], "fwd=miss; stored");
    check(&edge, NOTES, &[("authorization", BOB)], "hit; ttl=10; detail=memory");
    check(&edge, GENRES, &[("authorization", ADA)], "fwd=miss; stored");
    check(&edge, GENRES, &[("authorization", BOB)], "fwd=miss; stored");
}

#[test]
fn ok_who_has_the_body_is_not_given_it() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    let tag = check(&edge, MOVIES, &[], "fwd=miss; stored").headers["etag"].to_str().unwrap().to_owned();
    for tags in [tag.clone(), format!("W/{tag}, \"x\""), "*".into()] {
        let given = get(&edge, MOVIES, &[("if-none-match", &tags)]);
        assert_eq!((given.status, given.body.as_str(), &given.headers["etag"]), (304, "", &tag.parse().unwrap()));
        assert!(!given.headers.contains_key("content-type") && given.headers.contains_key("headland-snapshot"));
    }
    assert_eq!(get(&edge, MOVIES, &[("if-none-match", "\"x\"")]).status, 200);
    region.write(1);
    let demanded = region.snapshot().to_string();
    let changed = get(&edge, MOVIES, &[("if-none-match", &tag), ("headland-snapshot", &demanded)]);
    assert_eq!(changed.status, 200);
}

#[test]
fn ok_what_callers_say_of_stored_answers() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    let only = ("cache-control", "only-if-cached");
    let refused = get(&edge, MOVIES, &[only]);
    assert_eq!((refused.status, region.trips.get()), (504, 0));
    assert!(refused.body.contains("only_if_cached"), "{}", refused.body);
    assert_eq!(get(&edge, MOVIES, &[("cache-control", "no-store")]).how, "");
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    check(&edge, MOVIES, &[only], "hit; ttl=10; detail=memory");
    check(&edge, MOVIES, &[("cache-control", "no-cache")], "fwd=request; fwd-status=304; detail=memory");
    block_on(edge.sleep(Duration::from_secs(3)));
    check(&edge, MOVIES, &[("cache-control", "max-age=3")], "hit; ttl=7; detail=memory");
    check(&edge, MOVIES, &[("cache-control", "max-age=2")], "fwd=request; fwd-status=304; detail=memory");
    assert_eq!(get(&edge, MOVIES, &[("cache-control", "no-store")]).how, "");
}

/// They may want it younger, or take it older; never without what is known of writers, and never beyond what policy allows.
#[test]
fn ok_what_callers_say_of_ages() {
    let region = Region::new();
    let edge = region.edge(&format!("{AT_EDGE}\ncache-stale-if-error = 100"));
    let says = |value| [("cache-control", value)];
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    block_on(edge.sleep(Duration::from_secs(4)));
    check(&edge, MOVIES, &says("min-fresh=6"), "hit; ttl=6; detail=memory");
    check(&edge, MOVIES, &says("min-fresh=7"), "fwd=request; fwd-status=304; detail=memory");
    // Whoever is given an old one has it renewed, which fails here, and takes some milliseconds.
    region.is_away.set(true);
    let ask = |seconds, value, expected: &str| {
        block_on(edge.sleep(Duration::from_secs(seconds)));
        check(&edge, MOVIES, &says(value), expected)
    };
    let stale = "fwd=stale; detail=\"unreachable, memory\"";
    assert_eq!(ask(13, "max-stale=3", "hit; ttl=-3; detail=memory").headers["age"], "13");
    ask(0, "max-stale=3", stale);
    ask(0, "max-stale", "hit; ttl=-4; detail=memory");
    ask(0, "max-stale, only-if-cached", "hit; ttl=-4; detail=memory");
    ask(0, "max-stale, max-age=12", stale);
    ask(90, "max-stale", "hit; ttl=-94; detail=memory");
    block_on(edge.sleep(Duration::from_secs(1)));
    region.is_away.set(false);
    let seen = region.write(2).to_string();
    let headers = [("cache-control", "max-stale"), ("headland-snapshot", seen.as_str())];
    check(&edge, MOVIES, &headers, "fwd=stale; fwd-status=304; detail=memory");
    region.write(1);
    check(&edge, "/rest/v1/movies", &[], "fwd=miss; stored");
    check(&edge, MOVIES, &says("max-stale"), "fwd=stale; stored");
    block_on(edge.sleep(Duration::from_secs(111)));
    check(&edge, MOVIES, &says("max-stale"), "fwd=stale; fwd-status=304; detail=memory");
    // Where the region is asked each time, it is asked.
    let edge = region.edge("");
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    check(&edge, MOVIES, &says("max-stale"), "fwd=stale; fwd-status=304; detail=memory");
}

/// A little later nobody waits either: who is given the old answer has it renewed for the others.
#[test]
fn ok_given_while_it_is_renewed() {
    let region = Region::new();
    let policy = "cache-stale-while-revalidate = 5\n[relations.genres]\ncache-stale-while-revalidate = 0";
    let edge = region.edge(&format!("{AT_EDGE}\n{policy}"));
    check(&edge, GENRES, &[], "fwd=miss; stored");
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    let wait = |seconds| block_on(edge.sleep(Duration::from_secs(seconds)));
    wait(13);
    check(&edge, GENRES, &[], "fwd=stale; fwd-status=304; detail=memory");
    let given = check(&edge, MOVIES, &[], "hit; ttl=-3; detail=memory");
    assert_eq!((given.headers["age"].to_str().unwrap(), region.trips.get(), region.queries.get()), ("13", 4, 2));
    check(&edge, MOVIES, &[], "hit; ttl=10; detail=memory");
    // Who says how old it may be wants no old one.
    wait(13);
    check(&edge, MOVIES, &[("cache-control", "max-age=60")], "fwd=stale; fwd-status=304; detail=memory");
    wait(16);
    check(&edge, MOVIES, &[], "fwd=stale; fwd-status=304; detail=memory");
    // What somebody has written is not in it.
    wait(13);
    let seen = region.write(1).to_string();
    check(&edge, MOVIES, &[("headland-snapshot", &seen)], "fwd=stale; stored");
    // One request renews it, however many come.
    wait(13);
    region.delay.set(Duration::from_millis(100));
    let trips = region.trips.get();
    let ask = || edge::answer(rest::handle, http::Request::get(MOVIES).body(Body::empty()).unwrap(), &edge);
    let given = block_on(futures_util::future::join_all((0..30).map(|_| ask())));
    block_on(edge.settle());
    assert!(given.iter().all(|given| given.headers()["cache-status"] == "headland; hit; ttl=-3; detail=memory"));
    assert_eq!(region.trips.get(), trips + 1);
}

/// Wherever an answer comes from, it says how often its caller may ask.
#[test]
fn ok_limits_are_told_by_all() {
    let region = Region::new();
    let edge = region.edge(&format!("{AT_EDGE}\n[limits.all]\nrequests = 10\nwindow = 60\nby = 'role'"));
    let mut left = 10;
    let mut check = |path, expected| {
        let given = check(&edge, path, &[], expected);
        left -= 1;
        let told = given.headers["ratelimit"].to_str().unwrap();
        assert!(told.starts_with(&format!("\"all\";r={left};")), "{told} in place of {left}, {expected}");
    };
    check(MOVIES, "fwd=miss; stored");
    check(MOVIES, "hit; ttl=10; detail=memory");
    check("/rest/v1/movies?id=eq.1&select=id", "hit; ttl=10; detail=memory");
    edge.drop_instance();
    region.is_away.set(true);
    block_on(edge.sleep(Duration::from_secs(60)));
    let given = get(&edge, MOVIES, &[]);
    assert_eq!(given.how, "fwd=stale; detail=\"unreachable, kv\"");
    assert!(given.headers.contains_key("ratelimit"));
}

/// What cannot be kept is of no use to who waits for it, and they do not wait for each other one after the other.
#[test]
fn ok_many_want_what_cannot_be_kept() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    get(&edge, GENRES, &[]);
    let delay = Duration::from_millis(500);
    region.delay.set(delay);
    region.is_long.set(true);
    let began = edge.monotonic();
    let ask = || edge::answer(rest::handle, http::Request::get(MOVIES).body(Body::empty()).unwrap(), &edge);
    let given = block_on(futures_util::future::join_all((0..30).map(|_| ask())));
    assert!(given.iter().all(|given| given.headers()["cache-status"] == "headland; fwd=miss"), "{given:?}");
    let elapsed = edge.monotonic() - began;
    assert!(elapsed < delay * 5, "{elapsed:?}");
}

/// Who comes while an answer is fetched waits for it, and the region is asked once.
#[test]
fn ok_one_fetch_for_all() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    get(&edge, GENRES, &[]);
    region.delay.set(Duration::from_millis(100));
    let ask = |path: &'static str| {
        let edge = &edge;
        async move {
            let request = http::Request::get(path).body(Body::empty()).unwrap();
            let response = edge::answer(rest::handle, request, edge).await;
            response.headers()["cache-status"].to_str().unwrap().to_owned()
        }
    };
    let asked = (0..30).map(|number| ask(if number % 2 == 0 { MOVIES } else { "/rest/v1/movies?id=eq.2" }));
    let how = block_on(futures_util::future::join_all(asked));
    assert_eq!(how.iter().filter(|how| *how == "headland; fwd=miss; stored").count(), 2, "{how:?}");
    assert_eq!(how.iter().filter(|how| how.starts_with("headland; hit; ")).count(), 28);
    assert_eq!(region.queries.get(), 3);
    // Of what is asked about each time, everybody asks.
    let edge = region.edge("");
    get(&edge, GENRES, &[]);
    let trips = region.trips.get();
    for _ in 0..2 {
        get(&edge, MOVIES, &[]);
    }
    assert_eq!(region.trips.get(), trips + 2);
}

#[test]
fn ok_while_the_region_is_away() {
    let region = Region::new();
    for policy in ["", AT_EDGE] {
        let edge = region.edge(policy);
        region.is_away.set(false);
        get(&edge, GENRES, &[]);
        check(&edge, MOVIES, &[], "fwd=miss; stored");
        get(&edge, MOVIES, &[]);
        region.is_away.set(true);
        block_on(edge.sleep(Duration::from_secs(50)));
        let stale = check(&edge, MOVIES, &[], r#"fwd=stale; detail="unreachable, memory""#);
        assert_eq!(stale.headers["age"], "50");
        // A caller who has seen more is not taken back.
        let later = region.write(1).to_string();
        assert_eq!(get(&edge, MOVIES, &[("headland-snapshot", &later)]).status, 503);
        assert_eq!(get(&edge, "/rest/v1/movies?id=eq.2", &[]).status, 503);
        // What was asked for twice is in KV, too.
        edge.drop_instance();
        check(&edge, MOVIES, &[], r#"fwd=stale; detail="unreachable, kv""#);
        assert_eq!(get(&edge, GENRES, &[]).status, 503);
    }
}

#[test]
fn ok_how_old_an_answer_is_while_the_region_is_away() {
    let region = Region::new();
    let stale = [("cache-control", "stale-if-error=3")];
    for (policy, seconds, headers, expected) in [
        ("cache-stale-if-error = 5", 5, vec![], 200),
        ("cache-stale-if-error = 5", 6, vec![], 503),
        ("cache-stale-if-error = 5\n[relations.movies]\ncache-stale-if-error = 9", 9, vec![], 200),
        ("", 24 * 3600, vec![], 200),
        ("", 24 * 3600 + 1, vec![], 503),
        ("", 3, stale.to_vec(), 200),
        ("", 4, stale.to_vec(), 503),
        ("cache-stale-if-error = 2", 3, stale.to_vec(), 503),
    ] {
        // Beyond the age that it may have anyway.
        for (place, age) in [("", 0), (AT_EDGE, 10)] {
            let edge = region.edge(&format!("{place}\n{policy}"));
            check(&edge, MOVIES, &[], "fwd=miss; stored");
            block_on(edge.sleep(Duration::from_secs(age + seconds)));
            region.is_away.set(true);
            assert_eq!(get(&edge, MOVIES, &headers).status, expected, "{place} {policy} {seconds} {headers:?}");
            region.is_away.set(false);
        }
    }
}

#[test]
fn ok_what_is_asked_for_twice_is_in_kv() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    check(&edge, GENRES, &[], "fwd=miss; stored");
    check(&edge, "/rest/v1/movies?id=eq.1&select=id", &[], "hit; ttl=10; detail=memory");
    edge.drop_instance();
    let kept = check(&edge, MOVIES, &[], "hit; ttl=10; detail=kv");
    assert_eq!(kept.headers["content-type"], "application/json; charset=utf-8");
    check(&edge, MOVIES, &[], "hit; ttl=10; detail=memory");
    check(&edge, GENRES, &[], "fwd=miss; stored");
    // What is stored there is of this policy.
    let other = edge.with_variable("headland_config", "db-anon-role = 'anon'\ncache = 'edge'\ndb-max-rows = 1");
    other.drop_instance();
    check(&other, MOVIES, &[], "fwd=miss; stored");
}

/// An instance that has asked nobody yet, beside one that wrote or found out who did.
#[test]
fn ok_instances_hear_of_writers_from_one_another() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    let stored = || {
        edge.drop_instance();
        for _ in 0..3 {
            get(&edge, MOVIES, &[]);
        }
        edge.drop_instance();
        check(&edge, MOVIES, &[], "hit; ttl=10; detail=kv");
        edge.drop_instance();
    };
    stored();
    post(&edge);
    edge.drop_instance();
    check(&edge, MOVIES, &[], "fwd=stale; stored");
    // It takes the place of the other one in KV some time later.
    block_on(edge.sleep(Duration::from_secs(11)));
    stored();
    region.write(1);
    // It was no longer good for a caller who knew.
    check(&edge, "/rest/v1/movies", &[], "fwd=miss; stored");
    check(&edge, MOVIES, &[("cache-control", "no-cache")], "fwd=stale; stored");
    edge.drop_instance();
    check(&edge, MOVIES, &[], "fwd=stale; stored");
}

#[test]
fn ok_what_is_not_stored() {
    let region = Region::new();
    let edge = region.edge(&format!("{AT_EDGE}\ndb-plan-enabled = true\n[relations.genres]\ncache = 'off'"));
    for (path, headers) in [
        (GENRES, vec![]),
        ("/rest/v1/clock", vec![]),
        ("/rest/v1/movies?select=computed", vec![]),
        ("/rest/v1/movies?computed=eq.1", vec![]),
        ("/rest/v1/movies?order=computed", vec![]),
        ("/rest/v1/movies?select=id::my_type", vec![]),
        ("/rest/v1/movies?select=title::timestamptz", vec![]),
        ("/rest/v1/movies?at=gt.now", vec![]),
        ("/rest/v1/movies?at=in.(2020-01-01,%22Yesterday+10:00%22)", vec![]),
        ("/rest/v1/movies?and=(id.eq.1,not.or(at.lt.tomorrow,at.is.null))", vec![]),
        (MOVIES, vec![("prefer", "count=planned")]),
        (MOVIES, vec![("prefer", "count=estimated")]),
        (MOVIES, vec![("accept", "application/vnd.pgrst.plan")]),
    ] {
        let trips = region.trips.get();
        for _ in 0..2 {
            let given = get(&edge, path, &headers);
            assert_eq!((given.how.as_str(), given.headers.get("etag")), ("", None), "{path} {headers:?}");
        }
        assert_eq!(region.trips.get(), trips + 2, "{path} {headers:?}");
    }
    // Words are no moments in a text.
    check(&edge, "/rest/v1/movies?title=eq.now", &[], "fwd=miss; stored");
    check(&edge, "/rest/v1/movies?at=eq.nowhere", &[], "fwd=miss; stored");
}

/// As an answer grows old somebody has it renewed after the response, and nobody waits.
#[test]
fn ok_renewed_before_it_is_too_old() {
    let region = Region::new();
    let edge = region.edge(AT_EDGE);
    region.delay.set(Duration::from_millis(200));
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    let began = edge.now();
    for asked in 0..4000 {
        block_on(edge.sleep(Duration::from_millis(10)));
        let how = get(&edge, MOVIES, &[]).how;
        assert!(how.starts_with("hit; "), "{asked} {how}");
    }
    // About 40 s, in which each answer lasts for 10 at most, and for 9 or so.
    let renewed = region.trips.get() - 1;
    assert!((4..=6).contains(&renewed), "{renewed} in {:?}", edge.now() - began);
    assert_eq!(region.queries.get(), 1);
}

/// A table of which nobody tells the writers, and a region that tells of none: only longest ages count.
#[test]
fn ok_where_writers_are_not_known() {
    let region = Region::new();
    let edge = region.edge("relations.rolls.cache = 'edge'\nrelations.rolls.cache-max-age = 5");
    check(&edge, "/rest/v1/rolls", &[], "fwd=miss; stored");
    check(&edge, "/rest/v1/rolls", &[], "hit; ttl=5; detail=memory");
    block_on(edge.sleep(Duration::from_secs(6)));
    check(&edge, "/rest/v1/rolls", &[], "fwd=stale; stored");
    region.tells.set(false);
    for _ in 0..2 {
        check(&edge, MOVIES, &[], "fwd=miss");
    }
    let edge = region.edge(AT_EDGE);
    check(&edge, MOVIES, &[], "fwd=miss; stored");
    check(&edge, MOVIES, &[], "hit; ttl=10; detail=memory");
}
