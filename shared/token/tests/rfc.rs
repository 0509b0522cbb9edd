//! The examples of RFC 7515 (appendix A), RFC 7519 and RFC 8037 (appendix A), copied from their text.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::Duration;

use token::{Error, KeySet};

/// `{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}`, of RFC 7515 §A.1 to §A.3, §A.5 and RFC 7519.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
const CLAIMS: &str = r#"{"exp":1300819380,"http://example.com/is_root":true,"iss":"joe"}"#;
const EXPIRES: Duration = Duration::from_secs(1_300_819_380);

/// RFC 7515 §A.1.1 to §A.4.1: what each key signs by the algorithm that the section is about.
const HS256_KEY: &str =
    r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
const RS256_KEY: &str = r#"{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}"#;
const RS256_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const ES256_KEY: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const ES256_SIGNATURE: &str = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const ES512_KEY: &str = r#"{"kty":"EC","crv":"P-521","x":"AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk","y":"ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2"}"#;
const ES512: &str = "eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn";
/// RFC 8037 §A.2 and §A.4; what it signs is the text `Example of Ed25519 signing`.
const EDDSA_KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const EDDSA: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

const KEYS: [&str; 4] = [HS256_KEY, RS256_KEY, ES256_KEY, EDDSA_KEY];

#[track_caller]
fn check(key: &str, token: &str, expected: Result<&str, Error>) {
    let keys = KeySet::parse(&format!(r#"{{"keys":[{key}]}}"#), false).unwrap();
    let claims = keys.verify(token).map(|claims| {
        assert_eq!(claims.check(EXPIRES, None), Ok(()));
        claims.value().to_string()
    });
    assert_eq!(claims.as_deref().map_err(|error| *error), expected, "{token}");
}

/// RFC 7515 §A.1, which RFC 7519 §3.1 has too: its header is `{"typ":"JWT",\r\n "alg":"HS256"}`.
#[test]
fn ok_hs256() {
    let token =
        format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    check(HS256_KEY, &token, Ok(CLAIMS));
}

/// RFC 7515 §A.2.
#[test]
fn ok_rs256() {
    check(RS256_KEY, &format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.{RS256_SIGNATURE}"), Ok(CLAIMS));
}

/// RFC 7515 §A.3.
#[test]
fn ok_es256() {
    check(ES256_KEY, &format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.{ES256_SIGNATURE}"), Ok(CLAIMS));
}

/// RFC 8037 §A.4: verified, but what is signed is no claims.
#[test]
fn ok_eddsa() {
    check(EDDSA_KEY, EDDSA, Err(Error::NoClaims));
}

/// RFC 7515 §A.4: neither its key nor its algorithm are among those that are used here.
#[test]
fn err_es512() {
    assert!(KeySet::parse(ES512_KEY, false).is_err());
    for key in KEYS {
        check(key, ES512, Err(Error::Malformed));
    }
}

/// RFC 7515 §A.5, which RFC 7519 §6.1 has too.
#[test]
fn err_unsecured() {
    for key in KEYS {
        check(key, &format!("eyJhbGciOiJub25lIn0.{PAYLOAD}."), Err(Error::Unsecured));
    }
}
