//! The scan: one pass over the bytes of a text, which may come in pieces.
//!
//! ```text
//! text   = value                                      RFC 8259 §2
//! value  = object / array / string / number / "true" / "false" / "null"
//! object = "{" [ member *( "," member ) ] "}"         §4; member = string ":" value
//! array  = "[" [ value *( "," value ) ] "]"           §5
//! ```
//!
//! White space may stand before and behind each of these marks and values. Nothing recurses: what is open lies in
//! `Nesting`, and a string or number that a chunk breaks off is taken up again where it was left.

use crate::nesting::Nesting;
use crate::number::{self, Number};
use crate::text::Text;
use crate::{Container, Error, ErrorKind, Interest, Limits, Policy, Scalar, Visitor};

/// Scans a whole text; `visitor` is told what is in it.
///
/// # Errors
/// The first thing in it that is not JSON, is over a limit, or against a rule.
pub fn scan(text: &[u8], limits: &Limits, visitor: &mut dyn Visitor) -> Result<(), Error> {
    let mut scanner = Scanner::new(limits);
    scanner.feed(text, visitor)?;
    scanner.finish(visitor)
}

/// Scans a text that comes in chunks, however they are cut, with the same outcome as [`scan`]. What it needs of memory are the
/// names of the members of open objects, and of what a chunk breaks off the name, or the value where the visitor
/// reads it.
#[derive(Debug)]
pub struct Scanner {
    limits: Limits,
    expects: Expects,
    open: Token,
    /// What the chunks before hold of the open token, where that is wanted.
    part: Vec<u8>,
    nesting: Nesting,
    /// Bytes of the chunks before.
    offset: usize,
    /// The visitor's.
    interest: Interest,
}

/// What may come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expects {
    Value,
    /// A value, or the end of an array that has none.
    FirstElement,
    Name,
    /// A name, or the end of an object that has none.
    FirstMember,
    Colon,
    /// A comma, or the end of what is open.
    Next,
    /// White space.
    End,
}

/// What the chunk before broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    Name { text: Text, from: usize },
    Text(Text),
    Number(Number),
    Literal { scalar: Scalar, seen: usize },
}

/// What is wrong, and where, unless it is where the reading stopped.
struct Fault {
    kind: ErrorKind,
    offset: Option<usize>,
    pointer: Option<String>,
}

impl From<ErrorKind> for Fault {
    fn from(kind: ErrorKind) -> Fault {
        Fault { kind, offset: None, pointer: None }
    }
}

impl Scanner {
    /// Before the first chunk.
    pub fn new(limits: &Limits) -> Scanner {
        Scanner {
            limits: *limits,
            expects: Expects::Value,
            open: Token::None,
            part: Vec::new(),
            nesting: Nesting::default(),
            offset: 0,
            interest: Interest::NONE,
        }
    }

    /// Reads the next chunk.
    ///
    /// # Errors
    /// As [`scan`]. A scanner that has refused is not to be used again.
    pub fn feed(&mut self, chunk: &[u8], visitor: &mut dyn Visitor) -> Result<(), Error> {
        let mut at = 0;
        self.interest = visitor.interest();
        if let Err(fault) = self.run(chunk, &mut at, visitor) {
            return Err(self.refuse(fault, self.offset + at));
        }
        self.offset += chunk.len();
        Ok(())
    }

    /// The end of the text.
    ///
    /// # Errors
    /// A text that ends too early.
    pub fn finish(mut self, visitor: &mut dyn Visitor) -> Result<(), Error> {
        if let Token::Number(number) = self.open
            && number.may_end()
        {
            self.open = Token::None;
            let part = std::mem::take(&mut self.part);
            self.end_scalar(Scalar::Number, &part, 0, visitor);
        }
        match (self.expects, self.open) {
            (Expects::End, Token::None) => Ok(()),
            _ => Err(self.refuse(ErrorKind::Ended.into(), self.offset)),
        }
    }

    #[cold]
    fn refuse(&self, fault: Fault, stopped: usize) -> Error {
        Error {
            kind: fault.kind,
            offset: fault.offset.unwrap_or(stopped),
            pointer: fault.pointer.unwrap_or_else(|| self.nesting.pointer()),
        }
    }

    /// One turn is a member or element, and what follows it; where the bytes are over or a container begins, the next turn
    /// begins in the middle.
    #[inline(always)]
    fn run(&mut self, bytes: &[u8], at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        if self.open != Token::None {
            self.resume(bytes, at, visitor)?;
        }
        while let Some(mut byte) = significant(bytes, at) {
            if let Expects::Name | Expects::FirstMember = self.expects {
                match byte {
                    b'"' => self.name(bytes, at, visitor)?,
                    b'}' if self.expects == Expects::FirstMember => {
                        self.leave(at, visitor)?;
                        continue;
                    }
                    _ => return Err(ErrorKind::Expected("the name of a member").into()),
                }
                let Some(next) = significant(bytes, at) else { break };
                byte = next;
            }
            if self.expects == Expects::Colon {
                if byte != b':' {
                    return Err(ErrorKind::Expected("`:`").into());
                }
                *at += 1;
                self.expects = Expects::Value;
                let Some(next) = significant(bytes, at) else { break };
                byte = next;
            }
            if let Expects::Value | Expects::FirstElement = self.expects {
                match byte {
                    b']' if self.expects == Expects::FirstElement => self.leave(at, visitor)?,
                    _ => self.value(byte, bytes, at, visitor)?,
                }
                let Some(next) = significant(bytes, at) else { break };
                byte = next;
            }
            match self.expects {
                Expects::Next => self.next(byte, at, visitor)?,
                Expects::End => return Err(ErrorKind::Trailing.into()),
                _ => {}
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn value(&mut self, byte: u8, bytes: &[u8], at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        match byte {
            b'"' => {
                *at += 1;
                self.text(Text::START, bytes, at, visitor)
            }
            b'-' | b'0'..=b'9' => match number::end_of_simple(bytes, *at, &self.limits) {
                Some(end) => {
                    let spelled = &bytes[*at..end];
                    *at = end;
                    self.end_scalar(Scalar::Number, spelled, end, visitor);
                    Ok(())
                }
                None => self.number(Number::START, bytes, at, visitor),
            },
            b'{' => self.enter(Container::Object, at, visitor),
            b'[' => self.enter(Container::Array, at, visitor),
            b't' => self.word(Scalar::True, b"true", bytes, at, visitor),
            b'f' => self.word(Scalar::False, b"false", bytes, at, visitor),
            b'n' => self.word(Scalar::Null, b"null", bytes, at, visitor),
            _ => Err(ErrorKind::Expected("a value").into()),
        }
    }

    #[inline(always)]
    fn enter(&mut self, container: Container, at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        self.nesting.enter(container, &self.limits)?;
        if self.nesting.depth <= self.interest.containers {
            visitor.enter(container, self.offset + *at);
        }
        self.expects = match container {
            Container::Array => Expects::FirstElement,
            Container::Object => Expects::FirstMember,
        };
        *at += 1;
        Ok(())
    }

    #[inline(always)]
    fn leave(&mut self, at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        if self.limits.duplicates != Policy::Allow && self.nesting.has_late_members() {
            self.late_duplicates(visitor)?;
        }
        *at += 1;
        let container = self.nesting.leave();
        if self.nesting.depth < self.interest.containers {
            visitor.leave(container, self.offset + *at);
        }
        self.end_value(*at, visitor);
        Ok(())
    }

    /// Those that are found only when an object ends.
    fn late_duplicates(&mut self, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        for found in self.nesting.duplicates() {
            if self.limits.duplicates == Policy::Refuse {
                return Err(Fault { kind: found.kind, offset: Some(found.from), pointer: Some(found.pointer) });
            }
            visitor.dropped(found.kind, found.from..found.to, found.pointer);
        }
        Ok(())
    }

    /// After a value.
    #[inline(always)]
    fn next(&mut self, byte: u8, at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        match (byte, self.nesting.container()) {
            (b',', Some(Container::Object)) => self.expects = Expects::Name,
            (b',', Some(Container::Array)) => {
                self.nesting.next_element();
                self.expects = Expects::Value;
            }
            (b'}', Some(Container::Object)) | (b']', Some(Container::Array)) => return self.leave(at, visitor),
            (_, Some(Container::Object)) => return Err(ErrorKind::Expected("`,` or `}`").into()),
            _ => return Err(ErrorKind::Expected("`,` or `]`").into()),
        }
        *at += 1;
        Ok(())
    }

    #[inline(always)]
    fn name(&mut self, bytes: &[u8], at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        if let Some(length) = self.nesting.expected(&bytes[*at..]) {
            *at += length;
            self.nesting.take_expected();
            self.end_name(visitor);
            self.expects = Expects::Value;
            return Ok(());
        }
        let from = self.offset + *at;
        *at += 1;
        self.new_name(Text::START, from, bytes, at, visitor)
    }

    /// A name that the object before did not have here, or one that was broken off.
    fn new_name(
        &mut self,
        mut text: Text,
        from: usize,
        bytes: &[u8],
        at: &mut usize,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Fault> {
        let start = *at;
        // One byte more than may be: whatever is behind it, that is what is wrong.
        let end = bytes.len().min(start + self.limits.name_bytes + 1 - self.part.len());
        let has_ended = text.read(&bytes[..end], at)?;
        let spelled = &bytes[start..*at - usize::from(has_ended)];
        if self.part.len() + spelled.len() > self.limits.name_bytes {
            return Err(ErrorKind::NameBytes(self.limits.name_bytes).into());
        }
        if !has_ended {
            self.part.extend_from_slice(spelled);
            self.open = Token::Name { text, from };
            return Ok(());
        }
        let part = join(&mut self.part, spelled);
        let taken = self.nesting.take(part.as_deref().unwrap_or(spelled), text.is_escaped, from, &self.limits);
        taken.map_err(|kind| Fault { kind, offset: Some(from), pointer: None })?;
        self.end_name(visitor);
        Ok(())
    }

    #[inline(always)]
    fn end_name(&mut self, visitor: &mut dyn Visitor) {
        if self.nesting.depth < self.interest.names {
            let (name, place) = self.nesting.name();
            visitor.name(name, place);
        }
        self.expects = Expects::Colon;
    }

    #[inline(always)]
    fn text(&mut self, mut text: Text, bytes: &[u8], at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        let start = *at;
        match text.read(bytes, at)? {
            true => self.end_scalar(Scalar::Text, &bytes[start..*at - 1], *at, visitor),
            false => self.break_off(Token::Text(text), &bytes[start..]),
        }
        Ok(())
    }

    #[inline(never)]
    fn number(
        &mut self,
        mut number: Number,
        bytes: &[u8],
        at: &mut usize,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Fault> {
        let start = *at;
        match number.read(bytes, at, &self.limits)? {
            true => self.end_scalar(Scalar::Number, &bytes[start..*at], *at, visitor),
            false => self.break_off(Token::Number(number), &bytes[start..]),
        }
        Ok(())
    }

    #[inline(always)]
    fn word(
        &mut self,
        scalar: Scalar,
        word: &[u8],
        bytes: &[u8],
        at: &mut usize,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Fault> {
        if !bytes[*at..].starts_with(word) {
            return self.literal(scalar, 0, bytes, at, visitor);
        }
        *at += word.len();
        self.end_scalar(scalar, &[], *at, visitor);
        Ok(())
    }

    /// A word that is broken off, or none.
    #[cold]
    fn literal(
        &mut self,
        scalar: Scalar,
        seen: usize,
        bytes: &[u8],
        at: &mut usize,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Fault> {
        let literal = match scalar {
            Scalar::True => "`true`",
            Scalar::False => "`false`",
            _ => "`null`",
        };
        let missing = &literal.as_bytes()[1 + seen..literal.len() - 1];
        let length = missing.len().min(bytes.len() - *at);
        if bytes[*at..*at + length] != missing[..length] {
            *at += missing.iter().zip(&bytes[*at..]).take_while(|(one, other)| one == other).count();
            return Err(ErrorKind::Expected(literal).into());
        }
        *at += length;
        match length == missing.len() {
            true => self.end_scalar(scalar, &[], *at, visitor),
            false => self.open = Token::Literal { scalar, seen: seen + length },
        }
        Ok(())
    }

    /// The bytes are over before the token is.
    #[cold]
    fn break_off(&mut self, token: Token, part: &[u8]) {
        self.open = token;
        if self.nesting.depth < self.interest.scalars {
            self.part.extend_from_slice(part);
        }
    }

    /// Takes up what the chunk before broke off.
    #[cold]
    fn resume(&mut self, bytes: &[u8], at: &mut usize, visitor: &mut dyn Visitor) -> Result<(), Fault> {
        match std::mem::replace(&mut self.open, Token::None) {
            Token::None => Ok(()),
            Token::Name { text, from } => self.new_name(text, from, bytes, at, visitor),
            Token::Text(text) => self.text(text, bytes, at, visitor),
            Token::Number(number) => self.number(number, bytes, at, visitor),
            Token::Literal { scalar, seen } => self.literal(scalar, seen, bytes, at, visitor),
        }
    }

    #[inline(always)]
    fn end_scalar(&mut self, scalar: Scalar, spelled: &[u8], at: usize, visitor: &mut dyn Visitor) {
        if self.nesting.depth < self.interest.scalars {
            let part = join(&mut self.part, spelled);
            visitor.scalar(scalar, part.as_deref().unwrap_or(spelled), self.offset + at);
        }
        self.end_value(at, visitor);
    }

    #[inline(always)]
    fn end_value(&mut self, at: usize, visitor: &mut dyn Visitor) {
        self.expects = if self.nesting.depth == 0 { Expects::End } else { Expects::Next };
        if self.nesting.is_dropping(&self.limits)
            && let Some(found) = self.nesting.end_value(self.offset + at)
        {
            visitor.dropped(found.kind, found.from..found.to, found.pointer);
        }
    }
}

/// The whole of what chunks before had a part of; `None` is what only the last one has.
#[inline(always)]
fn join(part: &mut Vec<u8>, rest: &[u8]) -> Option<Vec<u8>> {
    if part.is_empty() {
        return None;
    }
    let mut whole = std::mem::take(part);
    whole.extend_from_slice(rest);
    Some(whole)
}

/// The byte at `at`, behind any white space (RFC 8259 §2).
#[inline(always)]
pub(crate) fn significant(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        match *bytes.get(*at)? {
            b' ' | b'\t' | b'\n' | b'\r' => *at += 1,
            byte => return Some(byte),
        }
    }
}
