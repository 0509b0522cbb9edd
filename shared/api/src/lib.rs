//! What the functions that speak the PostgREST dialect share: the stages around `postgrest`, with their I/O.
//!
//! [`answer()`] takes a request from the policy in force to the response. It costs one request to the region: one batch
//! in one transaction, whose last statement's single row already is the body. The catalog comes from the instance's
//! memory or from KV; only the very first instance asks the region for it (`schema.rs`).
//!
//! Refusals have PostgREST's codes and shape (`refusal.rs`). A bearer token is verified or refused, and never ignored
//! (`role.rs`); the keys may be those that an issuer publishes (`issuer.rs`).
//! Answers to reads are kept, and given again while they are certainly good (`reading.rs`, on the terms of `terms.rs`, under the keys of `request_key.rs`).
//! Instances tell one another of writers by way of KV (`news.rs`).
//! A caller over a limit is refused before anything goes to the region, or there before anything runs (`limits.rs`).
//! Pages of other origins are answered as the CORS protocol wants it (`cors.rs`).

mod answer;
mod cors;
mod flight;
mod issuer;
mod keys;
mod limited;
mod limits;
mod news;
mod path;
mod pieces;
mod policy;
mod reading;
mod refusal;
mod request_key;
mod role;
mod schema;
mod terms;
mod timing;
mod trace;
mod trusted;

pub use answer::answer;
pub use limited::limited;
pub use path::name_in;
