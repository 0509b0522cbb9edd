//! Texts with `{{ name }}` in them, as Spin writes them in component variables and allowed hosts.

use crate::error::{Error, ErrorKind};

/// A text in parts.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Template<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Literal(&'a str),
    Name(&'a str),
}

impl<'a> Template<'a> {
    /// Splits `text` at its braces.
    pub(crate) fn parse(text: &'a str) -> Result<Template<'a>, Error> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((literal, after)) = rest.split_once("{{") {
            let (name, after) = after
                .split_once("}}")
                .ok_or_else(|| Error::new(ErrorKind::Variable, format!("`{{{{` without `}}}}` in `{text}`")))?;
            parts.extend([Part::Literal(literal), Part::Name(name.trim())]);
            rest = after;
        }
        parts.push(Part::Literal(rest));
        Ok(Template { parts })
    }

    /// The text with each name replaced by what `lookup` has for it.
    pub(crate) fn fill<'b>(&self, lookup: impl Fn(&str) -> Result<&'b str, Error>) -> Result<String, Error> {
        self.parts.iter().try_fold(String::new(), |text, part| {
            Ok(text
                + match part {
                    Part::Literal(literal) => literal,
                    Part::Name(name) => lookup(name)?,
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let filled = Template::parse(text).and_then(|template| {
            template.fill(|name| match name {
                "a" => Ok("1"),
                "b" => Ok("{{ a }}"),
                other => Err(Error::new(ErrorKind::Variable, other)),
            })
        });
        assert_eq!(filled.as_deref().map_err(|error| error.message.as_str()), Ok(expected));
    }

    #[test]
    fn ok_parts() {
        check("", "");
        check("plain }} text", "plain }} text");
        check("{{ a }}", "1");
        check("x{{a}}y{{   a   }}z", "x1y1z");
    }

    #[test]
    fn ok_value_is_not_a_template() {
        check("{{ b }}", "{{ a }}");
    }

    #[test]
    fn err_unmatched() {
        assert!(Template::parse("a {{ b").is_err());
    }
}
