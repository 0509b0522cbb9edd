//! How long one waits for an outbound request or anything else, and why there is no answer.

use std::{fmt, pin::pin, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, select};

use crate::{Edge, Request};

impl Edge {
    /// What `future` gives, or `None` where it takes longer than `timeout`; it is dropped then.
    pub async fn within<T>(&self, timeout: Duration, future: impl Future<Output = T>) -> Option<T> {
        until(self.sleep(timeout), future).await.ok()
    }

    /// [`Edge::fetch`] with a response of at most `bytes_max` bytes, which is whole within `timeout`. A longer one is as good as
    /// broken.
    pub async fn fetch_whole(
        &self,
        request: Request,
        bytes_max: usize,
        timeout: Duration,
    ) -> Result<http::Response<Bytes>, FetchError> {
        let whole = self.fetch_until(self.sleep(timeout), request, bytes_max, || {});
        whole.await.unwrap_or(Err(FetchError::TimedOut))
    }

    /// The same, but for as long as it takes; or what `end` gives, if that is ready first. `begins` is called when there is a head.
    pub async fn fetch_until<T>(
        &self,
        end: impl Future<Output = T>,
        request: Request,
        bytes_max: usize,
        begins: impl FnOnce(),
    ) -> Result<Result<http::Response<Bytes>, FetchError>, T> {
        until(end, self.exchange(request, bytes_max, begins)).await
    }

    async fn exchange(
        &self,
        request: Request,
        bytes_max: usize,
        begins: impl FnOnce(),
    ) -> Result<http::Response<Bytes>, FetchError> {
        let (head, body) = self.fetch(request).await?.into_parts();
        begins();
        let body = body.bytes(bytes_max).await.map_err(|error| FetchError::Broken(error.to_string()))?;
        Ok(http::Response::from_parts(head, body))
    }
}

/// What `future` gives, or else what `end` gives, if that is ready first. The other one is dropped.
async fn until<E, T>(end: impl Future<Output = E>, future: impl Future<Output = T>) -> Result<T, E> {
    match select(pin!(future), pin!(end)).await {
        Either::Left((value, _)) => Ok(value),
        Either::Right((end, _)) => Err(end),
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
