//! Postgres' advanced regular expressions, from text to tree.
//!
//! ```text
//! pattern     = [ "***:" / "***=" ] [ "(?" 1*option ")" ] alternation
//! alternation = branch *( "|" branch )
//! branch      = *( anchor / look / atom [ quantifier ] )
//! atom        = "(" alternation ")" / "(?:" alternation ")" / "." / bracket / escape / character
//! look        = ( "(?=" / "(?!" / "(?<=" / "(?<!" ) alternation ")"
//! quantifier  = ( "*" / "+" / "?" / "{" min [ "," [ max ] ] "}" ) [ "?" ]
//! ```
//!
//! `(?#…)` is a comment wherever a token may stand, and white space and `#` to the end of a line are with the option
//! `x`. A `{` without a digit behind it is itself. The source of what the manual leaves open (PostgreSQL 9.7.3) is
//! Postgres' own parser, `src/backend/regex/regc_lex.c` and `regcomp.c`; tests compare the two.

mod bracket;
mod escape;
mod options;
mod reader;

use self::escape::Escape;
use self::reader::Reader;
use crate::ast::{Anchor, Expression, Look, Node, Options, Repetition, Set};
use crate::error::{Error, ErrorKind};
use crate::{NESTING_DEPTH_MAX, PATTERN_BYTES_MAX};

/// Most that a bound can say: Postgres' `DUPMAX`.
const BOUND_MAX: u32 = 255;

/// What stands between characters, and takes no quantifier.
const ANCHORS: [(&str, Anchor); 10] = [
    ("^", Anchor::LineStart),
    ("$", Anchor::LineEnd),
    (r"\A", Anchor::TextStart),
    (r"\Z", Anchor::TextEnd),
    (r"\m", Anchor::WordStart),
    (r"\M", Anchor::WordEnd),
    (r"\y", Anchor::WordEdge),
    (r"\Y", Anchor::NoWordEdge),
    ("[[:<:]]", Anchor::WordStart),
    ("[[:>:]]", Anchor::WordEnd),
];

/// Reads a whole pattern.
pub(crate) fn parse(text: &str) -> Result<Expression, Error> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(ErrorKind::TooLong.at(0));
    }
    let mut reader = Reader::new(text);
    let options = options::read(&mut reader)?;
    let mut parser = Parser { reader, options, sets: Vec::new(), depth: 0, groups: 0, looks: 0 };
    let root = if options.is_literal { parser.literal() } else { parser.whole()? };
    Ok(Expression { root, sets: parser.sets, options })
}

struct Parser<'a> {
    reader: Reader<'a>,
    options: Options,
    sets: Vec<Set>,
    /// Groups that are open.
    depth: usize,
    /// Groups so far that a back-reference can mean.
    groups: u32,
    /// Lookarounds that are open.
    looks: usize,
}

impl Parser<'_> {
    fn literal(&mut self) -> Node {
        let mut nodes = Vec::new();
        while let Some(character) = self.reader.next() {
            nodes.push(self.set(Set::character(character.into())));
        }
        Node::Concatenation(nodes)
    }

    fn whole(&mut self) -> Result<Node, Error> {
        let root = self.alternation()?;
        // Nothing but a `)` ends it early.
        if self.reader.is_at_end() { Ok(root) } else { Err(ErrorKind::Parenthesis.at(self.reader.offset())) }
    }

    fn alternation(&mut self) -> Result<Node, Error> {
        let first = self.branch()?;
        let mut branches = vec![first];
        while self.reader.take("|") {
            branches.push(self.branch()?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternation(branches) })
    }

    fn branch(&mut self) -> Result<Node, Error> {
        let mut nodes = Vec::new();
        loop {
            self.reader.skip(self.options.is_expanded);
            if matches!(self.reader.peek(), None | Some('|' | ')')) {
                return Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Concatenation(nodes) });
            }
            nodes.push(self.piece()?);
        }
    }

    /// An anchor or a lookaround, which takes no quantifier, or an atom with its quantifier.
    fn piece(&mut self) -> Result<Node, Error> {
        let start = self.reader.offset();
        if let Some(anchor) = self.anchor() {
            return Ok(Node::Anchor(anchor));
        }
        let (node, takes_quantifier) = if self.reader.take("(") { self.group(start)? } else { (self.atom()?, true) };
        if takes_quantifier { self.repeated(node) } else { Ok(node) }
    }

    fn anchor(&mut self) -> Option<Anchor> {
        let (_, anchor) = ANCHORS.iter().find(|(token, _)| self.reader.take(token))?;
        Some(*anchor)
    }

    /// What follows a `(`, and whether it takes a quantifier.
    fn group(&mut self, start: usize) -> Result<(Node, bool), Error> {
        if !self.reader.take("?") {
            // Postgres does not count those in lookarounds.
            self.groups += u32::from(self.looks == 0);
            return Ok((self.enclosed(start)?, true));
        }
        if self.reader.take(":") {
            return Ok((self.enclosed(start)?, true));
        }
        let is_ahead = !self.reader.take("<");
        if !self.reader.take("=") && !self.reader.take("!") {
            return Err(ErrorKind::Group.at(start));
        }
        self.looks += 1;
        let body = self.enclosed(start)?;
        self.looks -= 1;
        Ok((Node::Look(Box::new(Look { body, is_ahead, offset: start })), false))
    }

    fn enclosed(&mut self, start: usize) -> Result<Node, Error> {
        self.depth += 1;
        if self.depth > NESTING_DEPTH_MAX {
            return Err(ErrorKind::TooDeep.at(start));
        }
        let node = self.alternation()?;
        self.depth -= 1;
        if self.reader.take(")") { Ok(node) } else { Err(ErrorKind::Parenthesis.at(start)) }
    }

    fn atom(&mut self) -> Result<Node, Error> {
        let start = self.reader.offset();
        let set = match self.reader.next() {
            Some('[') => bracket::read(&mut self.reader, start, self.groups, self.options.newline_stops)?,
            Some('.') => self.any(),
            Some('\\') => match escape::read(&mut self.reader, start, self.groups)? {
                Escape::Character(code) => Set::character(code),
                Escape::Class(class, is_negated) => Set::class(class, is_negated),
            },
            Some('*' | '+' | '?') => return Err(ErrorKind::NothingToRepeat.at(start)),
            Some('{') if self.is_bound() => return Err(ErrorKind::NothingToRepeat.at(start)),
            Some(character) => Set::character(character.into()),
            None => return Ok(Node::empty()),
        };
        Ok(self.set(set))
    }

    /// What `.` matches.
    fn any(&self) -> Set {
        let newline = Set::character('\n'.into());
        Set { is_negated: true, ..if self.options.newline_stops { newline } else { Set::default() } }
    }

    fn repeated(&mut self, body: Node) -> Result<Node, Error> {
        self.reader.skip(self.options.is_expanded);
        let offset = self.reader.offset();
        let Some((min, max)) = self.quantifier()? else { return Ok(body) };
        Ok(Node::Repetition(Box::new(Repetition { body, min, max, offset })))
    }

    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, Error> {
        let start = self.reader.clone();
        let counts = match self.reader.next() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') if self.is_bound() => self.bound().ok_or(ErrorKind::Bound.at(start.offset()))?,
            _ => {
                self.reader = start;
                return Ok(None);
            }
        };
        // Taking as little as possible finds the same texts.
        self.reader.take("?");
        Ok(Some(counts))
    }

    /// Whether the `{` in front begins a bound.
    fn is_bound(&mut self) -> bool {
        self.skip_blanks();
        self.reader.peek().is_some_and(|next| next.is_ascii_digit())
    }

    /// What follows a `{`.
    fn bound(&mut self) -> Option<(u32, Option<u32>)> {
        let min = self.number()?;
        let max = if !self.take_in_bound(",") {
            Some(min)
        } else if self.is_bound() {
            Some(self.number()?)
        } else {
            None
        };
        let is_closed = self.take_in_bound("}");
        (is_closed && max.is_none_or(|max| min <= max)).then_some((min, max))
    }

    /// A number of at most [`BOUND_MAX`].
    fn number(&mut self) -> Option<u32> {
        let mut number = 0;
        while self.is_bound() {
            let digit = self.reader.next()?.to_digit(10)?;
            number = number * 10 + digit;
            if number > BOUND_MAX {
                return None;
            }
        }
        Some(number)
    }

    fn take_in_bound(&mut self, token: &str) -> bool {
        self.skip_blanks();
        self.reader.take(token)
    }

    fn skip_blanks(&mut self) {
        if self.options.is_expanded {
            self.reader.skip_blanks();
        }
    }

    fn set(&mut self, set: Set) -> Node {
        self.sets.push(set);
        Node::Set(self.sets.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind::*;

    #[track_caller]
    fn refused(pattern: &str, kind: ErrorKind, offset: usize) {
        assert_eq!(parse(pattern).err(), Some(kind.at(offset)), "{pattern}");
    }

    #[test]
    fn ok_limits() {
        assert!(parse(&"a".repeat(PATTERN_BYTES_MAX)).is_ok());
        refused(&"a".repeat(PATTERN_BYTES_MAX + 1), TooLong, 0);
        let nested = |depth: usize| "(".repeat(depth) + &")".repeat(depth);
        assert!(parse(&nested(NESTING_DEPTH_MAX)).is_ok());
        refused(&nested(NESTING_DEPTH_MAX + 1), TooDeep, NESTING_DEPTH_MAX);
        assert!(parse("a{255}").is_ok());
        refused("a{256}", Bound, 1);
    }

    #[test]
    fn err_no_pattern() {
        for (pattern, kind, offset) in [
            ("(a", Parenthesis, 0),
            ("é)", Parenthesis, 2),
            ("a[b", UnclosedBracket, 1),
            ("a**", NothingToRepeat, 2),
            ("^*", NothingToRepeat, 1),
            ("{1}", NothingToRepeat, 0),
            ("a{2,1}", Bound, 1),
            (r"a\z", Escape, 1),
            (r"[\y]", Escape, 1),
            ("[[:foo:]]", Class, 1),
            ("[b-a]", Range, 2),
            ("[a-c-e]", Range, 4),
            ("(?<a>b)", Group, 0),
            ("(?y)", Option, 2),
            ("***a", Option, 0),
        ] {
            refused(pattern, kind, offset);
            assert!(kind.is_syntax());
        }
    }

    #[test]
    fn err_not_read_here() {
        refused("(?e)a", OlderSyntax, 2);
        refused("[[.hyphen.]]", CollatingElement, 1);
        refused(r"(a)\1", BackReference, 3);
        refused(r"\9", BackReference, 0);
    }

    /// Any text is read or refused, whatever it is cut to.
    #[test]
    fn ok_any_text() {
        let tokens =
            [r"\", "[", "[:", ":]", "(?", "(?x)", "***", "{1,", "-", "^", "]", ")", "*", "é", "#", "9", "a", "\0"];
        let mut state: u32 = 1;
        for length in 0..5_000 {
            let text: String = (0..length % 40)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    tokens[(state >> 16) as usize % tokens.len()]
                })
                .collect();
            let offset = parse(&text).map_or_else(|error| error.offset, |_| 0);
            assert!(offset <= text.len() && crate::check(&text) == crate::check(&text));
        }
    }
}
