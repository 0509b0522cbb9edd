//! The keys that are trusted, and the verification of a token with them.

use json::Limits;
use serde_json::{Map, Value};

use crate::algorithm::{Algorithm, Hash};
use crate::claims::Claims;
use crate::error::{Error, Unusable};
use crate::key::{Key, Material};
use crate::{base64, jwk};

/// Longest token that is looked at. Servers take headers of 8 to 64 KB.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;
/// Shortest secret, in bytes: that of HS256 (RFC 7518 §3.2), and PostgREST's limit.
const SECRET_BYTES_MIN: usize = 32;

/// Longest text of a published set, in bytes. Issuers have two to ten keys of 0.2 to 2 KB.
pub const PUBLISHED_BYTES_MAX: usize = 64 * 1024;
/// Most keys of a published set, those included that cannot be used: a token without `kid` may be tried with each of them.
pub const PUBLISHED_KEYS_MAX: usize = 32;

/// The keys that are trusted.
#[derive(Clone)]
pub struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads `jwt-secret`: the text of a secret for HS256, a JWK or a JWKS (RFC 7517 §5), or Base64 of one of them. Keys
    /// of a set that cannot be used here are skipped.
    ///
    /// # Errors
    /// A secret that is too short, Base64 that is none, or no key that can be used.
    pub fn parse(text: &str, is_base64: bool) -> Result<KeySet, Unusable> {
        let secret = match is_base64 {
            true => base64::decode_leniently(text).ok_or(Unusable("the JWT secret is not Base64".into()))?,
            false => text.as_bytes().to_vec(),
        };
        let keys = match serde_json::from_slice(&secret) {
            // A JWK that is broken is not the text of a secret.
            Ok(Value::Object(jwk)) => match jwk.get("keys") {
                Some(Value::Array(keys)) => keys.iter().filter_map(Value::as_object).filter_map(jwk::parse).collect(),
                Some(_) => vec![],
                None => jwk::parse(&jwk).into_iter().collect(),
            },
            _ if secret.len() < SECRET_BYTES_MIN => {
                return Err(Unusable("the JWT secret must be at least 32 characters long".into()));
            }
            _ => vec![Key { id: None, only: Some(Algorithm::Hs(Hash::Sha256)), material: Material::Secret(secret) }],
        };
        match keys.is_empty() {
            true => Err(Unusable("no key of the JWT key set can be used".into())),
            false => Ok(KeySet(keys)),
        }
    }

    /// Reads a set that an issuer publishes (RFC 7517 §5), where everybody can read it: of its keys only the public ones are
    /// taken, never a secret. As §5 asks for, keys that cannot be used here are skipped; a set of which none is left is
    /// one that verifies nothing.
    ///
    /// # Errors
    /// More than [`PUBLISHED_BYTES_MAX`] or [`PUBLISHED_KEYS_MAX`], what [`json`] refuses, and no array `keys`.
    pub fn parse_published(text: &[u8]) -> Result<KeySet, Unusable> {
        if text.len() > PUBLISHED_BYTES_MAX {
            return Err(Unusable("the JWT key set is too long".into()));
        }
        let set: Option<Map<String, Value>> = json::from_slice(text, &Limits::default()).ok();
        match set.as_ref().and_then(|set| set.get("keys")) {
            Some(Value::Array(keys)) if keys.len() > PUBLISHED_KEYS_MAX => {
                Err(Unusable("the JWT key set has too many keys".into()))
            }
            Some(Value::Array(keys)) => {
                Ok(KeySet(keys.iter().filter_map(Value::as_object).filter_map(jwk::parse_public).collect()))
            }
            _ => Err(Unusable("that is no JWT key set".into())),
        }
    }

    /// Whether there is no key that could verify anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The claims of a token that one of the keys signed. Whether they hold now is [`Claims::check`]'s work.
    ///
    /// # Errors
    /// All that [`Error::is_about_claims`] is false for, and [`Error::NoClaims`].
    pub fn verify(&self, token: &str) -> Result<Claims, Error> {
        if token.is_empty() {
            return Err(Error::Empty);
        }
        if token.len() > TOKEN_BYTES_MAX {
            return Err(Error::Malformed);
        }
        let parts: Vec<&str> = token.split('.').collect();
        let [header, payload, signature] = parts[..] else { return Err(Error::Parts(parts.len())) };
        // RFC 7515 §5.2: what is signed are the first two parts as they are spelled.
        let message = &token[..token.len() - signature.len() - 1];
        let decode = |part: &str| base64::decode(part.as_bytes()).ok_or(Error::Malformed);
        let (payload, signature) = (decode(payload)?, decode(signature)?);
        let header = Header::parse(&decode(header)?)?;

        let mut candidates = self.0.iter().filter(|key| header.may_be_by(key)).peekable();
        if candidates.peek().is_none() {
            return Err(Error::NoKey);
        }
        if !candidates.any(|key| key.verify(header.algorithm, message.as_bytes(), &signature)) {
            return Err(Error::NoMatch);
        }
        Claims::parse(&payload)
    }
}

/// What a token says of its signature. Keys that it brings along (`jwk`, `jku`, `x5c`) are not looked at.
struct Header {
    algorithm: Algorithm,
    key_id: Option<String>,
}

impl Header {
    fn parse(json: &[u8]) -> Result<Header, Error> {
        // RFC 7515 §4: a name that is there twice is refused, with whatever else `json` refuses.
        let header: Map<String, Value> = json::from_slice(json, &Limits::default()).map_err(|_| Error::Malformed)?;
        let name = header.get("alg").and_then(Value::as_str).ok_or(Error::Malformed)?;
        if name == "none" {
            return Err(Error::Unsecured);
        }
        let algorithm = Algorithm::parse(name).ok_or(Error::Malformed)?;
        // RFC 7515 §4.1.11: who does not understand what is critical must refuse.
        if header.contains_key("crit") || !header.get("typ").is_none_or(is_type) {
            return Err(Error::UnsupportedType);
        }
        let key_id = match header.get("kid") {
            None | Some(Value::Null) => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(Error::Malformed),
        };
        Ok(Header { algorithm, key_id })
    }

    fn may_be_by(&self, key: &Key) -> bool {
        (self.key_id.is_none() || self.key_id == key.id) && key.is_for(self.algorithm)
    }
}

/// Whether a token of this type is one that callers send: RFC 7519 §5.1, or an access token, RFC 9068 §2.1. Tokens of other
/// types are made for something else (RFC 8725 §3.11). RFC 7515 §4.1.9 allows to leave `application/` out.
fn is_type(value: &Value) -> bool {
    let Some(name) = value.as_str() else { return false };
    let name = name.to_ascii_lowercase();
    matches!(name.strip_prefix("application/").unwrap_or(&name), "jwt" | "at+jwt")
}

#[cfg(test)]
mod tests;
