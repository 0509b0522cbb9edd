//! Regular expressions of callers, which Postgres is to run: refused where they could run away.
//!
//! What is no regular expression goes on to Postgres, which says so in words that clients know, and for which `~` means
//! something else beside some types, such as `ltree`.

use super::filter::Quantifier;
use crate::error::{Error, ErrorKind};

/// Looks at the value of `match` or `imatch`: a pattern, or an array of patterns for any or all.
pub(super) fn check(value: &str, quantifier: Option<Quantifier>) -> Result<(), Error> {
    match quantifier {
        None => one(value),
        Some(_) => elements(value).iter().try_for_each(|element| one(element)),
    }
}

fn one(pattern: &str) -> Result<(), Error> {
    match pattern::check(pattern) {
        Err(refusal) if !refusal.kind.is_syntax() => Err(ErrorKind::RegularExpression(refusal).into()),
        _ => Ok(()),
    }
}

/// The elements of an array literal (PostgreSQL 8.15.6), those of arrays in it too. White space around an element does
/// not belong to it, unless it is quoted or escaped. A malformed literal yields something that Postgres does not run.
fn elements(literal: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut element = String::new();
    // So much of the element was quoted or escaped, and stays.
    let mut fixed = 0;
    let mut is_quoted = false;
    let mut characters = literal.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                element.extend(characters.next());
                fixed = element.len();
            }
            '"' => {
                is_quoted = !is_quoted;
                fixed = element.len();
            }
            '{' | '}' | ',' if !is_quoted => {
                element.truncate(element.trim_end_matches(is_space).len().max(fixed));
                elements.push(std::mem::take(&mut element));
                fixed = 0;
            }
            _ if !is_quoted && element.is_empty() && is_space(character) => {}
            _ => element.push(character),
        }
    }
    elements
}

/// `array_isspace` in `src/backend/utils/adt/arrayfuncs.c`.
fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t'..='\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(value: &str, quantifier: Option<Quantifier>, offset: usize) {
        let refusal = pattern::Error { kind: pattern::ErrorKind::BackReference, offset };
        assert_eq!(check(value, quantifier), Err(ErrorKind::RegularExpression(refusal).into()), "{value}");
    }

    #[test]
    fn ok_harmless() {
        for value in ["", "^foo", "(a+)+$", "{a,(b)\\1}\\", "*.Astronomy.*", "("] {
            assert_eq!(check(value, Some(Quantifier::Any)), Ok(()), "{value}");
        }
        assert_eq!(check("{a,b}", None), Ok(()));
    }

    #[test]
    fn ok_elements() {
        let check = |literal: &str, expected: &[&str]| assert_eq!(elements(literal), expected, "{literal}");
        check("{}", &["", ""]);
        check("{a, b }", &["", "a", "b"]);
        check(r#"{" a, ",\\d\ }"#, &["", " a, ", r"\d "]);
        check("[0:1]={{a},{\"\\\"\"}}", &["[0:1]=", "", "a", "", "", "\"", ""]);
        check("a", &[]);
    }

    #[test]
    fn err_runs_away() {
        refused(r"(.+)\1", None, 4);
        refused(r"{a,(.+)\\1}", Some(Quantifier::Any), 4);
        refused(r#"{{ "(.+)\\1" }}"#, Some(Quantifier::All), 4);
    }
}
