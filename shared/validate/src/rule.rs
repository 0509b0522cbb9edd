//! What an operator asks of values.

use std::fmt::{self, Write};
use std::sync::Arc;

use crate::Format;
use crate::decimal::Decimal;

/// What is asked of the values of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// A new row has a value, and none is made null.
    Required,
    /// A number of at least so much.
    Min(Bound),
    /// A number of at most so much.
    Max(Bound),
    /// At least so many characters.
    MinLength(u32),
    /// At most so many characters.
    MaxLength(u32),
    /// A part of the value matches.
    Pattern(Matcher),
    /// One of the formats that an RFC has.
    Format(Format),
    /// One of these.
    OneOf(Vec<String>),
    /// This column and these have values together, or none of them has one.
    TogetherWith(Vec<String>),
}

/// The end of a range of numbers, which is compared without a loss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound(String);

/// A pattern of Postgres' syntax that was found safe to run.
#[derive(Debug, Clone)]
pub struct Matcher {
    text: String,
    pattern: Arc<pattern::Pattern>,
}

impl Bound {
    /// A number in decimal notation, such as `-12.5` or `1e6`; `None` for anything else.
    pub fn new(number: &str) -> Option<Bound> {
        Decimal::parse(number).map(|_| Bound(number.to_owned()))
    }

    fn number(&self) -> Decimal<'_> {
        Decimal::parse(&self.0).expect("a bound is a number")
    }
}

impl Matcher {
    /// Reads a pattern.
    ///
    /// # Errors
    /// As `pattern::Pattern::new`.
    pub fn new(text: &str) -> Result<Matcher, pattern::Error> {
        Ok(Matcher { text: text.to_owned(), pattern: Arc::new(pattern::Pattern::new(text)?) })
    }

    /// What a run on a text may take, in steps.
    pub(crate) fn work(&self, text: &str) -> u64 {
        (text.len() as u64 + 1) * self.pattern.steps() as u64
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        self.text == other.text
    }
}

impl Eq for Matcher {}

impl Rule {
    /// As it is called in policy.
    pub fn name(&self) -> &'static str {
        match self {
            Rule::Required => "required",
            Rule::Min(_) => "min",
            Rule::Max(_) => "max",
            Rule::MinLength(_) => "min-length",
            Rule::MaxLength(_) => "max-length",
            Rule::Pattern(_) => "pattern",
            Rule::Format(_) => "format",
            Rule::OneOf(_) => "one-of",
            Rule::TogetherWith(_) => "together-with",
        }
    }

    /// Whether it looks at values; the others ask whether there is one.
    pub(crate) fn is_about_values(&self) -> bool {
        !matches!(self, Rule::Required | Rule::TogetherWith(_))
    }

    /// Whether a value is as it should be. A text beyond the limit of patterns is not.
    pub(crate) fn holds(&self, value: &str) -> bool {
        match self {
            Rule::Required | Rule::TogetherWith(_) => true,
            Rule::Min(bound) => Decimal::parse(value).is_some_and(|number| number.compare(&bound.number()).is_ge()),
            Rule::Max(bound) => Decimal::parse(value).is_some_and(|number| number.compare(&bound.number()).is_le()),
            Rule::MinLength(least) => value.chars().count() >= *least as usize,
            Rule::MaxLength(most) => value.chars().count() <= *most as usize,
            Rule::Pattern(matcher) => matcher.pattern.is_match(value).unwrap_or(false),
            Rule::Format(format) => format.holds(value),
            Rule::OneOf(values) => values.iter().any(|known| known == value),
        }
    }

    /// What a person has to do.
    pub(crate) fn sentence(&self, column: &str) -> String {
        let mut sentence = format!("`{column}` ");
        self.write_demand(&mut sentence).expect("a string takes all that is written");
        sentence
    }

    fn write_demand(&self, text: &mut String) -> fmt::Result {
        match self {
            Rule::Required => write!(text, "is required"),
            Rule::Min(Bound(least)) => write!(text, "has to be a number of at least {least}"),
            Rule::Max(Bound(most)) => write!(text, "has to be a number of at most {most}"),
            Rule::MinLength(least) => write!(text, "has to have at least {least} characters"),
            Rule::MaxLength(most) => write!(text, "has to have at most {most} characters"),
            Rule::Pattern(matcher) => write!(text, "has to match `{}`", matcher.text),
            Rule::Format(format) => write!(text, "has to be {}", format.description()),
            Rule::OneOf(values) => write!(text, "has to be one of `{}`", values.join("`, `")),
            Rule::TogetherWith(others) => {
                write!(text, "and `{}` have to be given together, or none of them", others.join("`, `"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(number: &str) -> Bound {
        Bound::new(number).unwrap()
    }

    #[track_caller]
    fn check(rule: Rule, sentence: &str, good: &[&str], bad: &[&str]) {
        assert_eq!(rule.sentence("x"), format!("`x` {sentence}"));
        for value in good {
            assert!(rule.holds(value), "{value:?} {sentence}");
        }
        for value in bad {
            assert!(!rule.holds(value), "{value:?} {sentence}");
        }
    }

    #[test]
    fn ok_rules() {
        check(
            Rule::Min(bound("-0.5")),
            "has to be a number of at least -0.5",
            &["-0.5", "0", "1e9", "-5e-1"],
            &["-0.51", "-1e9", "", "x", "NaN", "true"],
        );
        check(Rule::Max(bound("10")), "has to be a number of at most 10", &["10", "1e1", "-99"], &["10.0001", "x"]);
        check(Rule::MinLength(2), "has to have at least 2 characters", &["ab", "äö", "\u{1f600}x"], &["", "ä"]);
        check(Rule::MaxLength(2), "has to have at most 2 characters", &["", "äö"], &["abc", "e\u{301}e"]);
        check(
            Rule::Pattern(Matcher::new("^[a-z]+$").unwrap()),
            "has to match `^[a-z]+$`",
            &["a", "abc"],
            &["", "A", "a1", &"a".repeat(pattern::TEXT_BYTES_MAX + 1)],
        );
        check(
            Rule::OneOf(vec!["a".into(), "5".into()]),
            "has to be one of `a`, `5`",
            &["a", "5"],
            &["", "A", "a ", "5.0"],
        );
        check(
            Rule::Format(Format::Uuid),
            "has to be a UUID (RFC 9562, section 4)",
            &["f81d4fae-7dec-11d0-a765-00a0c91e6bf6"],
            &["f81d4fae"],
        );
    }

    #[test]
    fn err_no_bound() {
        for number in ["", "x", "1e", "0x10", "1,5"] {
            assert_eq!(Bound::new(number), None);
        }
    }
}
