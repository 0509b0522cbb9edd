//! What is to be written: which columns of which rows, and what of them is wanted back.

use catalog::{Catalog, Column, Relation};
use config::Config;

use super::tree::{Node, Order, ReadPlan, Selected};
use super::{handler, not_found, read};
use crate::api_request::{
    Action, ApiRequest, Filter, Json, Operation, Payload, QuantifiedOperator, Representation, Resolution,
};
use crate::error::{Error, ErrorKind};

/// A write, and what is read of the rows that it leaves.
#[derive(Debug)]
pub struct MutatePlan<'a> {
    /// The relation, and which of its rows are written; for PUT the row of the body, and its key.
    pub(crate) target: Node<'a>,
    /// What the body sets.
    pub(crate) columns: Vec<Column<'a>>,
    /// What becomes of rows that are there already; `None` is an error of Postgres'.
    pub(crate) conflict: Option<Conflict<'a>>,
    /// What is needed of the rows afterwards.
    pub(crate) returned: Returned<'a>,
    /// The primary key.
    pub(crate) key: Vec<&'a str>,
    /// What is shown; its root are the rows written.
    pub(crate) read: ReadPlan<'a>,
    /// What a GET of the URL would read, where something has to hold of that.
    pub(crate) current: Option<ReadPlan<'a>>,
}

/// What becomes of rows that are there already.
#[derive(Debug)]
pub(crate) struct Conflict<'a> {
    pub(crate) resolution: Resolution,
    /// By which columns rows are the same; none are told without any.
    pub(crate) columns: Vec<&'a str>,
}

/// Columns of the rows that were written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Returned<'a> {
    /// All.
    Star,
    /// These, sorted; perhaps none.
    Columns(Vec<&'a str>),
}

/// The name that the rows of a body have inside the statement.
pub(crate) const BODY: &str = "pgrst_body";

impl MutatePlan<'_> {
    /// Whether rows that were inserted are to be told from those that were there already.
    pub(crate) fn is_merge(&self) -> bool {
        self.conflict.as_ref().is_some_and(|conflict| conflict.resolution == Resolution::MergeDuplicates)
    }
}

/// Resolves a request to write to a relation.
pub(super) fn plan<'a>(
    request: &'a ApiRequest,
    catalog: &'a Catalog,
    config: &Config,
) -> Result<MutatePlan<'a>, Error> {
    let relation = catalog.relation(&request.schema, &request.target).ok_or_else(|| not_found(request, catalog))?;
    let read = read::of_written(relation, request, catalog, config)?;
    let mut target = read::target(relation, request, catalog, config)?;
    let key = key(relation);
    if request.action == Action::Upsert {
        check_upsert(request, &key)?;
        target.alias = Some(BODY.to_owned());
    }
    Ok(MutatePlan {
        columns: columns(request, relation)?,
        conflict: conflict(request, &key),
        returned: returned(request, &read.root, &key),
        target,
        key,
        read,
        current: current(request, catalog, config)?,
    })
}

fn current<'a>(request: &'a ApiRequest, catalog: &'a Catalog, config: &Config) -> Result<Option<ReadPlan<'a>>, Error> {
    if request.if_match.is_none() {
        return Ok(None);
    }
    let mut plan = read::plan(request, catalog, config)?;
    plan.handler = handler::choose(request, catalog, &plan)?;
    Ok(Some(plan))
}

/// In the order of the table.
fn key<'a>(relation: Relation<'a>) -> Vec<&'a str> {
    let is_key = |name: &&str| relation.primary_key().any(|key| key == *name);
    relation.columns().map(|column| column.name()).filter(is_key).collect()
}

/// PUT names one row, by its whole primary key.
fn check_upsert(request: &ApiRequest, key: &[&str]) -> Result<(), Error> {
    let is_equality = |filter: &Filter| {
        let equal = matches!(filter.operation, Operation::Quantified(QuantifiedOperator::Equal, None, _));
        equal && !filter.is_negated && filter.field.path.is_empty()
    };
    let params = &request.query_params;
    let filters = || params.filters.iter().filter(|(path, _)| path.is_empty()).map(|(_, filter)| filter);
    let is_whole_key = !key.is_empty()
        && key.iter().all(|name| filters().any(|filter| filter.field.name == *name))
        && filters().all(|filter| key.contains(&filter.field.name.as_str()) && is_equality(filter));
    let has_logic = params.logic.iter().any(|(path, _)| path.is_empty());
    if is_whole_key && !has_logic { Ok(()) } else { Err(ErrorKind::UpsertFilters.into()) }
}

fn columns<'a>(request: &'a ApiRequest, relation: Relation<'a>) -> Result<Vec<Column<'a>>, Error> {
    let Some(Payload::Json(Json { keys, .. })) = &request.payload else {
        return Ok(Vec::new());
    };
    let column = |name: &String| {
        relation.column(name).ok_or_else(|| {
            ErrorKind::ColumnNotFound { relation: relation.name().to_owned(), column: name.clone() }.into()
        })
    };
    keys.iter().map(column).collect()
}

fn conflict<'a>(request: &'a ApiRequest, key: &[&'a str]) -> Option<Conflict<'a>> {
    if request.action == Action::Upsert {
        return Some(Conflict { resolution: Resolution::MergeDuplicates, columns: key.to_vec() });
    }
    let resolution = request.preferences.resolution.filter(|_| request.action == Action::Create)?;
    let given = request.query_params.on_conflict.as_ref();
    let columns = given.map_or_else(|| key.to_vec(), |names| names.iter().map(String::as_str).collect());
    Some(Conflict { resolution, columns })
}

/// No more than is needed, because each column takes a privilege to be read.
fn returned<'a>(request: &ApiRequest, root: &Node<'a>, key: &[&'a str]) -> Returned<'a> {
    let mut columns = Vec::new();
    match request.preferences.representation {
        Some(Representation::Full) if root.select.is_empty() && root.embeds.is_empty() => return Returned::Star,
        // A function that makes a relationship takes the whole row.
        Some(Representation::Full) if root.embeds.iter().any(|embed| embed.join.function.is_some()) => {
            return Returned::Star;
        }
        Some(Representation::Full) => {
            for selected in &root.select {
                match selected {
                    Selected::Star => return Returned::Star,
                    Selected::Known { name, .. } => columns.push(*name),
                    Selected::Column { source, .. } => columns.push(source.field.name.as_str()),
                    Selected::Count { .. } | Selected::One { .. } => {}
                }
            }
            for Order { embed, source, .. } in &root.order {
                columns.extend(embed.is_none().then_some(source.field.name.as_str()));
            }
            columns.extend(root.embeds.iter().flat_map(|embed| &embed.join.columns).map(|(column, _)| *column));
        }
        Some(Representation::HeadersOnly) if request.action == Action::Create => columns.extend(key),
        _ => {}
    }
    sort::distinct(&mut columns);
    Returned::Columns(columns)
}
