//! What a transaction has to know before the statement: the role, the claims, and the request.

use std::borrow::Cow;
use std::collections::BTreeMap;

use config::Config;
use http::HeaderMap;
use http::header::COOKIE;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sql::Statement;

use super::sql::Sql;
use crate::api_request::ApiRequest;

/// The one statement that sets, for this transaction only, the search path, the role, `request.jwt.claims`,
/// `request.method`, `request.path`, `request.headers`, `request.cookies`, and the time zone if one is preferred.
///
/// `role` and `claims_json`, a JSON object, come from a verified token, or are those of callers without one. A role that
/// is not among the claims is put there, because policies look for it.
pub fn settings(request: &ApiRequest, role: &str, claims_json: &str, config: &Config) -> Statement {
    let mut sql = Sql::default();
    let mut set = |name: &str, value: Cow<'_, str>| {
        sql.push(if name == "search_path" { "SELECT " } else { ", " });
        sql.push("pg_catalog.set_config('").push(name).push("', ").value(value).push(", true)");
    };
    set("search_path", search_path(request, config).into());
    set("role", role.into());
    set("request.jwt.claims", with_role(claims_json, role));
    set("request.method", request.method.as_str().into());
    set("request.path", format!("/{}", request.relation).into());
    set("request.headers", headers(&request.headers).into());
    set("request.cookies", cookies(&request.headers).into());
    if let Some(timezone) = &request.preferences.timezone {
        set("timezone", timezone.into());
    }
    sql.into_statement()
}

fn search_path(request: &ApiRequest, config: &Config) -> String {
    let mut path = Sql::default();
    let schemas = std::iter::once(&request.schema).chain(&config.db_extra_search_path);
    path.separated(", ", schemas, |path, schema| _ = path.name(schema));
    path.into_statement().text
}

fn with_role<'a>(claims_json: &'a str, role: &str) -> Cow<'a, str> {
    #[derive(Deserialize)]
    struct Claims {
        role: Option<IgnoredAny>,
    }
    let has_role = serde_json::from_str::<Claims>(claims_json).is_ok_and(|claims| claims.role.is_some());
    let members = claims_json.trim().trim_start_matches('{').trim_start();
    if has_role || members.is_empty() {
        return claims_json.into();
    }
    let comma = if members.starts_with('}') { "" } else { "," };
    format!("{{\"role\":{}{comma}{members}", json(&role)).into()
}

/// Names in lower case, as `HeaderMap` has them; cookies have a setting of their own.
fn headers(headers: &HeaderMap) -> String {
    let text = |value: &'_ http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = headers.iter().filter(|(name, _)| **name != COOKIE);
    json(&headers.map(|(name, value)| (name.as_str(), text(value))).collect::<BTreeMap<_, _>>())
}

fn cookies(headers: &HeaderMap) -> String {
    let header = headers.get(COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    json(&pairs.collect::<BTreeMap<_, _>>())
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("text and maps of text always serialise")
}
