//! A region that is cut off while a file exists: `touch` takes it away and `rm` brings it back.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The file is looked for no more often than this.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// Whether the region is away.
pub(crate) struct Away {
    file: PathBuf,
    looked: Mutex<Looked>,
}

/// When the file was last looked for, and whether it was there.
struct Looked {
    at: Instant,
    found: bool,
}

impl Away {
    /// Looks at once, so that a file which is left from another day does not go unnoticed.
    pub(crate) fn new(file: PathBuf, now: Instant) -> Away {
        let mut looked = Looked { at: now, found: false };
        looked.look(&file, now);
        Away { file, looked: Mutex::new(looked) }
    }

    /// Whether the file is there, or was at most [`LOOK_INTERVAL`] ago.
    pub(crate) fn is_away(&self, now: Instant) -> bool {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(looked.at) >= LOOK_INTERVAL {
            looked.look(&self.file, now);
        }
        looked.found
    }
}

impl Looked {
    fn look(&mut self, file: &Path, now: Instant) {
        let found = file.exists();
        match (self.found, found) {
            (false, true) => tracing::warn!("the region is away until `{}` is removed", file.display()),
            (true, false) => tracing::info!("the region is back"),
            _ => {}
        }
        *self = Looked { at: now, found };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        assert!(!away.is_away(start));
        fs::write(&file, "").unwrap();
        assert!(!away.is_away(start + LOOK_INTERVAL - Duration::from_millis(1)), "looked too early");
        assert!(away.is_away(start + LOOK_INTERVAL));
        fs::remove_file(&file).unwrap();
        assert!(away.is_away(start + LOOK_INTERVAL), "looked too early");
        assert!(!away.is_away(start + LOOK_INTERVAL * 2));
    }

    #[test]
    fn ok_file_left_from_another_day() {
        let (file, start) = (file("left"), Instant::now());
        fs::write(&file, "").unwrap();
        assert!(Away::new(file.clone(), start).is_away(start));
        fs::remove_file(&file).unwrap();
    }
}
