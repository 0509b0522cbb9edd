//! What a statement has certainly seen, and what it may have seen.

use crate::{Snapshot, Timeline};

/// Two sets, between which is what a statement saw.
///
/// On a primary a snapshot is exact, and both are the same. On a standby `pg_current_snapshot()` does not list what is in
/// progress: `748:760:` is all below 748 and some of what is between that and 760. An answer *has* the one, and whoever is given
/// it may have *seen* the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// At least this.
    pub contained: Snapshot,
    /// At most this.
    pub seen: Snapshot,
}

impl Bounds {
    /// Of a statement whose snapshot is known.
    pub fn exact(snapshot: Snapshot) -> Bounds {
        Bounds { contained: snapshot.clone(), seen: snapshot }
    }

    /// Reads what `pg_current_snapshot()` gives as text on a standby. `None` where it is of another form.
    pub fn of_standby(timeline: Timeline, text: &str) -> Option<Bounds> {
        let (xmin, rest) = text.split_once(':')?;
        let contained = Snapshot::of_postgres(timeline, &format!("{xmin}:{xmin}:"))?;
        // Below `xmax`, `xmin` is the first that is in progress.
        let is_unlisted = rest.strip_suffix(':').is_some_and(|xmax| xmax != xmin);
        let seen = if is_unlisted { Snapshot::of_postgres(timeline, &format!("{text}{xmin}")) } else { None };
        let seen = seen.or_else(|| Snapshot::of_postgres(timeline, text))?;
        Some(Bounds { contained, seen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Timeline = Timeline(1);

    #[track_caller]
    fn check(text: &str, contained: &str, seen: &str) {
        let snapshot = |text| Snapshot::of_postgres(HERE, text).unwrap();
        let expected = Bounds { contained: snapshot(contained), seen: snapshot(seen) };
        assert_eq!(Bounds::of_standby(HERE, text), Some(expected), "{text}");
    }

    #[test]
    fn ok_of_a_standby() {
        check("748:748:", "748:748:", "748:748:");
        check("748:760:", "748:748:", "748:760:748");
        check("748:749:", "748:748:", "748:748:");
        check("748:760:748,752", "748:748:", "748:760:748,752");
    }

    #[test]
    fn err_not_a_snapshot() {
        for text in ["", "748", "748:760", "760:748:", "a:b:", "748:760:1", ":760:"] {
            assert_eq!(Bounds::of_standby(HERE, text), None, "{text}");
        }
    }
}
