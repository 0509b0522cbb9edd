//! Why a pattern is refused, and where.

use std::fmt;

/// Why a pattern, or a text to match, is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, to branch on.
    pub kind: ErrorKind,
    /// Bytes from the start of the pattern to the construct.
    pub offset: usize,
}

/// The ways in which a pattern is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    // Postgres refuses these, too.
    /// A parenthesis without its other one.
    Parenthesis,
    /// `[` without `]`.
    UnclosedBracket,
    /// A quantifier with nothing to repeat in front of it.
    NothingToRepeat,
    /// `{…}` that is no bound of at most 255.
    Bound,
    /// A backslash and what is no escape.
    Escape,
    /// `[:…:]` that is no class.
    Class,
    /// A range in brackets that ends before it begins, or has no end.
    Range,
    /// `(?` and what begins no group.
    Group,
    /// An embedded option that is none, or `***` without `:` or `=`.
    Option,

    // What Postgres would run, and we do not let it.
    /// The pattern is longer than [`crate::PATTERN_BYTES_MAX`].
    TooLong,
    /// More than [`crate::NESTING_DEPTH_MAX`] groups in groups.
    TooDeep,
    /// The syntax of older standards: `(?b)` or `(?e)`.
    OlderSyntax,
    /// A character by its name: `[.hyphen.]`.
    CollatingElement,
    /// A text that was found before: `\1`.
    BackReference,
    /// More than [`crate::POSITIONS_MAX`] characters, once repetitions are written out.
    Positions,
    /// More than [`crate::TRANSITIONS_MAX`] ways to go on, or [`crate::LOOK_TRANSITIONS_MAX`].
    Transitions,
    /// A repetition of what may match nothing but an anchor or a lookaround: `(^|a)*`.
    RepeatedAnchor,
    /// Ranges of more than [`crate::RANGE_CHARACTERS_MAX`] characters.
    RangeCharacters,
    /// A lookahead of any length that is not right behind a leading `^`.
    Lookahead,
    /// Lookaheads of more than [`crate::LOOKAHEAD_CHARACTERS_MAX`] characters.
    LookaheadCharacters,
    /// A lookaround in a lookaround.
    NestedLookaround,

    // What we do not run ourselves.
    /// A lookaround, for [`crate::Pattern`].
    Lookaround,
    /// More than [`crate::STEPS_MAX`] steps, once repetitions are written out.
    Steps,
    /// The text is longer than [`crate::TEXT_BYTES_MAX`].
    TextTooLong,
}

impl ErrorKind {
    /// Whether it is no pattern at all, so that Postgres would refuse it as well.
    pub fn is_syntax(self) -> bool {
        use ErrorKind::*;
        match self {
            Parenthesis | UnclosedBracket | NothingToRepeat | Bound | Escape | Class | Range | Group | Option => true,
            TooLong | TooDeep | OlderSyntax | CollatingElement | BackReference | Positions | Transitions
            | RangeCharacters | RepeatedAnchor | Lookahead | LookaheadCharacters | NestedLookaround | Lookaround
            | Steps | TextTooLong => false,
        }
    }

    pub(crate) fn at(self, offset: usize) -> Error {
        Error { kind: self, offset }
    }

    /// What it is about, and what is wrong with that.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            ErrorKind::Parenthesis => ("the parenthesis", "has no counterpart"),
            ErrorKind::UnclosedBracket => ("the `[`", "is not closed"),
            ErrorKind::NothingToRepeat => ("the quantifier", "has nothing to repeat"),
            ErrorKind::Bound => ("the `{`", "begins no bound of at most 255"),
            ErrorKind::Escape => ("the backslash", "begins no escape"),
            ErrorKind::Class => ("the `[:`", "begins no character class"),
            ErrorKind::Range => ("the range", "has no end, or ends before it begins"),
            ErrorKind::Group => ("the `(?`", "begins no group that there is"),
            ErrorKind::Option => ("the option", "is unknown"),
            ErrorKind::TooLong => ("the pattern", "is longer than 4096 bytes"),
            ErrorKind::TooDeep => ("the group", "lies in more than 32 others"),
            ErrorKind::OlderSyntax => ("the option", "asks for the syntax of an older standard"),
            ErrorKind::CollatingElement => ("the collating element", "is more than one character"),
            ErrorKind::BackReference => ("the back-reference", "could run without end"),
            ErrorKind::Positions => ("the part", "has more than 1000 characters once repetitions are written out"),
            ErrorKind::Transitions => ("the part", "has too many ways to go on from one character to another"),
            ErrorKind::RepeatedAnchor => {
                ("the quantifier", "repeats what may match nothing but an anchor or a lookaround")
            }
            ErrorKind::RangeCharacters => ("the range", "has too many characters"),
            ErrorKind::Lookahead => ("the lookahead", "is of any length and not right behind a leading `^`"),
            ErrorKind::LookaheadCharacters => ("the lookahead", "looks at more than 32 characters"),
            ErrorKind::NestedLookaround => ("the lookaround", "lies in another one"),
            ErrorKind::Lookaround => ("the lookaround", "is not supported here"),
            ErrorKind::Steps => ("the part", "has more than 1000 steps once repetitions are written out"),
            ErrorKind::TextTooLong => ("the text", "is longer than 65536 bytes"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, wrong) = self.kind.words();
        write!(f, "{what} at byte {} {wrong}", self.offset)
    }
}

impl std::error::Error for Error {}
