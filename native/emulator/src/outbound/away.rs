//! A region that is cut off while a file exists: `touch` takes it away and `rm` brings it back. With the word `silent` in it, what is
//! sent there is lost.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The file is looked for no more often than this.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What is in the file where nobody is told that the region is away.
const SILENT: &str = "silent";

/// Whether the region is away.
pub(crate) struct Away {
    file: PathBuf,
    looked: Mutex<Looked>,
}

/// What becomes of a trip to a region that is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// It fails at once.
    Unreachable,
    /// It never ends.
    Silent,
}

/// When the file was last looked for, and what was there.
struct Looked {
    at: Instant,
    found: Option<Absence>,
}

impl Away {
    /// Looks at once, so that a file which is left from another day does not go unnoticed.
    pub(crate) fn new(file: PathBuf, now: Instant) -> Away {
        let mut looked = Looked { at: now, found: None };
        looked.look(&file, now);
        Away { file, looked: Mutex::new(looked) }
    }

    /// Whether the file is there, or was at most [`LOOK_INTERVAL`] ago.
    pub(crate) fn is_away(&self, now: Instant) -> Option<Absence> {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(looked.at) >= LOOK_INTERVAL {
            looked.look(&self.file, now);
        }
        looked.found
    }
}

impl Looked {
    fn look(&mut self, file: &Path, now: Instant) {
        let found = fs::read(file).ok().map(|text| match text.trim_ascii() == SILENT.as_bytes() {
            true => Absence::Silent,
            false => Absence::Unreachable,
        });
        match (self.found, found) {
            (None, Some(_)) => tracing::warn!("the region is away until `{}` is removed", file.display()),
            (Some(_), None) => tracing::info!("the region is back"),
            _ => {}
        }
        *self = Looked { at: now, found };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> PathBuf {
        let file = std::env::temp_dir().join(format!("emulator-away-{name}-{}", std::process::id()));
        let _ = fs::remove_file(&file);
        file
    }

    #[test]
    fn ok_away_while_the_file_exists() {
        let (file, start) = (file("exists"), Instant::now());
        let away = Away::new(file.clone(), start);
        assert_eq!(away.is_away(start), None);
        fs::write(&file, "").unwrap();
        assert_eq!(away.is_away(start + LOOK_INTERVAL - Duration::from_millis(1)), None, "looked too early");
        assert_eq!(away.is_away(start + LOOK_INTERVAL), Some(Absence::Unreachable));
        fs::write(&file, "silent\n").unwrap();
        assert_eq!(away.is_away(start + LOOK_INTERVAL * 2), Some(Absence::Silent));
        fs::remove_file(&file).unwrap();
        assert_eq!(away.is_away(start + LOOK_INTERVAL * 2), Some(Absence::Silent), "looked too early");
        assert_eq!(away.is_away(start + LOOK_INTERVAL * 3), None);
    }

    #[test]
    fn ok_file_left_from_another_day() {
        let (file, start) = (file("left"), Instant::now());
        fs::write(&file, "").unwrap();
        assert_eq!(Away::new(file.clone(), start).is_away(start), Some(Absence::Unreachable));
        fs::remove_file(&file).unwrap();
    }
}
