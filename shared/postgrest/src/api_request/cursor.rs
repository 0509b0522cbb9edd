//! A place in a piece of the query string, and the errors that arise there.
//!
//! The texts are those of PostgREST's parser: clients show them, and people have learnt to read them.

use crate::error::{Error, ErrorKind};

/// Reads a text from left to right, without going back.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'a> {
    /// What is being parsed, such as `failed to parse filter (eq)`.
    label: Label<'a>,
    text: &'a str,
    offset: usize,
}

#[derive(Debug, Clone, Copy)]
struct Label<'a> {
    what: &'static str,
    shown: &'a str,
    /// Characters that PostgREST's parser has in front of `text`, for its columns.
    shift: usize,
}

/// What stands where something else was expected.
const END: &str = "end of input";

impl<'a> Cursor<'a> {
    /// Starts at the front of `text`; errors say that they failed to parse `what`.
    pub(super) fn new(what: &'static str, text: &'a str) -> Self {
        Cursor { label: Label { what, shown: text, shift: 0 }, text, offset: 0 }
    }

    /// As if `characters` more stood in front of the text.
    pub(super) fn shifted(mut self, characters: usize) -> Self {
        self.label.shift = characters;
        self
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    /// The next character.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Whether nothing is left.
    pub(super) fn is_end(&self) -> bool {
        self.offset == self.text.len()
    }

    /// Takes `token` if it is next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.offset += token.len();
        }
        found
    }

    /// Takes characters as long as they satisfy `wanted`; perhaps none.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        self.offset += length;
        &rest[..length]
    }

    /// Takes everything.
    pub(super) fn take_rest(&mut self) -> &'a str {
        let rest = self.rest();
        self.offset = self.text.len();
        rest
    }

    /// Takes blanks.
    pub(super) fn skip_blanks(&mut self) {
        self.take_while(|character| character == ' ' || character == '\t');
    }

    /// Takes one character.
    pub(super) fn next(&mut self) -> Option<char> {
        let character = self.peek()?;
        self.offset += character.len_utf8();
        Some(character)
    }

    /// Takes `token`, which has to be next.
    pub(super) fn expect(&mut self, token: &'static str, name: &'static str) -> Result<(), Error> {
        if self.take(token) { Ok(()) } else { Err(self.error(&[name])) }
    }

    /// Takes a text in double quotes, in which a backslash keeps the next character; the first quote is next.
    pub(super) fn quoted(&mut self) -> Result<String, Error> {
        self.expect("\"", "\"\\\"\"")?;
        let mut text = String::new();
        loop {
            text.push_str(self.take_while(|character| character != '"' && character != '\\'));
            match self.next() {
                Some('"') => return Ok(text),
                Some(_) => text.push(self.next().ok_or_else(|| self.error(&[]))?),
                None => return Err(self.error(&["\"\\\"\""])),
            }
        }
    }

    /// The error of finding what is next where one of `expected` should be.
    pub(super) fn error(&self, expected: &[&str]) -> Error {
        let may_end = expected.contains(&END);
        let found = match self.peek() {
            None => END.to_owned(),
            Some(character) if may_end => format!("'{character}'"),
            Some('"') => r#""\"""#.to_owned(),
            Some(character) => format!("\"{character}\""),
        };
        self.unexpected(&found, expected)
    }

    /// The error of finding none of `keywords`, which PostgREST's parser tries in this order.
    pub(super) fn no_keyword(&self, keywords: &[&str]) -> Error {
        let rest = self.rest();
        let first = keywords.first().copied().unwrap_or_default();
        let common = first.chars().zip(rest.chars()).take_while(|(wanted, found)| wanted == found).count();
        let found = rest.chars().nth(common).map_or(END.to_owned(), |character| format!("\"{character}\""));
        let quoted: Vec<String> = keywords.iter().map(|keyword| format!("\"{keyword}\"")).collect();
        self.unexpected(&found, &quoted.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The error of finding `found` where one of `expected` should be.
    pub(super) fn unexpected(&self, found: &str, expected: &[&str]) -> Error {
        let column = self.label.shift + self.text[..self.offset].chars().count() + 1;
        let Label { what, shown, .. } = self.label;
        let mut details = format!("unexpected {found}");
        if let Some((last, others)) = expected.split_last() {
            details += " expecting ";
            details += &others.join(", ");
            if !others.is_empty() {
                details += " or ";
            }
            details += last;
        }
        ErrorKind::QueryParam { message: format!("\"{what} ({shown})\" (line 1, column {column})"), details }.into()
    }
}
