//! What a new cluster holds: PostgREST's roles, and a few thousand movies to try things on.

use std::fs;

use anyhow::Context;

use super::cache;
use super::region::{Region, Statement};
use crate::secret;

/// Who the gateway connects as.
pub(crate) const AUTHENTICATOR: &str = "authenticator";

const ROLES: &str = include_str!("roles.sql");
const SAMPLE: &str = include_str!("sample.sql");

/// Whether the cluster has been filled: this and [`fill`] see all of it or nothing.
pub(crate) async fn is_filled(superuser: &Region) -> anyhow::Result<bool> {
    let rows = superuser.query("select from pg_roles where rolname = $1", &[AUTHENTICATOR]).await?;
    Ok(!rows.is_empty())
}

/// Makes the roles and the sample's tables, in one transaction.
pub(crate) async fn fill(superuser: &Region) -> anyhow::Result<()> {
    let movies = movies()?;
    let movies = [movies.as_str()];
    let statements: Vec<Statement> = paragraphs(ROLES)
        .chain(paragraphs(SAMPLE))
        .map(|text| Statement::new(text, if text.contains("$1") { &movies } else { &[] }))
        .collect();
    superuser.transaction(&statements).await.context("cannot load the sample")
}

/// Gives the authenticator a password for this start.
pub(crate) async fn renew_password(superuser: &Region) -> anyhow::Result<String> {
    let password = secret::token()?;
    // No statement about roles takes parameters; the password is hexadecimal.
    superuser.query(&format!("alter role {AUTHENTICATOR} password '{password}'"), &[]).await?;
    Ok(password)
}

fn movies() -> anyhow::Result<String> {
    let path = cache::packages()
        .map(|modules| modules.join("vega-datasets/data/movies.json"))
        .find(|path| path.is_file())
        .context(
            "the sample needs npm's `vega-datasets`, which scripts/dev fetches; or name a database in DATABASE_URL",
        )?;
    fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))
}

fn paragraphs(sql: &str) -> impl Iterator<Item = &str> {
    sql.split("\n\n").map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_paragraphs_are_statements() {
        for sql in [ROLES, SAMPLE] {
            for text in paragraphs(sql) {
                let code: Vec<&str> = text.lines().filter(|line| !line.starts_with("--")).collect();
                let code = code.join("\n");
                assert!(code.ends_with(';') && code.matches(';').count() == 1, "{code}");
            }
        }
    }

    #[test]
    fn ok_one_statement_takes_the_movies() {
        let taking = |sql| paragraphs(sql).filter(|text| text.contains("$1")).count();
        assert_eq!((taking(ROLES), taking(SAMPLE)), (0, 1));
    }
}
