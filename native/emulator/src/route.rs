//! Which component answers a path: <https://spinframework.dev/http-trigger#http-trigger-routes>.
//!
//! ```text
//! route   = "/" segment *( "/" segment ) [ "/..." ] | "/..."
//! segment = text | ":" name
//! ```
//!
//! Segments are compared from the left; text goes before `:name`, and either before `...`, so the longest prefix wins.
//! `/...` after a prefix also matches the prefix itself, and a slash at the end of a path makes no difference.

use http::HeaderValue;

use crate::error::{Error, ErrorKind};

/// The routes, most specific first.
pub(crate) struct Router<T> {
    routes: Vec<(Pattern, T)>,
}

/// One route, parsed.
pub(crate) struct Pattern {
    /// As written, with a leading slash and without a trailing one.
    pub(crate) matched_route: HeaderValue,
    /// As written.
    pub(crate) raw_route: HeaderValue,
    /// As written, but for `/...` at the end.
    pub(crate) component_route: HeaderValue,
    segments: Vec<Segment>,
}

/// The order of the variants is the order of precedence.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Text(String),
    Parameter(String),
    Rest,
}

impl<T> Router<T> {
    /// Sorts the routes. Of two that are the same the later one holds, as in Spin.
    pub(crate) fn new(routes: impl IntoIterator<Item = (Pattern, T)>) -> Router<T> {
        let mut sorted: Vec<(Pattern, T)> = Vec::new();
        for (pattern, target) in routes {
            match sorted.binary_search_by(|(other, _)| other.segments.cmp(&pattern.segments)) {
                Ok(same) => {
                    tracing::warn!(route = ?pattern.raw_route, "two triggers have the same route; the later one holds");
                    sorted[same] = (pattern, target);
                }
                Err(place) => sorted.insert(place, (pattern, target)),
            }
        }
        Router { routes: sorted }
    }

    /// The first route that matches `path`.
    pub(crate) fn find(&self, path: &str) -> Option<(&Pattern, &T)> {
        self.routes.iter().find(|(pattern, _)| pattern.matches(path)).map(|(pattern, target)| (pattern, target))
    }
}

impl Pattern {
    /// Parses a route as it stands in the manifest.
    pub(crate) fn parse(route: &str) -> Result<Pattern, Error> {
        let mut segments: Vec<Segment> = Vec::new();
        for segment in split(route) {
            if matches!(segments.last(), Some(Segment::Rest)) {
                return Err(refuse(route, "`...` must be its last segment"));
            }
            segments.push(match segment.strip_prefix(':') {
                _ if segment == "..." || segment == "*" => Segment::Rest,
                Some("") => return Err(refuse(route, "`:` must be followed by a name")),
                Some(name) => Segment::Parameter(name.to_ascii_lowercase()),
                None => Segment::Text(segment.to_owned()),
            });
        }
        let absolute = if route.starts_with('/') { route.to_owned() } else { format!("/{route}") };
        let header =
            |text: &str| HeaderValue::from_str(text).map_err(|_| refuse(route, "it must be fit for a header field"));
        Ok(Pattern {
            matched_route: header(absolute.strip_suffix('/').unwrap_or(&absolute))?,
            raw_route: header(route)?,
            component_route: header(route.strip_suffix("/...").unwrap_or(route))?,
            segments,
        })
    }

    fn matches(&self, path: &str) -> bool {
        let mut found = split(path);
        for segment in &self.segments {
            let matches = match (segment, found.next()) {
                (Segment::Rest, _) => return true,
                (Segment::Text(text), Some(found)) => text == found,
                (Segment::Parameter(_), Some(_)) => true,
                (_, None) => false,
            };
            if !matches {
                return false;
            }
        }
        found.next().is_none()
    }

    /// What `...` stands for in a path that matches: empty, or with a leading slash.
    pub(crate) fn path_info<'a>(&self, path: &'a str) -> &'a str {
        if self.segments.last() != Some(&Segment::Rest) {
            return "";
        }
        let mut rest = path;
        for _ in 1..self.segments.len() {
            let start = rest.len() - rest.trim_start_matches('/').len();
            rest = rest[start..].find('/').map_or("", |slash| &rest[start + slash..]);
        }
        rest
    }

    /// The names and values of `:name` segments in a path that matches.
    pub(crate) fn parameters<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.segments.iter().zip(split(path)).filter_map(|(segment, found)| match segment {
            Segment::Parameter(name) => Some((name.as_str(), found)),
            _ => None,
        })
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.trim_matches('/');
    trimmed.split('/').take(if trimmed.is_empty() { 0 } else { usize::MAX })
}

fn refuse(route: &str, why: &str) -> Error {
    Error::new(ErrorKind::Manifest, format!("route `{route}`: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(routes: &[&'static str], path: &str, expected: Option<(&str, &str)>) {
        for routes in [routes.to_vec(), routes.iter().rev().copied().collect()] {
            let router = Router::new(routes.iter().map(|route| (Pattern::parse(route).expect("valid"), *route)));
            let found = router.find(path).map(|(pattern, route)| (*route, pattern.path_info(path)));
            assert_eq!(found, expected, "{path} in {routes:?}");
        }
    }

    #[test]
    fn ok_exact() {
        check(&["/foo", "/foo/bar"], "/foo", Some(("/foo", "")));
        check(&["/foo", "/foo/bar"], "/foo/bar/", Some(("/foo/bar", "")));
        check(&["/"], "/", Some(("/", "")));
        check(&["/foo"], "/foobar", None);
        check(&["/foo"], "/foo/bar", None);
        check(&["/foo"], "/", None);
    }

    #[test]
    fn ok_wildcard() {
        check(&["/..."], "/", Some(("/...", "/")));
        check(&["/..."], "/a/b", Some(("/...", "/a/b")));
        check(&["/a/..."], "/a", Some(("/a/...", "")));
        check(&["/a/..."], "/a/", Some(("/a/...", "/")));
        check(&["/a/..."], "/a/b/c/", Some(("/a/...", "/b/c/")));
        check(&["/a/..."], "/ab", None);
    }

    #[test]
    fn ok_most_specific() {
        let routes = ["/one/...", "/one/two/...", "/one/two/three/...", "/one", "/..."];
        check(&routes, "/one/two/three/four", Some(("/one/two/three/...", "/four")));
        check(&routes, "/one/two/four", Some(("/one/two/...", "/four")));
        check(&routes, "/one", Some(("/one", "")));
        check(&routes, "/one/x", Some(("/one/...", "/x")));
        check(&routes, "/two", Some(("/...", "/two")));
        check(&["/users/:id", "/users/me", "/users/..."], "/users/me", Some(("/users/me", "")));
        check(&["/users/:id", "/users/me", "/users/..."], "/users/7", Some(("/users/:id", "")));
    }

    #[test]
    fn ok_parameters() {
        let pattern = Pattern::parse("/u/:Id/posts/:post/...").expect("valid");
        let path = "/u/42/posts/x%20y/rest";
        assert!(pattern.matches(path));
        assert_eq!(pattern.parameters(path).collect::<Vec<_>>(), [("id", "42"), ("post", "x%20y")]);
        assert_eq!(pattern.path_info(path), "/rest");
    }

    #[test]
    fn ok_headers_as_spin_has_them() {
        let headers = |route| {
            let pattern = Pattern::parse(route).expect("valid");
            [pattern.matched_route, pattern.raw_route, pattern.component_route]
                .map(|value| value.to_str().expect("ASCII").to_owned())
        };
        assert_eq!(headers("/foo/:id/..."), ["/foo/:id/...", "/foo/:id/...", "/foo/:id"]);
        assert_eq!(headers("/"), ["", "/", "/"]);
        assert_eq!(headers("foo/"), ["/foo", "foo/", "foo/"]);
        assert_eq!(headers("/..."), ["/...", "/...", ""]);
    }

    #[test]
    fn err_pattern() {
        for route in ["/.../a", "/:", "/a/:/b", "/a\nb"] {
            assert!(Pattern::parse(route).is_err(), "{route}");
        }
    }
}
