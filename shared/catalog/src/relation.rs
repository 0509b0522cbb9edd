//! One relation: a table, a view, or what else can be read like one.

use crate::format::{
    self, Cursor, HAS_REPRESENTATIONS, HAS_ROW_SECURITY, IS_DELETABLE, IS_DETERMINED, IS_INSERTABLE, IS_UPDATABLE,
    IS_WATCHED, READS_CLAIMS, STORES_AS_SENT,
};
use crate::{Catalog, Column, ComputedRelationships, Relationships};

/// A relation of an exposed schema, read in place. Partitions are not among them: their parents stand for them.
#[derive(Clone, Copy)]
pub struct Relation<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) ordinal: u32,
    schema: &'a str,
    name: &'a str,
    /// What follows the name.
    rest: Cursor<'a>,
}

/// What sort of relation it is (`pg_class.relkind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// An ordinary table.
    Table,
    /// A partitioned table.
    PartitionedTable,
    /// A view.
    View,
    /// A materialized view.
    MaterializedView,
    /// A table of a foreign server.
    ForeignTable,
}

impl RelationKind {
    /// Whether a query defines it: a view, materialized or not.
    pub fn is_view(self) -> bool {
        matches!(self, RelationKind::View | RelationKind::MaterializedView)
    }
}

/// The parts of a record behind schema and name; what damaged bytes leave out is empty.
struct Parts<'a> {
    kind: u8,
    flags: u8,
    oid: u32,
    description: u32,
    columns: Cursor<'a>,
    key: Cursor<'a>,
    relationships: Cursor<'a>,
    sources: Cursor<'a>,
    computed: Cursor<'a>,
}

impl<'a> Relation<'a> {
    pub(crate) fn read(catalog: &'a Catalog, ordinal: u32, mut record: Cursor<'a>) -> Option<Relation<'a>> {
        let schema = catalog.string(record.varint()?)?;
        let name = catalog.string(record.varint()?)?;
        Some(Relation { catalog, ordinal, schema, name, rest: record })
    }

    /// The schema's name, unquoted.
    pub fn schema(&self) -> &'a str {
        self.schema
    }

    /// The relation's name, unquoted.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Schema and name.
    pub fn full_name(&self) -> (&'a str, &'a str) {
        (self.schema, self.name)
    }

    /// What sort of relation it is.
    pub fn kind(&self) -> RelationKind {
        format::relation_kind(self.parts().kind).unwrap_or(RelationKind::Table)
    }

    /// The `pg_class.oid`, by which Postgres' notifications and statistics know it.
    pub fn oid(&self) -> u32 {
        self.parts().oid
    }

    /// The relation's comment.
    pub fn description(&self) -> Option<&'a str> {
        self.catalog.optional_string(self.parts().description)
    }

    /// Whether rows can be inserted: it is a table, or a view or foreign table that takes them (also by a trigger).
    pub fn is_insertable(&self) -> bool {
        self.parts().flags & IS_INSERTABLE != 0
    }

    /// Whether rows can be updated.
    pub fn is_updatable(&self) -> bool {
        self.parts().flags & IS_UPDATABLE != 0
    }

    /// Whether rows can be deleted.
    pub fn is_deletable(&self) -> bool {
        self.parts().flags & IS_DELETABLE != 0
    }

    /// Whether row security is enabled on this very relation; for what a view reads, see [`Source`].
    pub fn has_row_security(&self) -> bool {
        self.parts().flags & HAS_ROW_SECURITY != 0
    }

    /// Whether rows reach their constraints as they are sent: it is a table, and no trigger or rule changes them before.
    pub fn stores_as_sent(&self) -> bool {
        self.parts().flags & STORES_AS_SENT != 0
    }

    /// Whether the rows that a caller sees follow from the rows of the [`sources`](Self::sources), the caller's role and
    /// the caller's claims alone. It is so unless something that is evaluated when the relation is read (by itself, by a
    /// view below it, or by a policy of a table below it) could say otherwise without a write: a clock, a setting, a
    /// state of the server, a sample, a foreign, system, temporary or unlogged table, a function that is volatile, or a
    /// stable one whose text does not show that it reads none of these. That a function is immutable is believed. What
    /// shows values ([`Column::to_json`]) is not looked at.
    pub fn is_determined(&self) -> bool {
        self.parts().flags & IS_DETERMINED != 0
    }

    /// Whether the rows that a caller sees may depend on the caller's claims: a table below has row security, or
    /// something that is evaluated reads a setting or calls a function that may read one.
    pub fn reads_claims(&self) -> bool {
        self.parts().flags & READS_CLAIMS != 0
    }

    /// The columns, in the order in which they were created; dropped ones are not among them.
    pub fn columns(&self) -> Columns<'a> {
        Columns { catalog: self.catalog, rest: self.parts().columns }
    }

    /// The column of exactly that name.
    pub fn column(&self, name: &str) -> Option<Column<'a>> {
        self.columns().find(|column| column.name() == name)
    }

    /// The names of the primary key's columns in the key's own order (PostgREST sorts a table's by name); empty where
    /// there is none. A view has the primary keys of all tables below it of which it shows the whole key: PostgREST's
    /// guess, which may be no key of the view's rows.
    pub fn primary_key(&self) -> PrimaryKey<'a> {
        PrimaryKey { catalog: self.catalog, rest: self.parts().key }
    }

    /// All relationships that start here, sorted by schema and name of the target, then cardinality, then constraint.
    pub fn relationships(&self) -> Relationships<'a> {
        Relationships::new(*self, self.parts().relationships)
    }

    /// What functions of this relation's rows lead to, sorted by the function's schema and name. One of the name of a
    /// relation stands for all relationships with it.
    pub fn computed_relationships(&self) -> ComputedRelationships<'a> {
        ComputedRelationships::new(self.catalog, self.parts().computed)
    }

    /// Whether some column's values are shown or read by a function ([`Column::to_json`], `from_json`, `from_text`).
    pub fn has_representations(&self) -> bool {
        self.parts().flags & HAS_REPRESENTATIONS != 0
    }

    /// The tables in which the rows of this relation are written, in the order of their OIDs: for a table or a materialized
    /// view itself, with its partitions, other children and parents, since a writer may name any of them; for a view all
    /// these of what it reads, however many views lie between. To them come those that policies read. What the body of a
    /// function reads is not known.
    pub fn sources(&self) -> Sources<'a> {
        let parts = self.parts();
        let itself = Source {
            oid: parts.oid,
            schema: self.schema,
            name: self.name,
            has_row_security: parts.flags & HAS_ROW_SECURITY != 0,
            is_watched: true,
        };
        let is_alone = parts.sources.0.is_empty() && self.kind() != RelationKind::View;
        Sources { catalog: self.catalog, itself: is_alone.then_some(itself), rest: parts.sources }
    }

    fn parts(&self) -> Parts<'a> {
        let rest = &mut { self.rest };
        Parts {
            kind: rest.byte().unwrap_or_default(),
            flags: rest.byte().unwrap_or_default(),
            oid: rest.varint().unwrap_or_default(),
            description: rest.varint().unwrap_or_default(),
            columns: rest.block().unwrap_or(Cursor::EMPTY),
            key: rest.block().unwrap_or(Cursor::EMPTY),
            relationships: rest.block().unwrap_or(Cursor::EMPTY),
            sources: rest.block().unwrap_or(Cursor::EMPTY),
            computed: rest.block().unwrap_or(Cursor::EMPTY),
        }
    }
}

/// Two relations are equal if they are the same one of the same catalog (or of two with the same names in them).
impl PartialEq for Relation<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.full_name() == other.full_name()
    }
}

impl Eq for Relation<'_> {}

impl std::fmt::Debug for Relation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// A relation's columns in their order.
#[derive(Clone)]
pub struct Columns<'a> {
    catalog: &'a Catalog,
    rest: Cursor<'a>,
}

impl<'a> Iterator for Columns<'a> {
    type Item = Column<'a>;

    fn next(&mut self) -> Option<Column<'a>> {
        Column::read(self.catalog, self.rest.varint()?)
    }
}

/// The names of a primary key's columns.
#[derive(Clone)]
pub struct PrimaryKey<'a> {
    catalog: &'a Catalog,
    rest: Cursor<'a>,
}

impl<'a> Iterator for PrimaryKey<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        self.catalog.string(self.rest.varint()?)
    }
}

/// A table that is read, exposed or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The table's `pg_class.oid`.
    pub oid: u32,
    /// Its schema, unquoted.
    pub schema: &'a str,
    /// Its name, unquoted.
    pub name: &'a str,
    /// Whether row security is enabled on it, so that what is read may depend on who asks.
    pub has_row_security: bool,
    /// Whether the database notifies of every write to it, as `headland migrate` arranges.
    pub is_watched: bool,
}

/// The tables that a relation reads.
#[derive(Clone)]
pub struct Sources<'a> {
    catalog: &'a Catalog,
    itself: Option<Source<'a>>,
    rest: Cursor<'a>,
}

impl<'a> Iterator for Sources<'a> {
    type Item = Source<'a>;

    fn next(&mut self) -> Option<Source<'a>> {
        if let Some(itself) = self.itself.take() {
            return Some(itself);
        }
        let (oid, schema, name) = (self.rest.varint()?, self.rest.varint()?, self.rest.varint()?);
        let flags = self.rest.byte()?;
        Some(Source {
            oid,
            schema: self.catalog.string(schema)?,
            name: self.catalog.string(name)?,
            has_row_security: flags & HAS_ROW_SECURITY != 0,
            is_watched: flags & IS_WATCHED != 0,
        })
    }
}
