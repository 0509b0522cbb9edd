//! The one error of a function: what, whose fault, what the client may read, what the operator should read.

use std::{borrow::Cow, fmt};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{Body, BodyError, Response};

/// A refusal or failure, answered as PostgREST's `{code, details, hint, message}`.
#[derive(Debug, Clone)]
pub struct Error(Box<Parts>);

/// Boxed, because every `Result` of a function would be as large.
#[derive(Debug, Clone)]
struct Parts {
    status: StatusCode,
    fault: Fault,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    details: Option<String>,
    hint: Option<String>,
    headers: HeaderMap,
    operator: Option<String>,
    is_brief: bool,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller's: another request may do better.
    Client,
    /// The region's: the same request may do better later.
    Upstream,
    /// Ours, or the operator's.
    Ours,
}

impl Error {
    /// An error of any kind. `code` is stable once given; `message` is for the client.
    pub fn new(
        status: StatusCode,
        fault: Fault,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Error {
        Error(Box::new(Parts {
            status,
            fault,
            code: code.into(),
            message: message.into(),
            details: None,
            hint: None,
            headers: HeaderMap::new(),
            operator: None,
            is_brief: false,
        }))
    }

    /// 400: the request cannot be understood.
    pub fn bad_request(code: &'static str, message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(StatusCode::BAD_REQUEST, Fault::Client, code, message)
    }

    /// 404: nothing is here.
    pub fn not_found() -> Error {
        Error::new(StatusCode::NOT_FOUND, Fault::Client, "not_found", "no function answers at this path")
    }

    /// 405, with the methods that are allowed in `Allow` (RFC 9110 §15.5.6).
    pub fn method_not_allowed(allow: &'static str) -> Error {
        Error::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Fault::Client,
            "method_not_allowed",
            "this method is not allowed here",
        )
        .with_header(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// 500: ours. The client learns nothing of `operator`; it goes to the log.
    pub fn internal(operator: impl fmt::Display) -> Error {
        Error::new(StatusCode::INTERNAL_SERVER_ERROR, Fault::Ours, "internal", "something went wrong here")
            .with_operator(operator)
    }

    /// What may help, for the client.
    pub fn with_details(mut self, details: impl Into<String>) -> Error {
        self.0.details = Some(details.into());
        self
    }

    /// What to try instead, for the client.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Error {
        self.0.hint = Some(hint.into());
        self
    }

    /// One more header on the response.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Error {
        self.0.headers.append(name, value);
        self
    }

    /// What the operator should read in the log, and the client must not.
    pub fn with_operator(mut self, operator: impl fmt::Display) -> Error {
        self.0.operator = Some(operator.to_string());
        self
    }

    /// Leaves `details` and `hint` out of the body.
    pub fn brief(mut self) -> Error {
        self.0.is_brief = true;
        self
    }

    /// The status that is answered.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    /// The response for the client.
    pub fn response(&self) -> Response {
        let shape = Shape {
            code: &self.0.code,
            message: &self.0.message,
            details: Some(self.0.details.as_deref()).filter(|_| !self.0.is_brief),
            hint: Some(self.0.hint.as_deref()).filter(|_| !self.0.is_brief),
        };
        let body = serde_json::to_vec(&shape).expect("strings always serialise");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        *response.headers_mut() = self.0.headers.clone();
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        response
    }
}

/// The members in PostgREST's order.
#[derive(Serialize)]
struct Shape<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Option<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Option<&'a str>>,
    message: &'a str,
}

impl From<BodyError> for Error {
    fn from(error: BodyError) -> Error {
        match error {
            BodyError::TooLarge { .. } => {
                Error::new(StatusCode::PAYLOAD_TOO_LARGE, Fault::Client, "body_too_large", error.to_string())
            }
            BodyError::Broken(_) => Error::bad_request("body_broken", error.to_string()),
        }
    }
}

/// The operator's line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.message)?;
        match &self.0.operator {
            Some(operator) => write!(f, " ({operator})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;

    #[track_caller]
    fn check(error: Error, status: u16, expected: &str) {
        let response = error.response();
        assert_eq!(response.status(), status);
        assert_eq!(block_on(response.into_body().bytes(9999)).unwrap(), expected);
    }

    #[test]
    fn ok_shape_and_order() {
        check(
            Error::bad_request("missing_name", "the `name` parameter is required").with_hint("add it"),
            400,
            r#"{"code":"missing_name","details":null,"hint":"add it","message":"the `name` parameter is required"}"#,
        );
    }

    #[test]
    fn ok_brief() {
        check(Error::bad_request("c", "m").with_hint("h").brief(), 400, r#"{"code":"c","message":"m"}"#);
    }

    #[test]
    fn ok_operator_text_stays_out_of_the_response() {
        let error = Error::internal("password=hunter2");
        assert!(error.to_string().contains("hunter2"));
        check(error, 500, r#"{"code":"internal","details":null,"hint":null,"message":"something went wrong here"}"#);
    }

    #[test]
    fn ok_allow_header() {
        assert_eq!(Error::method_not_allowed("GET, HEAD").response().headers()["allow"], "GET, HEAD");
    }
}
