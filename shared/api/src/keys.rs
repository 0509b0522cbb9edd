//! What callers are recognised by: the keys of tokens, and API keys.
//!
//! An issuer publishes keys (`issuer.rs`). All else comes from variables of the runtime, and is read once in an instance:
//! `jwt_secret`, a secret, a JWK or a JWKS; `publishable_keys` and `secret_keys`, texts with white space or commas between
//! them, so that an old key and a new one can be valid for a while.

use std::rc::Rc;

use config::Config;
use edge::{Edge, Error, Secret};
use postgrest::ErrorKind;
use token::{Claims, KeySet, RolePath};

use crate::issuer::Issuer;
use crate::refusal::Refusal;
use crate::trusted::Trusted;

pub(crate) struct Keys {
    /// The variable `jwt_secret`.
    own: Option<Trusted>,
    issuer: Option<Rc<Issuer>>,
    publishable: Vec<String>,
    secret: Vec<String>,
    /// `jwt-role-claim-key`.
    pub(crate) role_path: RolePath,
}

impl Keys {
    /// # Errors
    /// A variable or option that the operator has to mend. The text does not hold any part of a key.
    pub(crate) async fn of(edge: &Edge, config: &Config) -> Result<Rc<Keys>, Error> {
        match edge.instance_get() {
            Some(keys) => Ok(keys),
            None => Box::pin(Keys::read(edge, config)).await,
        }
    }

    async fn read(edge: &Edge, config: &Config) -> Result<Rc<Keys>, Error> {
        let jwt_secret = edge.secret("jwt_secret").await;
        let own = jwt_secret.map(|secret| KeySet::parse(secret.expose(), config.jwt_secret_is_base64)).transpose();
        let listed = |keys: Option<Secret>| -> Vec<String> {
            let keys = keys.as_ref().map_or("", Secret::expose);
            let separate = keys.split(|c: char| c == ',' || c.is_ascii_whitespace());
            separate.filter(|key| !key.is_empty()).map(str::to_owned).collect()
        };
        Ok(edge.instance_put(Keys {
            own: own.map_err(Error::internal)?.map(Trusted::new),
            issuer: Issuer::of(edge, config),
            publishable: listed(edge.secret("publishable_keys").await),
            secret: listed(edge.secret("secret_keys").await),
            role_path: RolePath::parse(&config.jwt_role_claim_key).map_err(Error::internal)?,
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
    pub(crate) async fn verify(&self, token: &str, edge: &Edge, config: &Config) -> Result<Rc<Claims>, Refusal> {
        let claims = self.claims(token, edge).await?;
        claims.check(edge.now(), config.jwt_aud.as_deref())?;
        Ok(claims)
    }

    /// The keys at hand come first: a token that one of them verifies does not wait for the issuer. (Boxed, as few requests
    /// get there.)
    async fn claims(&self, token: &str, edge: &Edge) -> Result<Rc<Claims>, Refusal> {
        use token::Error::{NoKey, NoMatch};
        match (self.own.as_ref().map(|own| own.verify(token)), &self.issuer) {
            (None, None) => Err(ErrorKind::NoTokenSecret.into()),
            (None | Some(Err(NoKey | NoMatch)), Some(issuer)) => Box::pin(issuer.verify(token, edge)).await,
            (Some(outcome), _) => Ok(outcome?),
        }
    }
}
