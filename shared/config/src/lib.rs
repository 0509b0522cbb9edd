//! What `headland.toml` says: policy, as one value.
//!
//! Options that PostgREST has keep PostgREST's names, defaults and meaning
//! (<https://docs.postgrest.org/en/stable/references/configuration.html>); an option that is not known here is
//! refused by name and never ignored. Secrets are no policy: they are variables of the runtime.

use std::fmt;

use serde::Deserialize;

/// Longest configuration text that is read.
pub const CONFIG_BYTES_MAX: usize = 64 * 1024;

/// The policy of one deployment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Schemas that are exposed; the first is the default one.
    pub db_schemas: Vec<String>,
    /// The database role of a caller without a token; `None` refuses such callers.
    pub db_anon_role: Option<String>,
    /// Schemas put behind the exposed one on the search path of every request.
    pub db_extra_search_path: Vec<String>,
    /// Most rows that one read returns; `None` is no limit.
    pub db_max_rows: Option<u64>,
    /// Milliseconds within which the region must have answered, retries included.
    pub region_timeout: u64,
    /// Seconds after which an instance looks for a newer catalog.
    pub catalog_max_age: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            db_schemas: vec!["public".into()],
            db_anon_role: None,
            db_extra_search_path: vec!["public".into()],
            db_max_rows: None,
            region_timeout: 10_000,
            catalog_max_age: 60,
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
        let config: Config = toml::from_str(text).map_err(|error| Error(error.message().to_owned()))?;
        config.checked()
    }

    /// The schema of a request that names none.
    pub fn default_schema(&self) -> &str {
        &self.db_schemas[0]
    }

    fn checked(self) -> Result<Config, Error> {
        if self.db_schemas.is_empty() {
            return Err(Error("`db-schemas` must name at least one schema".into()));
        }
        if self.region_timeout == 0 {
            return Err(Error("`region-timeout` must be at least 1 ms".into()));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let message = Config::parse(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn ok_empty_is_the_default() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn ok_the_file_at_the_root() {
        let config = Config::parse(include_str!("../../../headland.toml")).unwrap();
        assert_eq!(config.default_schema(), "public");
        assert_eq!(config.db_anon_role.as_deref(), Some("anon"));
    }

    #[test]
    fn err_unknown_option_or_wrong_type() {
        refused("db-schema = 'public'", "`db-schema`");
        refused("db-schemas = 'public'", "invalid type");
        refused("db-schemas = []", "`db-schemas`");
        refused("region-timeout = 0", "`region-timeout`");
        refused("db-schemas = [", "");
    }

    #[test]
    fn err_longer_than_the_limit() {
        refused(&"#".repeat(CONFIG_BYTES_MAX + 1), "longer than");
    }
}
