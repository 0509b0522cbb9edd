//! What a client may hold of a server: connections, and time on each of them.
//!
//! Start at [`Places`], which says who gets in, and at [`Client::watch`], which ends the connection of a client that
//! keeps the server waiting: one that sends nothing, or a head byte by byte, or that does not take its response. How
//! long is too long says [`Patience`]. [`protocol`] sets what hyper limits by itself. How long the body of a request
//! may take is the server's own matter, as it knows what to answer.
//!
//! All of it works below HTTP/1.1 and HTTP/2 alike. The attacks are known by the names Slowloris (heads), R.U.D.Y.
//! (bodies) and slow read, the last with HTTP/2's windows as CVE-2019-9517.

mod body;
mod client;
mod clock;
mod places;
mod protocol;
mod stream;

pub use body::Reply;
pub use client::{Client, InProgress};
pub use clock::{Overstay, Patience, TAKEN_BYTES_PER_SECOND_MIN};
pub use places::{Free, Place, Places};
pub use protocol::{HEADER_BYTES_MIN, STREAM_SEND_BYTES_MAX, STREAMS_MAX, protocol};
pub use stream::Watched;
