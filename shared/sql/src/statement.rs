//! What is sent and what comes back: a statement with its parameters, and the one row that answers it.

use bytes::Bytes;
use cache::{RelationId, Snapshot};
use serde::Serialize;

use crate::{Error, Members};

/// One SQL statement. Values of users are parameters and never text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Statement {
    /// SQL with `$1`, `$2`, … in it.
    #[serde(rename = "query")]
    pub text: String,
    /// The values, in Postgres' text form; Postgres infers their types. `None` is NULL.
    #[serde(rename = "params")]
    pub parameters: Vec<Option<String>>,
}

/// The single row that answers a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// The column named `body`, byte for byte; empty where it is NULL.
    pub body: Bytes,
    /// The other columns by name, in Postgres' text form; `None` is NULL.
    pub columns: Members<Option<String>>,
}

/// What is asked of a read whose answer is kept.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The tables that the answer is made of.
    pub tables: &'a [RelationId],
    /// The snapshot of the answer that there is. If that is still good, nothing is run.
    pub stored: Option<&'a Snapshot>,
    /// What the answer has to contain.
    pub demanded: &'a Snapshot,
}

/// A row, and what the region says beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The row; `None` where nothing was run, as the stored answer is still good.
    pub row: Option<Row>,
    /// The version of the schema that the database had when the batch began, or an older one; `None` where nobody looks.
    pub catalog: Option<String>,
    /// What the caller owes under the limits of the batch (`limit::wire`); `None` where nobody counts.
    pub limits: Option<String>,
    /// Of a read the snapshot of its statement, or the one that the stored answer has by now; of a write all that it saw, and
    /// itself. `None` where the region does not tell.
    pub snapshot: Option<Snapshot>,
    /// What whoever is given the row has seen, where that is more than can be said to be in it.
    pub seen: Option<Snapshot>,
    /// Up to where all writers are known.
    pub known: Snapshot,
    /// Who has written the tables that were asked about, and the schema.
    pub writers: Vec<(RelationId, Snapshot)>,
}

impl Answer {
    /// The row, where something had to be run.
    ///
    /// # Errors
    /// [`Error::Nonsense`] if there is none, although nobody has an answer already.
    pub fn take_row(&mut self) -> Result<Row, Error> {
        self.row.take().ok_or_else(|| Error::Nonsense("no row, and nothing is stored that could be unchanged".into()))
    }
}

impl Row {
    /// A column's text; `None` where it is NULL or absent.
    pub fn get(&self, column: &str) -> Option<&str> {
        self.columns.get(column)?.as_deref()
    }
}
