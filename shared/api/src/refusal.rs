//! Why there is nothing to read, and who words it.

use config::{Config, Verbosity};
use edge::{Body, Error, Fault, HeaderValue, Response, StatusCode, header};
use postgrest::{Caller, ErrorKind, Plan};

/// A request that is not answered with rows.
pub(crate) enum Refusal {
    /// The dialect has words for it.
    Dialect(postgrest::Error),
    /// It is about the trip to the region, or about who asks.
    Edge(Error),
    /// The request was planned with a catalog that is no longer true.
    Outdated,
}

impl Refusal {
    /// What became of a caller's batch.
    pub(crate) fn of_region(error: sql::Error, plan: &Plan<'_>, caller: &Caller<'_>) -> Refusal {
        let error = match error {
            sql::Error::Database(error) => error,
            sql::Error::CatalogChanged => return Refusal::Outdated,
            other => return other.into(),
        };
        Refusal::Dialect(postgrest::Error::of_statement(*error, plan, caller.is_anonymous))
    }
}

impl Refusal {
    /// What the caller is told, as much as policy allows.
    pub(crate) fn tell(self, config: &Config) -> Result<Response, Error> {
        match self {
            Refusal::Dialect(error) => Ok(error.response_at(config.client_error_verbosity).map(Body::from)),
            Refusal::Edge(error) if config.client_error_verbosity == Verbosity::Minimal => Err(error.brief()),
            Refusal::Edge(error) => Err(error),
            Refusal::Outdated => Err(Error::internal("a batch that names no catalog was refused for it")),
        }
    }
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Refusal {
        Refusal::Dialect(kind.into())
    }
}

impl From<postgrest::Error> for Refusal {
    fn from(error: postgrest::Error) -> Refusal {
        Refusal::Dialect(error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Edge(error)
    }
}

/// Codes `PGRST00x` are PostgREST's for a database that cannot be asked. The client learns that it cannot; why goes
/// to the log.
impl From<sql::Error> for Refusal {
    fn from(error: sql::Error) -> Refusal {
        use sql::Error as E;
        let upstream = |status, code, message: &'static str| Error::new(status, Fault::Upstream, code, message);
        let refusal = match &error {
            // Nobody asked for it but Headland itself: `of_region` has the callers' own.
            E::Database(_) => {
                let message = "Could not query the database for the schema cache. Retrying.";
                upstream(StatusCode::SERVICE_UNAVAILABLE, "PGRST002", message)
            }
            E::Unconfigured(_) => Error::internal(&error),
            E::Unreachable(_) => upstream(StatusCode::SERVICE_UNAVAILABLE, "PGRST000", "Database connection error"),
            E::Broken(_) => upstream(StatusCode::BAD_GATEWAY, "PGRST000", "Database connection error"),
            // Only a batch that names a version is refused for it, and the second attempt names none; whose caller is
            // counted is refused by `limits`.
            E::CatalogChanged | E::OverLimit(_) | E::Nonsense(_) => {
                upstream(StatusCode::BAD_GATEWAY, "PGRST001", "Database client error")
            }
            E::Refused { status: 507, .. } => {
                upstream(StatusCode::INSUFFICIENT_STORAGE, "PGRST001", "The result is too large for one response")
                    .with_hint("Ask for fewer rows with `limit`, or for fewer columns with `select`.")
            }
            E::Refused { .. } => upstream(StatusCode::BAD_GATEWAY, "PGRST001", "Database client error"),
            E::TimedOut => upstream(StatusCode::GATEWAY_TIMEOUT, "PGRST003", "Timed out waiting for the database"),
            E::Full { retry_after } => {
                upstream(StatusCode::SERVICE_UNAVAILABLE, "PGRST003", "The database has no room for this request now")
                    .with_header(header::RETRY_AFTER, HeaderValue::from(*retry_after))
            }
        };
        Refusal::Edge(refusal.with_operator(error))
    }
}
