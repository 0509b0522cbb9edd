//! The root document: what a schema offers, as OpenAPI 2.
//!
//! Postgres writes all of it (openapi.sql), in the caller's role, so that privileges are its own answer. What it would
//! have to guess comes from the catalog: keys and relationships of views, and which relations take rows.

use ::sql::Statement;
use catalog::{Cardinality, Catalog, Relation};
use config::{Config, OpenApiMode};

use crate::api_request::ApiRequest;

/// Where functions/rest answers, when no other address is configured. A document without a host is about the one that
/// serves it.
const BASE_PATH: &str = "/rest/v1";

/// The settings that openapi.sql needs to be quick, and itself: its one row has the column `body`.
pub(super) fn statements(request: &ApiRequest, catalog: &Catalog, config: &Config) -> Vec<Statement> {
    if request.is_head() {
        return vec![Statement { text: "SELECT '' AS body".to_owned(), parameters: vec![] }];
    }
    vec![
        Statement { text: catalog::INTROSPECTION_SETTINGS.to_owned(), parameters: vec![] },
        Statement {
            text: include_str!("openapi.sql").to_owned(),
            parameters: parameters(&request.schema, catalog, config),
        },
    ]
}

fn parameters(schema: &str, catalog: &Catalog, config: &Config) -> Vec<Option<String>> {
    let mut notes = Vec::new();
    let mut without_rows = Vec::new();
    for relation in catalog.relations_in(schema) {
        notes.extend(keys(relation));
        if !(relation.is_insertable() || relation.is_updatable() || relation.is_deletable()) {
            without_rows.push(relation.name());
        }
    }
    let follows_privileges = config.openapi_mode == OpenApiMode::FollowPrivileges;
    let server = config.openapi_server_proxy_uri.as_deref().and_then(Server::parse);
    vec![
        Some(schema.to_owned()),
        Some(follows_privileges.to_string()),
        Some(json(&notes)),
        Some(json(&without_rows)),
        server.as_ref().map(Server::host),
        Some(server.as_ref().map_or(BASE_PATH, |server| server.path).to_owned()),
        server.as_ref().map(|server| server.scheme.to_owned()),
        Some(config.openapi_security_active.to_string()),
    ]
}

/// Relation, column, and what is said of it, for each column that is part of a key.
fn keys(relation: Relation<'_>) -> Vec<[String; 3]> {
    let foreign_keys = foreign_keys(relation);
    let mut keys = Vec::new();
    for column in relation.columns().map(|column| column.name()) {
        let mut note = String::new();
        if relation.primary_key().any(|name| name == column) {
            note.push_str("This is a Primary Key.<pk/>");
        }
        if let Some((_, target, key)) = foreign_keys.iter().find(|(source, ..)| *source == column) {
            let (table, newline) = (target.name(), if note.is_empty() { "" } else { "\n" });
            note += &format!("{newline}This is a Foreign Key to `{table}.{key}`.<fk table='{table}' column='{key}'/>");
        }
        if !note.is_empty() {
            keys.push([relation.name().to_owned(), column.to_owned(), note]);
        }
    }
    keys
}

/// Each column that alone refers to a column of the same schema, tables before views.
fn foreign_keys<'a>(relation: Relation<'a>) -> Vec<(&'a str, Relation<'a>, &'a str)> {
    let mut foreign_keys = Vec::new();
    for relationship in relation.relationships() {
        use Cardinality::{ManyToOne, OneToOne};
        let target = relationship.target();
        if let ManyToOne { columns, .. } | OneToOne { columns, is_parent: false, .. } = relationship.cardinality()
            && let [(column, key)] = columns[..]
            && target.schema() == relation.schema()
        {
            foreign_keys.push((column, target, key));
        }
    }
    sort::sort_by(&mut foreign_keys, &|(_, one, _), (_, other, _)| one.kind().is_view().cmp(&other.kind().is_view()));
    foreign_keys
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("lists of text always serialise")
}

/// Where a proxy says that the API is.
struct Server<'a> {
    scheme: &'a str,
    authority: &'a str,
    path: &'a str,
}

impl<'a> Server<'a> {
    fn parse(uri: &'a str) -> Option<Server<'a>> {
        let (scheme, rest) = uri.split_once("://")?;
        let rest = rest.split(['?', '#']).next()?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        Some(Server { scheme, authority, path: if path.is_empty() { "/" } else { path } })
    }

    /// With the port, also where it is the scheme's own.
    fn host(&self) -> String {
        let host = self.authority.rsplit('@').next().unwrap_or_default();
        let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
        let port = match self.scheme {
            _ if has_port => "",
            "http" => ":80",
            _ => ":443",
        };
        format!("{host}{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn parameters(config: &Config) -> Vec<Option<String>> {
        super::parameters("cinema", &testing::catalog(), config)
    }

    #[test]
    fn ok_keys() {
        let notes: Vec<[String; 3]> =
            serde_json::from_str(parameters(&testing::config())[2].as_deref().unwrap()).unwrap();
        let check = |relation: &str, column: &str, expected: Option<&str>| {
            let note = notes.iter().find(|note| note[0] == relation && note[1] == column);
            assert_eq!(note.map(|note| note[2].as_str()), expected, "{relation}.{column}");
        };
        check("films", "id", Some("This is a Primary Key.<pk/>"));
        check("films", "title", None);
        let to_directors = "This is a Foreign Key to `directors.id`.<fk table='directors' column='id'/>";
        check("films", "director_id", Some(to_directors));
        // Through a view as through the table.
        check("old_films", "director_id", Some(to_directors));
        // Part of the primary key, and a foreign key.
        check(
            "roles",
            "film_id",
            Some("This is a Primary Key.<pk/>\nThis is a Foreign Key to `films.id`.<fk table='films' column='id'/>"),
        );
    }

    #[test]
    fn ok_server() {
        #[track_caller]
        fn check(uri: &str, expected: [Option<&str>; 3]) {
            let config = Config { openapi_server_proxy_uri: Some(uri.to_owned()), ..testing::config() };
            assert_eq!(parameters(&config)[4..7], expected.map(|part| part.map(str::to_owned)), "{uri}");
        }
        let none = parameters(&testing::config());
        assert_eq!(none[4..7], [None, Some("/rest/v1".to_owned()), None]);
        check("https://postgrest.com/openapi.json", [Some("postgrest.com:443"), Some("/openapi.json"), Some("https")]);
        check("http://example.com", [Some("example.com:80"), Some("/"), Some("http")]);
        check("https://me@example.com:8443/a/b/?x#y", [Some("example.com:8443"), Some("/a/b/"), Some("https")]);
        check("http://[::1]/", [Some("[::1]:80"), Some("/"), Some("http")]);
        check("http://[::1]:3000/", [Some("[::1]:3000"), Some("/"), Some("http")]);
    }

    #[test]
    fn ok_options() {
        let config =
            Config { openapi_mode: OpenApiMode::IgnorePrivileges, openapi_security_active: true, ..testing::config() };
        let on = parameters(&config);
        assert_eq!([on[1].as_deref(), on[7].as_deref()], [Some("false"), Some("true")]);
        let off = parameters(&testing::config());
        assert_eq!([off[1].as_deref(), off[7].as_deref()], [Some("true"), Some("false")]);
    }
}
