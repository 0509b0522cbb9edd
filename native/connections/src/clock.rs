//! How long a client has kept the server waiting, and how long it still may.

use std::time::Duration;

use tokio::time::Instant;

/// A client that takes responses faster than this is never too slow: whatever it takes buys it the time to take more.
pub const TAKEN_BYTES_PER_SECOND_MIN: u32 = 16 << 10;

/// How long a client may keep the server waiting.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Without a request, from the end of the last response or from the beginning of the connection.
    pub idle: Duration,
    /// From the first byte of a request's head to its last. HTTP/2's heads come within `idle`.
    pub head: Duration,
    /// With a response, or a part of one, that the client does not take. What it takes restores as much time as it may
    /// need at [`TAKEN_BYTES_PER_SECOND_MIN`], up to this.
    pub take: Duration,
}

/// What a client that was disconnected did not do in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overstay {
    /// Send a request.
    Idle,
    /// Send a head to its end.
    Head,
    /// Take a response.
    Take,
}

/// What goes on on one connection. Time comes as an argument, and never goes back.
#[derive(Debug)]
pub(crate) struct Clock {
    patience: Patience,
    /// From the end of a head to when the last of the response is handed over or dropped.
    requests: usize,
    idle_since: Instant,
    head_since: Option<Instant>,
    /// Known when the first bytes have come.
    is_http2: Option<bool>,
    /// Writes and bodies that wait for the client.
    waits: usize,
    /// What of `patience.take` was left at `settled`.
    left: Duration,
    settled: Instant,
}

impl Clock {
    pub(crate) fn new(patience: Patience, now: Instant) -> Clock {
        Clock {
            patience,
            requests: 0,
            idle_since: now,
            head_since: None,
            is_http2: None,
            waits: 0,
            left: patience.take,
            settled: now,
        }
    }

    pub(crate) fn request_begins(&mut self) {
        self.requests += 1;
        self.head_since = None;
    }

    pub(crate) fn request_ends(&mut self, now: Instant) {
        self.requests -= 1;
        self.idle_since = now;
    }

    /// Bytes have come.
    pub(crate) fn receive(&mut self, bytes: &[u8], now: Instant) {
        // What comes between requests of HTTP/2 need not be a head. Its preface begins with this (RFC 9113, section 3.4),
        // and comes in one piece unless the client wants to be slow.
        let is_http2 = *self.is_http2.get_or_insert_with(|| bytes.starts_with(b"PRI"));
        if self.requests == 0 && !is_http2 {
            self.head_since.get_or_insert(now);
        }
    }

    pub(crate) fn wait_begins(&mut self, now: Instant) {
        self.settle(now);
        self.waits += 1;
    }

    pub(crate) fn wait_ends(&mut self, now: Instant) {
        self.settle(now);
        self.waits -= 1;
        self.idle_since = now;
    }

    /// Bytes have left.
    pub(crate) fn take(&mut self, bytes: usize, now: Instant) {
        self.settle(now);
        let bought = Duration::from_secs_f64(bytes as f64 / f64::from(TAKEN_BYTES_PER_SECOND_MIN));
        self.left = (self.left + bought).min(self.patience.take);
    }

    /// When the client will have kept the server waiting for too long, if nothing happens until then; `None` while it
    /// is the server's turn.
    pub(crate) fn deadline(&self) -> Option<(Instant, Overstay)> {
        if self.waits > 0 {
            return Some((self.settled + self.left, Overstay::Take));
        }
        if self.requests > 0 {
            return None;
        }
        let idle = (self.idle_since + self.patience.idle, Overstay::Idle);
        let head = self.head_since.map(|since| (since + self.patience.head, Overstay::Head));
        head.into_iter().chain([idle]).min_by_key(|(at, _)| *at)
    }

    /// Longest that a deadline may go unseen.
    pub(crate) fn glance(&self) -> Duration {
        self.patience.idle.min(self.patience.head).min(self.patience.take)
    }

    fn settle(&mut self, now: Instant) {
        if self.waits > 0 {
            self.left = self.left.saturating_sub(now.duration_since(self.settled));
        }
        self.settled = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { idle: Duration::from_secs(100), head: Duration::from_secs(10), take: Duration::from_secs(60) };
    const RATE: usize = TAKEN_BYTES_PER_SECOND_MIN as usize;

    enum Event {
        Begin,
        End,
        Receive(&'static [u8]),
        Wait,
        Go,
        Take(usize),
    }
    use Event::*;

    /// What happened at which second, and the deadline afterwards, in seconds.
    #[track_caller]
    fn check(events: &[(u64, Event)], expected: Option<(u64, Overstay)>) {
        let start = Instant::now();
        let mut clock = Clock::new(PATIENCE, start);
        for (second, event) in events {
            let now = start + Duration::from_secs(*second);
            match event {
                Begin => clock.request_begins(),
                End => clock.request_ends(now),
                Receive(bytes) => clock.receive(bytes, now),
                Wait => clock.wait_begins(now),
                Go => clock.wait_ends(now),
                Take(bytes) => clock.take(*bytes, now),
            }
        }
        let expected = expected.map(|(second, overstay)| (start + Duration::from_secs(second), overstay));
        assert_eq!(clock.deadline(), expected);
    }

    #[test]
    fn err_no_request() {
        check(&[], Some((100, Overstay::Idle)));
        check(&[(0, Receive(b"GET")), (1, Begin), (5, End)], Some((105, Overstay::Idle)));
        check(&[(1, Begin), (5, End), (6, Take(9))], Some((105, Overstay::Idle)));
    }

    #[test]
    fn err_head_byte_by_byte() {
        check(&[(7, Receive(b"G"))], Some((17, Overstay::Head)));
        check(&[(7, Receive(b"G")), (16, Receive(b"E"))], Some((17, Overstay::Head)));
        check(&[(95, Receive(b"G"))], Some((100, Overstay::Idle)));
        check(&[(0, Receive(b"G")), (1, Begin), (2, End), (50, Receive(b"G"))], Some((60, Overstay::Head)));
    }

    #[test]
    fn err_http2_has_one_clock_for_heads_and_idleness() {
        check(&[(0, Receive(b"PRI * HTTP/2.0")), (9, Receive(b"ping"))], Some((100, Overstay::Idle)));
        check(&[(0, Receive(b"P")), (9, Receive(b"RI"))], Some((10, Overstay::Head)));
    }

    #[test]
    fn ok_while_it_is_the_servers_turn() {
        check(&[(1, Begin)], None);
        check(&[(1, Begin), (2, Begin), (3, End)], None);
        check(&[(1, Begin), (2, Receive(b"body"))], None);
        check(&[(1, Begin), (2, Wait), (3, Go)], None);
    }

    #[test]
    fn err_response_not_taken() {
        check(&[(1, Begin), (2, Wait)], Some((62, Overstay::Take)));
        check(&[(1, Begin), (2, Wait), (3, End)], Some((62, Overstay::Take)));
        check(&[(1, Begin), (2, Wait), (3, Wait), (4, Go)], Some((62, Overstay::Take)));
    }

    #[test]
    fn err_response_taken_too_slowly() {
        // What was waited for is gone, unless it was bought back.
        check(&[(0, Wait), (50, Go), (50, Wait)], Some((60, Overstay::Take)));
        check(&[(0, Wait), (50, Take(RATE)), (50, Go), (50, Wait)], Some((61, Overstay::Take)));
        check(&[(0, Wait), (50, Take(50 * RATE))], Some((110, Overstay::Take)));
        check(&[(0, Wait), (50, Take(900 * RATE))], Some((110, Overstay::Take)));
        // Time that nobody waits for costs nothing.
        check(&[(0, Wait), (10, Go), (90, Wait)], Some((140, Overstay::Take)));
    }
}
