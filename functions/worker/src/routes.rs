//! Which function answers at which path: the same routes as the triggers in spin.toml.

use edge::{Edge, Error, Request, Response};

/// Makes [`handle`]. The first route that matches is taken; `/...` at the end matches the path and all below it.
macro_rules! routes {
    ($($route:literal => $function:ident,)*) => {
        /// Hands the request to the function of its path.
        pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
            $(
                if matches($route, request.uri().path()) {
                    return $function::handle(request, edge).await;
                }
            )*
            Err(Error::not_found())
        }
    };
}

routes! {
    "/health" => health,
    "/ready" => health,
    "/rest/v1/rpc/..." => rpc,
    "/rest/v1/..." => rest,
}

fn matches(route: &str, path: &str) -> bool {
    match route.strip_suffix("/...") {
        Some(base) => path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
        None => path == route,
    }
}

#[cfg(test)]
mod tests {
    use edge::{Body, block_on};

    use super::*;

    #[track_caller]
    fn check(route: &str, path: &str, expected: bool) {
        assert_eq!(matches(route, path), expected);
    }

    #[test]
    fn ok_exact() {
        check("/health", "/health", true);
        check("/health", "/health/", false);
        check("/health", "/healthy", false);
    }

    #[test]
    fn ok_all_below() {
        check("/rest/v1/...", "/rest/v1", true);
        check("/rest/v1/...", "/rest/v1/", true);
        check("/rest/v1/...", "/rest/v1/movies", true);
        check("/rest/v1/...", "/rest/v1x", false);
    }

    #[test]
    fn err_no_function_here() {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = "/nowhere".parse().unwrap();
        assert_eq!(block_on(handle(request, &Edge::new())).unwrap_err().status(), 404);
    }
}
