//! The rows of a plan, embedded ones inside.
//!
//! Each embedded relation is a lateral join: a row as it is where there is at most one, otherwise `body`, the
//! JSON array of them, which is NULL where there are none. A spread relation of many rows is a row of arrays.

use super::sql::Sql;
use super::{condition, fragment};
use crate::plan::{Aggregated, Embed, Node, Output, Selected, Shown};

/// The column of a spread relation that is NULL where there are no rows. The others are called as the request says.
const FOUND: &str = "\"embed.found\"";

/// Writes the query for a node; `parent` is what it is embedded into, and how.
pub(super) fn select(sql: &mut Sql, node: &Node<'_>, parent: Option<(&Node<'_>, &Embed<'_>)>) {
    unlimited(sql, node, parent);
    fragment::limit(sql, node.range);
}

/// Writes the query for a node without `limit` and `offset`.
pub(super) fn unlimited(sql: &mut Sql, node: &Node<'_>, parent: Option<(&Node<'_>, &Embed<'_>)>) {
    sql.push("SELECT ");
    let groups = columns(sql, node);
    fragment::from(sql, node, parent);
    node.embeds.iter().for_each(|embed| join(sql, node, embed));
    conditions(sql, node, parent);
    group(sql, &groups);
    fragment::order(sql, node);
}

/// Writes the columns. Returns the numbers of those to group by. An empty `select` shows nothing of an embedded
/// relation, and everything of the relation itself.
fn columns(sql: &mut Sql, node: &Node<'_>) -> Vec<usize> {
    if node.select.is_empty() && node.embeds.is_empty() {
        fragment::table(sql, node);
        sql.push(".*");
        return Vec::new();
    }
    let is_aggregated = node.is_aggregated();
    let (mut count, mut groups) = (0, Vec::new());
    let mut next = |sql: &mut Sql, is_aggregate: bool| {
        sql.push(if count == 0 { "" } else { ", " });
        count += 1;
        if is_aggregated && !is_aggregate {
            groups.push(count);
        }
    };
    for selected in &node.select {
        next(sql, selected.is_aggregate());
        column(sql, node, selected, is_aggregated);
    }
    for embed in &node.embeds {
        match &embed.shown {
            Shown::Nothing => {}
            Shown::Json => {
                next(sql, false);
                embedded(sql, embed, is_aggregated);
            }
            Shown::Row => {
                next(sql, false);
                sql.name(&embed.alias).push(".*");
            }
            Shown::Columns(outputs) => {
                for output in outputs {
                    next(sql, output.aggregate.is_some());
                    spread(sql, embed, output);
                }
            }
        }
    }
    groups
}

/// By number, because an expression with a parameter is not the same as another with a parameter of the same value.
fn group(sql: &mut Sql, columns: &[usize]) {
    if !columns.is_empty() {
        sql.push(" GROUP BY ").separated(", ", columns, |sql, column| _ = sql.push(&column.to_string()));
    }
}

/// What rows are grouped by is `jsonb`, because `json` knows no equality.
fn column(sql: &mut Sql, node: &Node<'_>, selected: &Selected<'_>, is_grouped: bool) {
    let mut alias = None;
    match selected {
        Selected::Star => {
            fragment::table(sql, node);
            sql.push(".*");
        }
        Selected::Known { name, shown_by } => {
            alias = shown_by.map(|_| *name);
            shown(sql, *shown_by, is_grouped, &mut |sql| {
                fragment::table(sql, node);
                sql.push(".").name(name);
            });
        }
        Selected::Column { source, shown_by, cast, alias: given, aggregate } => {
            alias = given.as_deref();
            let mut value = |sql: &mut Sql| {
                let is_grouped = is_grouped && cast.is_none();
                shown(sql, *shown_by, is_grouped, &mut |sql| fragment::source(sql, node, *source));
            };
            aggregated(sql, *aggregate, &mut |sql| casted(sql, *cast, &mut value));
        }
        Selected::Count { aggregate, alias: given } => {
            alias = *given;
            aggregated(sql, Some(*aggregate), &mut |sql| _ = sql.push("*"));
        }
        Selected::One { alias: given } => {
            alias = Some(given);
            sql.push("1");
        }
    }
    if let Some(alias) = alias {
        sql.push(" AS ").name(alias);
    }
}

fn shown(sql: &mut Sql, function: Option<&str>, is_grouped: bool, write: &mut dyn FnMut(&mut Sql)) {
    fragment::through(sql, function, write);
    if is_grouped && function.is_some() {
        sql.push("::jsonb");
    }
}

fn aggregated(sql: &mut Sql, aggregate: Option<Aggregated<'_>>, write: &mut dyn FnMut(&mut Sql)) {
    let Some(Aggregated { function, cast }) = aggregate else {
        return write(sql);
    };
    casted(sql, cast, &mut |sql| {
        sql.push(function).push("(");
        write(sql);
        sql.push(")");
    });
}

fn casted(sql: &mut Sql, cast: Option<&str>, write: &mut dyn FnMut(&mut Sql)) {
    let Some(cast) = cast else {
        return write(sql);
    };
    sql.push("CAST(");
    write(sql);
    sql.push(" AS ").push(cast).push(")");
}

/// What rows are grouped by is `jsonb`, as above.
fn embedded(sql: &mut Sql, embed: &Embed<'_>, is_grouped: bool) {
    if embed.join.is_to_one {
        sql.push("row_to_json(").name(&embed.alias).push(".*)");
    } else {
        sql.push("coalesce(").name(&embed.alias).push(".body, '[]')");
    }
    sql.push(if is_grouped { "::jsonb AS " } else { " AS " }).name(embed.select.name());
}

fn spread(sql: &mut Sql, embed: &Embed<'_>, output: &Output<'_>) {
    let aggregate = output.aggregate.as_ref();
    aggregated(sql, aggregate.map(|(aggregate, _)| *aggregate), &mut |sql| {
        sql.name(&embed.alias).push(".").name(&output.name);
    });
    if let Some((_, alias)) = aggregate {
        sql.push(" AS ").name(alias);
    }
}

fn join(sql: &mut Sql, node: &Node<'_>, embed: &Embed<'_>) {
    sql.push(if embed.select.is_inner { " JOIN LATERAL (" } else { " LEFT JOIN LATERAL (" });
    if embed.join.is_to_one {
        select(sql, &embed.node, Some((node, embed)));
        sql.push(") AS ").name(&embed.alias).push(" ON TRUE");
        return;
    }
    sql.push("SELECT ");
    match &embed.shown {
        Shown::Columns(outputs) => arrays(sql, outputs),
        _ => _ = sql.push("json_agg(\"rows\".*) AS body"),
    }
    sql.push(" FROM (");
    select(sql, &embed.node, Some((node, embed)));
    sql.push(") AS \"rows\") AS ").name(&embed.alias).push(" ON ");
    if embed.select.is_inner {
        found(sql, embed);
        sql.push(" IS NOT NULL");
    } else {
        sql.push("TRUE");
    }
}

/// Each column as an array, in the order of the rows; and how many rows there are, if any.
fn arrays(sql: &mut Sql, outputs: &[Output<'_>]) {
    sql.push("nullif(count(*), 0) AS ").push(FOUND);
    for Output { name, .. } in outputs {
        sql.push(", coalesce(json_agg(\"rows\".").name(name).push("), '[]') AS ").name(name);
    }
}

/// Writes what is NULL where there is nothing to embed.
fn found(sql: &mut Sql, embed: &Embed<'_>) {
    sql.name(&embed.alias).push(".").push(match embed.shown {
        _ if embed.join.is_to_one => "*",
        Shown::Columns(_) => FOUND,
        _ => "body",
    });
}

fn conditions(sql: &mut Sql, node: &Node<'_>, parent: Option<(&Node<'_>, &Embed<'_>)>) {
    let parent = parent.filter(|(_, embed)| embed.join.function.is_none());
    if node.conditions.is_empty() && parent.is_none() {
        return;
    }
    sql.push(" WHERE ");
    sql.separated(" AND ", &node.conditions, |sql, wanted| condition::write(sql, node, wanted, &exists));
    if let Some((parent, embed)) = parent {
        sql.push(if node.conditions.is_empty() { "" } else { " AND " });
        fragment::join_conditions(sql, parent, embed);
    }
}

/// A row of nothing but NULL is a row all the same, so `IS NULL` would be wrong.
fn exists(sql: &mut Sql, embed: &Embed<'_>, exists: bool) {
    found(sql, embed);
    sql.push(if exists { " IS DISTINCT FROM NULL" } else { " IS NOT DISTINCT FROM NULL" });
}

#[cfg(test)]
mod tests;
