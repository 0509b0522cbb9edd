//! Rate limits: how many requests a caller may make, and what responses say about it.
//!
//! A [`Quota`] says how many requests fit into a window, and how many of them may come at once. [`Gcra`] is the state
//! of one caller under one quota, a single number; [`Table`] keeps the states of many callers in bounded memory and
//! counts a request under several quotas or under none. A [`Standing`] is where the caller is then: may one more
//! request come, how many, and if none, when. [`field`] writes that as the headers `RateLimit` and `RateLimit-Policy`,
//! [`wire`] as what an edge asks of its gateway.
//!
//! The algorithm is the generic cell rate algorithm (ITU-T I.371, annex A, in its form as virtual scheduling). Time is
//! passed in, as what has passed since any fixed moment, such as the Unix epoch; it is counted in whole nanoseconds,
//! and a clock that is set back costs a caller no more than one burst. Nothing here does I/O or reads a clock.
//!
//! Untrusted callers: a decision takes the same few steps whoever asks, a table never grows, and whoever would push
//! another caller out of it pays more requests than that gains ([`Table`]).

pub mod field;
mod gcra;
mod key;
mod quota;
mod table;
pub mod wire;

pub use gcra::{Gcra, Standing};
pub use key::{IPV6_PREFIX_BITS, key, network};
pub use quota::{Quota, REQUESTS_MAX, WINDOW_SECONDS_MAX};
pub use table::{Ask, Table, Verdict, WAYS};

/// Most quotas that one request is counted under.
pub const ASKS_MAX: usize = 16;
