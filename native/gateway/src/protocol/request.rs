//! A request's body.
//!
//! ```text
//! single  {"query": string, "params"?: any[], "arrayMode"?: bool | null}
//! batch   {"queries": single[]}
//! ```
//!
//! Unknown keys are ignored; a body that is both is a single query.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::parameter;
use crate::pg::Parameter;
use crate::{Error, ErrorKind};

/// Parameters of one query: what the protocol of Postgres can count.
pub(crate) const PARAMETERS_MAX: usize = u16::MAX as usize;

/// What a request asks for. Text without escapes is borrowed from the body.
#[derive(Debug)]
pub(crate) enum Queries<'a> {
    Single(Query<'a>),
    Batch(Vec<Query<'a>>),
}

#[derive(Debug)]
pub(crate) struct Query<'a> {
    pub(crate) sql: Cow<'a, str>,
    pub(crate) parameters: Vec<Parameter<'a>>,
    /// Rows as arrays, whatever the header says.
    pub(crate) array: Option<bool>,
}

impl<'a> Queries<'a> {
    pub(crate) fn parse(body: &'a [u8]) -> Result<Queries<'a>, Error> {
        let body: Body<'a> = serde_json::from_slice(body).map_err(|error| refuse(error.to_string()))?;
        if let Some(Text(sql)) = body.query {
            return Ok(Queries::Single(Query::new(sql, &body.params, body.array_mode)?));
        }
        let Some(queries) = body.queries else {
            return Err(refuse("the body holds neither `query` nor `queries`"));
        };
        let query = |single: Single<'a>| Query::new(single.query.0, &single.params, single.array_mode);
        Ok(Queries::Batch(queries.into_iter().map(query).collect::<Result<_, _>>()?))
    }

    pub(crate) fn as_slice(&self) -> &[Query<'a>] {
        match self {
            Queries::Single(query) => std::slice::from_ref(query),
            Queries::Batch(queries) => queries,
        }
    }

    pub(crate) fn is_batch(&self) -> bool {
        matches!(self, Queries::Batch(_))
    }
}

impl<'a> Query<'a> {
    fn new(sql: Cow<'a, str>, params: &[&'a RawValue], array: Option<bool>) -> Result<Query<'a>, Error> {
        if params.len() > PARAMETERS_MAX {
            return Err(refuse(format!("a query has too many parameters (max is {PARAMETERS_MAX})")));
        }
        // Postgres ends the text of a statement at a zero byte, and so would run something else.
        if sql.contains('\0') {
            return Err(refuse("a query holds a zero byte"));
        }
        let parameters = params.iter().map(|value| parameter::encode(value)).collect::<Result<_, _>>()?;
        Ok(Query { sql, parameters, array })
    }
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    query: Option<Text<'a>>,
    #[serde(borrow, default)]
    params: Vec<&'a RawValue>,
    #[serde(rename = "arrayMode")]
    array_mode: Option<bool>,
    #[serde(borrow)]
    queries: Option<Vec<Single<'a>>>,
}

#[derive(Deserialize)]
struct Single<'a> {
    #[serde(borrow)]
    query: Text<'a>,
    #[serde(borrow, default)]
    params: Vec<&'a RawValue>,
    #[serde(rename = "arrayMode")]
    array_mode: Option<bool>,
}

/// Serde borrows a `Cow` only where it is told so on the field itself.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: &str) {
        let got = match Queries::parse(body.as_bytes()) {
            Err(error) => error.to_string(),
            Ok(queries) => {
                let kind = if queries.is_batch() { "batch" } else { "single" };
                let write = |query: &Query| format!(" {}{:?}{:?}", query.sql, query.parameters, query.array);
                kind.to_owned() + &queries.as_slice().iter().map(write).collect::<String>()
            }
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn ok_single() {
        check(r#"{"query":"a"}"#, "single a[]None");
        check(r#"{"query":"a","params":[],"arrayMode":null,"other":{}}"#, "single a[]None");
        check(r#"{"arrayMode":true,"params":["x",null],"query":"\u0061"}"#, r#"single a[Some("x"), None]Some(true)"#);
    }

    #[test]
    fn ok_batch() {
        check(r#"{"queries":[]}"#, "batch");
        check(
            r#"{"queries":[{"query":"a"},{"query":"b","params":[1],"arrayMode":false}]}"#,
            r#"batch a[]None b[Some("1")]Some(false)"#,
        );
    }

    #[test]
    fn ok_single_wins() {
        check(r#"{"queries":[],"query":"a"}"#, "single a[]None");
    }

    #[test]
    fn err_body() {
        check("", "EOF while parsing a value at line 1 column 0");
        check("[]", "invalid length 0, expected struct Body with 4 elements at line 1 column 2");
        check("{}", "the body holds neither `query` nor `queries`");
        check(r#"{"query":1}"#, "invalid type: integer `1`, expected a string at line 1 column 10");
        check(r#"{"query":"a","params":null}"#, "invalid type: null, expected a sequence at line 1 column 26");
        check(r#"{"queries":[{}]}"#, "missing field `query` at line 1 column 14");
        check(r#"{"query":"a"} x"#, "trailing characters at line 1 column 15");
        check(r#"{"query":"a\u0000b"}"#, "a query holds a zero byte");
    }

    #[test]
    fn err_one_parameter_too_many() {
        let body = |count: usize| format!(r#"{{"query":"a","params":[{}0]}}"#, "0,".repeat(count - 1));
        assert!(Queries::parse(body(PARAMETERS_MAX).as_bytes()).is_ok());
        check(&body(PARAMETERS_MAX + 1), "a query has too many parameters (max is 65535)");
    }

    #[test]
    fn err_not_utf8() {
        assert!(Queries::parse(b"{\"query\":\"\xff\"}").is_err());
        assert!(Queries::parse(b"{\"query\":\"\",\"params\":[\"\xff\"]}").is_err());
    }
}
