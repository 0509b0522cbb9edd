//! How much a caller may ask.

/// Most requests in a window. Up to here, rounding to nanoseconds changes a rate by less than a thousandth.
pub const REQUESTS_MAX: u32 = 1_000_000;
/// Longest window, in seconds: a day. What is counted lies in memory, and is forgotten when a process ends.
pub const WINDOW_SECONDS_MAX: u32 = 86_400;

pub(crate) const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// So many requests in a window, and so many of them at once.
///
/// Over a long time `requests` pass in each window, evenly. A caller that was quiet may make `burst` of them at once,
/// so that the busiest window has at most `burst` and `requests` together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    requests: u32,
    window: u32,
    burst: u32,
}

impl Quota {
    /// `window` is in seconds. `None` unless 1 ≤ `burst` ≤ `requests` ≤ [`REQUESTS_MAX`] and
    /// 1 ≤ `window` ≤ [`WINDOW_SECONDS_MAX`].
    pub const fn new(requests: u32, window: u32, burst: u32) -> Option<Quota> {
        let is_fit =
            1 <= burst && burst <= requests && requests <= REQUESTS_MAX && 1 <= window && window <= WINDOW_SECONDS_MAX;
        if is_fit { Some(Quota { requests, window, burst }) } else { None }
    }

    /// Requests in a window.
    pub const fn requests(self) -> u32 {
        self.requests
    }

    /// The window, in seconds.
    pub const fn window(self) -> u32 {
        self.window
    }

    /// Requests at once.
    pub const fn burst(self) -> u32 {
        self.burst
    }

    /// Nanoseconds that one request takes, rounded up: never more requests than were meant.
    pub(crate) const fn interval(self) -> u64 {
        (self.window as u64 * NANOS_PER_SECOND).div_ceil(self.requests as u64)
    }

    /// Nanoseconds that a whole burst takes.
    pub(crate) const fn capacity(self) -> u64 {
        self.burst as u64 * self.interval()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(requests: u32, window: u32, burst: u32, expected: Option<u64>) {
        assert_eq!(Quota::new(requests, window, burst).map(Quota::interval), expected);
    }

    #[test]
    fn ok_nanoseconds_of_one_request() {
        check(1, 1, 1, Some(1_000_000_000));
        check(100, 60, 20, Some(600_000_000));
        check(3, 1, 3, Some(333_333_334));
        check(1, WINDOW_SECONDS_MAX, 1, Some(86_400_000_000_000));
        check(REQUESTS_MAX, 1, REQUESTS_MAX, Some(1_000));
    }

    #[test]
    fn err_beyond_each_limit() {
        for (requests, window, burst) in
            [(0, 1, 0), (1, 1, 0), (1, 0, 1), (1, 1, 2), (REQUESTS_MAX + 1, 1, 1), (1, WINDOW_SECONDS_MAX + 1, 1)]
        {
            check(requests, window, burst, None);
        }
    }
}
