//! The statement of a read: the rows, and how many there are in all.

use super::sql::Sql;
use super::{answer, count, estimate, fragment, rows};
use crate::api_request::{ApiRequest, Count, Range};
use crate::plan::ReadPlan;

/// The exact set of transactions that the statement can see. The newer `pg_current_snapshot` gives the same, from
/// PostgreSQL 13 on.
const SNAPSHOT: &str = ", pg_catalog.txid_current_snapshot() AS snapshot";

/// Writes the statement of a read.
pub(super) fn write(sql: &mut Sql, request: &ApiRequest, plan: &ReadPlan<'_>) {
    let total = source(sql, request, plan);
    sql.push(" SELECT ").push(&total).push(" AS total_result_set, pg_catalog.count(*) AS page_total, ");
    sql.push(&answer::body(request, plan, answer::Shape::Rows)).push(" AS body").push(answer::SETTINGS);
    if plan.tells_snapshot {
        sql.push(SNAPSHOT);
    }
    sql.push(" FROM pgrst_source AS page");
}

/// Writes the rows as `pgrst_source`. Gives SQL for how many there are in all.
pub(super) fn source(sql: &mut Sql, request: &ApiRequest, plan: &ReadPlan<'_>) -> String {
    sql.push("WITH pgrst_source AS (");
    rows::select(sql, &plan.root, None);
    sql.push(")");
    total(sql, request, plan)
}

/// SQL for how many rows there are in all; what it needs is written before. Where none are cut off, they are those of
/// the page.
fn total(sql: &mut Sql, request: &ApiRequest, plan: &ReadPlan<'_>) -> String {
    match request.preferences.count {
        None => "null::bigint".to_owned(),
        Some(Count::Planned) => estimate::PLANNED.to_owned(),
        Some(Count::Exact) if plan.root.range.is_all() => "pg_catalog.count(*)".to_owned(),
        Some(Count::Exact) => {
            source_count(sql, plan, None);
            "(SELECT pg_catalog.count(*) FROM pgrst_source_count)".to_owned()
        }
        Some(Count::Estimated) => estimated(sql, plan),
    }
}

/// Rows are counted as far as one beyond `db-max-rows`; where there are as many, the planner may know of more.
fn estimated(sql: &mut Sql, plan: &ReadPlan<'_>) -> String {
    source_count(sql, plan, plan.rows_max.map(|rows_max| rows_max.saturating_add(1)));
    let most = plan.rows_max.unwrap_or(0);
    format!(
        "(SELECT CASE WHEN n > {most} THEN greatest(n, {}) ELSE n END \
         FROM (SELECT pg_catalog.count(*) AS n FROM pgrst_source_count) AS counted)",
        estimate::PLANNED
    )
}

fn source_count(sql: &mut Sql, plan: &ReadPlan<'_>, limit: Option<u64>) {
    sql.push(", pgrst_source_count AS (");
    count::select(sql, &plan.root, None);
    fragment::limit(sql, Range { offset: 0, limit });
    sql.push(")");
}
