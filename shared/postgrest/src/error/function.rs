//! The texts about a function that was not found.

use super::ArgumentsForm;

/// What was looked for.
pub(super) struct Sought<'a> {
    pub(super) schema: &'a str,
    pub(super) function: &'a str,
    pub(super) arguments: &'a [String],
    pub(super) form: ArgumentsForm,
}

impl Sought<'_> {
    pub(super) fn message(&self) -> String {
        let arguments = match self.form {
            ArgumentsForm::Whole(_) => String::new(),
            _ if self.arguments.is_empty() => " without parameters".to_owned(),
            _ => format!("({})", self.arguments.join(", ")),
        };
        format!("Could not find the function {}.{}{arguments} in the schema cache", self.schema, self.function)
    }

    pub(super) fn details(&self) -> String {
        let named = || match self.arguments {
            [] => " without parameters".to_owned(),
            [one] => format!(" with parameter {one}"),
            several => format!(" with parameters {}", several.join(", ")),
        };
        let arguments = match self.form {
            ArgumentsForm::Whole(data_type) => format!(" with a single unnamed {data_type} parameter"),
            ArgumentsForm::Json => named() + " or with a single unnamed json/jsonb parameter",
            ArgumentsForm::Named => named(),
        };
        format!(
            "Searched for the function {}.{}{arguments}, but no matches were found in the schema cache.",
            self.schema, self.function
        )
    }

    pub(super) fn hint(&self, meant: &str) -> String {
        format!("Perhaps you meant to call the function {}.{meant}", self.schema)
    }
}
