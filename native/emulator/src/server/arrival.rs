//! A request's body, which has to arrive in time.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use wasmtime_wasi_http::Error;

use crate::exchange::Exchange;

/// A body that breaks off at its deadline, and tells the exchange that it did.
pub(super) struct Arrival<B> {
    body: B,
    /// None for a body that has ended before it began.
    deadline: Option<Pin<Box<Sleep>>>,
    exchange: Arc<Exchange>,
}

impl<B: Body> Arrival<B> {
    /// All of the body has to arrive within `timeout` from now.
    pub(super) fn new(body: B, timeout: Duration, exchange: Arc<Exchange>) -> Arrival<B> {
        let deadline = (!body.is_end_stream()).then(|| Box::pin(tokio::time::sleep(timeout)));
        Arrival { body, deadline, exchange }
    }
}

impl<B> Body for Arrival<B>
where
    B: Body<Data = Bytes> + Unpin,
    Error: From<B::Error>,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Error::from)));
        }
        let Some(deadline) = &mut this.deadline else { return Poll::Pending };
        deadline.as_mut().poll(context).map(|()| {
            this.exchange.end_body_late();
            Some(Err(Error::ConnectionReadTimeout))
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};
    use http_body_util::{BodyExt, Empty, Full, StreamBody};

    use super::*;

    #[track_caller]
    fn check<B>(body: B, is_late: bool, expected: Option<&str>)
    where
        B: Body<Data = Bytes> + Unpin,
        Error: From<B::Error>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let exchange = Arc::new(Exchange::default());
            let body = Arrival::new(body, Duration::from_millis(50), exchange.clone()).collect().await;
            assert_eq!(body.ok().map(|body| body.to_bytes()).as_deref(), expected.map(str::as_bytes));
            assert_eq!(exchange.body_is_late(), is_late);
        });
    }

    #[test]
    fn ok_in_time() {
        check(Empty::<Bytes>::new(), false, Some(""));
        check(Full::new(Bytes::from("abc")), false, Some("abc"));
    }

    #[test]
    fn err_late() {
        let frames = |count| {
            stream::iter(0..count).then(|_| async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from("x")))
            })
        };
        check(StreamBody::new(Box::pin(frames(1))), false, Some("x"));
        // Byte by byte is no excuse.
        check(StreamBody::new(Box::pin(frames(9))), true, None);
        check(StreamBody::new(Box::pin(frames(0).chain(stream::pending()))), true, None);
    }
}
