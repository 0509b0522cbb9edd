//! Whether what callers saw was right.
//!
//! Relations have versions: how often they were written. The checker is told of each commit, of each answer's versions,
//! and of what somebody had a right to know when a request began. It knows nothing of snapshots.

use std::fmt;

use cache::RelationId;

/// How many transactions that wrote a relation have been committed.
pub type Version = usize;

/// What a read has to show at least.
#[derive(Debug, Clone)]
pub struct Expected {
    caller: Option<usize>,
    versions: Vec<(RelationId, Version)>,
    /// Why, for messages.
    because: &'static str,
}

/// An answer that must not have been given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What was promised.
    pub promise: &'static str,
    /// The relation of which too little was seen.
    pub relation: RelationId,
    /// The version that was seen.
    pub seen: Version,
    /// The one that should have been, at least.
    pub expected: Version,
    /// When it was seen, in microseconds.
    pub at: u64,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { promise, relation, seen, expected, at } = self;
        write!(f, "{promise}: at {at} us relation {relation} was seen at version {seen} in place of {expected}")
    }
}

/// The history of all relations, and of what each caller saw.
#[derive(Debug)]
pub struct Checker {
    /// When each version was committed, in microseconds.
    commits: Vec<Vec<u64>>,
    /// What every read has to show that asks the region.
    public: Vec<Version>,
    /// What each caller with a snapshot has seen or written.
    seen: Vec<Vec<Version>>,
    violations: Vec<Violation>,
}

impl Checker {
    /// For so many relations and callers.
    pub fn new(relations: usize, callers: usize) -> Checker {
        let (commits, public) = (vec![vec![]; relations], vec![0; relations]);
        Checker { commits, public, seen: vec![vec![0; relations]; callers], violations: vec![] }
    }

    /// A transaction that wrote a relation was committed: its version.
    pub fn committed(&mut self, relation: RelationId, at: u64) -> Version {
        let commits = &mut self.commits[relation as usize];
        commits.push(at);
        commits.len()
    }

    /// The version that a statement sees which takes its snapshot now.
    pub fn version(&self, relation: RelationId) -> Version {
        self.commits[relation as usize].len()
    }

    /// From now on nobody who asks the region may miss this version.
    pub fn is_public(&mut self, relation: RelationId, version: Version) {
        let public = &mut self.public[relation as usize];
        *public = version.max(*public);
    }

    /// A caller with a snapshot was told of this version.
    pub fn has_seen(&mut self, caller: usize, relation: RelationId, version: Version) {
        let seen = &mut self.seen[caller][relation as usize];
        *seen = version.max(*seen);
    }

    /// What a read has to show that asks the region and begins now.
    pub fn expect_public(&self, relations: &[RelationId]) -> Expected {
        let versions = relations.iter().map(|relation| (*relation, self.public[*relation as usize])).collect();
        Expected { caller: None, versions, because: "nothing that was acknowledged or notified is missed" }
    }

    /// What a read has to show that begins now and carries the caller's snapshot.
    pub fn expect_seen(&self, caller: usize, relations: &[RelationId]) -> Expected {
        let versions = relations.iter().map(|relation| (*relation, self.seen[caller][*relation as usize])).collect();
        Expected { caller: Some(caller), versions, because: "no caller with a snapshot goes backwards" }
    }

    /// A read has been answered.
    pub fn saw(&mut self, expected: &Expected, versions: &[(RelationId, Version)], at: u64) {
        for ((relation, version), (_, least)) in versions.iter().zip(&expected.versions) {
            if version < least {
                self.violate(expected.because, (*relation, *version), *least, at);
            }
            if let Some(caller) = expected.caller {
                self.has_seen(caller, *relation, *version);
            }
        }
    }

    /// A read has been answered that may miss nothing older than `age_max`, in microseconds, at a moment which may be that
    /// of the question.
    pub fn is_within(&mut self, versions: &[(RelationId, Version)], at: u64, age_max: u64) {
        for (relation, version) in versions {
            let missed = self.commits[*relation as usize].get(*version);
            if missed.is_some_and(|missed| at.saturating_sub(*missed) > age_max) {
                self.violate("no answer is older than its bound", (*relation, *version), version + 1, at);
            }
        }
    }

    /// What was wrong so far.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    fn violate(&mut self, promise: &'static str, (relation, seen): (RelationId, Version), expected: Version, at: u64) {
        self.violations.push(Violation { promise, relation, seen, expected, at });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn err_each_promise_that_is_broken() {
        let mut checker = Checker::new(1, 1);
        for at in [100, 200, 300] {
            checker.committed(0, at);
        }
        checker.is_public(0, 2);
        checker.has_seen(0, 0, 1);
        let (public, seen) = (checker.expect_public(&[0]), checker.expect_seen(0, &[0]));
        checker.saw(&public, &[(0, 2)], 400);
        checker.saw(&seen, &[(0, 2)], 400);
        checker.is_within(&[(0, 2)], 400, 100);
        assert!(checker.violations().is_empty());
        checker.saw(&public, &[(0, 1)], 400);
        let seen = checker.expect_seen(0, &[0]);
        checker.saw(&seen, &[(0, 1)], 400);
        checker.is_within(&[(0, 2)], 401, 100);
        let found: Vec<Version> = checker.violations().iter().map(|violation| violation.expected).collect();
        assert_eq!(found, [2, 2, 3]);
    }
}
