//! The response to a write: 201 where rows came to be, otherwise 200 with them or 204 without.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, LOCATION};
use http::{HeaderMap, Response, StatusCode};
use percent_encoding::utf8_percent_encode;
use sql::Row;

use super::{PREFERENCE_APPLIED, about_body, guc, insert};
use crate::api_request::{Action, ApiRequest, Count, ESCAPED, Representation, Resolution};
use crate::error::{Error, ErrorKind};
use crate::plan::MutatePlan;
use crate::statement::key_column;

pub(super) fn response(request: &ApiRequest, plan: &MutatePlan<'_>, row: Row) -> Result<Response<Bytes>, Error> {
    let rows = row.get("page_total").and_then(|rows| rows.parse().ok()).ok_or(ErrorKind::InvalidAnswer)?;
    let is_shown = request.preferences.representation == Some(Representation::Full);
    let status = status(request, &row, is_shown);
    let mut headers = HeaderMap::with_capacity(8);
    if let Some(range) = content_range(request, rows) {
        insert(&mut headers, CONTENT_RANGE, &range);
    }
    if let Some(location) = location(request, plan, &row, rows) {
        insert(&mut headers, LOCATION, &location);
    }
    let has_key = !plan.key.is_empty() || request.query_params.on_conflict.is_some();
    if let Some(applied) = request.preferences.applied(request.action, has_key) {
        insert(&mut headers, PREFERENCE_APPLIED, &applied);
    }
    if is_shown {
        about_body(request, Some(&plan.read), &mut headers);
    }
    guc::headers(row.get("response_headers"), &mut headers)?;
    let status = guc::status(row.get("response_status"))?.unwrap_or(status);
    let mut response = Response::new(if is_shown { row.body.clone() } else { Bytes::new() });
    // A server that is given a stream cannot see that it is empty. 204 has no length (RFC 9110, section 8.6).
    if response.body().is_empty() && status != StatusCode::NO_CONTENT {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}

fn status(request: &ApiRequest, row: &Row, is_shown: bool) -> StatusCode {
    let has_inserted = || row.get("inserted").is_some_and(|rows| rows != "0");
    let is_merge = request.preferences.resolution == Some(Resolution::MergeDuplicates);
    match request.action {
        Action::Create if !is_merge || has_inserted() => StatusCode::CREATED,
        Action::Create => StatusCode::OK,
        _ if !is_shown => StatusCode::NO_CONTENT,
        Action::Upsert if has_inserted() => StatusCode::CREATED,
        _ => StatusCode::OK,
    }
}

/// A planner's guess is none here, where the rows are known.
fn content_range(request: &ApiRequest, rows: u64) -> Option<String> {
    let is_counted = matches!(request.preferences.count, Some(Count::Exact | Count::Estimated));
    let all = if is_counted { rows.to_string() } else { "*".to_owned() };
    match request.action {
        Action::Update if rows > 0 => Some(format!("0-{}/{all}", rows - 1)),
        Action::Upsert => None,
        _ => Some(format!("*/{all}")),
    }
}

/// Where the one row that was inserted can be read.
fn location(request: &ApiRequest, plan: &MutatePlan<'_>, row: &Row, rows: u64) -> Option<String> {
    let is_named = request.preferences.representation == Some(Representation::HeadersOnly);
    if request.action != Action::Create || !is_named || rows != 1 || plan.key.is_empty() {
        return None;
    }
    let mut location = format!("/{}", utf8_percent_encode(&request.target, ESCAPED));
    for (index, name) in plan.key.iter().enumerate() {
        location.push(if index == 0 { '?' } else { '&' });
        location.extend(utf8_percent_encode(name, ESCAPED));
        location.push('=');
        let value = row.get(&key_column(index));
        let condition = value.map_or("is.null".to_owned(), |value| format!("eq.{value}"));
        location.extend(utf8_percent_encode(&condition, ESCAPED));
    }
    Some(location)
}
