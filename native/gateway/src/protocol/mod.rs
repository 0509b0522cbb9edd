//! SQL over HTTP: what a request says, and what a response looks like.
//!
//! No I/O. [`Call`] is a request's headers and [`Queries`] its body; results become a body in [`Reply`] as
//! they come, or in [`Held`] once all are there.

mod array;
mod call;
mod held;
pub(crate) mod json;
mod parameter;
mod reply;
mod request;
mod value;

pub(crate) use call::{Call, Transaction};
pub(crate) use held::{Held, RawReply};
pub(crate) use reply::{Reply, Shape};
pub(crate) use request::{Queries, Query};
pub(crate) use value::Types;
