//! No value of a caller's is ever SQL text: wherever a request has room for one, it comes out as a parameter.
//!
//! Names of columns are text, in quotes, and the names of types in casts are text of letters, digits, `_`, `$` and blanks;
//! `tests.rs` and `api_request/select.rs` have their tests.

use config::Config;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::statements;
use crate::testing::{catalog, config, request_under};
use crate::{Caller, plan};

/// Places for a value in a query string, `{}`; the second form is for places where numbers are read.
const PLACES: [&str; 22] = [
    "title=eq.{}",
    "title=not.like(any).{}",
    "title=in.(\"{}\",a,\"{}\")",
    "title=isdistinct.{}",
    "plot=fts.{}",
    "title=wfts(english).{}",
    "tags=cs.{}",
    "details->\"{}\"=eq.{}",
    "details->a->>\"{}\"=is.null",
    "decade=gt.{}",
    "or=(title.eq.\"{}\",not.and(title.match.\"{}\",details->>\"{}\".in.(\"{}\")))",
    "directors.name=eq.{}",
    "directors.or=(name.eq.\"{}\",name.is.null)",
    "actors.name=ilike.{}",
    "actors.order=name",
    "order=details->\"{}\".desc",
    "limit=[]",
    "offset=[]",
    "actors.limit=[]",
    "actors.offset=[]",
    "posters.film_id=eq.{}",
    "posters=not.is.null",
];

const SELECTS: [&str; 4] = [
    "select=*,directors(*),actors!inner(*),posters()",
    "select=id,a:details->\"{}\"->>b,directors(id,name),actors(*),posters!left(url)",
    "select=title,...directors(by:name),...actors(name),posters!inner(films(tags->0))",
    "select=n:count(),details->\"{}\"->>c,id.sum()::text,...directors(id.max()),actors(id),posters(url)",
];

const VALUES: [&str; 6] = ["x§'; drop table films; --", "§\"$1", "§%1$L%", "§\\'\\\"", "{§}", "§🙂$$ $a$"];

#[test]
fn ok_values_are_parameters() {
    let catalog = catalog();
    let config = Config { db_aggregates_enabled: true, db_plan_enabled: true, server_timing_enabled: true, ..config() };
    let mut random = fastrand::Rng::with_seed(3);
    let mut compiled = 0;
    for _ in 0..4_000 {
        let places: Vec<&str> = (0..random.usize(1..6)).map(|_| *random.choice(&PLACES).unwrap()).collect();
        let shape = format!("{}&{}", random.choice(&SELECTS).unwrap(), places.join("&"));
        let accept = *random.choice(&["*/*", "text/csv", "application/vnd.pgrst.plan; options=verbose"]).unwrap();
        let count = *random.choice(&["exact", "planned", "estimated"]).unwrap();
        let compile = |value: &str, number: u32| {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let query = shape.replace("\"{}\"", &format!("\"{quoted}\"")).replace("{}", value);
            let query = query.replace("[]", &number.to_string());
            let query: Vec<String> = query.split('&').map(|pair| escape(pair.split_once('=').unwrap())).collect();
            let cookie = format!("session={value}; other={number}");
            let prefer = format!("count={count}");
            let headers =
                [("accept", accept), ("prefer", prefer.as_str()), ("x-value", cookie.as_str()), ("cookie", &cookie)];
            let request = request_under(Method::GET, &format!("films?{}", query.join("&")), &headers, &config).ok()?;
            let claims = serde_json::json!({ "sub": value }).to_string();
            let caller = Caller { role: value, claims_json: &claims, is_anonymous: false };
            let plan = plan(&request, &catalog, &config).ok()?;
            Some(statements(&request, &plan, &caller, &catalog, &config))
        };
        let Some(statements) = compile(random.choice(&VALUES).unwrap(), 918_273) else { continue };
        compiled += 1;
        for statement in &statements {
            assert!(!statement.text.contains('§'), "{shape}: {}", statement.text);
            assert!(!statement.text.contains("918273"), "{shape}: {}", statement.text);
        }
        // One shape is one text, so that prepared statements hit.
        let others = compile("another", 3).expect("what one value compiles, another does");
        let texts = |statements: &[sql::Statement]| statements.iter().map(|one| one.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&statements), texts(&others), "{shape}");
    }
    assert!(compiled > 2_000, "{compiled}");
}

fn escape((name, value): (&str, &str)) -> String {
    format!("{}={}", utf8_percent_encode(name, NON_ALPHANUMERIC), utf8_percent_encode(value, NON_ALPHANUMERIC))
}
