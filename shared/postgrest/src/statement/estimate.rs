//! How many rows the planner expects, for `Prefer: count=planned` and `count=estimated`.
//!
//! `EXPLAIN` is no part of a query, so it takes statements of its own, which still travel in the same batch: the first
//! builds it, with the values quoted by Postgres itself; the second, a block of PL/pgSQL, runs it; what it found is
//! a setting until the end of the transaction.

use sql::Statement;

use super::sql::Sql;
use super::{count, explain};
use crate::api_request::{ApiRequest, Count};
use crate::plan::ReadPlan;

/// SQL for the number that the statements of [`estimate`] have left behind; NULL if they did not run.
pub(super) const PLANNED: &str = "nullif(pg_catalog.current_setting('headland.plan_rows', true), '')::bigint";

const EXPLAIN: &str = "DO $$DECLARE answer json; BEGIN \
                       EXECUTE pg_catalog.current_setting('headland.query') INTO answer; \
                       PERFORM pg_catalog.set_config('headland.plan_rows', answer->0->'Plan'->>'Plan Rows', true); \
                       END$$";

/// The statements that go before that of the read; none unless the planner is asked.
pub(super) fn estimate(request: &ApiRequest, plan: &ReadPlan<'_>) -> Vec<Statement> {
    let is_planned = matches!(request.preferences.count, Some(Count::Planned | Count::Estimated));
    if !is_planned || request.explain.is_some() {
        return Vec::new();
    }
    let mut query = Sql::default();
    count::select(&mut query, &plan.root, None);
    vec![explain::build("FORMAT JSON", query), Statement { text: EXPLAIN.to_owned(), parameters: Vec::new() }]
}
