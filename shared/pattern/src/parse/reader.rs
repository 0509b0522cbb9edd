//! A place in a pattern.

/// Reads a pattern from left to right.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    text: &'a str,
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Reader { text, offset: 0 }
    }

    /// Bytes before the next character.
    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.offset..]
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.offset += next.len_utf8();
        Some(next)
    }

    /// Takes `token` if it is next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.offset += token.len();
        }
        found
    }

    /// Takes what stands before `end`, and `end`; nothing where that does not come.
    pub(super) fn take_until(&mut self, end: &str) -> Option<&'a str> {
        let (before, _) = self.rest().split_once(end)?;
        self.offset += before.len() + end.len();
        Some(before)
    }

    /// Skips what counts for nothing between tokens.
    pub(super) fn skip(&mut self, is_expanded: bool) {
        loop {
            if is_expanded {
                self.skip_blanks();
            }
            if !self.take("(?#") {
                return;
            }
            if self.take_until(")").is_none() {
                self.offset = self.text.len();
            }
        }
    }

    /// Skips white space, and comments from `#` to the end of a line.
    pub(super) fn skip_blanks(&mut self) {
        let mut in_comment = false;
        while let Some(next) = self.peek() {
            in_comment = next == '#' || in_comment && next != '\n';
            if !in_comment && !matches!(next, ' ' | '\t'..='\r') {
                return;
            }
            self.next();
        }
    }
}
