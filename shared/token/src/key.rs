//! A key, and which signatures it verifies.

use ed25519_dalek as ed25519;
use hmac::{Hmac, Mac};
use p256::ecdsa;
use p256::ecdsa::signature::Verifier;
use sha2::{Sha256, Sha384, Sha512};

use crate::algorithm::{Algorithm, Hash};
use crate::rsa;

/// A key that verifies.
#[derive(Clone)]
pub(crate) struct Key {
    /// `kid`.
    pub(crate) id: Option<String>,
    /// `alg`: the only algorithm that the key is for, where it says so.
    pub(crate) only: Option<Algorithm>,
    pub(crate) material: Material,
}

/// What the key consists of; it decides which algorithms there can be.
#[derive(Clone)]
pub(crate) enum Material {
    Secret(Vec<u8>),
    Rsa(rsa::PublicKey),
    P256(Box<ecdsa::VerifyingKey>),
    Ed25519(Box<ed25519::VerifyingKey>),
}

impl Key {
    /// Whether signatures of this algorithm can be verified with it.
    pub(crate) fn is_for(&self, algorithm: Algorithm) -> bool {
        self.only.is_none_or(|only| only == algorithm)
            && match (&self.material, algorithm) {
                // RFC 7518 §3.2: a secret is at least as long as the hash.
                (Material::Secret(secret), Algorithm::Hs(hash)) => secret.len() >= hash.bytes(),
                (Material::Rsa(_), Algorithm::Rs(_))
                | (Material::P256(_), Algorithm::Es256)
                | (Material::Ed25519(_), Algorithm::EdDsa) => true,
                _ => false,
            }
    }

    /// Whether this key's owner signed `message`.
    pub(crate) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.is_for(algorithm)
            && match (&self.material, algorithm) {
                (Material::Secret(secret), Algorithm::Hs(hash)) => match hash {
                    Hash::Sha256 => has_mac::<Hmac<Sha256>>(secret, message, signature),
                    Hash::Sha384 => has_mac::<Hmac<Sha384>>(secret, message, signature),
                    Hash::Sha512 => has_mac::<Hmac<Sha512>>(secret, message, signature),
                },
                (Material::Rsa(key), Algorithm::Rs(hash)) => key.verify(hash, message, signature),
                // R and S side by side, RFC 7518 §3.4.
                (Material::P256(key), Algorithm::Es256) => ecdsa::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
                (Material::Ed25519(key), Algorithm::EdDsa) => ed25519::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok()),
                _ => false,
            }
    }
}

/// Compares in constant time.
fn has_mac<M: Mac + hmac::digest::KeyInit>(secret: &[u8], message: &[u8], expected: &[u8]) -> bool {
    let mac = <M as Mac>::new_from_slice(secret).map(|mac| mac.chain_update(message));
    mac.is_ok_and(|mac| mac.verify_slice(expected).is_ok())
}
