//! Which function makes bodies of which media type.

use crate::Catalog;
use crate::format::{Cursor, Section};

/// A function of the database that makes bodies of a media type
/// (<https://docs.postgrest.org/en/stable/references/api/media_type_handlers.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handler<'a> {
    /// The media type as its domain is named, such as `text/html`; `*/*` for whatever is asked for.
    pub media_type: &'a str,
    /// What is called: an aggregate of rows, or the domain itself, to which a function's result is cast. Schema and name,
    /// unquoted.
    pub function: (&'a str, &'a str),
    /// The relation whose rows are taken, or the function whose result is; `None` for rows of any relation. Schema and
    /// name, unquoted.
    pub target: Option<(&'a str, &'a str)>,
    /// Whether what it makes is `bytea`, and not text.
    pub is_binary: bool,
}

/// Handlers, in no order that means anything.
#[derive(Clone)]
pub struct Handlers<'a> {
    catalog: &'a Catalog,
    rest: Cursor<'a>,
}

impl Catalog {
    /// All handlers that the exposed schemas have.
    pub fn handlers(&self) -> Handlers<'_> {
        Handlers { catalog: self, rest: Cursor(self.section(Section::Handlers)) }
    }
}

impl<'a> Iterator for Handlers<'a> {
    type Item = Handler<'a>;

    fn next(&mut self) -> Option<Handler<'a>> {
        let catalog = self.catalog;
        let mut text = || catalog.string(self.rest.varint()?);
        let (media_type, function) = (text()?, (text()?, text()?));
        let mut optional = || Some(catalog.optional_string(self.rest.varint()?));
        let target = optional()?.zip(optional()?);
        let is_binary = self.rest.byte()? != 0;
        Some(Handler { media_type, function, target, is_binary })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Database;

    #[test]
    fn ok_handlers_of_one_relation_of_a_function_and_of_all() {
        let catalog = Database::new()
            .table("films", &["*id"])
            .with("handlers", json!(["text/html", "app", "page", "app", "films", false]))
            .with("handlers", json!(["*/*", "app", "*/*", "app", "download", true]))
            .with("handlers", json!(["text/plain", "app", "plain", null, null, false]))
            .catalog();
        let handlers: Vec<_> =
            catalog.handlers().map(|one| (one.media_type, one.function, one.target, one.is_binary)).collect();
        assert_eq!(
            handlers,
            [
                ("text/html", ("app", "page"), Some(("app", "films")), false),
                ("*/*", ("app", "*/*"), Some(("app", "download")), true),
                ("text/plain", ("app", "plain"), None, false),
            ]
        );
        assert_eq!(Database::new().catalog().handlers().count(), 0);
    }
}
