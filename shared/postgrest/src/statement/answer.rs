//! The columns that every statement gives.

use std::borrow::Cow;

use catalog::Handler;

use super::fragment;
use super::sql::Sql;
use crate::api_request::{ApiRequest, MediaType};
use crate::plan::ReadPlan;

/// What functions of the database say about the response.
pub(super) const SETTINGS: &str = ", nullif(pg_catalog.current_setting('response.headers', true), '') AS \
                                   response_headers, nullif(pg_catalog.current_setting('response.status', true), '') \
                                   AS response_status";

/// What the rows of an answer are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Any number of rows, as a relation has them.
    Rows,
    /// One row, which is not in an array.
    Row,
    /// Any number of values.
    Scalars,
    /// One value.
    Scalar,
    /// Nothing that is shown.
    Nothing,
}

/// The rows as one value. A whole row is `page.*` and not `page`, which a column could be called.
pub(super) fn body(request: &ApiRequest, plan: &ReadPlan<'_>, shape: Shape) -> Cow<'static, str> {
    if request.is_head() || shape == Shape::Nothing {
        return "''".into();
    }
    if let Some(handler) = plan.handler {
        return handled(handler, shape).into();
    }
    match (request.media_type, shape) {
        (MediaType::Json, Shape::Rows) => "coalesce(pg_catalog.json_agg(page.*), '[]')".into(),
        (MediaType::Json, _) => json(shape, false, false).into(),
        (MediaType::ArrayStripped, _) => json(shape, false, true).into(),
        (MediaType::Object { is_stripped }, _) => json(shape, true, is_stripped).into(),
        // A function of PostGIS, wherever the search path finds it. Where there is none, Postgres says so.
        (MediaType::GeoJson, _) => concat!(
            "pg_catalog.json_build_object('type', 'FeatureCollection', 'features', ",
            "coalesce(pg_catalog.json_agg(st_asgeojson(page.*)::json), '[]'))",
        )
        .into(),
        (MediaType::Csv, _) => concat!(
            "(SELECT coalesce(pg_catalog.string_agg(k, ','), '')",
            " FROM (SELECT pg_catalog.json_object_keys(pg_catalog.row_to_json(first.*)) AS k",
            " FROM (SELECT * FROM pgrst_source LIMIT 1) AS first) AS header)",
            " || E'\\n' || ",
            "coalesce(pg_catalog.string_agg(substring((page.*)::text, 2, length((page.*)::text) - 2), E'\\n'), '')",
        )
        .into(),
    }
}

/// What a function of the database makes of the rows, or of the one value. Bytes are written as hexadecimal digits.
fn handled(handler: Handler<'_>, shape: Shape) -> String {
    let mut sql = Sql::default();
    sql.push(if handler.is_binary { "pg_catalog.encode((" } else { "" });
    sql.push(if shape == Shape::Scalar { "SELECT " } else { "" });
    fragment::full_name(&mut sql, handler.function).push("(");
    match (shape, handler.target) {
        (Shape::Scalar, _) => _ = sql.push("made.pgrst_scalar"),
        (_, None) => _ = sql.push("page.*"),
        (_, Some(relation)) => _ = fragment::full_name(sql.push("(page.*)::"), relation),
    }
    sql.push(if shape == Shape::Scalar { ") FROM pgrst_source AS made" } else { ")" });
    sql.push(if handler.is_binary { ")::bytea, 'hex')" } else { "" });
    let text = sql.into_statement().text;
    if shape == Shape::Scalar && !handler.is_binary { format!("({text})") } else { text }
}

fn json(shape: Shape, is_object: bool, is_stripped: bool) -> String {
    let value = match shape {
        Shape::Scalar | Shape::Scalars => "page.pgrst_scalar",
        _ => "page.*",
    };
    let (first, default) = match shape {
        Shape::Rows | Shape::Scalars if !is_object => ("", "[]"),
        _ => ("->0", "null"),
    };
    let (strip, end) = if is_stripped { ("pg_catalog.json_strip_nulls(", ")") } else { ("", "") };
    format!("coalesce({strip}pg_catalog.json_agg({value}){first}{end}, '{default}')")
}
