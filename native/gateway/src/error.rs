//! Why a request was refused or failed: the one place that says which status and code each reason gets.
//!
//! A body has the fields of Neon's protocol, so that its driver reads ours. 503 always means that the
//! statements did not run, so that a caller may try again; where that is not known the status is 500.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::pg::ServerError;
use crate::protocol::json;

/// Seconds after which a caller that met a 503 may try again.
pub(crate) const RETRY_AFTER_SECONDS: &str = "1";

/// Why something was refused, and in which words.
#[derive(Debug)]
pub struct Error {
    /// What to branch on.
    pub kind: ErrorKind,
    /// For the caller to read; holds no secret.
    message: String,
    /// What Postgres said, where the cause is its refusal.
    postgres: Option<Box<ServerError>>,
}

/// Everything that can go wrong, each with its own status and code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The options given to [`crate::start`] make no sense, or the address is taken.
    Options,
    /// A header or the body is missing or malformed.
    Malformed,
    /// User or credential are not the gateway's.
    Credential,
    /// The connection string names another database.
    Database,
    /// The caller knows another version of the schema. Nothing was run.
    CatalogChanged,
    /// The caller on whose behalf the request was made is over a limit. Nothing was run.
    OverLimit,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body is over `request_bytes_max`.
    RequestTooLarge,
    /// The result is over `response_bytes_max`.
    ResponseTooLarge,
    /// A value that Postgres sent is not text in UTF-8.
    Undecodable,
    /// Postgres refused a statement.
    Statement,
    /// A statement that needs a conversation, such as `COPY … FROM STDIN`.
    Unsupported,
    /// The deadline passed; what ran was rolled back.
    Deadline,
    /// The deadline passed, and Postgres did not say in time whether the cancel came before the commit.
    OutcomeUnknown,
    /// The connection broke after the statements were sent.
    ConnectionLost,
    /// As many requests as are allowed to wait for a connection are waiting.
    QueueFull,
    /// No connection became free in time.
    AcquireTimeout,
    /// Postgres cannot be reached, or takes no connections now. Nothing was run.
    Unreachable,
    /// Postgres does not let the gateway in: wrong password, role or database in its URL.
    Login,
    /// The gateway is shutting down.
    ShuttingDown,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), postgres: None }
    }

    /// `patience` is what the caller was promised.
    pub(crate) fn deadline(patience: Duration) -> Error {
        let message = format!("canceling statement due to the deadline of {} ms", patience.as_millis());
        Error::new(ErrorKind::Deadline, message)
    }

    pub(crate) fn response_too_large(max: usize) -> Error {
        Error::new(ErrorKind::ResponseTooLarge, format!("response is too large (max is {max} bytes)"))
    }

    /// A refusal by Postgres, told with all its fields.
    pub(crate) fn postgres(kind: ErrorKind, error: Box<ServerError>) -> Error {
        Error { kind, message: error.message.clone(), postgres: Some(error) }
    }

    /// The same, told in other words.
    pub(crate) fn with_message(self, message: impl Into<String>) -> Error {
        Error { message: message.into(), ..self }
    }

    /// Whether it is certain that the statements had no effect.
    pub(crate) fn is_undone(&self) -> bool {
        use ErrorKind::{AcquireTimeout, Deadline, Login, Malformed, QueueFull, ShuttingDown, Statement, Unreachable};
        let undone = [Malformed, Statement, Deadline, QueueFull, AcquireTimeout, Unreachable, Login, ShuttingDown];
        undone.contains(&self.kind)
    }

    /// HTTP's status for the kind.
    pub fn status(&self) -> StatusCode {
        match self.kind {
            ErrorKind::Malformed
            | ErrorKind::Credential
            | ErrorKind::Database
            | ErrorKind::Statement
            | ErrorKind::Unsupported
            | ErrorKind::Deadline
            | ErrorKind::OutcomeUnknown => StatusCode::BAD_REQUEST,
            ErrorKind::CatalogChanged => StatusCode::PRECONDITION_FAILED,
            ErrorKind::OverLimit => StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            ErrorKind::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::ResponseTooLarge => StatusCode::INSUFFICIENT_STORAGE,
            ErrorKind::Options | ErrorKind::Undecodable | ErrorKind::Login | ErrorKind::ConnectionLost => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            ErrorKind::QueueFull | ErrorKind::AcquireTimeout | ErrorKind::Unreachable | ErrorKind::ShuttingDown => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The SQLSTATE: Postgres' own where it spoke, otherwise the one it would use. Empty where none fits.
    pub fn code(&self) -> &str {
        if let Some(error) = &self.postgres {
            return &error.code;
        }
        match self.kind {
            ErrorKind::Credential => "28P01",
            ErrorKind::Database => "3D000",
            ErrorKind::Unsupported => "0A000",
            ErrorKind::Deadline => "57014",
            ErrorKind::OutcomeUnknown => "08007",
            ErrorKind::ConnectionLost | ErrorKind::Unreachable => "08006",
            ErrorKind::QueueFull | ErrorKind::AcquireTimeout => "53300",
            ErrorKind::ShuttingDown => "57P01",
            ErrorKind::Login => "28000",
            ErrorKind::Options
            | ErrorKind::Malformed
            | ErrorKind::CatalogChanged
            | ErrorKind::OverLimit
            | ErrorKind::BodyTimeout
            | ErrorKind::RequestTooLarge
            | ErrorKind::ResponseTooLarge
            | ErrorKind::Undecodable
            | ErrorKind::Statement => "",
        }
    }

    /// Whether the operator should hear of each single one: neither what is the caller's doing nor what comes
    /// in thousands when Postgres is full or away, which the metrics tell.
    pub(crate) fn is_operators(&self) -> bool {
        self.status() == StatusCode::INTERNAL_SERVER_ERROR
    }

    /// The JSON body, with every field of the protocol.
    pub(crate) fn body(&self) -> Vec<u8> {
        let silent = ServerError::default();
        let told = self.postgres.as_deref().unwrap_or(&silent);
        let severity = if self.postgres.is_some() { &told.severity } else { self.severity() };
        let mut out = Vec::with_capacity(512);
        out.push(b'{');
        for (key, value) in [
            ("message", Some(self.message.as_str())),
            ("code", Some(self.code())),
            ("detail", told.detail.as_deref()),
            ("hint", told.hint.as_deref()),
            ("position", told.position.as_deref()),
            ("internalPosition", told.internal_position.as_deref()),
            ("internalQuery", told.internal_query.as_deref()),
            ("severity", Some(severity)),
            ("where", told.context.as_deref()),
            ("table", told.table.as_deref()),
            ("column", told.column.as_deref()),
            ("schema", told.schema.as_deref()),
            ("dataType", told.data_type.as_deref()),
            ("constraint", told.constraint.as_deref()),
            ("file", told.file.as_deref()),
            ("line", told.line.as_deref()),
            ("routine", told.routine.as_deref()),
        ] {
            if out.len() > 1 {
                out.push(b',');
            }
            json::string(&mut out, key);
            out.push(b':');
            match value {
                Some(value) => json::string(&mut out, value),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
        out
    }

    fn severity(&self) -> &'static str {
        match self.kind {
            ErrorKind::Credential | ErrorKind::Database => "FATAL",
            _ if self.code().is_empty() => "",
            _ => "ERROR",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn body_has_every_field_of_the_protocol() {
        let error = Error::new(ErrorKind::QueueFull, "the \"queue\" is full");
        assert_eq!(
            String::from_utf8(error.body()).unwrap(),
            r#"{"message":"the \"queue\" is full","code":"53300","detail":null,"hint":null,"position":null,"internalPosition":null,"internalQuery":null,"severity":"ERROR","where":null,"table":null,"column":null,"schema":null,"dataType":null,"constraint":null,"file":null,"line":null,"routine":null}"#
        );
    }

    #[test]
    fn body_of_what_postgres_never_saw_has_no_code() {
        let body = String::from_utf8(Error::new(ErrorKind::Malformed, "m").body()).unwrap();
        assert!(body.starts_with(r#"{"message":"m","code":"","#), "{body}");
        assert!(body.contains(r#""severity":"","#), "{body}");
    }
}
