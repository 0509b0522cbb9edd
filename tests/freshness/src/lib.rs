//! A simulation of everything that a stored answer goes through, and a checker of what callers then saw.
//!
//! The [`World`] has one database, one gateway, several edges with a key-value store between them, callers, and sessions that
//! write to the database directly. All that decides whether an answer is fresh is `cache`'s; the world around it is as bad as
//! it may be: messages are late, overtake one another and are lost; transactions are long and commit in any order; gateways
//! and edges are killed with work on the way; a listener loses its connection; what lies in the store is up to a minute old
//! and goes back in time. The [`Checker`] knows every commit and every answer, and nothing of snapshots.
//!
//! Each [`Rule`] can be switched off, and the checker has to find that out.
//! Everything follows from a seed, in virtual time.

mod caller;
mod checker;
mod database;
mod edge;
mod gateway;
mod kv;
mod rule;
mod world;

pub use checker::{Checker, Expected, Version, Violation};
pub use rule::Rule;
pub use world::{World, run};
