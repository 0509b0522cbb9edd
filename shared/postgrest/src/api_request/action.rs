//! What is to be done, and to what.

use std::borrow::Cow;

use config::{Config, OpenApiMode};
use http::Method;

use crate::error::{Error, ErrorKind};

/// What a path names, percent-decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target<'a> {
    /// A table or view.
    Relation(Cow<'a, str>),
    /// A function to be called.
    Function(Cow<'a, str>),
    /// The document about everything else.
    Root,
}

/// What is to be done with the target. HEAD is the same as GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Rows of a relation are read: GET.
    Read,
    /// Rows are inserted, or updated where they are there already: POST.
    Create,
    /// Rows are updated: PATCH.
    Update,
    /// One row, whose key is in the query, is made what the body says: PUT.
    Upsert,
    /// Rows are deleted: DELETE.
    Delete,
    /// A function is called: GET or POST.
    Call,
    /// The root document is read: GET.
    Inspect,
}

impl Target<'_> {
    /// What the policy puts in the root's place.
    pub(super) fn resolved(self, config: &Config) -> Result<Self, Error> {
        match (self, &config.db_root_spec) {
            (Target::Root, Some(function)) => Ok(Target::Function(function.name.clone().into())),
            (Target::Root, None) if config.openapi_mode == OpenApiMode::Disabled => {
                Err(ErrorKind::OpenApiDisabled.into())
            }
            (target, _) => Ok(target),
        }
    }

    /// The path below the dialect's base, as `request.path` says it to the database.
    pub(super) fn path(&self) -> String {
        match self {
            Target::Relation(name) => format!("/{name}"),
            Target::Function(name) => format!("/rpc/{name}"),
            Target::Root => "/".to_owned(),
        }
    }

    /// The name of the relation or function; empty for the root.
    pub(super) fn name(&self) -> &str {
        match self {
            Target::Relation(name) | Target::Function(name) => name,
            Target::Root => "",
        }
    }
}

impl Action {
    pub(super) fn of(method: &Method, target: &Target<'_>) -> Result<Action, Error> {
        match (target, method) {
            (Target::Relation(_), &Method::GET | &Method::HEAD) => Ok(Action::Read),
            (Target::Relation(_), &Method::POST) => Ok(Action::Create),
            (Target::Relation(_), &Method::PATCH) => Ok(Action::Update),
            (Target::Relation(_), &Method::PUT) => Ok(Action::Upsert),
            (Target::Relation(_), &Method::DELETE) => Ok(Action::Delete),
            (Target::Function(_), &Method::GET | &Method::HEAD | &Method::POST) => Ok(Action::Call),
            (Target::Root, &Method::GET | &Method::HEAD) => Ok(Action::Inspect),
            (Target::Function(_), _) => Err(ErrorKind::InvalidCallMethod { method: method.to_string() }.into()),
            _ => Err(ErrorKind::UnsupportedMethod { method: method.to_string() }.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use config::FunctionName;

    use super::*;

    #[track_caller]
    fn check(method: &str, expected: [Option<Action>; 3]) {
        let method: Method = method.parse().unwrap();
        let targets = [Target::Relation("r".into()), Target::Function("f".into()), Target::Root];
        assert_eq!(targets.map(|target| Action::of(&method, &target).ok()), expected, "{method}");
    }

    #[test]
    fn ok_each_method() {
        check("GET", [Some(Action::Read), Some(Action::Call), Some(Action::Inspect)]);
        check("HEAD", [Some(Action::Read), Some(Action::Call), Some(Action::Inspect)]);
        check("POST", [Some(Action::Create), Some(Action::Call), None]);
        check("PATCH", [Some(Action::Update), None, None]);
        check("PUT", [Some(Action::Upsert), None, None]);
        check("DELETE", [Some(Action::Delete), None, None]);
    }

    #[test]
    fn ok_and_err_root() {
        let disabled = Config { openapi_mode: OpenApiMode::Disabled, ..Config::default() };
        assert_eq!(Target::Root.resolved(&Config::default()), Ok(Target::Root));
        assert_eq!(Target::Root.resolved(&disabled), Err(ErrorKind::OpenApiDisabled.into()));
        assert_eq!(Target::Relation("r".into()).resolved(&disabled), Ok(Target::Relation("r".into())));
        let function = FunctionName { schema: None, name: "about".to_owned() };
        let config = Config { db_root_spec: Some(function), ..disabled };
        assert_eq!(Target::Root.resolved(&config), Ok(Target::Function("about".into())));
    }

    #[test]
    fn ok_paths() {
        let targets = [Target::Relation("r".into()), Target::Function("f".into()), Target::Root];
        assert_eq!(targets.map(|target| target.path()), ["/r", "/rpc/f", "/"]);
    }

    #[test]
    fn err_other_methods() {
        for method in ["OPTIONS", "TRACE", "CONNECT", "get", "FETCH"] {
            check(method, [None, None, None]);
        }
    }
}
