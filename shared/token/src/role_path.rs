//! Where in the claims the role is: `jwt-role-claim-key`.
//!
//! ```text
//! path     = "$" *(segment) / 1*(dsl)                           what begins with `$` is RFC 9535
//! segment  = "." name / "[" (quoted / integer / filter) "]"
//! filter   = "?" test / "?(" test ")"
//! test     = place ("==" / "!=") quoted / ("search" / "match") "(" place "," quoted ")"
//! place    = "@" *("." name / "[" quoted "]")
//! dsl      = "." (name / dquoted) / "[" digits "]" / "[?(@" operator dquoted ")]"     PostgREST's older form
//! operator = "==" / "!=" / "^==" / "==^" / "*=="                begins with, ends with, contains
//! ```
//!
//! Of RFC 9535 that is what finds one value; the rest is refused by name: `..`, `*`, slices, several selectors, logical
//! operators, and regular expressions other than plain text with `^` and `$`.

mod parse;

use serde_json::Value;

use crate::error::Unusable;

/// A path to a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolePath(Vec<Segment>);

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    /// The member of an object.
    Name(String),
    /// The element of an array; below 0, from its end.
    Index(i64),
    /// The elements of an array, or members of an object, that pass.
    Filter(Filter),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Filter {
    /// Where in the element to look.
    place: Vec<String>,
    test: Test,
    text: String,
}

/// How a value is compared with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Is,
    /// Also true of what is no text, or not there.
    IsNot,
    IsOtherText,
    StartsWith,
    EndsWith,
    Contains,
}

impl RolePath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is not of the grammar above.
    pub fn parse(text: &str) -> Result<RolePath, Unusable> {
        let refused = |problem| format!("failed to parse role-claim-key value ({text}): {problem}");
        parse::path(text).map(RolePath).map_err(|problem| Unusable(refused(problem).into()))
    }

    /// The role that is there first: a text, or the JSON of what is none, which will be no role.
    pub fn find(&self, claims: &Value) -> Option<String> {
        Some(match find(claims, &self.0)? {
            Value::String(role) => role.clone(),
            other => other.to_string(),
        })
    }
}

fn find<'a>(value: &'a Value, path: &[Segment]) -> Option<&'a Value> {
    let Some((segment, rest)) = path.split_first() else { return Some(value) };
    match (segment, value) {
        (Segment::Name(name), Value::Object(members)) => find(members.get(name)?, rest),
        (Segment::Index(index), Value::Array(elements)) => {
            let from_end = elements.len().checked_sub(index.unsigned_abs() as usize);
            let index = if *index < 0 { from_end? } else { *index as usize };
            find(elements.get(index)?, rest)
        }
        (Segment::Filter(filter), Value::Array(elements)) => {
            elements.iter().filter(|element| filter.passes(element)).find_map(|element| find(element, rest))
        }
        (Segment::Filter(filter), Value::Object(members)) => {
            members.values().filter(|member| filter.passes(member)).find_map(|member| find(member, rest))
        }
        _ => None,
    }
}

impl Filter {
    fn passes(&self, element: &Value) -> bool {
        let value = self.place.iter().try_fold(element, |value, name| value.get(name));
        let text = value.and_then(Value::as_str);
        match self.test {
            Test::Is => text == Some(&self.text),
            Test::IsNot => text != Some(&self.text),
            Test::IsOtherText => text.is_some_and(|text| text != self.text),
            Test::StartsWith => text.is_some_and(|text| text.starts_with(&self.text)),
            Test::EndsWith => text.is_some_and(|text| text.ends_with(&self.text)),
            Test::Contains => text.is_some_and(|text| text.contains(&self.text)),
        }
    }
}

#[cfg(test)]
mod tests;
