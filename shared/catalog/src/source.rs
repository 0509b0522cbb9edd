//! Which tables the rows of a relation come from.
//!
//! A view's come from what its query reads, through further views; and which of a table's rows are seen may depend on
//! what its policies read. A materialized view has rows of its own, which change when it is refreshed. A table shares rows with its partitions or other children, and with those above it, as
//! a writer may name either; but not with its siblings.

use sort::{Table, distinct};

use crate::format::{HAS_ROW_SECURITY, IS_WATCHED};
use crate::introspection::{Answer, Relation};

/// A table that is read, as it is stored.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) oid: u32,
    pub(crate) schema: &'a str,
    pub(crate) name: &'a str,
    pub(crate) flags: u8,
    is_view: bool,
}

/// For each relation of the answer its sources in the order of OIDs; empty for one that is its own and only source, and
/// watched.
pub(crate) fn sources<'a>(answer: &'a Answer<'_>) -> Vec<Vec<Source<'a>>> {
    let graph = Graph::new(answer);
    let of = |relation: &Relation<'_>| match graph.sources(relation.oid) {
        itself if itself == [relation.oid] && relation.flags & IS_WATCHED != 0 => Vec::new(),
        sources => sources.iter().filter_map(|oid| graph.relations.get(oid).copied()).collect(),
    };
    answer.relations.iter().map(of).collect()
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
        let mut tables = closure(vec![start], &|oid, found| found.extend(self.reads.all(oid)));
        tables.retain(|oid| !self.relations.get(oid).is_some_and(|relation| relation.is_view));
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
        flags: relation.flags & (HAS_ROW_SECURITY | IS_WATCHED),
        is_view: relation.kind == 'v',
    });
    let others = answer.others.iter().map(|other| Source {
        oid: other.oid,
        schema: &other.schema,
        name: &other.name,
        flags: other.flags,
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
    use super::*;
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
            .view("of_stored", &[("id", "stored.id")])
            .table("private.members", &["*id"])
            .view("teams", &[("member", "private.members.id")])
            .table("posts", &["*id"])
            .policy("posts", "teams")
            .policy("private.members", "users")
            .view("titles", &[("id", "posts.id")]);
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
    fn ok_what_policies_read_comes_to_a_table_and_all_above_it() {
        check("posts", &["app.users", "private.members", "app.posts"]);
        check("titles", &["app.users", "private.members", "app.posts"]);
    }

    #[test]
    fn ok_a_source_is_watched_or_secured_alone_or_beside_others() {
        let (secured, watched) = (HAS_ROW_SECURITY, IS_WATCHED);
        for flags in [0, secured, watched, secured | watched] {
            let database = Database::new().table("alone", &["*id"]).flags("alone", flags);
            let catalog = database.view("above", &[("id", "alone.id")]).catalog();
            for name in ["alone", "above"] {
                let sources: Vec<_> = catalog.relation("app", name).unwrap().sources().collect();
                let facts: Vec<_> =
                    sources.iter().map(|one| (one.name, one.has_row_security, one.is_watched)).collect();
                assert_eq!(facts, [("alone", flags & secured != 0, flags & watched != 0)], "{name}");
            }
            assert!(!catalog.relation("app", "alone").unwrap().has_representations(), "the answer's flag is another");
        }
    }

    #[test]
    fn ok_a_materialized_view_has_rows_of_its_own() {
        check("stored", &["app.stored"]);
        check("of_stored", &["app.stored"]);
    }
}
