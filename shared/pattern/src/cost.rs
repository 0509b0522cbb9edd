//! What a pattern costs Postgres, from its tree.
//!
//! The measure is the automaton of Glushkov: a state for each character of the pattern once repetitions are written
//! out, and a transition for each two that can follow one another. Postgres' own comes out much like it, because it
//! removes empty transitions (`fixempties` in `src/backend/regex/regc_nfa.c`). It is computed, not built.

use crate::ast::{Anchor, Expression, Node, Repetition};
use crate::error::{Error, ErrorKind};
use crate::look::is_simple;
use crate::{LOOK_TRANSITIONS_MAX, POSITIONS_MAX, TRANSITIONS_MAX, color};

/// What a part costs. All numbers saturate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Cost {
    /// Characters, once repetitions are written out.
    positions: u32,
    /// Transitions between these.
    transitions: u32,
    /// Transitions to where it may begin.
    first: u32,
    /// Characters at which it may end, as often as anchors behind them differ.
    last: u32,
    /// Whether it matches the empty text without any anchor.
    is_nullable: bool,
    /// Ways to match the empty text that differ in their anchors, of which there are some.
    anchored: u32,
    /// What lookarounds cost on each of these.
    looks: u32,
}

/// What a transition costs with a lookaround on it, where one without costs 1. Postgres runs the lookaround each time:
/// `((a(?=bc))?){0,60}`, with 1800 of them, takes 145 µs for a character.
const LOOK_COST: u32 = 32;

/// What matches the empty text and nothing else.
const EMPTY: Cost = Cost { positions: 0, transitions: 0, first: 0, last: 0, is_nullable: true, anchored: 0, looks: 0 };

/// Refuses a pattern that is too large for Postgres, in which `looks_anywhere` says whether it has to run lookarounds.
pub(crate) fn check(expression: &Expression, looks_anywhere: bool) -> Result<(), Error> {
    let walk = Walk {
        colors: color::counts(&expression.sets),
        newline_anchors: expression.options.newline_anchors,
        transitions_max: if looks_anywhere { LOOK_TRANSITIONS_MAX } else { TRANSITIONS_MAX },
    };
    walk.within_limits(walk.cost(&expression.root)?, 0)
}

struct Walk {
    /// Of each set.
    colors: Vec<u32>,
    newline_anchors: bool,
    transitions_max: u32,
}

impl Walk {
    fn cost(&self, node: &Node) -> Result<Cost, Error> {
        match node {
            Node::Set(set) => Ok(Cost { positions: 1, first: self.colors[*set], last: 1, ..Cost::default() }),
            Node::Anchor(anchor) => Ok(Cost { positions: 1, anchored: self.ways(*anchor), ..Cost::default() }),
            Node::Look(look) => {
                let Cost { positions, transitions, .. } = self.cost(&look.body)?;
                let (anchored, looks) = if is_simple(look) { (2, 0) } else { (1, LOOK_COST) };
                Ok(Cost { positions: positions.saturating_add(1), transitions, anchored, looks, ..Cost::default() })
            }
            Node::Concatenation(nodes) => {
                nodes.iter().try_fold(EMPTY, |before, node| Ok(before.then(self.cost(node)?)))
            }
            Node::Alternation(nodes) => {
                nodes.iter().try_fold(Cost::default(), |others, node| Ok(others.or(self.cost(node)?)))
            }
            Node::Repetition(repetition) => self.repetition(repetition),
        }
    }

    fn repetition(&self, repetition: &Repetition) -> Result<Cost, Error> {
        let Repetition { body, min, max, offset } = repetition;
        let cost = self.cost(body)?;
        let is_repeated = max.is_none_or(|max| max > 1);
        if is_repeated && cost.anchored > 0 {
            return Err(ErrorKind::RepeatedAnchor.at(*offset));
        }
        let cost = cost.times(*min, *max);
        self.within_limits(cost, *offset)?;
        Ok(cost)
    }

    fn within_limits(&self, cost: Cost, offset: usize) -> Result<(), Error> {
        let ends = cost.first.saturating_add(cost.last).saturating_add(cost.anchored);
        if cost.positions > POSITIONS_MAX {
            return Err(ErrorKind::Positions.at(offset));
        }
        if cost.transitions.saturating_add(ends) > self.transitions_max {
            return Err(ErrorKind::Transitions.at(offset));
        }
        Ok(())
    }

    /// An edge of a word is a character of words before something else, or behind.
    fn ways(&self, anchor: Anchor) -> u32 {
        match anchor {
            Anchor::WordEdge | Anchor::NoWordEdge => 2,
            Anchor::LineStart | Anchor::LineEnd if self.newline_anchors => 2,
            _ => 1,
        }
    }
}

impl Cost {
    fn then(self, next: Cost) -> Cost {
        let is_nullable = self.is_nullable && next.is_nullable;
        let anchored = self.empty().saturating_mul(next.empty()) - u32::from(is_nullable);
        let joined = self.last.saturating_mul(next.first);
        Cost {
            positions: self.positions.saturating_add(next.positions),
            transitions: self.transitions.saturating_add(next.transitions).saturating_add(joined),
            first: self.first.saturating_add(next.first.saturating_mul(self.passed())),
            last: next.last.saturating_add(self.last.saturating_mul(next.passed())),
            is_nullable,
            anchored,
            looks: if anchored > 0 { self.looks.saturating_add(next.looks) } else { 0 },
        }
    }

    fn or(self, other: Cost) -> Cost {
        Cost {
            positions: self.positions.saturating_add(other.positions),
            transitions: self.transitions.saturating_add(other.transitions),
            first: self.first.saturating_add(other.first),
            last: self.last.saturating_add(other.last),
            is_nullable: self.is_nullable || other.is_nullable,
            anchored: self.anchored.saturating_add(other.anchored),
            looks: self.looks.saturating_add(other.looks),
        }
    }

    /// Postgres writes `a{1,3}` out as `a(a(a)?)?`, and `a{2,}` as `aa+`.
    fn times(self, min: u32, max: Option<u32>) -> Cost {
        let (mut cost, optional) = match max {
            Some(max) => (EMPTY, max - min),
            None if min == 0 => return self.looped().optional(),
            None => (self.looped(), 0),
        };
        for _ in 0..optional {
            cost = self.then(cost).optional();
        }
        let required = if max.is_some() { min } else { min - 1 };
        for _ in 0..required {
            cost = self.then(cost);
        }
        cost
    }

    fn optional(self) -> Cost {
        Cost { is_nullable: true, ..self }
    }

    fn looped(self) -> Cost {
        let joined = self.last.saturating_mul(self.first);
        Cost { transitions: self.transitions.saturating_add(joined), ..self }
    }

    /// What a transition costs that passes it without a character.
    fn passed(self) -> u32 {
        self.empty().saturating_mul(self.looks.saturating_add(1))
    }

    /// All ways to match the empty text.
    fn empty(self) -> u32 {
        self.anchored.saturating_add(self.is_nullable.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::ErrorKind::{self, *};
    use crate::check;

    #[track_caller]
    fn refused(pattern: &str, kind: ErrorKind, offset: usize) {
        assert_eq!(check(pattern), Err(kind.at(offset)), "{pattern}");
    }

    #[test]
    fn ok_what_is_only_exponential_elsewhere() {
        for pattern in ["(a+)+$", "(a|a)*b", "(.*a){100}b", "((a{10}){10}){10}", r"(\s|a*)*", "(a*){20}"] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn err_positions() {
        assert_eq!(check("(a{250}){4}"), Ok(()));
        refused("b(a{250}){4}", Positions, 0);
        refused("(a{91}){11}", Positions, 7);
    }

    #[test]
    fn err_transitions() {
        assert_eq!(check("(a?){108}"), Ok(()));
        refused("(a?){109}", Transitions, 4);
        refused(&"a?".repeat(109), Transitions, 0);
        refused(r"\y\y\y\y\y\y\y\y\y\y\y\y\ya", Transitions, 0);
        refused("((a(?=bc))?){0,20}", Transitions, 12);
        assert_eq!(check("(?:(?!ab)a)*(a?){30}"), Ok(()));
        refused("(?:(?!ab)a)*(a?){60}", Transitions, 16);
    }

    #[test]
    fn err_repeated_anchor() {
        for (pattern, offset) in [("(^|a)*", 5), (r"(?:\y)+", 6), ("(a|$){2}", 5), ("((?=a))*", 7), ("(a*^b*)*", 7)] {
            refused(pattern, RepeatedAnchor, offset);
        }
        for pattern in ["(^|a)?", r"(\ya)*", "(a$)*", "(^|a)b{3}"] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }
}
