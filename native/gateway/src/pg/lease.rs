//! A connection on loan: cancelled if its holder goes away, cleaned before anyone else gets it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::connection::{Connection, Stop};
use super::pipeline::{Discard, Sink};
use super::pool::Pool;

/// A reset takes this long at most; then the connection is dropped.
const RESET_TIMEOUT: Duration = Duration::from_secs(5);

/// What `DISCARD ALL` does, but plans and prepared statements stay, because they are what makes the next
/// request cheap.
const RESET: &str = "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; \
    SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES";

pub(crate) struct Lease {
    pool: Arc<Pool>,
    /// Both are there until the lease ends.
    lent: Option<(Connection, OwnedSemaphorePermit)>,
}

impl Lease {
    pub(super) fn new(pool: Arc<Pool>, connection: Connection, permit: OwnedSemaphorePermit) -> Lease {
        Lease { pool, lent: Some((connection, permit)) }
    }

    /// Gives the connection back. Unless `clean` says that the session is as it was before, it is reset first,
    /// in the background.
    pub(crate) fn release(mut self, clean: bool) {
        self.end(clean);
    }

    /// Cancels what runs and brings the exchange to an end. `None`: that takes too long.
    pub(crate) async fn cancel<S: Sink>(&mut self, sink: &mut S) -> Option<Result<(), Stop>> {
        let pool = self.pool.clone();
        pool.cancel(self, sink).await
    }

    /// Ends the lease without its connection.
    pub(super) fn into_permit(mut self) -> OwnedSemaphorePermit {
        self.lent.take().expect("lent until the lease ends").1
    }

    fn end(&mut self, clean: bool) {
        let Some((connection, permit)) = self.lent.take() else { return };
        if clean && connection.is_fit() && !connection.statements_disturbed() {
            self.pool.put_back(connection, permit);
        } else if !connection.is_broken() {
            let pool = self.pool.clone();
            self.pool.runtime.spawn(async move { restore(pool, connection, permit).await });
        }
    }
}

/// The holder went away, perhaps in the middle of an exchange.
impl Drop for Lease {
    fn drop(&mut self) {
        self.end(false);
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.lent.as_ref().expect("lent until the lease ends").0
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.lent.as_mut().expect("lent until the lease ends").0
    }
}

/// Brings a connection back to where the next request can have it, or drops it. Its permit is held
/// meanwhile: the bound on connections is one on work in Postgres.
async fn restore(pool: Arc<Pool>, mut connection: Connection, permit: OwnedSemaphorePermit) {
    if !connection.is_between_exchanges() {
        pool.cancel(&mut connection, &mut Discard).await;
    }
    pool.notice(&connection);
    if connection.is_between_exchanges()
        && let Ok(Ok(())) = timeout(RESET_TIMEOUT, reset(&pool, &mut connection)).await
    {
        pool.put_back(connection, permit);
    }
}

/// One trip, whatever there is to do.
async fn reset(pool: &Pool, connection: &mut Connection) -> Result<(), Stop> {
    let mut sql = String::new();
    if connection.in_transaction() {
        sql.push_str("ROLLBACK; ");
    }
    sql.push_str(RESET);
    if connection.statements_disturbed() {
        connection.clear_statements();
        sql.push_str("; DEALLOCATE ALL");
    }
    let queued = connection.start().and_then(|()| connection.simple(&sql));
    queued.map_err(|_| Stop::Lost { error: None, untouched: true })?;
    connection.run(&mut Discard).await?;
    pool.metrics.resets.add(1);
    match connection.take_failure() {
        None => Ok(()),
        Some(failure) => Err(Stop::Lost { error: Some(failure.error), untouched: false }),
    }
}
