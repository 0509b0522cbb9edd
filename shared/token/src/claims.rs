//! What a token claims, RFC 7519 §4.

use std::borrow::Cow;
use std::time::Duration;

use json::Limits;
use serde_json::{Map, Value};

use crate::error::Error;

/// By how much the issuer's clock may be wrong. PostgREST's.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// The claims of a verified token.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    value: Value,
    /// Written once, because a token is used more than once.
    json: String,
}

impl Claims {
    pub(crate) fn parse(json: &[u8]) -> Result<Claims, Error> {
        // RFC 7519 §4: a name that is there twice is refused, with whatever else `json` refuses.
        let claims: Map<String, Value> = json::from_slice(json, &Limits::default()).map_err(|_| Error::NoClaims)?;
        let value = Value::from(claims);
        let json = value.to_string();
        Ok(Claims { value, json })
    }

    /// The claims as one JSON object.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The claims as JSON text, in which `role` is the role in force, wherever in the token it was found.
    pub fn json_for(&self, role: &str) -> Cow<'_, str> {
        if self.value.get("role").and_then(Value::as_str) == Some(role) {
            return (&self.json).into();
        }
        let mut value = self.value.clone();
        value["role"] = role.into();
        value.to_string().into()
    }

    /// Checks times, with [`LEEWAY`], and the audience, of which `None` accepts any. `now` is the time since the Unix
    /// epoch. A token without one of these claims is not bound by it.
    ///
    /// # Errors
    /// The first of what is wrong with `exp`, `nbf`, `iat` and `aud`.
    pub fn check(&self, now: Duration, audience: Option<&str>) -> Result<(), Error> {
        let (now, leeway) = (now.as_secs() as f64, LEEWAY.as_secs() as f64);
        if self.time("exp")?.is_some_and(|time| now - leeway > time) {
            return Err(Error::Expired);
        }
        if self.time("nbf")?.is_some_and(|time| now + leeway < time) {
            return Err(Error::NotYetValid);
        }
        if self.time("iat")?.is_some_and(|time| now + leeway < time) {
            return Err(Error::IssuedInFuture);
        }
        let matches = |claimed: &str| audience.is_none_or(|audience| audience == claimed);
        let is_meant = match self.claim("aud") {
            None => true,
            Some(Value::String(claimed)) => matches(claimed),
            Some(Value::Array(claimed)) => {
                let claimed: Option<Vec<&str>> = claimed.iter().map(Value::as_str).collect();
                let claimed = claimed.ok_or(Error::AudienceType)?;
                claimed.is_empty() || claimed.into_iter().any(matches)
            }
            Some(_) => return Err(Error::AudienceType),
        };
        if is_meant { Ok(()) } else { Err(Error::NotInAudience) }
    }

    /// NumericDate, RFC 7519 §2: seconds, perhaps with a fraction.
    fn time(&self, name: &'static str) -> Result<Option<f64>, Error> {
        match self.claim(name) {
            None => Ok(None),
            Some(Value::Number(seconds)) => Ok(seconds.as_f64()),
            Some(_) => Err(Error::NotNumber(name)),
        }
    }

    /// A claim that is null is as good as none.
    fn claim(&self, name: &str) -> Option<&Value> {
        self.value.get(name).filter(|value| !value.is_null())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000_000);

    #[track_caller]
    fn check(claims: &str, expected: Result<(), Error>) {
        check_for(None, claims, expected);
    }

    #[track_caller]
    fn check_for(audience: Option<&str>, claims: &str, expected: Result<(), Error>) {
        assert_eq!(
            Claims::parse(claims.as_bytes()).and_then(|claims| claims.check(NOW, audience)),
            expected,
            "{claims}"
        );
    }

    #[test]
    fn ok_times_with_leeway() {
        check("{}", Ok(()));
        check(r#"{"exp":null,"nbf":null,"iat":null,"aud":null}"#, Ok(()));
        check(r#"{"exp":999970}"#, Ok(()));
        check(r#"{"exp":999969}"#, Err(Error::Expired));
        check(r#"{"exp":999969.9}"#, Err(Error::Expired));
        check(r#"{"exp":1e300}"#, Ok(()));
        check(r#"{"exp":-1}"#, Err(Error::Expired));
        check(r#"{"nbf":1000030,"iat":1000030}"#, Ok(()));
        check(r#"{"nbf":1000031}"#, Err(Error::NotYetValid));
        check(r#"{"iat":1000031}"#, Err(Error::IssuedInFuture));
        check(r#"{"iat":1000031,"exp":1}"#, Err(Error::Expired));
    }

    #[test]
    fn err_times_that_are_none() {
        check(r#"{"exp":"999970"}"#, Err(Error::NotNumber("exp")));
        check(r#"{"nbf":{}}"#, Err(Error::NotNumber("nbf")));
        check(r#"{"iat":true}"#, Err(Error::NotNumber("iat")));
    }

    #[test]
    fn ok_audience() {
        for claims in ["{}", r#"{"aud":null}"#, r#"{"aud":[]}"#, r#"{"aud":"us"}"#, r#"{"aud":["a","us"]}"#] {
            check_for(Some("us"), claims, Ok(()));
            check(claims, Ok(()));
        }
        for claims in [r#"{"aud":"them"}"#, r#"{"aud":["a","b"]}"#, r#"{"aud":""}"#] {
            check_for(Some("us"), claims, Err(Error::NotInAudience));
            check(claims, Ok(()));
        }
        for claims in [r#"{"aud":1}"#, r#"{"aud":{"us":1}}"#, r#"{"aud":["us",1]}"#] {
            check_for(Some("us"), claims, Err(Error::AudienceType));
            check(claims, Err(Error::AudienceType));
        }
    }

    #[test]
    fn err_claims_that_are_no_object() {
        for claims in ["", "[]", "1", "{", "{}{}", "\"{}\"", "{\"a\":\"\u{0}\"}", r#"{"role":"a","role":"b"}"#] {
            check(claims, Err(Error::NoClaims));
        }
        assert_eq!(Claims::parse(b"{\"a\":\"\xff\"}"), Err(Error::NoClaims));
        assert_eq!(Claims::parse("[".repeat(9999).as_bytes()), Err(Error::NoClaims));
    }

    #[test]
    fn ok_the_role_in_force_is_among_the_claims() {
        let claims = |json: &str| Claims::parse(json.as_bytes()).unwrap().json_for("a").into_owned();
        assert_eq!(claims(r#"{"sub": 1, "role": "a"}"#), r#"{"role":"a","sub":1}"#);
        for json in [r#"{"sub":1}"#, r#"{"sub":1,"role":null}"#, r#"{"sub":1,"role":"b"}"#] {
            assert_eq!(claims(json), r#"{"role":"a","sub":1}"#);
        }
    }
}
