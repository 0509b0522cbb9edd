//! The HTTP response around the row that the statement gave.

mod call;
mod guc;
mod inspect;
mod mutate;
mod read;

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, WARNING};
use http::{HeaderMap, Response};
use sql::Row;

use crate::api_request::ApiRequest;
use crate::error::{Error, ErrorKind};
use crate::plan::{Plan, ReadPlan};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Makes the response. Its body is the row's, byte for byte. `response.status` and `response.headers`, where functions of
/// the database set them, have the last word.
///
/// # Errors
/// Not exactly one row where one object was asked for, an unusable `response.status` or `response.headers`, and a row
/// without the columns that the statement gives.
pub fn response(request: &ApiRequest, plan: &Plan<'_>, row: Row) -> Result<Response<Bytes>, Error> {
    let row = decoded(plan, row)?;
    let mut response = match plan {
        _ if request.explain.is_some() => Ok(explained(request, plan.read(), row)),
        Plan::Read(plan) => read::response(request, plan, row),
        Plan::Mutate(plan) => mutate::response(request, plan, row),
        Plan::Inspect => Ok(inspect::response(request, row)),
        Plan::Call(plan) => call::response(request, plan, row),
    }?;
    if let Some(warning) = warning(plan) {
        insert(response.headers_mut(), WARNING, &warning);
    }
    Ok(response)
}

/// An execution plan says nothing of rows.
fn explained(request: &ApiRequest, plan: Option<&ReadPlan<'_>>, row: Row) -> Response<Bytes> {
    let mut response = Response::new(if request.is_head() { Bytes::new() } else { row.body });
    about_body(request, plan, response.headers_mut());
    response
}

/// The row with the bytes that a handler has made, which come as hexadecimal digits.
fn decoded(plan: &Plan<'_>, row: Row) -> Result<Row, Error> {
    if !plan.read().and_then(|plan| plan.handler).is_some_and(|handler| handler.is_binary) {
        return Ok(row);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    let (pairs, rest) = row.body.as_chunks::<2>();
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<u8>>>().filter(|_| rest.is_empty());
    Ok(Row { body: bytes.ok_or(ErrorKind::InvalidAnswer)?.into(), ..row })
}

/// Says which embedded relations are called by a name that will mean nothing in a later version of the dialect.
fn warning(plan: &Plan<'_>) -> Option<String> {
    let names = plan.read()?.called_by_target();
    let changes: Vec<String> = names.iter().map(|(target, alias)| format!("`{target}` to `{alias}`")).collect();
    (!changes.is_empty()).then(|| {
        format!(
            "299 PostgRESTv16 \"Embedded resource was referenced by relation name even though it has an alias. This is \
             deprecated and will stop working in a future release. Update {} in query string filters, orders or \
             limits.\"",
            changes.join(", ")
        )
    })
}

/// Names the form of the body, and the schema where there was a choice.
fn about_body(request: &ApiRequest, plan: Option<&ReadPlan<'_>>, headers: &mut HeaderMap) {
    match (&request.explain, plan.and_then(|plan| plan.handler)) {
        (Some(explain), _) => insert(headers, CONTENT_TYPE, &explain.content_type(&request.media_type)),
        (None, Some(handler)) => insert(headers, CONTENT_TYPE, &content_type(handler.media_type)),
        (None, None) => _ = headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.media_type.content_type())),
    }
    if request.is_schema_negotiated {
        insert(headers, HeaderName::from_static("content-profile"), &request.schema);
    }
}

/// The value for what a handler makes. One that makes anything says what it is by `response.headers`.
fn content_type(media_type: &str) -> Cow<'_, str> {
    match media_type {
        "*/*" => "application/octet-stream".into(),
        "application/json"
        | "application/geo+json"
        | "application/openapi+json"
        | "text/csv"
        | "text/plain"
        | "text/xml" => format!("{media_type}; charset=utf-8").into(),
        other => other.into(),
    }
}

/// A value that HTTP does not allow is left out: names of the database may hold anything.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
