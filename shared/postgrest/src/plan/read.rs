//! What is to be read: `select` as a tree, and every other parameter at its place in it.

use std::borrow::Cow;

use catalog::{Catalog, Relation};
use config::Config;

use super::call::Call;
use super::tree::{Aggregated, Embed, Node, ReadPlan, Rows, Selected, Shown, WRITTEN};
use super::{not_found, relationship};
use crate::api_request::{Aggregate, ApiRequest, Range, SelectColumn, SelectItem, SelectRelation};
use crate::error::{Error, ErrorKind};

/// Resolves a request to read a relation.
pub(super) fn plan<'a>(request: &'a ApiRequest, catalog: &'a Catalog, config: &Config) -> Result<ReadPlan<'a>, Error> {
    let relation = catalog.relation(&request.schema, &request.target).ok_or_else(|| not_found(request, catalog))?;
    of_rows(Rows::Relation(relation), request, catalog, config)
}

/// Resolves what is wanted of the rows that a call returns.
pub(super) fn of_call<'a>(
    call: Call<'a>,
    request: &'a ApiRequest,
    catalog: &'a Catalog,
    config: &Config,
) -> Result<ReadPlan<'a>, Error> {
    let rows = call.function.returned_relation().map_or(Rows::Function(call.function), Rows::Relation);
    let mut plan = of_rows(rows, request, catalog, config)?;
    plan.root.alias = Some(CALL.to_owned());
    plan.root.call = Some(call);
    Ok(plan)
}

/// The name of a call's rows inside the statement.
const CALL: &str = "pgrst_call";

fn of_rows<'a>(
    rows: Rows<'a>,
    request: &'a ApiRequest,
    catalog: &'a Catalog,
    config: &Config,
) -> Result<ReadPlan<'a>, Error> {
    let mut root = root(rows, request, catalog, config)?;
    add_conditions(&mut root, request);
    root.range = request.range;
    root.cut(config.db_max_rows);
    Ok(ReadPlan { root, rows_max: config.db_max_rows, handler: None, tells_snapshot: false, withholds_request: false })
}

/// Resolves what is wanted of the rows that a request writes: all of them, whatever they are found by.
pub(super) fn of_written<'a>(
    relation: Relation<'a>,
    request: &'a ApiRequest,
    catalog: &'a Catalog,
    config: &Config,
) -> Result<ReadPlan<'a>, Error> {
    let mut root = root(Rows::Relation(relation), request, catalog, config)?;
    root.alias = Some(WRITTEN.to_owned());
    root.is_written = true;
    Ok(ReadPlan { root, rows_max: None, handler: None, tells_snapshot: false, withholds_request: false })
}

/// Resolves which rows of a relation are meant, and nothing else.
pub(super) fn target<'a>(
    relation: Relation<'a>,
    request: &'a ApiRequest,
    catalog: &'a Catalog,
    config: &Config,
) -> Result<Node<'a>, Error> {
    let mut target = Planner::new(catalog, config).node(Rows::Relation(relation), &[], Role::default())?;
    add_conditions(&mut target, request);
    Ok(target)
}

fn root<'a>(rows: Rows<'a>, request: &'a ApiRequest, catalog: &'a Catalog, config: &Config) -> Result<Node<'a>, Error> {
    let mut root = Planner::new(catalog, config).node(rows, &request.query_params.select, Role::default())?;
    add_parameters(&mut root, request, config.url_use_legacy_target_names)?;
    Ok(root)
}

/// Turns `select` into a tree.
struct Planner<'a> {
    catalog: &'a Catalog,
    aggregates_enabled: bool,
    /// How many embedded relations there are so far.
    embeds: usize,
    /// How many aggregates are left to a relation further out.
    hoisted: usize,
}

/// What a relation's place in the tree asks of it.
#[derive(Clone, Copy, Default)]
struct Role {
    depth: usize,
    /// Whether its columns have to be known by name, because they are taken up one by one.
    is_listed: bool,
    /// Whether its rows go into those around them, so that aggregates are computed there.
    is_hoisting: bool,
}

impl<'a> Planner<'a> {
    fn new(catalog: &'a Catalog, config: &Config) -> Planner<'a> {
        Planner { catalog, aggregates_enabled: config.db_aggregates_enabled, embeds: 0, hoisted: 0 }
    }

    fn node(&mut self, rows: Rows<'a>, items: &'a [SelectItem], role: Role) -> Result<Node<'a>, Error> {
        let role = Role { is_listed: role.is_listed || items.iter().any(is_aggregated), ..role };
        let mut node = Node {
            rows,
            call: None,
            is_written: false,
            alias: (role.depth > 0).then(|| alias(rows.name(), role.depth)),
            select: Vec::new(),
            conditions: Vec::new(),
            order: Vec::new(),
            range: Range::default(),
            embeds: Vec::new(),
            outputs: Vec::new(),
        };
        for item in items {
            match item {
                SelectItem::Star if role.is_listed || rows.have_representations() => {
                    node.select.extend(rows.known());
                }
                SelectItem::Star => node.select.push(Selected::Star),
                SelectItem::Count { alias, cast } => {
                    let aggregate = self.aggregate("count", cast.as_deref())?;
                    node.select.push(Selected::Count { aggregate, alias: alias.as_deref() });
                }
                SelectItem::Column(column) => node.select.push(self.column(rows, column)?),
                SelectItem::Relation(select) => node.embeds.push(self.embed(rows, select, role)?),
            }
        }
        if role.is_listed {
            node.list(role.is_hoisting.then_some(&mut self.hoisted));
        }
        Ok(node)
    }

    fn column(&self, rows: Rows<'a>, column: &'a SelectColumn) -> Result<Selected<'a>, Error> {
        let SelectColumn { alias, field, cast, aggregate } = column;
        let aggregate = match aggregate {
            Some(Aggregate { function, cast }) => Some(self.aggregate(function, cast.as_deref())?),
            None => None,
        };
        let key = if aggregate.is_none() { field.last_key() } else { None };
        let is_shown = aggregate.is_none() && field.path.is_empty() && rows.have_representations();
        let shown_by = if is_shown { rows.column(&field.name).and_then(|column| column.to_json()) } else { None };
        let name = shown_by.map(|_| field.name.as_str());
        let alias = alias.as_deref().or(key).or(name).map(Cow::Borrowed);
        Ok(Selected::Column { source: rows.source(field), shown_by, cast: cast.as_deref(), alias, aggregate })
    }

    fn aggregate(&self, function: &'static str, cast: Option<&'a str>) -> Result<Aggregated<'a>, Error> {
        if self.aggregates_enabled {
            Ok(Aggregated { function, cast })
        } else {
            Err(ErrorKind::AggregatesNotAllowed.into())
        }
    }

    fn embed(&mut self, parent: Rows<'a>, select: &'a SelectRelation, around: Role) -> Result<Embed<'a>, Error> {
        self.embeds += 1;
        let alias = format!("embed.{}", self.embeds);
        let depth = around.depth + 1;
        let join = relationship::find(self.catalog, parent, select, depth)?;
        let role = match (select.is_spread, join.is_to_one) {
            (false, _) => Role { depth, ..Role::default() },
            (true, true) => Role { depth, is_listed: around.is_listed, is_hoisting: true },
            (true, false) => Role { depth, is_listed: true, is_hoisting: false },
        };
        let node = self.node(Rows::Relation(join.target), &select.items, role)?;
        if role.is_listed && !join.is_to_one && select.items.iter().any(is_aggregated) {
            let details = "Aggregates are not implemented for one-to-many or many-to-many spreads.";
            return Err(ErrorKind::NotImplemented { details }.into());
        }
        let shown = match select.is_spread {
            _ if node.is_hidden() => Shown::Nothing,
            false => Shown::Json,
            true if role.is_listed => Shown::Columns(node.outputs.clone()),
            true => Shown::Row,
        };
        Ok(Embed { select, alias, join, node, shown, is_called_by_target: false })
    }
}

/// Whether an aggregate is computed in the relation that has this item.
fn is_aggregated(item: &SelectItem) -> bool {
    match item {
        SelectItem::Star => false,
        SelectItem::Count { .. } => true,
        SelectItem::Column(column) => column.aggregate.is_some(),
        SelectItem::Relation(select) => select.is_spread && select.items.iter().any(is_aggregated),
    }
}

/// A name for a relation that is embedded `depth` levels deep. Postgres cuts names after 63 bytes, and the depth must
/// survive that.
pub(super) fn alias(name: &str, depth: usize) -> String {
    const BYTES_MAX: usize = 56;
    format!("{}_{depth}", &name[..name.floor_char_boundary(BYTES_MAX)])
}

/// Adds the filters of the relation itself.
fn add_conditions<'a>(root: &mut Node<'a>, request: &'a ApiRequest) {
    let params = &request.query_params;
    for (_, filter) in params.filters.iter().filter(|(path, _)| path.is_empty()) {
        root.conditions.push(root.filter(filter));
    }
    for (_, tree) in params.logic.iter().filter(|(path, _)| path.is_empty()) {
        root.conditions.push(root.condition(tree));
    }
}

/// Adds all other parameters.
fn add_parameters<'a>(root: &mut Node<'a>, request: &'a ApiRequest, by_target: bool) -> Result<(), Error> {
    let params = &request.query_params;
    for (path, filter) in params.filters.iter().filter(|(path, _)| !path.is_empty()) {
        let node = root.at(path, by_target)?;
        node.conditions.push(node.filter(filter));
    }
    for (path, tree) in params.logic.iter().filter(|(path, _)| !path.is_empty()) {
        let node = root.at(path, by_target)?;
        node.conditions.push(node.condition(tree));
    }
    for (path, terms) in &params.order {
        let node = root.at(path, by_target)?;
        if node.order.is_empty() {
            node.order = terms.iter().map(|term| node.order(term)).collect::<Result<_, _>>()?;
        }
    }
    for (path, limit_offset) in params.ranges.iter().filter(|(path, _)| !path.is_empty()) {
        root.at(path, by_target)?.range = limit_offset.range()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Postgres cuts a name after 63 bytes, and never inside a character.
    #[test]
    fn ok_alias_of_a_long_name() {
        assert_eq!(alias("films", 1), "films_1");
        assert_eq!(alias(&"é".repeat(31), 16), format!("{}_16", "é".repeat(28)));
    }
}
