//! The options, by name.

use crate::relations;
use crate::value::Unfit;
use crate::{Config, FunctionName, OpenApiMode, TxEnd, Value, Verbosity};

/// PostgREST's options about its own process: they have no sense in a function, and what comes nearest is the
/// gateway's, the runtime's, or done without being asked.
pub(crate) const SENSELESS: &[&str] = &[
    "admin-server-host",
    "admin-server-port",
    "admin-server-unix-socket",
    "admin-server-unix-socket-mode",
    "db-channel",
    "db-channel-enabled",
    "db-config",
    "db-pool",
    "db-pool-acquisition-timeout",
    "db-pool-automatic-recovery",
    "db-pool-max-idletime",
    "db-pool-max-lifetime",
    "db-pool-timeout",
    "db-pre-config",
    "db-prepared-statements",
    "jwt-cache-max-entries",
    "log-level",
    "log-query",
    "server-host",
    "server-otel-enabled",
    "server-port",
    "server-reuseport",
    "server-unix-socket",
    "server-unix-socket-mode",
];

const APP_SETTINGS: &str = "app.settings.";

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Texts,
    Flag,
    Count,
}

/// Of the options that [`set`] knows and PostgREST has.
pub(crate) fn kind(name: &str) -> Option<Kind> {
    let kind = match name {
        "db-schemas" | "db-extra-search-path" | "db-hoisted-tx-settings" | "server-cors-allowed-origins" => Kind::Texts,
        "db-max-rows" => Kind::Count,
        "db-aggregates-enabled"
        | "db-plan-enabled"
        | "jwt-secret-is-base64"
        | "openapi-security-active"
        | "server-timing-enabled"
        | "url-use-legacy-target-names" => Kind::Flag,
        "client-error-verbosity"
        | "db-anon-role"
        | "db-pre-request"
        | "db-root-spec"
        | "db-tx-end"
        | "jwt-aud"
        | "jwt-role-claim-key"
        | "openapi-mode"
        | "openapi-server-proxy-uri"
        | "server-trace-header" => Kind::Text,
        _ if name.starts_with(APP_SETTINGS) => Kind::Text,
        _ => return None,
    };
    Some(kind)
}

/// Sets one option.
pub(crate) fn set(config: &mut Config, name: &str, value: Value) -> Result<(), Unfit> {
    match name {
        "client-error-verbosity" => config.client_error_verbosity = verbosity(value)?,
        "db-schemas" => config.db_schemas = schemas(value)?,
        "db-anon-role" => config.db_anon_role = value.optional_text()?,
        "db-extra-search-path" => config.db_extra_search_path = value.texts()?,
        "db-max-rows" => config.db_max_rows = Some(value.count()?),
        "db-aggregates-enabled" => config.db_aggregates_enabled = value.flag()?,
        "db-plan-enabled" => config.db_plan_enabled = value.flag()?,
        "db-tx-end" => config.db_tx_end = tx_end(value)?,
        "db-pre-request" => config.db_pre_request = function(value)?,
        "db-root-spec" => config.db_root_spec = function(value)?,
        "db-hoisted-tx-settings" => config.db_hoisted_tx_settings = value.texts()?,
        "jwt-aud" => config.jwt_aud = audience(value)?,
        "jwt-role-claim-key" => config.jwt_role_claim_key = value.text()?,
        "jwt-secret-is-base64" => config.jwt_secret_is_base64 = value.flag()?,
        "jwt-jwks-url" => config.jwt_jwks_url = jwks_url(value)?,
        "publishable-key-role" => config.publishable_key_role = value.text()?,
        "secret-key-role" => config.secret_key_role = value.text()?,
        "openapi-mode" => config.openapi_mode = openapi_mode(value)?,
        "openapi-security-active" => config.openapi_security_active = value.flag()?,
        "openapi-server-proxy-uri" => config.openapi_server_proxy_uri = proxy_uri(value)?,
        "server-cors-allowed-origins" => config.server_cors_allowed_origins = value.texts()?,
        "server-timing-enabled" => config.server_timing_enabled = value.flag()?,
        "server-trace-header" => config.server_trace_header = header_name(value)?,
        "url-use-legacy-target-names" => config.url_use_legacy_target_names = value.flag()?,
        "region-timeout" => config.region_timeout = positive(value)?,
        "validate-by-catalog" => config.validate_by_catalog = value.flag()?,
        "cache" => config.cache = relations::cache(value)?,
        "cache-max-age" => config.cache_max_age = value.count()?,
        "cache-stale-while-revalidate" => config.cache_stale_while_revalidate = value.count()?,
        "cache-stale-if-error" => config.cache_stale_if_error = value.count()?,
        "catalog-max-age" => config.catalog_max_age = value.count()?,
        "jwt-secret" => return Err("is a secret: set the runtime variable `jwt_secret`"),
        "db-uri" => return Err("is a secret, and the gateway's"),
        _ if name.starts_with(APP_SETTINGS) => config.app_settings.push((name.to_owned(), value.text()?)),
        _ if SENSELESS.contains(&name) => return Err("has no sense at the edge"),
        _ => return Err("is no option"),
    }
    Ok(())
}

fn schemas(value: Value) -> Result<Vec<String>, Unfit> {
    let schemas = value.texts()?;
    if schemas.is_empty() {
        return Err("names at least one schema");
    }
    // PostgREST's rule: what they hold is the system's.
    if schemas.iter().any(|schema| matches!(schema.as_str(), "pg_catalog" | "information_schema")) {
        return Err("does not allow `pg_catalog` and `information_schema`");
    }
    Ok(schemas)
}

fn verbosity(value: Value) -> Result<Verbosity, Unfit> {
    let known = [("minimal", Verbosity::Minimal), ("verbose", Verbosity::Verbose)];
    value.one_of(&known, "is one of `minimal`, `verbose`")
}

fn tx_end(value: Value) -> Result<TxEnd, Unfit> {
    let end = |rolls_back, is_overridable| TxEnd { rolls_back, is_overridable };
    let known = [
        ("commit", end(false, false)),
        ("commit-allow-override", end(false, true)),
        ("rollback", end(true, false)),
        ("rollback-allow-override", end(true, true)),
    ];
    value.one_of(&known, "is one of `commit`, `commit-allow-override`, `rollback`, `rollback-allow-override`")
}

fn openapi_mode(value: Value) -> Result<OpenApiMode, Unfit> {
    let known = [
        ("follow-privileges", OpenApiMode::FollowPrivileges),
        ("ignore-privileges", OpenApiMode::IgnorePrivileges),
        ("disabled", OpenApiMode::Disabled),
    ];
    value.one_of(&known, "is one of `follow-privileges`, `ignore-privileges`, `disabled`")
}

/// All up to the first dot is the schema.
fn function(value: Value) -> Result<Option<FunctionName>, Unfit> {
    let named = value.optional_text()?.map(|text| match text.split_once('.') {
        Some((schema, name)) => FunctionName { schema: Some(schema.to_owned()), name: name.to_owned() },
        None => FunctionName { schema: None, name: text },
    });
    Ok(named)
}

/// RFC 7519 §2, StringOrURI: what has a colon in it is a URI.
fn audience(value: Value) -> Result<Option<String>, Unfit> {
    let audience = value.optional_text()?;
    let is_fit = audience.as_deref().and_then(|text| text.split_once(':')).is_none_or(|(scheme, rest)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
            && is_visible(rest)
    });
    if is_fit { Ok(audience) } else { Err("is a string without a colon, or a URI") }
}

/// By TLS, as who can change the answer can sign tokens; without it from this machine alone.
fn jwks_url(value: Value) -> Result<Option<String>, Unfit> {
    let url = value.optional_text()?;
    let is_fit = url.as_deref().is_none_or(|url| {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let host = match authority.strip_prefix("[::1]") {
            Some(port) if port.is_empty() || port.starts_with(':') => "localhost",
            _ => authority.split(':').next().unwrap_or_default(),
        };
        let is_safe = scheme == "https" || scheme == "http" && matches!(host, "localhost" | "127.0.0.1");
        is_safe && !host.is_empty() && !authority.contains('@') && is_visible(rest) && !rest.contains('#')
    });
    if is_fit { Ok(url) } else { Err("is a URL such as `https://issuer.example/.well-known/jwks.json`") }
}

fn proxy_uri(value: Value) -> Result<Option<String>, Unfit> {
    let uri = value.optional_text()?;
    let is_fit = uri.as_deref().is_none_or(|uri| {
        let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://")).unwrap_or_default();
        !rest.is_empty() && !rest.starts_with(['/', ':']) && is_visible(rest)
    });
    if is_fit { Ok(uri) } else { Err("is a URI such as `https://example.com:8443/basePath`") }
}

/// Without white space, control characters, and what is not ASCII: a URI has none of them.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 9110 §5.1.
fn header_name(value: Value) -> Result<Option<String>, Unfit> {
    let name = value.optional_text()?;
    let is_fit = name
        .as_deref()
        .is_none_or(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)));
    if is_fit { Ok(name) } else { Err("is the name of a header") }
}

fn positive(value: Value) -> Result<u64, Unfit> {
    value.count().ok().filter(|count| *count > 0).ok_or("takes an integer of at least 1")
}
