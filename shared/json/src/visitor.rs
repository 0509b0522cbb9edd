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

/// What a visitor wants to be told of: things that lie in fewer containers than this. What it does not want costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interest {
    /// Begins and ends of containers; the outermost lies in none.
    pub containers: usize,
    /// Names; those of the outermost object lie in one container.
    pub names: usize,
    /// Values that hold no others. One that lies in several chunks is put together if its text is wanted.
    pub scalars: usize,
}

impl Interest {
    /// Everything.
    pub const ALL: Interest = Interest { containers: usize::MAX, names: usize::MAX, scalars: usize::MAX };
    /// Nothing but members that are left out.
    pub const NONE: Interest = Interest { containers: 0, names: 0, scalars: 0 };
}

/// Is told what a scan finds, in the order of the text. Offsets are bytes from the start of the text. What is told before a
/// refusal was there, and the text is refused all the same.
pub trait Visitor {
    /// What it wants to be told of; the same for all of a text.
    fn interest(&self) -> Interest;

    /// A container begins with the byte at `offset`.
    fn enter(&mut self, _container: Container, _offset: usize) {}

    /// A container has ended before `offset`.
    fn leave(&mut self, _container: Container, _offset: usize) {}

    /// A member begins: its name, decoded, and its place among the members of its object.
    fn name(&mut self, _name: &[u8], _place: usize) {}

    /// A value that ended before `offset`.
    fn scalar(&mut self, _scalar: Scalar, _text: &[u8], _offset: usize) {}

    /// A member that [`crate::Policy::Drop`] is about ended: why, where its name begins and its value ends, and its JSON
    /// pointer.
    fn dropped(&mut self, _why: ErrorKind, _range: std::ops::Range<usize>, _pointer: String) {}
}

/// Only whether the text is in order.
impl Visitor for () {
    fn interest(&self) -> Interest {
        Interest::NONE
    }
}
