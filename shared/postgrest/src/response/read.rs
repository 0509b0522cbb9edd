//! The response to a read: 200, 206 if there are more rows than these, 416 if there are none so far down.

use bytes::Bytes;
use http::header::{CONTENT_LOCATION, CONTENT_RANGE, HeaderValue, VARY};
use http::{HeaderMap, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sql::Row;

use super::{PREFERENCE_APPLIED, about_body, guc, insert};
use crate::api_request::{ApiRequest, MediaType, canonical};
use crate::error::{Error, ErrorKind, RangeError};
use crate::limits::CONTENT_LOCATION_BYTES_MAX;
use crate::plan::ReadPlan;

/// How many rows there are.
pub(super) struct Totals {
    /// In the body.
    pub(super) page: u64,
    /// In all; `None` if nobody asked.
    pub(super) all: Option<u64>,
}

pub(super) fn response(request: &ApiRequest, plan: &ReadPlan<'_>, row: Row) -> Result<Response<Bytes>, Error> {
    let totals = Totals::of(&row).ok_or(ErrorKind::InvalidAnswer)?;
    if matches!(request.media_type, MediaType::Object { .. }) && totals.page != 1 {
        return Err(ErrorKind::Singularity { rows: totals.page }.into());
    }
    let status = totals.status(request.range.offset);
    let mut headers = headers(request, plan, &totals);
    guc::headers(row.get("response_headers"), &mut headers)?;
    let mut response = Response::new(match status {
        StatusCode::RANGE_NOT_SATISFIABLE => {
            totals.out_of_bounds(request.range.offset).body_at(request.error_verbosity)
        }
        _ if request.is_head() => Bytes::new(),
        _ => row.body.clone(),
    });
    *response.status_mut() = guc::status(row.get("response_status"))?.unwrap_or(status);
    *response.headers_mut() = headers;
    Ok(response)
}

impl Totals {
    pub(super) fn of(row: &Row) -> Option<Totals> {
        let page = row.get("page_total")?.parse().ok()?;
        let all = match row.get("total_result_set") {
            Some(total) => Some(total.parse().ok()?),
            None => None,
        };
        Some(Totals { page, all })
    }

    pub(super) fn status(&self, offset: u64) -> StatusCode {
        match self.all {
            Some(all) if offset > all => StatusCode::RANGE_NOT_SATISFIABLE,
            Some(all) if self.page < all => StatusCode::PARTIAL_CONTENT,
            _ => StatusCode::OK,
        }
    }

    pub(super) fn content_range(&self, offset: u64) -> String {
        let all = self.all.map_or("*".to_owned(), |all| all.to_string());
        match self.page {
            0 => format!("*/{all}"),
            _ if self.all == Some(0) => format!("*/{all}"),
            page => format!("{offset}-{}/{all}", offset.saturating_add(page - 1)),
        }
    }

    pub(super) fn out_of_bounds(&self, offset: u64) -> Error {
        ErrorKind::InvalidRange(RangeError::OutOfBounds { offset, total: self.all.unwrap_or(0) }).into()
    }
}

fn headers(request: &ApiRequest, plan: &ReadPlan<'_>, totals: &Totals) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    about_body(request, Some(plan), &mut headers);
    headers.insert(VARY, HeaderValue::from_static("Accept, Prefer, Range"));
    insert(&mut headers, CONTENT_RANGE, &totals.content_range(request.range.offset));
    let location = location(request);
    if location.len() <= CONTENT_LOCATION_BYTES_MAX {
        insert(&mut headers, CONTENT_LOCATION, &location);
    }
    if let Some(applied) = request.preferences.applied(request.action, false) {
        insert(&mut headers, PREFERENCE_APPLIED, &applied);
    }
    headers
}

fn location(request: &ApiRequest) -> String {
    let mut location = format!("/{}", utf8_percent_encode(&request.target, NON_ALPHANUMERIC));
    let query = canonical(&request.query);
    if !query.is_empty() {
        location.push('?');
        location.push_str(&query);
    }
    location
}
