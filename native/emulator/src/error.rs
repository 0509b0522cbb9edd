//! Why the emulator could not start or reload.

use std::fmt;

/// Why [`start`](crate::start) gave up. The text names the file, key or component to look at and never holds a variable's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

/// The stage that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// spin.toml cannot be read, is not a version 2 manifest, or asks for something that the emulator does not have.
    Manifest,
    /// A variable is missing, misnamed or used without being declared.
    Variable,
    /// A component's wasm is absent, does not compile, or imports what the emulator does not offer.
    Component,
    /// A component's `[build] command` failed.
    Build,
    /// The folder for KV and compiled components cannot be used, for instance because another emulator has it open.
    State,
    /// The address to listen on is taken or not ours.
    Listen,
    /// The wasm engine or the file watcher cannot run on this machine.
    Host,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into() }
    }

    /// The stage that failed.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
