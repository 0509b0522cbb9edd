//! Calls of functions.

use http::Method;

use crate::Cinema;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) fn ok_calls(cinema: &Cinema) {
    results(cinema);
    arguments(cinema);
    rows(cinema);
    ranges_and_counts(cinema);
    representations(cinema);
    settings(cinema);
    handlers(cinema);
}

fn results(cinema: &Cinema) {
    let check = |url: &str, status: u16, expected: &str| {
        let (found, _, body) = cinema.get(url, &[]);
        assert_eq!((found, body.as_str()), (status, expected), "{url}");
    };
    check("rpc/add?a=1", 200, "2");
    check("rpc/years?first=1", 200, "[1, 2, 3]");
    check("rpc/extremes", 200, r#"{"best":"Glory","worst":"Jaws"}"#);
    check("rpc/shelf", 200, r#"[{"place":1,"contents":{"a": 1},"plot":"'card' 'duel'"}]"#);
    check("rpc/film?id=1&select=id,title", 200, r#"{"id":1,"title":"Paths of Glory"}"#);
    check("rpc/films_since?since=1975&select=id&most=1", 200, r#"[{"id":2}]"#);
    check("rpc/films_since?since=2000", 200, "[]");
}

fn arguments(cinema: &Cinema) {
    let check = |url: &str, content_type: &str, body: &str, expected: &str| {
        let (status, _, found) = cinema.sent(Method::POST, url, &[("content-type", content_type)], body);
        assert_eq!((status, found.as_str()), (200, expected), "{url}");
    };
    check("rpc/add", JSON, r#"{"a": 1, "b": 2}"#, "3");
    check("rpc/add", JSON, r#"[{"a": 1}, {"a": 5}]"#, "2");
    check("rpc/add", FORM, "a=1&b=40", "41");
    check("rpc/join_words", FORM, "words=a&words=b%2Cc&separator=-", "\"a-b,c\"");
    check("rpc/join_words", JSON, r#"{"separator": " ", "words": ["a", "b\"c"]}"#, r#""a b\"c""#);
    check("rpc/take_json", JSON, r#"{"a": [1, "x"]}"#, r#"{"a": [1, "x"]}"#);
    check("rpc/take_text", "text/plain", "It's", "\"It's\"");
    check("rpc/take_bytes", "application/octet-stream", "\u{0}ü", "3");
    check("rpc/extremes", JSON, "", r#"{"best":"Glory","worst":"Jaws"}"#);
    let (_, _, found) = cinema.get("rpc/join_words?separator=%20&words=a&words=b", &[]);
    assert_eq!(found, "\"a b\"");
}

/// What a function returns is read like a relation: computed columns, filters, embedding.
fn rows(cinema: &Cinema) {
    let check = |url: &str, expected: &str| {
        let (status, _, body) = cinema.get(url, &[]);
        assert_eq!((status, body.as_str()), (200, expected), "{url}");
    };
    check(
        "rpc/films_since?since=1900&select=id,decade&decade=eq.1970&order=id.desc",
        "[{\"id\":3,\"decade\":1970}, \n {\"id\":2,\"decade\":1970}]",
    );
    check(
        "rpc/films_since?since=1975&select=id,directors(name),actors(name)&title=eq.Jaws",
        r#"[{"id":3,"directors":{"name":"Spielberg"},"actors":[{"name":"Roy"}]}]"#,
    );
    check("rpc/films_since?since=1975&select=id,directors!inner()&directors.name=eq.Kubrick", r#"[{"id":2}]"#);
    check("rpc/film?id=3&select=directors(name)", r#"{"directors":{"name":"Spielberg"}}"#);
    check("rpc/shelf?contents->a=eq.1&plot=fts.card&select=place", r#"[{"place":1}]"#);
    let body = r#"{"since": 1975}"#;
    let url = "rpc/films_since?select=id,directors(name)&id=eq.2";
    let (_, _, found) = cinema.sent(Method::POST, url, &[], body);
    assert_eq!(found, r#"[{"id":2,"directors":{"name":"Kubrick"}}]"#);
    let (_, _, found) = cinema.sent(Method::POST, "rpc/hire?select=id,name,films(id)", &[], r#"{"name": "New"}"#);
    assert_eq!(found, r#"{"id":9,"name":"New","films":[]}"#);
}

fn ranges_and_counts(cinema: &Cinema) {
    let check = |url: &str, headers: &[(&str, &str)], status: u16, range: &str| {
        let (found, found_range, _) = cinema.get(url, headers);
        assert_eq!((found, found_range.as_str()), (status, range), "{url}");
    };
    const EXACT: (&str, &str) = ("prefer", "count=exact");
    check("rpc/years?first=1&limit=2", &[], 200, "0-1/*");
    check("rpc/years?first=1&limit=2", &[EXACT], 206, "0-1/3");
    check("rpc/years?first=1", &[EXACT, ("range", "1-1")], 206, "1-1/3");
    check("rpc/years?first=1&offset=5", &[EXACT], 416, "*/3");
    check("rpc/add?a=1", &[EXACT], 200, "0-0/1");
    check("rpc/film?id=1", &[EXACT], 200, "0-0/1");
    check("rpc/films_since?since=1900&id=gt.1&limit=1", &[("prefer", "count=estimated")], 206, "0-0/2");
    let (status, range, body) = cinema.sent(Method::POST, "rpc/retire", &[], r#"{"name": "Nobody"}"#);
    assert_eq!((status, range.as_str(), body.as_str()), (204, "0-0/*", ""));
    let (status, range, body) = cinema.request(Method::HEAD, "rpc/years?first=1", &[EXACT]);
    assert_eq!((status, range.as_str(), body.as_str()), (200, "0-2/3", ""));
}

fn representations(cinema: &Cinema) {
    let check = |url: &str, accept: &str, expected: &str| {
        let (_, _, body) = cinema.get(url, &[("accept", accept)]);
        assert_eq!(body, expected, "{url}");
    };
    const OBJECT: &str = "application/vnd.pgrst.object+json";
    check("rpc/film?id=1&select=id", OBJECT, r#"{"id":1}"#);
    check("rpc/films_since?since=1970&select=id&limit=1", OBJECT, r#"{"id":2}"#);
    check("rpc/add?a=1", OBJECT, "2");
    check("rpc/film?id=4&select=id,year", "application/vnd.pgrst.array+json;nulls=stripped", r#"{"id":4}"#);
    check("rpc/years?first=1&order=pgrst_scalar.desc", "text/csv", "pgrst_scalar\n3\n2\n1");
}

/// What the function asks for holds already when it begins; what it says of the response is heard.
fn settings(cinema: &Cinema) {
    assert_eq!(cinema.get("rpc/patient", &[]).2, "\"7s read committed\"");
    assert_eq!(cinema.get("rpc/teapot", &[]).0, 418);
}

/// What functions of the database make of rows, or of a result.
fn handlers(cinema: &Cinema) {
    let check = |url: &str, accept: &str, status: u16, expected: &str| {
        let (found, _, body) = cinema.get(url, &[("accept", accept)]);
        assert_eq!((found, body.as_str()), (status, expected), "{url}");
    };
    check("rpc/motto", "text/plain", 200, "Say \"cheese\"");
    check("rpc/motto", "*/*", 200, r#""Say \"cheese\"""#);
    check("rpc/motto", "image/png, text/*;q=0.5, application/json;q=0.1", 200, r#""Say \"cheese\"""#);
    check("rpc/anything", "nobody/knows", 200, "any");
    check("actors?order=id", "text/plain", 200, "Kirk\nRoy\nRyan\n");
    check(
        "actors?order=id",
        "application/json, text/plain;q=0.1",
        200,
        "[{\"id\":1,\"name\":\"Kirk\"}, \n {\"id\":2,\"name\":\"Roy\"}, \n {\"id\":3,\"name\":\"Ryan\"}]",
    );
    check("rpc/poster", "image/png", 200, "\0üA");
    let (status, _, _) = cinema.request(Method::HEAD, "rpc/poster", &[("accept", "image/png")]);
    assert_eq!(status, 200);
}
