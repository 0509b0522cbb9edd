//! Who may come in: the user, credential and database of `Neon-Connection-String`.
//!
//! ```text
//! postgresql://USER:CREDENTIAL@HOST/DATABASE?…
//! ```
//!
//! Host and parameters are not looked at: whoever has reached the gateway has found its host. How long the
//! comparison takes does not tell how much of the credential was right.

use percent_encoding::percent_decode_str;
use subtle::ConstantTimeEq;
use url::Url;

use crate::{Error, ErrorKind, Options};

pub(crate) struct Credential {
    user: String,
    credential: String,
    database: String,
}

impl Credential {
    pub(crate) fn new(options: &Options) -> Credential {
        Credential {
            user: options.user.clone(),
            credential: options.credential.clone(),
            database: options.database.clone(),
        }
    }

    /// Checks the header's value.
    pub(crate) fn check(&self, connection_string: &str) -> Result<(), Error> {
        let given = Given::parse(connection_string)?;
        let user_right = self.user.as_bytes().ct_eq(given.user.as_bytes());
        let credential_right = self.credential.as_bytes().ct_eq(given.credential.as_bytes());
        if !bool::from(user_right & credential_right) {
            let message = format!("password authentication failed for user '{}'", given.user);
            return Err(Error::new(ErrorKind::Credential, message));
        }
        if given.database != self.database {
            let message = format!("database \"{}\" does not exist", given.database);
            return Err(Error::new(ErrorKind::Database, message));
        }
        Ok(())
    }
}

/// What a connection string says, decoded.
struct Given {
    user: String,
    credential: String,
    database: String,
}

impl Given {
    fn parse(connection_string: &str) -> Result<Given, Error> {
        let url = Url::parse(connection_string).map_err(|_| refuse("it is no URL"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refuse("its scheme is not `postgresql`"));
        }
        Ok(Given {
            user: part(url.username(), "it names no user")?,
            credential: part(url.password().unwrap_or_default(), "it holds no password")?,
            database: part(url.path().trim_start_matches('/'), "it names no database")?,
        })
    }
}

fn part(encoded: &str, missing: &str) -> Result<String, Error> {
    if encoded.is_empty() {
        return Err(refuse(missing));
    }
    let decoded = percent_decode_str(encoded).decode_utf8().map_err(|_| refuse("it is not UTF-8 when decoded"))?;
    Ok(decoded.into_owned())
}

/// The value holds the credential and is not repeated.
fn refuse(why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("invalid `Neon-Connection-String`: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(connection_string: &str, expected: Result<(), &str>) {
        let credential = Credential { user: "edge".into(), credential: "s3/cret".into(), database: "main".into() };
        let got = credential.check(connection_string).map_err(|error| error.to_string());
        assert_eq!(got, expected.map_err(str::to_owned));
    }

    #[test]
    fn ok_credential() {
        check("postgresql://edge:s3%2Fcret@region.example.com/main", Ok(()));
        check("postgres://edge:s3%2fcret@127.0.0.1:5432/main?application_name=x", Ok(()));
    }

    #[test]
    fn err_credential_the_same_for_wrong_user_and_wrong_password() {
        for given in ["edge:wrong", "edge:s3%2Fcre", "edge:s3%2Fcret2"] {
            check(&format!("postgresql://{given}@h/main"), Err("password authentication failed for user 'edge'"));
        }
        check("postgresql://who:s3%2Fcret@h/main", Err("password authentication failed for user 'who'"));
        check("postgresql://who:wrong@h/nowhere", Err("password authentication failed for user 'who'"));
    }

    #[test]
    fn err_database_unknown() {
        check("postgresql://edge:s3%2Fcret@h/other", Err("database \"other\" does not exist"));
    }

    #[test]
    fn err_connection_string_incomplete() {
        let invalid = |why: &str| format!("invalid `Neon-Connection-String`: {why}");
        check("nonsense", Err(&invalid("it is no URL")));
        check("https://edge:s3@h/main", Err(&invalid("its scheme is not `postgresql`")));
        check("postgresql://h/main", Err(&invalid("it names no user")));
        check("postgresql://edge@h/main", Err(&invalid("it holds no password")));
        check("postgresql://edge:s3@h/", Err(&invalid("it names no database")));
        check("postgresql://edge:%ff@h/main", Err(&invalid("it is not UTF-8 when decoded")));
    }
}
