//! Relationships that functions of the database make.

use crate::format::{Cursor, IS_TO_ONE};
use crate::{Catalog, Relation};

/// A function of one relation's rows that returns rows of another, which can be embedded under the function's name
/// (<https://docs.postgrest.org/en/stable/references/api/resource_embedding.html#computed-relationships>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Computed<'a> {
    /// The function's schema, unquoted.
    pub schema: &'a str,
    /// The function's name, unquoted. Others of that name may take rows of other relations.
    pub name: &'a str,
    /// The relation whose rows it returns.
    pub target: Relation<'a>,
    /// Whether it returns at most one row: it says so by `ROWS 1`, or returns no set.
    pub is_to_one: bool,
}

/// The computed relationships that start at a relation, sorted by the function's schema and name.
#[derive(Clone)]
pub struct ComputedRelationships<'a> {
    catalog: &'a Catalog,
    rest: Cursor<'a>,
}

impl<'a> ComputedRelationships<'a> {
    pub(crate) fn new(catalog: &'a Catalog, rest: Cursor<'a>) -> ComputedRelationships<'a> {
        ComputedRelationships { catalog, rest }
    }
}

impl<'a> Iterator for ComputedRelationships<'a> {
    type Item = Computed<'a>;

    fn next(&mut self) -> Option<Computed<'a>> {
        Some(Computed {
            schema: self.catalog.string(self.rest.varint()?)?,
            name: self.catalog.string(self.rest.varint()?)?,
            target: self.catalog.relation_at(self.rest.varint()?)?,
            is_to_one: self.rest.byte()? & IS_TO_ONE != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Database;

    #[test]
    fn ok_functions_of_a_relation() {
        let catalog = Database::new()
            .table("films", &["*id"])
            .table("actors", &["*id"])
            .with("computed", json!([1, 2, "app", "stars", false]))
            .with("computed", json!([1, 1, "app", "sequel", true]))
            .catalog();
        let computed = |name| catalog.relation("app", name).unwrap().computed_relationships();
        let found: Vec<_> = computed("films").map(|one| (one.name, one.target.name(), one.is_to_one)).collect();
        assert_eq!(found, [("sequel", "films", true), ("stars", "actors", false)]);
        assert_eq!(computed("actors").count(), 0);
    }
}
