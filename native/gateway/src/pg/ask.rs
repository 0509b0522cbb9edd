//! A statement of the gateway's own, whose answer is one value.

use super::connection::{Connection, Stop};
use super::pipeline::Sink;
use super::row::Row;
use super::server_error::ServerError;
use crate::Error;

/// The last value that was asked for, and what Postgres has notified of meanwhile.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) value: Option<String>,
    /// In the order of their transactions.
    pub(crate) payloads: Vec<String>,
}

impl Connection {
    /// Runs one statement: the value of its last row, which may be NULL; or what Postgres says against it.
    pub(crate) async fn ask(
        &mut self,
        sql: &str,
        told: &mut Told,
    ) -> Result<Result<Option<String>, Box<ServerError>>, Stop> {
        told.value = None;
        let queued = self.start().and_then(|()| self.statement(sql, &[]));
        queued.map_err(|_| Stop::Lost { error: None, untouched: true })?;
        self.sync();
        self.run(told).await?;
        Ok(match self.take_failure() {
            Some(failure) => Err(failure.error),
            None => Ok(told.value.take()),
        })
    }
}

impl Sink for Told {
    fn row(&mut self, row: Row<'_>) -> Result<(), Error> {
        let value = row.cells().next().flatten().and_then(|value| str::from_utf8(value).ok());
        self.value = value.map(str::to_owned);
        Ok(())
    }

    fn notified(&mut self, payload: &str) {
        self.payloads.push(payload.to_owned());
    }
}
