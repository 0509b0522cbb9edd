//! Where Postgres is and as whom to log in: a connection URL, read as libpq reads it.
//!
//! ```text
//! postgresql://user:password@host:port/database?keyword=value&…
//! ```
//!
//! A host that begins with `/` (percent-encoded, or given as `?host=`) is the folder of a Unix socket.
//! One host only; a keyword that is not known is refused, as libpq does.

use std::borrow::Cow;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::{Error, ErrorKind};

const HOST: &str = "localhost";
const PORT: u16 = 5432;

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) host: Host,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) tls: TlsMode,
    /// Sent in the startup message as they are, such as `application_name` and `options`.
    pub(crate) parameters: Vec<(&'static str, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Name(String),
    /// Holds the Unix socket `.s.PGSQL.{port}`.
    Folder(PathBuf),
}

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsMode {
    Disable,
    /// Encrypted where the server can.
    Prefer,
    /// Encrypted, with whatever certificate the server shows.
    Require,
    /// Encrypted, with a certificate for this host by a public authority.
    VerifyFull,
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Target, Error> {
        let url =
            Url::parse(&with_host(url)).map_err(|error| refuse(format!("cannot read the database URL: {error}")))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(refuse("the database URL must begin with `postgresql://`"));
        }
        let mut keywords = Keywords::of(&url)?;
        let user = keywords.user.take().ok_or_else(|| refuse("the database URL names no user"))?;
        Ok(Target {
            host: keywords.host()?,
            port: keywords.port()?,
            database: keywords.database.unwrap_or_else(|| user.clone()),
            user,
            password: keywords.password,
            tls: keywords.tls,
            parameters: keywords.parameters,
        })
    }

    /// For the operator's log; without the password.
    pub(crate) fn place(&self) -> String {
        match &self.host {
            Host::Name(name) => format!("{name}:{}", self.port),
            Host::Folder(folder) => folder.join(self.socket_name()).display().to_string(),
        }
    }

    pub(crate) fn socket_name(&self) -> String {
        format!(".s.PGSQL.{}", self.port)
    }
}

/// libpq's keywords, from the URL's own parts and then from its query, which wins.
struct Keywords {
    host: Option<String>,
    port: Option<String>,
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    tls: TlsMode,
    parameters: Vec<(&'static str, String)>,
}

impl Keywords {
    fn of(url: &Url) -> Result<Keywords, Error> {
        let mut keywords = Keywords {
            host: filled(url.host_str().unwrap_or_default())?,
            port: url.port().map(|port| port.to_string()),
            user: filled(url.username())?,
            password: filled(url.password().unwrap_or_default())?,
            database: filled(url.path().trim_start_matches('/'))?,
            tls: TlsMode::Prefer,
            parameters: Vec::new(),
        };
        for pair in url.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            keywords.set(&decoded(key)?, decoded(value)?)?;
        }
        Ok(keywords)
    }

    fn set(&mut self, key: &str, value: String) -> Result<(), Error> {
        match key {
            "host" => self.host = Some(value),
            "port" => self.port = Some(value),
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "dbname" => self.database = Some(value),
            "sslmode" => self.tls = tls_mode(&value)?,
            "application_name" => self.parameters.push(("application_name", value)),
            "options" => self.parameters.push(("options", value)),
            // The certificate's hash is not bound into the login; a URL that insists cannot be served.
            "channel_binding" if value != "require" => {}
            "channel_binding" => return Err(refuse("`channel_binding=require` is not supported; use `prefer`")),
            // The gateway has a limit of its own.
            "connect_timeout" => {}
            _ => return Err(refuse(format!("unknown parameter `{key}` in the database URL"))),
        }
        Ok(())
    }

    fn host(&self) -> Result<Host, Error> {
        match self.host.as_deref() {
            None | Some("") => Ok(Host::Name(HOST.to_owned())),
            Some(list) if list.contains(',') => Err(refuse("the database URL names more than one host")),
            Some(folder) if folder.starts_with('/') => Ok(Host::Folder(folder.into())),
            Some(name) => Ok(Host::Name(name.trim_matches(['[', ']']).to_owned())),
        }
    }

    fn port(&self) -> Result<u16, Error> {
        match self.port.as_deref() {
            None | Some("") => Ok(PORT),
            Some(port) => port.parse().map_err(|_| refuse(format!("`{port}` is no port"))),
        }
    }
}

/// The URL standard has no user without a host; libpq has, and so `localhost` is filled in.
fn with_host(url: &str) -> Cow<'_, str> {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    match url[authority..end].rfind('@').map(|at| authority + at + 1) {
        Some(host) if host == end || url[host..].starts_with(':') => {
            Cow::Owned(format!("{}{HOST}{}", &url[..host], &url[host..]))
        }
        _ => Cow::Borrowed(url),
    }
}

fn tls_mode(value: &str) -> Result<TlsMode, Error> {
    match value {
        "disable" => Ok(TlsMode::Disable),
        "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-full" => Ok(TlsMode::VerifyFull),
        _ => Err(refuse(format!(
            "`sslmode={value}` is not supported; use `disable`, `prefer`, `require` or `verify-full`"
        ))),
    }
}

fn filled(part: &str) -> Result<Option<String>, Error> {
    Ok(Some(decoded(part)?).filter(|part| !part.is_empty()))
}

/// Unlike in a form, `+` stands for itself.
fn decoded(part: &str) -> Result<String, Error> {
    let text =
        percent_decode_str(part).decode_utf8().map_err(|_| refuse("the database URL is not UTF-8 when decoded"))?;
    // The startup message ends its strings with a zero byte.
    if text.contains('\0') {
        return Err(refuse("the database URL holds a zero byte"));
    }
    Ok(text.into_owned())
}

fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Options, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let got = match Target::parse(url) {
            Err(error) => error.to_string(),
            Ok(target) => format!(
                "{}:{:?} at {} in {} {:?} {:?}",
                target.user,
                target.password,
                target.place(),
                target.database,
                target.tls,
                target.parameters
            ),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn ok_urls() {
        check("postgres://u@h", "u:None at h:5432 in u Prefer []");
        check("postgresql://u:p%40ss@h:6543/d%20b", "u:Some(\"p@ss\") at h:6543 in d b Prefer []");
        check("postgresql://u@[::1]:1/d", "u:None at ::1:1 in d Prefer []");
        check("postgresql://u@/d?host=/run/pg", "u:None at /run/pg/.s.PGSQL.5432 in d Prefer []");
        check("postgresql:///d?host=/run/pg&user=u&port=7", "u:None at /run/pg/.s.PGSQL.7 in d Prefer []");
        check("postgresql://u@%2Frun%2Fpg/d", "u:None at /run/pg/.s.PGSQL.5432 in d Prefer []");
        check("postgresql://u:p@:7?sslmode=disable", "u:Some(\"p\") at localhost:7 in u Disable []");
        check("postgresql://u@/d", "u:None at localhost:5432 in d Prefer []");
        check(
            "postgresql://u@h/d?sslmode=verify-full&application_name=a+b&options=-c%20x%3D1",
            r#"u:None at h:5432 in d VerifyFull [("application_name", "a+b"), ("options", "-c x=1")]"#,
        );
    }

    #[test]
    fn err_urls() {
        check("mysql://u@h", "the database URL must begin with `postgresql://`");
        check("u@h", "cannot read the database URL: relative URL without a base");
        check("postgresql://h/d", "the database URL names no user");
        check(
            "postgresql://u@h/d?sslmode=maybe",
            "`sslmode=maybe` is not supported; use `disable`, `prefer`, `require` or `verify-full`",
        );
        check("postgresql://u@h/d?sslmod=require", "unknown parameter `sslmod` in the database URL");
        check("postgresql://u@h/d?channel_binding=require", "`channel_binding=require` is not supported; use `prefer`");
        check("postgresql://u@h,i/d", "the database URL names more than one host");
        check("postgresql://u@h/d%00", "the database URL holds a zero byte");
        check("postgresql://u@h/d?port=x", "`x` is no port");
    }
}
