//! What an option is set to, and what an option asks of it.

/// A value as it is written in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Integer(i64),
    Flag(bool),
    List(Vec<Value>),
}

/// What the option takes instead.
pub(crate) type Unfit = &'static str;

impl Value {
    pub(crate) fn text(self) -> Result<String, Unfit> {
        if let Value::Text(text) = self { Ok(text) } else { Err("takes a string") }
    }

    /// `None` for the empty string, as PostgREST has it.
    pub(crate) fn optional_text(self) -> Result<Option<String>, Unfit> {
        self.text().map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    pub(crate) fn texts(self) -> Result<Vec<String>, Unfit> {
        const UNFIT: Unfit = "takes a list of strings";
        let Value::List(values) = self else { return Err(UNFIT) };
        values.into_iter().map(|value| value.text().map_err(|_| UNFIT)).collect()
    }

    pub(crate) fn flag(self) -> Result<bool, Unfit> {
        if let Value::Flag(flag) = self { Ok(flag) } else { Err("takes true or false") }
    }

    pub(crate) fn count(self) -> Result<u64, Unfit> {
        const UNFIT: Unfit = "takes an integer that is not negative";
        let Value::Integer(number) = self else { return Err(UNFIT) };
        u64::try_from(number).map_err(|_| UNFIT)
    }

    /// The value that goes with the text.
    pub(crate) fn one_of<T: Copy>(self, known: &[(&str, T)], unfit: Unfit) -> Result<T, Unfit> {
        let text = self.text().map_err(|_| unfit)?;
        known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value).ok_or(unfit)
    }
}
