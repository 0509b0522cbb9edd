//! Results held as Postgres sent them until all are there, for what can only be decided then: whether the
//! raw form applies, and what the types of columns are.

use std::sync::Arc;

use bytes::Bytes;
use cache::Bounds;

use super::json;
use super::reply::{Reply, text};
use super::value::Types;
use crate::Error;
use crate::pg::{Cells, Columns, Row, Sink};

/// The column whose value is a raw response's body.
const BODY_COLUMN: &str = "body";
/// The column whose value is the snapshot of the statement.
const SNAPSHOT_COLUMN: &str = "snapshot";
/// Bytes of `Headland-Row`; with more than that the ordinary form is the answer.
pub(crate) const ROW_HEADER_BYTES_MAX: usize = 16 << 10;
/// What a row takes in JSON at least.
const ROW_JSON_BYTES_MIN: usize = 3;

pub(crate) struct Held {
    results: Vec<HeldResult>,
    /// A lower bound for the size of the body.
    bytes: usize,
    bytes_max: usize,
}

struct HeldResult {
    columns: Arc<Columns>,
    /// Whole `DataRow` messages.
    rows: Vec<Bytes>,
    tag: String,
}

/// A response in raw form. A copy shares its bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawReply {
    pub(crate) body: Bytes,
    /// The value of `Headland-Row`.
    pub(crate) row: Bytes,
    /// What the column `snapshot` says, where it is known what history it is of.
    pub(crate) snapshot: Option<Bounds>,
}

impl Held {
    pub(crate) fn new(bytes_max: usize) -> Held {
        Held { results: Vec::new(), bytes: 0, bytes_max }
    }

    /// The raw form, if the last result that has columns is one row with a `body`. What comes after it may end the
    /// transaction: a `ROLLBACK` has none. A column `snapshot` is taken out where it can be read.
    pub(crate) fn raw(&self, read: impl Fn(&str) -> Option<Bounds>) -> Result<Option<RawReply>, Error> {
        let last = self.results.iter().rev().find(|result| !result.columns.columns.is_empty());
        let Some(HeldResult { columns, rows, .. }) = last else { return Ok(None) };
        let [row] = &rows[..] else { return Ok(None) };
        let Some(body_at) = columns.columns.iter().position(|column| column.name == BODY_COLUMN) else {
            return Ok(None);
        };
        let (mut body, mut snapshot) = (Bytes::new(), None);
        let mut out = vec![b'{'];
        for (index, (column, cell)) in columns.columns.iter().zip(Cells::of(row)).enumerate() {
            if index == body_at {
                body = cell.map(|cell| row.slice_ref(cell)).unwrap_or_default();
                continue;
            }
            if let (SNAPSHOT_COLUMN, Some(cell)) = (column.name.as_str(), cell)
                && let Some(bounds) = read(text(cell)?)
            {
                snapshot = Some(bounds);
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            json::ascii_string(&mut out, &column.name);
            out.push(b':');
            match cell {
                None => out.extend_from_slice(b"null"),
                Some(cell) => json::ascii_string(&mut out, text(cell)?),
            }
            if out.len() > ROW_HEADER_BYTES_MAX {
                return Ok(None);
            }
        }
        out.push(b'}');
        if body.len() > self.bytes_max {
            return Err(Error::response_too_large(self.bytes_max));
        }
        Ok((out.len() <= ROW_HEADER_BYTES_MAX).then_some(RawReply { body, row: out.into(), snapshot }))
    }

    /// Takes the result of a statement of our own that was added behind all others: its one row.
    pub(crate) fn take_last_row(&mut self) -> Option<Bytes> {
        self.results.pop()?.rows.pop()
    }

    /// The ordinary form.
    pub(crate) fn write(&self, mut reply: Reply<'_>) -> Result<Vec<u8>, Error> {
        for result in &self.results {
            reply.columns(&result.columns)?;
            for row in &result.rows {
                reply.cells(Cells::of(row))?;
            }
            reply.complete(&result.tag)?;
        }
        reply.finish()
    }

    /// Types of columns that are not known yet.
    pub(crate) fn unknown_types(&self, types: &Types) -> Vec<u32> {
        let columns = self.results.iter().flat_map(|result| &result.columns.columns);
        let mut unknown: Vec<u32> =
            columns.map(|column| column.type_oid).filter(|&oid| types.kind(oid).is_none()).collect();
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }

    /// The values of the last result's rows, for queries of our own.
    pub(crate) fn last_rows(&self) -> impl Iterator<Item = Cells<'_>> {
        self.results.last().into_iter().flat_map(|result| &result.rows).map(|row| Cells::of(row))
    }

    fn add(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes += bytes;
        match self.bytes > self.bytes_max {
            true => Err(Error::response_too_large(self.bytes_max)),
            false => Ok(()),
        }
    }
}

impl Sink for Held {
    fn columns(&mut self, columns: &Arc<Columns>) -> Result<(), Error> {
        self.results.push(HeldResult { columns: columns.clone(), rows: Vec::new(), tag: String::new() });
        Ok(())
    }

    fn row(&mut self, row: Row<'_>) -> Result<(), Error> {
        if let Some(result) = self.results.last_mut() {
            // A single row may become a raw response, which has nothing but the value.
            let around = if result.rows.is_empty() { 0 } else { ROW_JSON_BYTES_MIN };
            let bytes = row.value_bytes(result.columns.columns.len()) + around;
            result.rows.push(row.take());
            self.add(bytes)?;
        }
        Ok(())
    }

    fn complete(&mut self, tag: &str) -> Result<(), Error> {
        if let Some(result) = self.results.last_mut() {
            result.tag = tag.to_owned();
        }
        Ok(())
    }
}
