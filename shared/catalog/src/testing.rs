//! Databases for tests, written by hand or at random.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Catalog;

/// An introspection's answer in the making. Every relation is in the schema that its name is qualified with, else in
/// `app`, which is the exposed one; its OID is its place, counted from 1.
#[derive(Default)]
pub(crate) struct Database {
    types: Vec<Value>,
    columns: Vec<Value>,
    relations: Vec<Value>,
    others: Vec<Value>,
    keys: Vec<Value>,
    foreign_keys: Vec<Value>,
    views: Vec<Value>,
    reads: Vec<Value>,
    inherits: Vec<Value>,
    functions: Vec<Value>,
    oids: Vec<String>,
    lists: BTreeMap<&'static str, Vec<Value>>,
}

impl Database {
    pub(crate) fn new() -> Database {
        let types = vec![json!(["integer", "integer", "b", "b", null, [], false, null])];
        Database { types, ..Database::default() }
    }

    /// A table whose columns are integers; those marked with `*` are its primary key.
    pub(crate) fn table(mut self, name: &str, columns: &[&str]) -> Database {
        let oid = self.relation(name, 'r', columns);
        let key: Vec<usize> = (1..=columns.len()).filter(|attnum| columns[attnum - 1].starts_with('*')).collect();
        if !key.is_empty() {
            self.keys.push(json!([oid, key]));
        }
        self
    }

    /// A view whose columns show `table.column`, or nothing that is known where that is empty.
    pub(crate) fn view(self, name: &str, columns: &[(&str, &str)]) -> Database {
        self.query(name, 'v', columns)
    }

    pub(crate) fn materialized_view(self, name: &str, columns: &[(&str, &str)]) -> Database {
        self.query(name, 'm', columns)
    }

    /// A foreign key, as `table(a,b)` and `table(c,d)`.
    pub(crate) fn foreign_key(self, name: &str, source: &str, target: &str) -> Database {
        self.reference(name, source, target, false)
    }

    /// A foreign key on columns that are also a key of the table.
    pub(crate) fn unique_foreign_key(self, name: &str, source: &str, target: &str) -> Database {
        self.reference(name, source, target, true)
    }

    pub(crate) fn partition(mut self, parent: &str, child: &str) -> Database {
        let edge = json!([self.oid(parent), self.oid(child)]);
        self.inherits.push(edge);
        self
    }

    /// A policy of a table that reads another relation.
    pub(crate) fn policy(mut self, table: &str, read: &str) -> Database {
        let edge = json!([self.oid(table), self.oid(read)]);
        self.reads.push(edge);
        self
    }

    /// Flags of an exposed relation instead of those that all have.
    pub(crate) fn flags(mut self, name: &str, flags: u8) -> Database {
        let relation = self.relations.iter_mut().find(|relation| relation[2] == name).expect("the relation is exposed");
        relation[4] = flags.into();
        self
    }

    /// Another type, by whose place the last table's columns are then typed.
    pub(crate) fn typed(mut self, columns: &[Value], types: &[Value]) -> Database {
        self.types.extend_from_slice(types);
        let first = self.columns.len();
        self.columns.extend_from_slice(columns);
        let numbers: Vec<usize> = (first..self.columns.len()).collect();
        self.oids.push("typed".into());
        self.relations.push(json!([self.oids.len(), "app", "typed", "r", 7, null, numbers]));
        self
    }

    /// A function, as the introspection describes it.
    pub(crate) fn function(mut self, described: Value) -> Database {
        self.functions.push(described);
        self
    }

    /// One more item of a list of the answer that nothing else here fills.
    pub(crate) fn with(mut self, list: &'static str, item: Value) -> Database {
        self.lists.entry(list).or_default().push(item);
        self
    }

    pub(crate) fn json(&self) -> Value {
        let list = |name| self.lists.get(name).cloned().unwrap_or_default();
        json!({
            "types": self.types, "columns": self.columns, "relations": self.relations, "others": self.others,
            "keys": self.keys, "foreign_keys": self.foreign_keys, "views": self.views, "reads": self.reads,
            "inherits": self.inherits, "functions": self.functions, "computed": list("computed"), "representations": list("representations"),
            "handlers": list("handlers"), "roles": list("roles"),
        })
    }

    pub(crate) fn catalog(&self) -> Catalog {
        Catalog::from_introspection(self.json().to_string().as_bytes()).expect("the answer is well formed")
    }

    fn relation(&mut self, name: &str, kind: char, columns: &[&str]) -> usize {
        self.oids.push(name.into());
        let oid = self.oids.len();
        let first = self.columns.len();
        self.columns.extend(columns.iter().map(|column| json!([column.trim_start_matches('*'), 0, 1])));
        let numbers: Vec<usize> = (first..self.columns.len()).collect();
        match name.split_once('.') {
            Some((schema, name)) => self.others.push(json!([oid, schema, name, kind, 0])),
            None => self.relations.push(json!([oid, "app", name, kind, 7, null, numbers])),
        }
        // Columns of what is not exposed are found by name all the same.
        self.oids[oid - 1] = format!("{name}({})", columns.join(",").replace('*', ""));
        oid
    }

    fn query(mut self, name: &str, kind: char, columns: &[(&str, &str)]) -> Database {
        let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
        let oid = self.relation(name, kind, &names);
        let mut outline = String::from("{");
        for (place, (_, origin)) in columns.iter().enumerate() {
            let Some((table, column)) = origin.rsplit_once('.') else { continue };
            let (table, attnums) = self.place(&format!("{table}({column})"));
            outline.push_str(&format!("{{#{}@{table}.{}}}", place + 1, attnums[0]));
            if kind == 'v' {
                self.reads.push(json!([oid, table]));
            }
        }
        self.views.push(json!([oid, outline + "}"]));
        self
    }

    fn reference(mut self, name: &str, source: &str, target: &str, is_unique: bool) -> Database {
        let ((source, from), (target, to)) = (self.place(source), self.place(target));
        self.foreign_keys.push(json!([name, source, target, from, to, is_unique]));
        self
    }

    fn oid(&self, name: &str) -> usize {
        let starts = |known: &String| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('('));
        self.oids.iter().position(starts).map_or_else(|| panic!("no relation `{name}`"), |place| place + 1)
    }

    /// OID and attnums of `table(a,b)`.
    fn place(&self, text: &str) -> (usize, Vec<usize>) {
        let (table, columns) = text.trim_end_matches(')').split_once('(').expect("a table with columns");
        let oid = self.oid(table);
        let known: Vec<&str> = self.oids[oid - 1].trim_end_matches(')').split(['(', ',']).skip(1).collect();
        let attnum = |column| known.iter().position(|known| *known == column).expect("the column is known") + 1;
        (oid, columns.split(',').map(attnum).collect())
    }
}

/// Small random numbers that are the same in every run (xorshift).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// Reads everything that a catalog offers, to see that none of it panics; returns how much there was.
pub(crate) fn walk(catalog: &Catalog) -> usize {
    let functions: usize = catalog.functions().map(|function| walk_function(catalog, function)).sum();
    let handlers = catalog.handlers().map(|handler| format!("{handler:?}").len()).sum::<usize>();
    let roles = catalog.roles().map(|role| role.name().len() + role.settings().count()).sum::<usize>();
    let relations = catalog.relations().map(|relation| walk_relation(catalog, relation)).sum::<usize>();
    functions + handlers + roles + relations
}

fn walk_function(catalog: &Catalog, function: crate::Function<'_>) -> usize {
    let relation = function.returned_relation().map(|relation| relation.name());
    let facts = format!("{function:?} {:?} {relation:?} {:?}", function.return_type(), function.description()).len();
    let found = catalog.function(function.schema(), function.name()).count();
    facts + found + function.returned_columns().count() + function.settings().count()
}

fn walk_relation(catalog: &Catalog, relation: crate::Relation<'_>) -> usize {
    let columns = relation
        .columns()
        .map(|column| format!("{column:?} {:?}", column.to_json()).len() + column.enum_labels().count());
    let columns = columns.sum::<usize>();
    let relationships = relation.relationships().map(|relationship| format!("{relationship:?}").len()).sum::<usize>();
    let facts = format!("{:?} {:?} {}", relation.kind(), relation.description(), relation.oid()).len();
    let found = usize::from(catalog.relation(relation.schema(), relation.name()).is_some());
    let computed = relation.computed_relationships().map(|computed| format!("{computed:?}").len()).sum::<usize>();
    computed + columns + relationships + facts + found + relation.primary_key().count() + relation.sources().count()
}
