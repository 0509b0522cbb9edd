//! `GET` and `POST /rest/v1/rpc/{function}`: calls a function of the database in the PostgREST dialect.
//!
//! One trip to the region; `api` has the stages, and what each may refuse. Another path is refused with PGRST125. A
//! GET runs in a transaction that cannot write, and so does a POST unless the function is volatile.

use edge::{Edge, Error, Request, Response};
use postgrest::{ErrorKind, Target};

edge::serve!(handle);

/// Where this function's paths begin.
const BASE: &str = "/rest/v1/rpc/";

/// Calls what the URL names.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    api::answer(request, edge, function).await
}

/// The function that a path names.
fn function(path: &str) -> Result<Target<'_>, ErrorKind> {
    api::name_in(path, BASE).map(Target::Function).ok_or(ErrorKind::InvalidPath)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_function() {
        assert_eq!(function("/rest/v1/rpc/search").ok(), Some(Target::Function("search".into())));
    }

    #[test]
    fn err_path_of_no_function() {
        for path in ["/rest/v1/rpc/", "/rest/v1/rpc", "/rest/v1/search", "/rest/v1/rpc/search/1"] {
            assert!(matches!(function(path), Err(ErrorKind::InvalidPath)), "{path}");
        }
    }
}
