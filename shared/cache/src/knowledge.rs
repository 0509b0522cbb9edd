//! What an edge has heard of writers.

use crate::{IN_PROGRESS_MAX, RelationId, SCHEMA, Snapshot, Standing, is_fresh};

/// Most relations of which an edge remembers who wrote them.
const KNOWN_MAX: usize = 1024;

/// Who wrote what, as far as the region's answers have told. It grows in any order of them, and never forgets a writer.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    /// What every answer has to contain: what was known of relations of which there were too many.
    floor: Snapshot,
    /// Sorted by relation.
    relations: Vec<(RelationId, Standing)>,
}

impl Knowledge {
    /// The region has told who has written these relations, and that up to `known` these are all.
    pub(crate) fn learn(&mut self, told: &[(RelationId, Snapshot)], known: &Snapshot) {
        for (relation, writers) in told {
            self.standing(*relation).merge(&Standing { writers: writers.clone(), known: known.clone() });
        }
        self.bound();
    }

    /// Somebody has just written these relations, in transactions that the snapshots contain.
    pub(crate) fn wrote(&mut self, written: &[(RelationId, Snapshot)]) {
        for (relation, seen) in written {
            let standing = self.standing(*relation);
            standing.writers.merge(seen);
            // What is known is of the writers in the history that goes on.
            if standing.known.timeline() != seen.timeline() {
                standing.known = Snapshot::default();
            }
        }
        self.bound();
    }

    /// Somebody else says that these relations have been written. What is of another history than the region's last word may be
    /// older than that, and is passed over.
    pub(crate) fn hear(&mut self, told: &[(RelationId, Snapshot)]) {
        for (relation, seen) in told {
            let standing = self.standing(*relation);
            if standing.known.is_empty() || standing.known.timeline() == seen.timeline() {
                standing.writers.merge(seen);
            }
        }
        self.bound();
    }

    /// Whether an answer that was made of these tables may be given to a caller who demands a snapshot, by all that is known here.
    pub(crate) fn is_fresh(&self, stored: &Snapshot, demanded: &Snapshot, tables: &[RelationId]) -> bool {
        let nothing = Standing::default();
        let of = |relation: &RelationId| self.place(*relation).map_or(&nothing, |place| &self.relations[place].1);
        stored.contains_all(&self.floor) && is_fresh(stored, demanded, [&SCHEMA].into_iter().chain(tables).map(of))
    }

    fn standing(&mut self, relation: RelationId) -> &mut Standing {
        let place = self.place(relation).unwrap_or_else(|place| {
            self.relations.insert(place, (relation, Standing::default()));
            place
        });
        &mut self.relations[place].1
    }

    fn place(&self, relation: RelationId) -> Result<usize, usize> {
        self.relations.binary_search_by(|(known, _)| known.cmp(&relation))
    }

    fn bound(&mut self) {
        if self.relations.len() > KNOWN_MAX {
            let floor = &mut self.floor;
            self.relations.drain(..).for_each(|(_, standing)| floor.merge(&standing.writers));
            self.floor = std::mem::take(&mut self.floor).grow(IN_PROGRESS_MAX);
        }
    }
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

    fn elsewhere(text: &str) -> Snapshot {
        Snapshot::of_postgres(Timeline(2), text).unwrap()
    }

    #[track_caller]
    fn check(knowledge: &Knowledge, stored: &str, demanded: &str, tables: &[RelationId], expected: bool) {
        assert_eq!(knowledge.is_fresh(&snapshot(stored), &snapshot(demanded), tables), expected);
    }

    #[test]
    fn ok_what_was_told() {
        let mut knowledge = Knowledge::default();
        check(&knowledge, "10:10:", "", &[7], true);
        check(&knowledge, "10:10:", "12:12:", &[7], false);
        knowledge.learn(&[(SCHEMA, snapshot("5:5:")), (7, snapshot("9:9:"))], &snapshot("12:12:"));
        check(&knowledge, "10:10:", "12:12:", &[7], true);
        check(&knowledge, "10:10:", "12:12:", &[7, 8], false);
        check(&knowledge, "8:8:", "", &[7], false);
        check(&knowledge, "8:8:", "", &[8], true);
        knowledge.wrote(&[(7, snapshot("11:11:"))]);
        check(&knowledge, "10:10:", "", &[7], false);
        // Older news.
        knowledge.learn(&[(7, snapshot("9:9:"))], &snapshot("9:9:"));
        check(&knowledge, "10:10:", "", &[7], false);
        knowledge.learn(&[(SCHEMA, snapshot("20:20:"))], &snapshot("20:20:"));
        check(&knowledge, "11:11:", "", &[], false);
    }

    #[test]
    fn ok_what_others_say() {
        let mut knowledge = Knowledge::default();
        knowledge.hear(&[(7, snapshot("11:11:"))]);
        check(&knowledge, "10:10:", "", &[7], false);
        check(&knowledge, "11:11:", "", &[7], true);
        check(&knowledge, "11:11:", "12:12:", &[7], false);
        // Older news, also of another history.
        knowledge.learn(&[(SCHEMA, snapshot("5:5:")), (7, snapshot("12:12:"))], &snapshot("12:12:"));
        knowledge.hear(&[(7, snapshot("11:11:")), (7, elsewhere("90:90:"))]);
        check(&knowledge, "11:11:", "", &[7], false);
        check(&knowledge, "12:12:", "12:12:", &[7], true);
    }

    /// An answer to a write that comes late, from a database that is no longer the one.
    #[test]
    fn ok_a_write_in_another_history() {
        let mut knowledge = Knowledge::default();
        knowledge.learn(&[(SCHEMA, snapshot("5:5:")), (7, snapshot("9:9:"))], &snapshot("12:12:"));
        knowledge.wrote(&[(7, elsewhere("8:8:"))]);
        assert!(!knowledge.is_fresh(&elsewhere("8:8:"), &snapshot("12:12:"), &[7]));
        check(&knowledge, "10:10:", "12:12:", &[7], false);
    }

    #[test]
    fn ok_no_writer_is_forgotten() {
        let mut knowledge = Knowledge::default();
        knowledge.wrote(&[(1, snapshot("50:50:"))]);
        for relation in 2..=KNOWN_MAX as RelationId {
            knowledge.wrote(&[(relation, snapshot("10:10:"))]);
        }
        check(&knowledge, "10:10:", "", &[2], true);
        knowledge.wrote(&[(0, snapshot("10:10:"))]);
        assert!(knowledge.relations.is_empty());
        check(&knowledge, "10:10:", "", &[2], false);
        check(&knowledge, "50:50:", "", &[1, 2], true);
    }
}
