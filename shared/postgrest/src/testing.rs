//! A catalog for the tests beside the code: what the introspection answers for `tests/postgres/cinema.sql`.

use catalog::Catalog;
use config::Config;
use http::{HeaderMap, HeaderName, Method};

use crate::{ApiRequest, Error};

/// The catalog of the cinema.
pub(crate) fn catalog() -> Catalog {
    Catalog::from_introspection(include_bytes!("../tests/postgres/cinema.json")).expect("the stored answer can be read")
}

/// A policy that exposes the cinema.
pub(crate) fn config() -> Config {
    Config { db_schemas: vec!["cinema".into()], db_extra_search_path: vec!["public".into()], ..Config::default() }
}

/// A GET of `url`, such as `films?id=eq.1`.
pub(crate) fn get(url: &str, headers: &[(&str, &str)]) -> Result<ApiRequest, Error> {
    request(Method::GET, url, headers)
}

/// A request of `url`, such as `films?id=eq.1`.
pub(crate) fn request(method: Method, url: &str, headers: &[(&str, &str)]) -> Result<ApiRequest, Error> {
    let (relation, query) = url.split_once('?').map_or((url, None), |(relation, query)| (relation, Some(query)));
    let header = |(name, value): &(&str, &str)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    let headers: HeaderMap = headers.iter().map(header).collect();
    ApiRequest::parse(&method, relation, query, &headers, &config())
}
