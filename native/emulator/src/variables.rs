//! The application's variables and what each component sees of them: <https://spinframework.dev/variables>.
//!
//! A value comes from the caller, else from the environment as `SPIN_VARIABLE_NAME`, else from the manifest's default.
//! Everything is resolved once, when the manifest is loaded; values appear in no message.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind};
use crate::manifest::{Component, Manifest};
use crate::template::Template;

/// What precedes a variable's upper-case name in the environment.
const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// The application's variables, each with its value.
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Finds a value for every declared variable; `environment` looks up the process's.
    pub(crate) fn resolve(
        manifest: &Manifest,
        given: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Variables, Error> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in &manifest.variables {
            check_name(name)?;
            let value =
                given.get(name).cloned().or_else(|| environment(&environment_name(name))).or(variable.default.clone());
            match value {
                Some(value) => drop(values.insert(name.clone(), value)),
                None => missing.push(format!("`{name}` (or `{}` in the environment)", environment_name(name))),
            }
        }
        match missing.is_empty() {
            true => Ok(Variables(values)),
            false => Err(Error::new(
                ErrorKind::Variable,
                format!("required variables have no value: {}", missing.join(", ")),
            )),
        }
    }

    /// `text` with `{{ name }}` replaced.
    pub(crate) fn fill(&self, text: &str) -> Result<String, Error> {
        Template::parse(text)?.fill(|name| {
            let value = self.0.get(name).map(String::as_str);
            value.ok_or_else(|| {
                Error::new(ErrorKind::Variable, format!("`{text}` uses variable `{name}`, which is not declared"))
            })
        })
    }

    /// The variables of one component, filled in.
    pub(crate) fn of(&self, component: &Component) -> Result<BTreeMap<String, String>, Error> {
        let filled = component.variables.iter().map(|(name, text)| {
            check_name(name)?;
            Ok((name.clone(), self.fill(text)?))
        });
        filled.collect()
    }
}

/// Spin's rule for names, so that each has one upper-case form: `[a-z][a-z0-9]*(_[a-z0-9]+)*`.
pub(crate) fn is_name(name: &str) -> bool {
    let word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('_').all(word)
}

fn check_name(name: &str) -> Result<(), Error> {
    match is_name(name) {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Variable,
            format!(
                "variable `{name}`: a name is of lower-case letters, digits and single underscores, and starts with a letter"
            ),
        )),
    }
}

fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        spin_manifest_version = 2
        application = { name = "test" }
        [variables]
        url = { required = true }
        secret = { required = true, secret = true }
        path = { default = "/sql" }
        [component.a]
        source = "a.wasm"
        variables = { endpoint = "{{ url }}{{ path }}", fixed = "x" }
        [component.b]
        source = "b.wasm"
        variables = { endpoint = "{{ nowhere }}" }
    "#;

    fn resolve(given: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<(Manifest, Variables), Error> {
        let manifest: Manifest = toml::from_str(MANIFEST).expect("parses");
        let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
        };
        let environment = owned(environment);
        let variables = Variables::resolve(&manifest, &owned(given), |name| environment.get(name).cloned())?;
        Ok((manifest, variables))
    }

    #[track_caller]
    fn check(given: &[(&str, &str)], environment: &[(&str, &str)], endpoint: &str) {
        let (manifest, variables) = resolve(given, environment).expect("resolved");
        assert_eq!(variables.of(&manifest.component["a"]).expect("filled")["endpoint"], endpoint);
    }

    #[test]
    fn ok_precedence() {
        let environment = [("SPIN_VARIABLE_URL", "http://e"), ("SPIN_VARIABLE_SECRET", "s")];
        check(&[], &environment, "http://e/sql");
        check(&[("url", "http://g")], &environment, "http://g/sql");
        check(&[("url", "http://g"), ("path", "/x")], &environment, "http://g/x");
    }

    #[test]
    fn err_required_missing() {
        let error = resolve(&[("url", "http://hidden")], &[]).err().expect("refused").to_string();
        assert!(error.contains("`secret` (or `SPIN_VARIABLE_SECRET`"), "{error}");
        assert!(!error.contains("url") && !error.contains("hidden"), "{error}");
    }

    #[test]
    fn err_template_names_nothing() {
        let (manifest, variables) = resolve(&[("url", "u"), ("secret", "s")], &[]).expect("resolved");
        let error = variables.of(&manifest.component["b"]).expect_err("refused").to_string();
        assert!(error.contains("`nowhere`, which is not declared"), "{error}");
    }

    #[test]
    fn names() {
        for name in ["a", "abc", "a1b2c3", "a_1", "a_1_b_3"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "aX", "1bc", "_x", "x.y", "x_", "a__b", "x-y", "ä"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
