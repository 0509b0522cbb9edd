//! Where the edge finds its region, and the file that says so to `wrangler dev` and `spin up`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// In the state folder while `headland dev` runs; read by its owner alone.
const FILE: &str = "region.env";

/// What the functions are told of the region.
pub(crate) struct Place {
    /// The variable `region_url`.
    pub(crate) url: String,
    /// The variable `region_connection`.
    pub(crate) connection: String,
    /// The private cluster's URL as the authenticator's, where there is one.
    pub(crate) database_url: Option<String>,
}

/// The written file; it is removed with this.
pub(crate) struct Written(PathBuf);

impl Place {
    /// Writes `NAME=value` lines, as `wrangler dev --env-file` and a shell read them.
    pub(crate) fn write(&self, state: &Path) -> anyhow::Result<Written> {
        let mut text = format!("REGION_URL={}\nREGION_CONNECTION={}\n", self.url, self.connection);
        if let Some(database_url) = &self.database_url {
            text.push_str(&format!("DATABASE_URL={database_url}\n"));
        }
        let path = state.join(FILE);
        write_private(&path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Written(path))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // What it says is of no use any more; whether it is there harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}

/// A file made anew, because the mode is that of its making.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if path.exists() {
        fs::remove_file(path)?;
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn ok_written_for_the_owner_and_removed() {
        let folder = std::env::temp_dir().join(format!("headland-place-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let place =
            Place { url: "http://r:1".into(), connection: "postgresql://edge:c@r/d".into(), database_url: None };
        let path = folder.join(FILE);
        fs::write(&path, "old").unwrap();
        let written = place.write(&folder).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "REGION_URL=http://r:1\nREGION_CONNECTION=postgresql://edge:c@r/d\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(written);
        assert!(!path.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
