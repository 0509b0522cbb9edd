//! Names and JSON paths, the words of every other grammar here.
//!
//! ```text
//! field      = name *( ( "->" / "->>" ) operand )
//! name       = quoted / word *( "-" word )          ; word: letters, digits, "_", "$", blanks
//! operand    = index / quoted / key                 ; index: [ "-" ] digits
//! key        = 1*( any but "(-:.,>)" ) *( "-" … )
//! ```

use super::cursor::Cursor;
use crate::error::{Error, ErrorKind};
use crate::limits::JSON_PATH_MAX;

/// A column, or something inside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// The column's name.
    pub(crate) name: String,
    /// The way into it, empty for the whole column.
    pub(crate) path: Vec<JsonOperation>,
}

/// One step into JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonOperation {
    /// `->>`: the result is text and not JSON.
    pub(crate) as_text: bool,
    /// Where the step leads.
    pub(crate) operand: JsonOperand,
}

/// Where a step into JSON leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonOperand {
    /// A member of an object.
    Key(String),
    /// An element of an array: digits, perhaps with a minus.
    Index(String),
}

const NAME: &str = "field name (* or [a..z0..9_$])";
const KEY: &str = "any non reserved character different from: .,>()";

impl Field {
    /// A column as it is.
    #[cfg(test)]
    pub(crate) fn column(name: &str) -> Field {
        Field { name: name.to_owned(), path: Vec::new() }
    }

    /// The name that the last key of a JSON path gives to the result; `None` for the whole column.
    pub(crate) fn last_key(&self) -> Option<&str> {
        self.path.last()?;
        let key = |step| match step {
            &JsonOperation { operand: JsonOperand::Key(ref key), .. } => Some(key.as_str()),
            _ => None,
        };
        self.path.iter().rev().find_map(key).or(Some(&self.name))
    }

    /// Reads a field, with blanks around it.
    pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Field, Error> {
        cursor.skip_blanks();
        let name = name(cursor)?;
        let path = path(cursor)?;
        cursor.skip_blanks();
        Ok(Field { name, path })
    }
}

/// Reads the name of a column or relation.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    if cursor.peek() == Some('"') {
        return cursor.quoted();
    }
    words(cursor, is_name_character, NAME)
}

/// Reads names with commas between them; `what` is for errors.
pub(super) fn names(what: &'static str, value: &str) -> Result<Vec<String>, Error> {
    let mut cursor = Cursor::new(what, value);
    let mut names = Vec::new();
    loop {
        cursor.skip_blanks();
        names.push(name(&mut cursor)?);
        cursor.skip_blanks();
        if cursor.is_end() {
            return Ok(names);
        }
        cursor.expect(",", "\",\"")?;
    }
}

/// Reads `->` and `->>` steps; perhaps none.
pub(super) fn path(cursor: &mut Cursor<'_>) -> Result<Vec<JsonOperation>, Error> {
    let mut path = Vec::new();
    while cursor.take("->") {
        if path.len() == JSON_PATH_MAX {
            return Err(ErrorKind::TooMuch { what: "arrows in a JSON path", limit: JSON_PATH_MAX }.into());
        }
        let as_text = cursor.take(">");
        path.push(JsonOperation { as_text, operand: operand(cursor)? });
    }
    Ok(path)
}

/// A character of a name that needs no quotes.
pub(super) fn is_name_character(character: char) -> bool {
    character.is_alphabetic() || character.is_ascii_digit() || matches!(character, '_' | '$' | ' ')
}

fn operand(cursor: &mut Cursor<'_>) -> Result<JsonOperand, Error> {
    if let Some(index) = index(cursor)? {
        return Ok(JsonOperand::Index(index));
    }
    if cursor.peek() == Some('"') {
        return cursor.quoted().map(JsonOperand::Key);
    }
    let is_key_character = |character| !matches!(character, '(' | '-' | ':' | '.' | ',' | '>' | ')');
    words(cursor, is_key_character, KEY).map(JsonOperand::Key)
}

/// Reads an index if one is next: digits that are not the start of a key.
fn index(cursor: &mut Cursor<'_>) -> Result<Option<String>, Error> {
    let mut ahead = cursor.clone();
    let is_negative = ahead.take("-");
    let digits = ahead.take_while(|character| character.is_ascii_digit());
    let ends = ahead.is_end() || ["->", "::", ".", ",", ")"].iter().any(|token| ahead.rest().starts_with(token));
    if !digits.is_empty() && ends {
        *cursor = ahead;
        return Ok(Some(if is_negative { format!("-{digits}") } else { digits.to_owned() }));
    }
    match (is_negative, digits.is_empty()) {
        (false, _) => Ok(None),
        (true, true) => Err(ahead.error(&["digit"])),
        (true, false) => Err(ahead.error(&["digit", "\"->\"", "\"::\"", "\".\"", "\",\"", "end of input"])),
    }
}

/// Reads words of `wanted` characters with single dashes between them, each without blanks around it.
fn words(cursor: &mut Cursor<'_>, wanted: impl Fn(char) -> bool, expected: &str) -> Result<String, Error> {
    let mut text = word(cursor, &wanted, expected)?.to_owned();
    while cursor.peek() == Some('-') && !cursor.rest().starts_with("->") {
        cursor.next();
        text.push('-');
        text.push_str(word(cursor, &wanted, expected)?);
    }
    Ok(text)
}

fn word<'a>(cursor: &mut Cursor<'a>, wanted: impl Fn(char) -> bool, expected: &str) -> Result<&'a str, Error> {
    let start = cursor.clone();
    let word = cursor.take_while(wanted).trim();
    if word.is_empty() { Err(start.error(&[expected])) } else { Ok(word) }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Writes a field as it was read, an index in brackets.
    pub(in crate::api_request) fn show(field: &Field) -> String {
        let step = |step: &JsonOperation| {
            let arrow = if step.as_text { "->>" } else { "->" };
            match &step.operand {
                JsonOperand::Key(key) => format!("{arrow}{key}"),
                JsonOperand::Index(index) => format!("{arrow}[{index}]"),
            }
        };
        field.path.iter().map(step).fold(field.name.clone(), |text, step| text + &step)
    }

    #[test]
    fn err_json_path_too_long() {
        let parse = |arrows: usize| Field::parse(&mut Cursor::new("", &format!("a{}", "->b".repeat(arrows))));
        assert!(parse(JSON_PATH_MAX).is_ok());
        assert!(parse(JSON_PATH_MAX + 1).is_err());
    }
}
