//! `allowed_outbound_hosts`: where a component may send requests.
//!
//! ```text
//! allowed = scheme "://" host [ ":" port ] [ "/" ]
//! scheme  = "*" | letters
//! host    = "*" | "*." domain | "self" | name | address | network "/" bits
//! port    = "*" | number | number ".." number        ; the end of a range is outside of it
//! ```
//!
//! Without a port, the scheme's own is meant. Syntax and meaning are Spin's:
//! <https://spinframework.dev/http-outbound#granting-http-permissions-to-components>.

use std::net::IpAddr;
use std::ops::Range;

use http::Uri;

use crate::error::{Error, ErrorKind};

/// The hosts that spin.toml allows to one component.
#[derive(Debug, Default)]
pub(crate) struct AllowedHosts(Vec<AllowedHost>);

#[derive(Debug, PartialEq, Eq)]
struct AllowedHost {
    /// `None` is any.
    scheme: Option<String>,
    host: Host,
    /// `None` is any.
    ports: Option<Range<u32>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    Any,
    Named(String),
    /// With its leading dot.
    Subdomain(String),
    /// The application itself.
    Own,
    Network {
        address: IpAddr,
        bits: u32,
    },
}

impl AllowedHosts {
    /// Parses the manifest's entries, templates already filled in.
    pub(crate) fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<AllowedHosts, Error> {
        entries.into_iter().map(AllowedHost::parse).collect::<Result<_, _>>().map(AllowedHosts)
    }

    /// Whether a request to `uri`, which has a scheme and an authority, may be sent.
    pub(crate) fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let Some(port) = uri.port_u16().or_else(|| default_port(scheme)) else { return false };
        self.0.iter().any(|allowed| allowed.allows(scheme, host, port))
    }

    /// Whether the component may send requests to the application that it is part of.
    pub(crate) fn allows_own(&self, scheme: &str) -> bool {
        self.0.iter().any(|allowed| matches!(allowed.host, Host::Own | Host::Any) && allowed.allows_scheme(scheme))
    }
}

impl AllowedHost {
    fn parse(entry: &str) -> Result<AllowedHost, Error> {
        let refuse = |why: &str| Error::new(ErrorKind::Manifest, format!("allowed outbound host `{entry}`: {why}"));
        let (scheme, rest) = entry
            .trim()
            .split_once("://")
            .ok_or_else(|| refuse("it must have the form scheme://host[:port]; `*` stands for any of each"))?;
        let (host, port) = split_port(rest.strip_suffix('/').unwrap_or(rest));
        if scheme != "*" && (scheme.is_empty() || !scheme.bytes().all(|byte| byte.is_ascii_alphabetic())) {
            return Err(refuse("the scheme must be letters or `*`"));
        }
        let ports = match port {
            Some("*") => None,
            Some(port) => {
                Some(parse_ports(port).ok_or_else(|| refuse("the port must be a number, a range `a..b` or `*`"))?)
            }
            None => {
                let port = default_port(scheme)
                    .ok_or_else(|| refuse("this scheme has no port of its own, so one must be given"))?;
                Some(port.into()..u32::from(port) + 1)
            }
        };
        Ok(AllowedHost {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Host::parse(host).map_err(refuse)?,
            ports,
        })
    }

    fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        self.allows_scheme(scheme)
            && self.ports.as_ref().is_none_or(|ports| ports.contains(&port.into()))
            && self.host.allows(host)
    }

    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme.as_deref().is_none_or(|allowed| allowed == scheme)
    }
}

impl Host {
    fn parse(host: &str) -> Result<Host, &'static str> {
        if host == "*" {
            return Ok(Host::Any);
        }
        if host == "self" || host == "self.alt" {
            return Ok(Host::Own);
        }
        if let Some((address, bits)) = host.split_once('/') {
            let network = parse_address(address).zip(bits.parse().ok());
            let (address, bits) = network.ok_or("a path is not allowed")?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            return if bits <= most {
                Ok(Host::Network { address, bits })
            } else {
                Err("the network has too many bits")
            };
        }
        let name = host.strip_prefix("*.").unwrap_or(host);
        if name.is_empty() || name.contains(['*', '{', '?', '#', '@']) {
            return Err("the host must be a name, an address, or `*` in place of the first label");
        }
        let name = name.to_ascii_lowercase();
        Ok(if host.starts_with("*.") { Host::Subdomain(format!(".{name}")) } else { Host::Named(name) })
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Host::Any => true,
            Host::Named(name) => name.eq_ignore_ascii_case(host),
            Host::Subdomain(suffix) => host.to_ascii_lowercase().ends_with(suffix),
            Host::Own => false,
            Host::Network { address, bits } => {
                parse_address(host).is_some_and(|host| in_network(host, *address, *bits))
            }
        }
    }
}

/// Splits at the colon before a port, which is not one of those inside an IPv6 address.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains([']', '/']) => (host, Some(port)),
        _ => (authority, None),
    }
}

fn parse_ports(text: &str) -> Option<Range<u32>> {
    let number = |text: &str| text.parse::<u16>().ok().map(u32::from);
    match text.split_once("..") {
        Some((start, end)) => Some(number(start)?..number(end)?),
        None => number(text).map(|port| port..port + 1),
    }
}

fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

fn in_network(host: IpAddr, network: IpAddr, bits: u32) -> bool {
    let same = |difference: u128, width: u32| difference.checked_shr(width - bits).unwrap_or(0) == 0;
    match (host, network) {
        (IpAddr::V4(host), IpAddr::V4(network)) => same((host.to_bits() ^ network.to_bits()).into(), 32),
        (IpAddr::V6(host), IpAddr::V6(network)) => same(host.to_bits() ^ network.to_bits(), 128),
        _ => false,
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, allowed: &[&str], denied: &[&str]) {
        let hosts = AllowedHosts::parse([entry]).expect("valid");
        for (uris, expected) in [(allowed, true), (denied, false)] {
            for uri in uris {
                assert_eq!(hosts.allows(&uri.parse().expect("a URI")), expected, "{uri} by {entry}");
            }
        }
    }

    #[test]
    fn ok_host_and_port() {
        check(
            "http://127.0.0.1:5433",
            &["http://127.0.0.1:5433/sql", "http://127.0.0.1:5433"],
            &["http://127.0.0.1/", "http://127.0.0.1:5434/", "https://127.0.0.1:5433/", "http://localhost:5433/"],
        );
        check(
            "https://example.com/",
            &["https://example.com/", "https://EXAMPLE.com:443/x"],
            &["https://example.com:444/"],
        );
        check("http://[::1]:80", &["http://[::1]/"], &["http://[::2]/"]);
        check("http://[::1]", &["http://[::1]/"], &["http://[::1]:81/"]);
    }

    #[test]
    fn ok_wildcards() {
        check("*://*:*", &["http://a/", "https://b:1/", "redis://c/"], &["unknown://d/"]);
        check("https://*", &["https://a.example/"], &["http://a.example/", "https://a.example:8443/"]);
        check(
            "https://*.example.com",
            &["https://a.example.com/", "https://a.b.example.com/"],
            &["https://example.com/"],
        );
        check(
            "http://localhost:8000..8010",
            &["http://localhost:8000/", "http://localhost:8009/"],
            &["http://localhost:8010/"],
        );
        check("*://localhost:65535", &["http://localhost:65535/"], &["http://localhost/"]);
    }

    #[test]
    fn ok_networks() {
        check(
            "http://10.0.0.0/8:*",
            &["http://10.1.2.3:99/"],
            &["http://11.0.0.1/", "http://example.com/", "http://[::1]/"],
        );
        check("http://10.0.0.1/32", &["http://10.0.0.1/"], &["http://10.0.0.2/"]);
        check("http://0.0.0.0/0", &["http://1.2.3.4/"], &["http://name/", "http://[::1]/"]);
        check("http://[fd00::]/8:*", &["http://[fd00::1]:8/"], &["http://[fe00::1]:8/"]);
    }

    #[test]
    fn ok_own() {
        let own = AllowedHosts::parse(["http://self"]).expect("valid");
        assert!(own.allows_own("http") && !own.allows_own("https"));
        check("http://self", &[], &["http://self/", "http://localhost/"]);
        assert!(AllowedHosts::parse(["*://*:*"]).expect("valid").allows_own("http"));
        assert!(!AllowedHosts::parse(["http://example.com"]).expect("valid").allows_own("http"));
    }

    #[test]
    fn ok_userinfo_is_not_the_host() {
        check("http://good.example", &["http://user@good.example/"], &["http://good.example@evil.example/"]);
    }

    #[test]
    fn err_entry() {
        for entry in [
            "",
            "*",
            "example.com",
            "http://",
            "http://a/path",
            "http://a:b",
            "http://a:1/b",
            "http://a*b",
            "http://*.*.b",
            "x://a",
            "ht tp://a",
            "http://10.0.0.0/33",
            "http://{a,b}",
            "http://a:99999",
        ] {
            assert!(AllowedHosts::parse([entry]).is_err(), "{entry}");
        }
    }
}
