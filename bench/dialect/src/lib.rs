//! `GET /dialect`: how long parsing, planning and rendering of some requests take here, as a table.
//!
//! For `scripts/bench dialect`; it is deployed nowhere.

#![expect(clippy::unwrap_used, reason = "the requests here are good ones")]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use catalog::Catalog;
use config::Config;
use edge::{Edge, Error, Request, Response, text};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use postgrest::{ApiRequest, Caller, Target, plan, statements};

edge::serve!(handle);

/// What supabase-js sends from a page.
const HEADERS: [(&str, &str); 12] = [
    ("host", "api.example.com"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate, br, zstd"),
    ("accept-language", "en-GB,en;q=0.9"),
    ("accept-profile", "cinema"),
    ("origin", "https://www.example.com"),
    ("prefer", "count=exact"),
    ("referer", "https://www.example.com/"),
    ("sec-fetch-mode", "cors"),
    (
        "user-agent",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    ),
    ("x-client-info", "supabase-js-web/2.57.4"),
    ("x-request-id", "6f1c1a3e-6f5b-4a0c-9d7e-2f8f6f0e9b1a"),
];

const REQUESTS: [(&str, &str, &str); 3] = [
    ("one row", "films", "id=eq.1"),
    (
        "typical",
        "films",
        "select=id,title,year,director:directors(name)&year=gte.1970&title=ilike.*glory*&order=year.desc&limit=50",
    ),
    (
        "large",
        "directors",
        "select=id,name,films!inner(id,title,year,details->>colour,actors(name),posters(url)),mentor:mentor_id(name)\
         &films.year=in.(1957,1971,1975)&films.order=year.desc.nullslast&films.limit=10\
         &or=(name.like.K*,and(id.gt.1,id.lt.1000),not.and(name.is.null,id.eq.2))&order=name&limit=20&offset=40",
    ),
];

/// Each request is timed in so many batches of so many, of which the quickest counts: others use the machine, too.
const BATCHES: u32 = 100;
const BATCH: u32 = 200;

/// The policy and what it is about.
struct Dialect {
    catalog: Catalog,
    config: Config,
    headers: HeaderMap,
}

/// Times each of [`REQUESTS`] many times.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    if request.uri().path() == "/health" {
        return Ok(text("ok"));
    }
    let catalog = include_bytes!("../../../shared/postgrest/tests/postgres/cinema.json");
    let header =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    let dialect = Dialect {
        catalog: Catalog::from_introspection(catalog).unwrap(),
        config: Config { db_schemas: vec!["cinema".into()], ..Config::default() },
        headers: HEADERS.iter().map(header).collect(),
    };
    let mut table = format!("{:10} {:>8} {:>8} {:>8} {:>8}   µs each\n", "request", "parse", "plan", "render", "all");
    for (name, relation, query) in REQUESTS {
        let batches = (0..BATCHES).map(|_| dialect.batch(relation, query, edge));
        let quickest = batches.min_by_key(|spent| spent.iter().sum::<Duration>()).unwrap_or_default();
        let [parse, plan, render] = quickest.map(|spent| spent.as_secs_f64() * 1e6 / f64::from(BATCH));
        let all = parse + plan + render;
        writeln!(table, "{name:10} {parse:8.1} {plan:8.1} {render:8.1} {all:8.1}").unwrap();
    }
    Ok(text(table))
}

impl Dialect {
    /// What parsing, planning and rendering take in one batch.
    fn batch(&self, relation: &str, query: &str, edge: &Edge) -> [Duration; 3] {
        let caller = Caller { role: "anon", claims_json: r#"{"role":"anon"}"#, is_anonymous: true };
        let mut spent = [Duration::ZERO; 3];
        for _ in 0..BATCH {
            let start = edge.monotonic();
            let target = Target::Relation(relation.into());
            let request =
                ApiRequest::parse(&Method::GET, target, Some(query), &self.headers, Bytes::new(), &self.config, None)
                    .unwrap();
            let parsed = edge.monotonic();
            let plan = plan(&request, &self.catalog, &self.config).unwrap();
            let planned = edge.monotonic();
            black_box(statements(&request, &plan, &caller, &self.catalog, &self.config));
            let rendered = edge.monotonic();
            for (total, time) in spent.iter_mut().zip([parsed - start, planned - parsed, rendered - planned]) {
                *total += time;
            }
        }
        spent
    }
}
