//! The question to the database, and the shape of its answer.
//!
//! The answer is JSON in arrays and not in objects: a large database has hundreds of thousands of columns, and the
//! text crosses the network and a function's memory whole. Relations are named by OID and columns by attnum.
//!
//! ```text
//! answer       = { "types": [type*], "columns": [column*], "relations": [relation*], "others": [other*],
//!                  "keys": [key*], "foreign_keys": [foreign-key*], "views": [view*],
//!                  "reads": [[view-oid, source-oid]*], "inherits": [[parent-oid, child-oid]*] }
//! type         = [name, base-name, kind, base-kind, max-length | null, [enum-label*], is-not-null, default | null]
//! column       = [name, number-of-type, flags] | [name, number-of-type, flags, default | null, comment | null]
//! relation     = [oid, schema, name, kind, flags, comment | null, [number-of-column*], [attnum*] | null]
//!                                                           ; null: 1, 2, 3, …
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

/// A statement without parameters that makes [`introspection()`] quicker when it runs before it in the same
/// transaction; it may be left out. Just-in-time compilation of a statement of that length takes longer than the
/// statement itself (0.9 s instead of 0.3 s for 1,000 relations), and a large schema's columns are sorted in memory.
pub const INTROSPECTION_SETTINGS: &str = "select set_config('jit', 'off', true), set_config('work_mem', '64MB', true)";

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
    pub(crate) columns: Vec<Column<'a>>,
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
    /// Places in [`Answer::columns`].
    pub(crate) columns: Vec<usize>,
    #[serde(default)]
    attnums: Option<Vec<u16>>,
}

/// A column that one or more relations have; `data_type` is a place in [`Answer::types`].
#[derive(Deserialize)]
pub(crate) struct Column<'a> {
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
    answer.columns.iter().try_for_each(|column| check_column(column, answer.types.len()))?;
    answer.relations.iter().try_for_each(|relation| check_relation(relation, answer.columns.len()))?;
    answer.foreign_keys.iter().try_for_each(check_foreign_key)?;
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

fn check_column(column: &Column<'_>, type_count: usize) -> Result<(), Error> {
    match column.data_type < type_count {
        true => Ok(()),
        false => Err(refused(format!("column `{}` has a type that is not listed", column.name))),
    }
}

fn check_relation(relation: &Relation<'_>, column_count: usize) -> Result<(), Error> {
    within(relation.columns.len(), COLUMNS_MAX, "columns of one relation")?;
    let (kind, name) = (relation.kind, &relation.name);
    if u8::try_from(kind).ok().and_then(format::relation_kind).is_none() {
        return Err(refused(format!("relation `{name}` is of the unknown kind `{kind}`")));
    }
    if relation.columns.iter().any(|column| *column >= column_count) {
        return Err(refused(format!("relation `{name}` has a column that is not listed")));
    }
    match &relation.attnums {
        Some(attnums) if attnums.len() != relation.columns.len() || !attnums.is_sorted() => {
            Err(refused(format!("the columns of `{name}` are not in the order of attnum")))
        }
        _ => Ok(()),
    }
}

fn check_foreign_key(key: &ForeignKey<'_>) -> Result<(), Error> {
    match key.source_columns.len() == key.target_columns.len() && !key.source_columns.is_empty() {
        true => Ok(()),
        false => Err(refused(format!("the foreign key `{}` has no columns, or not as many at both ends", key.name))),
    }
}

/// The answer makes no sense.
pub(crate) fn refused(message: String) -> Error {
    Error::new(ErrorKind::Introspection, message)
}

impl<'a> Answer<'a> {
    /// The name of the column of a relation that has this attnum.
    pub(crate) fn column_name(&self, relation: usize, attnum: u16) -> Result<&str, Error> {
        let relation = &self.relations[relation];
        let place = match &relation.attnums {
            Some(attnums) => attnums.binary_search(&attnum).ok(),
            None => usize::from(attnum).checked_sub(1),
        };
        match place.and_then(|place| relation.columns.get(place)) {
            Some(column) => Ok(&self.columns[*column].name),
            None => Err(refused(format!("`{}` has no column {attnum}", relation.name))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Catalog;
    use crate::testing::Database;

    /// Refuses a good answer in which the value at a JSON pointer is another.
    #[track_caller]
    fn refused_with(pointer: &str, value: Value, expected: &str) {
        let mut answer = Database::new()
            .table("one", &["*a", "b"])
            .foreign_key("fk", "one(b)", "one(a)")
            .view("two", &[("x", "one.a")])
            .json();
        *answer.pointer_mut(pointer).expect("the pointer leads to a value") = value;
        let error = Catalog::from_introspection(answer.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Introspection);
        assert!(error.message.contains(expected), "{error}");
    }

    #[test]
    fn ok_schemas_are_a_parameter() {
        let (text, parameters) = introspection(&["public".into(), "a\"b'c".into()]);
        assert!(text.contains("$1") && !text.contains("$2"));
        assert_eq!(parameters, [Some(r#"["public","a\"b'c"]"#.to_owned())]);
    }

    #[test]
    fn err_not_the_json_that_was_asked_for() {
        for text in ["", "null", "[]", "{}", "{", "\u{0}", r#"{"types":[]}"#] {
            let error = Catalog::from_introspection(text.as_bytes()).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Introspection, "{text}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(Catalog::from_introspection(deep.as_bytes()).unwrap_err().kind, ErrorKind::Introspection);
        assert_eq!(Catalog::from_introspection(b"\xff\xfe").unwrap_err().kind, ErrorKind::Introspection);
    }

    #[test]
    fn err_kinds_that_are_not_known() {
        refused_with("/types/0/2", json!("x"), "type `integer` is of the unknown kind `x`");
        refused_with("/types/0/3", json!("\u{161}"), "unknown kind");
        refused_with("/relations/0/3", json!("S"), "relation `one` is of the unknown kind `S`");
    }

    #[test]
    fn err_references_to_nothing() {
        refused_with("/columns/0/1", json!(7), "column `a` has a type that is not listed");
        refused_with("/relations/0/6/1", json!(99), "relation `one` has a column that is not listed");
        refused_with("/keys/0/1/0", json!(3), "`one` has no column 3");
        refused_with("/foreign_keys/0/3/0", json!(0), "`one` has no column 0");
        refused_with("/foreign_keys/0/4/0", json!(65535), "`one` has no column 65535");
        refused_with("/foreign_keys/0/4", json!([1, 2]), "the foreign key `fk` has no columns, or not as many");
    }

    #[test]
    fn err_numbers_out_of_range() {
        refused_with("/relations/0/0", json!(-1), "can not be read");
        refused_with("/relations/0/0", json!(4_294_967_296_u64), "can not be read");
        refused_with("/foreign_keys/0/3/0", json!(70_000), "can not be read");
    }

    #[test]
    fn err_more_columns_than_the_limit() {
        let columns = |count| Database::new().table("wide", &vec!["x"; count]);
        assert_eq!(columns(COLUMNS_MAX).catalog().relation("app", "wide").unwrap().columns().count(), COLUMNS_MAX);
        let error = Catalog::from_introspection(columns(COLUMNS_MAX + 1).json().to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
    }
}
