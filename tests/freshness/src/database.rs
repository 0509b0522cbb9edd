//! Postgres, as far as snapshots go.

use std::collections::BTreeMap;

use cache::{RelationId, Snapshot, Timeline, Xid};

use crate::checker::{Checker, Version};

/// What a read gives.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) versions: Vec<(RelationId, Version)>,
    /// What it is taken to contain.
    pub(crate) snapshot: Snapshot,
    /// What whoever is given it has seen.
    pub(crate) seen: Snapshot,
}

/// Transactions, of which each writes relations when it is committed.
#[derive(Debug)]
pub(crate) struct Database {
    next: Xid,
    latest_completed: Xid,
    in_progress: BTreeMap<Xid, Vec<RelationId>>,
}

impl Database {
    pub(crate) fn new() -> Database {
        Database { next: 100, latest_completed: 99, in_progress: BTreeMap::new() }
    }

    /// What `pg_current_snapshot()` gives now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let xmax = self.latest_completed + 1;
        let list: Vec<String> = self.in_progress.range(..xmax).map(|(xid, _)| xid.to_string()).collect();
        let xmin = self.in_progress.keys().next().map_or(xmax, |first| xmax.min(*first));
        let text = format!("{xmin}:{xmax}:{}", list.join(","));
        Snapshot::of_postgres(Timeline(1), &text).expect("a snapshot as Postgres writes it")
    }

    /// A transaction's first write, which gives it a number.
    pub(crate) fn write(&mut self, relations: Vec<RelationId>) -> Xid {
        let xid = self.next;
        self.next += 1;
        self.in_progress.insert(xid, relations);
        xid
    }

    /// Ends a transaction: what it wrote, with versions.
    pub(crate) fn commit(&mut self, xid: Xid, checker: &mut Checker, now: u64) -> Vec<(RelationId, Version)> {
        self.latest_completed = self.latest_completed.max(xid);
        let relations = self.in_progress.remove(&xid).unwrap_or_default();
        relations.into_iter().map(|relation| (relation, checker.committed(relation, now))).collect()
    }

    /// Ends a transaction without a trace.
    pub(crate) fn roll_back(&mut self, xid: Xid) {
        self.latest_completed = self.latest_completed.max(xid);
        self.in_progress.remove(&xid);
    }

    /// A statement that takes its snapshot now.
    pub(crate) fn read(&self, relations: &[RelationId], checker: &Checker) -> Answer {
        let versions = relations.iter().map(|relation| (*relation, checker.version(*relation))).collect();
        Answer { versions, snapshot: self.snapshot(), seen: self.snapshot() }
    }
}
