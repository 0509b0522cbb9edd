//! One element after the other, of an array or of lines, from a text that comes in chunks.

use crate::scan::significant;
use crate::{Container, Error, ErrorKind, Interest, Limits, Scalar, Scanner, Visitor, scan};

/// How a text holds its elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The elements of an array that is the whole text.
    Array,
    /// A text on each line that is not empty, as in NDJSON and JSON Lines.
    Lines,
}

/// Gives elements out as they end, each as the bytes that it is. What it needs of memory is one element.
#[derive(Debug)]
pub struct Elements {
    format: Format,
    limits: Limits,
    bytes_max: usize,
    scanner: Scanner,
    depth: usize,
    has_begun: bool,
    /// Whether a bracket or comma comes before the next element.
    is_behind: bool,
    /// What the chunks before hold of the present element.
    held: Vec<u8>,
    /// Bytes of the chunks before.
    offset: usize,
}

impl Elements {
    /// Elements of at most `bytes_max` bytes, each within `limits`; of an array, all of it is.
    pub fn new(format: Format, bytes_max: usize, limits: &Limits) -> Elements {
        Elements {
            format,
            limits: *limits,
            bytes_max,
            scanner: Scanner::new(limits),
            depth: 0,
            has_begun: false,
            is_behind: true,
            held: Vec::new(),
            offset: 0,
        }
    }

    /// Reads the next chunk; `each` takes the elements that end in it.
    ///
    /// # Errors
    /// As [`scan`], an element that is too long, or no array where there should be one. Offsets are those in the whole
    /// text, pointers on a line those within it.
    pub fn feed(&mut self, chunk: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        match self.format {
            Format::Array => self.feed_array(chunk, each)?,
            Format::Lines => self.feed_lines(chunk, each)?,
        }
        self.offset += chunk.len();
        Ok(())
    }

    /// The end of the text, with the last line if no line feed ended it.
    ///
    /// # Errors
    /// As [`Elements::feed`].
    pub fn finish(mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        match self.format {
            Format::Array => self.scanner.finish(&mut ()),
            Format::Lines => {
                let line = std::mem::take(&mut self.held);
                self.line(&line, self.offset - line.len(), each)
            }
        }
    }

    fn feed_array(&mut self, chunk: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        if !self.has_begun {
            let mut at = 0;
            match significant(chunk, &mut at) {
                Some(b'[') => self.has_begun = true,
                Some(_) => return Err(refusal(ErrorKind::Expected("`[`"), self.offset + at)),
                None => return self.scanner.feed(chunk, &mut ()),
            }
        }
        let bytes_max = self.bytes_max;
        let start = self.offset;
        let (held, depth, is_behind) = (&mut self.held, self.depth, self.is_behind);
        let mut split = Split { chunk, start, from: 0, depth, is_behind, held, bytes_max, over: None, each };
        let outcome = self.scanner.feed(chunk, &mut split);
        let read = outcome.as_ref().err().map_or(chunk.len(), |error| error.offset.saturating_sub(start));
        split.hold(read.max(split.from));
        (self.depth, self.is_behind) = (split.depth, split.is_behind);
        match split.over {
            Some(offset) => Err(refusal(ErrorKind::ElementBytes(bytes_max), offset)),
            None => outcome,
        }
    }

    fn feed_lines(&mut self, chunk: &[u8], each: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let mut at = 0;
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let from = self.offset + at - self.held.len();
            at += piece.len();
            if self.held.len() + piece.strip_suffix(b"\n").unwrap_or(piece).len() > self.bytes_max {
                return Err(refusal(ErrorKind::ElementBytes(self.bytes_max), from));
            }
            if self.held.is_empty() && piece.ends_with(b"\n") {
                self.line(piece, from, each)?;
                continue;
            }
            self.held.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.held);
                self.line(&line, from, each)?;
            }
        }
        Ok(())
    }

    fn line(&self, line: &[u8], from: usize, each: &mut dyn FnMut(&[u8])) -> Result<(), Error> {
        let text = line.trim_ascii();
        if text.is_empty() {
            return Ok(());
        }
        let outcome = scan(line, &self.limits, &mut ());
        outcome.map_err(|error| Error { offset: from + error.offset, ..error })?;
        each(text);
        Ok(())
    }
}

fn refusal(kind: ErrorKind, offset: usize) -> Error {
    Error { kind, offset, pointer: String::new() }
}

/// Cuts a chunk where elements end.
struct Split<'a> {
    chunk: &'a [u8],
    /// Where the chunk starts in the text.
    start: usize,
    /// Where, in the chunk, the last element ended.
    from: usize,
    depth: usize,
    is_behind: bool,
    held: &'a mut Vec<u8>,
    bytes_max: usize,
    /// Where an element is too long.
    over: Option<usize>,
    each: &'a mut dyn FnMut(&[u8]),
}

impl<'a> Split<'a> {
    /// A value ended before `offset`.
    fn end_value(&mut self, offset: usize) {
        if self.depth != 1 {
            return;
        }
        let end = offset - self.start;
        if self.held.is_empty() {
            let element = self.element(end);
            if self.is_short_enough(element.len(), end) {
                (self.each)(element);
            }
        } else {
            self.hold(end);
            if self.over.is_none() {
                (self.each)(self.held);
            }
            self.held.clear();
        }
        self.from = end;
        self.is_behind = true;
    }

    /// Keeps what is there of an element up to a place of the chunk.
    fn hold(&mut self, end: usize) {
        let piece = if self.held.is_empty() { self.element(end) } else { &self.chunk[self.from..end] };
        if self.is_short_enough(self.held.len() + piece.len(), end) {
            self.held.extend_from_slice(piece);
        }
        self.from = end;
    }

    /// An element from its start on, up to a place of the chunk: without the bracket or comma before it, and white space.
    fn element(&mut self, end: usize) -> &'a [u8] {
        let piece = self.chunk[self.from..end].trim_ascii_start();
        match piece.split_first() {
            Some((_, behind)) if std::mem::take(&mut self.is_behind) => behind.trim_ascii_start(),
            _ => piece,
        }
    }

    fn is_short_enough(&mut self, length: usize, end: usize) -> bool {
        if length > self.bytes_max {
            self.over.get_or_insert(self.start + end - length);
        }
        self.over.is_none()
    }
}

impl Visitor for Split<'_> {
    fn interest(&self) -> Interest {
        Interest { containers: 2, names: 0, scalars: 2 }
    }

    fn enter(&mut self, _: Container, _: usize) {
        self.depth += 1;
    }

    fn leave(&mut self, _: Container, offset: usize) {
        self.depth -= 1;
        self.end_value(offset);
    }

    fn scalar(&mut self, _: Scalar, _: &[u8], offset: usize) {
        self.end_value(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds chunks of a size.
    fn read(format: Format, text: &[u8], size: usize, bytes_max: usize) -> (Vec<String>, Result<(), Error>) {
        let mut found = Vec::new();
        let mut each = |element: &[u8]| found.push(String::from_utf8_lossy(element).into_owned());
        let mut elements = Elements::new(format, bytes_max, &Limits::default());
        let fed = text.chunks(size).try_for_each(|chunk| elements.feed(chunk, &mut each));
        let outcome = fed.and_then(|()| elements.finish(&mut each));
        (found, outcome)
    }

    #[track_caller]
    fn check(format: Format, text: &str, bytes_max: usize, expected: &[&str], outcome: Result<(), (ErrorKind, usize)>) {
        for size in 1..=text.len().max(1) {
            let (found, result) = read(format, text.as_bytes(), size, bytes_max);
            assert_eq!(found, expected, "{text} in chunks of {size}");
            assert_eq!(result.map_err(|error| (error.kind, error.offset)), outcome, "{text} in chunks of {size}");
        }
    }

    #[test]
    fn ok_array() {
        check(Format::Array, " [ ] ", 9, &[], Ok(()));
        check(Format::Array, "[1 ,\"a,]\" , null]", 9, &["1", "\"a,]\"", "null"], Ok(()));
        check(Format::Array, "[[[1], 2],{\"a\": [3]}, []]", 20, &["[[1], 2]", "{\"a\": [3]}", "[]"], Ok(()));
        check(Format::Array, "\n[-12.5e3\n]\n", 7, &["-12.5e3"], Ok(()));
    }

    #[test]
    fn ok_lines() {
        check(Format::Lines, "", 9, &[], Ok(()));
        check(Format::Lines, "\n{\"a\":1}\r\n \n[2]\n3", 9, &["{\"a\":1}", "[2]", "3"], Ok(()));
    }

    #[test]
    fn err_too_long() {
        check(Format::Array, "[1,12345]", 4, &["1"], Err((ErrorKind::ElementBytes(4), 3)));
        check(Format::Array, "[1, \"123\" ]", 4, &["1"], Err((ErrorKind::ElementBytes(4), 4)));
        check(Format::Array, "[1, [1,2,x] ]", 4, &["1"], Err((ErrorKind::ElementBytes(4), 4)));
        check(Format::Lines, "1\n12345\n6", 4, &["1"], Err((ErrorKind::ElementBytes(4), 2)));
        check(Format::Lines, "1\n2      ", 4, &["1"], Err((ErrorKind::ElementBytes(4), 2)));
    }

    #[test]
    fn err_not_json() {
        check(Format::Array, "[1,x]", 4, &["1"], Err((ErrorKind::Expected("a value"), 3)));
        check(Format::Array, " {}", 4, &[], Err((ErrorKind::Expected("`[`"), 1)));
        check(Format::Array, "[1] 2", 4, &["1"], Err((ErrorKind::Trailing, 4)));
        check(Format::Array, "[1", 4, &[], Err((ErrorKind::Ended, 2)));
        check(Format::Array, "", 4, &[], Err((ErrorKind::Ended, 0)));
        check(Format::Lines, "1\n2 3\n", 4, &["1"], Err((ErrorKind::Trailing, 4)));
        check(Format::Lines, "1\n{", 4, &["1"], Err((ErrorKind::Ended, 3)));
    }
}
