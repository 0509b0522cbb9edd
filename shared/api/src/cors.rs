//! Which pages of other origins may call: the CORS protocol (<https://fetch.spec.whatwg.org/#http-cors-protocol>), as
//! PostgREST speaks it.
//!
//! With `server-cors-allowed-origins` a page of one of those origins may call with credentials, and others get no word
//! of it; without, any page may call, and without credentials of the browser's own. A token in a header is none of
//! those.

use config::Config;
use edge::{Body, HeaderMap, HeaderName, HeaderValue, Method, Response, header};

const METHODS: &str = "GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD";
/// Allowed whatever is asked for, as is all that is asked for.
const HEADERS_BEFORE: &str = "Authorization";
const HEADERS_AFTER: [&str; 3] = ["Accept", "Accept-Language", "Content-Language"];
/// What a page may read of a response beyond what it always may.
const EXPOSED: &str = "Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, \
                       Transfer-Encoding, Range-Unit";
/// And of what may be stored.
const EXPOSED_STORED: &str = "Age, Cache-Status, ETag, Headland-Snapshot, Server-Timing";
/// And where there are limits.
const EXPOSED_LIMITS: &str = "RateLimit, RateLimit-Policy, Retry-After";
/// How long a browser remembers; browsers have limits of their own, the largest of which is this.
const MAX_AGE_SECONDS: u32 = 24 * 60 * 60;

/// That the page may call.
pub(crate) struct Grant {
    /// The page's origin, where only some may call; otherwise `*`.
    origin: HeaderValue,
    is_for_one: bool,
    has_limits: bool,
}

impl Grant {
    /// `None` for a request that comes from no page, or from one that may not call.
    pub(crate) fn of(headers: &HeaderMap, config: &Config) -> Option<Grant> {
        let origin = headers.get(header::ORIGIN)?;
        let has_limits = !config.limits.is_empty();
        if config.server_cors_allowed_origins.is_empty() {
            return Some(Grant { origin: HeaderValue::from_static("*"), is_for_one: false, has_limits });
        }
        let is_allowed =
            config.server_cors_allowed_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
        is_allowed.then(|| Grant { origin: origin.clone(), is_for_one: true, has_limits })
    }

    /// The answer to a preflight; `None` where the request is none.
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let requested = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?.to_str().ok()?;
        if method != Method::OPTIONS || !METHODS.split(", ").any(|method| method == requested) {
            return None;
        }
        let mut response = Response::new(Body::empty());
        let answer = response.headers_mut();
        answer.extend(self.common());
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
        if let Some(requested) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(requested)?);
        }
        answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(MAX_AGE_SECONDS));
        Some(response)
    }

    /// What goes with any other response.
    pub(crate) fn headers(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = self.common();
        headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED)));
        if self.has_limits {
            headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_LIMITS)));
        }
        headers.push((header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_STORED)));
        headers
    }

    fn common(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut common = vec![(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone())];
        if self.is_for_one {
            common.push((header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true")));
            // A cache must not give another page this page's response.
            common.push((header::VARY, HeaderValue::from_static("Origin")));
        }
        common
    }
}

/// All that is asked for; `None` where that is no list of names.
fn allowed_headers(requested: &HeaderValue) -> Option<HeaderValue> {
    let mut names = vec![HEADERS_BEFORE];
    for name in requested.to_str().ok()?.split(',').map(str::trim) {
        // RFC 9110 §5.1
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
        if name.is_empty() || !is_name {
            return None;
        }
        names.push(name);
    }
    let is_new = |name: &&str| !names.iter().any(|known| known.eq_ignore_ascii_case(name));
    let after: Vec<&str> = HEADERS_AFTER.into_iter().filter(is_new).collect();
    HeaderValue::try_from([names, after].concat().join(", ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    fn config(origins: &[&str]) -> Config {
        Config {
            server_cors_allowed_origins: origins.iter().map(|origin| origin.to_string()).collect(),
            ..Config::default()
        }
    }

    /// `name: value` of each header of the answer to a preflight.
    #[track_caller]
    fn check(origins: &[&str], request: &[(&'static str, &'static str)], expected: Option<&[&str]>) {
        let request = headers(request);
        let answer =
            Grant::of(&request, &config(origins)).and_then(|grant| grant.preflight(&Method::OPTIONS, &request));
        let lines = answer.map(|answer| {
            let line = |(name, value): (&HeaderName, &HeaderValue)| format!("{name}: {}", value.to_str().unwrap());
            answer.headers().iter().map(line).collect::<Vec<_>>()
        });
        assert_eq!(
            lines.as_deref(),
            expected.map(|lines| lines.iter().map(|line| line.to_string()).collect::<Vec<_>>()).as_deref()
        );
    }

    #[test]
    fn ok_any_origin() {
        check(
            &[],
            &[
                ("origin", "http://example.com"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "Foo,Bar"),
            ],
            Some(&[
                "access-control-allow-origin: *",
                "access-control-allow-methods: GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD",
                "access-control-allow-headers: Authorization, Foo, Bar, Accept, Accept-Language, Content-Language",
                "access-control-max-age: 86400",
            ]),
        );
    }

    /// Chromium's request for a call of `@supabase/supabase-js`, with a precondition.
    #[test]
    fn ok_what_supabase_js_sends() {
        check(
            &[],
            &[
                ("origin", "http://localhost:5173"),
                ("access-control-request-method", "PATCH"),
                (
                    "access-control-request-headers",
                    "accept,accept-profile,apikey,authorization,content-profile,content-type,if-match,prefer,x-client-info,x-retry-count",
                ),
            ],
            Some(&[
                "access-control-allow-origin: *",
                "access-control-allow-methods: GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD",
                "access-control-allow-headers: Authorization, accept, accept-profile, apikey, authorization, \
                 content-profile, content-type, if-match, prefer, x-client-info, x-retry-count, Accept-Language, Content-Language",
                "access-control-max-age: 86400",
            ]),
        );
    }

    #[test]
    fn ok_some_origins() {
        let origins = ["http://example.com", "http://example2.com"];
        check(
            &origins,
            &[("origin", "http://example2.com"), ("access-control-request-method", "GET")],
            Some(&[
                "access-control-allow-origin: http://example2.com",
                "access-control-allow-credentials: true",
                "vary: Origin",
                "access-control-allow-methods: GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD",
                "access-control-max-age: 86400",
            ]),
        );
        for origin in ["http://example.org", "http://example.com.example.org", "null", "*"] {
            check(&origins, &[("origin", origin), ("access-control-request-method", "GET")], None);
        }
    }

    #[test]
    fn err_what_is_no_preflight() {
        check(&[], &[("access-control-request-method", "GET")], None);
        check(&[], &[("origin", "http://example.com")], None);
        for method in ["get", "TRACE", ""] {
            let mut request = headers(&[("origin", "http://example.com")]);
            request.insert("access-control-request-method", HeaderValue::from_str(method).unwrap());
            assert!(Grant::of(&request, &config(&[])).unwrap().preflight(&Method::OPTIONS, &request).is_none());
        }
        for names in ["a b", "a,,b", "a\"b", ""] {
            let mut request = headers(&[("origin", "http://example.com"), ("access-control-request-method", "GET")]);
            request.insert("access-control-request-headers", HeaderValue::from_str(names).unwrap());
            assert!(
                Grant::of(&request, &config(&[])).unwrap().preflight(&Method::OPTIONS, &request).is_none(),
                "{names}"
            );
        }
    }
}
