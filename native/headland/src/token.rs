//! `headland token`: a token for a role, to try things with.
//!
//! HS256 (RFC 7518 §3.2) with the secret of `headland dev`, or one that is given. Keys that sign otherwise belong to
//! whoever issues tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{duration, secret};

/// In the state folder: the secret of `headland dev`, which outlives a start so that tokens do.
const SECRET_FILE: &str = "jwt-secret";

/// What `headland token` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The database role that its bearer has
    #[arg(long, value_name = "NAME")]
    role: String,
    /// Another claim; a value that is JSON is taken as such
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, Value)>,
    /// How long it is valid
    #[arg(long, default_value = "60m", value_name = "TIME", value_parser = duration::parse)]
    expires: Duration,
    /// The secret to sign with [default: that of `headland dev`]
    #[arg(long, env = "JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    jwt_secret: Option<String>,
    /// Where `headland dev` keeps its state
    #[arg(long, default_value = ".headland", value_name = "FOLDER")]
    state: PathBuf,
}

/// Prints a token.
pub(crate) fn print(options: Options) -> anyhow::Result<()> {
    let secret = match options.jwt_secret.filter(|secret| !secret.is_empty()) {
        Some(secret) => secret,
        None => read_secret(&options.state)?,
    };
    anyhow::ensure!(!secret.trim_start().starts_with('{'), "a key set verifies tokens; sign them with its private key");
    let mut claims = Map::from_iter(options.claims);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    claims.insert("role".into(), options.role.into());
    claims.insert("iat".into(), now.as_secs().into());
    claims.insert("exp".into(), (now + options.expires).as_secs().into());
    println!("{}", sign(&claims, secret.as_bytes()));
    Ok(())
}

/// The secret of `headland dev` on a private cluster; made at the first call, and read by its owner alone.
pub(crate) fn dev_secret(state: &Path) -> anyhow::Result<String> {
    let path = state.join(SECRET_FILE);
    if !path.exists() {
        secret::write(&path, &secret::token()?).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    read_secret(state)
}

fn read_secret(state: &Path) -> anyhow::Result<String> {
    let path = state.join(SECRET_FILE);
    fs::read_to_string(&path).with_context(|| {
        format!(
            "no secret in `{}`: start `headland dev` without a database of your own, or give --jwt-secret",
            path.display()
        )
    })
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("a claim is a name, `=` and a value")?;
    Ok((name.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

/// The compact form, RFC 7515 §3.1.
fn sign(claims: &Map<String, Value>, secret: &[u8]) -> String {
    let claims = serde_json::to_vec(claims).expect("a map of JSON values always serialises");
    let message = format!("{}.{}", encode(br#"{"alg":"HS256","typ":"JWT"}"#), encode(&claims));
    format!("{message}.{}", encode(&mac(secret, message.as_bytes())))
}

/// HMAC-SHA256, RFC 2104.
fn mac(secret: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK_BYTES: usize = 64;
    let mut key = [0; BLOCK_BYTES];
    match secret.len() <= BLOCK_BYTES {
        true => key[..secret.len()].copy_from_slice(secret),
        false => key[..32].copy_from_slice(&Sha256::digest(secret)),
    }
    let padded = |pad: u8| Sha256::new_with_prefix(key.map(|byte| byte ^ pad));
    let inner = padded(0x36).chain_update(message).finalize();
    padded(0x5c).chain_update(inner).finalize().into()
}

/// Base64url without padding, RFC 4648 §5.
fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let characters = |chunk: &[u8]| {
        let bits = chunk.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        let sextets = [18, 12, 6, 0].map(|shift| char::from(ALPHABET[bits >> shift & 63]));
        sextets.into_iter().take(chunk.len() + 1)
    };
    bytes.chunks(3).flat_map(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A token of PostgREST's tests.
    #[test]
    fn ok_signed() {
        let claims = Map::from_iter([claim("role=postgrest_test_author").unwrap()]);
        let expected = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoicG9zdGdyZXN0X3Rlc3RfYXV0aG9yIn0.\
                        Xod-F15qsGL0WhdOCr2j3DdKuTw9QJERVgoFD3vGaWA";
        assert_eq!(sign(&claims, b"reallyreallyreallyreallyverysafe"), expected);
    }

    /// RFC 4231 §4.7: a secret longer than a block.
    #[test]
    fn ok_long_secret() {
        let mac = mac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(mac[..8], [0x60, 0xe4, 0x31, 0x59, 0x1e, 0xe0, 0xb6, 0x7f]);
    }

    #[test]
    fn ok_claims() {
        for (text, value) in [("a=7", Value::from(7)), ("a=b=c", "b=c".into()), ("a=[true]", vec![true].into())] {
            assert_eq!(claim(text).unwrap(), ("a".into(), value));
        }
        claim("a").unwrap_err();
    }

    #[test]
    fn ok_base64() {
        for (bytes, expected) in [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"\xfb\xff", "-_8")]
        {
            assert_eq!(encode(bytes), expected);
        }
    }

    #[test]
    fn ok_secret_is_made_once_and_long_enough() {
        let state = std::env::temp_dir().join(format!("headland-token-{}", std::process::id()));
        fs::create_dir_all(&state).unwrap();
        read_secret(&state).unwrap_err();
        let secret = dev_secret(&state).unwrap();
        assert!(secret.len() >= 32);
        assert_eq!(dev_secret(&state).unwrap(), secret);
        fs::remove_dir_all(&state).unwrap();
    }
}
