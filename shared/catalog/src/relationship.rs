//! How a relation is connected to another, seen from the one.

use crate::format::{Cursor, FORWARD, INVERSE, IS_UNIQUE, THROUGH};
use crate::{Catalog, Relation};

/// A relationship that starts at [`Relationship::source`], as PostgREST derives it:
///
/// - a foreign key leads from the table that has it to the one it references, many to one; or one to one, if its
///   columns are those of the primary key or of a unique constraint;
/// - and back, one to many or one to one;
/// - two many-to-one foreign keys of one table lead from the one end to the other, many to many, if the columns of both
///   are part of that table's primary key;
/// - where a view shows all columns of a key, the same holds for the view in the table's place, at either end and for the
///   junction; once for each way in which the view shows them.
///
/// Both ends, and the junction, lie in exposed schemas. Foreign keys of partitions are left out: their parents have them.
#[derive(Clone, Copy)]
pub struct Relationship<'a> {
    source: Relation<'a>,
    /// The end to which the relationship leads.
    target: Relation<'a>,
    way: Way<'a>,
}

/// Along a leg, against it, or against one of a junction's and along another.
#[derive(Clone, Copy)]
enum Way<'a> {
    Forward(Leg<'a>),
    Inverse(Leg<'a>),
    Through(Leg<'a>, Leg<'a>),
}

/// How many rows of the one end belong to how many of the other, and by which columns.
///
/// Columns come in pairs, in the order of the foreign key. `constraint` is the foreign key's name, unique for its table
/// only. Nothing about the rows follows: a one-to-one or many-to-one end may have no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cardinality<'a> {
    /// The source has the foreign key.
    ManyToOne {
        /// The foreign key.
        constraint: &'a str,
        /// Column of the source, column of the target.
        columns: Vec<(&'a str, &'a str)>,
    },
    /// The target has the foreign key.
    OneToMany {
        /// The foreign key.
        constraint: &'a str,
        /// Column of the source, column of the target.
        columns: Vec<(&'a str, &'a str)>,
    },
    /// One of the two has the foreign key, and a key or unique constraint on its columns.
    OneToOne {
        /// The foreign key.
        constraint: &'a str,
        /// Column of the source, column of the target.
        columns: Vec<(&'a str, &'a str)>,
        /// Whether the source is the one that is referenced; otherwise it has the foreign key.
        is_parent: bool,
    },
    /// A third relation has a foreign key to each.
    ManyToMany {
        /// The relation between.
        junction: Relation<'a>,
        /// The junction's foreign key to the source.
        constraint_source: &'a str,
        /// The junction's foreign key to the target.
        constraint_target: &'a str,
        /// Column of the source, column of the junction.
        columns_source: Vec<(&'a str, &'a str)>,
        /// Column of the target, column of the junction.
        columns_target: Vec<(&'a str, &'a str)>,
    },
}

impl<'a> Relationship<'a> {
    /// The relation whose relationship this is.
    pub fn source(&self) -> Relation<'a> {
        self.source
    }

    /// The relation that it leads to.
    pub fn target(&self) -> Relation<'a> {
        self.target
    }

    /// Whether source and target are the same relation.
    pub fn is_self(&self) -> bool {
        self.source.ordinal == self.target.ordinal
    }

    /// Whether a row of the source has at most one row of the target.
    pub fn is_to_one(&self) -> bool {
        match self.way {
            Way::Forward(_) => true,
            Way::Inverse(leg) => leg.is_unique,
            Way::Through(..) => false,
        }
    }

    /// The cardinality with its columns, which are decoded here.
    pub fn cardinality(&self) -> Cardinality<'a> {
        match self.way {
            Way::Forward(leg) if leg.is_unique => {
                Cardinality::OneToOne { constraint: leg.constraint, columns: leg.columns(), is_parent: false }
            }
            Way::Forward(leg) => Cardinality::ManyToOne { constraint: leg.constraint, columns: leg.columns() },
            Way::Inverse(leg) if leg.is_unique => {
                Cardinality::OneToOne { constraint: leg.constraint, columns: leg.columns_inverse(), is_parent: true }
            }
            Way::Inverse(leg) => Cardinality::OneToMany { constraint: leg.constraint, columns: leg.columns_inverse() },
            Way::Through(from, to) => Cardinality::ManyToMany {
                junction: from.source,
                constraint_source: from.constraint,
                constraint_target: to.constraint,
                columns_source: from.columns_inverse(),
                columns_target: to.columns_inverse(),
            },
        }
    }
}

impl std::fmt::Debug for Relationship<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} -> {:?}: {:?}", self.source, self.target, self.cardinality())
    }
}

/// A foreign key between two relations, from the one that has it.
#[derive(Clone, Copy)]
struct Leg<'a> {
    catalog: &'a Catalog,
    source: Relation<'a>,
    target: Relation<'a>,
    is_unique: bool,
    constraint: &'a str,
    pairs: Cursor<'a>,
}

impl<'a> Leg<'a> {
    fn read(catalog: &'a Catalog, offset: u32) -> Option<Leg<'a>> {
        let mut record = catalog.leg_at(offset)?;
        Some(Leg {
            catalog,
            source: catalog.relation_at(record.varint()?)?,
            target: catalog.relation_at(record.varint()?)?,
            is_unique: record.byte()? & IS_UNIQUE != 0,
            constraint: catalog.string(record.varint()?)?,
            pairs: record.block()?,
        })
    }

    fn columns(&self) -> Vec<(&'a str, &'a str)> {
        self.pairs().collect()
    }

    fn columns_inverse(&self) -> Vec<(&'a str, &'a str)> {
        self.pairs().map(|(source, target)| (target, source)).collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let (catalog, mut rest) = (self.catalog, self.pairs);
        std::iter::from_fn(move || Some((catalog.string(rest.varint()?)?, catalog.string(rest.varint()?)?)))
    }
}

/// The relationships that start at a relation.
#[derive(Clone)]
pub struct Relationships<'a> {
    source: Relation<'a>,
    rest: Cursor<'a>,
}

impl<'a> Relationships<'a> {
    pub(crate) fn new(source: Relation<'a>, rest: Cursor<'a>) -> Relationships<'a> {
        Relationships { source, rest }
    }
}

impl<'a> Iterator for Relationships<'a> {
    type Item = Relationship<'a>;

    fn next(&mut self) -> Option<Relationship<'a>> {
        let reference = self.rest.varint()?;
        let leg = Leg::read(self.source.catalog, reference >> 2)?;
        let (target, way) = match reference & 3 {
            FORWARD => (leg.target, Way::Forward(leg)),
            INVERSE => (leg.source, Way::Inverse(leg)),
            THROUGH => {
                let second = Leg::read(self.source.catalog, self.rest.varint()?)?;
                (second.target, Way::Through(leg, second))
            }
            _ => return None,
        };
        Some(Relationship { source: self.source, target, way })
    }
}
