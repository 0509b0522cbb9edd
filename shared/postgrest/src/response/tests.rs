use http::Method;
use http::header::CONTENT_RANGE;

use super::*;
use crate::limits::CONTENT_LOCATION_BYTES_MAX;
use crate::testing::{catalog, config, request};

/// The response to `url` where the row has these columns.
fn respond(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    columns: &[(&str, &str)],
) -> Result<Response<Bytes>, Error> {
    let catalog = catalog();
    let request = request(method, url, headers).unwrap();
    let plan = crate::plan(&request, &catalog, &config()).unwrap();
    let columns = columns.iter().map(|(name, value)| (name.to_string(), Some(value.to_string()))).collect();
    response(&request, &plan, Row { body: "[…]".into(), columns })
}

fn get(url: &str, headers: &[(&str, &str)], columns: &[(&str, &str)]) -> Response<Bytes> {
    respond(Method::GET, url, headers, columns).unwrap()
}

/// Status and headers, a line each, in the order of their names.
fn head(response: &Response<Bytes>) -> String {
    let mut lines: Vec<String> =
        response.headers().iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    format!("{}\n{}", response.status().as_u16(), lines.join("\n"))
}

#[test]
fn ok_whole_response() {
    let response = get("films?select=id&id=gt.1&limit=2", &[], &[("page_total", "2")]);
    assert_eq!(
        head(&response),
        "200\ncontent-location: /films?id=gt.1&limit=2&select=id\ncontent-range: 0-1/*\n\
         content-type: application/json; charset=utf-8\nvary: Accept, Prefer, Range"
    );
    assert_eq!(response.body(), "[…]");
}

#[test]
fn ok_content_location_up_to_its_limit() {
    let with = |id_digits: usize| {
        let target = format!("films?id=gt.{}", "1".repeat(id_digits));
        get(&target, &[], &[("page_total", "2")]).headers().contains_key("content-location")
    };
    let fits = CONTENT_LOCATION_BYTES_MAX - "/films?id=gt.".len();
    assert!(with(fits));
    assert!(!with(fits + 1));
}

#[test]
fn ok_preferences_and_profile_are_named() {
    let headers =
        [("prefer", "count=exact, handling=lenient, odd"), ("accept-profile", "cinema"), ("accept", "text/csv")];
    let response = get("films", &headers, &[("page_total", "0"), ("total_result_set", "0")]);
    assert_eq!(
        head(&response),
        "200\ncontent-location: /films\ncontent-profile: cinema\ncontent-range: */0\n\
         content-type: text/csv; charset=utf-8\npreference-applied: count=exact, handling=lenient\nvary: Accept, Prefer, Range"
    );
}

#[test]
fn ok_ranges() {
    let check = |query: &str, page: &str, all: &str, status: u16, range: &str| {
        let response = get(&format!("films?{query}"), &[], &[("page_total", page), ("total_result_set", all)]);
        assert_eq!((response.status().as_u16(), response.headers()[CONTENT_RANGE].to_str().unwrap()), (status, range));
    };
    check("", "5", "5", 200, "0-4/5");
    check("limit=5", "5", "6", 206, "0-4/6");
    check("offset=5", "1", "6", 206, "5-5/6");
    check("offset=6", "0", "6", 206, "*/6");
    check("offset=7", "0", "6", 416, "*/6");
    check(
        "offset=9223372036854775807",
        "1",
        "9223372036854775807",
        206,
        "9223372036854775807-9223372036854775807/9223372036854775807",
    );
}

#[test]
fn err_range_beyond_the_rows() {
    let response = get("films?offset=7", &[], &[("page_total", "0"), ("total_result_set", "6")]);
    assert_eq!(
        response.body(),
        r#"{"code":"PGRST103","details":"An offset of 7 was requested, but there are only 6 rows.","hint":null,"message":"Requested range not satisfiable"}"#
    );
}

#[test]
fn ok_a_name_that_will_mean_nothing_is_warned_of() {
    let warning = |url: &str| {
        let response = get(url, &[], &[("page_total", "1")]);
        response.headers().get("warning").map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(
        warning("films?select=d:directors(f:films(id))&directors.films.limit=1&directors.id=eq.1").unwrap(),
        "299 PostgRESTv16 \"Embedded resource was referenced by relation name even though it has an alias. This is \
         deprecated and will stop working in a future release. Update `directors` to `d`, `films` to `f` in query string \
         filters, orders or limits.\""
    );
    assert_eq!(warning("films?select=d:directors(id),actors(id)&d.limit=1&actors.limit=1"), None);
}

#[test]
fn ok_head_has_no_body() {
    let response = respond(Method::HEAD, "films", &[], &[("page_total", "5")]).unwrap();
    assert!(response.body().is_empty());
    assert_eq!(response.headers()[CONTENT_RANGE], "0-4/*");
}

#[test]
fn err_not_one_object() {
    let object = [("accept", "application/vnd.pgrst.object+json")];
    let respond =
        |rows: &str| respond(Method::GET, "films", &object, &[("page_total", rows)]).map_err(|error| error.to_string());
    assert!(respond("1").is_ok());
    assert_eq!(respond("0").unwrap_err(), "PGRST116: Cannot coerce the result to a single JSON object");
    assert_eq!(respond("2").unwrap_err(), "PGRST116: Cannot coerce the result to a single JSON object");
}

#[test]
fn ok_the_database_decides() {
    let headers =
        r#"[{"Cache-Control": "no-store"}, {"set-cookie": "a=1"}, {"Set-Cookie": "b=2"}, {"content-type": "x/y"}]"#;
    let response = get("films", &[], &[("page_total", "1"), ("response_status", "202"), ("response_headers", headers)]);
    assert_eq!(
        head(&response),
        "202\ncache-control: no-store\ncontent-location: /films\ncontent-range: 0-0/*\ncontent-type: x/y\n\
         set-cookie: a=1\nset-cookie: b=2\nvary: Accept, Prefer, Range"
    );
}

#[test]
fn err_the_database_decides_nonsense() {
    let refused = |name: &str, value: &str| {
        respond(Method::GET, "films", &[], &[("page_total", "1"), (name, value)]).unwrap_err().code()
    };
    for value in [
        "",
        "{}",
        "[1]",
        r#"[{"a": 1}]"#,
        r#"[{"a": "b", "c": "d"}]"#,
        r#"[{}]"#,
        r#"[{"a b": "c"}]"#,
        r#"[{"a": "b\r\nc: d"}]"#,
    ] {
        assert_eq!(refused("response_headers", value), "PGRST111", "{value}");
    }
    for value in ["", "ok", "99", "1000", "-1"] {
        assert_eq!(refused("response_status", value), "PGRST112", "{value}");
    }
}

#[test]
fn err_the_region_answers_nonsense() {
    let refused = |columns: &[(&str, &str)]| respond(Method::GET, "films", &[], columns).unwrap_err().code();
    assert_eq!(refused(&[]), "PGRST001");
    assert_eq!(refused(&[("page_total", "many")]), "PGRST001");
    assert_eq!(refused(&[("page_total", "1"), ("total_result_set", "-1")]), "PGRST001");
}
