//! Tokens of the standards, and tokens that try it.

use super::*;

const SECRET: &str = "reallyreallyreallyreallyverysafe";
/// `{"alg":"HS256","typ":"JWT"}` and `{"role":"postgrest_test_author"}`, of PostgREST's own tests.
const HS256: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoicG9zdGdyZXN0X3Rlc3RfYXV0aG9yIn0.\
                     Xod-F15qsGL0WhdOCr2j3DdKuTw9QJERVgoFD3vGaWA";
/// RFC 7515 §A.1.
const RFC_HS256_KEY: &str =
    r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
const RFC_HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                         dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// RFC 7515 §A.3.
const RFC_ES256_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const RFC_ES256: &str = "eyJhbGciOiJFUzI1NiJ9.\
                         eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                         DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 8037 §A.2 and §A.4; what it signs is no claims.
const RFC_EDDSA_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const RFC_EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                         hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

#[track_caller]
fn check(keys: &str, token: &str, expected: Result<&str, Error>) {
    let claims = KeySet::parse(keys, false).unwrap().verify(token).map(|claims| claims.value().to_string());
    assert_eq!(claims.as_deref().map_err(|error| *error), expected, "{token}");
}

#[track_caller]
fn unusable(keys: &str, is_base64: bool, expected: &str) {
    let error = KeySet::parse(keys, is_base64).err().unwrap().to_string();
    assert!(error.contains(expected), "{error}");
}

fn encode(bytes: &[u8]) -> String {
    let alphabet: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']).collect();
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let sextets = bits.as_bytes().chunks(6).map(|six| format!("{:0<6}", std::str::from_utf8(six).unwrap()));
    sextets.map(|six| alphabet[usize::from_str_radix(&six, 2).unwrap()]).collect()
}

/// A token with this header and payload, signed with a secret whatever the header says.
fn signed(header: &str, payload: &str, secret: &[u8]) -> String {
    use hmac::{Hmac, Mac};
    let message = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
    mac.update(message.as_bytes());
    format!("{message}.{}", encode(&mac.finalize().into_bytes()))
}

#[test]
fn ok_tokens_of_the_standards() {
    let claims = r#"{"exp":1300819380,"http://example.com/is_root":true,"iss":"joe"}"#;
    check(SECRET, HS256, Ok(r#"{"role":"postgrest_test_author"}"#));
    check(RFC_HS256_KEY, RFC_HS256, Ok(claims));
    check(RFC_ES256_KEY, RFC_ES256, Ok(claims));
    check(RFC_EDDSA_KEY, RFC_EDDSA, Err(Error::NoClaims));
}

#[test]
fn ok_sets_and_base64() {
    let set = format!(r#"{{"keys":[{{"kty":"unheard of"}},7,{RFC_EDDSA_KEY},{RFC_ES256_KEY},{RFC_HS256_KEY}]}}"#);
    assert!(KeySet::parse(&set, false).unwrap().verify(RFC_ES256).is_ok());
    assert!(KeySet::parse(&set, false).unwrap().verify(RFC_HS256).is_ok());
    check(&set, HS256, Err(Error::NoMatch));
    for padding in ["", "=", "\n"] {
        let keys = KeySet::parse(&(encode(SECRET.as_bytes()) + padding), true).unwrap();
        assert!(keys.verify(HS256).is_ok());
    }
    assert!(KeySet::parse(&encode(RFC_ES256_KEY.as_bytes()), true).unwrap().verify(RFC_ES256).is_ok());
}

#[test]
fn ok_kid_chooses_the_key() {
    let other = encode(&[7; 32]);
    let named = |id: &str| format!(r#"{{"kty":"oct","kid":"{id}","k":"{}"}}"#, encode(SECRET.as_bytes()));
    let set = format!(r#"{{"keys":[{{"kty":"oct","kid":"a","k":"{other}"}},{}]}}"#, named("b"));
    let token = |header: &str| signed(header, "{}", SECRET.as_bytes());
    check(&set, &token(r#"{"alg":"HS256"}"#), Ok("{}"));
    check(&set, &token(r#"{"alg":"HS256","kid":"b"}"#), Ok("{}"));
    check(&set, &token(r#"{"alg":"HS256","kid":"a"}"#), Err(Error::NoMatch));
    check(&set, &token(r#"{"alg":"HS256","kid":"c"}"#), Err(Error::NoKey));
    check(SECRET, &token(r#"{"alg":"HS256","kid":"b"}"#), Err(Error::NoKey));
    check(&set, &token(r#"{"alg":"HS256","kid":7}"#), Err(Error::Malformed));
}

#[test]
fn err_an_algorithm_that_the_key_is_not_for() {
    let token = |alg: &str, key: &[u8]| signed(&format!(r#"{{"alg":"{alg}"}}"#), "{}", key);
    // A public key is no secret, however it is spelled.
    for key in [RFC_ES256_KEY, RFC_EDDSA_KEY] {
        check(key, &token("HS256", key.as_bytes()), Err(Error::NoKey));
        check(key, &token("RS256", key.as_bytes()), Err(Error::NoKey));
    }
    check(
        RFC_ES256_KEY,
        &RFC_ES256.replacen("eyJhbGciOiJFUzI1NiJ9", &encode(br#"{"alg":"EdDSA"}"#), 1),
        Err(Error::NoKey),
    );
    // The text of a secret is for HS256 alone, and a short secret for a short hash.
    check(SECRET, &token("HS512", SECRET.as_bytes()), Err(Error::NoKey));
    check(SECRET, &token("RS256", SECRET.as_bytes()), Err(Error::NoKey));
    check(RFC_HS256_KEY, &token("HS512", b""), Err(Error::NoMatch));
    check(&RFC_HS256_KEY.replace("{", r#"{"alg":"HS512","#), RFC_HS256, Err(Error::NoKey));
}

#[test]
fn err_no_signature() {
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"none","kid":"x","crit":["x"]}"#] {
        check(SECRET, &format!("{}.e30.", encode(header.as_bytes())), Err(Error::Unsecured));
        check(SECRET, &signed(header, "{}", SECRET.as_bytes()), Err(Error::Unsecured));
    }
    for header in [r#"{"alg":"None"}"#, r#"{"alg":"NONE"}"#, r#"{"alg":""}"#, "{}", r#"{"alg":null}"#, "[]", "", "{"] {
        check(SECRET, &signed(header, "{}", SECRET.as_bytes()), Err(Error::Malformed));
    }
    let (message, _) = HS256.rsplit_once('.').unwrap();
    check(SECRET, &format!("{message}."), Err(Error::NoMatch));
    check(SECRET, &HS256[..HS256.len() - 3], Err(Error::NoMatch));
}

#[test]
fn err_spelled_otherwise() {
    check(SECRET, "", Err(Error::Empty));
    check(SECRET, "a", Err(Error::Parts(1)));
    check(SECRET, "a.b", Err(Error::Parts(2)));
    check(SECRET, "a.b.c.d.e", Err(Error::Parts(5)));
    check(SECRET, "quifquirndsjagnrgniur.fonvoienqhhdj.iuqvnvhojah", Err(Error::Malformed));
    check(SECRET, &format!("{HS256}="), Err(Error::Malformed));
    check(SECRET, &format!("{HS256} "), Err(Error::Malformed));
    check(SECRET, &format!("{}.e30.x", "a".repeat(TOKEN_BYTES_MAX)), Err(Error::Malformed));
    check(SECRET, &signed(r#"{"alg":"HS256","crit":["exp"]}"#, "{}", SECRET.as_bytes()), Err(Error::UnsupportedType));
    check(SECRET, &signed(r#"{"alg":"HS256","alg":"HS256"}"#, "{}", SECRET.as_bytes()), Err(Error::Malformed));
    check(SECRET, &signed(r#"{"alg":"HS256"}"#, r#"{"role":"a","role":"b"}"#, SECRET.as_bytes()), Err(Error::NoClaims));
    check(SECRET, &signed(r#"{"alg":"HS256"}"#, "[]", SECRET.as_bytes()), Err(Error::NoClaims));
}

#[test]
fn err_made_for_something_else() {
    let token = |kind: &str| signed(&format!(r#"{{"alg":"HS256","typ":{kind}}}"#), "{}", SECRET.as_bytes());
    for kind in [r#""JWT""#, r#""jwt""#, r#""at+jwt""#, r#""application/at+JWT""#] {
        check(SECRET, &token(kind), Ok("{}"));
    }
    for kind in [r#""dpop+jwt""#, r#""logout+jwt""#, r#""JWE""#, r#""""#, "null", "1", r#"["JWT"]"#] {
        check(SECRET, &token(kind), Err(Error::UnsupportedType));
    }
}

#[test]
fn err_keys_that_cannot_be_used() {
    unusable("too short", false, "32");
    unusable("", false, "32");
    unusable("no base-64!", true, "Base64");
    unusable(&encode(b"too short"), true, "32");
    unusable(r#"{"keys":[]}"#, false, "no key");
    unusable(r#"{"keys":{}}"#, false, "no key");
    // An object is never taken for the text of a secret, however long it is.
    unusable(r#"{"kty":"oct","this is":"longer than thirty-two characters"}"#, false, "no key");
    for (member, value) in [
        ("use", r#""enc""#),
        ("use", "1"),
        ("key_ops", r#"["encrypt"]"#),
        ("key_ops", r#""verify""#),
        ("alg", r#""RS256""#),
        ("alg", r#""ES384""#),
        ("crv", r#""P-384""#),
        ("kty", r#""RSA""#),
        // Not on the curve.
        ("x", r#""y3fOJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU""#),
        ("y", r#""""#),
    ] {
        let mut key: serde_json::Value = serde_json::from_str(RFC_ES256_KEY).unwrap();
        key[member] = serde_json::from_str(value).unwrap();
        unusable(&key.to_string(), false, "no key");
    }
    // A point of small order signs for everybody.
    unusable(r#"{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#, false, "no key");
    unusable(r#"{"kty":"oct","alg":"HS512","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8"}"#, false, "no key");
}

#[track_caller]
fn published(text: &str, token: &str, expected: Result<&str, Error>) {
    let claims = KeySet::parse_published(text.as_bytes()).unwrap().verify(token);
    let claims = claims.map(|claims| claims.value().to_string());
    assert_eq!(claims.as_deref().map_err(|error| *error), expected, "{text}");
}

#[track_caller]
fn not_published(text: &[u8], expected: &str) {
    let error = KeySet::parse_published(text).err().unwrap().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn ok_public_keys_of_a_published_set() {
    let claims = r#"{"exp":1300819380,"http://example.com/is_root":true,"iss":"joe"}"#;
    published(&format!(r#"{{"keys":[{RFC_EDDSA_KEY},{RFC_ES256_KEY}]}}"#), RFC_ES256, Ok(claims));
    // RFC 7517 §5: what is not understood is ignored, beside the keys too.
    let others = r#"{"kty":"unheard of"},{"kty":"EC","crv":"P-521"},{},7"#;
    published(&format!(r#"{{"x":1,"keys":[{others},{RFC_ES256_KEY}]}}"#), RFC_ES256, Ok(claims));
    assert!(KeySet::parse_published(format!(r#"{{"keys":[{others}]}}"#).as_bytes()).unwrap().is_empty());
    assert!(!KeySet::parse_published(format!(r#"{{"keys":[{RFC_ES256_KEY}]}}"#).as_bytes()).unwrap().is_empty());
    published(r#"{"keys":[]}"#, RFC_ES256, Err(Error::NoKey));
}

#[test]
fn err_published_secrets_verify_nothing() {
    published(&format!(r#"{{"keys":[{RFC_HS256_KEY}]}}"#), RFC_HS256, Err(Error::NoKey));
    // The private key of RFC 7515 §A.3, which everybody can sign with.
    let private = RFC_ES256_KEY.replace('{', r#"{"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI","#);
    published(&format!(r#"{{"keys":[{private}]}}"#), RFC_ES256, Err(Error::NoKey));
}

#[test]
fn err_what_is_no_published_set() {
    for text in ["", "x", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, RFC_ES256_KEY, SECRET] {
        not_published(text.as_bytes(), "no JWT key set");
    }
    not_published(b"{\"keys\":[\"\xff\"]}", "no JWT key set");
}

#[test]
fn err_published_sets_over_a_limit() {
    let keys = |count: usize| format!(r#"{{"keys":[{}]}}"#, vec!["{}"; count].join(","));
    assert!(KeySet::parse_published(keys(PUBLISHED_KEYS_MAX).as_bytes()).is_ok());
    not_published(keys(PUBLISHED_KEYS_MAX + 1).as_bytes(), "too many keys");
    let long = |bytes: usize| [r#"{"keys":[]}"#, &" ".repeat(bytes - 11)].concat();
    assert!(KeySet::parse_published(long(PUBLISHED_BYTES_MAX).as_bytes()).is_ok());
    not_published(long(PUBLISHED_BYTES_MAX + 1).as_bytes(), "too long");
}
