//! The plan itself: relations inside relations, each with what is wanted of it.

use std::borrow::Cow;

use catalog::{Column, Function, Handler, Relation};

use super::call::Call;
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
    /// The function of the database that makes the body, if it is no form of the dialect's own.
    pub(crate) handler: Option<Handler<'a>>,
    /// Whether the snapshot of the statement is wanted beside the rows.
    pub(crate) tells_snapshot: bool,
    /// Whether nothing reads the headers and cookies of the request.
    pub(crate) withholds_request: bool,
}

/// The name that the rows which are written have inside the statement.
pub(crate) const WRITTEN: &str = "pgrst_written";

/// One relation of the tree.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    /// Whose rows they are; the types of the columns decide how these are read.
    pub(crate) rows: Rows<'a>,
    /// The call that returns the rows, if it is no relation that has them.
    pub(crate) call: Option<Call<'a>>,
    /// Whether its rows are those that the statement has written.
    pub(crate) is_written: bool,
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
    /// The columns of its rows, embedded ones included, where they have to be known by name.
    pub(crate) outputs: Vec<Output<'a>>,
}

/// Whose rows there are.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// A relation's.
    Relation(Relation<'a>),
    /// Those of a function, which are no relation's.
    Function(Function<'a>),
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
    /// As what it is shown.
    pub(crate) shown: Shown<'a>,
    /// Whether a parameter calls it by the relation's name although it has an alias.
    pub(crate) is_called_by_target: bool,
}

/// As what an embedded relation is shown.
#[derive(Debug)]
pub(crate) enum Shown<'a> {
    /// As nothing: it is only there to filter.
    Nothing,
    /// As one column: an object, or an array of objects.
    Json,
    /// Spread: as all columns of its row.
    Row,
    /// Spread: as these columns.
    Columns(Vec<Output<'a>>),
}

/// A column of an embedded relation's rows, as the relation around finds it.
#[derive(Debug, Clone)]
pub(crate) struct Output<'a> {
    /// Its name.
    pub(crate) name: Cow<'a, str>,
    /// What the relation around computes of it, and the name that this gets.
    pub(crate) aggregate: Option<(Aggregated<'a>, Cow<'a, str>)>,
}

/// An aggregate function, and the type that its result is cast to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Aggregated<'a> {
    pub(crate) function: &'static str,
    pub(crate) cast: Option<&'a str>,
}

/// A column of the result.
#[derive(Debug)]
pub(crate) enum Selected<'a> {
    /// Every column.
    Star,
    /// One of those that `*` stands for.
    Known { name: &'a str, shown_by: Option<&'a str> },
    /// One, or an aggregate of it.
    Column {
        source: Source<'a>,
        /// The function that shows values of its domain, as SQL names it.
        shown_by: Option<&'a str>,
        cast: Option<&'a str>,
        alias: Option<Cow<'a, str>>,
        aggregate: Option<Aggregated<'a>>,
    },
    /// How many rows there are.
    Count { aggregate: Aggregated<'a>, alias: Option<&'a str> },
    /// Something in each row, for the relation around to count.
    One { alias: String },
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
        /// The function that reads values of its domain, as SQL names it.
        read_by: Option<&'a str>,
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
    /// Embedded relations that have an alias and are called by their own name, each with its alias.
    pub(crate) fn called_by_target(&self) -> Vec<(&'a str, &'a str)> {
        let mut names = Vec::new();
        self.root.collect_called_by_target(&mut names);
        names
    }

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

    /// Whether its rows are put together, so that the columns without an aggregate are what they are put together by.
    pub(crate) fn is_aggregated(&self) -> bool {
        let is_hoisted = |embed: &Embed<'_>| match &embed.shown {
            Shown::Columns(outputs) => outputs.iter().any(|output| output.aggregate.is_some()),
            _ => false,
        };
        self.select.iter().any(Selected::is_aggregate) || self.embeds.iter().any(is_hoisted)
    }

    /// Finds the names of its columns. With a counter for names, aggregates are left to the relation around: this one
    /// gives the values, each under a name of its own.
    pub(super) fn list(&mut self, mut hoisted: Option<&mut usize>) {
        for selected in &mut self.select {
            let taken = hoisted.as_deref_mut().and_then(|number| selected.hoist(number));
            let output = taken.or_else(|| Some(Output { name: selected.name()?, aggregate: None }));
            self.outputs.extend(output);
        }
        for embed in &mut self.embeds {
            match &mut embed.shown {
                Shown::Nothing | Shown::Row => {}
                Shown::Json => self.outputs.push(Output { name: embed.select.name().into(), aggregate: None }),
                Shown::Columns(outputs) if hoisted.is_some() => {
                    self.outputs.extend(outputs.iter().cloned());
                    outputs.iter_mut().for_each(|output| output.aggregate = None);
                }
                Shown::Columns(outputs) => self.outputs.extend(outputs.iter().map(|output| {
                    let name = output.aggregate.as_ref().map_or(&output.name, |(_, alias)| alias);
                    Output { name: name.clone(), aggregate: None }
                })),
            }
        }
    }

    fn collect_relations(&self, relations: &mut Vec<Relation<'a>>) {
        relations.extend(self.rows.relation());
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

    /// The embedded relation at the end of `path`, whose names are aliases, or the names of relations if those are
    /// allowed beside an alias (`url-use-legacy-target-names`).
    pub(super) fn at<'n>(&'n mut self, path: &[String], by_target: bool) -> Result<&'n mut Node<'a>, Error> {
        let Some((name, rest)) = path.split_first() else {
            return Ok(self);
        };
        let is_target = |embed: &Embed<'a>| embed.select.relation == *name;
        let is_meant = |embed: &Embed<'a>| embed.select.name() == name || by_target && is_target(embed);
        let Some(index) = self.embeds.iter().position(is_meant) else {
            let aliased = self.embeds.iter().find(|embed| is_target(embed));
            let alias = aliased.and_then(|embed| embed.select.alias.clone());
            return Err(ErrorKind::NotEmbedded { resource: name.clone(), alias }.into());
        };
        let embed = &mut self.embeds[index];
        embed.is_called_by_target |= embed.select.name() != name;
        embed.node.at(rest, by_target)
    }

    fn collect_called_by_target(&self, names: &mut Vec<(&'a str, &'a str)>) {
        for embed in &self.embeds {
            if embed.is_called_by_target {
                names.push((&embed.select.relation, embed.select.name()));
            }
            embed.node.collect_called_by_target(names);
        }
    }

    /// The number of the embedded relation that the result shows under `name`.
    fn embed(&self, name: &str) -> Option<usize> {
        self.embeds.iter().position(|embed| embed.select.name() == name)
    }

    fn source(&self, field: &'a Field) -> Source<'a> {
        self.rows.source(field)
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
        let is_text = || self.rows.base_type(&field.name).is_some_and(|data_type| data_type != "tsvector");
        let to_tsvector = matches!(operation, Operation::Search(..)) && is_text();
        let column = if field.path.is_empty() { self.rows.column(&field.name) } else { None };
        let read_by = column.and_then(|column| column.from_text());
        Condition::Filter { source: self.source(field), to_tsvector, read_by, is_negated: *is_negated, operation }
    }

    /// Resolves a term to order by.
    pub(super) fn order(&self, term: &'a OrderTerm) -> Result<Order<'a>, Error> {
        let OrderTerm { relation, field, direction, nulls } = term;
        let Some(name) = relation else {
            return Ok(Order { embed: None, source: self.source(field), direction: *direction, nulls: *nulls });
        };
        let embed = self.embed(name).ok_or_else(|| not_embedded(name))?;
        if !self.embeds[embed].join.is_to_one {
            let origin = self.rows.name().to_owned();
            return Err(ErrorKind::RelatedOrderNotToOne { origin, target: name.clone() }.into());
        }
        let source = Source { field, to_json: false };
        Ok(Order { embed: Some(embed), source, direction: *direction, nulls: *nulls })
    }
}

impl<'a> Selected<'a> {
    /// Whether it is one value for many rows.
    pub(crate) fn is_aggregate(&self) -> bool {
        matches!(self, Selected::Column { aggregate: Some(_), .. } | Selected::Count { .. })
    }

    /// Its name in the result; `*` has none.
    fn name(&self) -> Option<Cow<'a, str>> {
        Some(match self {
            Selected::Star => return None,
            Selected::Known { name, .. } => (*name).into(),
            Selected::Column { alias: Some(alias), .. } => alias.clone(),
            Selected::Column { aggregate: Some(aggregate), .. } => aggregate.function.into(),
            Selected::Column { source, .. } => source.field.name.as_str().into(),
            Selected::Count { aggregate, alias } => alias.unwrap_or(aggregate.function).into(),
            Selected::One { alias } => alias.clone().into(),
        })
    }

    /// Takes an aggregate away and leaves the values, under a new name.
    fn hoist(&mut self, number: &mut usize) -> Option<Output<'a>> {
        let shown = self.name()?;
        let name = format!("aggregate.{}", *number + 1);
        let aggregate = match self {
            Selected::Column { alias, aggregate, .. } => {
                let taken = aggregate.take()?;
                *alias = Some(name.clone().into());
                taken
            }
            Selected::Count { aggregate, .. } => {
                let taken = *aggregate;
                *self = Selected::One { alias: name.clone() };
                taken
            }
            _ => return None,
        };
        *number += 1;
        Some(Output { name: name.into(), aggregate: Some((aggregate, shown)) })
    }
}

impl<'a> Rows<'a> {
    /// The relation, if they are one's.
    pub(crate) fn relation(self) -> Option<Relation<'a>> {
        match self {
            Rows::Relation(relation) => Some(relation),
            Rows::Function(_) => None,
        }
    }

    /// Schema and name of the relation or function.
    pub(crate) fn full_name(self) -> (&'a str, &'a str) {
        match self {
            Rows::Relation(relation) => relation.full_name(),
            Rows::Function(function) => function.full_name(),
        }
    }

    /// The name of the relation or function.
    pub(crate) fn name(self) -> &'a str {
        self.full_name().1
    }

    /// The column of that name, if it is a relation's.
    pub(crate) fn column(self, name: &str) -> Option<Column<'a>> {
        self.relation()?.column(name)
    }

    /// Whether values of some column are shown or read by functions of their domain.
    pub(super) fn have_representations(self) -> bool {
        self.relation().is_some_and(|relation| relation.has_representations())
    }

    /// What `*` stands for, as far as that is known.
    pub(super) fn known(self) -> Vec<Selected<'a>> {
        let known = |column: Column<'a>| Selected::Known { name: column.name(), shown_by: column.to_json() };
        match self {
            Rows::Relation(relation) => relation.columns().map(known).collect(),
            Rows::Function(function) => {
                function.returned_columns().map(|(name, _)| Selected::Known { name, shown_by: None }).collect()
            }
        }
    }

    /// The type of a column, below all domains.
    fn base_type(self, name: &str) -> Option<&'a str> {
        match self {
            Rows::Relation(_) => self.column(name).map(|column| column.base_type()),
            Rows::Function(function) => {
                function.returned_columns().find(|(known, _)| *known == name).map(|(_, data_type)| data_type)
            }
        }
    }

    /// How a field is read.
    pub(super) fn source(self, field: &'a Field) -> Source<'a> {
        let is_json = || matches!(self.base_type(&field.name), Some("json" | "jsonb"));
        Source { field, to_json: !field.path.is_empty() && !is_json() }
    }
}

fn not_embedded(name: &str) -> Error {
    ErrorKind::NotEmbedded { resource: name.to_owned(), alias: None }.into()
}
