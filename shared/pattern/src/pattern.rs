//! Patterns that we run: all ways to match at once, one character after the other.
//!
//! K. Thompson, "Regular expression search algorithm", Communications of the ACM 11 (1968): the set of places in the
//! program where a match may be. Each place is visited once for a character, so time is at most characters × steps.

use crate::TEXT_BYTES_MAX;
use crate::ast::{Anchor, Options, Set};
use crate::class::is_word;
use crate::error::{Error, ErrorKind};
use crate::parse::parse;
use crate::program::{Step, compile};

/// A regular expression that we run, with the syntax and the meaning that it has in Postgres.
#[derive(Debug)]
pub struct Pattern {
    steps: Vec<Step>,
    sets: Vec<Set>,
    /// Of each set, a bit for each character of ASCII that is in it.
    ascii: Vec<u128>,
    options: Options,
}

impl Pattern {
    /// Reads a pattern of at most [`crate::PATTERN_BYTES_MAX`] bytes that makes at most [`crate::STEPS_MAX`] steps.
    /// Lookarounds and back-references are refused.
    pub fn new(text: &str) -> Result<Pattern, Error> {
        let expression = parse(text)?;
        let steps = compile(&expression.root)?;
        let ignores_case = expression.options.ignores_case;
        let ascii = expression.sets.iter().map(|set| ascii(set, ignores_case)).collect();
        Ok(Pattern { steps, sets: expression.sets, ascii, options: expression.options })
    }

    /// Whether some part of a text matches, as `text ~ pattern` asks. A text of more than [`TEXT_BYTES_MAX`] bytes is
    /// refused.
    pub fn is_match(&self, text: &str) -> Result<bool, Error> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(ErrorKind::TextTooLong.at(TEXT_BYTES_MAX));
        }
        Ok(self.run(text))
    }

    /// How many steps it has, each of which a character may take: [`crate::STEPS_MAX`] at most.
    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    fn run(&self, text: &str) -> bool {
        let mut places = Places::new(self.steps.len());
        let mut following = Places::new(self.steps.len());
        let mut before = None;
        let mut characters = text.chars();
        loop {
            let next = characters.next();
            // A match may begin anywhere.
            places.pending.push(0);
            if self.follow(&mut places, Between { before, next }) {
                return true;
            }
            let Some(character) = next else { return false };
            self.advance(&mut places, &mut following, character);
            std::mem::swap(&mut places, &mut following);
            before = next;
        }
    }

    /// Goes from the pending places wherever no character is taken. Whether a match is among them.
    fn follow(&self, places: &mut Places, between: Between) -> bool {
        while let Some(place) = places.pending.pop() {
            if std::mem::replace(&mut places.is_seen[place], true) {
                continue;
            }
            match self.steps[place] {
                Step::Set(_) => places.taking.push(place),
                Step::Anchor(anchor) => {
                    if between.holds(anchor, self.options) {
                        places.pending.push(place + 1);
                    }
                }
                Step::Fork(other) => places.pending.extend([other, place + 1]),
                Step::Jump(other) => places.pending.push(other),
                Step::Match => return true,
            }
        }
        false
    }

    /// Takes a character, and leaves `places` empty.
    fn advance(&self, places: &mut Places, following: &mut Places, character: char) {
        for place in places.taking.drain(..) {
            if let Step::Set(set) = self.steps[place]
                && self.takes(set, character)
            {
                following.pending.push(place + 1);
            }
        }
        places.is_seen.fill(false);
    }

    fn takes(&self, set: usize, character: char) -> bool {
        match character.is_ascii() {
            true => self.ascii[set] >> u32::from(character) & 1 == 1,
            false => self.sets[set].contains(character, self.options.ignores_case),
        }
    }
}

fn ascii(set: &Set, ignores_case: bool) -> u128 {
    let bit = |byte: u8| u128::from(set.contains(byte.into(), ignores_case)) << byte;
    (0..128).fold(0, |bits, byte| bits | bit(byte))
}

/// Places in the program where a match may be, before some character.
struct Places {
    /// Those to go on from.
    pending: Vec<usize>,
    is_seen: Vec<bool>,
    /// Those that take a character.
    taking: Vec<usize>,
}

impl Places {
    fn new(steps: usize) -> Places {
        Places { pending: Vec::new(), is_seen: vec![false; steps], taking: Vec::new() }
    }
}

/// The characters on both sides.
#[derive(Clone, Copy)]
struct Between {
    before: Option<char>,
    next: Option<char>,
}

impl Between {
    fn holds(self, anchor: Anchor, options: Options) -> bool {
        let is_newline = |side: Option<char>| options.newline_anchors && side == Some('\n');
        let is_word = |side: Option<char>| side.is_some_and(is_word);
        match anchor {
            Anchor::LineStart => self.before.is_none() || is_newline(self.before),
            Anchor::LineEnd => self.next.is_none() || is_newline(self.next),
            Anchor::TextStart => self.before.is_none(),
            Anchor::TextEnd => self.next.is_none(),
            Anchor::WordStart => !is_word(self.before) && is_word(self.next),
            Anchor::WordEnd => is_word(self.before) && !is_word(self.next),
            Anchor::WordEdge => is_word(self.before) != is_word(self.next),
            Anchor::NoWordEdge => is_word(self.before) == is_word(self.next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::STEPS_MAX;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(Pattern::new(pattern).unwrap().is_match(text), Ok(expected), "{text:?} ~ {pattern:?}");
    }

    #[test]
    fn ok_part_or_whole() {
        check("b", "abc", true);
        check("^b", "abc", false);
        check("^abc$", "abc", true);
        check("^(ab|c){2}$", "abc", true);
        check("^(ab|c){3,}$", "abc", false);
        check("", "", true);
    }

    #[test]
    fn ok_case() {
        check("(?i)straSSe", "STRASSE", true);
        check("(?i)[à-ö]", "É", true);
        check("é", "É", false);
    }

    #[test]
    fn ok_no_text_takes_long() {
        check("(a*)*b", &"a".repeat(TEXT_BYTES_MAX), false);
        check("(x+x+)+y", &"x".repeat(TEXT_BYTES_MAX), false);
    }

    #[test]
    fn err_limits() {
        let pattern = Pattern::new("a").unwrap();
        assert_eq!(pattern.is_match(&"a".repeat(TEXT_BYTES_MAX)), Ok(true));
        assert_eq!(pattern.is_match(&"a".repeat(TEXT_BYTES_MAX + 1)), Err(ErrorKind::TextTooLong.at(TEXT_BYTES_MAX)));
        // The last step is the match.
        assert!(Pattern::new(&"a".repeat(STEPS_MAX - 1)).is_ok());
        assert_eq!(Pattern::new("(a{100}){10}").err(), Some(ErrorKind::Steps.at(2)));
        assert!(Pattern::new("(((){255}){255}){255}").is_ok());
    }

    #[test]
    fn err_lookaround() {
        assert_eq!(Pattern::new("a(?=b)").err(), Some(ErrorKind::Lookaround.at(1)));
    }
}
