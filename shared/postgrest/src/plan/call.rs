//! Which function is called, with which arguments, and what is read of its result.
//!
//! Functions may share a name: the names of the arguments choose among them. A function with one parameter that has no
//! name takes a body whole, if its type and `Content-Type` agree, and no other function takes its members as arguments
//! (<https://docs.postgrest.org/en/stable/references/api/functions.html>).

use catalog::{Catalog, Function, Parameter, Volatility};
use config::Config;

use super::{read, similar};
use crate::api_request::{ApiRequest, ContentType, Json, Payload, Whole};
use crate::error::{ArgumentsForm, Error, ErrorKind};
use crate::plan::ReadPlan;

/// A call, and what is read of the rows that it returns.
#[derive(Debug)]
pub struct CallPlan<'a> {
    pub(crate) function: Function<'a>,
    /// Its root is the call.
    pub(crate) read: ReadPlan<'a>,
    pub(crate) is_read_only: bool,
}

/// A function with its arguments.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) function: Function<'a>,
    pub(crate) arguments: Arguments<'a>,
}

/// What a function is called with.
#[derive(Debug)]
pub(crate) enum Arguments<'a> {
    /// Values of the query or of a form, each for a parameter.
    Texts(Vec<(Parameter<'a>, Argument<'a>)>),
    /// Members of JSON, for these parameters.
    Members(Vec<Parameter<'a>>, &'a Json),
    /// The whole body for the only parameter.
    Body(Parameter<'a>, Body<'a>),
}

/// The value of one parameter.
#[derive(Debug)]
pub(crate) enum Argument<'a> {
    One(&'a str),
    /// For a variadic parameter.
    Several(Vec<&'a str>),
}

/// A body that is one argument.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    Json(&'a Json),
    Whole(&'a Whole),
}

/// Resolves a request to call a function.
pub(super) fn plan<'a>(request: &'a ApiRequest, catalog: &'a Catalog, config: &Config) -> Result<CallPlan<'a>, Error> {
    let given = Given::of(request);
    let function = find(request, catalog, &given)?;
    if request.preferences.affected_max().is_some() && !function.returns_set() {
        return Err(ErrorKind::MaxAffectedOfOne.into());
    }
    let call = Call { function, arguments: given.arguments(function) };
    let is_read_only = given.is_read || function.volatility() != Volatility::Volatile;
    Ok(CallPlan { function, read: read::of_call(call, request, catalog, config)?, is_read_only })
}

/// What the request gives as arguments.
struct Given<'a> {
    /// Whether it is GET or HEAD.
    is_read: bool,
    content_type: &'a ContentType,
    payload: Option<&'a Payload>,
    /// From the query or a form.
    texts: &'a [(String, String)],
    /// The names of all arguments, sorted.
    names: Vec<&'a str>,
}

impl<'a> Given<'a> {
    fn of(request: &'a ApiRequest) -> Given<'a> {
        let payload = request.payload.as_ref();
        let (texts, names): (&[(String, String)], Vec<&str>) = match payload {
            None => (&request.query_params.arguments, vec![]),
            Some(Payload::Form(fields)) => (fields, vec![]),
            Some(Payload::Json(json)) => (&[], json.keys.iter().map(String::as_str).collect()),
            Some(Payload::Whole(_)) => (&[], vec![]),
        };
        let mut names = [names, texts.iter().map(|(name, _)| name.as_str()).collect()].concat();
        sort::distinct(&mut names);
        Given { is_read: payload.is_none(), content_type: &request.content_type, payload, texts, names }
    }

    /// Whether these are arguments for a function: all that it requires, and none that it does not have.
    fn suit(&self, function: Function<'_>) -> bool {
        if function.parameters().next().is_none() {
            return self.names.is_empty() && !matches!(self.payload, Some(Payload::Whole(_)));
        }
        let has = |name: &str| function.parameters().any(|parameter| parameter.name == name);
        let is_given = |parameter: Parameter<'_>| !parameter.is_required || self.names.contains(&parameter.name);
        self.names.iter().all(|name| has(name)) && function.parameters().all(is_given)
    }

    /// Whether the body is for the only parameter, which has no name.
    fn suit_whole(&self, function: Function<'_>) -> bool {
        let mut parameters = function.parameters();
        let (Some(only), None) = (parameters.next(), parameters.next()) else { return false };
        let data_type = match self.payload {
            Some(Payload::Json(_)) if *self.content_type == ContentType::Json => only.data_type.trim_end_matches('b'),
            Some(Payload::Whole(_)) => only.data_type,
            _ => return false,
        };
        only.name.is_empty() && data_type == self.type_of_whole()
    }

    fn type_of_whole(&self) -> &'static str {
        match self.payload {
            Some(Payload::Whole(Whole::Text(_))) => "text",
            Some(Payload::Whole(Whole::Xml(_))) => "xml",
            Some(Payload::Whole(Whole::Bytes(_))) => "bytea",
            _ => "json",
        }
    }

    fn form(&self) -> ArgumentsForm {
        match self.payload {
            Some(Payload::Whole(_)) => ArgumentsForm::Whole(self.type_of_whole()),
            Some(Payload::Json(_)) if *self.content_type == ContentType::Json => ArgumentsForm::Json,
            _ => ArgumentsForm::Named,
        }
    }

    /// The arguments, each with its parameter.
    fn arguments(&self, function: Function<'a>) -> Arguments<'a> {
        if let Some(only) = function.parameters().next().filter(|only| only.name.is_empty()) {
            match self.payload {
                Some(Payload::Json(json)) => return Arguments::Body(only, Body::Json(json)),
                Some(Payload::Whole(whole)) => return Arguments::Body(only, Body::Whole(whole)),
                _ => {}
            }
        }
        let given = function.parameters().filter(|parameter| self.names.contains(&parameter.name));
        match self.payload {
            Some(Payload::Json(json)) => Arguments::Members(given.collect(), json),
            _ => Arguments::Texts(given.map(|parameter| (parameter, self.argument(parameter))).collect()),
        }
    }

    /// Of values for one parameter the last counts, unless it takes any number.
    fn argument(&self, parameter: Parameter<'_>) -> Argument<'a> {
        let mut values = self.texts.iter().filter(|(name, _)| name == parameter.name).map(|(_, value)| value.as_str());
        match parameter.is_variadic {
            true => Argument::Several(values.collect()),
            false => Argument::One(values.next_back().unwrap_or_default()),
        }
    }
}

/// The one function that the arguments suit; where there is none, the one that takes the body whole.
fn find<'a>(request: &ApiRequest, catalog: &'a Catalog, given: &Given<'_>) -> Result<Function<'a>, Error> {
    let overloads = || catalog.function(&request.schema, &request.target);
    let mut suitable: Vec<Function<'a>> = overloads().filter(|function| given.suit(*function)).collect();
    if suitable.is_empty() {
        suitable = overloads().filter(|function| given.suit_whole(*function)).collect();
    }
    match suitable.as_slice() {
        [function] => Ok(*function),
        [] => Err(not_found(request, catalog, given)),
        several => {
            Err(ErrorKind::AmbiguousFunction { candidates: several.iter().map(|one| format!("{one:?}")).collect() }
                .into())
        }
    }
}

fn not_found(request: &ApiRequest, catalog: &Catalog, given: &Given<'_>) -> Error {
    let form = given.form();
    let suggestion = match form {
        ArgumentsForm::Whole(_) => None,
        _ => suggestion(request, catalog, given),
    };
    ErrorKind::FunctionNotFound {
        schema: request.schema.clone(),
        function: request.target.clone(),
        arguments: given.names.iter().map(|name| name.to_string()).collect(),
        form,
        suggestion,
    }
    .into()
}

/// A function with a similar name; or, if there are some with this one, the most similar parameters.
fn suggestion(request: &ApiRequest, catalog: &Catalog, given: &Given<'_>) -> Option<String> {
    let overloads: Vec<String> = catalog
        .function(&request.schema, &request.target)
        .map(|function| list(function.parameters().map(|parameter| parameter.name)))
        .collect();
    if overloads.is_empty() {
        let names = catalog.functions_in(&request.schema).map(|function| function.name());
        return similar::most_similar(&request.target, names, similar::REMOTE).map(str::to_owned);
    }
    let given = list(given.names.iter().copied());
    let meant = similar::most_similar(&given, overloads.iter().map(String::as_str), similar::REMOTE)?;
    Some(format!("{}{meant}", request.target))
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    sort::sort_by(&mut names, &|one, other| one.cmp(other));
    format!("({})", names.join(", "))
}
