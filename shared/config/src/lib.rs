//! What `headland.toml` says: policy, as one value.
//!
//! Options that PostgREST has keep PostgREST's names, defaults and meaning
//! (<https://docs.postgrest.org/en/stable/references/configuration.html>); an option that is not known here is
//! refused by name and never ignored. Secrets are no policy: they are variables of the runtime.

mod limits;
mod option;
pub mod postgrest;
mod reader;
mod relations;
mod rules;
mod toml;
mod value;

use std::borrow::Cow;
use std::fmt;

pub use limits::{By, LIMITS_MAX, Limit};
pub use relations::{Cache, RelationPolicy};
pub use rules::ColumnRules;
pub(crate) use value::Value;

/// Longest configuration text that is read.
pub const CONFIG_BYTES_MAX: usize = 64 * 1024;

/// The policy of one deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// What errors tell a client.
    pub client_error_verbosity: Verbosity,
    /// Schemas that are exposed; the first is the default one.
    pub db_schemas: Vec<String>,
    /// The database role of a caller without a token; `None` refuses such callers.
    pub db_anon_role: Option<String>,
    /// Schemas put behind the exposed one on the search path of every request.
    pub db_extra_search_path: Vec<String>,
    /// Most rows that one read returns; `None` is no limit.
    pub db_max_rows: Option<u64>,
    /// Whether `select` may aggregate.
    pub db_aggregates_enabled: bool,
    /// Whether `application/vnd.pgrst.plan` is served.
    pub db_plan_enabled: bool,
    /// How a transaction ends.
    pub db_tx_end: TxEnd,
    /// The function that is called before the main statement, in its transaction.
    pub db_pre_request: Option<FunctionName>,
    /// The function whose result is the root document.
    pub db_root_spec: Option<FunctionName>,
    /// Settings of a function that are in force for the whole transaction that calls it.
    pub db_hoisted_tx_settings: Vec<String>,
    /// Settings of each transaction, with their whole names: `app.settings.…`.
    pub app_settings: Vec<(String, String)>,
    /// What a token's `aud` must contain.
    pub jwt_aud: Option<String>,
    /// The place of the role in a token's claims, an RFC 9535 path.
    pub jwt_role_claim_key: String,
    /// Whether the runtime variable `jwt_secret` is Base64 of the secret.
    pub jwt_secret_is_base64: bool,
    /// Where an issuer publishes the keys that tokens are verified with, beside `jwt_secret`.
    pub jwt_jwks_url: Option<String>,
    /// The role of a caller whose `apikey` is one of the runtime variable `publishable_keys`.
    pub publishable_key_role: String,
    /// The role of a caller whose `apikey` is one of the runtime variable `secret_keys`.
    pub secret_key_role: String,
    /// What the root document describes.
    pub openapi_mode: OpenApiMode,
    /// Whether the root document says that callers authenticate.
    pub openapi_security_active: bool,
    /// Where the root document says that the API is.
    pub openapi_server_proxy_uri: Option<String>,
    /// Origins whose pages may call; none is all of them.
    pub server_cors_allowed_origins: Vec<String>,
    /// Whether responses say what took how long.
    pub server_timing_enabled: bool,
    /// The request header that a response repeats.
    pub server_trace_header: Option<String>,
    /// Whether filters may name an embed by its relation although it has an alias.
    pub url_use_legacy_target_names: bool,
    /// Milliseconds within which the region must have answered, retries included.
    pub region_timeout: u64,
    /// Seconds after which an instance looks for a newer catalog.
    pub catalog_max_age: u64,
    /// Where answers are kept, for relations of which nothing else is said.
    pub cache: Cache,
    /// Seconds for which an edge may give an answer without asking, for relations of which nothing else is said.
    pub cache_max_age: u64,
    /// Seconds for which it may after that, while it is renewed, for relations of which nothing else is said.
    pub cache_stale_while_revalidate: u64,
    /// Seconds for which it is given after that where the region does not answer, for relations of which nothing else is said.
    pub cache_stale_if_error: u64,
    /// What is said of single relations; each is there once.
    pub relations: Vec<RelationPolicy>,
    /// Rate limits, in the order in which they are written; at most [`LIMITS_MAX`].
    pub limits: Vec<Limit>,
    /// Rules for rows; each column of a relation is there once.
    pub rules: Vec<ColumnRules>,
    /// Whether rows are also checked against what the catalog says of their columns.
    pub validate_by_catalog: bool,
}

/// What errors tell a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// `code` and `message`.
    Minimal,
    /// `details` and `hint` too.
    Verbose,
}

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxEnd {
    /// Whether it is rolled back when the request says nothing about it.
    pub rolls_back: bool,
    /// Whether `Prefer: tx=` may say otherwise.
    pub is_overridable: bool,
}

/// What the root document describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenApiMode {
    /// What the caller's role may use.
    FollowPrivileges,
    /// All that is exposed.
    IgnorePrivileges,
    /// There is none.
    Disabled,
}

/// A function by its name; one without a schema is looked for on the search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName {
    /// The schema, where one is named.
    pub schema: Option<String>,
    /// Unquoted.
    pub name: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            client_error_verbosity: Verbosity::Verbose,
            db_schemas: vec!["public".into()],
            db_anon_role: None,
            db_extra_search_path: vec!["public".into()],
            db_max_rows: None,
            db_aggregates_enabled: false,
            db_plan_enabled: false,
            db_tx_end: TxEnd { rolls_back: false, is_overridable: false },
            db_pre_request: None,
            db_root_spec: None,
            db_hoisted_tx_settings: [
                "statement_timeout",
                "plan_filter.statement_cost_limit",
                "default_transaction_isolation",
            ]
            .map(String::from)
            .into(),
            app_settings: vec![],
            jwt_aud: None,
            jwt_role_claim_key: "$.role".into(),
            jwt_secret_is_base64: false,
            jwt_jwks_url: None,
            publishable_key_role: "anon".into(),
            secret_key_role: "service_role".into(),
            openapi_mode: OpenApiMode::FollowPrivileges,
            openapi_security_active: false,
            openapi_server_proxy_uri: None,
            server_cors_allowed_origins: vec![],
            server_timing_enabled: false,
            server_trace_header: None,
            url_use_legacy_target_names: true,
            region_timeout: 10_000,
            catalog_max_age: 60,
            cache: Cache::Region,
            cache_max_age: 60,
            cache_stale_while_revalidate: 0,
            cache_stale_if_error: 24 * 3600,
            relations: vec![],
            limits: vec![],
            rules: vec![],
            validate_by_catalog: false,
        }
    }
}

/// Why a configuration was refused; the text names the option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "headland.toml: {}", self.0)
    }
}

impl std::error::Error for Error {}

impl Config {
    /// Reads TOML of at most [`CONFIG_BYTES_MAX`] bytes.
    pub fn parse(text: &str) -> Result<Config, Error> {
        if text.len() > CONFIG_BYTES_MAX {
            return Err(Error(format!("longer than {CONFIG_BYTES_MAX} bytes")));
        }
        let mut config = Config::default();
        for setting in toml::parse(text).map_err(|problem| Error(problem.to_string()))? {
            let (key, line) = (setting.key(), setting.line);
            config.set(&key, setting).map_err(|unfit| Error(format!("line {line}: `{key}` {unfit}")))?;
        }
        limits::check(&config.limits)?;
        Ok(config)
    }

    fn set(&mut self, key: &str, setting: toml::Setting) -> Result<(), Cow<'static, str>> {
        let toml::Setting { path, value, line } = setting;
        if path[0] == rules::TABLE {
            return rules::set(&mut self.rules, &path, value);
        }
        if path[0] == relations::TABLE {
            return relations::set(&mut self.relations, &path, value).map_err(Cow::from);
        }
        let outcome = match key.strip_prefix(limits::PREFIX) {
            Some(path) => limits::set(&mut self.limits, path, line, value),
            None => option::set(self, key, value),
        };
        outcome.map_err(Cow::from)
    }

    /// The schema of a request that names none.
    pub fn default_schema(&self) -> &str {
        &self.db_schemas[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Config) {
        assert_eq!(Config::parse(text).unwrap(), expected, "{text}");
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let message = Config::parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn ok_empty_is_the_default() {
        check("", Config::default());
    }

    #[test]
    fn ok_the_file_at_the_root() {
        let config = Config::parse(include_str!("../../../headland.toml")).unwrap();
        assert_eq!(config.default_schema(), "public");
        assert_eq!(config.db_anon_role.as_deref(), Some("anon"));
    }

    #[test]
    fn ok_strings_may_be_empty_where_nothing_is_a_choice() {
        check("db-anon-role = ''", Config::default());
        check("openapi-server-proxy-uri = ''", Config::default());
        check("db-extra-search-path = []", Config { db_extra_search_path: vec![], ..Config::default() });
    }

    #[test]
    fn ok_places_of_an_issuers_keys() {
        check("jwt-jwks-url = ''", Config::default());
        for url in [
            "https://issuer.test/auth/v1/.well-known/jwks.json",
            "https://issuer.test:8443/jwks?tenant=a@b",
            "http://localhost:8080/jwks",
            "http://127.0.0.1/jwks",
            "http://[::1]:8080/jwks",
        ] {
            let expected = Config { jwt_jwks_url: Some(url.into()), ..Config::default() };
            check(&format!("jwt-jwks-url = '{url}'"), expected);
        }
    }

    #[test]
    fn ok_ends_of_a_transaction() {
        for (text, rolls_back, is_overridable) in [
            ("commit", false, false),
            ("commit-allow-override", false, true),
            ("rollback", true, false),
            ("rollback-allow-override", true, true),
        ] {
            let expected = Config { db_tx_end: TxEnd { rolls_back, is_overridable }, ..Config::default() };
            check(&format!("db-tx-end = '{text}'"), expected);
        }
    }

    #[test]
    fn ok_functions_with_and_without_a_schema() {
        for (text, schema, name) in [("f", None, "f"), ("s.f", Some("s"), "f"), ("s.f.g", Some("s"), "f.g")] {
            let name = FunctionName { schema: schema.map(str::to_owned), name: name.into() };
            check(&format!("db-pre-request = '{text}'"), Config { db_pre_request: Some(name), ..Config::default() });
        }
    }

    #[test]
    fn ok_app_settings() {
        let expected = |name: &str| Config {
            app_settings: vec![(format!("app.settings.{name}"), "x".into())],
            ..Config::default()
        };
        check("app.settings.host = 'x'", expected("host"));
        check("[app.settings]\nhost = 'x'", expected("host"));
        check("app.settings.'a.b' = 'x'", expected("a.b"));
    }

    #[test]
    fn err_unknown_option_or_wrong_type() {
        refused("\ndb-schema = 'public'", "headland.toml: line 2: `db-schema` is no option");
        refused("app.settings = 'x'", "`app.settings` is no option");
        refused("jwt-secret = 'x'", "`jwt-secret` is a secret: set the runtime variable `jwt_secret`");
        refused("db-pool = 10", "`db-pool` has no sense at the edge");
        refused("db-schemas = 'public'", "`db-schemas` takes a list of strings");
        refused("db-schemas = [1]", "`db-schemas` takes a list of strings");
        refused("db-anon-role = true", "`db-anon-role` takes a string");
        refused("db-plan-enabled = 'true'", "`db-plan-enabled` takes true or false");
        refused("db-max-rows = -1", "`db-max-rows` takes an integer that is not negative");
        refused("db-schemas = [", "line 1: expected");
    }

    #[test]
    fn err_values_that_cannot_be() {
        refused("db-schemas = []", "`db-schemas`");
        refused("db-schemas = ['a', 'pg_catalog']", "`db-schemas` does not allow");
        refused("db-schemas = ['information_schema']", "`db-schemas` does not allow");
        refused("db-tx-end = 'maybe'", "`db-tx-end` is one of");
        refused("openapi-mode = 'on'", "`openapi-mode` is one of");
        refused("client-error-verbosity = 'loud'", "`client-error-verbosity` is one of");
        refused("openapi-server-proxy-uri = 'example.com'", "`openapi-server-proxy-uri`");
        refused("jwt-aud = 'a b:c'", "`jwt-aud`");
        for url in [
            "issuer.test/jwks",
            "http://issuer.test/jwks",
            "http://127.0.0.1.issuer.test/jwks",
            "http://localhost@issuer.test/jwks",
            "http://localhost:1@issuer.test/jwks",
            "https://user:password@issuer.test/jwks",
            "https:///jwks",
            "https://:443/jwks",
            "https://issuer.test/a b",
            "https://issuer.test/jwks#a",
            "file:///etc/passwd",
        ] {
            refused(&format!("jwt-jwks-url = '{url}'"), "`jwt-jwks-url`");
        }
        refused("server-trace-header = 'a b'", "`server-trace-header`");
        refused("region-timeout = 0", "`region-timeout`");
    }

    #[test]
    fn err_longer_than_the_limit() {
        refused(&"#".repeat(CONFIG_BYTES_MAX + 1), "longer than");
    }
}
