//! The rows of a plan, embedded ones inside.
//!
//! Each embedded relation is a lateral join: a row as it is where there is at most one, otherwise `body`, the
//! JSON array of them, which is NULL where there are none.

use super::sql::Sql;
use super::{condition, fragment};
use crate::plan::{Embed, Node, Selected};

/// Writes the query for a node; `parent` is what it is embedded into, and how.
pub(super) fn select(sql: &mut Sql, node: &Node<'_>, parent: Option<(&Node<'_>, &Embed<'_>)>) {
    sql.push("SELECT ");
    columns(sql, node);
    fragment::from(sql, node, parent.map(|(_, embed)| embed));
    node.embeds.iter().for_each(|embed| join(sql, node, embed));
    conditions(sql, node, parent);
    fragment::order(sql, node);
    fragment::limit(sql, node.range);
}

/// An empty `select` shows nothing of an embedded relation, and everything of the relation itself.
fn columns(sql: &mut Sql, node: &Node<'_>) {
    if node.select.is_empty() && node.embeds.is_empty() {
        fragment::table(sql, node);
        sql.push(".*");
        return;
    }
    sql.separated(", ", &node.select, |sql, selected| column(sql, node, selected));
    let shown = node.embeds.iter().filter(|embed| !embed.node.is_hidden());
    let mut separator = if node.select.is_empty() { "" } else { ", " };
    for embed in shown {
        sql.push(std::mem::replace(&mut separator, ", "));
        embedded(sql, embed);
    }
}

fn column(sql: &mut Sql, node: &Node<'_>, selected: &Selected<'_>) {
    match selected {
        Selected::Star => {
            fragment::table(sql, node);
            sql.push(".*");
        }
        Selected::Column { source, cast, alias } => {
            if cast.is_some() {
                sql.push("CAST(");
            }
            fragment::source(sql, node, *source);
            if let Some(cast) = cast {
                sql.push(" AS ").push(cast).push(")");
            }
            if let Some(alias) = alias {
                sql.push(" AS ").name(alias);
            }
        }
    }
}

fn embedded(sql: &mut Sql, embed: &Embed<'_>) {
    if embed.join.is_to_one {
        sql.push("row_to_json(").name(&embed.alias).push(".*)");
    } else {
        sql.push("coalesce(").name(&embed.alias).push(".body, '[]')");
    }
    sql.push(" AS ").name(embed.select.name());
}

fn join(sql: &mut Sql, node: &Node<'_>, embed: &Embed<'_>) {
    sql.push(if embed.select.is_inner { " JOIN LATERAL (" } else { " LEFT JOIN LATERAL (" });
    if embed.join.is_to_one {
        select(sql, &embed.node, Some((node, embed)));
        sql.push(") AS ").name(&embed.alias).push(" ON TRUE");
        return;
    }
    sql.push("SELECT json_agg(\"rows\".*) AS body FROM (");
    select(sql, &embed.node, Some((node, embed)));
    sql.push(") AS \"rows\") AS ").name(&embed.alias).push(" ON ");
    if embed.select.is_inner {
        sql.name(&embed.alias).push(".body IS NOT NULL");
    } else {
        sql.push("TRUE");
    }
}

fn conditions(sql: &mut Sql, node: &Node<'_>, parent: Option<(&Node<'_>, &Embed<'_>)>) {
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
    sql.name(&embed.alias).push(if embed.join.is_to_one { ".*" } else { ".body" });
    sql.push(if exists { " IS DISTINCT FROM NULL" } else { " IS NOT DISTINCT FROM NULL" });
}
