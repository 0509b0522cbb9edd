//! The statement of a call: the function runs once, and what is wanted of its rows is read from it.

use catalog::Parameter;

use super::answer::{self, Shape};
use super::sql::Sql;
use super::{condition, fragment, refusal, rows};
use crate::api_request::{ApiRequest, Count, Json, Whole};
use crate::plan::{Argument, Arguments, Body, Call, CallPlan};

/// Writes the statement of a call.
///
/// Where rows beyond the page are counted, all of them are kept, because the function must not run twice. What is kept
/// is `MATERIALIZED` in any case: Postgres would otherwise run a function again for each place that its result is used
/// in, or not at all where it is used in none.
pub(super) fn write(sql: &mut Sql, request: &ApiRequest, plan: &CallPlan<'_>) {
    let is_counted = matches!(request.preferences.count, Some(Count::Exact | Count::Estimated));
    let range = plan.read.root.range;
    let total = if is_counted && !range.is_all() {
        sql.push("WITH pgrst_all AS MATERIALIZED (");
        rows::unlimited(sql, &plan.read.root, None);
        sql.push("), pgrst_source AS (SELECT * FROM pgrst_all");
        fragment::limit(sql, range);
        "(SELECT pg_catalog.count(*) FROM pgrst_all)"
    } else {
        sql.push("WITH pgrst_source AS MATERIALIZED (");
        rows::select(sql, &plan.read.root, None);
        if is_counted { "pg_catalog.count(*)" } else { "null::bigint" }
    };
    sql.push(") SELECT ").push(total).push(" AS total_result_set, ");
    refusal::of_call(sql, request, plan.is_read_only);
    sql.push(", ").push(&answer::body(request, &plan.read, shape(plan))).push(" AS body").push(answer::SETTINGS);
    sql.push(" FROM pgrst_source AS page");
}

fn shape(plan: &CallPlan<'_>) -> Shape {
    let function = plan.function;
    match (function.returns_set(), function.returns_composite()) {
        _ if function.returns_void() => Shape::Nothing,
        (false, false) => Shape::Scalar,
        (true, false) => Shape::Scalars,
        (false, true) => Shape::Row,
        (true, true) => Shape::Rows,
    }
}

/// Writes the call as something to select from. A function of scalars stands in a `SELECT`, because what is declared to
/// return `record` could not stand in `FROM`.
pub(super) fn from(sql: &mut Sql, call: &Call<'_>) {
    if let Arguments::Members(parameters, json) = &call.arguments
        && !parameters.is_empty()
    {
        members(sql, parameters, json);
        sql.push(", LATERAL ");
    }
    let is_scalar = !call.function.returns_composite();
    sql.push(if is_scalar { "(SELECT " } else { "" });
    fragment::full_name(sql, call.function.full_name()).push("(");
    arguments(sql, &call.arguments);
    sql.push(if is_scalar { ") AS pgrst_scalar)" } else { ")" });
}

/// Members of JSON become columns. Of an array, its first object counts.
fn members(sql: &mut Sql, parameters: &[Parameter<'_>], json: &Json) {
    sql.push(if json.is_array { "(SELECT * FROM pg_catalog.json_to_recordset(" } else { "pg_catalog.json_to_record(" });
    sql.value(&json.text).push(") AS pgrst_body(");
    sql.separated(", ", parameters, |sql, parameter| {
        sql.name(parameter.name).push(" ").push(any_length(parameter.data_type));
    });
    sql.push(if json.is_array { ") LIMIT 1) AS pgrst_body" } else { ")" });
}

fn arguments(sql: &mut Sql, arguments: &Arguments<'_>) {
    match arguments {
        Arguments::Texts(texts) => {
            sql.separated(", ", texts, |sql, (parameter, argument)| {
                named(sql, parameter);
                match argument {
                    Argument::One(value) => sql.value(*value),
                    Argument::Several(values) => sql.value(condition::array(values.iter().copied().map(Some))),
                };
                sql.push("::").push(any_length(parameter.data_type));
            });
        }
        Arguments::Members(parameters, _) => {
            sql.separated(", ", parameters, |sql, parameter| {
                named(sql, parameter);
                sql.push("pgrst_body.").name(parameter.name);
            });
        }
        Arguments::Body(parameter, body) => {
            match body {
                Body::Json(json) => sql.value(&json.text),
                Body::Whole(Whole::Text(text) | Whole::Xml(text)) => sql.value(text),
                Body::Whole(Whole::Bytes(bytes)) => sql.value(hex(bytes)),
            };
            sql.push("::").push(parameter.data_type);
        }
    }
}

fn named(sql: &mut Sql, parameter: &Parameter<'_>) {
    sql.push(if parameter.is_variadic { "VARIADIC " } else { "" }).name(parameter.name).push(" := ");
}

/// A parameter of these types takes values of any length, but a cast to them would cut what is longer than 1.
fn any_length(data_type: &str) -> &str {
    match data_type {
        "bit" => "bit varying",
        "bit[]" => "bit varying[]",
        "character" => "character varying",
        "character[]" => "character varying[]",
        other => other,
    }
}

/// Bytes as `bytea` reads them.
fn hex(bytes: &[u8]) -> String {
    let digit = |number: u8| char::from_digit(u32::from(number), 16).unwrap_or_default();
    let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    "\\x".chars().chain(digits).collect()
}
