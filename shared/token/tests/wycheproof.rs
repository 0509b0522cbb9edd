//! The JWS vectors of Wycheproof (C2SP), which lie beside the checkout; elsewhere this says so and is skipped.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::path::PathBuf;

use serde_json::Value;
use token::KeySet;

/// Vectors that are right for other libraries: each with its reason.
const EXCEPTIONS: &[(&str, u64, &str)] = &[
    (SIGNATURE, 367, "the same token as the valid 357"),
    (SIGNATURE, 370, "the same token as the valid 357"),
    (SIGNATURE, 372, "a character that is not of Base64 is refused, RFC 7515 §2"),
    (SIGNATURE, 373, "a character that is not of Base64 is refused, RFC 7515 §2"),
    (KEY, 1, "a set may mix secrets and public keys: each verifies its own algorithms alone"),
    (KEY, 4, "keys of the same `kid` are tried in turn, as in PostgREST"),
    (KEY, 7, "a weak modulus (ROCA) is the issuer's to notice"),
    (CRYPTO, 46, "a weak modulus (ROCA) is the issuer's to notice"),
    (CRYPTO, 47, "a set may mix secrets and public keys: each verifies its own algorithms alone"),
];

const SIGNATURE: &str = "json_web_signature_test.json";
const KEY: &str = "json_web_key_test.json";
const CRYPTO: &str = "json_web_crypto_test.json";

/// Algorithms that are not verified here; their valid tokens must be refused. (`ES521` is the vectors' spelling.)
const UNSUPPORTED: &[&str] = &["PS256", "PS384", "PS512", "ES521"];

fn vectors(name: &str) -> Option<Value> {
    let folder = std::env::var_os("HEADLAND_VECTORS").map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"));
    let path = folder.join("wycheproof").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: the vectors are not here ({})", path.display());
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

/// Whether the signature is verified; what is signed need not be claims.
fn accepts(group: &Value, token: &str) -> bool {
    let key = group.get("public").or(group.get("private")).unwrap();
    let Ok(keys) = KeySet::parse(&key.to_string(), false) else { return false };
    !matches!(keys.verify(token), Err(error) if !error.is_about_claims())
}

#[track_caller]
fn check(name: &str) {
    let Some(vectors) = vectors(name) else { return };
    let mut wrong = vec![];
    let mut count = 0;
    for group in vectors["testGroups"].as_array().unwrap() {
        for vector in group["tests"].as_array().unwrap() {
            // JWE is another standard.
            let Some(token) = vector["jws"].as_str() else { continue };
            let id = vector["tcId"].as_u64().unwrap();
            let is_exception = EXCEPTIONS.iter().any(|(file, number, _)| (*file, *number) == (name, id));
            let is_supported = !UNSUPPORTED.iter().any(|name| group["public"]["alg"] == *name);
            let is_as_expected = accepts(group, token) == (is_supported && vector["result"] == "valid");
            if is_as_expected == is_exception {
                wrong.push(format!("{id} {} {}: {}", group["comment"], vector["comment"], vector["result"]));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{} of {count} in {name}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn ok_signatures() {
    check(SIGNATURE);
}

#[test]
fn ok_keys() {
    check(KEY);
}

#[test]
fn ok_uses() {
    check(CRYPTO);
}
