//! Who asks: the role, and the claims that policies look at.
//!
//! A caller with a bearer token is who the token says, or nobody: a token that cannot be verified is refused, and its
//! bearer never made anonymous. What is not a bearer token (RFC 6750 §2.1), such as `Basic`, is left alone, as
//! PostgREST does. A key of the operator's own (`keys.rs`) stands for a role without being a token.

use std::rc::Rc;

use config::Config;
use edge::{Edge, HeaderMap, HeaderName, header};
use postgrest::{Caller, ErrorKind};
use token::{Claims, RolePath};

use crate::keys::Keys;
use crate::refusal::Refusal;

/// Where Supabase's clients send a key.
const APIKEY: HeaderName = HeaderName::from_static("apikey");

/// For Postgres `none` is no role: it sets the connection's own user, the authenticator.
const NO_ROLE: &str = "none";

/// Who asks.
#[derive(Debug)]
pub(crate) struct Who {
    role: String,
    claims_json: String,
    is_anonymous: bool,
    /// All of them, where there is a token.
    claims: Option<Rc<Claims>>,
}

impl Who {
    /// Finds out who sent these headers.
    ///
    /// # Errors
    /// No role for a caller without a token (PGRST302), a token that is not right (PGRST301, PGRST303), nothing to verify it
    /// with (PGRST300), or nothing yet, because the issuer does not answer (503).
    pub(crate) async fn asks(headers: &HeaderMap, edge: &Edge, config: &Config) -> Result<Rc<Who>, Refusal> {
        let (token, api_key) = (bearer(headers), api_key(headers));
        if token.is_none() && api_key.is_none() {
            return Who::anonymous(edge, config);
        }
        let keys = Keys::of(edge, config).await?;
        // Supabase's clients send such a key as the bearer too, unless a user has signed in.
        let api_key = api_key.filter(|key| token.is_none_or(|token| token::is_same(token, key)));
        if let Some(role) = api_key.and_then(|key| keys.role_of(key, config)) {
            return Ok(Who::with_role(role, config).into());
        }
        match token {
            Some(token) => Ok(Who::of(keys.verify(token, edge, config).await?, &keys, config)?.into()),
            None => Who::anonymous(edge, config),
        }
    }

    /// Who bears these claims.
    fn of(claims: Rc<Claims>, keys: &Keys, config: &Config) -> Result<Who, Refusal> {
        let role = keys.role_path.find(claims.value()).or_else(|| config.db_anon_role.clone());
        let role = role.ok_or(ErrorKind::TokenRequired)?;
        if role == NO_ROLE {
            return Err(token::Error::RoleNone.into());
        }
        let is_anonymous = config.db_anon_role.as_ref() == Some(&role);
        let claims_json = claims.json_for(&role).into_owned();
        Ok(Who { role, claims_json, is_anonymous, claims: Some(claims) })
    }

    /// Whoever has no token: the same for all requests of an instance, which keeps it.
    fn anonymous(edge: &Edge, config: &Config) -> Result<Rc<Who>, Refusal> {
        if let Some(anonymous) = edge.instance_get() {
            return Ok(anonymous);
        }
        let role = config.db_anon_role.as_deref().ok_or(ErrorKind::TokenRequired)?;
        Ok(edge.instance_put(Who::with_role(role, config)))
    }

    fn with_role(role: &str, config: &Config) -> Who {
        let is_anonymous = config.db_anon_role.as_deref() == Some(role);
        Who { role: role.to_owned(), claims_json: claims_of(role), is_anonymous, claims: None }
    }

    /// The role in force.
    pub(crate) fn role(&self) -> &str {
        &self.role
    }

    /// What the token says at a place; nothing where there is no token.
    pub(crate) fn claim(&self, path: &RolePath) -> Option<String> {
        path.find(self.claims.as_ref()?.value())
    }

    /// A member of the claims, as JSON; nothing where there is none, or no token.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        self.claims.as_ref()?.value().get(name).map(|value| value.to_string())
    }

    /// As the dialect wants it.
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { role: &self.role, claims_json: &self.claims_json, is_anonymous: self.is_anonymous }
    }
}

/// The claims of whoever has no token, as JSON.
pub(crate) fn claims_of(role: &str) -> String {
    format!("{{\"role\":{}}}", serde_json::to_string(role).expect("text always serialises"))
}

/// What follows the scheme `Bearer`, in any case, of the first `Authorization`; it may be nothing.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    // A value that is no text cannot be a token, and must not pass for none.
    let value = headers.get(header::AUTHORIZATION)?.to_str().unwrap_or("bearer ?");
    let (scheme, token) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

fn api_key(headers: &HeaderMap) -> Option<&str> {
    headers.get(APIKEY)?.to_str().ok().filter(|value| !value.is_empty())
}

impl From<token::Error> for Refusal {
    fn from(error: token::Error) -> Refusal {
        let (message, details) = (error.message(), error.details());
        match error.is_about_claims() {
            true => ErrorKind::InvalidClaims { message }.into(),
            false => ErrorKind::InvalidToken { message, details }.into(),
        }
    }
}

#[cfg(test)]
mod tests;
