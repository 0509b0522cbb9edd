//! Tokens, key sets, claims and paths from anybody. Whatever the bytes are, there is no panic; a key set from anywhere
//! verifies no token of ours; and of a token that is verified no bit can be changed. The first byte says what the others are.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use hmac::{Hmac, Mac};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use sha2::Sha256;
use token::{Error, KeySet, RolePath, TOKEN_BYTES_MAX};

/// RFC 7515 §A.1 to §A.3, and a token that is signed by RFC 8037's key: each key, and what it has signed.
const SIGNED: [(&str, &str); 4] = [
    (
        r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#,
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    ),
    (
        r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#,
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    ),
    (
        r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    ),
    (
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        "eyJhbGciOiJFZERTQSJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.Tna4murobYgepa0-o4B1bwmlI8BWyO9DsLoN37HXBoNdPSUWr3038zPlLMLj-ID4wMFvp1y-ZSctOdX2ylTQBQ",
    ),
];

/// All four keys, and the three that may be public.
static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::parse(&set(&SIGNED), false).expect("keys of the standards"));
static PUBLISHED: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::parse_published(set(&SIGNED).as_bytes()).expect("keys of the standards"));

const SECRET: &str = "reallyreallyreallyreallyverysafe";
static SECRET_KEY: LazyLock<KeySet> = LazyLock::new(|| KeySet::parse(SECRET, false).expect("long enough"));

fn set(signed: &[(&str, &str)]) -> String {
    let keys: Vec<&str> = signed.iter().map(|(key, _)| *key).collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fuzz_target!(|input: &[u8]| {
    let Some((&what, bytes)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    match what % 5 {
        0 => any_token(&text),
        1 => any_header(&text),
        2 => any_change(bytes),
        3 => any_keys(&text),
        _ => any_claims(&text),
    }
});

/// Nobody has the private keys but who signed those of the standards.
fn any_token(token: &str) {
    let is_signed = SIGNED.iter().any(|(_, signed)| *signed == token);
    let outcome = KEYS.verify(token);
    assert_eq!(outcome.is_ok(), is_signed, "{token}");
    assert!(token.len() <= TOKEN_BYTES_MAX || outcome == Err(Error::Malformed));
}

/// A header of anybody's choice, over the payload and signature of a token that is right.
fn any_header(header: &str) {
    let encoded = encode(header.as_bytes());
    for (_, signed) in SIGNED {
        let (right, rest) = signed.split_once('.').expect("a token");
        let outcome = KEYS.verify(&format!("{encoded}.{rest}"));
        assert_eq!(outcome.is_ok(), encoded == right, "{header}");
        let header: Option<Value> = serde_json::from_str(header).ok();
        let algorithm = header.as_ref().and_then(|header| header["alg"].as_str()).unwrap_or_default();
        if algorithm.starts_with("HS") || algorithm == "none" {
            let outcome = PUBLISHED.verify(&format!("{encoded}.{rest}"));
            assert!(!matches!(outcome, Ok(_) | Err(Error::NoMatch)), "a public key is no secret");
        }
    }
}

/// A token that is right, but for one byte of it.
fn any_change(bytes: &[u8]) {
    let [which, high, low, byte, ..] = *bytes else { return };
    let (_, signed) = SIGNED[usize::from(which) % SIGNED.len()];
    let mut changed = signed.as_bytes().to_vec();
    let place = usize::from(u16::from_be_bytes([high, low])) % changed.len();
    changed[place] = byte;
    any_token(&String::from_utf8_lossy(&changed));
    let inserted = format!("{}{}{}", &signed[..place], char::from(byte), &signed[place..]);
    any_token(&inserted);
    any_token(&signed[..place]);
}

/// A key set of anybody's choice.
fn any_keys(text: &str) {
    let published = KeySet::parse_published(text.as_bytes());
    let own = KeySet::parse(text, false);
    let _ = KeySet::parse(text, true);
    for (key, signed) in SIGNED {
        // Only who writes down a key trusts it; its first 20 characters are in no other text.
        let value = key.rsplit('"').find(|part| part.len() > 20).expect("a key has a long member");
        let is_named = text.contains(&value[..20]) || text.contains('\\');
        for keys in [&published, &own].into_iter().flatten() {
            assert!(is_named || keys.verify(signed).is_err(), "{text}");
        }
    }
    let by_secret = published.ok().map(|keys| keys.verify(SIGNED[0].1));
    assert!(by_secret.is_none_or(|outcome| matches!(outcome, Err(Error::NoKey))), "a published secret");
}

/// Claims, and the path of a role on the first line.
fn any_claims(text: &str) {
    let (path, json) = text.split_once('\n').unwrap_or((text, "{}"));
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    if let Ok(path) = RolePath::parse(path) {
        assert!(path.find(&value).is_none_or(|role| holds(&value, &role)), "a role from nowhere");
    }
    let Ok(claims) = SECRET_KEY.verify(&signed(json)) else { return };
    assert_eq!(claims.value(), &value);
    let now = Duration::from_secs(1_300_819_380);
    assert!(claims.check(now, Some("us")).is_err() || claims.check(now, None).is_ok());
    let written: Value = serde_json::from_str(&claims.json_for("us")).expect("JSON");
    assert_eq!(written["role"], "us");
}

fn holds(value: &Value, role: &str) -> bool {
    let inside = match value {
        Value::Array(elements) => elements.iter().any(|element| holds(element, role)),
        Value::Object(members) => members.values().any(|member| holds(member, role)),
        _ => false,
    };
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    inside || text == role
}

/// A token with these claims.
fn signed(claims: &str) -> String {
    let message = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(claims.as_bytes()));
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a secret of any length");
    format!("{message}.{}", encode(&mac.chain_update(&message).finalize().into_bytes()))
}

/// Base64url without padding.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        text.extend((0..=three.len()).map(|place| char::from(ALPHABET[bits >> (18 - 6 * place) & 63])));
    }
    text
}
