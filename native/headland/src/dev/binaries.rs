//! Finds the programs of Postgres on this machine.
//!
//! In order: `HEADLAND_POSTGRES` (and nothing else, if it is set), the PATH, the folders in which Debian, Fedora,
//! Homebrew and Postgres.app put their versions, newest first, and npm's `@embedded-postgres`, which `scripts/setup`
//! fetches where there is none of these.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::account::Account;
use super::cache;
use super::home::shared;
use crate::secret;

/// Oldest Postgres that is served: earlier ones lack `pg_current_snapshot()`.
pub(crate) const MAJOR_MIN: u32 = 13;

/// A folder with `postgres` and `initdb` in it.
#[derive(Debug, Clone)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    /// As in `postgres --version`: "15.6 (Debian 15.6-0+deb12u1)".
    pub(crate) version: String,
    pub(crate) major: u32,
}

impl Binaries {
    /// The first that will do; a cluster that exists needs exactly the `major` that made it.
    pub(crate) fn find(major: Option<u32>) -> anyhow::Result<Binaries> {
        let fits = |found: &Binaries| major.map_or(found.major >= MAJOR_MIN, |major| found.major == major);
        candidates().iter().filter_map(|folder| Binaries::at(folder).ok()).find(fits).with_context(|| match major {
            Some(major) => format!(
                "the cluster was made by PostgreSQL {major}, whose programs are not here any more; \
                 set HEADLAND_POSTGRES to their folder, or remove `.headland/postgres` to begin anew"
            ),
            None => format!(
                "found no PostgreSQL {MAJOR_MIN} or newer; scripts/dev fetches one, \
                 HEADLAND_POSTGRES names the folder of its programs, DATABASE_URL names a database to use instead"
            ),
        })
    }

    /// The Postgres in `folder`, following links: an installation finds its other files from where it really is.
    pub(crate) fn at(folder: &Path) -> anyhow::Result<Binaries> {
        let postgres = fs::canonicalize(folder.join("postgres"))?;
        let folder = postgres.parent().context("`postgres` lies in no folder")?.to_owned();
        anyhow::ensure!(folder.join("initdb").is_file(), "there is no `initdb` in `{}`", folder.display());
        let output = Command::new(&postgres).arg("--version").output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = text.trim().rsplit_once("PostgreSQL) ").context("`postgres --version` says no version")?.1;
        let major = leading_number(version).context("`postgres --version` says no version")?;
        Ok(Binaries { folder, version: version.to_owned(), major })
    }

    /// The same programs where `account` may run them: a copy, if they lie in a folder that it may not search.
    pub(crate) fn within_reach(self, account: Account) -> anyhow::Result<Binaries> {
        if account.reaches(&self.folder)? {
            return Ok(self);
        }
        let installation = self.folder.parent().context("the programs of Postgres lie in no installation")?;
        let number = self.version.split_whitespace().next().unwrap_or_default();
        let copy = shared()?.join(format!("postgresql-{number}"));
        if !copy.exists() {
            tracing::info!("copying PostgreSQL {number} to {}, where Postgres' user can reach it", copy.display());
            copy_all(installation, &copy)?;
        }
        Binaries::at(&copy.join("bin"))
    }
}

/// Copies under another name first, so that a copy which exists is whole.
fn copy_all(from: &Path, to: &Path) -> anyhow::Result<()> {
    let unfinished = to.with_file_name(format!("unfinished-{}", secret::token()?));
    let status = Command::new("cp").arg("-RPp").arg(from).arg(&unfinished).status()?;
    anyhow::ensure!(status.success(), "cannot copy `{}` to `{}`", from.display(), unfinished.display());
    fs::rename(&unfinished, to).or_else(|error| if to.exists() { Ok(()) } else { Err(error.into()) })
}

fn candidates() -> Vec<PathBuf> {
    if let Some(named) = env::var_os("HEADLAND_POSTGRES") {
        return vec![PathBuf::from(&named), PathBuf::from(named).join("bin")];
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    for pattern in [
        "/usr/lib/postgresql/*/bin",
        "/usr/pgsql-*/bin",
        "/opt/homebrew/opt/postgresql*/bin",
        "/usr/local/opt/postgresql*/bin",
        "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
        "/Applications/Postgres.app/Contents/Versions/*/bin",
    ] {
        folders.extend(expand(Path::new(pattern)));
    }
    folders.extend(cache::packages().flat_map(|modules| expand(&modules.join("@embedded-postgres/*/native/bin"))));
    folders
}

/// The folders that `pattern` matches, those with the greatest number in their name first; `*` stands for anything
/// within one component, and only one component has one.
fn expand(pattern: &Path) -> Vec<PathBuf> {
    let mut parts = pattern.iter();
    let fixed: PathBuf = parts.by_ref().take_while(|part| !contains_star(part)).collect();
    let starred = pattern.iter().find(|part| contains_star(part)).and_then(OsStr::to_str).unwrap_or_default();
    let (prefix, suffix) = starred.split_once('*').unwrap_or((starred, ""));
    let rest: PathBuf = parts.collect();
    let mut names: Vec<String> = fs::read_dir(&fixed)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.len() >= prefix.len() + suffix.len() && name.starts_with(prefix) && name.ends_with(suffix))
        .collect();
    names.sort_by_key(|name| {
        std::cmp::Reverse((leading_number(name.trim_start_matches(|c: char| !c.is_ascii_digit())), name.clone()))
    });
    names.iter().map(|name| fixed.join(name).join(&rest)).filter(|folder| folder.is_dir()).collect()
}

fn contains_star(part: &OsStr) -> bool {
    part.as_encoded_bytes().contains(&b'*')
}

/// The number that `text` begins with: 15 of "15.6 (Debian)", 18 of "18beta1".
fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_leading_numbers() {
        for (text, expected) in [("15.6 (Debian)", Some(15)), ("18beta1", Some(18)), ("9", Some(9)), ("beta", None)] {
            assert_eq!(leading_number(text), expected, "{text}");
        }
    }

    #[test]
    fn ok_newest_version_first() {
        let root = env::temp_dir().join(format!("headland-binaries-{}", std::process::id()));
        for name in ["postgresql@9", "postgresql@14", "postgresql@16", "postgresql", "mysql@8"] {
            fs::create_dir_all(root.join(name).join("bin")).unwrap();
        }
        fs::create_dir_all(root.join("postgresql@17")).unwrap();
        let found = expand(&root.join("postgresql*/bin"));
        let expected = ["postgresql@16/bin", "postgresql@14/bin", "postgresql@9/bin", "postgresql/bin"];
        assert_eq!(found, expected.map(|name| root.join(name)));
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn err_not_a_folder_of_postgres() {
        Binaries::at(Path::new("/nowhere")).unwrap_err();
        Binaries::at(Path::new("/bin")).unwrap_err();
    }
}
