//! The question to the database, and the shape of its answer.
//!
//! The answer is JSON in arrays and not in objects: a large database has hundreds of thousands of columns, and the
//! text crosses the network and a function's memory whole. Relations are named by OID and columns by attnum.
//!
//! ```text
//! answer       = { "types": [type*], "relations": [relation*], "others": [other*], "keys": [key*],
//!                  "foreign_keys": [foreign-key*], "views": [view*], "reads": [[view-oid, source-oid]*],
//!                  "inherits": [[parent-oid, child-oid]*] }
//! type         = [name, base-name, kind, base-kind, max-length | null, [enum-label*], is-not-null, default | null]
//! relation     = [oid, schema, name, kind, flags, comment | null, [column*]]
//! column       = [attnum, name, number-of-type, flags]
//!              | [attnum, name, number-of-type, flags, default | null, comment | null]
//! other        = [oid, schema, name, kind, has-row-security]      ; what is not exposed, but shares rows with what is
//! key          = [oid, [attnum*]]                           ; a primary key, of either
//! foreign-key  = [name, source-oid, target-oid, [source-attnum*], [target-attnum*], is-unique]
//! view         = [oid, outline]                             ; see view.rs
//! ```
//!
//! Kinds and flags are those of format.rs.

use std::borrow::Cow;

use serde::Deserialize;

use crate::format::{self, within};
use crate::{COLUMNS_MAX, Error, ErrorKind, RELATIONS_MAX};

/// The SQL statement that describes what `schemas` expose, with its parameters: the answer is one row with one
/// column, `body`, which [`Catalog::from_introspection`](crate::Catalog::from_introspection) takes.
///
/// It works on PostgreSQL 12 to 18, for every role and in a read-only transaction. It leaves the transaction with an
/// empty search path, so it should be alone in its transaction, or last.
pub fn introspection(schemas: &[String]) -> (String, Vec<Option<String>>) {
    let schemas = serde_json::Value::from(schemas).to_string();
    (include_str!("introspection.sql").to_owned(), vec![Some(schemas)])
}

/// The answer, borrowed from its text where the text has no escapes. Derived readers take a JSON array for a struct,
/// field by field; `default` is for those that an array may leave out at its end.
#[derive(Deserialize)]
pub(crate) struct Answer<'a> {
    #[serde(borrow)]
    pub(crate) types: Vec<Type<'a>>,
    #[serde(borrow)]
    pub(crate) relations: Vec<Relation<'a>>,
    #[serde(borrow)]
    pub(crate) others: Vec<Other<'a>>,
    pub(crate) keys: Vec<(u32, Vec<u16>)>,
    #[serde(borrow)]
    pub(crate) foreign_keys: Vec<ForeignKey<'a>>,
    #[serde(borrow)]
    pub(crate) views: Vec<View<'a>>,
    pub(crate) reads: Vec<(u32, u32)>,
    pub(crate) inherits: Vec<(u32, u32)>,
}

/// A type with its modifier.
#[derive(Deserialize)]
pub(crate) struct Type<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) base_name: Cow<'a, str>,
    pub(crate) kind: char,
    pub(crate) base_kind: char,
    pub(crate) max_length: Option<u32>,
    #[serde(borrow)]
    pub(crate) labels: Vec<Cow<'a, str>>,
    pub(crate) is_not_null: bool,
    pub(crate) default: Option<Cow<'a, str>>,
}

/// An exposed relation.
#[derive(Deserialize)]
pub(crate) struct Relation<'a> {
    pub(crate) oid: u32,
    #[serde(borrow)]
    pub(crate) schema: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: char,
    pub(crate) flags: u8,
    pub(crate) description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) columns: Vec<Column<'a>>,
}

/// One of its columns; `type` is a place in [`Answer::types`].
#[derive(Deserialize)]
pub(crate) struct Column<'a> {
    pub(crate) attnum: u16,
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    pub(crate) data_type: usize,
    pub(crate) flags: u8,
    #[serde(default)]
    pub(crate) default: Option<Cow<'a, str>>,
    #[serde(default)]
    pub(crate) description: Option<Cow<'a, str>>,
}

/// A relation that is not exposed.
#[derive(Deserialize)]
pub(crate) struct Other<'a> {
    pub(crate) oid: u32,
    #[serde(borrow)]
    pub(crate) schema: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: char,
    pub(crate) has_row_security: bool,
}

/// A foreign key; the columns of both ends in the same order.
#[derive(Deserialize)]
pub(crate) struct ForeignKey<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) source_columns: Vec<u16>,
    pub(crate) target_columns: Vec<u16>,
    pub(crate) is_unique: bool,
}

/// A view of any schema.
#[derive(Deserialize)]
pub(crate) struct View<'a> {
    pub(crate) oid: u32,
    #[serde(borrow)]
    pub(crate) outline: Cow<'a, str>,
}

/// Reads the answer, sorts its relations as the index has them, and refuses what refers to nothing.
pub(crate) fn parse(json: &[u8]) -> Result<Answer<'_>, Error> {
    let mut answer: Answer<'_> = serde_json::from_slice(json)
        .map_err(|error| refused(format!("the introspection's answer can not be read: {error}")))?;
    within(answer.relations.len(), RELATIONS_MAX, "relations")?;
    answer.types.iter().try_for_each(check_type)?;
    answer.relations.iter().try_for_each(|relation| check_relation(relation, answer.types.len()))?;
    answer.relations.sort_by(|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
    Ok(answer)
}

fn check_type(described: &Type<'_>) -> Result<(), Error> {
    for kind in [described.kind, described.base_kind] {
        if u8::try_from(kind).ok().and_then(format::type_kind).is_none() {
            return Err(refused(format!("type `{}` is of the unknown kind `{kind}`", described.name)));
        }
    }
    Ok(())
}

fn check_relation(relation: &Relation<'_>, type_count: usize) -> Result<(), Error> {
    within(relation.columns.len(), COLUMNS_MAX, "columns of one relation")?;
    let (kind, name) = (relation.kind, &relation.name);
    if u8::try_from(kind).ok().and_then(format::relation_kind).is_none() {
        return Err(refused(format!("relation `{name}` is of the unknown kind `{kind}`")));
    }
    if !relation.columns.is_sorted_by(|one, next| one.attnum < next.attnum) {
        return Err(refused(format!("the columns of `{name}` are not in the order of attnum")));
    }
    match relation.columns.iter().find(|column| column.data_type >= type_count) {
        Some(column) => Err(refused(format!("column `{}` of `{name}` has a type that is not listed", column.name))),
        None => Ok(()),
    }
}

/// The answer makes no sense.
pub(crate) fn refused(message: String) -> Error {
    Error::new(ErrorKind::Introspection, message)
}

impl<'a> Relation<'a> {
    /// The name of a column.
    pub(crate) fn column_name(&self, attnum: u16) -> Result<&str, Error> {
        match self.columns.binary_search_by_key(&attnum, |column| column.attnum) {
            Ok(place) => Ok(&self.columns[place].name),
            Err(_) => Err(refused(format!("`{}` has no column {attnum}", self.name))),
        }
    }
}
