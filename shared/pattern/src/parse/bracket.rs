//! Bracket expressions.
//!
//! ```text
//! bracket = "[" [ "^" ] 1*( range / element / class ) "]"
//! range   = element "-" element
//! element = character / escape / "[." character ".]"
//! class   = "[:" name ":]" / "[=" character "=]" / "\d" / "\D" / …
//! ```
//!
//! `]` is itself where it comes first, and `-` where it comes first or last, or ends a range.

use super::escape::{self, Escape};
use super::reader::Reader;
use crate::ast::Set;
use crate::class::Class;
use crate::error::{Error, ErrorKind};

/// One thing in brackets.
enum Item {
    /// May begin a range.
    Character(u32),
    /// `[=a=]`, which is its character and begins no range.
    Equivalence(u32),
    Class(Class, bool),
}

/// Reads what follows the `[` at `start`. In a negated set a newline is no member where it stops.
pub(super) fn read(reader: &mut Reader<'_>, start: usize, groups: u32, newline_stops: bool) -> Result<Set, Error> {
    let mut set = Set { is_negated: reader.take("^"), offset: start, ..Set::default() };
    if set.is_negated && newline_stops {
        set.ranges.push(('\n'.into(), '\n'.into()));
    }
    let mut is_first = true;
    while is_first || !reader.take("]") {
        let offset = reader.offset();
        if !is_first && is_dash(reader) {
            return Err(ErrorKind::Range.at(offset));
        }
        match item(reader, start, groups)? {
            Item::Class(class, is_negated) => set.classes.push((class, is_negated)),
            Item::Equivalence(code) => set.ranges.push((code, code)),
            Item::Character(first) => set.ranges.push((first, last(reader, first, start, groups)?)),
        }
        is_first = false;
    }
    Ok(set)
}

/// The end of the range that `first` begins, if it does.
fn last(reader: &mut Reader<'_>, first: u32, start: usize, groups: u32) -> Result<u32, Error> {
    if !is_dash(reader) {
        return Ok(first);
    }
    let offset = reader.offset();
    reader.next();
    match item(reader, start, groups)? {
        Item::Character(last) if first <= last => Ok(last),
        _ => Err(ErrorKind::Range.at(offset)),
    }
}

/// Whether a `-` follows that is not the last one.
fn is_dash(reader: &Reader<'_>) -> bool {
    reader.rest().strip_prefix('-').is_some_and(|rest| !rest.starts_with(']'))
}

fn item(reader: &mut Reader<'_>, start: usize, groups: u32) -> Result<Item, Error> {
    let offset = reader.offset();
    if reader.take("[.") {
        return element(reader, ".]", offset).map(Item::Character);
    }
    if reader.take("[=") {
        return element(reader, "=]", offset).map(Item::Equivalence);
    }
    if reader.take("[:") {
        let class = reader.take_until(":]").and_then(Class::named).ok_or(ErrorKind::Class.at(offset))?;
        return Ok(Item::Class(class, false));
    }
    if !reader.take("\\") {
        return reader.next().map(|next| Item::Character(next.into())).ok_or(ErrorKind::UnclosedBracket.at(start));
    }
    match escape::read(reader, offset, groups)? {
        Escape::Character(code) => Ok(Item::Character(code)),
        Escape::Class(class, is_negated) => Ok(Item::Class(class, is_negated)),
    }
}

/// The one character before `end`.
fn element(reader: &mut Reader<'_>, end: &str, offset: usize) -> Result<u32, Error> {
    let name = reader.take_until(end).ok_or(ErrorKind::UnclosedBracket.at(offset))?;
    let mut characters = name.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Ok(only.into()),
        _ => Err(ErrorKind::CollatingElement.at(offset)),
    }
}
