//! Which tables the rows of a relation come from.
//!
//! A view's come from what its query reads, through further views. A materialized view has rows of its own, which
//! change when it is refreshed. A table shares rows with its partitions or other children, and with those above it, as
//! a writer may name either; but not with its siblings.

use sort::{Table, distinct};

use crate::format::HAS_ROW_SECURITY;
use crate::introspection::Answer;

/// A table that is read, as it is stored.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) oid: u32,
    pub(crate) schema: &'a str,
    pub(crate) name: &'a str,
    pub(crate) flags: u8,
    is_view: bool,
}

/// For each relation of the answer its sources in the order of OIDs; empty for one that is its own and only source.
pub(crate) fn sources<'a>(answer: &'a Answer<'_>) -> Vec<Vec<Source<'a>>> {
    let graph = Graph::new(answer);
    let of = |oid: u32| match graph.sources(oid) {
        itself if itself == [oid] => Vec::new(),
        several => several.iter().filter_map(|oid| graph.relations.get(oid).copied()).collect(),
    };
    answer.relations.iter().map(|relation| of(relation.oid)).collect()
}

/// Who reads and who inherits, by OID.
struct Graph<'a> {
    relations: Table<u32, Source<'a>>,
    reads: Table<u32, u32>,
    children: Table<u32, u32>,
    parents: Table<u32, u32>,
}

impl<'a> Graph<'a> {
    fn new(answer: &'a Answer<'_>) -> Graph<'a> {
        Graph {
            relations: Table::new(relations(answer).map(|source| (source.oid, source)).collect()),
            reads: Table::new(answer.reads.clone()),
            children: Table::new(answer.inherits.clone()),
            parents: Table::new(answer.inherits.iter().map(|(parent, child)| (*child, *parent)).collect()),
        }
    }

    fn sources(&self, start: u32) -> Vec<u32> {
        let is_view = |oid: &u32| self.relations.get(oid).is_some_and(|relation| relation.is_view);
        let mut tables = closure(vec![start], &|oid, found| {
            if is_view(oid) {
                found.extend(self.reads.all(oid));
            }
        });
        tables.retain(|oid| !is_view(oid));
        let mut sources = closure(tables.clone(), &|oid, found| found.extend(self.children.all(oid)));
        sources.extend(closure(tables, &|oid, found| found.extend(self.parents.all(oid))));
        distinct(&mut sources);
        sources
    }
}

/// Everything that the answer names.
fn relations<'a>(answer: &'a Answer<'_>) -> impl Iterator<Item = Source<'a>> {
    let exposed = answer.relations.iter().map(|relation| Source {
        oid: relation.oid,
        schema: &relation.schema,
        name: &relation.name,
        flags: relation.flags & HAS_ROW_SECURITY,
        is_view: relation.kind == 'v',
    });
    let others = answer.others.iter().map(|other| Source {
        oid: other.oid,
        schema: &other.schema,
        name: &other.name,
        flags: if other.has_row_security { HAS_ROW_SECURITY } else { 0 },
        is_view: other.kind == 'v',
    });
    exposed.chain(others)
}

/// The starts, and all that can be reached from them, sorted; `next` adds what is one step away.
fn closure(starts: Vec<u32>, next: &dyn Fn(&u32, &mut Vec<u32>)) -> Vec<u32> {
    let (mut seen, mut fresh) = (Vec::new(), starts);
    while !fresh.is_empty() {
        let mut reached = Vec::new();
        fresh.iter().for_each(|oid| next(oid, &mut reached));
        seen.append(&mut fresh);
        distinct(&mut seen);
        distinct(&mut reached);
        reached.retain(|oid| seen.binary_search(oid).is_err());
        fresh = reached;
    }
    seen
}

#[cfg(test)]
mod tests {
    use crate::testing::Database;

    #[track_caller]
    fn check(relation: &str, expected: &[&str]) {
        let database = Database::new()
            .table("events", &["*id"])
            .table("private.events_1", &["*id"])
            .table("private.events_2", &["*id"])
            .partition("events", "private.events_1")
            .partition("events", "private.events_2")
            .table("users", &["*id", "event"])
            .view("private.both", &[("user", "users.id"), ("event", "events.id")])
            .view("all_events", &[("event", "private.both.event"), ("user", "private.both.user")])
            .view("first_events", &[("id", "private.events_1.id")])
            .view("constant", &[("one", "")])
            .materialized_view("stored", &[("id", "users.id")])
            .view("of_stored", &[("id", "stored.id")]);
        let catalog = database.catalog();
        let sources = catalog.relation("app", relation).unwrap().sources();
        assert_eq!(sources.map(|source| format!("{}.{}", source.schema, source.name)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn ok_a_table_is_its_own_source() {
        check("users", &["app.users"]);
    }

    #[test]
    fn ok_a_parent_has_its_partitions_and_a_partition_its_parent_alone() {
        check("events", &["app.events", "private.events_1", "private.events_2"]);
        check("first_events", &["app.events", "private.events_1"]);
    }

    #[test]
    fn ok_views_are_looked_through() {
        check("all_events", &["app.events", "private.events_1", "private.events_2", "app.users"]);
        check("constant", &[]);
    }

    #[test]
    fn ok_a_materialized_view_has_rows_of_its_own() {
        check("stored", &["app.stored"]);
        check("of_stored", &["app.stored"]);
    }
}
