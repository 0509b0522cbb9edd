//! Where the private cluster's files lie: in `.headland/postgres`, or, where we are root and the user that Postgres
//! runs as cannot search the way there, in a folder of /var/lib/headland that `.headland/postgres` then links to.
//!
//! The folder is ours and holds `data` (the cluster, Postgres' own), `log`, and `url`, the superuser's connection
//! string, which only we can read.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::{Path, PathBuf};

use anyhow::Context;
use url::Url;

use super::account::Account;
use crate::secret;

/// The folder, and who works in it.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    pub(crate) account: Account,
}

impl Home {
    /// Opens the folder of the `state` folder, or makes it.
    pub(crate) fn open(state: &Path) -> anyhow::Result<Home> {
        let link = state.join("postgres");
        let account = Account::of(&link.join("data"))?;
        if !link.exists() {
            make(&link, account).with_context(|| format!("cannot make `{}`", link.display()))?;
        }
        let folder = fs::canonicalize(&link)?;
        anyhow::ensure!(
            account.reaches(&folder)?,
            "Postgres refuses to run as root, and the user it runs as instead may not search the folders above `{}`",
            folder.display()
        );
        Ok(Home { folder, account })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Begins the log anew.
    pub(crate) fn create_log(&self) -> anyhow::Result<File> {
        self.create_private("log")
    }

    /// Major version of the Postgres that made the cluster; `None` before it is made.
    pub(crate) fn major(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// The superuser's connection string, with a port that is free now: the last one if possible.
    pub(crate) fn url(&self) -> anyhow::Result<Url> {
        let path = self.folder.join("url");
        let mut url = match fs::read_to_string(&path) {
            Ok(text) => text.trim().parse().with_context(|| format!("`{}` holds no URL", path.display()))?,
            Err(_) if self.major().is_some() => anyhow::bail!(
                "`{}`, the password of the cluster beside it, is gone; remove `{}` to begin anew",
                path.display(),
                self.folder.display()
            ),
            Err(_) => new_url()?,
        };
        let port = free_port(url.port().unwrap_or(0))?;
        if url.port() != Some(port) {
            url.set_port(Some(port)).map_err(|()| anyhow::anyhow!("`{}` holds no URL of a server", path.display()))?;
            // Under another name first: whatever happens now, the password is kept.
            writeln!(self.create_private("url.new")?, "{url}")?;
            fs::rename(self.folder.join("url.new"), path)?;
        }
        Ok(url)
    }

    /// Writes a file that only we, and the user Postgres runs as, can read.
    pub(crate) fn hand_over(&self, name: &str, text: &str) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(name);
        writeln!(self.create_private(name)?, "{text}")?;
        self.account.own(&path)?;
        Ok(path)
    }

    /// A new file for the folder's owner alone, whatever lay there. The owner is not us where root works in
    /// somebody's clone.
    fn create_private(&self, name: &str) -> anyhow::Result<File> {
        let path = self.folder.join(name);
        let _ = fs::remove_file(&path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("cannot write `{}`", path.display()))?;
        let owner = fs::metadata(&self.folder)?;
        fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
        Ok(file)
    }
}

fn make(link: &Path, account: Account) -> anyhow::Result<()> {
    // A link whose folder is gone.
    let _ = fs::remove_file(link);
    DirBuilder::new().mode(0o711).create(link)?;
    if account.reaches(link)? {
        return Ok(());
    }
    fs::remove_dir(link)?;
    let folder = shared()?.join(secret::token()?);
    fs::create_dir(&folder)?;
    fs::set_permissions(&folder, Permissions::from_mode(0o711))?;
    symlink(&folder, link)?;
    tracing::info!("Postgres does not run as root: its files lie in {}", folder.display());
    Ok(())
}

/// The folder of all that an unprivileged user must reach and could not elsewhere.
pub(crate) fn shared() -> io::Result<&'static Path> {
    let folder = Path::new("/var/lib/headland");
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    Ok(folder)
}

fn new_url() -> anyhow::Result<Url> {
    Ok(format!("postgresql://postgres:{}@127.0.0.1/postgres", secret::token()?).parse()?)
}

/// `port` if nobody listens there, else any free one.
fn free_port(port: u16) -> io::Result<u16> {
    let bind = |port| std::net::TcpListener::bind(("127.0.0.1", port));
    bind(port).or_else(|_| bind(0))?.local_addr().map(|address| address.port())
}
