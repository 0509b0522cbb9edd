//! The algorithms of RFC 7518 §3.1 and RFC 8037 §3.1 that are verified here.

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// HMAC.
    Hs(Hash),
    /// RSASSA-PKCS1-v1_5.
    Rs(Hash),
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
}

/// What is hashed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    /// By its registered name.
    pub(crate) fn parse(name: &str) -> Option<Algorithm> {
        Some(match name {
            "HS256" => Algorithm::Hs(Hash::Sha256),
            "HS384" => Algorithm::Hs(Hash::Sha384),
            "HS512" => Algorithm::Hs(Hash::Sha512),
            "RS256" => Algorithm::Rs(Hash::Sha256),
            "RS384" => Algorithm::Rs(Hash::Sha384),
            "RS512" => Algorithm::Rs(Hash::Sha512),
            "ES256" => Algorithm::Es256,
            "EdDSA" => Algorithm::EdDsa,
            _ => return None,
        })
    }
}

impl Hash {
    /// Bytes of a digest.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
            Hash::Sha512 => 64,
        }
    }
}
