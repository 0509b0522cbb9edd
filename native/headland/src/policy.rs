//! Policy from a file: a headland.toml, or a configuration file of PostgREST's.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use config::postgrest::Translation;

/// What `headland config` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// PostgREST's configuration file
    file: PathBuf,
}

/// What a file says: the policy's text, and what it holds besides.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    pub(crate) text: String,
    pub(crate) jwt_secret: Option<String>,
    pub(crate) database_url: Option<String>,
    /// What was left out.
    pub(crate) warnings: Vec<String>,
}

/// Prints a headland.toml that says what the file says, and on stderr what it cannot say.
pub(crate) fn print(options: &Options) -> anyhow::Result<()> {
    let policy = Policy::translated(&options.file)?;
    print!("{}", policy.text);
    for warning in &policy.warnings {
        eprintln!("headland: {warning}");
    }
    if policy.jwt_secret.is_some() {
        eprintln!("headland: `jwt-secret` is a secret: set the variable `jwt_secret` where the functions run");
    }
    if policy.database_url.is_some() {
        eprintln!("headland: `db-uri` is a secret: set DATABASE_URL where `headland gateway` runs");
    }
    Ok(())
}

impl Policy {
    /// Reads a headland.toml if the name ends in `.toml`, and PostgREST's file otherwise.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Policy> {
        match path.extension().is_some_and(|extension| extension == "toml") {
            true => Ok(Policy { text: read(path)?, ..Policy::default() }),
            false => Policy::translated(path),
        }
    }

    fn translated(path: &Path) -> anyhow::Result<Policy> {
        let translation = config::postgrest::translate(&read(path)?, |name| env::var(name).ok());
        let Translation { policy, jwt_secret, db_uri, warnings } =
            translation.with_context(|| format!("cannot use `{}`", path.display()))?;
        // PostgREST takes one newline from the end of a secret's file, and all white space from around a URI.
        let secret = |text: String| text.strip_suffix('\n').map(str::to_owned).unwrap_or(text);
        Ok(Policy {
            text: policy,
            jwt_secret: jwt_secret.map(from_file).transpose()?.map(secret),
            database_url: db_uri.map(from_file).transpose()?.map(|uri| uri.trim().to_owned()),
            warnings,
        })
    }
}

/// The text itself, or that of the file which `@` names.
fn from_file(text: String) -> anyhow::Result<String> {
    text.strip_prefix('@').map(|path| read(Path::new(path))).unwrap_or(Ok(text.clone()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of that name and content.
    fn file(name: &str, text: &str) -> PathBuf {
        let path = env::temp_dir().join(format!("headland-policy-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        path
    }

    #[test]
    fn ok_a_headland_toml_is_taken_as_it_is() {
        let path = file("x.toml", "db-anon-role = 'web'");
        assert_eq!(Policy::read(&path).unwrap().text, "db-anon-role = 'web'");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn ok_secrets_in_files_of_their_own() {
        let (secret, uri) = (file("secret", "s\n\n"), file("uri", " postgres://h/d \n"));
        let text = format!(
            "db-anon-role = \"web\"\ndb-pool = 1\njwt-secret = \"@{}\"\ndb-uri = \"@{}\"",
            secret.display(),
            uri.display()
        );
        let path = file("postgrest.conf", &text);
        let policy = Policy::read(&path).unwrap();
        assert_eq!(policy.text, "db-anon-role = \"web\"\n");
        assert_eq!(policy.jwt_secret.as_deref(), Some("s\n"));
        assert_eq!(policy.database_url.as_deref(), Some("postgres://h/d"));
        assert_eq!(policy.warnings.len(), 1);
        for path in [secret, uri, path] {
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn err_no_file_or_none_of_postgrests() {
        Policy::read(Path::new("/nowhere")).unwrap_err();
        let path = file("broken.conf", "db-anon-role = web");
        let message = format!("{:#}", Policy::read(&path).unwrap_err());
        assert!(message.contains("broken.conf") && message.contains("line 1"), "{message}");
        fs::remove_file(path).unwrap();
    }
}
