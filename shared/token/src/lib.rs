//! JSON Web Tokens: who signed one, what it claims, and the role that it names.
//!
//! Start at [`KeySet::parse`], or [`KeySet::parse_published`] for what an issuer publishes, and [`KeySet::verify`];
//! [`Claims::check`] looks at times and audience, [`RolePath`] finds the role. The standards are RFC 7515 (JWS, compact
//! form), 7517 (JWK), 7518 and 8037 (algorithms), 7519 (JWT); texts and codes of refusals are PostgREST's. HS256, HS384,
//! HS512, RS256, RS384, RS512, ES256 and EdDSA (Ed25519) are verified; nothing here signs or decrypts.
//!
//! A key says which algorithms it verifies, and a token chooses among those: a public key is never a secret, and `none`
//! is no algorithm. Tokens of at most [`TOKEN_BYTES_MAX`] are looked at. MACs and API keys are compared in constant
//! time; all else works on public values, in whatever time it takes.

mod algorithm;
mod base64;
mod cache;
mod claims;
mod error;
mod jwk;
mod key;
mod key_set;
mod modulus;
mod role_path;
mod rsa;
mod secret;

pub use cache::{CACHED_MAX, Cache};
pub use claims::{Claims, LEEWAY};
pub use error::{Error, Unusable};
pub use key_set::{KeySet, PUBLISHED_BYTES_MAX, PUBLISHED_KEYS_MAX, TOKEN_BYTES_MAX};
pub use role_path::RolePath;
pub use secret::is_same;
