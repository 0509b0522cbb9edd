//! How long one waits for an outbound request or anything else, and why there is no answer.

use std::{fmt, pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, select};

use crate::{Edge, Request};

impl Edge {
    /// What `future` gives, or `None` where it takes longer than `timeout`; it is dropped then.
    pub async fn within<T>(&self, timeout: Duration, future: impl Future<Output = T>) -> Option<T> {
        match select(pin!(future), pin!(self.sleep(timeout))).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
    }

    /// [`Edge::fetch`] with a response of at most `bytes_max` bytes, which is whole within `timeout`. A longer one is as good as
    /// broken.
    pub async fn fetch_whole(
        &self,
        request: Request,
        bytes_max: usize,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, FetchError> {
        let exchange = async {
            let (head, body) = self.fetch(request).await?.into_parts();
            let body = body.bytes(bytes_max).await.map_err(|error| FetchError::Broken(error.to_string()))?;
            Ok(http::Response::from_parts(head, body))
        };
        self.within(timeout, exchange).await.unwrap_or(Err(FetchError::TimedOut))
    }
}

/// An outbound request that was not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchError {
    /// The runtime's policy forbids this address (`allowed_outbound_hosts` in spin.toml).
    Denied(String),
    /// No connection could be made: nothing of the request was sent.
    Unreachable(String),
    /// The connection broke after the request may have been sent.
    Broken(String),
    /// The runtime gave up waiting, or the time of [`Edge::fetch_whole`] was over.
    TimedOut,
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FetchError::Denied(why) => write!(f, "not allowed: {why}"),
            FetchError::Unreachable(why) => write!(f, "unreachable: {why}"),
            FetchError::Broken(why) => write!(f, "connection broken: {why}"),
            FetchError::TimedOut => f.write_str("timed out"),
        }
    }
}

impl std::error::Error for FetchError {}
