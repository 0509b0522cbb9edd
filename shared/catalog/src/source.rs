//! Which tables the rows of a relation come from.
//!
//! A view's come from what its query reads, through further views. A materialized view has rows of its own, which
//! change when it is refreshed. A table shares rows with its partitions or other children, and with those above it, as
//! a writer may name either; but not with its siblings.

use std::collections::{BTreeSet, HashMap};

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
        itself if itself.iter().eq([&oid]) => Vec::new(),
        several => several.iter().filter_map(|oid| graph.relations.get(oid).copied()).collect(),
    };
    answer.relations.iter().map(|relation| of(relation.oid)).collect()
}

/// Who reads and who inherits, by OID.
struct Graph<'a> {
    relations: HashMap<u32, Source<'a>>,
    reads: HashMap<u32, Vec<u32>>,
    children: HashMap<u32, Vec<u32>>,
    parents: HashMap<u32, Vec<u32>>,
}

impl<'a> Graph<'a> {
    fn new(answer: &'a Answer<'_>) -> Graph<'a> {
        Graph {
            relations: relations(answer).map(|source| (source.oid, source)).collect(),
            reads: grouped(answer.reads.iter().copied()),
            children: grouped(answer.inherits.iter().copied()),
            parents: grouped(answer.inherits.iter().map(|(parent, child)| (*child, *parent))),
        }
    }

    fn sources(&self, start: u32) -> BTreeSet<u32> {
        let is_view = |oid: &u32| self.relations.get(oid).is_some_and(|relation| relation.is_view);
        let mut tables = closure([start], |oid| self.reads.get(&oid).filter(|_| is_view(&oid)));
        tables.retain(|oid| !is_view(oid));
        let children = closure(tables.iter().copied(), |oid| self.children.get(&oid));
        let parents = closure(tables.iter().copied(), |oid| self.parents.get(&oid));
        children.union(&parents).copied().collect()
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

fn grouped(edges: impl Iterator<Item = (u32, u32)>) -> HashMap<u32, Vec<u32>> {
    let mut groups: HashMap<u32, Vec<u32>> = HashMap::new();
    for (from, to) in edges {
        groups.entry(from).or_default().push(to);
    }
    groups
}

/// The starts, and all that can be reached from them.
fn closure<'g>(starts: impl IntoIterator<Item = u32>, next: impl Fn(u32) -> Option<&'g Vec<u32>>) -> BTreeSet<u32> {
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<u32> = starts.into_iter().collect();
    while let Some(oid) = waiting.pop() {
        if seen.insert(oid) {
            waiting.extend(next(oid).into_iter().flatten());
        }
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
