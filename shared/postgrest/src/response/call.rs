//! The response to a call: like that to a read, and 204 where the function returns nothing.

use bytes::Bytes;
use http::header::{CONTENT_RANGE, HeaderValue, VARY};
use http::{HeaderMap, Response, StatusCode};
use sql::Row;

use super::read::Totals;
use super::{PREFERENCE_APPLIED, about_body, guc, insert};
use crate::api_request::{ApiRequest, MediaType};
use crate::error::{Error, ErrorKind};
use crate::plan::CallPlan;

pub(super) fn response(request: &ApiRequest, plan: &CallPlan<'_>, row: Row) -> Result<Response<Bytes>, Error> {
    let totals = Totals::of(&row).ok_or(ErrorKind::InvalidAnswer)?;
    if matches!(request.media_type, MediaType::Object { .. }) && totals.page != 1 {
        return Err(ErrorKind::Singularity { rows: totals.page }.into());
    }
    let is_void = plan.function.returns_void();
    let offset = request.range.offset;
    let status = if is_void { StatusCode::NO_CONTENT } else { totals.status(offset) };
    let mut headers = HeaderMap::with_capacity(8);
    if !is_void {
        about_body(request, Some(&plan.read), &mut headers);
    }
    headers.insert(VARY, HeaderValue::from_static("Accept, Prefer, Range"));
    insert(&mut headers, CONTENT_RANGE, &totals.content_range(offset));
    if let Some(applied) = request.preferences.applied(request.action, false) {
        insert(&mut headers, PREFERENCE_APPLIED, &applied);
    }
    guc::headers(row.get("response_headers"), &mut headers)?;
    let mut response = Response::new(match status {
        StatusCode::RANGE_NOT_SATISFIABLE => totals.out_of_bounds(offset).body_at(request.error_verbosity),
        _ if request.is_head() || is_void => Bytes::new(),
        _ => row.body.clone(),
    });
    *response.status_mut() = guc::status(row.get("response_status"))?.unwrap_or(status);
    *response.headers_mut() = headers;
    Ok(response)
}
