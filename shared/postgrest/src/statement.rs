//! The SQL: one statement whose single row is the whole answer.
//!
//! Its columns: `body` (the rows as JSON or CSV), `total_result_set` (how many rows there are in all, NULL if not
//! asked), `page_total` (how many there are in `body`), and `response_headers` and `response_status`, which functions
//! of the database may have set. Names are quoted, values are parameters whose types Postgres infers.

mod condition;
mod count;
mod estimate;
mod fragment;
mod read;
mod settings;
mod sql;

use ::sql::Statement;

pub use self::estimate::estimate;
pub use self::settings::settings;
use self::sql::Sql;
use crate::api_request::{ApiRequest, Count, MediaType, Range};
use crate::plan::ReadPlan;

/// Compiles a plan. The statements of [`settings()`] and [`estimate()`] go before it, in the same transaction.
pub fn statement(request: &ApiRequest, plan: &ReadPlan<'_>) -> Statement {
    let mut sql = Sql::default();
    sql.push("WITH pgrst_source AS (");
    read::select(&mut sql, &plan.root, None);
    sql.push(")");
    let total = total(&mut sql, request, plan);
    sql.push(" SELECT ").push(&total).push(" AS total_result_set, pg_catalog.count(*) AS page_total, ");
    sql.push(body(request)).push(" AS body");
    for setting in ["headers", "status"] {
        sql.push(", nullif(pg_catalog.current_setting('response.")
            .push(setting)
            .push("', true), '') AS response_")
            .push(setting);
    }
    sql.push(" FROM pgrst_source AS page");
    sql.into_statement()
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

/// The rows as one value. A whole row is `page.*` and not `page`, which a column could be called.
fn body(request: &ApiRequest) -> &'static str {
    if request.is_head() {
        return "''";
    }
    match request.media_type {
        MediaType::Json => "coalesce(pg_catalog.json_agg(page.*), '[]')",
        MediaType::ArrayStripped => "coalesce(pg_catalog.json_strip_nulls(pg_catalog.json_agg(page.*)), '[]')",
        MediaType::Object { is_stripped: false } => "coalesce(pg_catalog.json_agg(page.*)->0, 'null')",
        MediaType::Object { is_stripped: true } => {
            "coalesce(pg_catalog.json_strip_nulls(pg_catalog.json_agg(page.*)->0), 'null')"
        }
        MediaType::Csv => concat!(
            "(SELECT coalesce(pg_catalog.string_agg(k, ','), '')",
            " FROM (SELECT pg_catalog.json_object_keys(pg_catalog.row_to_json(first.*)) AS k",
            " FROM (SELECT * FROM pgrst_source LIMIT 1) AS first) AS header)",
            " || E'\\n' || ",
            "coalesce(pg_catalog.string_agg(substring((page.*)::text, 2, length((page.*)::text) - 2), E'\\n'), '')",
        ),
    }
}

#[cfg(test)]
mod tests;
