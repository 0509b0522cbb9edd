//! What a scan tells while it goes along.

use crate::ErrorKind;

/// What holds other values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// `[…]`.
    Array,
    /// `{…}`.
    Object,
}

/// A value that holds no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// A string; what is told of it is what stands between its quotes, as it is spelled.
    Text,
    /// A number, as it is spelled.
    Number,
    /// `true`.
    True,
    /// `false`.
    False,
    /// `null`.
    Null,
}

/// Is told what a scan finds, in the order of the text. Offsets are bytes from the start of the text. What is told before a
/// refusal was there, and the text is refused all the same.
pub trait Visitor {
    /// Whether [`Visitor::scalar`] is told the text of values. Where it is not, a value that lies in several chunks need not
    /// be put together.
    const READS: bool = true;

    /// A container begins with the byte at `offset`.
    #[inline(always)]
    fn enter(&mut self, _container: Container, _offset: usize) {}

    /// A container has ended before `offset`.
    #[inline(always)]
    fn leave(&mut self, _container: Container, _offset: usize) {}

    /// A member begins: its name, decoded, and its place among the members of its object.
    #[inline(always)]
    fn name(&mut self, _name: &[u8], _place: usize) {}

    /// A value that ended before `offset`.
    #[inline(always)]
    fn scalar(&mut self, _scalar: Scalar, _text: &[u8], _offset: usize) {}

    /// A member that [`crate::Policy::Drop`] is about ended: why, where its name begins and its value ends, and its JSON
    /// pointer.
    fn dropped(&mut self, _why: ErrorKind, _range: std::ops::Range<usize>, _pointer: String) {}
}

/// Only whether the text is in order.
impl Visitor for () {
    const READS: bool = false;
}
