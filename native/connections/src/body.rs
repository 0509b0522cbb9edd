//! A response's body, which knows whether the client takes it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::Version;
use hyper::body::{Body, Frame, SizeHint};

use crate::client::InProgress;
use crate::clock::Clock;

/// HTTP/2 gets a body in pieces of this size, its usual frame. A whole one would lie in the connection's memory before
/// the client has opened a window for it, and nobody could tell that it waits.
const PIECE_BYTES: usize = 16 << 10;

/// A body on its way to the client.
#[derive(Debug)]
pub struct Reply<B> {
    body: B,
    /// What of the last frame is still to be handed over.
    rest: Bytes,
    is_in_pieces: bool,
    /// Whether something was handed over and nothing has been asked for since.
    waits: bool,
    request: InProgress,
}

impl<B> Reply<B> {
    pub(crate) fn new(body: B, version: Version, request: InProgress) -> Reply<B> {
        Reply { body, rest: Bytes::new(), is_in_pieces: version == Version::HTTP_2, waits: false, request }
    }

    fn set_waits(&mut self, waits: bool) {
        if waits != self.waits {
            self.waits = waits;
            self.request.client().note(if waits { Clock::wait_begins } else { Clock::wait_ends });
        }
    }

    fn piece(&mut self) -> Frame<Bytes> {
        self.set_waits(true);
        let bytes = if self.is_in_pieces { self.rest.len().min(PIECE_BYTES) } else { self.rest.len() };
        Frame::data(self.rest.split_to(bytes))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Reply<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        this.set_waits(false);
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(this.piece())));
        }
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(context)) {
            Some(Ok(frame)) => frame,
            end => return Poll::Ready(end),
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) => {
                this.rest = data;
                this.piece()
            }
            Err(trailers) => trailers,
        })))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl<B> Drop for Reply<B> {
    fn drop(&mut self) {
        self.set_waits(false);
    }
}
