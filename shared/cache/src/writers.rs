//! What the region knows of who wrote what.

use std::collections::{BTreeSet, HashMap, VecDeque};

use crate::{IN_PROGRESS_MAX, Snapshot, Standing, Xid, is_fresh};

/// A relation, by its OID in the database.
pub type RelationId = u32;

/// In place of a relation: the schema. Any change of it counts as a write to this, and every answer is made of it.
pub const SCHEMA: RelationId = 0;

/// Most relations whose writers are told apart. Beyond that all have the same: a higher floor.
pub const RELATIONS_MAX: usize = 10_000;

/// A write that reports itself when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// The writers of all relations, above a floor.
///
/// Of writes it hears in two ways. One that comes through the gateway may report itself: it takes a [`Ticket`] before
/// it is sent, and gives it back when its report is in. Of all others the database tells, in the order of their
/// commits. If anything may have been missed, [`Writers::lose`]; nothing is fresh until there is a new floor.
///
/// How far all is known moves with marks. A mark is a snapshot, and behind it, in the stream of what the database
/// tells, a word to oneself: once that is heard ([`Writers::hear`]), and all writes that were on their way have
/// reported, there can be no writer in the snapshot that is not known here.
#[derive(Debug, Default)]
pub struct Writers {
    /// What every answer has to contain, whatever it reads.
    floor: Snapshot,
    /// What answers have to contain beside that.
    relations: HashMap<RelationId, Snapshot>,
    /// Whether no writer is missed that is not in the floor.
    is_complete: bool,
    known: Snapshot,
    writing: BTreeSet<Ticket>,
    tickets: u64,
    marks: VecDeque<Mark>,
}

/// A snapshot up to which all is known, once two things have happened.
#[derive(Debug)]
struct Mark {
    snapshot: Snapshot,
    /// What was begun before this may be in the snapshot.
    ticket: Ticket,
    is_heard: bool,
}

impl Writers {
    /// A write is about to be sent that will report itself.
    pub fn begin(&mut self) -> Ticket {
        let ticket = Ticket(self.tickets);
        self.tickets += 1;
        self.writing.insert(ticket);
        ticket
    }

    /// A write has reported, or has certainly not taken place. Where neither is known it has not ended.
    pub fn end(&mut self, ticket: Ticket) {
        self.writing.remove(&ticket);
        self.advance();
    }

    /// A transaction has written relations. `seen` is a snapshot that it had itself: whoever sees the transaction sees all
    /// of that.
    pub fn wrote(&mut self, relations: &[RelationId], xid: Xid, seen: &Snapshot) {
        for relation in relations {
            let writers = self.relations.entry(*relation).or_default();
            writers.merge(seen);
            writers.insert(xid);
            *writers = std::mem::take(writers).grow(IN_PROGRESS_MAX);
        }
        if self.relations.len() > RELATIONS_MAX {
            self.raise();
        }
    }

    /// Somebody, of whom nothing else is known, has changed the schema: this snapshot shows it as it has become.
    pub fn changed(&mut self, seen: &Snapshot) {
        let writers = self.relations.entry(SCHEMA).or_default();
        writers.merge(seen);
        *writers = std::mem::take(writers).grow(IN_PROGRESS_MAX);
    }

    /// Writers may have been missed.
    pub fn lose(&mut self) {
        self.is_complete = false;
        self.marks.clear();
    }

    /// A snapshot that was taken after everything was heard of again, and after all that nobody will hear of had ended.
    pub fn find(&mut self, floor: &Snapshot) {
        self.floor.merge(floor);
        let (floor, timeline) = (&self.floor, self.floor.timeline());
        self.relations.retain(|_, writers| writers.timeline() == timeline && !floor.contains_all(writers));
        self.is_complete = true;
    }

    /// A snapshot has been taken; the word to oneself is to be sent now. Marks are heard in the order in which they are made.
    pub fn mark(&mut self, snapshot: Snapshot) {
        self.marks.push_back(Mark { snapshot, ticket: Ticket(self.tickets), is_heard: false });
    }

    /// The word of the first mark that was not heard yet has come.
    pub fn hear(&mut self) {
        if let Some(mark) = self.marks.iter_mut().find(|mark| !mark.is_heard) {
            mark.is_heard = true;
        }
        self.advance();
    }

    /// Of each transaction in here all is known.
    pub fn known(&self) -> &Snapshot {
        &self.known
    }

    /// What is known of a relation; `None` while writers are missed.
    pub fn standing(&self, relation: RelationId) -> Option<Standing> {
        let mut writers = self.floor.clone();
        if let Some(above) = self.relations.get(&relation) {
            writers.merge(above);
        }
        self.is_complete.then(|| Standing { writers, known: self.known.clone() })
    }

    /// Whether an answer that was made of these relations may be given to a caller who demands a snapshot.
    pub fn is_fresh(&self, stored: &Snapshot, demanded: &Snapshot, relations: &[RelationId]) -> bool {
        let standings: Option<Vec<Standing>> = relations.iter().map(|relation| self.standing(*relation)).collect();
        standings.is_some_and(|standings| is_fresh(stored, demanded, standings.iter()))
    }

    fn advance(&mut self) {
        let writing = self.writing.first().copied();
        let is_over = |mark: &mut Mark| mark.is_heard && writing.is_none_or(|first| first >= mark.ticket);
        while let Some(mark) = self.marks.pop_front_if(is_over) {
            self.known.merge(&mark.snapshot);
        }
    }

    /// Makes one floor of all that is known.
    fn raise(&mut self) {
        self.relations.drain().for_each(|(_, writers)| self.floor.merge(&writers));
        self.floor = std::mem::take(&mut self.floor).grow(IN_PROGRESS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timeline;

    const FILMS: RelationId = 1;
    const PEOPLE: RelationId = 2;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::of_postgres(Timeline(1), text).unwrap()
    }

    /// Above a floor of all below 10.
    fn writers() -> Writers {
        let mut writers = Writers::default();
        writers.find(&snapshot("10:10:"));
        writers
    }

    #[track_caller]
    fn check(writers: &Writers, relation: RelationId, stored: &str, demanded: &str, expected: bool) {
        assert_eq!(
            writers.is_fresh(&snapshot(stored), &snapshot(demanded), &[relation]),
            expected,
            "{stored} {demanded}"
        );
    }

    #[test]
    fn ok_writers_of_each_relation() {
        let mut writers = writers();
        check(&writers, FILMS, "9:10:9", "1:1:", false);
        check(&writers, FILMS, "10:10:", "1:1:", true);
        writers.wrote(&[FILMS], 12, &snapshot("10:11:10"));
        check(&writers, FILMS, "10:12:10", "1:1:", false);
        check(&writers, FILMS, "10:14:12", "1:1:", false);
        check(&writers, FILMS, "10:14:10,11", "1:1:", true);
        check(&writers, PEOPLE, "10:10:", "1:1:", true);
    }

    #[test]
    fn ok_a_schema_that_has_changed() {
        let mut writers = writers();
        writers.changed(&snapshot("10:12:10"));
        let is_fresh = |stored| writers.is_fresh(&snapshot(stored), &Snapshot::default(), &[SCHEMA, FILMS]);
        assert_eq!(["10:10:", "10:11:10", "10:12:10"].map(is_fresh), [false, false, true]);
    }

    #[test]
    fn ok_nothing_is_fresh_while_writers_are_missed() {
        check(&Writers::default(), FILMS, "10:99:", "1:1:", false);
        let mut writers = writers();
        writers.lose();
        check(&writers, FILMS, "10:99:", "1:1:", false);
        // It ends after the floor was taken, and is heard of before.
        writers.wrote(&[FILMS], 20, &snapshot("20:20:"));
        writers.find(&snapshot("20:30:20"));
        check(&writers, FILMS, "10:25:", "1:1:", false);
        check(&writers, FILMS, "20:30:20", "1:1:", false);
        check(&writers, FILMS, "30:30:", "1:1:", true);
        check(&writers, PEOPLE, "20:30:20", "1:1:", true);
    }

    #[test]
    fn ok_marks_wait_for_writes_and_words() {
        let mut writers = writers();
        let (stored, demanded) = ("10:10:", "12:12:");
        let (before, after) = {
            let before = writers.begin();
            writers.mark(snapshot("12:12:"));
            (before, writers.begin())
        };
        check(&writers, FILMS, stored, demanded, false);
        writers.hear();
        check(&writers, FILMS, stored, demanded, false);
        writers.wrote(&[PEOPLE], 11, &snapshot("11:11:"));
        writers.end(before);
        check(&writers, FILMS, stored, demanded, true);
        check(&writers, PEOPLE, stored, demanded, false);
        writers.mark(snapshot("20:20:"));
        writers.end(after);
        check(&writers, FILMS, stored, "20:20:", false);
        writers.hear();
        check(&writers, FILMS, stored, "20:20:", true);
        // What was not heard before the stream broke is not heard after it.
        writers.mark(snapshot("30:30:"));
        writers.lose();
        writers.hear();
        writers.find(&snapshot("10:10:"));
        check(&writers, FILMS, stored, "30:30:", false);
    }

    #[test]
    fn ok_another_timeline() {
        let mut writers = writers();
        writers.wrote(&[FILMS], 50, &snapshot("50:50:"));
        let there = Snapshot::of_postgres(Timeline(2), "20:20:").unwrap();
        writers.find(&there);
        check(&writers, FILMS, "99:99:", "1:1:", false);
        assert!(writers.is_fresh(&there, &Snapshot::default(), &[FILMS]));
        assert!(!writers.is_fresh(&there, &snapshot("1:1:"), &[FILMS]));
    }

    #[test]
    fn ok_relations_are_bounded() {
        let mut writers = writers();
        for relation in 0..=RELATIONS_MAX as RelationId {
            writers.wrote(&[relation], 100 + Xid::from(relation), &snapshot("50:100:50"));
        }
        assert!(writers.relations.is_empty());
        let last = 101 + RELATIONS_MAX;
        check(&writers, FILMS, "200:200:", "1:1:", false);
        check(&writers, FILMS, &format!("50:{last}:50"), "1:1:", true);
    }
}
