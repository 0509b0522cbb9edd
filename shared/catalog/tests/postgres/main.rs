//! The introspection against a real PostgreSQL, as a role that may do nothing: `schema.sql` becomes `catalog.txt`.
//!
//! Runs where PostgreSQL's programs are found, and says so and passes where they are not.

mod cluster;
mod reads;

use std::fmt::Write;

use catalog::{Cardinality, Catalog, Function, Relation, Relationship};
use cluster::Cluster;

#[test]
fn the_schema_is_described_whole() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.run("postgres", include_str!("schema.sql"));
    let catalog = introspect(&cluster, "authenticator", &["app", "extra"]);
    compare(&described(&catalog), include_str!("catalog.txt"));
}

#[test]
fn another_role_schema_or_search_path_changes_nothing_that_it_should_not() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.run("postgres", include_str!("schema.sql"));
    let catalog = introspect(&cluster, "authenticator", &["app"]);
    cluster.run("postgres", "create role twin noinherit login; grant anon, writer to twin");
    assert_eq!(catalog.as_bytes(), introspect(&cluster, "twin", &["app"]).as_bytes());
    assert!(catalog.relations().all(|relation| relation.schema() == "app"));
    assert!(catalog.relation("app", "films").unwrap().relationships().all(|one| one.target().schema() == "app"));

    cluster.run("postgres", "alter role authenticator set search_path = app, extra");
    assert_eq!(catalog.as_bytes(), introspect(&cluster, "authenticator", &["app"]).as_bytes());
    assert_eq!(introspect(&cluster, "authenticator", &["nowhere", "it's \"odd\""]).relations().count(), 0);

    cluster.run("postgres", "alter table app.actors add column name text");
    let changed = introspect(&cluster, "authenticator", &["app"]);
    assert!(changed.relation("app", "actors").unwrap().column("name").is_some());
}

/// PostgreSQL 15 was the first in which a parameter's setting can be granted.
#[test]
fn a_parameter_that_may_be_set_by_grant_is_set_for_a_role() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.run("postgres", include_str!("schema.sql"));
    if cluster.run("postgres", "show server_version_num").trim() < "150000" {
        return;
    }
    const NAME: &str = "log_min_duration_statement";
    let is_set = || {
        let catalog = introspect(&cluster, "authenticator", &["app"]);
        catalog.role("anon").is_some_and(|role| role.settings().any(|(name, _)| name == NAME))
    };
    assert!(!is_set());
    cluster.run("postgres", &format!("grant set on parameter {NAME} to authenticator"));
    assert!(is_set());
}

/// Asks as that role, in a read-only transaction.
fn introspect(cluster: &Cluster, role: &str, schemas: &[&str]) -> Catalog {
    let schemas: Vec<String> = schemas.iter().map(|schema| schema.to_string()).collect();
    let (text, parameters) = catalog::introspection(&schemas);
    let quoted = |value: &Option<String>| format!("'{}'", value.as_deref().unwrap_or_default().replace('\'', "''"));
    let values = parameters.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let (question, settings) = (format!("prepare question as {text}"), catalog::INTROSPECTION_SETTINGS);
    let script = format!(
        "{question};\nbegin read only;\n{settings} \\g /dev/null\nexecute question({values}) \\gset\n\\echo :body\ncommit;"
    );
    Catalog::from_introspection(cluster.run(role, &script).as_bytes()).expect("the answer is well formed")
}

#[track_caller]
fn compare(found: &str, expected: &str) {
    if found != expected {
        let place = found.lines().zip(expected.lines()).take_while(|(one, other)| one == other).count();
        let line = |text: &str| text.lines().nth(place).unwrap_or("(the end)").to_owned();
        panic!("line {}:\n  found    {}\n  expected {}\n\n{found}", place + 1, line(found), line(expected));
    }
}

/// All that the catalog offers, as text; OIDs are left out, for they differ.
fn described(catalog: &Catalog) -> String {
    let mut text = String::new();
    for relation in catalog.relations() {
        describe(&mut text, relation).expect("a String takes everything");
    }
    for function in catalog.functions() {
        describe_function(&mut text, function).expect("a String takes everything");
    }
    for handler in catalog.handlers() {
        text += &format!("{} by {:?} of {:?}", handler.media_type, handler.function, handler.target);
        text += if handler.is_binary { ", binary\n" } else { "\n" };
    }
    for role in catalog.roles() {
        let settings: Vec<_> = role.settings().collect();
        text += &format!("role {:?}: isolation {:?}, {settings:?}\n", role.name(), role.isolation());
    }
    text
}

fn describe(text: &mut String, relation: Relation<'_>) -> std::fmt::Result {
    let facts = [
        (relation.is_insertable(), " insert"),
        (relation.is_updatable(), " update"),
        (relation.is_deletable(), " delete"),
        (relation.stores_as_sent(), " as sent"),
        (!relation.is_determined(), " undetermined"),
        (relation.reads_claims(), " by claims"),
    ];
    let facts: String = facts.iter().filter(|(is_so, _)| *is_so).map(|(_, name)| *name).collect();
    writeln!(text, "{relation:?}: {:?}{facts}", relation.kind())?;
    if let Some(comment) = relation.description() {
        writeln!(text, "  comment {comment:?}")?;
    }
    for column in relation.columns() {
        write!(text, "  {:?} {}", column.name(), column.data_type())?;
        if column.base_type() != column.data_type() {
            write!(text, ", base {}", column.base_type())?;
        }
        write!(text, ", {:?}", column.type_kind())?;
        if column.base_type_kind() != column.type_kind() {
            write!(text, " {:?}", column.base_type_kind())?;
        }
        write!(text, "{}", if column.is_nullable() { "" } else { ", not null" })?;
        column.max_length().map_or(Ok(()), |length| write!(text, ", at most {length}"))?;
        column.identity().map_or(Ok(()), |identity| write!(text, ", identity {identity:?}"))?;
        write!(text, "{}", if column.is_generated() { ", generated" } else { "" })?;
        let representation =
            [(column.to_json(), "shown"), (column.from_json(), "read"), (column.from_text(), "parsed")];
        for (function, does) in representation.into_iter().filter_map(|(function, does)| Some((function?, does))) {
            write!(text, ", {does} by {function}")?;
        }
        column.default().map_or(Ok(()), |default| write!(text, ", default {default}"))?;
        let labels: Vec<_> = column.enum_labels().collect();
        write!(text, "{}", if labels.is_empty() { String::new() } else { format!(", one of {labels:?}") })?;
        column.description().map_or(Ok(()), |comment| write!(text, ", comment {comment:?}"))?;
        writeln!(text)?;
    }
    let key: Vec<_> = relation.primary_key().collect();
    if !key.is_empty() {
        writeln!(text, "  key {key:?}")?;
    }
    for relationship in relation.relationships() {
        writeln!(text, "  {}", line(&relationship))?;
    }
    for computed in relation.computed_relationships() {
        let to = if computed.is_to_one { "1" } else { "*" };
        writeln!(text, "  ?:{to} {:?} by {}.{}()", computed.target, computed.schema, computed.name)?;
    }
    for source in relation.sources() {
        let security = if source.has_row_security { ", row security" } else { "" };
        let watched = if source.is_watched { ", watched" } else { "" };
        writeln!(text, "  reads {}.{}{security}{watched}", source.schema, source.name)?;
    }
    writeln!(text)
}

fn describe_function(text: &mut String, function: Function<'_>) -> std::fmt::Result {
    let (schema, name) = function.return_type();
    let set = if function.returns_set() { "set of " } else { "" };
    let row = if function.returns_composite() { " (row)" } else { "" };
    let volatility = function.volatility();
    writeln!(text, "{}.{}: {set}{schema}.{name}{row}, {volatility:?}", function.schema(), function.name())?;
    if let Some(comment) = function.description() {
        writeln!(text, "  comment {comment:?}")?;
    }
    for parameter in function.parameters() {
        let required = if parameter.is_required { ", required" } else { "" };
        let variadic = if parameter.is_variadic { ", variadic" } else { "" };
        writeln!(text, "  takes {:?} {}{required}{variadic}", parameter.name, parameter.data_type)?;
    }
    function.returned_columns().try_for_each(|(name, data_type)| writeln!(text, "  gives {name:?} {data_type}"))?;
    function.returned_relation().map_or(Ok(()), |relation| writeln!(text, "  gives rows of {relation:?}"))?;
    function.settings().try_for_each(|(name, value)| writeln!(text, "  sets {name} to {value:?}"))?;
    writeln!(text)
}

fn line(relationship: &Relationship<'_>) -> String {
    let pairs = |columns: Vec<(&str, &str)>| {
        columns.iter().map(|(one, other)| format!("{one}={other}")).collect::<Vec<_>>().join(" ")
    };
    let target = relationship.target();
    match relationship.cardinality() {
        Cardinality::ManyToOne { constraint, columns } => format!("*:1 {target:?} by {constraint}: {}", pairs(columns)),
        Cardinality::OneToMany { constraint, columns } => format!("1:* {target:?} by {constraint}: {}", pairs(columns)),
        Cardinality::OneToOne { constraint, columns, is_parent } => {
            let end = if is_parent { " (parent)" } else { "" };
            format!("1:1 {target:?} by {constraint}: {}{end}", pairs(columns))
        }
        Cardinality::ManyToMany { junction, constraint_source, constraint_target, columns_source, columns_target } => {
            let (from, to) = (pairs(columns_source), pairs(columns_target));
            format!("*:* {target:?} through {junction:?} by {constraint_source}: {from}, {constraint_target}: {to}")
        }
    }
}
