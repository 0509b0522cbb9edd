//! Writes that are made only if what is there is what the caller has seen, among others who write.

use std::thread;

use super::writes::Library;

const EXACT: (&str, &str) = ("prefer", "count=exact, tx=rollback");
const ROLLBACK: (&str, &str) = ("prefer", "tx=rollback");

pub(super) fn ok_preconditions(library: &Library<'_>) {
    ok_the_tag_of_what_the_url_gives(library);
    ok_of_each_method(library);
    ok_among_others_who_write(library);
}

/// The entity tag of a GET, as the edge makes it.
fn tag(library: &Library<'_>, url: &str, headers: &[(&str, &str)]) -> String {
    let response = library.ask(&format!("GET {url}"), headers, "");
    assert!(response.status().is_success(), "{url}: {response:?}");
    let value = |name| response.headers().get(name).map(|value| value.as_bytes()).unwrap_or_default();
    cache::entity_tag(value("content-type"), value("content-range"), response.body())
}

fn ok_the_tag_of_what_the_url_gives(library: &Library<'_>) {
    let body = |url: &str| match url.split('?').next() {
        Some("shelves") => r#"{"name": "x"}"#,
        Some("books") => r#"{"pages": 1}"#,
        Some("copies") => r#"{"note": "x"}"#,
        _ => r#"{"$1": 1}"#,
    };
    for (url, accept) in [
        ("shelves?id=eq.1", "*/*"),
        ("shelves?id=eq.1", "application/vnd.pgrst.object+json"),
        ("shelves?id=eq.1", "application/vnd.pgrst.array+json;nulls=stripped"),
        ("shelves?id=eq.1", "text/csv"),
        ("shelves?order=id", "application/json"),
        ("shelves?order=id&limit=2&offset=1", "application/json"),
        ("shelves?id=eq.0", "application/json"),
        ("shelves?id=eq.0&select=name", "text/csv"),
        ("books?id=lt.3&select=id,d:details->a,shelf:shelves(name,books(title))&order=title", "*/*"),
        ("copies?select=note&note=eq.it's $1 %22%", "*/*"),
        ("odd \"notes\"?select=a:\"a \\\"b\\\" %25s\"&order=$1.nullslast&limit=1", "*/*"),
    ] {
        for prefer in [ROLLBACK, EXACT] {
            let accept = ("accept", accept);
            let tag = tag(library, url, &[accept, prefer]);
            let status = |if_match: &str| {
                let headers = [accept, prefer, ("if-match", if_match)];
                library.ask(&format!("PATCH {url}"), &headers, body(url)).status().as_u16()
            };
            assert_eq!(status(&tag), 204, "{url} {accept:?} {prefer:?}");
            assert_eq!(status(&format!("\"x\", {tag}")), 204, "{url}");
            for other in [&format!("W/{tag}"), "\"x\"", "", "\"NULL\"", "\"{},\\\"", tag.trim_matches('"')] {
                assert_eq!(status(other), 412, "{url} {other}");
            }
        }
    }
}

fn ok_of_each_method(library: &Library<'_>) {
    let body = r#"{"id": 60, "name": "new"}"#;
    let refused =
        |request: &str, header: (&str, &str)| library.check(request, &[header], body, 412, "precondition_failed");
    const ANY: (&str, &str) = ("if-match", "*");
    const NONE: (&str, &str) = ("if-none-match", "*");
    for method in ["PATCH", "DELETE", "PUT"] {
        refused(&format!("{method} shelves?id=eq.60"), ANY);
        refused(&format!("{method} shelves?id=eq.60"), ("if-match", &tag(library, "shelves?id=eq.1", &[])));
    }
    // PUT makes no row under `If-Match`, also where it is known that there is none.
    refused("PUT shelves?id=eq.60", ("if-match", &tag(library, "shelves?id=eq.60", &[])));
    library.check("PUT shelves?id=eq.60", &[NONE], body, 204, "");
    refused("PUT shelves?id=eq.60", NONE);
    library.check("PUT shelves?id=eq.60", &[ANY], r#"{"id": 60, "name": "any"}"#, 204, "");
    let seen = tag(library, "shelves?id=eq.60", &[]);
    library.check("PUT shelves?id=eq.60", &[("if-match", &seen)], r#"{"id": 60, "name": "put"}"#, 204, "");
    for method in ["PATCH", "DELETE", "PUT"] {
        refused(&format!("{method} shelves?id=eq.60"), ("if-match", &seen));
    }
    library.holds("select name from shelves where id = 60", "put");
    let seen = tag(library, "shelves?id=eq.60", &[]);
    library.check("PATCH shelves?id=eq.60", &[("if-match", &seen)], r#"{"name": "patch"}"#, 204, "");
    library.check("PATCH shelves?id=eq.60", &[ANY], "{}", 204, "");
    let seen = tag(library, "shelves?id=eq.60", &[]);
    library.check("DELETE shelves?id=eq.60", &[("if-match", &seen)], "", 204, "");
    library.holds("select count(*) from shelves where id = 60", "0");
    library.check("POST shelves", &[ANY], body, 400, "PGRST127");
    // Other refusals are what they were.
    library.check("PUT shelves?id=eq.1", &[ANY], body, 400, "PGRST115");
    library.check("PATCH shelves?id=eq.1&select=nonsense", &[ANY], r#"{"name": "x"}"#, 400, "42703");
}

/// Each request looks at shelf 70, and waits before it writes until somebody else has written; what becomes of it, and of the
/// shelf.
fn ok_among_others_who_write(library: &Library<'_>) {
    const UPDATE: &str = "update library.shelves set name = 'theirs' where id = 70";
    const DELETE: &str = "delete from library.shelves where id = 70";
    const OTHER: &str = "update library.shelves set name = 'theirs' where id = 71";
    library.cluster.run("postgres", "create sequence library.turn; grant select on library.turn to writer;");
    for (method, theirs, status, name) in [
        ("PATCH", UPDATE, 412, "theirs"),
        ("PATCH", DELETE, 412, ""),
        ("PATCH", OTHER, 204, "ours"),
        ("DELETE", UPDATE, 412, "theirs"),
        ("DELETE", DELETE, 412, ""),
        ("DELETE", OTHER, 204, ""),
        ("PUT", UPDATE, 412, "theirs"),
        ("PUT", DELETE, 412, ""),
        ("PUT", OTHER, 204, "ours"),
    ] {
        for (moment, is_any) in [(Moment::Before, false), (Moment::Before, true), (Moment::Meanwhile, false)] {
            prepare(library);
            let if_match = if is_any { "*".to_owned() } else { tag(library, "shelves?id=eq.70", &[]) };
            let found = beside(library, theirs, moment, method, &[("if-match", &if_match)]);
            assert_eq!(found, status, "{method} beside {theirs}, {moment:?}, {if_match}");
            library.holds("select name from shelves where id = 70", name);
        }
    }
    // Without a precondition the other's update is lost.
    prepare(library);
    assert_eq!(beside(library, UPDATE, Moment::Before, "PATCH", &[]), 204);
    library.holds("select name from shelves where id = 70", "ours");
    library.cluster.run("postgres", "delete from library.shelves where id in (70, 71); drop sequence library.turn;");
}

fn prepare(library: &Library<'_>) {
    library.cluster.run(
        "postgres",
        "insert into library.shelves values (70, 'seen'), (71, 'seen') on conflict (id) do update set name = 'seen';
         select setval('library.turn', 1, false);",
    );
}

/// When somebody else commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Before the write begins.
    Before,
    /// When the write waits for that, or is over.
    Meanwhile,
}

/// The status of a request that has looked at what is there when another session writes, and then writes too.
fn beside(library: &Library<'_>, theirs: &str, moment: Moment, method: &str, headers: &[(&str, &str)]) -> u16 {
    // A sequence is the same in every snapshot.
    const TURN: &str = "select nextval('library.turn');\n";
    let our_turn = until("(select is_called from library.turn)");
    let others = "select from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'";
    // It waits only when it has looked.
    let their_turn = until(&format!("exists ({others} and state = 'active' and query like '%is_called%')"));
    let script = match moment {
        Moment::Before => format!("{their_turn}{theirs};\n{TURN}"),
        Moment::Meanwhile => {
            let is_over = until(&format!("exists (select from pg_locks where not granted) or not exists ({others})"));
            format!("{their_turn}begin;\n{theirs};\n{TURN}{is_over}commit;\n")
        }
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| library.cluster.run("postgres", &script));
        let request = format!("{method} shelves?id=eq.70");
        let body = if method == "PUT" { r#"{"id": 70, "name": "ours"}"# } else { r#"{"name": "ours"}"# };
        let outcome = library.attempt_after(&our_turn, &request, headers, body);
        other.join().unwrap();
        outcome.map_or_else(|error| error.status(), |response| response.status()).as_u16()
    })
}

/// SQL that waits for something, for at most 10 s.
fn until(condition: &str) -> String {
    format!(
        "do $$ begin for i in 1..1000 loop exit when {condition}; \
         perform pg_stat_clear_snapshot(), pg_sleep(0.01); end loop; end $$;\n"
    )
}
