//! A configuration file of PostgREST's, and what of it is policy, what is a secret, and what has no sense here.
//!
//! Only the command line reads such files; no component has this code in it.

mod file;

use std::fmt::Write;

use crate::option::{self, Kind};
use crate::{Config, Error, Value};
use file::Bind;

/// What a file says, sorted by where it belongs.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Translation {
    /// The text of a headland.toml. It holds no `'` and no `$`, so that a shell and an env file take it between single
    /// quotes.
    pub policy: String,
    /// For the runtime variable `jwt_secret`; one that begins with `@` is the name of a file.
    pub jwt_secret: Option<String>,
    /// For the gateway; one that begins with `@` is the name of a file.
    pub db_uri: Option<String>,
    /// What was left out, and why: a sentence each.
    pub warnings: Vec<String>,
}

/// PostgREST's older names.
const ALIASES: &[(&str, &str)] = &[
    ("db-schema", "db-schemas"),
    ("max-rows", "db-max-rows"),
    ("pre-request", "db-pre-request"),
    ("role-claim-key", "jwt-role-claim-key"),
    ("root-spec", "db-root-spec"),
    ("secret-is-base64", "jwt-secret-is-base64"),
];

/// Translates the text of a file; `environment` is asked for the names of its `$(NAME)`.
pub fn translate(text: &str, environment: impl Fn(&str) -> Option<String>) -> Result<Translation, Error> {
    let mut translation = Translation::default();
    for Bind { key, value, line } in file::parse(text, environment).map_err(|problem| Error(problem.to_string()))? {
        let key = ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key.as_str(), |(_, name)| name);
        let wrong = |unfit| Error(format!("line {line}: `{key}` {unfit}"));
        match key {
            "jwt-secret" => translation.jwt_secret = value.optional_text().map_err(wrong)?,
            "db-uri" => translation.db_uri = value.optional_text().map_err(wrong)?,
            _ if option::SENSELESS.contains(&key) => {
                translation.warnings.push(format!("`{key}` has no sense at the edge and was left out"));
            }
            _ => match option::kind(key) {
                None => translation.warnings.push(format!("`{key}` is no option and was left out")),
                Some(kind) => {
                    if let Some(value) = coerce(key, kind, value).map_err(wrong)? {
                        option::set(&mut Config::default(), key, value.clone()).map_err(wrong)?;
                        write_setting(&mut translation.policy, key, &value);
                    }
                }
            },
        }
    }
    Ok(translation)
}

/// PostgREST takes lists as text with commas, and flags and counts as text too; no text is no value.
fn coerce(key: &str, kind: Kind, value: Value) -> Result<Option<Value>, &'static str> {
    let is_empty = matches!(&value, Value::Text(text) if text.is_empty());
    // The one option for which PostgREST tells an empty text from none.
    if is_empty && key == "db-extra-search-path" {
        return Ok(Some(Value::List(vec![])));
    }
    if is_empty {
        return Ok(None);
    }
    let coerced = match (kind, value) {
        (Kind::Texts, Value::Text(text)) => {
            Value::List(text.split(',').map(|part| Value::Text(part.trim().to_owned())).collect())
        }
        (Kind::Flag, Value::Text(text)) => Value::Flag(flag(&text).ok_or("takes true or false")?),
        (Kind::Count, Value::Text(text)) => Value::Integer(text.trim().parse().map_err(|_| "takes an integer")?),
        (Kind::Text, Value::Integer(number)) => Value::Text(number.to_string()),
        (_, value) => value,
    };
    Ok(Some(coerced))
}

/// `true`, `"False"`, `1`: a number is true if it is more than zero.
fn flag(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        number => number.parse::<i64>().ok().map(|number| number > 0),
    }
}

/// Writes `key = value` and a newline.
fn write_setting(toml: &mut String, key: &str, value: &Value) {
    match key.strip_prefix("app.settings.") {
        Some(name) => {
            toml.push_str("app.settings.");
            write_value(toml, &Value::Text(name.to_owned()));
        }
        None => toml.push_str(key),
    }
    toml.push_str(" = ");
    write_value(toml, value);
    toml.push('\n');
}

fn write_value(toml: &mut String, value: &Value) {
    match value {
        Value::Flag(flag) => toml.push_str(if *flag { "true" } else { "false" }),
        Value::Integer(number) => toml.push_str(&number.to_string()),
        Value::Text(text) => {
            toml.push('"');
            for c in text.chars() {
                match c {
                    '"' | '\\' => toml.extend(['\\', c]),
                    '\'' | '$' | '\u{7f}' | '\0'..='\u{1f}' => {
                        write!(toml, "\\u{:04x}", u32::from(c)).expect("writing to a string cannot fail");
                    }
                    _ => toml.push(c),
                }
            }
            toml.push('"');
        }
        Value::List(values) => {
            toml.push('[');
            for (number, value) in values.iter().enumerate() {
                toml.push_str(if number == 0 { "" } else { ", " });
                write_value(toml, value);
            }
            toml.push(']');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(text: &str) -> Result<Translation, Error> {
        translate(text, |name| (name == "HOST").then(|| "example.com".to_owned()))
    }

    /// The policy that comes out, which headland.toml can be.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let translation = translated(text).unwrap();
        assert_eq!(translation.policy, expected, "{text}");
        assert_eq!(translation.warnings, [""; 0], "{text}");
        Config::parse(&translation.policy).unwrap();
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let message = translated(text).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }

    #[test]
    fn ok_each_kind() {
        check("db-schemas = \"api, v2\"", "db-schemas = [\"api\", \"v2\"]\n");
        check("db-anon-role = \"web\"", "db-anon-role = \"web\"\n");
        check("db-max-rows = 2\ndb-plan-enabled = on", "db-max-rows = 2\ndb-plan-enabled = true\n");
        check("db-max-rows = \"2\"\ndb-plan-enabled = \"True\"", "db-max-rows = 2\ndb-plan-enabled = true\n");
        check("openapi-security-active = \"0\"", "openapi-security-active = false\n");
        check("app.settings.x = \"1\"\napp.settings.n = 2", "app.settings.\"x\" = \"1\"\napp.settings.\"n\" = \"2\"\n");
        check("jwt-role-claim-key = \"$$.r['a']\"", "jwt-role-claim-key = \"\\u0024.r[\\u0027a\\u0027]\"\n");
        check(
            "openapi-server-proxy-uri = \"https://$(HOST)/x\"",
            "openapi-server-proxy-uri = \"https://example.com/x\"\n",
        );
    }

    #[test]
    fn ok_no_text_is_no_value() {
        check("db-anon-role = \"\"\ndb-max-rows = \"\"\nserver-cors-allowed-origins = \"\"", "");
        check("db-extra-search-path = \"\"", "db-extra-search-path = []\n");
    }

    #[test]
    fn ok_older_names() {
        check("max-rows = 1\ndb-schema = \"a\"", "db-max-rows = 1\ndb-schemas = [\"a\"]\n");
    }

    #[test]
    fn ok_secrets_stay_out_of_the_policy() {
        let translation = translated("jwt-secret = \"@file\"\ndb-uri = \"postgres://u:p@h/d\"\n").unwrap();
        let expected = Translation {
            jwt_secret: Some("@file".into()),
            db_uri: Some("postgres://u:p@h/d".into()),
            ..Translation::default()
        };
        assert_eq!(translation, expected);
    }

    #[test]
    fn ok_what_is_left_out_is_named() {
        let translation = translated("db-pool = 10\nlog-level = \"info\"\ndb-poool = 1").unwrap();
        let expected = [
            "`db-pool` has no sense at the edge and was left out",
            "`log-level` has no sense at the edge and was left out",
            "`db-poool` is no option and was left out",
        ];
        assert_eq!(translation.warnings, expected);
        assert_eq!(translation.policy, "");
    }

    #[test]
    fn err_values_that_cannot_be() {
        refused("\ndb-tx-end = \"x\"", "line 2: `db-tx-end` is one of");
        refused("db-plan-enabled = \"maybe\"", "`db-plan-enabled` takes true or false");
        refused("db-max-rows = \"many\"", "`db-max-rows` takes an integer");
        refused("db-schemas = \"a, pg_catalog\"", "`db-schemas` does not allow");
        refused("jwt-secret = 1", "`jwt-secret` takes a string");
    }
}
