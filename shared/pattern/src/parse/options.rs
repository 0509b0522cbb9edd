//! What may stand in front of a pattern: `***:`, `***=` and `(?i)`.

use super::reader::Reader;
use crate::ast::Options;
use crate::error::{Error, ErrorKind};

/// Reads a prefix and the embedded options.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Options, Error> {
    let mut options = Options::default();
    if reader.take("***=") {
        options.is_literal = true;
        return Ok(options);
    }
    if !reader.take("***:") && reader.rest().starts_with("***") {
        return Err(ErrorKind::Option.at(0));
    }
    let has_options =
        reader.rest().strip_prefix("(?").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()));
    if has_options {
        reader.take("(?");
        embedded(reader, &mut options)?;
    }
    Ok(options)
}

/// Reads options up to `)`; the last one of those that contradict each other counts.
fn embedded(reader: &mut Reader<'_>, options: &mut Options) -> Result<(), Error> {
    loop {
        let offset = reader.offset();
        match reader.next() {
            Some('i') => options.ignores_case = true,
            Some('c') => options.ignores_case = false,
            Some('m' | 'n') => (options.newline_stops, options.newline_anchors) = (true, true),
            Some('p') => (options.newline_stops, options.newline_anchors) = (true, false),
            Some('w') => (options.newline_stops, options.newline_anchors) = (false, true),
            Some('s') => (options.newline_stops, options.newline_anchors) = (false, false),
            Some('x') => options.is_expanded = true,
            Some('t') => options.is_expanded = false,
            Some('q') => options.is_literal = true,
            Some('b' | 'e') => return Err(ErrorKind::OlderSyntax.at(offset)),
            Some(')') => return Ok(()),
            _ => return Err(ErrorKind::Option.at(offset)),
        }
    }
}
