//! The gateway over HTTP, on a real PostgreSQL. Without one, each test says so and passes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod connecting;
mod driver;
mod errors;
mod fixture;
mod fresh;
mod impostor;
mod lifecycle;
mod limited;
mod limits;
mod mixture;
mod postgres;
mod protocol;
mod raw;
mod replica;
mod schema;
mod sessions;
mod statements;
mod trips;
mod writers;
