//! Why a token was refused, in PostgREST's words, and why a key set or a path was.

use std::borrow::Cow;
use std::fmt;

/// Why a token was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// `Bearer` and nothing after it.
    Empty,
    /// So many parts between full stops, and not three.
    Parts(usize),
    /// Not Base64url, not a JSON header, or an algorithm that is not verified here.
    Malformed,
    /// The algorithm is `none`.
    Unsecured,
    /// A type (`typ`) that is not a caller's, or an extension that has to be understood (`crit`), and is not.
    UnsupportedType,
    /// No key verifies this algorithm, or none has the token's `kid`.
    NoKey,
    /// No key verifies this signature.
    NoMatch,
    /// The claims are no JSON object.
    NoClaims,
    /// A time is no number: `exp`, `nbf` or `iat`.
    NotNumber(&'static str),
    /// `aud` is no text and no array of texts.
    AudienceType,
    /// `exp` has passed.
    Expired,
    /// `nbf` is to come.
    NotYetValid,
    /// `iat` is to come.
    IssuedInFuture,
    /// The token is meant for somebody else.
    NotInAudience,
    /// The role claim is `none`, which for Postgres is no role but the connection's own user.
    RoleNone,
}

impl Error {
    /// Whether the signature was verified and the claims are refused; otherwise the token itself is.
    pub fn is_about_claims(self) -> bool {
        use Error::*;
        match self {
            Empty | Parts(_) | Malformed | Unsecured | UnsupportedType | NoKey | NoMatch => false,
            NoClaims | NotNumber(_) | AudienceType | Expired | NotYetValid | IssuedInFuture | NotInAudience
            | RoleNone => true,
        }
    }

    /// For the client.
    pub fn message(self) -> Cow<'static, str> {
        match self {
            Error::Empty => "Empty JWT is sent in Authorization header".into(),
            Error::Parts(count) => format!("Expected 3 parts in JWT; got {count}").into(),
            Error::Malformed => "JWT cryptographic operation failed".into(),
            Error::Unsecured => "Wrong or unsupported encoding algorithm".into(),
            Error::UnsupportedType => "Unsupported token type".into(),
            Error::NoKey | Error::NoMatch => "No suitable key or wrong key type".into(),
            Error::NoClaims => "Parsing claims failed".into(),
            Error::NotNumber(claim) => format!("The JWT '{claim}' claim must be a number").into(),
            Error::AudienceType => "The JWT 'aud' claim must be a string or an array of strings".into(),
            Error::Expired => "JWT expired".into(),
            Error::NotYetValid => "JWT not yet valid".into(),
            Error::IssuedInFuture => "JWT issued at future".into(),
            Error::NotInAudience => "JWT not in audience".into(),
            Error::RoleNone => "The JWT role claim must name a role".into(),
        }
    }

    /// More for the client.
    pub fn details(self) -> Option<&'static str> {
        match self {
            Error::Unsecured => Some("JWT is unsecured but expected 'alg' was not 'none'"),
            Error::NoKey => Some("No suitable key was found to decode the JWT"),
            Error::NoMatch => Some("None of the keys was able to decode the JWT"),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Error {}

/// Why a key set or a path cannot be used. The text does not hold any part of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable(pub(crate) Cow<'static, str>);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}
