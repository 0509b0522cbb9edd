//! Stored answers, and when one is fresh.
//!
//! Postgres has the version number that a cache needs: the [`Snapshot`], the exact set of transactions that a statement
//! could see. Every stored answer, an [`Entry`], keeps the one of the statement that made it. One question decides everything:
//! *does the answer's snapshot contain that transaction?* A [`Standing`] is what is known of a relation: which transactions
//! wrote it, and up to where that is known. [`is_fresh`] is the whole rule. [`Writers`] is what the region knows, from
//! writes that report themselves and from notifications of all others; a [`Store`] is what an edge keeps, and what it has heard
//! of writers. [`wire`] is how they tell one another.
//!
//! Nothing here does I/O or reads a clock. A snapshot from a caller is text from anybody: it is read within
//! [`SNAPSHOT_BYTES_MAX`], and can only make an answer less fresh.

mod bounds;
mod control;
mod entity_tag;
mod entry;
mod key;
mod knowledge;
mod memory;
mod snapshot;
mod standing;
mod store;
pub mod wire;
mod writers;

pub use bounds::Bounds;
pub use control::{Directives, has_match};
pub use entity_tag::entity_tag;
pub use entry::{BODY_BYTES_MAX, Entry, Terms};
pub use key::{Key, KeyMaker};
pub use snapshot::{IN_PROGRESS_MAX, SNAPSHOT_BYTES_MAX, Snapshot, Timeline, Xid};
pub use standing::{Standing, is_fresh};
pub use store::Store;
pub use writers::{RELATIONS_MAX, RelationId, SCHEMA, Ticket, Writers};
