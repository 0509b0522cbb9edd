//! Pieces of a query: columns, `FROM`, joins, `ORDER BY`, `LIMIT`.

use super::call;
use super::sql::Sql;
use crate::api_request::{Direction, JsonOperand, JsonOperation, Nulls, Range};
use crate::plan::{Embed, Node, Order, Source, WRITTEN};

/// Writes the name by which the rest of the statement knows a relation.
pub(super) fn table(sql: &mut Sql, node: &Node<'_>) {
    match &node.alias {
        Some(alias) => sql.name(alias),
        None => full_name(sql, node.rows.full_name()),
    };
}

/// Writes a name with its schema.
pub(super) fn full_name<'a>(sql: &'a mut Sql, (schema, name): (&str, &str)) -> &'a mut Sql {
    sql.name(schema).push(".").name(name)
}

/// Writes `FROM` with the relation, or the function that makes its rows, and the junction beside it; `parent` is what it
/// is embedded into, and how.
pub(super) fn from(sql: &mut Sql, node: &Node<'_>, parent: Option<(&Node<'_>, &Embed<'_>)>) {
    sql.push(" FROM ");
    match (&node.call, parent.and_then(|(parent, embed)| Some((parent, embed.join.function?)))) {
        (Some(called), _) => call::from(sql, called),
        (None, Some((parent, function))) => call(sql, function, parent),
        (None, None) if node.is_written => _ = sql.push(WRITTEN),
        (None, None) => _ = full_name(sql, node.rows.full_name()),
    }
    if let Some(alias) = &node.alias {
        sql.push(" AS ").name(alias);
    }
    if let Some(junction) = parent.and_then(|(_, embed)| embed.join.junction.as_ref()) {
        full_name(sql.push(", "), junction.relation.full_name()).push(" AS ").name(&junction.alias);
    }
}

/// Writes a call with the parent's row. A row of a statement has no type of its own, and functions may be overloaded.
fn call(sql: &mut Sql, (schema, name): (&str, &str), parent: &Node<'_>) {
    sql.name(schema).push(".").name(name).push("((");
    table(sql, parent);
    full_name(sql.push(".*)::"), parent.rows.full_name()).push(")");
}

/// Writes what joins an embedded relation to the rows of its parent.
pub(super) fn join_conditions(sql: &mut Sql, parent: &Node<'_>, embed: &Embed<'_>) {
    let join = &embed.join;
    if let Some(junction) = &join.junction {
        for (target, column) in &junction.columns {
            table(sql, &embed.node);
            sql.push(".").name(target).push(" = ").name(&junction.alias).push(".").name(column).push(" AND ");
        }
    }
    sql.separated(" AND ", &join.columns, |sql, (parent_column, column)| {
        match &join.junction {
            Some(junction) => _ = sql.name(&junction.alias),
            None => table(sql, &embed.node),
        }
        sql.push(".").name(column).push(" = ");
        table(sql, parent);
        sql.push(".").name(parent_column);
    });
}

/// Writes a column, or what is inside of it.
pub(super) fn source(sql: &mut Sql, node: &Node<'_>, source: Source<'_>) {
    if source.to_json {
        sql.push("to_jsonb(");
    }
    table(sql, node);
    sql.push(".").name(&source.field.name);
    if source.to_json {
        sql.push(")");
    }
    json_path(sql, &source.field.path);
}

fn json_path(sql: &mut Sql, path: &[JsonOperation]) {
    for JsonOperation { as_text, operand } in path {
        sql.push(if *as_text { "->>" } else { "->" });
        match operand {
            JsonOperand::Key(key) => sql.value(key),
            JsonOperand::Index(index) => sql.value(index).push("::int"),
        };
    }
}

/// Writes a value as a function of the database gives it, if there is one.
pub(super) fn through(sql: &mut Sql, function: Option<&str>, write: &mut dyn FnMut(&mut Sql)) {
    let Some(function) = function else {
        return write(sql);
    };
    sql.push(function).push("(");
    write(sql);
    sql.push(")");
}

/// Writes `ORDER BY`, if there is something to order by.
pub(super) fn order(sql: &mut Sql, node: &Node<'_>) {
    if node.order.is_empty() {
        return;
    }
    sql.push(" ORDER BY ").separated(", ", &node.order, |sql, term| {
        let Order { embed, source: column, direction, nulls } = term;
        match embed {
            None => source(sql, node, *column),
            Some(embed) => {
                sql.name(&node.embeds[*embed].alias).push(".").name(&column.field.name);
                json_path(sql, &column.field.path);
            }
        }
        match direction {
            Some(Direction::Ascending) => sql.push(" ASC"),
            Some(Direction::Descending) => sql.push(" DESC"),
            None => sql,
        };
        match nulls {
            Some(Nulls::First) => sql.push(" NULLS FIRST"),
            Some(Nulls::Last) => sql.push(" NULLS LAST"),
            None => sql,
        };
    });
}

/// Writes `LIMIT` and `OFFSET`, as far as they are needed.
pub(super) fn limit(sql: &mut Sql, Range { offset, limit }: Range) {
    if let Some(limit) = limit {
        sql.push(" LIMIT ").value(limit.to_string());
    }
    if offset > 0 {
        sql.push(" OFFSET ").value(offset.to_string());
    }
}
