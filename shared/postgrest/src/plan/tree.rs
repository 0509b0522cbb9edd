//! The plan itself: relations inside relations, each with what is wanted of it.

use catalog::Relation;

use super::relationship::Join;
use crate::api_request::{
    Direction, Field, Filter, IsValue, LogicOperator, LogicTree, Nulls, Operation, OrderTerm, Range, SelectRelation,
};
use crate::error::{Error, ErrorKind};

/// What is to be read, as a tree: a relation, and inside of it those that are embedded.
#[derive(Debug)]
pub struct ReadPlan<'a> {
    pub(crate) root: Node<'a>,
    /// Most rows that a read returns.
    pub(crate) rows_max: Option<u64>,
}

/// One relation of the tree.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// The relation; its columns decide how they are read.
    pub(crate) relation: Relation<'a>,
    /// Its name inside the statement; `None` for the root, which keeps its own.
    pub(crate) alias: Option<String>,
    /// Columns of the result, empty for none.
    pub(crate) select: Vec<Selected<'a>>,
    /// What must hold for its rows.
    pub(crate) conditions: Vec<Condition<'a>>,
    /// By what its rows are ordered.
    pub(crate) order: Vec<Order<'a>>,
    /// Which of its rows are taken.
    pub(crate) range: Range,
    /// What is embedded into its rows.
    pub(crate) embeds: Vec<Embed<'a>>,
}

/// A relation embedded into the rows of another.
#[derive(Debug)]
pub(crate) struct Embed<'a> {
    /// What the request says of it.
    pub(crate) select: &'a SelectRelation,
    /// The name of the joined subquery.
    pub(crate) alias: String,
    /// How its rows are found.
    pub(crate) join: Join<'a>,
    /// What is read.
    pub(crate) node: Node<'a>,
}

/// A column of the result.
#[derive(Debug)]
pub(crate) enum Selected<'a> {
    /// Every column.
    Star,
    /// One.
    Column { source: Source<'a>, cast: Option<&'a str>, alias: Option<&'a str> },
}

/// A column, or something inside of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) field: &'a Field,
    /// Whether it has to become JSON before arrows can lead into it.
    pub(crate) to_json: bool,
}

/// What must hold for a row.
#[derive(Debug)]
pub(crate) enum Condition<'a> {
    /// A comparison.
    Filter {
        source: Source<'a>,
        /// Whether the column is text to be searched.
        to_tsvector: bool,
        is_negated: bool,
        operation: &'a Operation,
    },
    /// Whether there is something to embed, by its number.
    Embedded { embed: usize, exists: bool },
    /// Several, of which all or one must hold.
    Group { is_negated: bool, operator: LogicOperator, conditions: Vec<Condition<'a>> },
}

/// A column to order by.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    /// The embedded relation that has it, by its number.
    pub(crate) embed: Option<usize>,
    pub(crate) source: Source<'a>,
    pub(crate) direction: Option<Direction>,
    pub(crate) nulls: Option<Nulls>,
}

impl<'a> ReadPlan<'a> {
    /// Every relation that is read, junctions included; one may come more than once.
    pub fn relations(&self) -> Vec<Relation<'a>> {
        let mut relations = Vec::new();
        self.root.collect_relations(&mut relations);
        relations
    }
}

impl<'a> Node<'a> {
    /// Whether nothing is to be shown of it, nor of what is inside.
    pub(crate) fn is_hidden(&self) -> bool {
        self.select.is_empty() && self.embeds.iter().all(|embed| embed.node.is_hidden())
    }

    fn collect_relations(&self, relations: &mut Vec<Relation<'a>>) {
        relations.push(self.relation);
        for embed in &self.embeds {
            relations.extend(embed.join.junction.as_ref().map(|junction| junction.relation));
            embed.node.collect_relations(relations);
        }
    }

    /// `db-max-rows` holds at every level.
    pub(super) fn cut(&mut self, rows_max: Option<u64>) {
        self.range = self.range.at_most(rows_max);
        self.embeds.iter_mut().for_each(|embed| embed.node.cut(rows_max));
    }

    /// The embedded relation at the end of `path`, whose names are aliases or the names of relations.
    pub(super) fn at<'n>(&'n mut self, path: &[String]) -> Result<&'n mut Node<'a>, Error> {
        let Some((name, rest)) = path.split_first() else {
            return Ok(self);
        };
        let is_meant = |embed: &&mut Embed<'a>| embed.select.name() == name || embed.select.relation == *name;
        match self.embeds.iter_mut().find(is_meant) {
            Some(embed) => embed.node.at(rest),
            None => Err(not_embedded(name)),
        }
    }

    /// The number of the embedded relation that the result shows under `name`.
    fn embed(&self, name: &str) -> Option<usize> {
        self.embeds.iter().position(|embed| embed.select.name() == name)
    }

    fn source(&self, field: &'a Field) -> Source<'a> {
        source(self.relation, field)
    }

    /// Resolves filters that are put together.
    pub(super) fn condition(&self, tree: &'a LogicTree) -> Condition<'a> {
        match tree {
            LogicTree::Filter(filter) => self.filter(filter),
            LogicTree::Group { is_negated, operator, trees } => Condition::Group {
                is_negated: *is_negated,
                operator: *operator,
                conditions: trees.iter().map(|tree| self.condition(tree)).collect(),
            },
        }
    }

    /// Resolves a filter. One for NULL on the name of an embedded relation asks whether there is something to embed.
    pub(super) fn filter(&self, filter: &'a Filter) -> Condition<'a> {
        let Filter { field, is_negated, operation } = filter;
        if let (Operation::Is(value @ (IsValue::Null | IsValue::NotNull)), []) = (operation, field.path.as_slice())
            && let Some(embed) = self.embed(&field.name)
        {
            return Condition::Embedded { embed, exists: (*value == IsValue::NotNull) != *is_negated };
        }
        let column = self.relation.column(&field.name);
        let to_tsvector =
            matches!(operation, Operation::Search(..)) && column.is_some_and(|column| column.base_type() != "tsvector");
        Condition::Filter { source: self.source(field), to_tsvector, is_negated: *is_negated, operation }
    }

    /// Resolves a term to order by.
    pub(super) fn order(&self, term: &'a OrderTerm) -> Result<Order<'a>, Error> {
        let OrderTerm { relation, field, direction, nulls } = term;
        let Some(name) = relation else {
            return Ok(Order { embed: None, source: self.source(field), direction: *direction, nulls: *nulls });
        };
        let embed = self.embed(name).ok_or_else(|| not_embedded(name))?;
        if !self.embeds[embed].join.is_to_one {
            let origin = self.relation.name().to_owned();
            return Err(ErrorKind::RelatedOrderNotToOne { origin, target: name.clone() }.into());
        }
        let source = Source { field, to_json: false };
        Ok(Order { embed: Some(embed), source, direction: *direction, nulls: *nulls })
    }
}

/// How a field of the relation is read.
pub(super) fn source<'a>(relation: Relation<'a>, field: &'a Field) -> Source<'a> {
    let is_json = || relation.column(&field.name).is_some_and(|column| matches!(column.base_type(), "json" | "jsonb"));
    Source { field, to_json: !field.path.is_empty() && !is_json() }
}

fn not_embedded(name: &str) -> Error {
    ErrorKind::NotEmbedded { resource: name.to_owned() }.into()
}
