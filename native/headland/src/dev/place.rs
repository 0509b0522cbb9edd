//! What the edge is told, and the file that tells it to `wrangler dev` and `spin up` too.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::secret;

/// In the state folder while `headland dev` runs; read by its owner alone.
const FILE: &str = "region.env";

/// What the functions are told: where their region is, and what of policy is not built in.
pub(crate) struct Place {
    /// The variable `region_url`.
    pub(crate) url: String,
    /// The variable `region_connection`.
    pub(crate) connection: String,
    /// The variable `headland_config`.
    pub(crate) policy: Option<String>,
    /// The variable `jwt_secret`.
    pub(crate) jwt_secret: Option<String>,
    /// The private cluster's URL as the authenticator's, where there is one.
    pub(crate) database_url: Option<String>,
}

/// The written file; it is removed with this.
pub(crate) struct Written(PathBuf);

impl Place {
    pub(crate) fn new(url: String, connection: String) -> Place {
        Place { url, connection, policy: None, jwt_secret: None, database_url: None }
    }

    /// The runtime's variables that are set.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let variables = [
            ("region_url", Some(&self.url)),
            ("region_connection", Some(&self.connection)),
            ("headland_config", self.policy.as_ref()),
            ("jwt_secret", self.jwt_secret.as_ref()),
        ];
        variables.into_iter().filter_map(|(name, value)| Some((name, value?.as_str())))
    }

    /// Writes `NAME=value` lines, as `wrangler dev --env-file` and a shell read them.
    pub(crate) fn write(&self, state: &Path) -> anyhow::Result<Written> {
        let mut text = String::new();
        let database_url = self.database_url.as_deref().map(|url| ("database_url", url));
        for (name, value) in self.variables().chain(database_url) {
            let name = name.to_ascii_uppercase();
            match quoted(value) {
                Some(value) => text.push_str(&format!("{name}={value}\n")),
                None => tracing::warn!("{name} is not in {FILE}: it has a single quote in it"),
            }
        }
        let path = state.join(FILE);
        secret::write(&path, &text).with_context(|| format!("cannot write `{}`", path.display()))?;
        Ok(Written(path))
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // What it says is of no use any more; whether it is there harms nobody.
        let _ = fs::remove_file(&self.0);
    }
}

/// Between single quotes, where anything could mean something to a reader of the line. Those disagree on how a single
/// quote is written.
fn quoted(value: &str) -> Option<Cow<'_, str>> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/@%=+,".contains(c);
    match () {
        () if value.chars().all(is_plain) => Some(value.into()),
        () if value.contains('\'') => None,
        () => Some(format!("'{value}'").into()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn ok_written_for_the_owner_and_removed() {
        let folder = std::env::temp_dir().join(format!("headland-place-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let mut place = Place::new("http://r:1".into(), "postgresql://edge:c@r/d".into());
        place.policy = Some("a = \"b\"\nc = 1\n".into());
        place.jwt_secret = Some("it's".into());
        let path = folder.join(FILE);
        fs::write(&path, "old").unwrap();
        let written = place.write(&folder).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let expected = "REGION_URL=http://r:1\nREGION_CONNECTION=postgresql://edge:c@r/d\n\
                        HEADLAND_CONFIG='a = \"b\"\nc = 1\n'\n";
        assert_eq!(text, expected);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(written);
        assert!(!path.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
