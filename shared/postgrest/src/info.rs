//! What `OPTIONS` is answered: which methods the target takes. It asks nothing of the database.

use bytes::Bytes;
use catalog::{Catalog, Relation, Volatility};
use config::Config;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW};
use http::{HeaderMap, HeaderValue, Response};

use crate::api_request::{Target, schema};
use crate::error::Error;
use crate::plan::{function_not_found, table_not_found};

/// The methods in `Allow` (RFC 9110 §10.2.1), for pages of any origin. The query is not looked at.
///
/// # Errors
/// A target that is not there, and a schema that is not exposed.
pub fn info(
    target: &Target<'_>,
    headers: &HeaderMap,
    catalog: &Catalog,
    config: &Config,
) -> Result<Response<Bytes>, Error> {
    let schema = schema(headers.get("accept-profile"), config)?;
    let allowed = match target {
        Target::Relation(name) => match catalog.relation(schema, name) {
            Some(relation) => of_relation(&relation),
            None => return Err(table_not_found(schema, name, catalog)),
        },
        Target::Function(name) => of_function(schema, name, catalog)?,
        Target::Root => HeaderValue::from_static("OPTIONS,GET,HEAD"),
    };
    let mut response = Response::new(Bytes::new());
    response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response.headers_mut().insert(ALLOW, allowed);
    Ok(response)
}

fn of_relation(relation: &Relation<'_>) -> HeaderValue {
    let can_upsert = relation.is_insertable() && relation.is_updatable() && relation.primary_key().next().is_some();
    let methods = [
        ("OPTIONS,GET,HEAD", true),
        (",POST", relation.is_insertable()),
        (",PUT", can_upsert),
        (",PATCH", relation.is_updatable()),
        (",DELETE", relation.is_deletable()),
    ];
    let allowed: String = methods.into_iter().filter_map(|(method, is_allowed)| is_allowed.then_some(method)).collect();
    HeaderValue::try_from(allowed).expect("names of methods are ASCII")
}

/// GET cannot call what may write. Of functions of the same name, one that it can call is enough.
fn of_function(schema: &str, name: &str, catalog: &Catalog) -> Result<HeaderValue, Error> {
    let mut functions = catalog.function(schema, name).peekable();
    if functions.peek().is_none() {
        return Err(function_not_found(schema, name, catalog));
    }
    let is_readable = functions.any(|function| function.volatility() != Volatility::Volatile);
    Ok(HeaderValue::from_static(if is_readable { "OPTIONS,GET,HEAD,POST" } else { "OPTIONS,POST" }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    /// `keyed` with a primary key and `loose` without, and views; the number is what they take.
    fn catalog() -> Catalog {
        let relations = r#"
            {"types": [["int4", "int4", "b", "b", null, [], false, null]], "columns": [["id", 0, 1]],
            "relations": [[1, "cinema", "keyed", "r", 7, null, [0], null], [2, "cinema", "loose", "r", 7, null, [0], null],
                [3, "cinema", "read", "v", 0, null, [0], null], [4, "cinema", "insert", "v", 1, null, [0], null],
                [5, "cinema", "update", "v", 2, null, [0], null], [6, "cinema", "delete", "v", 4, null, [0], null]],
            "others": [], "keys": [[1, [1]]], "foreign_keys": [], "views": [], "reads": [], "inherits": [],
            "functions": [], "computed": [], "representations": [], "handlers": [], "roles": []}"#;
        Catalog::from_introspection(relations.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(catalog: &Catalog, target: Target<'_>, expected: &str) {
        let response = info(&target, &HeaderMap::new(), catalog, &config()).unwrap();
        assert_eq!(response.headers()[ALLOW], expected, "{target:?}");
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!((response.status().as_u16(), response.body().len()), (200, 0));
    }

    #[track_caller]
    fn refused(target: Target<'_>, profile: &'static str, expected: &str) {
        let headers = [(http::HeaderName::from_static("accept-profile"), HeaderValue::from_static(profile))];
        let error = info(&target, &headers.into_iter().collect(), &catalog(), &config()).unwrap_err();
        assert_eq!(error.code(), expected);
    }

    #[test]
    fn ok_relations() {
        for (name, expected) in [
            ("keyed", "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
            ("loose", "OPTIONS,GET,HEAD,POST,PATCH,DELETE"),
            ("read", "OPTIONS,GET,HEAD"),
            ("insert", "OPTIONS,GET,HEAD,POST"),
            ("update", "OPTIONS,GET,HEAD,PATCH"),
            ("delete", "OPTIONS,GET,HEAD,DELETE"),
        ] {
            check(&catalog(), Target::Relation(name.into()), expected);
        }
    }

    #[test]
    fn ok_functions() {
        let cinema = crate::testing::catalog();
        check(&cinema, Target::Function("film".into()), "OPTIONS,GET,HEAD,POST");
        check(&cinema, Target::Function("add".into()), "OPTIONS,GET,HEAD,POST");
        check(&cinema, Target::Function("retire".into()), "OPTIONS,POST");
    }

    #[test]
    fn ok_root() {
        check(&catalog(), Target::Root, "OPTIONS,GET,HEAD");
    }

    #[test]
    fn err_not_there() {
        refused(Target::Relation("key".into()), "cinema", "PGRST205");
        refused(Target::Function("key".into()), "cinema", "PGRST202");
        refused(Target::Relation("keyed".into()), "private", "PGRST106");
    }
}
