//! JSON that may come from anybody, as RFC 8259 defines it, in one pass and without a tree.
//!
//! Start at [`scan`] for a whole text, at [`Scanner`] for one that comes in chunks: what they accept and refuse is the same,
//! however the chunks are cut. A [`Visitor`] is told what is in the text while it is read. [`Elements`] gives out one
//! element of an array, or one line, after the other; [`clean`] leaves members out; `from_slice` (feature `typed`) makes
//! values of small messages.
//!
//! # What is refused
//!
//! An [`Error`] names what is wrong, the byte, and the JSON pointer (RFC 6901).
//!
//! | what | by default | [`Limits`] |
//! | --- | --- | --- |
//! | what RFC 8259 does not allow; also a byte order mark (§8.1), a lone surrogate (§8.2), bytes that are not UTF-8 | refused | |
//! | `__proto__`, and `constructor` with an object that has `prototype`, in any spelling | refused | `prototypes` |
//! | two members of one name | refused | `duplicates` |
//! | nesting | [`DEPTH_MAX`] | `depth` |
//! | bytes of a number | [`NUMBER_BYTES_MAX`] | `number_bytes` |
//! | an exponent | [`EXPONENT_MAX`] | `exponent` |
//! | bytes of a name | [`NAME_BYTES_MAX`] | `name_bytes` |
//! | members of an object | [`MEMBERS_MAX`] | `members` |
//!
//! The two names are those that `secure-json-parse` is about: to assign them in JavaScript changes the prototype of an object.
//! Both rules can also leave the member out, and say so, or do nothing ([`Policy`]). The length of a text is for the caller to
//! bound.
//!
//! # Time and memory
//!
//! Time is linear in the text, but for objects of more than 16 members that are unlike the one before them: their names are
//! sorted, once. There are no hashes that an attacker could aim at. Memory are the names in the objects that are open, and in
//! a stream what a chunk broke off.
//!
//! Plain parts of strings are skipped sixteen bytes at a time (SSE2, and `simd128` in wasm; eight elsewhere). Objects of one
//! shape, as the rows of a table are, cost a comparison of bytes for each member.

mod clean;
mod elements;
mod error;
mod limits;
mod nesting;
mod number;
mod plain;
mod scan;
mod text;
#[cfg(feature = "typed")]
mod typed;
mod visitor;

pub use clean::{Dropped, clean};
pub use elements::{Elements, Format};
pub use error::{Error, ErrorKind};
pub use limits::{DEPTH_MAX, EXPONENT_MAX, Limits, MEMBERS_MAX, NAME_BYTES_MAX, NUMBER_BYTES_MAX, Policy};
pub use scan::{Scanner, scan};
pub use text::unescape;
#[cfg(feature = "typed")]
pub use typed::{Misfit, from_slice};
pub use visitor::{Container, Interest, Scalar, Visitor};
