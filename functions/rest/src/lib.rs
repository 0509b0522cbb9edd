//! `GET /rest/v1/{relation}`: reads a table or view in the PostgREST dialect; `GET /rest/v1/`: the document about all
//! of it, or what the function named by `db-root-spec` returns.
//!
//! One trip to the region; `api` has the stages, and what each may refuse. Another path is refused with PGRST125.

use edge::{Edge, Error, Request, Response};
use percent_encoding::percent_decode_str;
use postgrest::{ErrorKind, Target};

edge::serve!(handle);

/// Where this function's paths begin.
const BASE: &str = "/rest/v1/";

/// Reads what the URL asks for.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    api::answer(request, edge, target).await
}

/// What a path names, percent-decoded.
fn target(path: &str) -> Result<Target<'_>, ErrorKind> {
    if path == BASE || Some(path) == BASE.strip_suffix('/') {
        return Ok(Target::Root);
    }
    let segment = path.strip_prefix(BASE).filter(|segment| !segment.is_empty() && !segment.contains('/'));
    let decoded = segment.and_then(|segment| percent_decode_str(segment).decode_utf8().ok());
    decoded.map(Target::Relation).ok_or(ErrorKind::InvalidPath)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<&str>) {
        assert_eq!(target(path).ok(), expected.map(|name| Target::Relation(name.into())));
    }

    #[test]
    fn ok_relation() {
        check("/rest/v1/movies", Some("movies"));
        check("/rest/v1/a%20b%22%2F", Some("a b\"/"));
        check("/rest/v1/%C3%BC", Some("ü"));
    }

    #[test]
    fn ok_root() {
        assert_eq!(target("/rest/v1/").ok(), Some(Target::Root));
        assert_eq!(target("/rest/v1").ok(), Some(Target::Root));
    }

    #[test]
    fn err_path_of_no_relation() {
        check("/rest/v1//", None);
        check("/rest/v1/movies/1", None);
        check("/rest/v1/%FF", None);
    }
}
