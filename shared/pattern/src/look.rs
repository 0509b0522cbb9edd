//! Which lookarounds Postgres runs in bounded time.
//!
//! It runs a lookahead anew at every character at which it may stand, and each time as far as it may reach: the square
//! of the text's length where that is the end. So a lookahead either reaches few characters or stands where the text
//! begins. Lookbehinds go along with the text, and cost no more than as much again. One in another starts over and over.

use crate::LOOKAHEAD_CHARACTERS_MAX;
use crate::ast::{Anchor, Expression, Look, Node};
use crate::error::{Error, ErrorKind};

/// Refuses lookarounds that could run away. Returns whether there are others that run anywhere.
pub(crate) fn check(expression: &Expression) -> Result<bool, Error> {
    let mut walk = Walk { newline_anchors: expression.options.newline_anchors, characters: 0, is_anywhere: false };
    walk.leads(&expression.root, false)?;
    Ok(walk.is_anywhere)
}

/// Whether a lookaround looks at one character or is one anchor, and costs no more than an anchor in Postgres.
pub(crate) fn is_simple(look: &Look) -> bool {
    matches!(look.body, Node::Set(_) | Node::Anchor(_))
}

struct Walk {
    newline_anchors: bool,
    /// How far lookaheads reach that may stand anywhere, all together.
    characters: u32,
    is_anywhere: bool,
}

impl Walk {
    /// Whether the text's start, and only that, is still where we are behind a node, if `at_start` is so before it.
    fn leads(&mut self, node: &Node, at_start: bool) -> Result<bool, Error> {
        match node {
            Node::Set(_) => Ok(false),
            Node::Anchor(Anchor::TextStart) => Ok(true),
            Node::Anchor(Anchor::LineStart) => Ok(at_start || !self.newline_anchors),
            Node::Anchor(_) => Ok(at_start),
            Node::Look(look) => self.look(look, at_start).map(|()| at_start),
            Node::Concatenation(nodes) => nodes.iter().try_fold(at_start, |at_start, node| self.leads(node, at_start)),
            Node::Alternation(nodes) => nodes.iter().try_fold(true, |all, node| Ok(self.leads(node, at_start)? && all)),
            Node::Repetition(repetition) => {
                let is_once = repetition.max.is_some_and(|max| max <= 1);
                let leads = self.leads(&repetition.body, at_start && is_once)?;
                Ok(leads && (at_start || repetition.min > 0))
            }
        }
    }

    fn look(&mut self, look: &Look, at_start: bool) -> Result<(), Error> {
        if has_look(&look.body) {
            return Err(ErrorKind::NestedLookaround.at(look.offset));
        }
        self.is_anywhere |= !at_start && !is_simple(look);
        if !look.is_ahead || at_start {
            return Ok(());
        }
        let width = width(&look.body).ok_or(ErrorKind::Lookahead.at(look.offset))?;
        self.characters = self.characters.saturating_add(width);
        if self.characters > LOOKAHEAD_CHARACTERS_MAX {
            return Err(ErrorKind::LookaheadCharacters.at(look.offset));
        }
        Ok(())
    }
}

fn has_look(node: &Node) -> bool {
    match node {
        Node::Set(_) | Node::Anchor(_) => false,
        Node::Look(_) => true,
        Node::Concatenation(nodes) | Node::Alternation(nodes) => nodes.iter().any(has_look),
        Node::Repetition(repetition) => has_look(&repetition.body),
    }
}

/// The most characters that a node matches; `None` is no end.
fn width(node: &Node) -> Option<u32> {
    match node {
        Node::Set(_) => Some(1),
        Node::Anchor(_) | Node::Look(_) => Some(0),
        Node::Concatenation(nodes) => nodes.iter().try_fold(0u32, |sum, node| Some(sum.saturating_add(width(node)?))),
        Node::Alternation(nodes) => nodes.iter().try_fold(0, |most: u32, node| Some(most.max(width(node)?))),
        Node::Repetition(repetition) => match (width(&repetition.body)?, repetition.max) {
            (0, _) => Some(0),
            (width, max) => max.map(|max| max.saturating_mul(width)),
        },
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
    fn ok_in_bounded_time() {
        for pattern in [
            r"^(?=.*\d)(?!.*\s)(?=.{8,}$).*$",
            r"\A(?=.*x)",
            "^(?:(?=.*x)a|(?=.*y)b)",
            "(?<=x.*)y(?<!z.*)",
            "(?:(?!foo|bar).)*",
            "(?=.{32})x",
        ] {
            assert_eq!(check(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn err_lookahead_of_any_length() {
        refused("(?=.*x)y", Lookahead, 0);
        refused("a(?!.*x)y", Lookahead, 1);
        refused("(^|a)(?=x+)", Lookahead, 5);
        refused("(?n)^(?=.*x)", Lookahead, 5);
        refused("^a?(?=.*x)", Lookahead, 3);
        refused("(^)?(?=.*x)", Lookahead, 4);
        refused("^(?:(?=.*x)a)*", Lookahead, 4);
    }

    #[test]
    fn err_lookaheads_of_too_many_characters() {
        refused("(?=.{33})x", LookaheadCharacters, 0);
        refused("(?=.{20})x(?!(ab){7})", LookaheadCharacters, 10);
    }

    #[test]
    fn err_nested() {
        refused("^(?=a(?=b))", NestedLookaround, 1);
        refused("(?<=(?!b)c)", NestedLookaround, 0);
    }
}
