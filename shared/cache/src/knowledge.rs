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

    /// Somebody has just written these relations, in a transaction that `seen` contains.
    pub(crate) fn wrote(&mut self, relations: &[RelationId], seen: &Snapshot) {
        for relation in relations {
            self.standing(*relation).writers.merge(seen);
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
        knowledge.wrote(&[7], &snapshot("11:11:"));
        check(&knowledge, "10:10:", "", &[7], false);
        // Older news.
        knowledge.learn(&[(7, snapshot("9:9:"))], &snapshot("9:9:"));
        check(&knowledge, "10:10:", "", &[7], false);
        knowledge.learn(&[(SCHEMA, snapshot("20:20:"))], &snapshot("20:20:"));
        check(&knowledge, "11:11:", "", &[], false);
    }

    #[test]
    fn ok_no_writer_is_forgotten() {
        let mut knowledge = Knowledge::default();
        knowledge.wrote(&[1], &snapshot("50:50:"));
        for relation in 2..=KNOWN_MAX as RelationId {
            knowledge.wrote(&[relation], &snapshot("10:10:"));
        }
        check(&knowledge, "10:10:", "", &[2], true);
        knowledge.wrote(&[0], &snapshot("10:10:"));
        assert!(knowledge.relations.is_empty());
        check(&knowledge, "10:10:", "", &[2], false);
        check(&knowledge, "50:50:", "", &[1, 2], true);
    }
}
