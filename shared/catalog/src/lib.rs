//! What the database exposes: relations, columns, keys, relationships, functions, media type handlers, settings.
//!
//! A [`Catalog`] is one value that a key-value store can hold. [`introspection`] is the SQL statement that
//! describes a database in one row, [`Catalog::from_introspection`] turns that row into the compact encoding, and
//! every later reader opens the encoding with [`Catalog::from_bytes`] and reads it in place: a lookup is a binary
//! search over the bytes, and nothing is decoded but what is asked for.
//!
//! What is related to what follows PostgREST's rules ([`Relationship`]): foreign keys in both directions, one-to-one
//! where a key says so, many-to-many through junctions, and all of these through views, whose columns are traced to
//! the tables that they come from. Functions of a relation's rows that return another's are relationships too
//! ([`Computed`]).
//!
//! # Untrusted bytes
//!
//! A stored value may be truncated, old, or damaged. [`Catalog::from_bytes`] finds that out once, by a checksum over
//! the whole value, and refuses it with a typed [`Error`]; the answer to every such error is to introspect again.
//! Reads afterwards are bounds-checked all the same: bytes that pass the checksum and still make no sense yield
//! empty names and short lists, and never a panic or an endless loop.
//!
//! # Limits
//!
//! [`BYTES_MAX`] for the encoding, [`RELATIONS_MAX`], [`FUNCTIONS_MAX`], [`COLUMNS_MAX`] for each relation, [`LEGS_MAX`] for foreign keys
//! with their appearances through views, [`RELATIONSHIPS_MAX`]. What is larger is refused by name, and not cut off.

mod catalog;
mod checksum;
mod column;
mod computed;
mod derive;
mod encode;
mod error;
mod format;
mod function;
mod handler;
mod introspection;
mod json;
mod link;
mod pool;
mod relation;
mod relationship;
mod role;
mod source;
#[cfg(test)]
mod testing;
mod view;

pub use catalog::{Catalog, Relations};
pub use column::{Column, Identity, TypeKind};
pub use computed::{Computed, ComputedRelationships};
pub use error::{Error, ErrorKind};
pub use format::{BYTES_MAX, COLUMNS_MAX, FORMAT_VERSION, FUNCTIONS_MAX, LEGS_MAX, RELATIONS_MAX, RELATIONSHIPS_MAX};
pub use function::{Function, Functions, Parameter, Parameters, Volatility};
pub use handler::{Handler, Handlers};
pub use introspection::{INTROSPECTION_SETTINGS, introspection};
pub use relation::{Columns, PrimaryKey, Relation, RelationKind, Source, Sources};
pub use relationship::{Cardinality, Relationship, Relationships};
pub use role::Role;
