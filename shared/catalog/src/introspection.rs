//! The question to the database, and the shape of its answer.
//!
//! The answer is JSON in arrays and not in objects: a large database has hundreds of thousands of columns, and the
//! text crosses the network and a function's memory whole. Relations are named by OID and columns by attnum.
//!
//! ```text
//! answer       = { "types": [type*], "columns": [column*], "relations": [relation*], "others": [other*],
//!                  "keys": [key*], "foreign_keys": [foreign-key*], "views": [view*],
//!                  "reads": [[view-oid, source-oid]*], "inherits": [[parent-oid, child-oid]*],
//!                  "functions": [function*], "computed": [computed*], "representations": [representation*],
//!                  "handlers": [handler*], "roles": [role*] }
//! type         = [name, base-name, kind, base-kind, max-length | null, [enum-label*], is-not-null, default | null]
//! column       = [name, number-of-type, flags] | [name, number-of-type, flags, default | null, comment | null]
//! relation     = [oid, schema, name, kind, flags, comment | null, [number-of-column*], [attnum*] | null]
//!                                                           ; null: 1, 2, 3, …
//! other        = [oid, schema, name, kind, flags]           ; what is not exposed, but read or written with what is
//! key          = [oid, [attnum*]]                           ; a primary key, of either
//! foreign-key  = [name, source-oid, target-oid, [source-attnum*], [target-attnum*], is-unique]
//! view         = [oid, outline]                             ; see view.rs
//! function     = [schema, name, return-schema, return-name, flags, comment | null, [parameter*], [column*], [setting*]]
//!              | [schema, name, return-schema, return-name, flags, comment | null, [parameter*]]
//! parameter    = [name, type, flags]
//! column       = [name, type]
//! setting      = [name, value]
//! computed     = [source-oid, target-oid, function-schema, function-name, is-to-one]
//! representation = [number-of-type, to-json | null, from-json | null, from-text | null]  ; functions as SQL names them
//! handler      = [media-type, function-schema, function-name, target-schema | null, target-name | null,
//!                 is-binary]
//!                                                           ; null: rows of any relation
//! role         = [name, isolation-level | null, [[setting, value]*]]
//! ```
//!
//! `reads` has what the query of a view reads, and what the policies of a table do. Kinds and flags are those of
//! format.rs.

use std::borrow::Cow;

use sort::Table;

use crate::format::{self, within};
use crate::json::{self, object, rows};
use crate::{COLUMNS_MAX, Error, ErrorKind, FUNCTIONS_MAX, RELATIONS_MAX};

/// A statement without parameters that makes [`introspection()`] quicker when it runs before it in the same
/// transaction; it may be left out. Just-in-time compilation of a statement of that length takes longer than the
/// statement itself (0.9 s instead of 0.3 s for 1,000 relations), and a large schema's columns are sorted in memory.
pub const INTROSPECTION_SETTINGS: &str = "select set_config('jit', 'off', true), set_config('work_mem', '64MB', true)";

/// The SQL statement that describes what `schemas` expose, with its parameters: the answer is one row: `body`, which
/// [`Catalog::from_introspection`](crate::Catalog::from_introspection) takes, and `snapshot`, that of the statement.
///
/// It works on PostgreSQL 13 to 18, for every role and in a read-only transaction. It leaves the transaction with an
/// empty search path, so it should be alone in its transaction, or last.
pub fn introspection(schemas: &[String]) -> (String, Vec<Option<String>>) {
    let schemas = serde_json::to_string(schemas).expect("a list of text always serialises");
    (include_str!(concat!(env!("OUT_DIR"), "/introspection.sql")).to_owned(), vec![Some(schemas)])
}

/// The answer, borrowed from its text where the text has no escapes.
pub(crate) struct Answer<'a> {
    pub(crate) types: Vec<Type<'a>>,
    pub(crate) columns: Vec<Column<'a>>,
    pub(crate) relations: Vec<Relation<'a>>,
    pub(crate) others: Vec<Other<'a>>,
    pub(crate) keys: Vec<(u32, Vec<u16>)>,
    pub(crate) foreign_keys: Vec<ForeignKey<'a>>,
    pub(crate) views: Vec<View<'a>>,
    pub(crate) reads: Vec<(u32, u32)>,
    pub(crate) inherits: Vec<(u32, u32)>,
    pub(crate) functions: Vec<Function<'a>>,
    pub(crate) computed: Vec<Computed<'a>>,
    pub(crate) representations: Vec<Representation<'a>>,
    pub(crate) handlers: Vec<Handler<'a>>,
    pub(crate) roles: Vec<Role<'a>>,
}

/// A type with its modifier.
pub(crate) struct Type<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) base_name: Cow<'a, str>,
    pub(crate) kind: char,
    pub(crate) base_kind: char,
    pub(crate) max_length: Option<u32>,
    pub(crate) labels: Vec<Cow<'a, str>>,
    pub(crate) is_not_null: bool,
    pub(crate) default: Option<Cow<'a, str>>,
}

/// An exposed relation.
pub(crate) struct Relation<'a> {
    pub(crate) oid: u32,
    pub(crate) schema: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: char,
    pub(crate) flags: u8,
    pub(crate) description: Option<Cow<'a, str>>,
    /// Places in [`Answer::columns`].
    pub(crate) columns: Vec<usize>,
    attnums: Option<Vec<u16>>,
}

/// A column that one or more relations have; `data_type` is a place in [`Answer::types`].
pub(crate) struct Column<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) data_type: usize,
    pub(crate) flags: u8,
    pub(crate) default: Option<Cow<'a, str>>,
    pub(crate) description: Option<Cow<'a, str>>,
}

/// A relation that is not exposed.
pub(crate) struct Other<'a> {
    pub(crate) oid: u32,
    pub(crate) schema: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: char,
    pub(crate) flags: u8,
}

/// A foreign key; the columns of both ends in the same order.
pub(crate) struct ForeignKey<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) source_columns: Vec<u16>,
    pub(crate) target_columns: Vec<u16>,
    pub(crate) is_unique: bool,
}

/// A view of any schema.
pub(crate) struct View<'a> {
    pub(crate) oid: u32,
    pub(crate) outline: Cow<'a, str>,
}

/// A function of one exposed relation's rows that returns another's.
pub(crate) struct Computed<'a> {
    pub(crate) source: u32,
    pub(crate) target: u32,
    pub(crate) schema: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) is_to_one: bool,
}

/// Functions between a domain and what a request says; `data_type` is a place in [`Answer::types`].
pub(crate) struct Representation<'a> {
    pub(crate) data_type: usize,
    pub(crate) to_json: Option<Cow<'a, str>>,
    pub(crate) from_json: Option<Cow<'a, str>>,
    pub(crate) from_text: Option<Cow<'a, str>>,
}

/// A function that makes bodies of a media type.
pub(crate) struct Handler<'a> {
    pub(crate) media_type: Cow<'a, str>,
    pub(crate) schema: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) target_schema: Option<Cow<'a, str>>,
    pub(crate) target_name: Option<Cow<'a, str>>,
    pub(crate) is_binary: bool,
}

/// What is set for a role.
pub(crate) struct Role<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) isolation: Option<Cow<'a, str>>,
    pub(crate) settings: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// A function of an exposed schema.
pub(crate) struct Function<'a> {
    pub(crate) schema: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) return_schema: Cow<'a, str>,
    pub(crate) return_name: Cow<'a, str>,
    pub(crate) flags: u8,
    pub(crate) description: Option<Cow<'a, str>>,
    pub(crate) parameters: Vec<Parameter<'a>>,
    pub(crate) columns: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    pub(crate) settings: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// What a function takes.
pub(crate) struct Parameter<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) data_type: Cow<'a, str>,
    pub(crate) flags: u8,
}

object!(Answer {
    types,
    columns,
    relations,
    others,
    keys,
    foreign_keys,
    views,
    reads,
    inherits,
    functions,
    computed,
    representations,
    handlers,
    roles
});

rows! {
    Type { name, base_name, kind, base_kind, max_length, labels, is_not_null, default }
    Relation { oid, schema, name, kind, flags, description, columns, attnums }
    Column { name, data_type, flags, default, description }
    Other { oid, schema, name, kind, flags }
    ForeignKey { name, source, target, source_columns, target_columns, is_unique }
    View { oid, outline }
    Computed { source, target, schema, name, is_to_one }
    Representation { data_type, to_json, from_json, from_text }
    Handler { media_type, schema, name, target_schema, target_name, is_binary }
    Role { name, isolation, settings }
    Function { schema, name, return_schema, return_name, flags, description, parameters, columns, settings }
    Parameter { name, data_type, flags }
}

impl Function<'_> {
    /// By what they are sorted; the last are for those that are overloaded.
    fn order(&self) -> impl Ord + '_ {
        let types: Vec<_> = self.parameters.iter().map(|one| (&*one.name, &*one.data_type)).collect();
        (&*self.schema, &*self.name, self.parameters.len(), self.description.as_deref(), types)
    }
}

/// Reads the answer, sorts its relations and functions as their indexes have them, and refuses what refers to nothing.
pub(crate) fn parse(json: &[u8]) -> Result<Answer<'_>, Error> {
    let unread = |at: usize| refused(format!("the introspection's answer can not be read from byte {at} on"));
    let text = str::from_utf8(json).map_err(|error| unread(error.valid_up_to()))?;
    let mut answer: Answer<'_> = json::read(text).map_err(unread)?;
    within(answer.relations.len(), RELATIONS_MAX, "relations")?;
    within(answer.functions.len(), FUNCTIONS_MAX, "functions")?;
    answer.types.iter().try_for_each(check_type)?;
    answer.columns.iter().try_for_each(|column| check_column(column, answer.types.len()))?;
    answer.relations.iter().try_for_each(|relation| check_relation(relation, answer.columns.len()))?;
    answer.foreign_keys.iter().try_for_each(check_foreign_key)?;
    answer.representations.iter().try_for_each(|one| check_representation(one, answer.types.len()))?;
    sort::sort_by(&mut answer.roles, &|one, other| one.name.cmp(&other.name));
    sort::sort_by(&mut answer.relations, &|one, other| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
    sort::sort_by(&mut answer.functions, &|one, other| one.order().cmp(&other.order()));
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

fn check_representation(representation: &Representation<'_>, type_count: usize) -> Result<(), Error> {
    match representation.data_type < type_count {
        true => Ok(()),
        false => Err(refused("a representation is of a type that is not listed".into())),
    }
}

/// The answer makes no sense.
pub(crate) fn refused(message: String) -> Error {
    Error::new(ErrorKind::Introspection, message)
}

impl<'a> Answer<'a> {
    /// The place of each exposed relation, by OID.
    pub(crate) fn places(&self) -> Table<u32, usize> {
        Table::new(self.relations.iter().enumerate().map(|(place, relation)| (relation.oid, place)).collect())
    }

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
            .with("computed", json!([1, 1, "app", "next", true]))
            .with("representations", json!([0, "app.shown", null, null]))
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
        refused_with("/computed/0/1", json!(7), "the function `next` is of rows that are not exposed");
        refused_with("/representations/0/0", json!(1), "a representation is of a type that is not listed");
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
