//! Values of our own types from small messages.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{Error, Limits, scan};

/// Why a message was refused.
#[derive(Debug)]
pub enum Misfit {
    /// It is no JSON, over a limit, or against a rule.
    Refused(Error),
    /// It is JSON of another type.
    OfOtherType(serde_json::Error),
}

/// A value from a whole message, for messages that are small: it is read twice.
///
/// # Errors
/// As [`scan`], or what `serde` says of the type.
pub fn from_slice<T: DeserializeOwned>(text: &[u8], limits: &Limits) -> Result<T, Misfit> {
    scan(text, limits, &mut ()).map_err(Misfit::Refused)?;
    serde_json::from_slice(text).map_err(Misfit::OfOtherType)
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Misfit::Refused(error) => error.fmt(f),
            Misfit::OfOtherType(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Misfit {}
