//! The grammar, as a cursor that goes from left to right.

use super::{Filter, Segment, Test};

/// What is wrong.
type Problem = &'static str;

/// A whole path, in either form.
pub(super) fn path(text: &str) -> Result<Vec<Segment>, Problem> {
    let mut cursor = Cursor { rest: text };
    let mut segments = vec![];
    let is_standard = cursor.take("$");
    while let (false, blank) = (cursor.rest.trim_start().is_empty(), cursor.blank()) {
        if blank && !is_standard {
            return Err("a blank");
        }
        segments.push(if is_standard { cursor.segment()? } else { cursor.dsl_segment()? });
    }
    match (is_standard, segments.is_empty()) {
        (false, true) => Err("it begins with neither `$` nor a full stop"),
        _ => Ok(segments),
    }
}

struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn segment(&mut self) -> Result<Segment, Problem> {
        if self.rest.starts_with("..") {
            return Err("`..` is not supported");
        }
        if self.take(".") {
            return Ok(Segment::Name(self.member_name()?.to_owned()));
        }
        self.expect("[", "a segment begins with `.` or `[`")?;
        self.blank();
        let segment = match self.rest.as_bytes().first() {
            Some(b'\'' | b'"') => Segment::Name(self.quoted()?),
            Some(b'?') => Segment::Filter(self.filter()?),
            Some(b'*') => return Err("`*` is not supported"),
            _ => Segment::Index(self.integer()?),
        };
        self.blank();
        if self.rest.starts_with([',', ':']) {
            return Err("slices and several selectors are not supported");
        }
        self.expect("]", "`]` is missing")?;
        Ok(segment)
    }

    fn filter(&mut self) -> Result<Filter, Problem> {
        self.expect("?", "a filter begins with `?`")?;
        self.blank();
        let is_in_parentheses = self.take("(");
        self.blank();
        let filter = self.test()?;
        self.blank();
        if self.rest.starts_with("&&") || self.rest.starts_with("||") {
            return Err("logical operators are not supported");
        }
        if is_in_parentheses {
            self.expect(")", "`)` is missing")?;
        }
        Ok(filter)
    }

    fn test(&mut self) -> Result<Filter, Problem> {
        let function = ["search", "match"].into_iter().find(|name| self.take(name));
        if let Some(function) = function {
            self.expect("(", "`(` is missing")?;
            self.blank();
            let place = self.place()?;
            self.blank();
            self.expect(",", "`,` is missing")?;
            self.blank();
            let (test, text) = plain(&self.quoted()?, function == "match")?;
            self.blank();
            self.expect(")", "`)` is missing")?;
            return Ok(Filter { place, test, text });
        }
        let place = self.place()?;
        self.blank();
        let test = match () {
            () if self.take("==") => Test::Is,
            () if self.take("!=") => Test::IsNot,
            () => return Err("a filter compares with `==` or `!=`, or calls `search` or `match`"),
        };
        self.blank();
        Ok(Filter { place, test, text: self.quoted()? })
    }

    fn place(&mut self) -> Result<Vec<String>, Problem> {
        self.expect("@", "a filter looks at `@`")?;
        let mut place = vec![];
        loop {
            if self.take(".") {
                place.push(self.member_name()?.to_owned());
            } else if self.take("[") {
                place.push(self.quoted()?);
                self.expect("]", "`]` is missing")?;
            } else {
                return Ok(place);
            }
        }
    }

    /// RFC 9535 §2.5.1.1, member-name-shorthand.
    fn member_name(&mut self) -> Result<&'a str, Problem> {
        let is_first = |first: char| first.is_ascii_alphabetic() || first == '_' || !first.is_ascii();
        if self.rest.starts_with('*') {
            return Err("`*` is not supported");
        }
        if !self.rest.starts_with(is_first) {
            return Err("a name begins with a letter or `_`");
        }
        Ok(self.take_while(|next| is_first(next) || next.is_ascii_digit()))
    }

    /// RFC 9535 §2.3.1.1, string-literal.
    fn quoted(&mut self) -> Result<String, Problem> {
        let quote = self.rest.chars().next().filter(|quote| ['\'', '"'].contains(quote)).ok_or("a quote is missing")?;
        let mut text = String::new();
        let mut characters = self.rest[1..].char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                _ if character == quote => {
                    self.rest = &self.rest[at + 2..];
                    return Ok(text);
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('\\' | '/' | '\'' | '"'))) => text.push(escaped),
                    _ => return Err("this escape is not supported"),
                },
                '\0'..='\x1f' => return Err("a control character"),
                other => text.push(other),
            }
        }
        Err("a quote is not closed")
    }

    /// RFC 9535 §2.3.3.1, without leading zeros and `-0`.
    fn integer(&mut self) -> Result<i64, Problem> {
        let sign = if self.take("-") { -1 } else { 1 };
        let digits = self.take_while(|next| next.is_ascii_digit());
        let is_one = !digits.is_empty() && (digits == "0" && sign == 1 || !digits.starts_with('0'));
        let number: Option<i64> = digits.parse().ok().filter(|_| is_one);
        number.map(|number| sign * number).ok_or("an index is an integer")
    }

    fn dsl_segment(&mut self) -> Result<Segment, Problem> {
        if self.take(".") {
            if self.rest.starts_with('"') {
                return Ok(Segment::Name(self.dsl_quoted()?));
            }
            let name = self.take_while(|next| next.is_alphanumeric() || "_$@".contains(next));
            return if name.is_empty() { Err("a name is missing") } else { Ok(Segment::Name(name.to_owned())) };
        }
        if self.take("[?(@") {
            self.blank();
            let operators =
                [("==^", Test::EndsWith), ("==", Test::Is), ("!=", Test::IsOtherText), ("^==", Test::StartsWith)];
            let operators = operators.into_iter().chain([("*==", Test::Contains)]);
            let operator = operators.into_iter().find(|(operator, _)| self.take(operator));
            let (_, test) = operator.ok_or("no operator of `==`, `!=`, `^==`, `==^`, `*==`")?;
            self.blank();
            let text = self.dsl_quoted()?;
            self.expect(")]", "`)]` is missing")?;
            let filter = Segment::Filter(Filter { place: vec![], test, text });
            return if self.rest.is_empty() { Ok(filter) } else { Err("nothing may follow a filter") };
        }
        self.expect("[", "a segment begins with `.` or `[`")?;
        let digits = self.take_while(|next| next.is_ascii_digit());
        self.expect("]", "`]` is missing")?;
        digits.parse().map(Segment::Index).map_err(|_| "an index is an integer")
    }

    /// No escapes.
    fn dsl_quoted(&mut self) -> Result<String, Problem> {
        self.expect("\"", "a quote is missing")?;
        let text = self.take_while(|next| next != '"');
        self.expect("\"", "a quote is not closed")?;
        Ok(text.to_owned())
    }

    fn take(&mut self, prefix: &str) -> bool {
        let rest = self.rest.strip_prefix(prefix);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, prefix: &str, problem: Problem) -> Result<(), Problem> {
        if self.take(prefix) { Ok(()) } else { Err(problem) }
    }

    fn take_while(&mut self, is_of_it: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|next| !is_of_it(next)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Skips blanks; says whether there were any.
    fn blank(&mut self) -> bool {
        !self.take_while(|next| [' ', '\t', '\n', '\r'].contains(&next)).is_empty()
    }
}

/// A regular expression (RFC 9485) that is plain text between perhaps `^` and `$`.
fn plain(expression: &str, is_whole: bool) -> Result<(Test, String), Problem> {
    let from_start = expression.strip_prefix('^');
    let expression = from_start.unwrap_or(expression);
    let to_end = expression.strip_suffix('$').filter(|text| !text.ends_with('\\'));
    let expression = to_end.unwrap_or(expression);
    let test = match (is_whole || from_start.is_some(), is_whole || to_end.is_some()) {
        (true, true) => Test::Is,
        (true, false) => Test::StartsWith,
        (false, true) => Test::EndsWith,
        (false, false) => Test::Contains,
    };
    let mut text = String::new();
    let mut characters = expression.chars();
    let is_meta = |character| "\\.[]{}()*+?|^$".contains(character);
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next().filter(|escaped| is_meta(*escaped) || *escaped == '-')),
            _ if is_meta(character) => return Err("a regular expression other than plain text is not supported"),
            _ => text.push(character),
        }
    }
    Ok((test, text))
}
