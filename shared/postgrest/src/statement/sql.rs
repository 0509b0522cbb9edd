//! SQL text and its parameters, as they grow.

use sql::Statement;

/// A statement that is being written.
#[derive(Debug, Default)]
pub(super) struct Sql {
    text: String,
    parameters: Vec<Option<String>>,
    /// Where in the text each parameter stands.
    places: Vec<usize>,
}

impl Sql {
    /// Writes SQL that is not from the request.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Writes a name in quotes, which is safe for any name.
    pub(super) fn name(&mut self, name: &str) -> &mut Self {
        self.text.push('"');
        for character in name.chars() {
            self.text.push(character);
            if character == '"' {
                self.text.push(character);
            }
        }
        self.text.push('"');
        self
    }

    /// Writes a parameter with this value.
    pub(super) fn value(&mut self, value: impl Into<String>) -> &mut Self {
        self.parameters.push(Some(value.into()));
        self.places.push(self.text.len());
        self.text.push('$');
        self.text.push_str(&self.parameters.len().to_string());
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

    /// The text as Postgres' own `format` takes it, which puts the values into it, quoted; and the values.
    pub(super) fn into_template(self) -> (String, Vec<Option<String>>) {
        let mut template = String::with_capacity(self.text.len() + 2 * self.places.len());
        let mut written = 0;
        for (index, place) in self.places.iter().enumerate() {
            let number = (index + 1).to_string();
            template += &self.text[written..*place].replace('%', "%%");
            template.push('%');
            template += &number;
            template += "$L";
            written = place + 1 + number.len();
        }
        template += &self.text[written..].replace('%', "%%");
        (template, self.parameters)
    }

    /// The finished statement.
    pub(super) fn into_statement(self) -> Statement {
        Statement { text: self.text, parameters: self.parameters }
    }
}
