//! Rules for rows: a table `[rules.RELATION.COLUMN]` for each column.

use std::borrow::Cow;

use validate::{Bound, Format, Matcher, Rule};

use crate::Value;
use crate::value::Unfit;

/// What the paths of all settings of rules begin with.
pub(crate) const TABLE: &str = "rules";

/// What is asked of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRules {
    /// The relation, in whichever exposed schema.
    pub relation: String,
    /// The column.
    pub column: String,
    /// In the order in which they are written.
    pub rules: Vec<Rule>,
}

/// Sets one rule; `path` is that of the whole setting.
pub(crate) fn set(rules: &mut Vec<ColumnRules>, path: &[String], value: Value) -> Result<(), Cow<'static, str>> {
    let [_, relation, column, name] = path else {
        return Err("is no rule: those of a column are a table `[rules.RELATION.COLUMN]`".into());
    };
    let Some(rule) = rule(name, value)? else { return Ok(()) };
    let known = rules.iter().position(|known| known.relation == *relation && known.column == *column);
    let place = known.unwrap_or(rules.len());
    if place == rules.len() {
        rules.push(ColumnRules { relation: relation.clone(), column: column.clone(), rules: vec![] });
    }
    rules[place].rules.push(rule);
    Ok(())
}

fn rule(name: &str, value: Value) -> Result<Option<Rule>, Cow<'static, str>> {
    Ok(Some(match name {
        "required" => return Ok(value.flag()?.then_some(Rule::Required)),
        "min" => Rule::Min(bound(value)?),
        "max" => Rule::Max(bound(value)?),
        "min-length" => Rule::MinLength(length(value)?),
        "max-length" => Rule::MaxLength(length(value)?),
        "pattern" => Rule::Pattern(matcher(value)?),
        "format" => Rule::Format(format(value)?),
        "one-of" => Rule::OneOf(names(value)?),
        "together-with" => Rule::TogetherWith(names(value)?),
        _ => return Err("is no rule".into()),
    }))
}

/// TOML's floats are not read, and would not hold every number.
fn bound(value: Value) -> Result<Bound, Unfit> {
    let number = match value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Text(number) => Some(number),
        Value::Flag(_) | Value::List(_) => None,
    };
    number.and_then(|number| Bound::new(&number)).ok_or("takes an integer, or any other number between quotes")
}

fn length(value: Value) -> Result<u32, Unfit> {
    value.count().ok().and_then(|count| count.try_into().ok()).ok_or("takes a number of characters")
}

fn matcher(value: Value) -> Result<Matcher, Cow<'static, str>> {
    Matcher::new(&value.text()?).map_err(|error| format!("is a pattern that is not taken: {error}").into())
}

fn format(value: Value) -> Result<Format, Cow<'static, str>> {
    Format::named(&value.text()?).ok_or_else(|| {
        let known: Vec<&str> = Format::names().collect();
        format!("is one of `{}`", known.join("`, `")).into()
    })
}

fn names(value: Value) -> Result<Vec<String>, Unfit> {
    value.texts().ok().filter(|names| !names.is_empty()).ok_or("takes a list of at least one string")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str, &[Rule])]) {
        let found = Config::parse(text).unwrap().rules;
        let found: Vec<_> = found.iter().map(|each| (&*each.relation, &*each.column, &*each.rules)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[track_caller]
    fn refused(rule: &str, expected: &str) {
        let message = Config::parse(&format!("[rules.films.x]\n{rule}")).unwrap_err().to_string();
        assert_eq!(message, format!("headland.toml: line 2: `rules.films.x.{expected}"));
    }

    #[test]
    fn ok_rules() {
        let bound = |number| Bound::new(number).unwrap();
        check("", &[]);
        check(
            "[rules.films.rating]\nrequired = true\nmin = -1\nmax = '9.5'\n[rules.films.title]\nrequired = false",
            &[("films", "rating", &[Rule::Required, Rule::Min(bound("-1")), Rule::Max(bound("9.5"))])],
        );
        check(
            "[rules.'a.b'.'c.d']\nmin-length = 1\nmax-length = 9\npattern = '^[a-z]+$'\nformat = 'date-time'",
            &[(
                "a.b",
                "c.d",
                &[
                    Rule::MinLength(1),
                    Rule::MaxLength(9),
                    Rule::Pattern(Matcher::new("^[a-z]+$").unwrap()),
                    Rule::Format(Format::DateTime),
                ],
            )],
        );
        check(
            "rules.a.b.one-of = ['x']\n[rules]\nc.d.together-with = ['e', 'f']\n[rules.a]\nb.required = true",
            &[
                ("a", "b", &[Rule::OneOf(vec!["x".into()]), Rule::Required]),
                ("c", "d", &[Rule::TogetherWith(vec!["e".into(), "f".into()])]),
            ],
        );
    }

    #[test]
    fn err_rules() {
        refused("required = 1", "required` takes true or false");
        refused("min = 'x'", "min` takes an integer, or any other number between quotes");
        refused("max = true", "max` takes an integer, or any other number between quotes");
        refused("min-length = -1", "min-length` takes a number of characters");
        refused("max-length = 4294967296", "max-length` takes a number of characters");
        refused("pattern = 1", "pattern` takes a string");
        refused("one-of = []", "one-of` takes a list of at least one string");
        refused("together-with = 'y'", "together-with` takes a list of at least one string");
        refused("size = 1", "size` is no rule");
        refused("y.min = 1", "y.min` is no rule: those of a column are a table `[rules.RELATION.COLUMN]`");
        let formats = "`email`, `uri`, `uuid`, `date`, `time`, `date-time`, `hostname`, `ipv4`, `ipv6`";
        refused("format = 'e-mail'", &format!("format` is one of {formats}"));
        let message = Config::parse("[rules.films.x]\npattern = '(a)\\1'").unwrap_err().to_string();
        assert!(message.contains("`rules.films.x.pattern` is a pattern that is not taken: "), "{message}");
    }
}
