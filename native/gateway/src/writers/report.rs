//! What a write says of itself.

use cache::{IN_PROGRESS_MAX, RelationId, Snapshot, Timeline, Xid};

use crate::pg::Cells;

/// The statement that goes behind a write's own, in its transaction, where triggers have left notes. What they write
/// after it, when the transaction is committed, the database notifies of again.
pub(super) const NOTED: &str = "SELECT pg_catalog.pg_current_xact_id_if_assigned(), \
    pg_catalog.pg_current_snapshot(), pg_catalog.current_setting('headland.wrote', true), \
    pg_catalog.set_config('headland.reporter', '', true)";
/// The same where the log tells what was written: it adds a word, by which the transaction is known again, and told of
/// whatever it has written.
pub(super) const STREAMED: &str = "SELECT pg_catalog.pg_current_xact_id_if_assigned(), \
    pg_catalog.pg_current_snapshot(), '', CASE WHEN pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL \
    THEN pg_catalog.pg_logical_emit_message(true, 'headland', $1::text) END";

/// The answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Report {
    /// `None` where the transaction has written nothing.
    pub(crate) xid: Option<Xid>,
    pub(crate) seen: Snapshot,
    pub(crate) relations: Vec<RelationId>,
}

impl Report {
    /// Reads the row; `None` where it is of another form.
    pub(crate) fn read(timeline: Timeline, mut cells: Cells<'_>) -> Option<Report> {
        let mut text = || cells.next()?.map(str::from_utf8).transpose().ok();
        let xid = text()?.map(str::parse).transpose().ok()?;
        let seen = Snapshot::of_postgres(timeline, text()??)?;
        let relations = text()?.unwrap_or_default().split_whitespace();
        Some(Report { xid, seen, relations: relations.map(|id| id.parse().ok()).collect::<Option<_>>()? })
    }

    /// What the write hands out: all that it could see, and itself.
    pub(crate) fn snapshot(self) -> Snapshot {
        let mut snapshot = self.seen;
        self.xid.into_iter().for_each(|xid| snapshot.insert(xid));
        snapshot.grow(IN_PROGRESS_MAX)
    }
}
