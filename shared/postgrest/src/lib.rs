//! The PostgREST dialect: an HTTP request becomes one SQL statement, and its one row an HTTP response.
//!
//! Four stages, a module each, data flowing one way: [`ApiRequest::parse`] reads the URL and the headers,
//! [`plan()`] resolves them against the catalog, [`statement()`] and [`settings()`] compile, [`response()`] wraps the row.
//! Whatever fails is an [`Error`], which knows its own response. Nothing here does I/O.
//!
//! Names of the request reach SQL quoted, values only as parameters; one shape of request is always the same
//! SQL text, so that prepared statements hit. Time and memory are bounded by [`limits`].
//!
//! What PostgREST does is described in <https://docs.postgrest.org/en/stable/references/api.html>.

mod api_request;
mod error;
pub mod limits;
mod plan;
mod response;
mod statement;
#[cfg(test)]
mod testing;

pub use api_request::ApiRequest;
pub use error::{Candidate, Error, ErrorKind, RangeError, Suggestion};
pub use plan::{ReadPlan, plan};
pub use response::response;
pub use statement::{estimate, settings, statement};
