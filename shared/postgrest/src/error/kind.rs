//! What can go wrong, as values.

use std::borrow::Cow;

use serde::Serialize;

/// The ways in which a request fails.
#[derive(Debug, Clone, PartialEq)]
pub enum ErrorKind {
    /// The database cannot be reached, or sends callers away.
    Unreachable,
    /// The database's answer cannot be understood.
    InvalidAnswer,
    /// There is no catalog yet.
    NoCatalog,
    /// The database did not answer in time.
    TimedOut,
    /// A part of the query string does not follow its grammar.
    QueryParam {
        /// Which part, and where in it.
        message: String,
        /// What was found, and what was expected.
        details: String,
    },
    /// The query string is longer than [`crate::limits::QUERY_BYTES_MAX`].
    QueryTooLong,
    /// The body is longer than [`crate::limits::BODY_BYTES_MAX`].
    BodyTooLong,
    /// The query string asks for more than one of [`crate::limits`].
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much would have been accepted.
        limit: usize,
    },
    /// A regular expression that could run away in the database.
    RegularExpression(pattern::Error),
    /// The body is not what it has to be.
    InvalidBody {
        /// What is wrong with it.
        message: String,
    },
    /// The body is no JSON, or one that is not taken.
    InvalidJson(json::Error),
    /// Rows that are not what policy or the catalog asks of them.
    InvalidRows(Box<validate::Violations>),
    /// The method cannot call a function.
    InvalidCallMethod {
        /// The method.
        method: String,
    },
    /// A limit on rows for a function that returns one at most.
    MaxAffectedOfOne,
    /// PUT with filters on something else than the primary key, each column once, with `eq`.
    UpsertFilters,
    /// PUT with `limit` or `offset`.
    LimitedUpsert,
    /// PUT of a row whose key is not the one in the query.
    UpsertKey,
    /// `If-Match` or `If-None-Match` does not hold of what is there.
    PreconditionFailed,
    /// More rows would be written than `max-affected` allows.
    MaxAffected {
        /// How many.
        rows: u64,
    },
    /// A NUL character, which Postgres' text cannot hold.
    NullCharacter,
    /// The range of rows cannot be.
    InvalidRange(RangeError),
    /// The schema asked for is not exposed.
    UnacceptableSchema {
        /// The schema asked for.
        schema: String,
        /// Those that are exposed.
        exposed: Vec<String>,
    },
    /// No media type of `Accept` can be made.
    MediaType {
        /// The media types asked for.
        accepted: Vec<String>,
    },
    /// A filter, order or limit on a relation that `select` does not embed.
    NotEmbedded {
        /// The relation's name.
        resource: String,
        /// Its alias, by which it could be called.
        alias: Option<String>,
    },
    /// The setting `response.headers` is not what it has to be.
    GucHeaders,
    /// The setting `response.status` is not a status.
    GucStatus,
    /// One object was asked for and there is another number of rows.
    Singularity {
        /// How many rows there are.
        rows: u64,
    },
    /// The method means nothing here.
    UnsupportedMethod {
        /// The method.
        method: String,
    },
    /// An order by an embedded relation of many rows.
    RelatedOrderNotToOne {
        /// The relation to be ordered.
        origin: String,
        /// The embedded relation.
        target: String,
    },
    /// Unknown preferences under `handling=strict`.
    InvalidPreferences {
        /// The unknown ones.
        preferences: Vec<String>,
    },
    /// An aggregate function in `select`.
    AggregatesNotAllowed,
    /// The path names nothing.
    InvalidPath,
    /// There is no root document.
    OpenApiDisabled,
    /// The dialect has it, Headland does not.
    NotImplemented {
        /// What it is.
        details: &'static str,
    },
    /// There is a token, and nothing to verify it with.
    NoTokenSecret,
    /// The token is none, or nobody who is trusted signed it.
    InvalidToken {
        /// What is wrong with it.
        message: Cow<'static, str>,
        /// More about it.
        details: Option<&'static str>,
    },
    /// There is no token, or one without a role, and no role for that.
    TokenRequired,
    /// The token's claims do not hold.
    InvalidClaims {
        /// What is wrong with them.
        message: Cow<'static, str>,
    },
    /// No relationship leads to what is to be embedded.
    NoRelationship {
        /// The relation that embeds.
        parent: String,
        /// What is to be embedded.
        child: String,
        /// What `!` said about it.
        hint: Option<String>,
        /// The schema of both.
        schema: String,
        /// What may have been meant.
        suggestion: Option<Box<Suggestion>>,
    },
    /// More than one relationship leads to what is to be embedded.
    AmbiguousRelationship {
        /// The relation that embeds.
        parent: String,
        /// What is to be embedded.
        child: String,
        /// The relationships.
        candidates: Vec<Candidate>,
    },
    /// The relation is not in the catalog.
    TableNotFound {
        /// The schema looked in.
        schema: String,
        /// The relation's name.
        relation: String,
        /// A relation with a similar name.
        suggestion: Option<String>,
    },
    /// No function of that name takes these arguments.
    FunctionNotFound {
        /// The schema looked in.
        schema: String,
        /// The function's name.
        function: String,
        /// The names of the arguments, sorted.
        arguments: Vec<String>,
        /// The form of the arguments.
        form: ArgumentsForm,
        /// The name of a similar function, or this one's with similar parameters.
        suggestion: Option<String>,
    },
    /// More than one function takes these arguments.
    AmbiguousFunction {
        /// The functions, with their parameters.
        candidates: Vec<String>,
    },
    /// The relation has no such column.
    ColumnNotFound {
        /// The relation's name.
        relation: String,
        /// The column's name.
        column: String,
    },
    /// Postgres reported an error.
    Database {
        /// What it said.
        error: Box<sql::DatabaseError>,
        /// Whether the caller had no token: then missing privileges get 401.
        is_anonymous: bool,
    },
}

/// How arguments were given to a function that was not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentsForm {
    /// By name.
    Named,
    /// As JSON, which a single parameter can take whole.
    Json,
    /// As a text for a single parameter of this type.
    Whole(&'static str),
}

/// Why a range of rows cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeError {
    /// `limit` is below zero, or `Range` and `limit` do not meet.
    NegativeLimit,
    /// `Range` ends before it starts.
    LowerAboveUpper,
    /// The range starts behind the last row.
    OutOfBounds {
        /// Where it starts.
        offset: u64,
        /// How many rows there are.
        total: u64,
    },
}

/// A name that may have been meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The name in the request.
    pub asked: String,
    /// The similar one in the catalog.
    pub meant: String,
}

/// One of several relationships, as the caller reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    cardinality: &'static str,
    embedding: String,
    relationship: String,
    #[serde(skip)]
    pub(super) hint: String,
}

impl Candidate {
    /// Describes a relationship; `hint` is what to write behind `!` to mean this one.
    pub(crate) fn new(cardinality: &'static str, embedding: String, relationship: String, hint: String) -> Self {
        Candidate { cardinality, embedding, relationship, hint }
    }
}

impl RangeError {
    /// What is wrong with the range.
    pub(super) fn details(self) -> Cow<'static, str> {
        match self {
            RangeError::NegativeLimit => "Limit should be greater than or equal to zero.".into(),
            RangeError::LowerAboveUpper => {
                "The lower boundary must be lower than or equal to the upper boundary in the Range header.".into()
            }
            RangeError::OutOfBounds { offset, total } => {
                format!("An offset of {offset} was requested, but there are only {total} rows.").into()
            }
        }
    }
}

impl Suggestion {
    /// The hint.
    pub(super) fn text(&self) -> String {
        format!("Perhaps you meant '{}' instead of '{}'.", self.meant, self.asked)
    }
}
