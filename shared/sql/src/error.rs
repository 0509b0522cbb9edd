//! Why a batch failed.

use std::fmt;

use edge::FetchError;
use serde::Deserialize;

/// A batch that has no row to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// The runtime's variables do not say where the region is; the text names the variable.
    Unconfigured(String),
    /// Postgres refused the batch; nothing of it was committed.
    Database(Box<DatabaseError>),
    /// The region has no room now; nothing was run.
    Full {
        /// Seconds after which another attempt may do better.
        retry_after: u64,
    },
    /// The schema is no longer the one that the batch was made for; nothing was run.
    CatalogChanged,
    /// The caller is over a limit; nothing was run. The text says what it owes (`limit::wire`).
    OverLimit(String),
    /// The region does not take our requests: a wrong credential, a request or an answer over its limit.
    Refused {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// No connection could be made, or Postgres was not there behind it; nothing was run.
    Unreachable(String),
    /// The connection broke: the batch may have been committed or not.
    Broken(String),
    /// The time given was over: the batch may have been committed or not.
    TimedOut,
    /// What came back is not an answer to what was asked.
    Nonsense(String),
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Error {
        match error {
            FetchError::Denied(_) | FetchError::Unreachable(_) => Error::Unreachable(error.to_string()),
            FetchError::Broken(why) => Error::Broken(why),
            FetchError::TimedOut => Error::TimedOut,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Unconfigured(variable) => write!(f, "the variable `{variable}` is not set, or cannot be read"),
            Error::Database(error) => write!(f, "{}: {}", error.code, error.message),
            Error::Full { .. } => f.write_str("the region is full"),
            Error::Refused { status, message } => write!(f, "the region refused with {status}: {message}"),
            Error::CatalogChanged => f.write_str("the schema has changed"),
            Error::OverLimit(_) => f.write_str("the caller is over a limit"),
            Error::Unreachable(why) => write!(f, "the region cannot be reached: {why}"),
            Error::Broken(why) => write!(f, "the connection to the region broke: {why}"),
            Error::TimedOut => f.write_str("the region did not answer in time"),
            Error::Nonsense(why) => write!(f, "the region's answer cannot be understood: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// An error that Postgres reported, with every field it sent
/// (<https://www.postgresql.org/docs/current/protocol-error-fields.html>).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DatabaseError {
    /// The SQLSTATE, five characters.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// More about the problem.
    pub detail: Option<String>,
    /// What may help.
    pub hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<String>,
    /// Where in `internal_query`.
    pub internal_position: Option<String>,
    /// The text of a failed statement that the server made itself.
    pub internal_query: Option<String>,
    /// `ERROR`, `FATAL` or `PANIC`.
    pub severity: Option<String>,
    /// The call stack of SQL and PL functions.
    #[serde(rename = "where")]
    pub context: Option<String>,
    /// The schema of the thing concerned.
    pub schema: Option<String>,
    /// The table concerned.
    pub table: Option<String>,
    /// The column concerned.
    pub column: Option<String>,
    /// The type concerned.
    pub data_type: Option<String>,
    /// The constraint concerned.
    pub constraint: Option<String>,
    /// The server's source file.
    pub file: Option<String>,
    /// The line in `file`.
    pub line: Option<String>,
    /// The server's function.
    pub routine: Option<String>,
}
