//! What is asked for: the URL, the headers and the body, as values.
//!
//! Nothing is known yet about the database: names may lead nowhere, and operators may not fit their columns.

mod action;
mod cursor;
mod explain;
mod field;
mod filter;
mod logic;
mod media_type;
mod order;
mod payload;
mod precondition;
mod preferences;
mod query_params;
mod range;
mod regular_expression;
#[cfg(test)]
mod render;
mod select;

use bytes::Bytes;
use catalog::Catalog;
use config::{Config, Verbosity};
use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};

pub(crate) use self::action::Action;
pub use self::action::Target;
pub(crate) use self::explain::Explain;
pub(crate) use self::field::{Field, JsonOperand, JsonOperation};
pub(crate) use self::filter::{
    Filter, IsValue, Operation, QuantifiedOperator, Quantifier, SearchOperator, SimpleOperator,
};
pub(crate) use self::logic::{LogicOperator, LogicTree};
pub(crate) use self::media_type::{MediaType, negotiate};
use self::media_type::{accepted, negotiate_document};
pub(crate) use self::order::{Direction, Nulls, OrderTerm};
pub(crate) use self::payload::{ContentType, Json, Payload, Whole};
pub(crate) use self::precondition::IfMatch;
pub(crate) use self::preferences::{Count, Missing, Preferences, Representation, Resolution, Transaction};
pub(crate) use self::query_params::{ESCAPED, QueryParams, canonical};
pub(crate) use self::range::Range;
pub(crate) use self::select::{Aggregate, SelectColumn, SelectItem, SelectRelation};
use crate::error::{Error, ErrorKind};
use crate::rules::{self, Subject};

/// A request, read as far as that is possible without the catalog.
#[derive(Debug, Clone)]
pub struct ApiRequest {
    pub(crate) method: Method,
    /// What was asked for, which the policy may have put something else in the place of.
    pub(crate) path: String,
    pub(crate) action: Action,
    /// The name of the relation or function; empty for the root.
    pub(crate) target: String,
    pub(crate) schema: String,
    /// Whether there was a choice of schemas: then the response names the chosen one.
    pub(crate) is_schema_negotiated: bool,
    pub(crate) query: String,
    pub(crate) content_type: ContentType,
    /// The body, where it means something.
    pub(crate) payload: Option<Payload>,
    pub(crate) query_params: QueryParams,
    /// The rows asked for by `limit`, `offset` and `Range` together.
    pub(crate) range: Range,
    pub(crate) preferences: Preferences,
    /// What has to hold of what a write finds.
    pub(crate) if_match: Option<IfMatch>,
    /// Whether a PUT is to find nothing.
    pub(crate) is_of_new: bool,
    /// The first media type accepted that the dialect makes by itself; JSON if there is none.
    pub(crate) media_type: MediaType,
    pub(crate) is_acceptable: bool,
    /// The media types of `Accept`, the best first.
    pub(crate) accepted: Vec<String>,
    /// Whether the execution plan is wanted in place of what it is the plan of.
    pub(crate) explain: Option<Explain>,
    pub(crate) headers: HeaderMap,
    pub(crate) error_verbosity: Verbosity,
}

impl ApiRequest {
    /// Reads a request; `query` is as received. With `catalog`, rows are checked against that as well as against policy.
    ///
    /// # Errors
    /// Whatever is wrong with the request by itself, such as a filter that cannot be parsed, an `Accept` that
    /// nothing satisfies, a schema that is not exposed, a row that breaks rules, or one of [`crate::limits`] exceeded.
    pub fn parse(
        method: &Method,
        target: Target<'_>,
        query: Option<&str>,
        headers: &HeaderMap,
        body: Bytes,
        config: &Config,
        catalog: Option<&Catalog>,
    ) -> Result<ApiRequest, Error> {
        let path = target.path();
        let target = target.resolved(config)?;
        let action = Action::of(method, &target)?;
        if target.name().contains('\0') {
            return Err(ErrorKind::NullCharacter.into());
        }
        let query = query.unwrap_or_default();
        let profile = if is_read(method) { "accept-profile" } else { "content-profile" };
        let schema = schema(headers.get(profile), config)?;
        let query_params = QueryParams::parse(query, action == Action::Call && is_read(method))?;
        let range = range::requested(method, headers, query_params.limit_offset())?;
        let content_type = ContentType::of(headers);
        let preferences = Preferences::parse(headers, config.db_tx_end.is_overridable);
        let if_match = IfMatch::of(headers, action)?;
        let payload = match action {
            Action::Create | Action::Update | Action::Upsert => {
                let columns = query_params.columns.as_deref().filter(|_| action != Action::Upsert);
                let (relation, missing) = (target.name(), preferences.missing);
                let subject = Subject { schema, relation, action, columns, missing };
                let check = rules::check(&subject, catalog, config);
                let (rows, checked) = Json::of_write(&content_type, &body, columns, check)?;
                // Of names that are none, the plan tells first.
                if checked.is_err() && rules::are_columns(&subject, catalog, &rows.keys) {
                    checked?;
                }
                Some(Payload::Json(rows))
            }
            Action::Call if !is_read(method) => {
                Some(Payload::of_call(&content_type, &body, query_params.columns.as_deref())?)
            }
            Action::Read | Action::Delete | Action::Call | Action::Inspect => None,
        };
        if action == Action::Upsert && !range.is_all() {
            return Err(ErrorKind::LimitedUpsert.into());
        }
        let accept = headers.get(ACCEPT).map_or(Ok("*/*"), |accept| accept.to_str()).unwrap_or_default();
        let own = match action {
            Action::Inspect => negotiate_document(accept).map(|()| Some((MediaType::Json, None)))?,
            _ => negotiate(accept, config.db_plan_enabled).ok(),
        };
        let is_acceptable = own.is_some();
        let (media_type, explain) = own.unwrap_or((MediaType::Json, None));
        Ok(ApiRequest {
            method: method.clone(),
            path,
            action,
            target: target.name().to_owned(),
            schema: schema.to_owned(),
            is_schema_negotiated: config.db_schemas.len() > 1 || headers.contains_key(profile),
            query: query.to_owned(),
            content_type,
            payload,
            query_params,
            range,
            preferences,
            if_match,
            is_of_new: precondition::is_of_new(headers, action),
            media_type,
            is_acceptable,
            accepted: accepted(accept),
            explain,
            headers: headers.clone(),
            error_verbosity: config.client_error_verbosity,
        })
    }

    /// Whether only the headers are wanted.
    pub fn is_head(&self) -> bool {
        self.method == Method::HEAD
    }
}

fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// The schema that a request names, or the default one.
pub(crate) fn schema<'a>(profile: Option<&HeaderValue>, config: &'a Config) -> Result<&'a str, Error> {
    let Some(profile) = profile else {
        return Ok(config.default_schema());
    };
    let profile = String::from_utf8_lossy(profile.as_bytes());
    config.db_schemas.iter().find(|schema| **schema == profile).map(String::as_str).ok_or_else(|| {
        ErrorKind::UnacceptableSchema { schema: profile.into_owned(), exposed: config.db_schemas.clone() }.into()
    })
}

#[cfg(test)]
mod tests;
