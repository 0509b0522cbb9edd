//! What callers are recognised by: the keys of tokens, and API keys.
//!
//! All of it comes from variables of the runtime, and is read once in an instance: `jwt_secret`, a secret, a JWK or a
//! JWKS; `publishable_keys` and `secret_keys`, texts with white space or commas between them, so that an old key and a
//! new one can be valid for a while.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use config::Config;
use edge::{Edge, Secret};
use postgrest::ErrorKind;
use token::{Cache, Claims, KeySet, RolePath, Unusable};

use crate::refusal::Refusal;

pub(crate) struct Keys {
    tokens: Option<KeySet>,
    publishable: Vec<String>,
    secret: Vec<String>,
    /// `jwt-role-claim-key`.
    pub(crate) role_path: RolePath,
    /// Claims of tokens that were verified in this instance; found only by who has the whole token.
    verified: RefCell<Cache>,
}

impl Keys {
    /// # Errors
    /// A variable or option that the operator has to mend. The text does not hold any part of a key.
    pub(crate) async fn of(edge: &Edge, config: &Config) -> Result<Rc<Keys>, Unusable> {
        if let Some(keys) = edge.instance_get::<Keys>() {
            return Ok(keys);
        }
        let jwt_secret = edge.secret("jwt_secret").await;
        let tokens =
            jwt_secret.map(|secret| KeySet::parse(secret.expose(), config.jwt_secret_is_base64)).transpose()?;
        let listed = |keys: Option<Secret>| -> Vec<String> {
            let keys = keys.as_ref().map_or("", Secret::expose);
            let separate = keys.split(|c: char| c == ',' || c.is_ascii_whitespace());
            separate.filter(|key| !key.is_empty()).map(str::to_owned).collect()
        };
        Ok(edge.instance_put(Keys {
            tokens,
            publishable: listed(edge.secret("publishable_keys").await),
            secret: listed(edge.secret("secret_keys").await),
            role_path: RolePath::parse(&config.jwt_role_claim_key)?,
            verified: RefCell::default(),
        }))
    }

    /// The role that an API key stands for.
    pub(crate) fn role_of<'a>(&self, key: &str, config: &'a Config) -> Option<&'a str> {
        let is_among = |keys: &[String]| keys.iter().fold(false, |found, known| found | token::is_same(known, key));
        match (is_among(&self.publishable), is_among(&self.secret)) {
            (_, true) => Some(&config.secret_key_role),
            (true, false) => Some(&config.publishable_key_role),
            (false, false) => None,
        }
    }

    /// What the bearer of this token may claim now.
    pub(crate) fn verify(&self, token: &str, now: Duration, config: &Config) -> Result<Rc<Claims>, Refusal> {
        let keys = self.tokens.as_ref().ok_or(ErrorKind::NoTokenSecret)?;
        let known = self.verified.borrow_mut().get(token);
        let claims = match known {
            Some(claims) => claims,
            None => {
                let claims = Rc::new(keys.verify(token)?);
                self.verified.borrow_mut().put(token, claims.clone());
                claims
            }
        };
        claims.check(now, config.jwt_aud.as_deref())?;
        Ok(claims)
    }
}
