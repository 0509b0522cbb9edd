//! How many rows a plan has without `limit` and `offset`.
//!
//! Nothing is read of the rows, so that a column which is dear to compute costs nothing; joins that only embed
//! are left out, those that filter become `EXISTS`.

use super::sql::Sql;
use super::{condition, fragment};
use crate::plan::{Embed, Node};

/// Writes a query with as many rows as the node has; `parent` is what it is embedded into, and how.
pub(super) fn select(sql: &mut Sql, node: &Node<'_>, parent: Option<(&Node<'_>, &Embed<'_>)>) {
    sql.push("SELECT 1");
    fragment::from(sql, node, parent);
    let mut separator = " WHERE ";
    let mut next = |sql: &mut Sql| _ = sql.push(std::mem::replace(&mut separator, " AND "));
    for wanted in &node.conditions {
        next(sql);
        let embedded = |sql: &mut Sql, embed: &Embed<'_>, exist: bool| {
            sql.push(if exist { "" } else { "NOT " });
            exists(sql, node, embed);
        };
        condition::write(sql, node, wanted, &embedded);
    }
    if let Some((parent, embed)) = parent.filter(|(_, embed)| embed.join.function.is_none()) {
        next(sql);
        fragment::join_conditions(sql, parent, embed);
    }
    for embed in node.embeds.iter().filter(|embed| embed.select.is_inner) {
        next(sql);
        exists(sql, node, embed);
    }
}

fn exists(sql: &mut Sql, node: &Node<'_>, embed: &Embed<'_>) {
    sql.push("EXISTS (");
    select(sql, &embed.node, Some((node, embed)));
    sql.push(")");
}
