//! What is to be read: the request with every name resolved against the catalog.
//!
//! Relations and relationships must be in the catalog. Columns need not be: a function of a row is a column too,
//! and what does not exist Postgres itself refuses.

mod relationship;
mod similar;
mod tree;

use catalog::{Catalog, Relation};
use config::Config;

pub use self::tree::ReadPlan;
use self::tree::source;
pub(crate) use self::tree::{Condition, Embed, Node, Order, Selected, Source};
use crate::api_request::{ApiRequest, Range, SelectColumn, SelectItem, SelectRelation};
use crate::error::{Error, ErrorKind};

/// Resolves a request against the catalog.
///
/// # Errors
/// An unknown relation, an embedding that no or several relationships could mean, a filter or order on what is not
/// embedded, and unknown preferences under `handling=strict`.
pub fn plan<'a>(request: &'a ApiRequest, catalog: &'a Catalog, config: &Config) -> Result<ReadPlan<'a>, Error> {
    let relation = catalog.relation(&request.schema, &request.relation).ok_or_else(|| not_found(request, catalog))?;
    let mut root = Planner { catalog, embeds: 0 }.node(relation, &request.query_params.select, 0)?;
    add_parameters(&mut root, request)?;
    root.range = request.range;
    root.cut(config.db_max_rows);
    if request.preferences.is_refused() {
        return Err(ErrorKind::InvalidPreferences { preferences: request.preferences.unknown.clone() }.into());
    }
    Ok(ReadPlan { root, rows_max: config.db_max_rows })
}

/// Turns `select` into a tree.
struct Planner<'a> {
    catalog: &'a Catalog,
    /// How many embedded relations there are so far.
    embeds: usize,
}

impl<'a> Planner<'a> {
    fn node(&mut self, relation: Relation<'a>, items: &'a [SelectItem], depth: usize) -> Result<Node<'a>, Error> {
        let mut node = Node {
            relation,
            alias: (depth > 0).then(|| alias(relation.name(), depth)),
            select: Vec::new(),
            conditions: Vec::new(),
            order: Vec::new(),
            range: Range::default(),
            embeds: Vec::new(),
        };
        for item in items {
            match item {
                SelectItem::Star => node.select.push(Selected::Star),
                SelectItem::Column(column) => node.select.push(selected(relation, column)),
                SelectItem::Relation(select) => node.embeds.push(self.embed(relation, select, depth + 1)?),
            }
        }
        Ok(node)
    }

    fn embed(&mut self, parent: Relation<'a>, select: &'a SelectRelation, depth: usize) -> Result<Embed<'a>, Error> {
        self.embeds += 1;
        let alias = format!("embed.{}", self.embeds);
        let join = relationship::find(self.catalog, parent, select, depth)?;
        let node = self.node(join.target, &select.items, depth)?;
        Ok(Embed { select, alias, join, node })
    }
}

fn selected<'a>(relation: Relation<'a>, column: &'a SelectColumn) -> Selected<'a> {
    let SelectColumn { alias, field, cast } = column;
    let alias = alias.as_deref().or_else(|| field.last_key());
    Selected::Column { source: source(relation, field), cast: cast.as_deref(), alias }
}

/// A name for a relation that is embedded `depth` levels deep. Postgres cuts names after 63 bytes, and the depth must
/// survive that.
fn alias(name: &str, depth: usize) -> String {
    const BYTES_MAX: usize = 56;
    format!("{}_{depth}", &name[..name.floor_char_boundary(BYTES_MAX)])
}

fn add_parameters<'a>(root: &mut Node<'a>, request: &'a ApiRequest) -> Result<(), Error> {
    let params = &request.query_params;
    for (path, filter) in &params.filters {
        let node = root.at(path)?;
        node.conditions.push(node.filter(filter));
    }
    for (path, tree) in &params.logic {
        let node = root.at(path)?;
        node.conditions.push(node.condition(tree));
    }
    for (path, terms) in &params.order {
        let node = root.at(path)?;
        if node.order.is_empty() {
            node.order = terms.iter().map(|term| node.order(term)).collect::<Result<_, _>>()?;
        }
    }
    for (path, limit_offset) in &params.ranges {
        root.at(path)?.range = limit_offset.range()?;
    }
    Ok(())
}

fn not_found(request: &ApiRequest, catalog: &Catalog) -> Error {
    let names = catalog.relations_in(&request.schema).map(|relation| relation.name());
    ErrorKind::TableNotFound {
        schema: request.schema.clone(),
        relation: request.relation.clone(),
        suggestion: similar::most_similar(&request.relation, names, similar::CLOSE).map(str::to_owned),
    }
    .into()
}

#[cfg(test)]
mod tests;
