//! `/rest/v1/{relation}`: reads and writes a table or view in the PostgREST dialect; `GET /rest/v1/`: the document about
//! all of it, or what the function named by `db-root-spec` returns.
//!
//! One trip to the region; `api` has the stages, and what each may refuse. Another path is refused with PGRST125.

use edge::{Edge, Error, Request, Response};
use postgrest::{ErrorKind, Target};

edge::serve!(handle);

/// Where this function's paths begin.
const BASE: &str = "/rest/v1/";

/// Reads or writes what the URL names.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    api::answer(request, edge, target).await
}

/// What a path names.
fn target(path: &str) -> Result<Target<'_>, ErrorKind> {
    if path == BASE || Some(path) == BASE.strip_suffix('/') {
        return Ok(Target::Root);
    }
    api::name_in(path, BASE).map(Target::Relation).ok_or(ErrorKind::InvalidPath)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_relation() {
        assert_eq!(target("/rest/v1/movies").ok(), Some(Target::Relation("movies".into())));
    }

    #[test]
    fn ok_root() {
        assert_eq!(target("/rest/v1/").ok(), Some(Target::Root));
        assert_eq!(target("/rest/v1").ok(), Some(Target::Root));
    }

    #[test]
    fn err_path_of_no_relation() {
        assert!(matches!(target("/rest/v1/movies/1"), Err(ErrorKind::InvalidPath)));
    }
}
