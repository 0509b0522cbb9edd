//! Writes through every runtime: one story, which leaves the table as it was.

use anyhow::ensure;
use libtest_mimic::Trial;

use crate::harness::{Runtime, send};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let story = |runtime: Runtime| {
        let name = format!("{}::ok_rows_are_written_changed_and_deleted", runtime.name());
        test(name, move || story(&runtime.url()?)).with_ignored_flag(runtime.absent().is_some())
    };
    [Runtime::Emulator, Runtime::Workerd, Runtime::Spin].map(story).into()
}

/// One request of the story.
struct Step {
    request: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    status: u16,
    /// A header of the response, and the whole body.
    reply: (&'static str, &'static str),
    shown: &'static str,
}

const SHOW: (&str, &str) = ("prefer", "return=representation");
const CSV: (&str, &str) = ("content-type", "text/csv");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const OBJECT: (&str, &str) = ("accept", "application/vnd.pgrst.object+json");

const STORY: &[Step] = &[
    Step {
        request: "POST reviews",
        headers: &[("prefer", "return=headers-only")],
        body: r#"{"id": 900, "movie_id": 1, "note": "\u00fc \"q\" 🎬"}"#,
        status: 201,
        reply: ("location", "/reviews?id=eq.900"),
        shown: "",
    },
    Step {
        request: "POST reviews?select=id,stars,note,movie:movies(title)&columns=id,movie_id,stars&order=id",
        headers: &[("prefer", "return=representation, count=exact")],
        body: r#"[{"id": 901, "movie_id": 1, "stars": 2, "note": "x"}, {"id": 902, "movie_id": 1, "stars": 5}]"#,
        status: 201,
        reply: ("content-range", "*/2"),
        shown: "[{\"id\":901,\"stars\":2,\"note\":null,\"movie\":{\"title\":\"The Land Girls\"}}, \n {\"id\":902,\"stars\":5,\"note\":null,\"movie\":{\"title\":\"The Land Girls\"}}]",
    },
    Step {
        request: "PATCH reviews?id=eq.901&columns=stars&select=stars",
        headers: &[SHOW, ("prefer", "missing=default")],
        body: "{}",
        status: 200,
        reply: ("preference-applied", "missing=default, return=representation"),
        shown: r#"[{"stars":3}]"#,
    },
    Step {
        request: "POST reviews?select=stars",
        headers: &[CSV, SHOW],
        body: "id,movie_id,stars\n903,2,1\n",
        status: 201,
        reply: ("preference-applied", "return=representation"),
        shown: r#"[{"stars":1}]"#,
    },
    Step {
        request: "POST reviews?on_conflict=id&select=note",
        headers: &[FORM, SHOW, ("prefer", "resolution=merge-duplicates")],
        body: "id=903&movie_id=2&note=a+b",
        status: 200,
        reply: ("preference-applied", "resolution=merge-duplicates, return=representation"),
        shown: r#"[{"note":"a b"}]"#,
    },
    Step {
        request: "PUT reviews?id=eq.903&select=id,note",
        headers: &[SHOW],
        body: r#"{"id": 903, "movie_id": 2, "note": null}"#,
        status: 200,
        reply: ("content-type", "application/json; charset=utf-8"),
        shown: r#"[{"id":903,"note":null}]"#,
    },
    Step {
        request: "PATCH reviews?id=gte.902&order=id.desc&select=id,stars",
        headers: &[SHOW, ("prefer", "handling=strict, max-affected=2")],
        body: r#"{"stars": 4}"#,
        status: 200,
        reply: ("content-range", "0-1/*"),
        shown: "[{\"id\":903,\"stars\":4}, \n {\"id\":902,\"stars\":4}]",
    },
    Step {
        request: "PATCH reviews?id=eq.900",
        headers: &[],
        body: r#"{"stars": 1}"#,
        status: 204,
        reply: ("content-range", "0-0/*"),
        shown: "",
    },
    // What is refused leaves nothing: the last step sees it.
    Step {
        request: "DELETE reviews?id=gte.900",
        headers: &[OBJECT, SHOW],
        body: "",
        status: 406,
        reply: ("proxy-status", "PostgREST; error=PGRST116"),
        shown: r#"{"code":"PGRST116","details":"The result contains 4 rows","hint":null,"message":"Cannot coerce the result to a single JSON object"}"#,
    },
    Step {
        request: "POST reviews",
        headers: &[],
        body: r#"[{"id": 904, "movie_id": 1}, {"id": 900, "movie_id": 1}]"#,
        status: 409,
        reply: ("proxy-status", "PostgREST; error=23505"),
        shown: r#"{"code":"23505","details":"Key (id)=(900) already exists.","hint":null,"message":"duplicate key value violates unique constraint \"reviews_pkey\""}"#,
    },
    Step {
        request: "POST reviews",
        headers: &[],
        body: r#"{"id": 904, "#,
        status: 400,
        reply: ("proxy-status", "PostgREST; error=PGRST102"),
        shown: r#"{"code":"PGRST102","details":"the text ends too early (at byte 12, in /id)","hint":null,"message":"Empty or invalid json"}"#,
    },
    Step {
        request: "POST movies",
        headers: &[],
        body: "{}",
        status: 401,
        reply: ("www-authenticate", "Bearer"),
        shown: r#"{"code":"42501","details":null,"hint":null,"message":"permission denied for table movies"}"#,
    },
    Step {
        request: "DELETE reviews?id=gte.900&select=id,stars,note&order=id",
        headers: &[SHOW],
        body: "",
        status: 200,
        reply: ("content-range", "*/*"),
        shown: "[{\"id\":900,\"stars\":1,\"note\":\"ü \\\"q\\\" 🎬\"}, \n {\"id\":901,\"stars\":3,\"note\":null}, \n {\"id\":902,\"stars\":4,\"note\":null}, \n {\"id\":903,\"stars\":4,\"note\":null}]",
    },
];

fn story(url: &str) -> Outcome {
    // What a story that stopped half-way has left.
    send("DELETE", &format!("{url}/rest/v1/reviews?id=gte.900"), &[], "")?;
    for Step { request, headers, body, status, reply: (name, value), shown } in STORY {
        let (method, path) = request.split_once(' ').expect("a method and a path");
        let reply = send(method, &format!("{url}/rest/v1/{path}"), headers, body)?;
        ensure!((reply.status, reply.body.as_str()) == (*status, *shown), "{request}: {} {}", reply.status, reply.body);
        ensure!(reply.header(name) == Some(value), "{request}: {name}: {:?}", reply.header(name));
    }
    too_long(url)
}

/// A body is read up to a limit, and what follows it is served.
fn too_long(url: &str) -> Outcome {
    let of = |bytes: usize| format!(r#"{{"note": "{}"}}"#, "x".repeat(bytes));
    let patch = |bytes: usize| send("PATCH", &format!("{url}/rest/v1/reviews?id=eq.0"), &[], &of(bytes));
    let reply = patch(4 << 20)?;
    ensure!(reply.status == 413 && reply.code()? == "PGRST102", "{} {}", reply.status, reply.body);
    let reply = patch(3 << 20)?;
    ensure!(reply.status == 204, "{} {}", reply.status, reply.body);
    Ok(())
}
