//! What is set for the roles that a request may run as.

use crate::Catalog;
use crate::format::{Cursor, Section};

/// A role for which `ALTER ROLE … SET` says something, of those that the one who introspected may become.
#[derive(Clone, Copy)]
pub struct Role<'a> {
    catalog: &'a Catalog,
    name: &'a str,
    isolation: Option<&'a str>,
    settings: Cursor<'a>,
}

impl<'a> Role<'a> {
    /// The role's name, unquoted.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The isolation level of its transactions in lower case, such as `repeatable read`; `None` is the server's own.
    pub fn isolation(&self) -> Option<&'a str> {
        self.isolation
    }

    /// Names and values of the other settings that may be set for it, sorted by name.
    pub fn settings(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let (catalog, mut rest) = (self.catalog, self.settings);
        std::iter::from_fn(move || Some((catalog.string(rest.varint()?)?, catalog.string(rest.varint()?)?)))
    }
}

impl Catalog {
    /// The role of exactly that name, if something is set for it.
    pub fn role(&self, name: &str) -> Option<Role<'_>> {
        self.roles().find(|role| role.name == name)
    }

    /// All roles for which something is set.
    pub fn roles(&self) -> impl Iterator<Item = Role<'_>> {
        let mut rest = Cursor(self.section(Section::Roles));
        std::iter::from_fn(move || {
            let name = self.string(rest.varint()?)?;
            let isolation = self.optional_string(rest.varint()?);
            Some(Role { catalog: self, name, isolation, settings: rest.block()? })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::testing::Database;

    #[test]
    fn ok_settings_by_exact_name() {
        let catalog = Database::new()
            .with("roles", json!(["writer", "serializable", []]))
            .with("roles", json!(["anon", null, [["statement_timeout", "3s"], ["work_mem", "64MB"]]]))
            .catalog();
        let anon = catalog.role("anon").unwrap();
        assert_eq!(anon.settings().collect::<Vec<_>>(), [("statement_timeout", "3s"), ("work_mem", "64MB")]);
        assert_eq!(anon.isolation(), None);
        let writer = catalog.role("writer").unwrap();
        assert_eq!((writer.isolation(), writer.settings().count()), (Some("serializable"), 0));
        assert!(catalog.role("Anon").is_none() && catalog.role("").is_none());
    }
}
