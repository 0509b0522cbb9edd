//! Why a catalog was refused.

use std::fmt;

/// Why a catalog could not be made or opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What to branch on.
    pub kind: ErrorKind,
    /// What exactly was wrong, for an operator; no user's data is in it but names from the schema.
    pub message: String,
}

/// The ways to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes do not begin as a catalog does.
    NotACatalog,
    /// The bytes are a catalog in another version of the encoding.
    Version,
    /// The bytes end early, or go on after their end.
    Truncated,
    /// The checksum does not match: some bit is not as it was written.
    Checksum,
    /// The introspection's answer is not the JSON that this version asks for.
    Introspection,
    /// A limit was passed; the message names it.
    TooLarge,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "catalog: {}", self.message)
    }
}

impl std::error::Error for Error {}
