//! URIs, RFC 3986 §3.
//!
//! ```text
//! URI       = scheme ":" hier-part [ "?" query ] [ "#" fragment ]
//! hier-part = "//" authority path-abempty / path-absolute / path-rootless / path-empty
//! authority = [ userinfo "@" ] host [ ":" port ]
//! ```

use super::host::is_ipv6;

const PATH: &[u8] = b":@/";
const QUERY: &[u8] = b":@/?";

pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    is_scheme(scheme) && is_hierarchy(hierarchy) && consists_of(query, QUERY) && consists_of(fragment, QUERY)
}

/// §3.1.
fn is_scheme(text: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(is_inside)
}

fn is_hierarchy(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("//") else { return consists_of(text, PATH) };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    is_authority(authority) && consists_of(path, PATH)
}

/// §3.2.
fn is_authority(text: &str) -> bool {
    let (user, host) = text.rsplit_once('@').unwrap_or(("", text));
    // A colon inside brackets is a part of the address.
    let end = host.rfind(']').map_or(0, |bracket| bracket + 1);
    let (name, port) = match host[end..].split_once(':') {
        Some((name, port)) => (&host[..end + name.len()], port),
        None => (host, ""),
    };
    consists_of(user, b":") && is_host(name) && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// §3.2.2: a name, an IPv4 address, or another one in brackets.
fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => is_ipv6(address) || is_future_address(address),
        None => consists_of(text, b""),
    }
}

/// `IPvFuture = "v" 1*HEXDIG "." 1*( unreserved / sub-delims / ":" )`
fn is_future_address(text: &str) -> bool {
    let Some((version, address)) = text.split_once('.') else { return false };
    let version = version.strip_prefix(['v', 'V']).unwrap_or_default();
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !address.is_empty()
        && !address.contains('%')
        && consists_of(address, b":")
}

/// Whether all are `unreserved`, `pct-encoded` or `sub-delims` (§2), or one of these.
fn consists_of(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let is_fit = match byte {
            b'%' => [bytes.next(), bytes.next()].iter().all(|digit| digit.is_some_and(|byte| byte.is_ascii_hexdigit())),
            _ => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || others.contains(&byte),
        };
        if !is_fit {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Those of RFC 3986 §1.1.2 among them.
    #[test]
    fn ok_uris() {
        for text in [
            "ftp://ftp.is.co.za/rfc/rfc1808.txt",
            "http://www.ietf.org/rfc/rfc2396.txt",
            "ldap://[2001:db8::7]/c=GB?objectClass?one",
            "mailto:John.Doe@example.com",
            "news:comp.infosystems.www.servers.unix",
            "tel:+1-816-555-1212",
            "telnet://192.0.2.16:80/",
            "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
            "http://user:pass@example.com:8080/%7Efoo/bar?a=b/c?d#e?f",
            "http://[::1]:80",
            "http://[v1.fe80::a+en1]/",
            "a:",
            "file:///etc/hosts",
            "http://example.com:",
        ] {
            assert!(is_uri(text), "{text}");
        }
    }

    #[test]
    fn err_no_uris() {
        for text in [
            "",
            ":",
            "//example.com/",
            "/a/b",
            "1http://example.com",
            "ht_tp://example.com",
            "http://exa mple.com",
            "http://example.com/<x>",
            "http://example.com/\\",
            "http://example.com/%7",
            "http://example.com/%zz",
            "http://example.com/#a#b",
            "http://example.com:80a/",
            "http://[::1",
            "http://::1]/",
            "http://[::g]/",
            "http://[v.x]/",
            "http://[v1.%41]/",
            "http://a@b@c/",
            "http://example.com/ä",
            "bücher:x",
        ] {
            assert!(!is_uri(text), "{text}");
        }
    }
}
