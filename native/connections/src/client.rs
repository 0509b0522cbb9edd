//! One connection's client, as the server sees it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use hyper::{Response, Version};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::body::Reply;
use crate::clock::{Clock, Overstay, Patience};
use crate::stream::Watched;

/// Who is at the other end of a connection. Clones are the same client.
#[derive(Clone)]
pub struct Client(Arc<Mutex<Clock>>);

/// A request of a client, in progress until this is dropped.
#[derive(Debug)]
pub struct InProgress(Client);

impl Client {
    /// The stream to serve, and the client that sends and takes through it.
    pub fn watch(stream: TcpStream, patience: Patience) -> (Watched, Client) {
        let client = Client(Arc::new(Mutex::new(Clock::new(patience, Instant::now()))));
        (Watched::new(stream, client.clone()), client)
    }

    /// A request's head has come.
    pub fn request(&self) -> InProgress {
        self.note(|clock, _| clock.request_begins());
        InProgress(self.clone())
    }

    /// Returns once the client has kept the server waiting for too long. It may be seen later than the moment, but by no
    /// more than the shortest [`Patience`].
    pub async fn overstays(&self) -> Overstay {
        loop {
            let (deadline, glance) = self.note(|clock, _| (clock.deadline(), clock.glance()));
            let now = Instant::now();
            match deadline {
                Some((at, overstay)) if at <= now => return overstay,
                Some((at, _)) => tokio::time::sleep_until(at.min(now + glance)).await,
                None => tokio::time::sleep(glance).await,
            }
        }
    }

    pub(crate) fn note<T>(&self, note: impl FnOnce(&mut Clock, Instant) -> T) -> T {
        note(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner), Instant::now())
    }
}

impl InProgress {
    /// The response, which is in progress until its body has left. `version` is the request's.
    pub fn reply<B>(self, version: Version, response: Response<B>) -> Response<Reply<B>> {
        response.map(|body| Reply::new(body, version, self))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.note(Clock::request_ends);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}
