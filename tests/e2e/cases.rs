//! One list of requests and what comes back, the same on every runtime.

use anyhow::ensure;
use libtest_mimic::Trial;

use crate::harness::{Runtime, exchange_raw, send};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = Vec::new();
    for runtime in [Runtime::Emulator, Runtime::Workerd, Runtime::Spin] {
        let is_absent = runtime.absent().is_some();
        for case in CASES {
            let name = format!("{}::{}", runtime.name(), case.name);
            tests.push(test(name, move || case.run(&runtime.url()?)).with_ignored_flag(is_absent));
        }
        let name = |what: &str| format!("{}::{what}", runtime.name());
        let run = move || long_urls(runtime);
        tests.push(test(name("ok_url_of_16_kb_and_refusal_of_more"), run).with_ignored_flag(is_absent));
        let run = move || broken_request(runtime);
        tests.push(test(name("err_what_is_no_http_request"), run).with_ignored_flag(is_absent));
    }
    tests
}

/// One request.
struct Case {
    name: &'static str,
    request: &'static str,
    headers: &'static [(&'static str, &'static str)],
    status: u16,
    /// Headers of the response that must be exactly these.
    reply: &'static [(&'static str, &'static str)],
    body: Body,
}

enum Body {
    /// Exactly this, to the byte.
    Text(&'static str),
    /// Contains this.
    Part(&'static str),
    /// An error of this code.
    Code(&'static str),
    /// An error of this code, whose body contains this.
    Says(&'static str, &'static str),
}

use Body::{Code, Part, Says, Text};

const fn ok(name: &'static str, request: &'static str, body: &'static str) -> Case {
    Case { name, request, headers: &[], status: 200, reply: &[], body: Text(body) }
}

const fn err(name: &'static str, request: &'static str, status: u16, code: &'static str) -> Case {
    Case { name, request, headers: &[], status, reply: &[], body: Code(code) }
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

const OPENAPI: (&str, &str) = ("content-type", "application/openapi+json; charset=utf-8");

const CASES: &[Case] = &[
    Case { reply: &[JSON], ..ok("ok_health", "GET /health", r#"{"status":"ok"}"#) },
    ok("ok_ready", "GET /ready", r#"{"status":"ok"}"#),
    err("err_health_is_read_only", "POST /health", 405, "method_not_allowed"),
    // Columns.
    Case {
        reply: &[JSON, ("content-range", "0-0/*")],
        ..ok(
            "ok_columns",
            "GET /rest/v1/movies?select=title,imdb_rating&id=eq.1",
            r#"[{"title":"The Land Girls","imdb_rating":6.1}]"#,
        )
    },
    ok(
        "ok_rename_and_cast",
        "GET /rest/v1/movies?select=title,rating:imdb_rating,votes:imdb_votes::text&id=eq.1099",
        r#"[{"title":"Four Brothers","rating":6.8,"votes":"38311"}]"#,
    ),
    ok(
        "ok_quoted_names",
        "GET /rest/v1/genres?select=a:name,%22b%20%5C%22c%22:name&limit=1&order=name",
        r#"[{"a":"Action","b \"c":"Action"}]"#,
    ),
    // Filters.
    ok(
        "ok_comparison_and_order",
        "GET /rest/v1/movies?select=title&imdb_rating=gte.9&imdb_votes=gt.1000&order=imdb_rating.desc,title",
        "[{\"title\":\"The Godfather\"}, \n {\"title\":\"The Shawshank Redemption\"}, \n {\"title\":\"Inception\"}, \n {\"title\":\"The Godfather: Part II\"}]",
    ),
    ok(
        "ok_like",
        "GET /rest/v1/movies?select=id&title=like.The%20Godfather*&order=title",
        "[{\"id\":370}, \n {\"id\":367}, \n {\"id\":368}]",
    ),
    ok("ok_ilike", "GET /rest/v1/movies?select=title&title=ilike.MEMENT_", r#"[{"title":"Memento"}]"#),
    ok("ok_match", "GET /rest/v1/movies?select=title&title=match.%5EMement", r#"[{"title":"Memento"}]"#),
    ok("ok_imatch", "GET /rest/v1/movies?select=title&title=imatch.%5EMEMENT", r#"[{"title":"Memento"}]"#),
    ok(
        "ok_in",
        "GET /rest/v1/movies?select=title&title=in.(Memento,%22The%20Godfather%22)&order=title",
        "[{\"title\":\"Memento\"}, \n {\"title\":\"The Godfather\"}]",
    ),
    ok(
        "ok_any",
        "GET /rest/v1/movies?select=title&title=like(any).%7BMeme*,Incept*%7D&order=title",
        "[{\"title\":\"Inception\"}, \n {\"title\":\"Memento\"}]",
    ),
    ok(
        "ok_full_text",
        "GET /rest/v1/movies?select=title&title=plfts(english).dark%20knights",
        r#"[{"title":"The Dark Knight"}]"#,
    ),
    ok("ok_is_null", "GET /rest/v1/movies?select=title&title=is.null", r#"[{"title":null}]"#),
    ok("ok_isdistinct", "GET /rest/v1/movies?select=id&director_id=isdistinct.1&id=eq.1", r#"[{"id":1}]"#),
    ok(
        "ok_logic",
        "GET /rest/v1/movies?select=id&not.and=(id.gte.2,id.lte.5)&or=(id.eq.1,id.eq.3,and(id.gt.5,id.lt.7))&order=id",
        "[{\"id\":1}, \n {\"id\":6}]",
    ),
    // Embedding.
    ok(
        "ok_embed_to_one",
        "GET /rest/v1/movies?select=title,director:directors(name),genres(name)&title=eq.Memento",
        r#"[{"title":"Memento","director":{"name":"Christopher Nolan"},"genres":{"name":"Drama"}}]"#,
    ),
    ok(
        "ok_embed_to_many",
        "GET /rest/v1/directors?select=name,movies(title)&name=eq.Christopher%20Nolan&movies.imdb_rating=gte.8.8&movies.order=title",
        "[{\"name\":\"Christopher Nolan\",\"movies\":[{\"title\":\"Inception\"}, \n {\"title\":\"The Dark Knight\"}]}]",
    ),
    ok(
        "ok_embed_inner",
        "GET /rest/v1/movies?select=title,directors!inner(name)&directors.name=eq.Christopher%20Nolan&order=title&limit=1",
        r#"[{"title":"Batman Begins","directors":{"name":"Christopher Nolan"}}]"#,
    ),
    ok(
        "ok_embed_by_constraint_and_limited",
        "GET /rest/v1/directors?select=movies!movies_director_id_fkey(title)&name=eq.Christopher%20Nolan&movies.limit=1&movies.order=title.desc",
        r#"[{"movies":[{"title":"The Prestige"}]}]"#,
    ),
    ok(
        "ok_embed_in_an_embed",
        "GET /rest/v1/genres?select=movies(title,directors(name))&id=eq.3&movies.limit=1&movies.order=id",
        r#"[{"movies":[{"title":"Brazil","directors":{"name":"Terry Gilliam"}}]}]"#,
    ),
    // Ranges and counts.
    Case {
        reply: &[("content-range", "1-2/*")],
        ..ok(
            "ok_limit_and_offset",
            "GET /rest/v1/genres?select=id&order=id&limit=2&offset=1",
            "[{\"id\":2}, \n {\"id\":3}]",
        )
    },
    Case {
        headers: &[("range-unit", "items"), ("range", "0-1")],
        reply: &[("content-range", "0-1/*")],
        ..ok("ok_range", "GET /rest/v1/genres?select=id&order=id", "[{\"id\":1}, \n {\"id\":2}]")
    },
    Case {
        headers: &[("prefer", "count=exact")],
        status: 206,
        reply: &[("content-range", "0-0/12")],
        ..ok("ok_count_exact", "GET /rest/v1/genres?select=id&order=id&limit=1", r#"[{"id":1}]"#)
    },
    Case {
        headers: &[("prefer", "count=exact")],
        status: 206,
        reply: &[("content-range", "0-0/3201")],
        ..ok("ok_head", "HEAD /rest/v1/movies?select=id&limit=1", "")
    },
    Case {
        headers: &[("prefer", "count=exact")],
        reply: &[("content-range", "*/3201")],
        ..err("err_range_beyond_the_end", "GET /rest/v1/movies?select=title&offset=5000", 416, "PGRST103")
    },
    err("err_negative_limit", "GET /rest/v1/movies?limit=-1", 416, "PGRST103"),
    Case {
        headers: &[("prefer", "count=planned")],
        status: 206,
        reply: &[("content-range", "0-0/3201")],
        ..ok("ok_count_planned", "GET /rest/v1/movies?select=id&limit=1&order=id", r#"[{"id":1}]"#)
    },
    // Media types.
    Case {
        headers: &[("accept", "text/csv")],
        reply: &[("content-type", "text/csv; charset=utf-8")],
        ..ok("ok_csv", "GET /rest/v1/genres?select=id,name&order=id&limit=2", "id,name\n1,Action\n2,Adventure")
    },
    Case {
        headers: &[("accept", "application/vnd.pgrst.object+json")],
        reply: &[("content-type", "application/vnd.pgrst.object+json; charset=utf-8")],
        ..ok("ok_singular", "GET /rest/v1/genres?select=name&name=eq.Western", r#"{"name":"Western"}"#)
    },
    Case {
        headers: &[("accept", "application/vnd.pgrst.object+json")],
        body: Says("PGRST116", "The result contains 12 rows"),
        ..err("err_singular_of_many", "GET /rest/v1/genres", 406, "")
    },
    Case { headers: &[("accept", "image/png")], ..err("err_media_type", "GET /rest/v1/genres", 406, "PGRST107") },
    // The root.
    Case {
        reply: &[OPENAPI],
        body: Part(r##""director_id":{"description":"Note:\nThis is a Foreign Key to `directors.id`."##),
        ..ok("ok_root_document", "GET /rest/v1/", "")
    },
    Case { reply: &[OPENAPI], ..ok("ok_root_document_head", "HEAD /rest/v1", "") },
    Case { headers: &[("accept", "text/csv")], ..err("err_root_as_csv", "GET /rest/v1/", 406, "PGRST107") },
    // Names that are not there.
    Case {
        body: Says("PGRST205", "Perhaps you meant the table 'public.movies'"),
        ..err("err_unknown_relation", "GET /rest/v1/movie", 404, "")
    },
    err("err_unknown_column", "GET /rest/v1/movies?select=titel", 400, "42703"),
    err("err_unknown_filter_column", "GET /rest/v1/movies?titel=eq.x", 400, "42703"),
    err("err_unknown_operator", "GET /rest/v1/movies?title=equals.x", 400, "PGRST100"),
    err("err_unknown_embed", "GET /rest/v1/movies?select=actors(*)", 400, "PGRST200"),
    err("err_unknown_path", "GET /rest/v1/movies/1", 404, "PGRST125"),
    Case {
        headers: &[("accept-profile", "private")],
        ..err("err_unknown_schema", "GET /rest/v1/movies", 406, "PGRST106")
    },
    // Text that is not of the grammar.
    err("err_select_not_closed", "GET /rest/v1/movies?select=title,directors(name", 400, "PGRST100"),
    err("err_select_of_commas", "GET /rest/v1/movies?select=,,", 400, "PGRST100"),
    err("err_order", "GET /rest/v1/movies?order=title.sideways", 400, "PGRST100"),
    err("err_logic_not_closed", "GET /rest/v1/movies?or=(id.eq.1", 400, "PGRST100"),
    // Values.
    Case {
        body: Says("22P02", "invalid input syntax for type integer"),
        ..err("err_value_of_the_wrong_type", "GET /rest/v1/movies?id=eq.abc", 400, "")
    },
    err("err_value_out_of_range", "GET /rest/v1/movies?id=eq.99999999999", 400, "22003"),
    err("err_nul", "GET /rest/v1/movies?title=eq.a%00b", 400, "22021"),
    ok("ok_quotes_are_values", "GET /rest/v1/movies?select=id&title=eq.%27%22%3Bdrop%20table%20movies--%20", "[]"),
    ok("ok_backslashes_are_values", "GET /rest/v1/movies?select=id&title=eq.%5C%27%5C%5C", "[]"),
    ok("ok_emoji_are_values", "GET /rest/v1/movies?select=id&title=eq.%F0%9F%8E%AC", "[]"),
    err("err_quotes_in_names", "GET /rest/v1/movies?select=%22a%5C%22%3Bdrop%20table%20movies--%22", 400, "42703"),
    err("err_invalid_utf8_in_the_path", "GET /rest/v1/%FF", 404, "PGRST125"),
    // Functions.
    Case {
        reply: &[JSON, ("content-range", "0-0/*")],
        ..ok(
            "ok_call_of_rows",
            "GET /rest/v1/rpc/search_movies?words=star%20trek&select=title,directors(name)&imdb_rating=gte.8&order=title",
            "[{\"title\":\"Star Trek\",\"directors\":{\"name\":\"J.J. Abrams\"}}]",
        )
    },
    ok("ok_call_of_a_value", "GET /rest/v1/rpc/average_rating?director=Christopher%20Nolan", "8.20"),
    Case {
        body: Says("PGRST202", "Perhaps you meant to call the function public.search_movies(words)"),
        ..err("err_call_with_other_arguments", "GET /rest/v1/rpc/search_movies?word=star", 404, "")
    },
    Case {
        body: Says("PGRST202", "Perhaps you meant to call the function public.search_movies"),
        ..err("err_unknown_function", "GET /rest/v1/rpc/search_movie?words=star", 404, "")
    },
    err("err_method_of_a_call", "DELETE /rest/v1/rpc/search_movies", 405, "PGRST101"),
    err("err_path_below_a_function", "GET /rest/v1/rpc/search_movies/1", 404, "PGRST125"),
    // What is not served.
    err("err_method", "DELETE /rest/v1/", 405, "PGRST117"),
    // Who asks, and from where.
    Case {
        headers: &[("authorization", AUTHENTICATED)],
        ..ok("ok_token", "GET /rest/v1/genres?select=id&id=eq.1", r#"[{"id":1}]"#)
    },
    Case {
        headers: &[("authorization", "Bearer abc")],
        reply: &[(
            "www-authenticate",
            r#"Bearer error="invalid_token", error_description="Expected 3 parts in JWT; got 1""#,
        )],
        ..err("err_token_is_never_ignored", "GET /rest/v1/movies", 401, "PGRST301")
    },
    Case {
        headers: &[
            ("origin", "http://page.test"),
            ("access-control-request-method", "PATCH"),
            ("access-control-request-headers", "apikey,prefer"),
        ],
        reply: &[
            ("access-control-allow-origin", "*"),
            (
                "access-control-allow-headers",
                "Authorization, apikey, prefer, Accept, Accept-Language, Content-Language",
            ),
            ("access-control-max-age", "86400"),
        ],
        ..ok("ok_preflight", "OPTIONS /rest/v1/movies", "")
    },
    Case {
        reply: &[("allow", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE")],
        ..ok("ok_options", "OPTIONS /rest/v1/movies", "")
    },
    err("err_tables_of_the_system", "GET /rest/v1/pg_authid", 404, "PGRST205"),
];

/// `{"role":"authenticated"}`
const AUTHENTICATED: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.\
                             XOGSeHS8usEzEELkUl8SWOrsOLP7xWmHckRSTgpyP3o";

impl Case {
    fn run(&self, url: &str) -> Outcome {
        let (method, path) = self.request.split_once(' ').expect("a method and a path");
        let reply = send(method, &format!("{url}{path}"), self.headers, "")?;
        ensure!(reply.status == self.status, "status {}, body {}", reply.status, reply.body);
        for (name, value) in self.reply {
            ensure!(reply.header(name) == Some(value), "{name}: {:?}", reply.header(name));
        }
        match self.body {
            Text(text) => ensure!(reply.body == text, "body {}", reply.body),
            Part(text) => ensure!(reply.body.contains(text), "body {}", reply.body),
            Code(code) => ensure!(reply.code()? == code, "body {}", reply.body),
            Says(code, text) => ensure!(reply.code()? == code && reply.body.contains(text), "body {}", reply.body),
        }
        Ok(())
    }
}

/// 16 KB of URL are served; more than the dialect reads is refused by us or by the runtime, and the next is served.
fn long_urls(runtime: Runtime) -> Outcome {
    let url = runtime.url()?;
    let of = |bytes: usize| {
        let names: Vec<String> = (0..bytes / 6).map(|number| format!("x{number:04}")).collect();
        format!("{url}/rest/v1/genres?select=id&name=in.({},Western)", names.join(","))
    };
    let reply = send("GET", &of(16 * 1024), &[], "")?;
    ensure!((reply.status, reply.body.as_str()) == (200, r#"[{"id":12}]"#), "{}: {}", reply.status, reply.body);
    let reply = send("GET", &of(60 * 1024), &[], "")?;
    ensure!([200, 414, 431].contains(&reply.status), "{}: {}", reply.status, reply.body);
    let reply = send("GET", &of(100), &[], "")?;
    ensure!(reply.status == 200, "{}: {}", reply.status, reply.body);
    Ok(())
}

/// What no client library sends: a NUL in the request line, a line that is none, a header without a colon.
fn broken_request(runtime: Runtime) -> Outcome {
    let url = runtime.url()?;
    let address = url.trim_start_matches("http://");
    for request in ["GET /rest/v1/mov\0ies HTTP/1.1\r\n", "nonsense\r\n", "GET / HTTP/1.1\r\nno colon\r\n"] {
        let answer = exchange_raw(address, format!("{request}connection: close\r\n\r\n").as_bytes())?;
        let is_refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        ensure!(is_refused && !answer.contains("panicked"), "{request:?}: {answer}");
    }
    let reply = send("GET", &format!("{url}/health"), &[], "")?;
    ensure!(reply.status == 200, "not well afterwards");
    Ok(())
}
