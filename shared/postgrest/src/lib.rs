//! The PostgREST dialect: an HTTP request becomes one SQL statement, and its one row an HTTP response.
//!
//! Four stages, a module each, data flowing one way: [`ApiRequest::parse`] reads URL, headers and body, [`plan()`]
//! resolves them against the catalog, [`statements()`] compiles, [`response()`] wraps the row that comes back.
//! Whatever fails is an [`Error`], which knows its own response. Nothing here does I/O.
//!
//! Names of the request reach SQL quoted, values only as parameters; one shape of request is always the same
//! SQL text, so that prepared statements hit. Time and memory are bounded by [`limits`].
//!
//! What PostgREST does is described in <https://docs.postgrest.org/en/stable/references/api.html>.

mod api_request;
mod caller;
mod error;
mod info;
pub mod limits;
mod plan;
mod response;
mod rules;
mod statement;
#[cfg(test)]
mod testing;

pub use api_request::{ApiRequest, Target};
pub use caller::Caller;
pub use error::{ArgumentsForm, Candidate, Error, ErrorKind, RangeError, Suggestion};
pub use info::info;
pub use plan::{Basis, CallPlan, MutatePlan, Plan, ReadPlan, identity, plan};
pub use response::response;
pub use statement::statements;
