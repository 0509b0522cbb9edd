//! A text that is read from left to right, and where reading it stopped.

use std::fmt;

/// What is left of the text.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Why the text was refused, and on which line, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Reader<'a> {
        Reader { text, at: 0 }
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at == self.text.len()
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// Takes `wanted` if it is next.
    pub(crate) fn take(&mut self, wanted: char) -> bool {
        let is_next = self.peek() == Some(wanted);
        if is_next {
            self.at += wanted.len_utf8();
        }
        is_next
    }

    /// Takes `wanted`, behind blanks.
    pub(crate) fn expect(&mut self, wanted: char) -> Result<(), Problem> {
        self.skip_blanks();
        if self.take(wanted) { Ok(()) } else { Err(self.problem(&format!("expected `{wanted}`"))) }
    }

    pub(crate) fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Skips spaces and tabs.
    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(|c| c == ' ' || c == '\t');
    }

    /// Skips white space, newlines, and comments that begin with `#`.
    pub(crate) fn skip_lines(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\r' | '\n'));
            if self.peek() != Some('#') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    /// Takes what may stand behind the last thing on a line, and the line's end.
    pub(crate) fn end_line(&mut self) -> Result<(), Problem> {
        self.skip_blanks();
        if self.peek() == Some('#') {
            self.take_while(|c| c != '\n');
        }
        self.take('\r');
        if self.is_at_end() || self.take('\n') { Ok(()) } else { Err(self.problem("expected the end of the line")) }
    }

    /// Takes `digits` hexadecimal digits.
    pub(crate) fn hexadecimal(&mut self, digits: usize) -> Result<u32, Problem> {
        let number = self.text.get(self.at..self.at + digits);
        let number = number.filter(|number| number.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = number.and_then(|number| u32::from_str_radix(number, 16).ok());
        let number = number.ok_or_else(|| self.problem(&format!("expected {digits} hexadecimal digits")))?;
        self.at += digits;
        Ok(number)
    }

    /// The line that is being read.
    pub(crate) fn line(&self) -> usize {
        1 + self.text[..self.at].matches('\n').count()
    }

    pub(crate) fn problem(&self, message: &str) -> Problem {
        Problem { line: self.line(), message: message.to_owned() }
    }
}
