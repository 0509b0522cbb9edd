//! What is wrong with rows.

/// Most violations that are listed.
pub const VIOLATIONS_MAX: usize = 100;

/// One value that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The JSON pointer (RFC 6901) of the value; of one that is missing, where it should be.
    pub pointer: String,
    /// The rule's name: an operator's own, such as `max-length`, or `type`, `length`, `range`, `enum`, `not-null`, `identity`
    /// or `generated`.
    pub rule: &'static str,
    /// The error that Postgres has for it (its manual, appendix A).
    pub code: &'static str,
    /// A sentence for people; that of Postgres, where it has one.
    pub message: String,
}

/// All that is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations {
    /// The first [`VIOLATIONS_MAX`].
    pub listed: Vec<Violation>,
    /// How many there are beyond those.
    pub more: usize,
}

impl Violations {
    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    pub(crate) fn add(&mut self, violation: Violation) {
        match self.listed.len() {
            VIOLATIONS_MAX => self.more += 1,
            _ => self.listed.push(violation),
        }
    }
}
