//! A regular expression as a tree.

use crate::class::Class;

/// A whole pattern.
#[derive(Debug)]
pub(crate) struct Expression {
    pub(crate) root: Node,
    /// The sets that [`Node::Set`] counts.
    pub(crate) sets: Vec<Set>,
    pub(crate) options: Options,
}

/// What prefixes and embedded options say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) ignores_case: bool,
    /// `.` and negated sets match no newline.
    pub(crate) newline_stops: bool,
    /// `^` and `$` match beside a newline, too.
    pub(crate) newline_anchors: bool,
    /// White space and comments between tokens count for nothing.
    pub(crate) is_expanded: bool,
    /// The rest is a text to be found as it is.
    pub(crate) is_literal: bool,
}

#[derive(Debug)]
pub(crate) enum Node {
    /// One character: the place of its set.
    Set(usize),
    Anchor(Anchor),
    Look(Box<Look>),
    Concatenation(Vec<Node>),
    Alternation(Vec<Node>),
    Repetition(Box<Repetition>),
}

/// What must hold between two characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// `^`
    LineStart,
    /// `$`
    LineEnd,
    /// `\A`
    TextStart,
    /// `\Z`
    TextEnd,
    /// `\m`
    WordStart,
    /// `\M`
    WordEnd,
    /// `\y`
    WordEdge,
    /// `\Y`
    NoWordEdge,
}

/// `(?=…)`, `(?!…)`, `(?<=…)` or `(?<!…)`. Whether it is negated makes no difference to what it costs.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) body: Node,
    pub(crate) is_ahead: bool,
    /// Bytes before it.
    pub(crate) offset: usize,
}

#[derive(Debug)]
pub(crate) struct Repetition {
    pub(crate) body: Node,
    pub(crate) min: u32,
    /// `None` is no end.
    pub(crate) max: Option<u32>,
    /// Bytes before its quantifier.
    pub(crate) offset: usize,
}

/// Some characters, as code points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Set {
    /// First and last of each range.
    pub(crate) ranges: Vec<(u32, u32)>,
    /// Classes, and whether all but theirs are meant.
    pub(crate) classes: Vec<(Class, bool)>,
    pub(crate) is_negated: bool,
    /// Bytes before it, if it is in brackets.
    pub(crate) offset: usize,
}

impl Node {
    /// Matches the empty text.
    pub(crate) fn empty() -> Node {
        Node::Concatenation(Vec::new())
    }
}

impl Set {
    /// One character.
    pub(crate) fn character(code: u32) -> Set {
        Set { ranges: vec![(code, code)], ..Set::default() }
    }

    /// A class, or all but it.
    pub(crate) fn class(class: Class, is_negated: bool) -> Set {
        Set { classes: vec![(class, is_negated)], ..Set::default() }
    }

    /// Whether it is `.` where newlines are nothing special.
    pub(crate) fn is_everything(&self) -> bool {
        self.is_negated && self.ranges.is_empty() && self.classes.is_empty()
    }

    /// Whether a character is in it.
    pub(crate) fn contains(&self, character: char, ignores_case: bool) -> bool {
        let in_class = |(class, is_negated): &(Class, bool)| class.contains(character, ignores_case) != *is_negated;
        let found = self.has_in_range(character.into())
            || ignores_case && crate::class::other_case(character).is_some_and(|other| self.has_in_range(other.into()))
            || self.classes.iter().any(in_class);
        found != self.is_negated
    }

    /// Whether a code point is in one of its ranges.
    pub(crate) fn has_in_range(&self, code: u32) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&code))
    }
}
