//! A connection on which Postgres sends what it logs, as `pgoutput` tells it.
//!
//! ```text
//! XLogData  = 'w' start:8 end:8 time:8 message
//! Keepalive = 'k' end:8 time:8 reply_wanted:1
//! Status    = 'r' written:8 flushed:8 applied:8 time:8 reply_wanted:1
//! ```
//!
//! The slot is a temporary one: it goes with the connection, so nothing is kept for a gateway that is away.

use std::io;
use std::time::Duration;

use bytes::Buf;
use tokio::time::Instant;

use super::connection::{Connection, Stop};
use super::pgoutput::Message;
use super::pipeline::{Discard, Sink};
use super::pool::Pool;

/// What the session is, and how long it waits for a transaction to end, in which Postgres would not notice that we have
/// gone.
const PARAMETERS: [(&str, &str); 2] = [("replication", "database"), ("lock_timeout", "10s")];
/// How often Postgres is told what it need not keep any more, if something comes. It gives up a stream after
/// `wal_sender_timeout`, a minute by default, and asks before.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) struct Replication {
    connection: Connection,
    slot: String,
    received: Received,
    status_at: Instant,
}

impl Replication {
    /// Opens the connection and makes a slot. When this returns it is settled from where on the log is read. Before
    /// that, Postgres waits for the end of transactions that it finds in progress.
    pub(crate) async fn open(pool: &Pool) -> Result<Replication, Stop> {
        let connection = pool.open_apart(&PARAMETERS).await.map_err(Stop::Refused)?;
        let slot = format!("headland_{:016x}", fastrand::u64(..));
        let mut replication =
            Replication { connection, slot, received: Received::default(), status_at: Instant::now() };
        // In the older syntax, which every version knows.
        let slot = &replication.slot;
        let create = format!("CREATE_REPLICATION_SLOT {slot} TEMPORARY LOGICAL pgoutput NOEXPORT_SNAPSHOT");
        replication.queue(&create)?;
        replication.connection.run(&mut Discard).await?;
        replication.check()?;
        Ok(replication)
    }

    /// Queues the beginning of the stream, with what the publication tells of, and with messages.
    pub(crate) fn start(&mut self, publication: &str) -> Result<(), Stop> {
        let options = format!("proto_version '1', publication_names '{publication}', messages 'true'");
        self.queue(&format!("START_REPLICATION SLOT {} LOGICAL 0/0 ({options})", self.slot))
    }

    /// Waits until something has come. May be dropped and called again.
    pub(crate) async fn wait(&mut self) -> Result<(), Stop> {
        self.connection.heed(&mut self.received).await?;
        self.check()?;
        if self.received.is_asked || self.status_at.elapsed() >= STATUS_INTERVAL {
            self.connection.copy(&self.received.status()).map_err(unsent)?;
            self.received.is_asked = false;
            self.status_at = Instant::now();
        }
        Ok(())
    }

    /// What has come since it was asked last, in order.
    pub(crate) fn take(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.received.messages)
    }

    fn queue(&mut self, command: &str) -> Result<(), Stop> {
        self.connection.start().and_then(|()| self.connection.simple(command)).map_err(unsent)
    }

    fn check(&mut self) -> Result<(), Stop> {
        let failure = self.connection.take_failure();
        failure.map_or(Ok(()), |failure| Err(Stop::Lost { error: Some(failure.error), untouched: false }))
    }
}

fn unsent(_: io::Error) -> Stop {
    Stop::Lost { error: None, untouched: true }
}

#[derive(Default)]
struct Received {
    messages: Vec<Message>,
    /// The position in the log up to which nothing need be kept for us: we never ask for anything twice.
    end: u64,
    is_asked: bool,
}

impl Received {
    /// A status. What time it is here nobody needs to know.
    fn status(&self) -> Vec<u8> {
        let end = self.end.to_be_bytes();
        [b"r".as_slice(), &end, &end, &end, &[0; size_of::<u64>()], &[0]].concat()
    }
}

impl Sink for Received {
    const STREAMS: bool = true;

    fn streamed(&mut self, data: &[u8]) -> Option<()> {
        let (tag, mut rest) = data.split_first()?;
        match tag {
            b'w' => {
                self.end = self.end.max(rest.try_get_u64().ok()?);
                self.messages.push(Message::parse(rest.get(2 * size_of::<u64>()..)?)?);
            }
            b'k' => {
                self.end = self.end.max(rest.try_get_u64().ok()?);
                self.is_asked |= *rest.get(size_of::<u64>())? != 0;
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_pieces_of_a_stream() {
        let mut received = Received::default();
        let at = |position: u64| position.to_be_bytes();
        assert_eq!(received.streamed(&[b"w".as_slice(), &at(7), &at(7), &at(0), b"C"].concat()), Some(()));
        assert_eq!((received.end, received.is_asked), (7, false));
        assert_eq!(received.streamed(&[b"k".as_slice(), &at(5), &at(0), &[1]].concat()), Some(()));
        assert_eq!((received.end, received.is_asked), (7, true));
        assert_eq!(received.messages, [Message::Commit]);
        let status = received.status();
        assert_eq!((status.len(), &status[..9]), (34, &[b"r".as_slice(), &at(7)].concat()[..]));
    }

    #[test]
    fn err_pieces_of_a_stream() {
        for data in [b"".as_slice(), b"w", b"k\0\0\0\0\0\0\0\x01", b"x\0"] {
            assert_eq!(Received::default().streamed(data), None, "{data:?}");
        }
    }
}
