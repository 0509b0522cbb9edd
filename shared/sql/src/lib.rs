//! Postgres over HTTP: one request carries one batch, which is one transaction, and one row answers it.
//!
//! The protocol is Neon's SQL over HTTP (`POST /sql`), so the region is a Neon database or a `headland gateway` beside
//! any Postgres. To a gateway the client also says, by headers that others ignore, how much time is left
//! (`Headland-Deadline`), which version of the schema it knows (`Headland-Catalog`), what the caller is counted under
//! (`Headland-Limit`), and that it takes the raw form (`Headland-Raw`): the answer's body column as the response body,
//! byte for byte, and the other columns in one header (`Headland-Row`). With a [`Question`] it says which answer it has already,
//! and may be told that nothing was run, because that is still good.
//!
//! Start at [`Region::run`]. Every wait is bounded by the caller's timeout; what is safe to send again is retried
//! with jittered backoff within it, and a region that does not answer is left alone (`breaker.rs`), by new
//! instances too (`outage.rs`). One that is silent is told from one that takes long (`probe.rs`).

mod answer;
mod breaker;
mod error;
mod isolation;
mod members;
mod outage;
mod probe;
mod region;
mod retry;
mod statement;

pub use answer::ANSWER_BYTES_MAX;
pub use error::{DatabaseError, Error};
pub use isolation::Isolation;
pub use members::Members;
pub use region::{Batch, Region};
pub use retry::ATTEMPTS_MAX;
pub use statement::{Answer, Question, Row, Statement};
