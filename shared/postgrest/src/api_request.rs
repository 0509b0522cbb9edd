//! What is asked for: the URL and the headers, as values.
//!
//! Nothing is known yet about the database: names may lead nowhere, and operators may not fit their columns.

mod cursor;
mod field;
mod filter;
mod logic;
mod media_type;
mod order;
mod preferences;
mod query_params;
mod range;
mod select;

use config::Config;
use http::header::ACCEPT;
use http::{HeaderMap, Method};

pub(crate) use self::field::{Field, JsonOperand, JsonOperation};
pub(crate) use self::filter::{
    Filter, IsValue, Operation, QuantifiedOperator, Quantifier, SearchOperator, SimpleOperator,
};
pub(crate) use self::logic::{LogicOperator, LogicTree};
pub(crate) use self::media_type::{MediaType, negotiate};
pub(crate) use self::order::{Direction, Nulls, OrderTerm};
pub(crate) use self::preferences::{Count, Preferences};
pub(crate) use self::query_params::{QueryParams, canonical};
pub(crate) use self::range::Range;
pub(crate) use self::select::{SelectColumn, SelectItem, SelectRelation};
use crate::error::{Error, ErrorKind};

/// A request to read a relation.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    pub(crate) method: Method,
    pub(crate) relation: String,
    pub(crate) schema: String,
    /// Whether there was a choice of schemas: then the response names the chosen one.
    pub(crate) is_schema_negotiated: bool,
    pub(crate) query: String,
    pub(crate) query_params: QueryParams,
    /// The rows asked for by `limit`, `offset` and `Range` together.
    pub(crate) range: Range,
    pub(crate) preferences: Preferences,
    pub(crate) media_type: MediaType,
    pub(crate) headers: HeaderMap,
}

impl ApiRequest {
    /// Reads a request for `relation`, a path segment that is percent-decoded already; `query` is as received.
    ///
    /// # Errors
    /// Whatever is wrong with the request by itself, such as a filter that cannot be parsed, an `Accept` that
    /// nothing satisfies, a schema that is not exposed, or one of [`crate::limits`] exceeded.
    pub fn parse(
        method: &Method,
        relation: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        config: &Config,
    ) -> Result<ApiRequest, Error> {
        if method != Method::GET && method != Method::HEAD {
            return Err(ErrorKind::UnsupportedMethod { method: method.to_string() }.into());
        }
        if relation.contains('\0') {
            return Err(ErrorKind::NullCharacter.into());
        }
        let query = query.unwrap_or_default();
        let schema = schema(headers, config)?;
        let query_params = QueryParams::parse(query)?;
        let range = range::requested(method, headers, query_params.limit_offset())?;
        let accept = headers.get(ACCEPT).map_or(Ok("*/*"), |accept| accept.to_str()).unwrap_or_default();
        Ok(ApiRequest {
            method: method.clone(),
            relation: relation.to_owned(),
            schema: schema.to_owned(),
            is_schema_negotiated: config.db_schemas.len() > 1 || headers.contains_key(ACCEPT_PROFILE),
            query: query.to_owned(),
            query_params,
            range,
            preferences: Preferences::parse(headers),
            media_type: negotiate(accept)?,
            headers: headers.clone(),
        })
    }

    /// The schema that the relation is in.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The relation's name.
    pub fn relation(&self) -> &str {
        &self.relation
    }

    /// Whether only the headers are wanted.
    pub fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }
}

const ACCEPT_PROFILE: &str = "accept-profile";

fn schema<'a>(headers: &'a HeaderMap, config: &'a Config) -> Result<&'a str, Error> {
    let Some(profile) = headers.get(ACCEPT_PROFILE) else {
        return Ok(config.default_schema());
    };
    let profile = String::from_utf8_lossy(profile.as_bytes());
    config.db_schemas.iter().find(|schema| **schema == profile).map(String::as_str).ok_or_else(|| {
        ErrorKind::UnacceptableSchema { schema: profile.into_owned(), exposed: config.db_schemas.clone() }.into()
    })
}

#[cfg(test)]
mod tests;
