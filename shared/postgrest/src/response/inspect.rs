//! The response with the root document.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue, VARY};
use sql::Row;

use super::about_body;
use crate::api_request::ApiRequest;

/// The document has the same form whatever `Accept` says. Functions of the database have no say in status and headers.
pub(super) fn response(request: &ApiRequest, row: Row) -> Response<Bytes> {
    let mut response = Response::new(row.body);
    let headers = response.headers_mut();
    about_body(request, None, headers);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/openapi+json; charset=utf-8"));
    headers.insert(VARY, HeaderValue::from_static("Accept, Prefer, Range"));
    response
}
