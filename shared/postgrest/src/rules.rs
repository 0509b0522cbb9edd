//! What the rows of a write have to be like, from policy and from the catalog.

use catalog::{Catalog, Identity, TypeKind};
use config::Config;
use validate::{Check, Column, DataType, Declared, Generated, Rule, Write};

use crate::api_request::{Action, Missing};

/// The write that rows are for.
pub(crate) struct Subject<'a> {
    pub(crate) schema: &'a str,
    pub(crate) relation: &'a str,
    pub(crate) action: Action,
    /// The members that count, if not all do.
    pub(crate) columns: Option<&'a [String]>,
    pub(crate) missing: Option<Missing>,
}

/// What the rows have to be like; `None` where nothing is asked of them. With a catalog, also what that says is asked.
pub(crate) fn check<'a>(subject: &Subject<'a>, catalog: Option<&'a Catalog>, config: &'a Config) -> Option<Check<'a>> {
    let rules = config.rules.iter().filter(|rules| rules.relation == subject.relation);
    let mut columns: Vec<Column<'a>> =
        rules.map(|rules| Column { name: &rules.column, declared: None, rules: &rules.rules }).collect();
    if let Some(catalog) = catalog {
        declare(&mut columns, subject, catalog);
    }
    let write = if subject.action == Action::Update { Write::Update } else { Write::Insert };
    (!columns.is_empty()).then(|| Check::new(subject.relation, write, columns, subject.columns))
}

/// Whether all of these are columns, as far as that is known.
pub(crate) fn are_columns(subject: &Subject<'_>, catalog: Option<&Catalog>, names: &[String]) -> bool {
    let Some(catalog) = catalog else { return true };
    let relation = catalog.relation(subject.schema, subject.relation);
    relation.is_some_and(|relation| names.iter().all(|name| relation.column(name).is_some()))
}

/// Adds what the catalog says.
fn declare<'a>(columns: &mut Vec<Column<'a>>, subject: &Subject<'a>, catalog: &'a Catalog) {
    let Some(relation) = catalog.relation(subject.schema, subject.relation) else { return };
    let ruled: Vec<(&str, &[Rule])> = columns.drain(..).map(|column| (column.name, column.rules)).collect();
    for column in relation.columns() {
        let rules = ruled.iter().find(|(name, _)| *name == column.name()).map_or(&[][..], |(_, rules)| rules);
        let mut declared = declared(&column, subject);
        declared.refuses_null &= relation.stores_as_sent();
        columns.push(Column { name: column.name(), declared: Some(declared), rules });
    }
}

fn declared<'a>(column: &catalog::Column<'a>, subject: &Subject<'_>) -> Declared<'a> {
    let type_name = column.base_type();
    let generated = match column.identity() {
        Some(Identity::Always) => Some(Generated::Identity),
        _ => column.is_generated().then_some(Generated::Expression),
    };
    Declared {
        // Messages name what is on the search path without its schema.
        type_name: type_name.strip_prefix(subject.schema).and_then(|rest| rest.strip_prefix('.')).unwrap_or(type_name),
        data_type: data_type(column),
        refuses_null: !column.is_nullable(),
        is_filled: is_filled(column, subject),
        generated,
    }
}

/// Whether Postgres has a value for a row that has none.
fn is_filled(column: &catalog::Column<'_>, subject: &Subject<'_>) -> bool {
    let is_listed = subject.columns.is_some_and(|columns| columns.iter().any(|name| name == column.name()));
    // What is listed and missing is null, unless the request prefers the default.
    let may_default = !is_listed || subject.missing == Some(Missing::Default);
    let has_value = column.default().is_some() || column.identity().is_some() || column.is_generated();
    may_default && has_value
}

fn data_type<'a>(column: &catalog::Column<'a>) -> DataType<'a> {
    // A function of the database's own reads these.
    if column.from_json().is_some() {
        return DataType::Any;
    }
    match (column.base_type_kind(), column.base_type()) {
        (TypeKind::Enum, _) => DataType::Enum(column.enum_labels().collect()),
        (TypeKind::Array, _) => DataType::Array,
        (TypeKind::Base, "smallint") => DataType::Integer(i16::MIN.into(), i16::MAX.into()),
        (TypeKind::Base, "integer") => DataType::Integer(i32::MIN.into(), i32::MAX.into()),
        (TypeKind::Base, "bigint") => DataType::Integer(i64::MIN, i64::MAX),
        (TypeKind::Base, "real" | "double precision") => DataType::Number,
        (TypeKind::Base, "numeric") => numeric(column.data_type()).unwrap_or(DataType::Number),
        (TypeKind::Base, "boolean") => DataType::Boolean,
        (TypeKind::Base, "uuid") => DataType::Uuid,
        (TypeKind::Base, "date" | "timestamp without time zone" | "timestamp with time zone") => DataType::Date,
        (TypeKind::Base, "character varying" | "character") => {
            column.max_length().map_or(DataType::Any, DataType::Text)
        }
        _ => DataType::Any,
    }
}

/// The modifier of `numeric(precision,scale)`.
fn numeric(data_type: &str) -> Option<DataType<'static>> {
    let (precision, scale) = data_type.strip_prefix("numeric(")?.strip_suffix(')')?.split_once(',')?;
    Some(DataType::Numeric { precision: precision.parse().ok()?, scale: scale.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use crate::testing::sent_under;

    const POLICY: &str = "[rules.films.title]\nrequired = true\nmax-length = 5\n[rules.films.rating]\nmax = 10\n\
        [rules.directors.name]\nrequired = true\n";

    /// The refusal's status and body, or `read`.
    #[track_caller]
    fn check(request: &str, content_type: &str, body: &str, expected: &str) {
        let config = config::Config::parse(POLICY).unwrap();
        let (method, url) = request.split_once(' ').unwrap();
        let headers = [("content-type", content_type)];
        let found = match sent_under(method.parse().unwrap(), url, &headers, body, &config) {
            Ok(_) => "read".to_owned(),
            Err(error) => format!("{} {}", error.status().as_u16(), String::from_utf8_lossy(&error.body())),
        };
        assert_eq!(found, expected, "{request} {body}");
    }

    #[test]
    fn ok_rules_of_the_relation() {
        check("POST films", "application/json", r#"[{"title": "Dogma", "rating": 10}]"#, "read");
        check("POST actors", "application/json", r#"[{"title": "Dogma 95", "rating": 100}]"#, "read");
        check("PATCH films?id=eq.1", "application/json", r#"{"rating": null}"#, "read");
        check("POST films", "text/csv", "title,rating\nDogma,9.9\n", "read");
        check("POST films", "application/x-www-form-urlencoded", "title=Dogma&rating=1", "read");
        check("POST films?columns=title", "application/json", r#"{"title": "Dogma", "rating": 11}"#, "read");
        check("POST rpc/films", "application/json", r#"{"title": "Dogma 95"}"#, "read");
    }

    #[test]
    fn err_rows_that_break_rules() {
        let long = r#"{"code":"23514","details":[{"pointer":"/title","rule":"max-length","code":"23514","message":"`title` has to have at most 5 characters"}],"hint":null,"message":"`title` has to have at most 5 characters"}"#;
        check("POST films", "application/json", r#"{"title": "Dogma 95"}"#, &format!("400 {long}"));
        check("PATCH films", "application/json", r#"{"title": "Dogma 95"}"#, &format!("400 {long}"));
        check("PUT films?id=eq.1", "application/json", r#"{"title": "Dogma 95"}"#, &format!("400 {long}"));
        check("POST films", "application/x-www-form-urlencoded", "title=Dogma+95", &format!("400 {long}"));
        let rows = long.replace("/title", "/1/title");
        check("POST films", "text/csv", "title\nDogma\nDogma 95\n", &format!("400 {rows}"));
        let several = r#"400 {"code":"23514","details":[{"pointer":"/0/rating","rule":"max","code":"23514","message":"`rating` has to be a number of at most 10"},{"pointer":"/0/title","rule":"required","code":"23514","message":"`title` is required"}],"hint":null,"message":"`rating` has to be a number of at most 10"}"#;
        check("POST films", "application/json", r#"[{"rating": "11"}]"#, several);
    }

    /// What is no row at all is told first.
    #[test]
    fn err_shape_goes_first() {
        let message = r#"400 {"code":"PGRST102","details":null,"hint":null,"message":"All object keys must match"}"#;
        check("POST films", "application/json", r#"[{"title": "Dogma 95"}, 5]"#, message);
    }
}
