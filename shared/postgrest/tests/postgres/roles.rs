//! What each role can see under row security, and what it cannot: the role and the claims of the request are in force,
//! and of no other request.

use bytes::Bytes;
use catalog::Catalog;
use config::Config;
use http::{HeaderMap, Method};
use postgrest::{ApiRequest, Caller, Target, plan, response, statements};

use crate::Cinema;

const VISITOR: (&str, &str) = ("visitor", "{}");
const ANN: (&str, &str) = ("member", r#"{"role":"member","sub":"ann"}"#);
const BOB: (&str, &str) = ("member", r#"{"role":"member","sub":"bob"}"#);
const NOBODY: (&str, &str) = ("member", r#"{"role":"member"}"#);
/// A name that would be more than a name, were it part of the statement.
const MALLORY: (&str, &str) = ("member", r#"{"role":"keeper","sub":"' or true --"}"#);
const KEEPER: (&str, &str) = ("keeper", r#"{"role":"keeper","sub":"ann"}"#);

/// Rows of who asks, for what, and what is there.
pub(crate) fn ok_row_security(cinema: &Cinema) {
    cinema.cluster.run("postgres", include_str!("roles.sql"));
    let config = Config { db_schemas: vec!["vault".into()], ..Config::default() };
    let catalog = Catalog::from_introspection(crate::answer(&cinema.cluster, &config).as_bytes()).unwrap();
    let check = |(role, claims_json), url: &str, expected: &str| {
        let (name, query) = url.split_once('?').map_or((url, None), |(name, query)| (name, Some(query)));
        let function = name.strip_prefix("rpc/").map(|name| Target::Function(name.into()));
        let target = function.unwrap_or_else(|| Target::Relation(name.into()));
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let request = ApiRequest::parse(&Method::GET, target, query, &headers, body, &config, None).unwrap();
        let plan = plan(&request, &catalog, &config).unwrap();
        let caller = Caller { role, claims_json, is_anonymous: false };
        let statements = statements(&request, &plan, &caller, &catalog, &config);
        let response = response(&request, &plan, cinema.run(&statements, plan.is_read_only())).unwrap();
        let body = String::from_utf8(response.body().to_vec()).unwrap().replace("\n ", "");
        assert_eq!(body, expected, "{role} {claims_json} {url}");
    };

    let notes = "notes?select=id&order=id";
    check(VISITOR, notes, r#"[{"id":1}]"#);
    check(ANN, notes, r#"[{"id":1}, {"id":2}]"#);
    check(BOB, notes, r#"[{"id":1}, {"id":3}]"#);
    check(NOBODY, notes, r#"[{"id":1}]"#);
    check(MALLORY, notes, r#"[{"id":1}]"#);
    check(KEEPER, notes, r#"[{"id":1}, {"id":2}, {"id":3}]"#);
    // Again, after somebody who may see more.
    check(VISITOR, notes, r#"[{"id":1}]"#);

    // A filter finds nothing that cannot be seen.
    check(BOB, "notes?select=id&secret=eq.b", "[]");
    check(ANN, "notes?select=id&secret=eq.b", r#"[{"id":2}]"#);
    check(VISITOR, "notes?select=id&id=eq.2", "[]");

    // Nor does an embed.
    let comments = "comments?select=id,note:notes(owner)&order=id";
    check(VISITOR, comments, r#"[{"id":1,"note":{"owner":"ann"}}, {"id":2,"note":null}, {"id":3,"note":null}]"#);
    check(BOB, "comments?select=id,notes!inner(id)&id=gt.1", r#"[{"id":3,"notes":{"id":3}}]"#);

    check(ANN, "rpc/asks", r#"["member", "ann"]"#);
    check(VISITOR, "rpc/asks", r#"["visitor", null]"#);
}
