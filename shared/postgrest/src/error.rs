//! Every way in which a request fails, and the response to each.
//!
//! The one `match` from kind to status, code and texts is [`Error::answer`]. Codes and texts are PostgREST's
//! (<https://docs.postgrest.org/en/stable/references/errors.html>): `PGRST0..` connection, `PGRST1..` request,
//! `PGRST2..` catalog, `PGRST3..` token; what Postgres reports keeps its SQLSTATE, and what PostgREST does not have is a word.

mod function;
mod kind;
mod raise;
mod refusal;
mod sqlstate;

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use config::Verbosity;
use http::header::{ALLOW, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde::Serialize;

pub use self::kind::{ArgumentsForm, Candidate, ErrorKind, RangeError, Suggestion};
use self::raise::Raised;
pub(crate) use self::refusal::MARK;
use crate::plan::Plan;

/// Why a request failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Error {
    /// What happened, to branch on.
    pub kind: ErrorKind,
}

/// What the caller is told.
#[derive(Debug)]
struct Answer<'a> {
    status: u16,
    code: Cow<'a, str>,
    message: Cow<'a, str>,
    details: Details<'a>,
    hint: Option<Cow<'a, str>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Details<'a> {
    None,
    Text(Cow<'a, str>),
    Candidates(&'a [Candidate]),
    Violations(Vec<Violation<'a>>),
}

/// A row's violation of a rule, as `details` lists it.
#[derive(Debug, Serialize)]
struct Violation<'a> {
    pointer: &'a str,
    rule: &'a str,
    code: &'a str,
    message: &'a str,
}

/// The body, its keys in PostgREST's order.
#[derive(Serialize)]
struct Body<'a> {
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Details<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<Option<&'a str>>,
    message: &'a str,
}

impl<'a> From<&'a validate::Violation> for Violation<'a> {
    fn from(found: &'a validate::Violation) -> Violation<'a> {
        Violation { pointer: &found.pointer, rule: found.rule, code: found.code, message: &found.message }
    }
}

impl Error {
    /// What Postgres reported. A caller without a token (`is_anonymous`) gets 401 where a privilege is missing.
    pub fn database(error: sql::DatabaseError, is_anonymous: bool) -> Error {
        ErrorKind::Database { error: Box::new(error), is_anonymous }.into()
    }

    /// What Postgres reported of a plan's statements: of a write or a call perhaps one of their own refusals.
    pub fn of_statement(error: sql::DatabaseError, plan: &Plan<'_>, is_anonymous: bool) -> Error {
        let refusal = match plan {
            Plan::Read(_) | Plan::Inspect => None,
            Plan::Mutate(plan) if plan.current.is_some() && error.code == sqlstate::SERIALIZATION_FAILURE => {
                Some(ErrorKind::PreconditionFailed)
            }
            Plan::Mutate(_) | Plan::Call(_) => refusal::read(&error),
        };
        refusal.map_or_else(|| Error::database(error, is_anonymous), Error::from)
    }

    /// The status that [`Error::response`] carries.
    pub fn status(&self) -> StatusCode {
        status(self.answer().status)
    }

    /// The code that the body carries, such as `PGRST205` or `42501`.
    pub fn code(&self) -> String {
        self.answer().code.into_owned()
    }

    /// The whole response: status, JSON body, `Proxy-Status`, `WWW-Authenticate` beside 401, and `Allow` beside 405.
    pub fn response(&self) -> Response<Bytes> {
        self.response_at(Verbosity::Verbose)
    }

    /// [`Error::response`], saying as much as that.
    pub fn response_at(&self, verbosity: Verbosity) -> Response<Bytes> {
        let answer = self.answer();
        let mut response = Response::new(answer.body(verbosity));
        *response.status_mut() = status(answer.status);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if let Ok(value) = HeaderValue::from_str(&format!("PostgREST; error={}", answer.code)) {
            headers.insert("proxy-status", value);
        }
        if answer.status == 401 {
            headers.insert(WWW_AUTHENTICATE, self.challenge());
        }
        if answer.status == 405 {
            headers.insert(ALLOW, HeaderValue::from_static(self.allowed()));
        }
        if let Some(raised) = self.raised() {
            headers.extend(raised.headers());
        }
        response
    }

    /// The JSON body of [`Error::response`].
    #[cfg(test)]
    pub(crate) fn body(&self) -> Bytes {
        self.body_at(Verbosity::Verbose)
    }

    /// The JSON body of [`Error::response_at`].
    pub(crate) fn body_at(&self, verbosity: Verbosity) -> Bytes {
        self.answer().body(verbosity)
    }

    /// RFC 6750 §3: what is wrong with the token, if there is one.
    fn challenge(&self) -> HeaderValue {
        let bare = HeaderValue::from_static("Bearer");
        match &self.kind {
            ErrorKind::InvalidToken { message, .. } | ErrorKind::InvalidClaims { message } => {
                let challenge = format!("Bearer error=\"invalid_token\", error_description=\"{message}\"");
                HeaderValue::try_from(challenge).unwrap_or(bare)
            }
            _ => bare,
        }
    }

    /// RFC 9110 §15.5.6: what a target of that kind takes. OPTIONS tells it of the target itself.
    fn allowed(&self) -> &'static str {
        match &self.kind {
            ErrorKind::InvalidCallMethod { .. } => "OPTIONS,GET,HEAD,POST",
            // A function that writes was called by GET.
            ErrorKind::Database { .. } => "OPTIONS,POST",
            _ => "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE",
        }
    }

    fn raised(&self) -> Option<Raised> {
        match &self.kind {
            ErrorKind::Database { error, .. } if error.code == raise::SQLSTATE => Raised::parse(error).ok(),
            _ => None,
        }
    }

    fn answer(&self) -> Answer<'_> {
        match &self.kind {
            ErrorKind::Unreachable => answer(503, "PGRST000", "Database connection error."),
            ErrorKind::InvalidAnswer => answer(503, "PGRST001", "Database client error."),
            ErrorKind::NoCatalog => {
                answer(503, "PGRST002", "Could not query the database for the schema cache. Retrying.")
            }
            ErrorKind::TimedOut => answer(504, "PGRST003", "Timed out waiting for the database."),
            ErrorKind::QueryParam { message, details } => {
                answer(400, "PGRST100", message.as_str()).details(details.as_str())
            }
            ErrorKind::QueryTooLong => answer(414, "PGRST100", "failed to parse the query string")
                .details(format!("it is longer than {} bytes", crate::limits::QUERY_BYTES_MAX)),
            ErrorKind::BodyTooLong => answer(413, "PGRST102", "The body is too long")
                .details(format!("it is longer than {} bytes", crate::limits::BODY_BYTES_MAX)),
            ErrorKind::TooMuch { what, limit } => {
                answer(400, "PGRST100", "failed to parse the query string").details(format!("more than {limit} {what}"))
            }
            ErrorKind::RegularExpression(refusal) => {
                answer(400, "PGRST100", "the regular expression is refused").details(refusal.to_string())
            }
            ErrorKind::NullCharacter => answer(400, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00"),
            ErrorKind::InvalidCallMethod { method } => {
                answer(405, "PGRST101", format!("Cannot use the {method} method on RPC"))
            }
            ErrorKind::InvalidBody { message } => answer(400, "PGRST102", message.as_str()),
            ErrorKind::InvalidJson(error) => {
                let is_syntax = error.kind.is_syntax();
                let message = if is_syntax { "Empty or invalid json" } else { "The json is not accepted" };
                let answer = answer(400, "PGRST102", message);
                // Of what does not even begin as JSON there is no place to tell.
                if error.offset == 0 { answer } else { answer.details(error.to_string()) }
            }
            ErrorKind::InvalidRows(violations) => invalid_rows(violations),
            ErrorKind::UpsertFilters => {
                answer(405, "PGRST105", "Filters must include all and only primary key columns with 'eq' operators")
            }
            ErrorKind::LimitedUpsert => {
                answer(400, "PGRST114", "limit/offset querystring parameters are not allowed for PUT")
            }
            ErrorKind::UpsertKey => answer(400, "PGRST115", "Payload values do not match URL in primary key column(s)"),
            ErrorKind::PreconditionFailed => {
                answer(412, "precondition_failed", "The precondition does not hold of what is there now")
                    .hint("Read it again, and send its new ETag.")
            }
            ErrorKind::MaxAffected { rows } => {
                answer(400, "PGRST124", "Query result exceeds max-affected preference constraint")
                    .details(format!("The query affects {rows} rows"))
            }
            ErrorKind::ColumnNotFound { relation, column } => answer(
                400,
                "PGRST204",
                format!("Could not find the '{column}' column of '{relation}' in the schema cache"),
            ),
            ErrorKind::InvalidRange(error) => {
                answer(416, "PGRST103", "Requested range not satisfiable").details(error.details())
            }
            ErrorKind::UnacceptableSchema { schema, exposed } => {
                answer(406, "PGRST106", format!("Invalid schema: {schema}"))
                    .hint(format!("Only the following schemas are exposed: {}", exposed.join(", ")))
            }
            ErrorKind::MediaType { accepted } => {
                answer(406, "PGRST107", format!("None of these media types are available: {}", accepted.join(", ")))
            }
            ErrorKind::NotEmbedded { resource, alias } => {
                let answer =
                    answer(400, "PGRST108", format!("'{resource}' is not an embedded resource in this request"));
                match alias {
                    Some(alias) => answer
                        .details("Target names are not allowed in filters if they have an alias")
                        .hint(format!("Change '{resource}' to '{alias}' in filters, orders or limits.")),
                    None => {
                        answer.hint(format!("Verify that '{resource}' is included in the 'select' query parameter."))
                    }
                }
            }
            ErrorKind::GucHeaders => answer(
                500,
                "PGRST111",
                "response.headers guc must be a JSON array composed of objects with a single key and a string value",
            ),
            ErrorKind::GucStatus => answer(500, "PGRST112", "response.status guc must be a valid status code"),
            ErrorKind::Singularity { rows } => {
                answer(406, "PGRST116", "Cannot coerce the result to a single JSON object")
                    .details(format!("The result contains {rows} rows"))
            }
            ErrorKind::UnsupportedMethod { method } => {
                answer(405, "PGRST117", format!("Unsupported HTTP method: {method}"))
            }
            ErrorKind::RelatedOrderNotToOne { origin, target } => {
                answer(400, "PGRST118", format!("A related order on '{target}' is not possible"))
                    .details(format!("'{origin}' and '{target}' do not form a many-to-one or one-to-one relationship"))
            }
            ErrorKind::InvalidPreferences { preferences } => {
                answer(400, "PGRST122", "Invalid preferences given with handling=strict")
                    .details(format!("Invalid preferences: {}", preferences.join(", ")))
            }
            ErrorKind::AggregatesNotAllowed => answer(400, "PGRST123", "Use of aggregate functions is not allowed"),
            ErrorKind::InvalidPath => answer(404, "PGRST125", "Invalid path specified in request URL"),
            ErrorKind::OpenApiDisabled => answer(404, "PGRST126", "Root endpoint metadata is disabled"),
            ErrorKind::NotImplemented { details } => {
                answer(400, "PGRST127", "Feature not implemented").details(*details)
            }
            ErrorKind::MaxAffectedOfOne => answer(
                400,
                "PGRST128",
                "Function must return SETOF or TABLE when max-affected preference is used with handling=strict",
            ),
            ErrorKind::NoTokenSecret => answer(500, "PGRST300", "Server lacks JWT secret"),
            ErrorKind::InvalidToken { message, details } => {
                let mut answer = answer(401, "PGRST301", &**message);
                answer.details = details.map_or(Details::None, |details| Details::Text(details.into()));
                answer
            }
            ErrorKind::TokenRequired => answer(401, "PGRST302", "Anonymous access is disabled"),
            ErrorKind::InvalidClaims { message } => answer(401, "PGRST303", &**message),
            ErrorKind::NoRelationship { parent, child, hint, schema, suggestion } => answer(
                400,
                "PGRST200",
                format!("Could not find a relationship between '{parent}' and '{child}' in the schema cache"),
            )
            .details(no_relationship(parent, child, hint.as_deref(), schema))
            .hint_if(suggestion.as_deref().map(Suggestion::text)),
            ErrorKind::AmbiguousRelationship { parent, child, candidates } => {
                let message = format!(
                    "Could not embed because more than one relationship was found for '{parent}' and '{child}'"
                );
                let mut answer = answer(300, "PGRST201", message).hint(disambiguation(child, candidates));
                answer.details = Details::Candidates(candidates);
                answer
            }
            ErrorKind::FunctionNotFound { schema, function, arguments, form, suggestion } => {
                let function = function::Sought { schema, function, arguments, form: *form };
                answer(404, "PGRST202", function.message())
                    .details(function.details())
                    .hint_if(suggestion.as_ref().map(|meant| function.hint(meant)))
            }
            ErrorKind::AmbiguousFunction { candidates } => answer(
                300,
                "PGRST203",
                format!("Could not choose the best candidate function between: {}", candidates.join(", ")),
            )
            .hint(
                "Try renaming the parameters or the function itself in the database so function overloading can be \
                 resolved",
            ),
            ErrorKind::TableNotFound { schema, relation, suggestion } => {
                answer(404, "PGRST205", format!("Could not find the table '{schema}.{relation}' in the schema cache"))
                    .hint_if(suggestion.as_ref().map(|meant| format!("Perhaps you meant the table '{schema}.{meant}'")))
            }
            ErrorKind::Database { error, .. } if error.code == raise::SQLSTATE => raise::answer(error),
            ErrorKind::Database { error, is_anonymous } => {
                let mut answer =
                    answer(sqlstate::status(error, *is_anonymous), error.code.as_str(), error.message.as_str());
                answer.details = error.detail.as_deref().map_or(Details::None, |text| Details::Text(text.into()));
                answer.hint = error.hint.as_deref().map(Cow::Borrowed);
                answer
            }
        }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { kind }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let answer = self.answer();
        write!(f, "{}: {}", answer.code, answer.message)
    }
}

impl std::error::Error for Error {}

impl<'a> Answer<'a> {
    fn details(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.details = Details::Text(text.into());
        self
    }

    fn hint(mut self, text: impl Into<Cow<'a, str>>) -> Self {
        self.hint = Some(text.into());
        self
    }

    fn hint_if(mut self, text: Option<String>) -> Self {
        self.hint = text.map(Cow::Owned);
        self
    }

    fn body(&self, verbosity: Verbosity) -> Bytes {
        let is_minimal = verbosity == Verbosity::Minimal;
        let body = Body {
            code: &self.code,
            details: Some(&self.details).filter(|_| !is_minimal),
            hint: Some(self.hint.as_deref()).filter(|_| !is_minimal),
            message: &self.message,
        };
        serde_json::to_vec(&body).unwrap_or_default().into()
    }
}

fn answer<'a>(status: u16, code: impl Into<Cow<'a, str>>, message: impl Into<Cow<'a, str>>) -> Answer<'a> {
    Answer { status, code: code.into(), message: message.into(), details: Details::None, hint: None }
}

/// A status that SQL chose may be none.
fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The first violation is what the database would have told, and all of them are the details.
fn invalid_rows(violations: &validate::Violations) -> Answer<'_> {
    let listed = &violations.listed;
    let (code, message) = listed.first().map_or(("", ""), |first| (first.code, &first.message));
    let mut answer = answer(400, code, message);
    answer.details = Details::Violations(listed.iter().map(Violation::from).collect());
    let more = (violations.more > 0).then(|| format!("{} more are not listed", violations.more));
    answer.hint_if(more)
}

fn no_relationship(parent: &str, child: &str, hint: Option<&str>, schema: &str) -> String {
    let using = hint.map_or_else(String::new, |hint| format!(" using the hint '{hint}'"));
    format!(
        "Searched for a foreign key relationship between '{parent}' and '{child}'{using} in the schema '{schema}', \
         but no matches were found."
    )
}

fn disambiguation(child: &str, candidates: &[Candidate]) -> String {
    let hints: Vec<String> = candidates.iter().map(|candidate| format!("'{}'", candidate.hint)).collect();
    format!(
        "Try changing '{child}' to one of the following: {}. Find the desired relationship in the 'details' key.",
        hints.join(", ")
    )
}

#[cfg(test)]
mod tests;
