//! A catalog for the tests beside the code: what the introspection answers for `tests/postgres/cinema.sql`.

use bytes::Bytes;
use catalog::Catalog;
use config::Config;
use http::{HeaderMap, HeaderName, Method};

use crate::{ApiRequest, Caller, Error, Target};

/// The catalog of the cinema.
pub(crate) fn catalog() -> Catalog {
    Catalog::from_introspection(include_bytes!("../tests/postgres/cinema.json")).expect("the stored answer can be read")
}

/// A policy that exposes the cinema.
pub(crate) fn config() -> Config {
    Config { db_schemas: vec!["cinema".into()], db_extra_search_path: vec!["public".into()], ..Config::default() }
}

/// A caller without a token.
pub(crate) const READER: Caller<'static> = Caller { role: "reader", claims_json: "{}", is_anonymous: true };

/// A GET of `url`, such as `films?id=eq.1`.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Result<ApiRequest, Error> {
    request(Method::GET, url, headers)
}

/// A request of `url`, such as `films?id=eq.1`.
pub(crate) fn request(method: Method, url: &str, headers: &[(&str, &str)]) -> Result<ApiRequest, Error> {
    request_under(method, url, headers, &config())
}

/// The same under another policy.
pub(crate) fn request_under(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    config: &Config,
) -> Result<ApiRequest, Error> {
    sent_under(method, url, headers, "", config)
}

/// A request of `url` with a body; `rpc/add?a=1` calls a function.
pub(crate) fn sent(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Result<ApiRequest, Error> {
    sent_under(method, url, headers, body, &config())
}

/// The same under another policy.
pub(crate) fn sent_under(
    method: Method,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
    config: &Config,
) -> Result<ApiRequest, Error> {
    let (name, query) = url.split_once('?').map_or((url, None), |(name, query)| (name, Some(query)));
    let target = name.strip_prefix("rpc/").map_or(Target::Relation(name.into()), |name| Target::Function(name.into()));
    let header = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    let headers: HeaderMap = headers.iter().map(header).collect();
    ApiRequest::parse(&method, target, query, &headers, Bytes::copy_from_slice(body.as_bytes()), config, None)
}
