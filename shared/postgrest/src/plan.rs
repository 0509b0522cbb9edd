//! What is to be done: the request with every name resolved against the catalog.
//!
//! Relations and relationships must be in the catalog. Columns need not be: a function of a row is a column too,
//! and what does not exist Postgres itself refuses.

mod basis;
mod call;
mod handler;
mod mutate;
mod read;
mod relationship;
mod similar;
mod tree;

use catalog::Catalog;
use config::Config;
use sql::Isolation;

pub use self::basis::{Basis, identity};
pub use self::call::CallPlan;
pub(crate) use self::call::{Argument, Arguments, Body, Call};
pub use self::mutate::MutatePlan;
pub(crate) use self::mutate::{BODY, Returned};
pub use self::tree::ReadPlan;
pub(crate) use self::tree::{Aggregated, Condition, Embed, Node, Order, Output, Selected, Shown, Source, WRITTEN};
use crate::api_request::{Action, ApiRequest};
use crate::caller::Caller;
use crate::error::{ArgumentsForm, Error, ErrorKind};

/// The setting that is a transaction's isolation level.
pub(crate) const ISOLATION: &str = "default_transaction_isolation";

/// What a request comes to.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "a request has one, which is not moved about")]
pub enum Plan<'a> {
    /// Rows are read.
    Read(ReadPlan<'a>),
    /// A function is called.
    Call(CallPlan<'a>),
    /// Rows are written.
    Mutate(MutatePlan<'a>),
    /// The schema is described.
    Inspect,
}

impl<'a> Plan<'a> {
    /// What is read.
    pub(crate) fn read(&self) -> Option<&ReadPlan<'a>> {
        match self {
            Plan::Read(plan) => Some(plan),
            Plan::Call(plan) => Some(&plan.read),
            Plan::Mutate(plan) => Some(&plan.read),
            Plan::Inspect => None,
        }
    }

    fn read_mut(&mut self) -> Option<&mut ReadPlan<'a>> {
        match self {
            Plan::Read(plan) => Some(plan),
            Plan::Call(plan) => Some(&mut plan.read),
            Plan::Mutate(plan) => Some(&mut plan.read),
            Plan::Inspect => None,
        }
    }

    /// Whether its transaction writes nothing, and may as well run twice.
    pub fn is_read_only(&self) -> bool {
        match self {
            Plan::Read(_) | Plan::Inspect => true,
            Plan::Call(plan) => plan.is_read_only,
            Plan::Mutate(_) => false,
        }
    }

    /// The isolation level of its transaction, where one is set for the function that is called, or else for the role, and at least
    /// repeatable read for a write with `If-Match`; `None` is the database's own, which is taken for read committed.
    pub fn isolation(&self, caller: &Caller<'_>, catalog: &Catalog, config: &Config) -> Option<Isolation> {
        let of_function = self.function_settings(config).find(|(name, _)| *name == ISOLATION).map(|(_, level)| level);
        let level = of_function.or_else(|| catalog.role(caller.role)?.isolation());
        let level = level.map(|level| Isolation::of_setting(&level.to_ascii_lowercase()));
        match (self, level) {
            // What a precondition holds of has to be what is written.
            (Plan::Mutate(plan), None | Some(Isolation::ReadCommitted)) if plan.current.is_some() => {
                Some(Isolation::RepeatableRead)
            }
            (_, level) => level,
        }
    }

    /// The settings of the function that is called, as far as they hold for the whole transaction.
    pub(crate) fn function_settings(&self, config: &Config) -> impl Iterator<Item = (&'a str, &'a str)> {
        let function = match self {
            Plan::Call(plan) => Some(plan.function),
            Plan::Read(_) | Plan::Mutate(_) | Plan::Inspect => None,
        };
        let settings = function.into_iter().flat_map(|function| function.settings());
        settings.filter(|(name, _)| config.db_hoisted_tx_settings.iter().any(|known| known == name))
    }
}

/// Resolves a request against the catalog.
///
/// # Errors
/// An unknown relation, an embedding that no or several relationships could mean, a filter or order on what is not
/// embedded, a media type that nobody makes, a column to be written that there is none of, a PUT that does not name one row by its key, and unknown
/// preferences under `handling=strict`.
pub fn plan<'a>(request: &'a ApiRequest, catalog: &'a Catalog, config: &Config) -> Result<Plan<'a>, Error> {
    let mut plan = match request.action {
        Action::Read => Plan::Read(read::plan(request, catalog, config)?),
        Action::Create | Action::Update | Action::Upsert | Action::Delete => {
            Plan::Mutate(mutate::plan(request, catalog, config)?)
        }
        Action::Call => Plan::Call(call::plan(request, catalog, config)?),
        Action::Inspect => return Ok(Plan::Inspect),
    };
    if let Some(read) = plan.read_mut() {
        read.handler = handler::choose(request, catalog, read)?;
    }
    if request.preferences.is_refused() {
        return Err(ErrorKind::InvalidPreferences { preferences: request.preferences.unknown.clone() }.into());
    }
    Ok(plan)
}

fn not_found(request: &ApiRequest, catalog: &Catalog) -> Error {
    table_not_found(&request.schema, &request.target, catalog)
}

/// What is said of a relation that the catalog does not have.
pub(crate) fn table_not_found(schema: &str, name: &str, catalog: &Catalog) -> Error {
    let names = catalog.relations_in(schema).map(|relation| relation.name());
    ErrorKind::TableNotFound {
        schema: schema.to_owned(),
        relation: name.to_owned(),
        suggestion: similar::most_similar(name, names, similar::CLOSE).map(str::to_owned),
    }
    .into()
}

/// What is said of a function that the catalog does not have.
pub(crate) fn function_not_found(schema: &str, name: &str, catalog: &Catalog) -> Error {
    let names = catalog.functions_in(schema).map(|function| function.name());
    ErrorKind::FunctionNotFound {
        schema: schema.to_owned(),
        function: name.to_owned(),
        arguments: vec![],
        form: ArgumentsForm::Named,
        suggestion: similar::most_similar(name, names, similar::REMOTE).map(str::to_owned),
    }
    .into()
}

#[cfg(test)]
mod tests;
