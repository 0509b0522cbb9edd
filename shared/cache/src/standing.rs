//! What is known of a relation, and the rule that follows from it.

use crate::Snapshot;

/// Who wrote a relation, as far as somebody knows. The default is to know nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Contains every transaction that is known to have written it.
    pub writers: Snapshot,
    /// Of each transaction in here it is known whether it wrote the relation.
    pub known: Snapshot,
}

impl Standing {
    /// Learns what somebody else knows, however old that is.
    pub fn merge(&mut self, other: &Standing) {
        self.writers.merge(&other.writers);
        self.known.merge(&other.known);
    }
}

/// Whether an answer whose snapshot is `stored` may be given to a caller who demands a snapshot; `standings` are those of
/// all relations that it was made of.
///
/// It is fresh if it contains all writers. And it is what the caller demands if it contains that, or if it is known of all
/// that is demanded that it wrote no more: then it is the answer that the demanded snapshot would give too.
pub fn is_fresh<'a>(stored: &Snapshot, demanded: &Snapshot, mut standings: impl Iterator<Item = &'a Standing>) -> bool {
    let is_contained = stored.contains_all(demanded);
    standings.all(|standing| {
        stored.contains_all(&standing.writers) && (is_contained || standing.known.contains_all(demanded))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timeline;

    fn snapshot(text: &str) -> Snapshot {
        match text {
            "" => Snapshot::default(),
            text => Snapshot::of_postgres(Timeline(1), text).unwrap(),
        }
    }

    #[track_caller]
    fn check(stored: &str, demanded: &str, standings: &[(&str, &str)], expected: bool) {
        let standing =
            |(writers, known): &(&str, &str)| Standing { writers: snapshot(writers), known: snapshot(known) };
        let standings: Vec<_> = standings.iter().map(standing).collect();
        assert_eq!(is_fresh(&snapshot(stored), &snapshot(demanded), standings.iter()), expected);
    }

    #[test]
    fn ok_contains_all_writers() {
        check("5:8:5", "", &[], true);
        check("5:8:5", "", &[("", "")], true);
        check("5:8:5", "", &[("5:8:5", "5:8:5")], true);
        check("5:8:5", "", &[("6:6:", "")], false);
        check("5:8:5", "", &[("5:9:5", "")], false);
        check("5:8:5", "", &[("5:7:5", ""), ("5:9:5", "")], false);
    }

    #[test]
    fn ok_what_the_caller_demands() {
        check("5:8:5", "5:7:5", &[("", "")], true);
        check("5:8:5", "9:9:", &[("", "")], false);
        // 5 and 8 wrote something else.
        check("5:8:5", "9:9:", &[("4:4:", "9:9:")], true);
        check("5:8:5", "9:9:", &[("4:4:", "9:9:"), ("4:4:", "8:8:")], false);
        check("5:8:5", "9:9:", &[("9:9:", "9:9:")], false);
    }

    #[test]
    fn ok_learned_in_any_order() {
        let of = |writers, known| Standing { writers: snapshot(writers), known: snapshot(known) };
        let (older, newer) = (of("4:4:", "6:6:"), of("4:8:4,5,6", "9:9:"));
        let (mut one, mut other) = (older.clone(), newer.clone());
        one.merge(&newer);
        other.merge(&older);
        assert_eq!(one, other);
        assert_eq!(one, newer);
    }
}
