//! Which relationship an embedding means.
//!
//! `parent?select=target!hint(…)`: the target is a relation, a foreign key, or a column that is one; the hint is a
//! foreign key, a column at either end of one, or a junction. Exactly one relationship must be left; but a function of the
//! parent's rows that is called like the target comes before all of them
//! (<https://docs.postgrest.org/en/stable/references/api/resource_embedding.html>).

use catalog::{Cardinality, Catalog, Computed, Relation, Relationship};

use super::read::alias;
use super::similar;
use super::tree::Rows;
use crate::api_request::SelectRelation;
use crate::error::{Candidate, Error, ErrorKind, Suggestion};

/// How the rows of one relation belong to those of another.
#[derive(Debug)]
pub(crate) struct Join<'a> {
    /// The relation that is joined.
    pub(crate) target: Relation<'a>,
    /// Whether there is at most one row.
    pub(crate) is_to_one: bool,
    /// The function that makes the rows out of the parent's: schema and name. Then nothing has to be equal.
    pub(crate) function: Option<(&'a str, &'a str)>,
    /// What must be equal: a column of the parent, and one of the target, or of the junction if there is one.
    pub(crate) columns: Vec<(&'a str, &'a str)>,
    /// The relation between, if there is one.
    pub(crate) junction: Option<Junction<'a>>,
}

/// A relation between two others.
#[derive(Debug)]
pub(crate) struct Junction<'a> {
    pub(crate) relation: Relation<'a>,
    /// Its name inside the statement.
    pub(crate) alias: String,
    /// What must be equal: a column of the target, and one of the junction.
    pub(crate) columns: Vec<(&'a str, &'a str)>,
}

/// A relationship with its columns.
struct Found<'a> {
    relationship: Relationship<'a>,
    cardinality: Cardinality<'a>,
}

/// Finds the relationship from `parent` that `select` means, to be joined `depth` levels deep.
pub(super) fn find<'a>(
    catalog: &'a Catalog,
    parent: Rows<'a>,
    select: &SelectRelation,
    depth: usize,
) -> Result<Join<'a>, Error> {
    let parent = match parent {
        Rows::Relation(relation) => relation,
        Rows::Function(function) => return Err(none(function.full_name(), select, None)),
    };
    let (target, hint) = (select.relation.as_str(), select.hint.as_deref());
    if let Some(computed) = computed(parent).find(|computed| computed.name == target) {
        return Ok(by_function(computed));
    }
    let is_in_schema = |relationship: &Relationship<'_>| relationship.target().schema() == parent.schema();
    let mut found: Vec<Found<'a>> = parent
        .relationships()
        .filter(|relationship| is_in_schema(relationship) && !is_overridden(relationship))
        .map(|relationship| Found { relationship, cardinality: relationship.cardinality() })
        .filter(|found| found.is_meant(target, hint))
        .collect();
    match (found.len(), found.pop()) {
        (1, Some(found)) => Ok(found.join(depth)),
        (_, None) => Err(none(parent.full_name(), select, suggestion(catalog, parent, &select.relation))),
        (_, Some(last)) => {
            found.push(last);
            Err(several(parent, target, &found))
        }
    }
}

/// The functions of a relation's rows, which stand in the schema that the request names.
fn computed<'a>(parent: Relation<'a>) -> impl Iterator<Item = Computed<'a>> {
    parent.computed_relationships().filter(move |computed| computed.schema == parent.schema())
}

/// Whether a function is called like the target: it takes the place of every relationship between the two.
fn is_overridden(relationship: &Relationship<'_>) -> bool {
    computed(relationship.source()).any(|computed| computed.name == relationship.target().name())
}

fn by_function(computed: Computed<'_>) -> Join<'_> {
    let Computed { schema, name, target, is_to_one } = computed;
    Join { target, is_to_one, function: Some((schema, name)), columns: Vec::new(), junction: None }
}

impl<'a> Found<'a> {
    fn is_meant(&self, target: &str, hint: Option<&str>) -> bool {
        let is_target = self.relationship.target().name() == target;
        match hint {
            // One foreign key gives a self-relationship two directions: the relation's name means the many,
            // the column's name means the one.
            None if self.relationship.is_self() => {
                is_target && self.is_one_to_many() || self.is_many_to_one() && self.column() == Some(target)
            }
            Some(hint) if self.relationship.is_self() => {
                is_target && self.is_one_to_many() && self.target_column() == Some(hint)
            }
            None => {
                let is_key = self.constraint() == Some(target) || self.column() == Some(target);
                is_target || is_key && !self.relationship.target().kind().is_view()
            }
            Some(hint) => {
                let hint = Some(hint);
                is_target
                    && (self.constraint() == hint
                        || self.column() == hint
                        || self.target_column() == hint
                        || self.junction() == hint)
            }
        }
    }

    fn is_many_to_one(&self) -> bool {
        matches!(self.cardinality, Cardinality::ManyToOne { .. })
    }

    fn is_one_to_many(&self) -> bool {
        matches!(self.cardinality, Cardinality::OneToMany { .. })
    }

    /// The foreign key's name, its columns in pairs; `None` where two foreign keys are involved.
    fn key(&self) -> Option<(&'a str, &[(&'a str, &'a str)])> {
        match &self.cardinality {
            Cardinality::ManyToOne { constraint, columns }
            | Cardinality::OneToMany { constraint, columns }
            | Cardinality::OneToOne { constraint, columns, .. } => Some((constraint, columns)),
            Cardinality::ManyToMany { .. } => None,
        }
    }

    fn constraint(&self) -> Option<&'a str> {
        self.key().map(|(constraint, _)| constraint)
    }

    /// The parent's column, if it is only one.
    fn column(&self) -> Option<&'a str> {
        match self.key() {
            Some((_, [(column, _)])) => Some(column),
            _ => None,
        }
    }

    /// The target's column, if it is only one.
    fn target_column(&self) -> Option<&'a str> {
        match self.key() {
            Some((_, [(_, column)])) => Some(column),
            _ => None,
        }
    }

    fn junction(&self) -> Option<&'a str> {
        match &self.cardinality {
            Cardinality::ManyToMany { junction, .. } => Some(junction.name()),
            _ => None,
        }
    }

    fn join(self, depth: usize) -> Join<'a> {
        let (target, is_to_one) = (self.relationship.target(), self.relationship.is_to_one());
        match self.cardinality {
            Cardinality::ManyToOne { columns, .. }
            | Cardinality::OneToMany { columns, .. }
            | Cardinality::OneToOne { columns, .. } => {
                Join { target, is_to_one, function: None, columns, junction: None }
            }
            Cardinality::ManyToMany { junction, columns_source, columns_target, .. } => {
                // The target may be its own junction; a prefix keeps the names apart.
                let alias = alias(&format!("via.{}", junction.name()), depth);
                let junction = Junction { relation: junction, alias, columns: columns_target };
                Join { target, is_to_one, function: None, columns: columns_source, junction: Some(junction) }
            }
        }
    }

    fn candidate(&self) -> Candidate {
        let (parent, target) = (self.relationship.source().name(), self.relationship.target().name());
        let (cardinality, relationship, hint) = match &self.cardinality {
            Cardinality::ManyToOne { constraint, columns } => {
                ("many-to-one", by_key(constraint, parent, target, columns), *constraint)
            }
            Cardinality::OneToMany { constraint, columns } => {
                ("one-to-many", by_key(constraint, parent, target, columns), *constraint)
            }
            Cardinality::OneToOne { constraint, columns, .. } => {
                ("one-to-one", by_key(constraint, parent, target, columns), *constraint)
            }
            Cardinality::ManyToMany {
                junction,
                constraint_source,
                constraint_target,
                columns_source,
                columns_target,
            } => {
                let relationship = format!(
                    "{} using {constraint_source}({}) and {constraint_target}({})",
                    junction.name(),
                    list(columns_source.iter().map(|(_, column)| *column)),
                    list(columns_target.iter().map(|(_, column)| *column)),
                );
                ("many-to-many", relationship, junction.name())
            }
        };
        Candidate::new(cardinality, format!("{parent} with {target}"), relationship, format!("{target}!{hint}"))
    }
}

fn by_key(constraint: &str, parent: &str, target: &str, columns: &[(&str, &str)]) -> String {
    format!(
        "{constraint} using {parent}({}) and {target}({})",
        list(columns.iter().map(|(column, _)| *column)),
        list(columns.iter().map(|(_, column)| *column)),
    )
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

fn several(parent: Relation<'_>, target: &str, found: &[Found<'_>]) -> Error {
    ErrorKind::AmbiguousRelationship {
        parent: parent.name().to_owned(),
        child: target.to_owned(),
        candidates: found.iter().map(Found::candidate).collect(),
    }
    .into()
}

fn none((schema, parent): (&str, &str), select: &SelectRelation, suggestion: Option<Suggestion>) -> Error {
    ErrorKind::NoRelationship {
        parent: parent.to_owned(),
        child: select.relation.clone(),
        hint: select.hint.clone(),
        schema: schema.to_owned(),
        suggestion: suggestion.map(Box::new),
    }
    .into()
}

/// A similar name to embed; or, where nothing can be embedded at all, a similar name to embed into.
fn suggestion(catalog: &Catalog, parent: Relation<'_>, child: &str) -> Option<Suggestion> {
    let functions = computed(parent).map(|computed| computed.name);
    let mut targets =
        parent.relationships().map(|relationship| relationship.target().name()).chain(functions).peekable();
    let (asked, meant) = if targets.peek().is_some() {
        (child, similar::most_similar(child, targets, similar::REMOTE)?)
    } else {
        let parents = catalog.relations_in(parent.schema());
        let parents =
            parents.filter(|relation| relation.relationships().next().is_some()).map(|relation| relation.name());
        (parent.name(), similar::most_similar(parent.name(), parents, similar::REMOTE)?)
    };
    Some(Suggestion { asked: asked.to_owned(), meant: meant.to_owned() })
}
