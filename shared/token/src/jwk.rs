//! JSON Web Keys, RFC 7517 and RFC 7518 §6, RFC 8037 §2.

use p256::ecdsa;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::key::{Key, Material};
use crate::{base64, rsa};

/// A key that verifies; `None` for one of another use, type, curve or algorithm, or that is broken. Members of private
/// keys are not looked at.
pub(crate) fn parse(jwk: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if jwk.contains_key("use") && text("use") != Some("sig") {
        return None;
    }
    let verifies = |operations: &Value| operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
    if !jwk.get("key_ops").is_none_or(verifies) {
        return None;
    }
    let only = match text("alg") {
        Some(name) => Some(Algorithm::parse(name)?),
        None => None,
    };
    let key = Key { id: text("kid").map(str::to_owned), only, material: material(jwk)? };
    let is_consistent = only.is_none_or(|only| key.is_for(only));
    is_consistent.then_some(key)
}

/// The same of a key that everybody can read: a secret is none any more, and neither is a private key that lies open (`d`:
/// RFC 7518 §6.2.2 and §6.3.2, RFC 8037 §2).
pub(crate) fn parse_public(jwk: &Map<String, Value>) -> Option<Key> {
    parse(jwk).filter(|key| !jwk.contains_key("d") && !matches!(key.material, Material::Secret(_)))
}

fn material(jwk: &Map<String, Value>) -> Option<Material> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| base64::decode(text(name)?.as_bytes());
    match (text("kty")?, text("crv")) {
        ("oct", _) => Some(Material::Secret(bytes("k")?)),
        ("RSA", _) => rsa::PublicKey::new(&bytes("n")?, &bytes("e")?).map(Material::Rsa),
        ("EC", Some("P-256")) => {
            let (x, y) = (bytes("x")?, bytes("y")?);
            // Uncompressed, SEC 1 §2.3.3; a point that is not on the curve is refused.
            let point = [&[4], &x[..], &y[..]].concat();
            let key = ecdsa::VerifyingKey::from_sec1_bytes(&point).ok()?;
            (x.len() == 32).then(|| Material::P256(Box::new(key)))
        }
        ("OKP", Some("Ed25519")) => {
            let key = ed25519_dalek::VerifyingKey::try_from(&bytes("x")?[..]).ok()?;
            (!key.is_weak()).then(|| Material::Ed25519(Box::new(key)))
        }
        _ => None,
    }
}
