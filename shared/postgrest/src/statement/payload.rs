//! The body inside of SQL: one JSON parameter, which Postgres unpacks into rows.

use catalog::Column;

use super::sql::Sql;
use crate::api_request::{ApiRequest, Json, Missing, Payload};
use crate::plan::BODY;

/// Writes the value of a column in a row of the body.
pub(super) fn value(sql: &mut Sql, column: &Column<'_>) {
    let function = column.from_json();
    function.map(|function| sql.push(function).push("("));
    sql.push(BODY).push(".").name(column.name()).push(if function.is_some() { ")" } else { "" });
}

/// Writes `FROM` with the rows of the body.
pub(super) fn from(sql: &mut Sql, request: &ApiRequest, columns: &[Column<'_>]) {
    let Some(Payload::Json(json)) = &request.payload else {
        return;
    };
    sql.push(" FROM ");
    let with_default: Vec<_> = columns.iter().filter_map(|column| Some((column.name(), column.default()?))).collect();
    if columns.is_empty() {
        rows_of_nothing(sql, json);
    } else if request.preferences.missing == Some(Missing::Default) && !with_default.is_empty() {
        completed(sql, json, &with_default);
    } else {
        sql.push(if json.is_array { "pg_catalog.json_to_recordset(" } else { "pg_catalog.json_to_record(" });
        sql.value(&json.text).push("::json)");
    }
    sql.push(" AS ").push(BODY);
    if !columns.is_empty() {
        sql.push("(").separated(", ", columns, |sql, column| {
            let data_type = if column.from_json().is_some() { "json" } else { column.data_type() };
            sql.name(column.name()).push(" ").push(data_type);
        });
        sql.push(")");
    }
}

/// As many rows as there are objects, which have no members that count.
fn rows_of_nothing(sql: &mut Sql, json: &Json) {
    if json.is_array {
        sql.push("pg_catalog.json_array_elements(").value(&json.text).push("::json)");
    } else {
        sql.push("(VALUES (1))");
    }
}

/// The objects, with defaults for the members that they lack; each gets its own.
fn completed(sql: &mut Sql, json: &Json, defaults: &[(&str, &str)]) {
    let object = |sql: &mut Sql| {
        sql.push("pg_catalog.jsonb_build_object(").separated(", ", defaults, |sql, (name, default)| {
            sql.value(*name).push("::text, ").push(default);
        });
        sql.push(") || ");
    };
    if json.is_array {
        sql.push("pg_catalog.jsonb_to_recordset((SELECT pg_catalog.jsonb_agg(");
        object(sql);
        sql.push("element) FROM pg_catalog.jsonb_array_elements(").value(&json.text).push("::jsonb) AS element))");
    } else {
        sql.push("pg_catalog.jsonb_to_record(");
        object(sql);
        sql.value(&json.text).push("::jsonb)");
    }
}
