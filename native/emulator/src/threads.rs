//! The threads that requests are served on.
//!
//! Each is a world of its own, with its own connections, instances and outbound connections: what a request touches stays on one
//! thread, and nobody is woken across threads. A connection is given to the next thread in turn, for as long as it lasts.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The threads. They end when this is dropped, with all that runs on them.
pub(crate) struct Threads {
    threads: Vec<Thread>,
    next: AtomicUsize,
}

struct Thread {
    handle: Handle,
    /// Dropping it ends the thread.
    _end: oneshot::Sender<()>,
}

impl Threads {
    /// Starts so many threads, at least one.
    pub(crate) fn start(count: usize) -> io::Result<Threads> {
        let threads = (0..count.max(1)).map(Thread::start).collect::<io::Result<_>>()?;
        Ok(Threads { threads, next: AtomicUsize::new(0) })
    }

    /// The thread whose turn it is: its number, below the count of threads, and where to spawn what it should do.
    pub(crate) fn next(&self) -> (usize, &Handle) {
        let number = self.next.fetch_add(1, Relaxed) % self.threads.len();
        (number, &self.threads[number].handle)
    }
}

impl Thread {
    fn start(number: usize) -> io::Result<Thread> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let run = move || {
            // Nobody sends anything: the other end is dropped.
            let _ = runtime.block_on(ended);
            // What still computes on a thread of its own must not hold up the end.
            runtime.shutdown_background();
        };
        thread::Builder::new().name(format!("edge-{number}")).spawn(run)?;
        Ok(Thread { handle, _end: end })
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    #[test]
    fn ok_in_turn_and_on_their_own() {
        let threads = Threads::start(2).unwrap();
        let seen: Vec<_> = (0..4)
            .map(|_| {
                let (number, handle) = threads.next();
                let name = handle.spawn(async { thread::current().name().map(str::to_owned) });
                let runtime = Builder::new_current_thread().build().unwrap();
                (number, runtime.block_on(name).unwrap().unwrap())
            })
            .collect();
        let expected = [(0, "edge-0"), (1, "edge-1"), (0, "edge-0"), (1, "edge-1")];
        assert_eq!(seen, expected.map(|(number, name)| (number, name.to_owned())));
    }

    #[test]
    fn ok_at_least_one_and_they_end() {
        let threads = Threads::start(0).unwrap();
        let (number, handle) = threads.next();
        let endless = handle.spawn(future::pending::<()>());
        assert_eq!(number, 0);
        drop(threads);
        let runtime = Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(endless).unwrap_err().is_cancelled());
    }
}
