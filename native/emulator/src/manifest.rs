//! spin.toml, manifest version 2: <https://spinframework.dev/manifest-reference>.
//!
//! A key that the emulator does not know is refused, as Spin does, so that nobody relies on what is not there:
//! `files`, `sqlite_databases`, `ai_models`, `dependencies`, inline components and sources from a registry are not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::compile::{Fingerprint, fingerprint};
use crate::error::{Error, ErrorKind};

/// The part of a manifest that the emulator acts upon.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    spin_manifest_version: u32,
    #[serde(rename = "application")]
    _application: Application,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Variable>,
    #[serde(default)]
    trigger: Triggers,
    #[serde(default)]
    pub(crate) component: BTreeMap<String, Component>,
    /// The hash of the text.
    #[serde(skip)]
    pub(crate) fingerprint: Fingerprint,
}

/// `[application]`: for people.
#[derive(Debug, Deserialize)]
struct Application {
    #[serde(rename = "name")]
    _name: String,
}

/// `[variables]`: either required or with a default.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) default: Option<String>,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(default, rename = "description")]
    _description: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Triggers {
    #[serde(default)]
    http: Vec<HttpTrigger>,
}

/// `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpTrigger {
    pub(crate) route: Route,
    pub(crate) component: String,
    #[serde(default, rename = "id")]
    _id: String,
    executor: Option<Executor>,
}

/// A pattern, or `{ private = true }` for a component without a route of its own.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Route {
    Pattern(String),
    Private { private: bool },
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Executor {
    Http,
    Wagi {},
}

/// `[component.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub(crate) source: PathBuf,
    #[serde(default)]
    pub(crate) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) key_value_stores: Vec<String>,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) build: Option<Build>,
    #[serde(default, rename = "description")]
    _description: String,
    #[serde(default, rename = "tool")]
    _tool: toml::Table,
}

/// `[component.NAME.build]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Build {
    pub(crate) command: Commands,
    /// Where the commands run, relative to the manifest.
    #[serde(default)]
    pub(crate) workdir: PathBuf,
    /// Globs of the files whose change asks for a build, relative to the working folder.
    #[serde(default)]
    pub(crate) watch: Vec<String>,
}

/// One shell command, or several to run one after the other.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Commands {
    One(String),
    Many(Vec<String>),
}

impl Manifest {
    /// Reads and checks the file at `path`.
    pub(crate) fn read(path: &Path) -> Result<Manifest, Error> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| refuse(format!("cannot read `{}`: {error}", path.display())))?;
        Manifest::parse(&text).map_err(|error| refuse(format!("`{}`: {error}", path.display())))
    }

    fn parse(text: &str) -> Result<Manifest, Error> {
        let mut manifest: Manifest = toml::from_str(text).map_err(|error| refuse(error.to_string()))?;
        manifest.fingerprint = fingerprint(text.as_bytes());
        manifest.check()?;
        Ok(manifest)
    }

    /// The HTTP triggers, in the manifest's order.
    pub(crate) fn http_triggers(&self) -> &[HttpTrigger] {
        &self.trigger.http
    }

    fn check(&self) -> Result<(), Error> {
        if self.spin_manifest_version != 2 {
            return Err(refuse(format!("`spin_manifest_version` must be 2, not {}", self.spin_manifest_version)));
        }
        for (name, variable) in &self.variables {
            if variable.required == variable.default.is_some() {
                return Err(refuse(format!("variable `{name}` must have either `required = true` or a `default`")));
            }
        }
        self.trigger.http.iter().try_for_each(|trigger| self.check_trigger(trigger))
    }

    fn check_trigger(&self, trigger: &HttpTrigger) -> Result<(), Error> {
        let HttpTrigger { component, route, executor, .. } = trigger;
        if !self.component.contains_key(component) {
            return Err(refuse(format!("a trigger names component `{component}`, which is not declared")));
        }
        if let Route::Private { private: false } = route {
            return Err(refuse(format!("the route of `{component}` must be a pattern or `{{ private = true }}`")));
        }
        if let Some(Executor::Wagi {}) = executor {
            return Err(refuse(format!("the executor of `{component}` must be `http`: the emulator has no Wagi")));
        }
        Ok(())
    }
}

impl Commands {
    /// The commands in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Commands::One(command) => std::slice::from_ref(command),
            Commands::Many(commands) => commands,
        }
        .iter()
        .map(String::as_str)
    }
}

fn refuse(message: String) -> Error {
    Error::new(ErrorKind::Manifest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "spin_manifest_version = 2\n[application]\nname = \"test\"\n";

    #[track_caller]
    fn check_err(body: &str, expected: &str) {
        let error = Manifest::parse(&format!("{HEAD}{body}")).expect_err("refused");
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[test]
    fn ok_full() {
        let manifest = Manifest::parse(&format!(
            r#"{HEAD}version = "1.0.0"
            [variables]
            url = {{ required = true, secret = true, description = "where" }}
            greeting = {{ default = "hello" }}
            [[trigger.http]]
            route = "/a/..."
            component = "a"
            executor = {{ type = "http" }}
            [[trigger.http]]
            route = {{ private = true }}
            component = "a"
            [component.a]
            source = "a.wasm"
            allowed_outbound_hosts = ["{{{{ url }}}}"]
            key_value_stores = ["default"]
            variables = {{ url = "{{{{ url }}}}/sql" }}
            [component.a.build]
            command = ["one", "two"]
            watch = ["src/**/*.rs"]
            "#
        ))
        .expect("accepted");
        assert_eq!(manifest.http_triggers().len(), 2);
        let build = manifest.component["a"].build.as_ref().expect("has a build");
        assert_eq!(build.command.iter().collect::<Vec<_>>(), ["one", "two"]);
    }

    #[test]
    fn err_version() {
        let error = Manifest::parse("spin_manifest_version = 1\n[application]\nname = \"x\"").expect_err("refused");
        assert!(error.to_string().contains("must be 2, not 1"), "{error}");
    }

    #[test]
    fn err_variable_neither_required_nor_default() {
        check_err("[variables]\nx = {}", "variable `x` must have either");
        check_err("[variables]\nx = { required = true, default = \"\" }", "variable `x` must have either");
    }

    #[test]
    fn err_trigger() {
        check_err("[[trigger.http]]\nroute = \"/\"\ncomponent = \"a\"", "names component `a`, which is not declared");
        check_err("[[trigger.redis]]\nchannel = \"x\"", "unknown field `redis`");
        let component = "[component.a]\nsource = \"a.wasm\"\n[[trigger.http]]\ncomponent = \"a\"\n";
        check_err(&format!("{component}route = {{ private = false }}"), "must be a pattern");
        check_err(&format!("{component}route = \"/\"\nexecutor = {{ type = \"wagi\" }}"), "no Wagi");
    }

    #[test]
    fn err_component_asks_for_what_is_not_there() {
        check_err(
            "[component.a]\nsource = \"a.wasm\"\nsqlite_databases = [\"default\"]",
            "unknown field `sqlite_databases`",
        );
        check_err("[component.a]\nsource = { url = \"https://x\", digest = \"y\" }", "source");
    }
}
