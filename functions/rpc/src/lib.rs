//! `GET` and `POST /rest/v1/rpc/{function}`: calls a function of the database in the PostgREST dialect.
//!
//! One trip to the region; `api` has the stages, and what each may refuse. Another path is refused with PGRST125. A
//! GET runs in a transaction that cannot write, and so does a POST unless the function is volatile.

use edge::{Edge, Error, Request, Response};
use percent_encoding::percent_decode_str;
use postgrest::{ErrorKind, Target};

edge::serve!(handle);

/// Where this function's paths begin.
const BASE: &str = "/rest/v1/rpc/";

/// Calls what the URL names.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    api::answer(request, edge, function).await
}

/// The function that a path names, percent-decoded.
fn function(path: &str) -> Result<Target<'_>, ErrorKind> {
    let segment = path.strip_prefix(BASE).filter(|segment| !segment.is_empty() && !segment.contains('/'));
    let decoded = segment.and_then(|segment| percent_decode_str(segment).decode_utf8().ok());
    decoded.map(Target::Function).ok_or(ErrorKind::InvalidPath)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(function(path).ok(), expected.map(|name| Target::Function(name.into())));
    }

    #[test]
    fn ok_function() {
        check("/rest/v1/rpc/search", Some("search"));
        check("/rest/v1/rpc/a%20b%22%2F", Some("a b\"/"));
    }

    #[test]
    fn err_path_of_no_function() {
        check("/rest/v1/rpc/", None);
        check("/rest/v1/rpc", None);
        check("/rest/v1/search", None);
        check("/rest/v1/rpc/search/1", None);
        check("/rest/v1/rpc/%FF", None);
    }
}
