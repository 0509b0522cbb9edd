//! The stream to Postgres with its two buffers: what is to be sent, and what has arrived.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::stream::Stream;

/// Room made for a read: what Postgres sends at a time. More was measured to be slower, as it leaves the
/// processor's cache.
const READ_BYTES: usize = 8 << 10;
/// Larger buffers are not kept between exchanges.
const BUFFER_KEPT_BYTES_MAX: usize = 64 << 10;
/// The last bytes to a peer that may not be there any more.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct Wire {
    stream: Stream,
    pub(crate) outgoing: BytesMut,
    pub(crate) incoming: BytesMut,
    /// Bytes of this exchange that the socket took.
    pub(crate) sent_bytes: usize,
    unflushed: bool,
}

impl Wire {
    pub(crate) fn new(stream: Stream) -> Wire {
        Wire { stream, outgoing: BytesMut::new(), incoming: BytesMut::new(), sent_bytes: 0, unflushed: false }
    }

    /// Sends what there is room for and waits until something has arrived. Doing both at once keeps the two
    /// sides from waiting for each other when a request and its response are both large.
    ///
    /// May be dropped and called again.
    pub(crate) async fn transfer(&mut self) -> io::Result<()> {
        poll_fn(|cx| {
            if self.poll_write(cx).is_err() {
                // The server may have said why it is leaving; what is left to read will tell, or end.
                self.outgoing.clear();
            }
            self.poll_read(cx)
        })
        .await
    }

    /// Takes in what has already arrived. Fails if the stream has ended, or if more has come than anybody
    /// says who was not asked.
    pub(crate) fn glance(&mut self) -> io::Result<()> {
        let mut cx = Context::from_waker(Waker::noop());
        while let Poll::Ready(read) = self.poll_read(&mut cx) {
            read?;
            if self.incoming.len() > BUFFER_KEPT_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(())
    }

    /// Gives back memory that only an unusual exchange needed.
    pub(crate) fn trim(&mut self) {
        for buffer in [&mut self.outgoing, &mut self.incoming] {
            if buffer.is_empty() && buffer.capacity() > BUFFER_KEPT_BYTES_MAX {
                *buffer = BytesMut::new();
            }
        }
    }

    /// Sends what is left and closes.
    pub(crate) async fn close(mut self) {
        let closing = async {
            self.stream.write_all(&self.outgoing).await?;
            self.stream.shutdown().await
        };
        // Whether it arrives makes no difference to us.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match pin!(self.stream.write_buf(&mut self.outgoing)).poll(cx) {
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(bytes)) => self.sent_bytes += bytes,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
            self.unflushed = true;
        }
        // Only TLS keeps back what it was given.
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(cx)
        {
            self.unflushed = false;
            flushed?;
        }
        Ok(())
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.incoming.capacity() - self.incoming.len() < READ_BYTES / 2 {
            self.incoming.reserve(READ_BYTES);
        }
        match pin!(self.stream.read_buf(&mut self.incoming)).poll(cx) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(read) => Poll::Ready(read.map(drop)),
            Poll::Pending => Poll::Pending,
        }
    }
}
