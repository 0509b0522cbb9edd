//! Why an outbound request has no answer, and how long one waits for anything.

use std::{fmt, pin::pin, time::Duration};

use futures_util::future::{Either, select};

use crate::Edge;

impl Edge {
    /// What `future` gives, or `None` where it takes longer than `timeout`; it is dropped then.
    pub async fn within<T>(&self, timeout: Duration, future: impl Future<Output = T>) -> Option<T> {
        match select(pin!(future), pin!(self.sleep(timeout))).await {
            Either::Left((value, _)) => Some(value),
            Either::Right(_) => None,
        }
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
    /// The runtime gave up waiting; [`Edge::within`] sets a time of one's own.
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
