//! Headers that every response has, unless its function has set them.
//!
//! | header | on | why |
//! | --- | --- | --- |
//! | `X-Content-Type-Options: nosniff` | all | a body is what its `Content-Type` says (Fetch §3.6) |
//! | `Referrer-Policy: no-referrer` | all | URLs here have values of rows in them (Referrer Policy §3.1) |
//! | `Content-Security-Policy` | pages | [`PAGE_POLICY`] (CSP Level 3) |
//! | `Strict-Transport-Security` | what came by TLS | RFC 6797 §7.1; over plain HTTP it must not be sent (§7.2) |

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// For pages that say nothing themselves: no frame of another origin around it, no other base for its links, no plugins. A
/// function that makes its own pages knows what they load, and says more.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static("base-uri 'none'; frame-ancestors 'self'; object-src 'none'");

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// A year.
const TRANSPORT_SECURITY: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Whether the caller speaks TLS, to us or to the proxy before us, which then says so in `X-Forwarded-Proto`.
pub(crate) fn is_secure(request: &HeaderMap) -> bool {
    request.get(X_FORWARDED_PROTO).is_some_and(|scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// Adds what is missing.
pub(crate) fn tidy(headers: &mut HeaderMap, is_secure: bool) {
    let is_page =
        headers.get(header::CONTENT_TYPE).is_some_and(|media_type| media_type.as_bytes().starts_with(b"text/html"));
    unless_set(headers, header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    unless_set(headers, header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if is_page {
        unless_set(headers, header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    }
    if is_secure {
        unless_set(headers, header::STRICT_TRANSPORT_SECURITY, TRANSPORT_SECURITY);
    }
}

fn unless_set(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) {
    headers.entry(name).or_insert(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[track_caller]
    fn check(set: &[(&'static str, &'static str)], is_secure: bool, expected: &[(&'static str, &'static str)]) {
        let mut tidied = headers(set);
        tidy(&mut tidied, is_secure);
        assert_eq!(tidied, headers(expected));
    }

    const ALWAYS: [(&str, &str); 2] = [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")];

    #[test]
    fn ok_what_is_missing() {
        check(&[], false, &ALWAYS);
        check(&[], true, &[ALWAYS[0], ALWAYS[1], ("strict-transport-security", "max-age=31536000")]);
        let page = ("content-type", "text/html; charset=utf-8");
        let policy = ("content-security-policy", "base-uri 'none'; frame-ancestors 'self'; object-src 'none'");
        check(&[page], false, &[page, ALWAYS[0], ALWAYS[1], policy]);
    }

    #[test]
    fn ok_what_a_function_says_stays() {
        let own = [
            ("referrer-policy", "origin"),
            ("x-content-type-options", "nosniff"),
            ("content-type", "text/html"),
            ("content-security-policy", "default-src 'self'"),
        ];
        check(&own, false, &own);
    }

    #[test]
    fn ok_tls_is_what_the_proxy_says() {
        assert!(is_secure(&headers(&[("x-forwarded-proto", "https")])));
        assert!(is_secure(&headers(&[("x-forwarded-proto", "HTTPS")])));
        assert!(!is_secure(&headers(&[("x-forwarded-proto", "http")])));
        assert!(!is_secure(&headers(&[])));
    }
}
