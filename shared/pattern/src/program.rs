//! The steps of an automaton, from a tree.

use crate::STEPS_MAX;
use crate::ast::{Anchor, Node, Repetition};
use crate::error::{Error, ErrorKind};

/// One step; places are those of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Takes a character of this set, and goes on with the next step.
    Set(usize),
    /// Goes on with the next step where this holds.
    Anchor(Anchor),
    /// Goes on with the next step and with this one.
    Fork(usize),
    /// Goes on with this one.
    Jump(usize),
    /// The text matches.
    Match,
}

/// The steps of a tree, with repetitions written out.
pub(crate) fn compile(root: &Node) -> Result<Vec<Step>, Error> {
    let mut program = Program { steps: Vec::new(), offset: 0 };
    program.node(root)?;
    program.push(Step::Match)?;
    Ok(program.steps)
}

struct Program {
    steps: Vec<Step>,
    /// Where the repetition is that is being written out.
    offset: usize,
}

impl Program {
    fn node(&mut self, node: &Node) -> Result<(), Error> {
        match node {
            Node::Set(set) => self.push(Step::Set(*set)).map(drop),
            Node::Anchor(anchor) => self.push(Step::Anchor(*anchor)).map(drop),
            Node::Look(look) => Err(ErrorKind::Lookaround.at(look.offset)),
            Node::Concatenation(nodes) => nodes.iter().try_for_each(|node| self.node(node)),
            Node::Alternation(nodes) => self.alternation(nodes),
            Node::Repetition(repetition) => self.repetition(repetition),
        }
    }

    fn alternation(&mut self, nodes: &[Node]) -> Result<(), Error> {
        let Some((last, others)) = nodes.split_last() else { return Ok(()) };
        let mut jumps = Vec::new();
        for node in others {
            let fork = self.push(Step::Fork(0))?;
            self.node(node)?;
            jumps.push(self.push(Step::Jump(0))?);
            self.steps[fork] = Step::Fork(self.steps.len());
        }
        self.node(last)?;
        let end = self.steps.len();
        jumps.into_iter().for_each(|jump| self.steps[jump] = Step::Jump(end));
        Ok(())
    }

    fn repetition(&mut self, repetition: &Repetition) -> Result<(), Error> {
        let Repetition { body, min, max, offset } = repetition;
        self.offset = *offset;
        let start = self.steps.len();
        for _ in 0..*min {
            self.node(body)?;
            if self.steps.len() == start {
                // Nothing at all, any number of times.
                return Ok(());
            }
        }
        match max {
            Some(max) => self.optional(body, max - min),
            None => self.endless(body),
        }
    }

    /// Copies that each may be the last.
    fn optional(&mut self, body: &Node, copies: u32) -> Result<(), Error> {
        let mut forks = Vec::new();
        for _ in 0..copies {
            forks.push(self.push(Step::Fork(0))?);
            self.node(body)?;
        }
        let end = self.steps.len();
        forks.into_iter().for_each(|fork| self.steps[fork] = Step::Fork(end));
        Ok(())
    }

    fn endless(&mut self, body: &Node) -> Result<(), Error> {
        let fork = self.push(Step::Fork(0))?;
        self.node(body)?;
        self.push(Step::Jump(fork))?;
        self.steps[fork] = Step::Fork(self.steps.len());
        Ok(())
    }

    /// Adds a step and returns its place.
    fn push(&mut self, step: Step) -> Result<usize, Error> {
        if self.steps.len() == STEPS_MAX {
            return Err(ErrorKind::Steps.at(self.offset));
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }
}
