//! The introspection against a real PostgreSQL, as a role that may do nothing: `schema.sql` becomes `catalog.txt`.
//!
//! Runs where PostgreSQL's programs are found, and says so and passes where they are not.

mod cluster;

use std::fmt::Write;

use catalog::{Cardinality, Catalog, Relation, Relationship};
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
    assert_eq!(catalog.as_bytes(), introspect(&cluster, "postgres", &["app"]).as_bytes());
    assert!(catalog.relations().all(|relation| relation.schema() == "app"));
    assert!(catalog.relation("app", "films").unwrap().relationships().all(|one| one.target().schema() == "app"));

    cluster.run("postgres", "alter role authenticator set search_path = app, extra");
    assert_eq!(catalog.as_bytes(), introspect(&cluster, "authenticator", &["app"]).as_bytes());
    assert_eq!(introspect(&cluster, "authenticator", &["nowhere", "it's \"odd\""]).relations().count(), 0);

    cluster.run("postgres", "alter table app.actors add column name text");
    let changed = introspect(&cluster, "authenticator", &["app"]);
    assert!(changed.relation("app", "actors").unwrap().column("name").is_some());
}

/// Asks as that role, in a read-only transaction.
fn introspect(cluster: &Cluster, role: &str, schemas: &[&str]) -> Catalog {
    let schemas: Vec<String> = schemas.iter().map(|schema| schema.to_string()).collect();
    let (text, parameters) = catalog::introspection(&schemas);
    let quoted = |value: &Option<String>| format!("'{}'", value.as_deref().unwrap_or_default().replace('\'', "''"));
    let values = parameters.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let (question, settings) = (format!("prepare question as {text}"), catalog::INTROSPECTION_SETTINGS);
    let script =
        format!("{question};\nbegin read only;\n{settings} \\g /dev/null\nexecute question({values});\ncommit;");
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
    text
}

fn describe(text: &mut String, relation: Relation<'_>) -> std::fmt::Result {
    let can = [
        (relation.is_insertable(), " insert"),
        (relation.is_updatable(), " update"),
        (relation.is_deletable(), " delete"),
    ];
    let can: String = can.iter().filter(|(can, _)| *can).map(|(_, name)| *name).collect();
    writeln!(text, "{relation:?}: {:?}{can}", relation.kind())?;
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
    for source in relation.sources() {
        let security = if source.has_row_security { ", row security" } else { "" };
        writeln!(text, "  reads {}.{}{security}", source.schema, source.name)?;
    }
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
