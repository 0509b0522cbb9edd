//! The statement of a write: the rows are written, what is wanted of them is read, and both are one row.
//!
//! ```text
//! WITH pgrst_written AS (INSERT | UPDATE | DELETE … RETURNING …) [, pgrst_source AS (SELECT …)]
//! SELECT page_total, body, key_0, …, inserted, response_headers, response_status FROM …
//! ```

use catalog::Column;

use super::answer::Shape;
use super::sql::Sql;
use super::{answer, condition, fragment, payload, refusal, rows};
use crate::api_request::{Action, ApiRequest, Representation, Resolution};
use crate::plan::{MutatePlan, Node, Returned, WRITTEN};

/// Writes the statement of a write.
pub(super) fn write(sql: &mut Sql, request: &ApiRequest, plan: &MutatePlan<'_>) {
    sql.push("WITH ").push(WRITTEN).push(" AS (");
    match request.action {
        Action::Create | Action::Upsert => insert(sql, request, plan),
        Action::Update => update(sql, request, plan),
        _ => delete(sql, plan),
    }
    sql.push(")");
    let is_shown = request.preferences.representation == Some(Representation::Full);
    if is_shown {
        sql.push(", pgrst_source AS (");
        rows::select(sql, &plan.read.root, None);
        sql.push(")");
    }
    sql.push(" SELECT ");
    refusal::of_write(sql, request, plan);
    let shape = if is_shown { Shape::Rows } else { Shape::Nothing };
    sql.push(", ").push(&answer::body(request, &plan.read, shape)).push(" AS body");
    location(sql, request, plan);
    if plan.is_merge() {
        sql.push(", ").push(INSERTED).push(" AS inserted");
    }
    sql.push(answer::SETTINGS).push(" FROM ").push(if is_shown { "pgrst_source" } else { WRITTEN }).push(" AS page");
}

fn insert(sql: &mut Sql, request: &ApiRequest, plan: &MutatePlan<'_>) {
    sql.push("INSERT INTO ");
    relation(sql, &plan.target);
    if !plan.columns.is_empty() {
        sql.push("(").separated(", ", &plan.columns, |sql, column| _ = sql.name(column.name())).push(")");
    }
    sql.push(" SELECT").push(if plan.columns.is_empty() { "" } else { " " });
    sql.separated(", ", &plan.columns, payload::value);
    payload::from(sql, request, &plan.columns);
    let is_put = request.action == Action::Upsert;
    if plan.is_merge() {
        sql.push(" WHERE ").push(INSERT_COUNTS);
        sql.push(if is_put { " AND " } else { "" });
    }
    if is_put {
        conditions(sql, &plan.target);
    }
    on_conflict(sql, plan);
    returning(sql, plan);
}

/// How many rows were inserted so far, counted where `ON CONFLICT` cannot tell.
pub(super) const INSERTED: &str = "nullif(pg_catalog.current_setting('headland.inserted', true), '')";
/// Holds always; counts a row that is to be inserted.
const INSERT_COUNTS: &str = "pg_catalog.set_config('headland.inserted', (coalesce(nullif(pg_catalog.current_setting(\
                             'headland.inserted', true), '')::int, 0) + 1)::text, true) <> ''";
/// Holds always; takes back the count of a row that is updated after all.
const UPDATE_COUNTS: &str = "pg_catalog.set_config('headland.inserted', (pg_catalog.current_setting(\
                             'headland.inserted', true)::int - 1)::text, true) <> ''";

fn on_conflict(sql: &mut Sql, plan: &MutatePlan<'_>) {
    let Some(conflict) = plan.conflict.as_ref().filter(|conflict| !conflict.columns.is_empty()) else {
        return;
    };
    sql.push(" ON CONFLICT (").separated(", ", &conflict.columns, |sql, column| _ = sql.name(column));
    if conflict.resolution == Resolution::IgnoreDuplicates || plan.columns.is_empty() {
        sql.push(") DO NOTHING");
        return;
    }
    sql.push(") DO UPDATE SET ").separated(", ", &plan.columns, |sql, column| {
        sql.name(column.name()).push(" = EXCLUDED.").name(column.name());
    });
    sql.push(" WHERE ").push(UPDATE_COUNTS);
}

/// With nothing to set, nothing is updated: there is no such `UPDATE`.
fn update(sql: &mut Sql, request: &ApiRequest, plan: &MutatePlan<'_>) {
    if plan.columns.is_empty() {
        sql.push("SELECT ");
        returned(sql, plan);
        sql.push(" FROM ");
        relation(sql, &plan.target);
        sql.push(" WHERE false");
        return;
    }
    sql.push("UPDATE ");
    relation(sql, &plan.target);
    sql.push(" SET ").separated(", ", &plan.columns, |sql, column: &Column<'_>| {
        sql.name(column.name()).push(" = ");
        payload::value(sql, column);
    });
    payload::from(sql, request, &plan.columns);
    filtered(sql, &plan.target);
    returning(sql, plan);
}

fn delete(sql: &mut Sql, plan: &MutatePlan<'_>) {
    sql.push("DELETE FROM ");
    relation(sql, &plan.target);
    filtered(sql, &plan.target);
    returning(sql, plan);
}

fn relation(sql: &mut Sql, target: &Node<'_>) {
    fragment::full_name(sql, target.rows.full_name());
}

fn filtered(sql: &mut Sql, target: &Node<'_>) {
    if !target.conditions.is_empty() {
        sql.push(" WHERE ");
        conditions(sql, target);
    }
}

/// Nothing is embedded into what is written.
fn conditions(sql: &mut Sql, target: &Node<'_>) {
    sql.separated(" AND ", &target.conditions, |sql, wanted| condition::write(sql, target, wanted, &|_, _, _| {}));
}

fn returning(sql: &mut Sql, plan: &MutatePlan<'_>) {
    sql.push(" RETURNING ");
    returned(sql, plan);
}

/// Something of each row, to count it by. A function of the row is called here, where the row is of its type.
fn returned(sql: &mut Sql, plan: &MutatePlan<'_>) {
    match &plan.returned {
        Returned::Star => {
            relation(sql, &plan.target);
            sql.push(".*");
        }
        Returned::Columns(columns) if columns.is_empty() => _ = sql.push("1"),
        Returned::Columns(columns) => {
            sql.separated(", ", columns, |sql, column| {
                relation(sql, &plan.target);
                sql.push(".").name(column);
            });
        }
    }
}

/// The values of the primary key, each as JSON shows it, where a row is to be named; they mean something if it is the only
/// one.
fn location(sql: &mut Sql, request: &ApiRequest, plan: &MutatePlan<'_>) {
    let is_named = request.preferences.representation == Some(Representation::HeadersOnly);
    if request.action != Action::Create || !is_named || plan.key.is_empty() {
        return;
    }
    for (index, column) in plan.key.iter().enumerate() {
        sql.push(", (SELECT to_json(").name(column).push(")#>>'{}' FROM ").push(WRITTEN);
        sql.push(" LIMIT 1) AS ").push(&key_column(index));
    }
}

/// The column of the answer with a value of the primary key.
pub(crate) fn key_column(index: usize) -> String {
    format!("key_{index}")
}

#[cfg(test)]
mod tests;
