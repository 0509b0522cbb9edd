//! Which user runs Postgres. It refuses root, so there another user has to, and must be able to reach its files.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Who runs Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    /// Whoever runs us.
    Ours,
    /// Somebody else, because we are root.
    Dropped(Ids),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// The user for a cluster in `data`: its owner if it exists, else `postgres` or `nobody` where we are root.
    pub(crate) fn of(data: &Path) -> anyhow::Result<Account> {
        let us = rustix::process::geteuid().as_raw();
        let owner = fs::metadata(data).ok().map(|about| Ids { uid: about.uid(), gid: about.gid() });
        match owner {
            Some(owner) if us != 0 && owner.uid != us => {
                anyhow::bail!("`{}` belongs to another user (uid {})", data.display(), owner.uid)
            }
            _ if us != 0 => Ok(Account::Ours),
            Some(owner) if owner.uid != 0 => Ok(Account::Dropped(owner)),
            _ => Ok(Account::Dropped(unprivileged(&fs::read_to_string("/etc/passwd")?)?)),
        }
    }

    /// The ids to take on before the program runs, if any.
    pub(crate) fn drop_to(self) -> Option<Ids> {
        match self {
            Account::Ours => None,
            Account::Dropped(ids) => Some(ids),
        }
    }

    /// Makes `path` this user's.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        match self {
            Account::Ours => Ok(()),
            Account::Dropped(ids) => std::os::unix::fs::chown(path, Some(ids.uid), Some(ids.gid)),
        }
    }

    /// Whether this user may search every folder on the way to `path`, which exists.
    pub(crate) fn reaches(self, path: &Path) -> io::Result<bool> {
        let Account::Dropped(ids) = self else { return Ok(true) };
        for folder in fs::canonicalize(path)?.ancestors() {
            let about = fs::metadata(folder)?;
            if about.is_dir() && !searchable(ids, &about) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn searchable(ids: Ids, about: &fs::Metadata) -> bool {
    let bit = match () {
        () if about.uid() == ids.uid => 0o100,
        () if about.gid() == ids.gid => 0o010,
        () => 0o001,
    };
    about.mode() & bit != 0
}

/// `postgres` if the machine has that user, else `nobody`.
fn unprivileged(passwd: &str) -> anyhow::Result<Ids> {
    let find = |name: &str| passwd.lines().find_map(|line| ids(line, name));
    find("postgres")
        .or_else(|| find("nobody"))
        .ok_or_else(|| anyhow::anyhow!("Postgres refuses to run as root, and there is no user `postgres` or `nobody`"))
}

/// The ids in a line of /etc/passwd, `NAME:PASSWORD:UID:GID:…`, if it is about `name`.
fn ids(line: &str, name: &str) -> Option<Ids> {
    let fields: Vec<&str> = line.split(':').collect();
    // macOS writes the ids of `nobody` as -2.
    let id = |field: &str| field.parse::<i64>().ok().map(|id| id as u32);
    match fields[..] {
        [known, _, uid, gid, ..] if known == name => {
            Some(Ids { uid: id(uid)?, gid: id(gid)? }).filter(|ids| ids.uid != 0)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_postgres_before_nobody() {
        let passwd = "root:x:0:0::/root:/bin/sh\nnobody:*:-2:-2::/:/bin/false\npostgres:x:104:110::/:/bin/sh\n";
        assert_eq!(unprivileged(passwd).unwrap(), Ids { uid: 104, gid: 110 });
        let passwd = passwd.replace("postgres", "other");
        assert_eq!(unprivileged(&passwd).unwrap(), Ids { uid: u32::MAX - 1, gid: u32::MAX - 1 });
    }

    #[test]
    fn err_no_such_user_or_it_is_root() {
        unprivileged("").unwrap_err();
        unprivileged("root:x:0:0:::\nnobody:x:0:0:::\nbroken\npostgres:x:a:b:::").unwrap_err();
    }

    #[test]
    fn ok_reaches_what_all_may_search() {
        let nobody = Account::Dropped(Ids { uid: 65_534, gid: 65_534 });
        assert!(nobody.reaches(Path::new("/usr/bin")).unwrap());
        assert!(Account::Ours.reaches(Path::new("/nowhere")).unwrap());
    }
}
