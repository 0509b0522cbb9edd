use http::header::RANGE;

use super::query_params::EmbedPath;
use super::*;

fn parse(query: &str) -> Result<ApiRequest, Error> {
    let films = Target::Relation("films".into());
    ApiRequest::parse(&Method::GET, films, Some(query), &HeaderMap::new(), Bytes::new(), &Config::default(), None)
}

#[track_caller]
fn refused(query: &str, expected: &str) {
    assert_eq!(parse(query).unwrap_err().to_string(), expected);
}

#[test]
fn ok_each_parameter_finds_its_place() {
    let params = parse("select=id&id=eq.1&a.b.c=is.null&a.order=id&limit=3&a.offset=1&a.limit=2&not.or=(x.is.null)&a.not.and=(y.is.true)&columns=x&on_conflict=y&ignored")
        .unwrap()
        .query_params;
    let paths = |paths: Vec<&EmbedPath>| paths.iter().map(|path| path.join(".")).collect::<Vec<_>>();
    assert_eq!(paths(params.filters.iter().map(|(path, _)| path).collect()), ["", "a.b"]);
    assert_eq!(paths(params.order.iter().map(|(path, _)| path).collect()), ["a"]);
    assert_eq!(paths(params.ranges.iter().map(|(path, _)| path).collect()), ["", "a"]);
    assert_eq!(paths(params.logic.iter().map(|(path, _)| path).collect()), ["", "a"]);
    assert!(params.logic.iter().all(|(_, tree)| matches!(tree, LogicTree::Group { is_negated: true, .. })));
    assert_eq!(params.select.len(), 1);
}

#[test]
fn ok_decoding() {
    let value = |query: &str| match &parse(query).unwrap().query_params.filters[0].1 {
        Filter { operation: Operation::Quantified(_, _, value), field, .. } => format!("{} {value}", field.name),
        other => panic!("{other:?}"),
    };
    assert_eq!(value("a+b=eq.c+d%20%2B%26"), "a b c d +&");
    assert_eq!(value("%C3%A9=eq.%F0%9F%99%82"), "é 🙂");
    assert_eq!(value("a=eq.100%&&"), "a 100%");
    assert_eq!(value("x&a=eq.1;"), "a 1");
}

#[test]
fn err_what_text_cannot_hold() {
    refused("a=eq.%00", "22021: invalid byte sequence for encoding \"UTF8\": 0x00");
    refused("a=eq.%FF", "PGRST100: failed to parse the query string");
    refused("%C3=eq.1", "PGRST100: failed to parse the query string");
}

#[test]
fn err_malformed_names() {
    refused("a..b=eq.1", "PGRST100: \"failed to parse tree path (a..b)\" (line 1, column 3)");
    refused("=eq.1", "PGRST100: \"failed to parse tree path ()\" (line 1, column 1)");
    refused("a!b=eq.1", "PGRST100: \"failed to parse tree path (a!b)\" (line 1, column 2)");
    refused(".limit=1", "PGRST100: \"failed to parse tree path (.limit)\" (line 1, column 1)");
}

#[test]
fn err_beyond_the_limits() {
    use crate::limits::*;
    let filters = |count: usize| vec!["a=is.null"; count].join("&");
    assert!(parse(&filters(FILTERS_MAX)).is_ok());
    refused(&filters(FILTERS_MAX + 1), "PGRST100: failed to parse the query string");
    let inside = format!("or=({})", vec!["a.is.null"; FILTERS_MAX + 1].join(","));
    refused(&inside, "PGRST100: failed to parse the query string");
    let order = |count: usize| format!("order={}", vec!["a"; count].join(","));
    assert!(parse(&order(ORDER_TERMS_MAX)).is_ok());
    refused(&order(ORDER_TERMS_MAX + 1), "PGRST100: failed to parse the query string");
    let long = |length: usize| format!("a=eq.{}", "x".repeat(length - 5));
    assert!(parse(&long(QUERY_BYTES_MAX)).is_ok());
    assert_eq!(parse(&long(QUERY_BYTES_MAX + 1)).unwrap_err().status(), 414);
}

#[test]
fn err_method_relation_or_schema() {
    let parse = |method: Method, relation: &str, profile: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("accept-profile", profile.parse().unwrap());
        let relation = Target::Relation(relation.into());
        ApiRequest::parse(&method, relation, None, &headers, Bytes::new(), &Config::default(), None)
            .map_err(|error| error.to_string())
    };
    assert!(parse(Method::HEAD, "films", "public").is_ok());
    assert_eq!(parse(Method::TRACE, "films", "public").unwrap_err(), "PGRST117: Unsupported HTTP method: TRACE");
    assert_eq!(
        parse(Method::GET, "a\0b", "public").unwrap_err(),
        "22021: invalid byte sequence for encoding \"UTF8\": 0x00"
    );
    assert_eq!(parse(Method::GET, "films", "private").unwrap_err(), "PGRST106: Invalid schema: private");
}

#[test]
fn ok_range_is_for_get_only() {
    let range = |method: Method| {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, "1-2".parse().unwrap());
        let films = Target::Relation("films".into());
        ApiRequest::parse(&method, films, None, &headers, Bytes::new(), &Config::default(), None).unwrap().range
    };
    assert_eq!(range(Method::GET), Range { offset: 1, limit: Some(2) });
    assert_eq!(range(Method::HEAD), Range::default());
}

#[test]
fn ok_canonical_query() {
    assert_eq!(canonical("a=1&c=3&b=2&d"), "a=1&b=2&c=3&d=");
    assert_eq!(canonical("select=a,b&id=gt.0&id=lt.6"), "id=gt.0,lt.6&select=a%2Cb");
    assert_eq!(canonical(""), "");
}

/// Whatever arrives, the answer is a value: no panic, and no more time than the text is long.
#[test]
fn ok_random_and_truncated_queries_never_panic() {
    const QUERIES: [&str; 4] = [
        "select=a:b->c->>-1::int,*,d!e!inner(f,\"g h\"()),i(*)&order=a.desc.nullslast,d(f).asc,j->0.nullsfirst",
        "or=(a.eq.1,not.and(b.in.(1,\"2\\\"\"),c.fts(x).y,d.cs.{1,2}),e.is.not_null)&d.not.or=(f.isdistinct.1)",
        "a=in.(1,\"b,c\",)&a->>b=not.like(any).{*x*}&limit=1&d.offset=2&select=%20%2B%F0%9F%99%82",
        "a=wfts(german).x&b=adj.(1,2)&c=is.TRUE&select=...d(*)&select=count()&e=match(all).^x",
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for query in QUERIES {
        for end in 0..=query.len() {
            let _ = parse(&query[..end]);
        }
        for _ in 0..5_000 {
            let mut bytes = query.as_bytes().to_vec();
            for _ in 0..random.usize(1..6) {
                let index = random.usize(..bytes.len());
                bytes[index] = *random.choice(b"(),.\"\\:!-><*%&;=+ \0{}'$a1\xF0\x9F").unwrap();
            }
            let _ = parse(&String::from_utf8_lossy(&bytes));
        }
    }
    for _ in 0..5_000 {
        let bytes: Vec<u8> = (0..random.usize(..80)).map(|_| random.u8(..)).collect();
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }
}
