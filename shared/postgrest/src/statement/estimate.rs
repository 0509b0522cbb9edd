//! How many rows the planner expects, for `Prefer: count=planned` and `count=estimated`.
//!
//! `EXPLAIN` is no part of a query, so it takes statements of its own, which still travel in the same batch: the first
//! builds it, with the values quoted by Postgres itself; the second, a block of PL/pgSQL, runs it; what it found is
//! a setting until the end of the transaction.

use sql::Statement;

use super::sql::Sql;
use super::{condition, count};
use crate::api_request::{ApiRequest, Count};
use crate::plan::ReadPlan;

/// SQL for the number that the statements of [`estimate`] have left behind; NULL if they did not run.
pub(super) const PLANNED: &str = "nullif(pg_catalog.current_setting('headland.plan_rows', true), '')::bigint";

const EXPLAIN: &str = "DO $$DECLARE answer json; BEGIN \
                       EXECUTE 'EXPLAIN (FORMAT JSON) ' || pg_catalog.current_setting('headland.query') INTO answer; \
                       PERFORM pg_catalog.set_config('headland.plan_rows', answer->0->'Plan'->>'Plan Rows', true); \
                       END$$";

/// The statements that go between [`super::settings()`] and [`super::statement`]; none unless the planner is asked.
pub fn estimate(request: &ApiRequest, plan: &ReadPlan<'_>) -> Vec<Statement> {
    if !matches!(request.preferences.count, Some(Count::Planned | Count::Estimated)) {
        return Vec::new();
    }
    let mut query = Sql::template();
    count::select(&mut query, &plan.root, None);
    let Statement { text, parameters } = query.into_statement();
    let values: Vec<&str> = parameters.iter().flatten().map(String::as_str).collect();
    let mut build = Sql::default();
    build.push("SELECT pg_catalog.set_config('headland.query', pg_catalog.format(").value(text);
    build.push(", VARIADIC ").value(condition::array(&values)).push("::text[]), true)");
    vec![build.into_statement(), Statement { text: EXPLAIN.to_owned(), parameters: Vec::new() }]
}
