//! What a transaction has to know before the statement: the role, the claims, and the request.

use std::borrow::Cow;

use catalog::Catalog;
use config::Config;
use http::HeaderMap;
use http::header::COOKIE;
use sql::Statement;

use super::sql::Sql;
use crate::api_request::ApiRequest;
use crate::caller::Caller;
use crate::plan::{ISOLATION, Plan};

/// The one statement that sets, for this transaction only, the search path, what `ALTER ROLE` says for the role, the role
/// itself, `request.jwt.claims`, `request.method`, `request.path`, `request.headers`, `request.cookies`, the time zone if
/// one is preferred, what a function that is called asks for, and the policy's own `app.settings.…`.
pub(super) fn settings(
    request: &ApiRequest,
    plan: &Plan<'_>,
    caller: &Caller<'_>,
    catalog: &Catalog,
    config: &Config,
) -> Statement {
    let mut sql = Sql::default();
    sql.push("SELECT pg_catalog.set_config('search_path', ").value(search_path(request, config)).push(", true)");
    // The one who connects may be allowed to set what the role may not (`GRANT SET ON PARAMETER`).
    for (name, value) in catalog.role(caller.role).iter().flat_map(|role| role.settings()) {
        sql.push(", pg_catalog.set_config(").value(name).push(", ").value(value).push(", true)");
    }
    let mut set = |name: &str, value: Cow<'_, str>| {
        sql.push(", pg_catalog.set_config('").push(name).push("', ").value(value).push(", true)");
    };
    set("role", caller.role.into());
    set("request.jwt.claims", caller.claims_json.into());
    set("request.method", request.method.as_str().into());
    set("request.path", request.path.as_str().into());
    let (none, is_withheld) = (HeaderMap::new(), matches!(plan, Plan::Read(plan) if plan.withholds_request));
    let told = if is_withheld { &none } else { &request.headers };
    set("request.headers", headers(told).into());
    set("request.cookies", cookies(told).into());
    if let Some(timezone) = &request.preferences.timezone {
        set("timezone", timezone.into());
    }
    // Names come from the database's catalog or the policy, and are parameters all the same.
    let hoisted = plan.function_settings(config).filter(|(name, _)| *name != ISOLATION);
    let app = config.app_settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in hoisted.chain(app) {
        sql.push(", pg_catalog.set_config(").value(name).push(", ").value(value).push(", true)");
    }
    sql.into_statement()
}

fn search_path(request: &ApiRequest, config: &Config) -> String {
    let mut path = Sql::default();
    let schemas = std::iter::once(&request.schema).chain(&config.db_extra_search_path);
    path.separated(", ", schemas, |path, schema| _ = path.name(schema));
    path.into_statement().text
}

/// Names in lower case, as `HeaderMap` has them; cookies have a setting of their own.
fn headers(headers: &HeaderMap) -> String {
    let text = |value: &'_ http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned().into();
    let headers = headers.iter().filter(|(name, _)| **name != COOKIE);
    object(headers.map(|(name, value)| (name.as_str(), text(value))).collect())
}

fn cookies(headers: &HeaderMap) -> String {
    let header = headers.get(COOKIE).map(|value| String::from_utf8_lossy(value.as_bytes())).unwrap_or_default();
    let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    object(pairs.map(|(name, value)| (name, value.into())).collect())
}

/// A JSON object, its members sorted by name; of those with one name the last.
fn object(mut members: Vec<(&str, Cow<'_, str>)>) -> String {
    sort::sort_by(&mut members, &|(one, _), (other, _)| one.cmp(other));
    let mut text = String::from("{");
    for (index, (name, value)) in members.iter().enumerate() {
        if members.get(index + 1).is_some_and(|(next, _)| next == name) {
            continue;
        }
        text += if text.len() > 1 { "," } else { "" };
        text += &json(name);
        text.push(':');
        text += &json(value);
    }
    text + "}"
}

/// Text as JSON.
fn json(text: &str) -> String {
    serde_json::to_string(text).expect("text always serialises")
}
