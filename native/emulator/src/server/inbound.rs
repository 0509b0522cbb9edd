//! A request as Spin hands it to a component: an absolute URI, and header fields about the route that no client can forge.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header};

use crate::reply::Refusal;
use crate::route::Pattern;

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");
/// Followed by the name of a `:name` segment.
const PATH_MATCH_PREFIX: &str = "spin-path-match-";

/// Completes the request. `pattern` is the route that matched, `client` the address that it came from.
pub(super) fn prepare<B>(
    mut request: Request<B>,
    pattern: &Pattern,
    client: &HeaderValue,
) -> Result<Request<B>, Refusal> {
    let uri = complete(std::mem::take(request.uri_mut()), request.headers())?;
    let path = uri.path();
    let headers = request.headers_mut();
    remove_forged(headers);
    // A path and an authority have been parsed as a URI, so all of it is fit for a header field.
    let value = |text: &str| HeaderValue::from_str(text).map_err(|_| Refusal::AuthorityInvalid);
    headers.insert(PATH_INFO, value(pattern.path_info(path))?);
    headers.insert(FULL_URL, HeaderValue::try_from(uri.to_string()).map_err(|_| Refusal::AuthorityInvalid)?);
    headers.insert(MATCHED_ROUTE, pattern.matched_route.clone());
    headers.insert(BASE_PATH, HeaderValue::from_static("/"));
    headers.insert(RAW_COMPONENT_ROUTE, pattern.raw_route.clone());
    headers.insert(COMPONENT_ROUTE, pattern.component_route.clone());
    headers.insert(CLIENT_ADDR, client.clone());
    for (name, found) in pattern.parameters(path) {
        if let Ok(name) = HeaderName::try_from(format!("{PATH_MATCH_PREFIX}{name}")) {
            headers.insert(name, value(found)?);
        }
    }
    *request.uri_mut() = uri;
    Ok(request)
}

/// An absolute URI, of the authority that the client named.
fn complete(uri: Uri, headers: &HeaderMap) -> Result<Uri, Refusal> {
    let host = headers.get(header::HOST).map(|host| Authority::try_from(host.as_bytes())).transpose();
    let mut parts = uri.into_parts();
    parts.authority = match (host.map_err(|_| Refusal::AuthorityInvalid)?, parts.authority) {
        (Some(host), Some(authority)) if host != authority => return Err(Refusal::AuthorityInvalid),
        (host, authority) => Some(host.or(authority).ok_or(Refusal::AuthorityInvalid)?),
    };
    parts.scheme = Some(Scheme::HTTP);
    // `OPTIONS *` and CONNECT have no path.
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).map_err(|_| Refusal::AuthorityInvalid)
}

/// The other fields of Spin's are always set, and so replaced.
fn remove_forged(headers: &mut HeaderMap) {
    let forged = |name: &&HeaderName| name.as_str().starts_with(PATH_MATCH_PREFIX);
    if headers.keys().any(|name| forged(&name)) {
        let forged: Vec<HeaderName> = headers.keys().filter(forged).cloned().collect();
        forged.iter().for_each(|name| drop(headers.remove(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared(route: &str, uri: &str, headers: &[(&str, &str)]) -> Result<Request<()>, Refusal> {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        let client = HeaderValue::from_static("127.0.0.1:9");
        prepare(request.body(()).expect("a request"), &Pattern::parse(route).expect("a route"), &client)
    }

    #[track_caller]
    fn check(request: &Request<()>, expected: &[(&str, &str)]) {
        for (name, value) in expected {
            let found: Vec<_> = request.headers().get_all(*name).iter().collect();
            assert_eq!(found, [*value], "{name}");
        }
    }

    #[test]
    fn ok_fields() {
        let request =
            prepared("/foo/:userid/...", "/foo/42/bar?a=b%20c", &[("host", "example.com:8080")]).expect("accepted");
        assert_eq!(request.uri(), "http://example.com:8080/foo/42/bar?a=b%20c");
        check(
            &request,
            &[
                ("spin-path-info", "/bar"),
                ("spin-full-url", "http://example.com:8080/foo/42/bar?a=b%20c"),
                ("spin-matched-route", "/foo/:userid/..."),
                ("spin-base-path", "/"),
                ("spin-raw-component-route", "/foo/:userid/..."),
                ("spin-component-route", "/foo/:userid"),
                ("spin-client-addr", "127.0.0.1:9"),
                ("spin-path-match-userid", "42"),
            ],
        );
    }

    #[test]
    fn ok_nothing_forged_gets_through() {
        let forged = [
            ("host", "a"),
            ("Spin-Client-Addr", "1.2.3.4:5"),
            ("spin-client-addr", "6.7.8.9:1"),
            ("spin-path-info", "/admin"),
            ("spin-path-match-role", "admin"),
            ("spin-other", "kept"),
        ];
        let request = prepared("/", "/", &forged).expect("accepted");
        check(&request, &[("spin-client-addr", "127.0.0.1:9"), ("spin-path-info", ""), ("spin-other", "kept")]);
        assert!(!request.headers().contains_key("spin-path-match-role"));
    }

    #[test]
    fn err_authority() {
        for headers in [&[][..], &[("host", "a b")], &[("host", "")], &[("host", "a/b")]] {
            assert_eq!(prepared("/", "/", headers).err(), Some(Refusal::AuthorityInvalid), "{headers:?}");
        }
        assert_eq!(prepared("/", "http://a/", &[("host", "b")]).err(), Some(Refusal::AuthorityInvalid));
        assert!(prepared("/", "http://a/", &[("host", "a")]).is_ok());
        assert!(prepared("/", "http://a/", &[]).is_ok());
    }
}
