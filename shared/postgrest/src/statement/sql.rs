//! SQL text and its parameters, as they grow.

use sql::Statement;

/// A statement that is being written.
#[derive(Debug, Default)]
pub(super) struct Sql {
    text: String,
    parameters: Vec<Option<String>>,
    is_template: bool,
}

impl Sql {
    /// A text for Postgres' own `format`, which puts the values into it, quoted.
    pub(super) fn template() -> Self {
        Sql { is_template: true, ..Sql::default() }
    }

    /// Writes SQL that is not from the request, and has no `%`.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Writes a name in quotes, which is safe for any name.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        self.text.push('"');
        for character in name.chars() {
            self.text.push(character);
            if character == '"' || character == '%' && self.is_template {
                self.text.push(character);
            }
        }
        self.text.push('"');
        self
    }

    /// Writes a parameter with this value.
    pub(super) fn value(&mut self, value: impl Into<String>) -> &mut Self {
        self.parameters.push(Some(value.into()));
        let number = self.parameters.len();
        self.text += &if self.is_template { format!("%{number}$L") } else { format!("${number}") };
        self
    }

    /// Writes each item, and `separator` between them.
    pub(super) fn separated<T>(
        &mut self,
        separator: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.push(separator);
            }
            write(self, item);
        }
        self
    }

    /// The finished statement.
    pub(super) fn into_statement(self) -> Statement {
        Statement { text: self.text, parameters: self.parameters }
    }
}
