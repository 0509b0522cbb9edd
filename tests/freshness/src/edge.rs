//! An edge: stored answers, and what it has heard of writers.

use std::collections::HashMap;

use cache::{RelationId, Snapshot, Standing, is_fresh};

use crate::database::Answer;
use crate::gateway::{Found, Question, Reply};
use crate::kv::DELAY_MAX;
use crate::rule::Rule;
use crate::world::{EDGES, MS, RELATIONS, SECOND, World};

/// One read that is asked for again and again.
pub(crate) type Key = u32;

pub(crate) const KEYS: Key = 60;
/// How long it is waited for an answer that does not come.
pub(crate) const TIMEOUT: u64 = 500 * MS;

/// A stored answer.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    answer: Answer,
    /// Before it was asked for: it cannot be older.
    asked_at: u64,
}

/// What an instance remembers.
#[derive(Debug, Default)]
pub(crate) struct Edge {
    entries: HashMap<Key, Entry>,
    standings: HashMap<RelationId, Standing>,
    pushes_seen_at: u64,
}

/// What a read is made of, and for how long an edge may answer it; `None` is `cache = "region"`.
pub(crate) fn resource(key: Key) -> (Vec<RelationId>, Option<u64>) {
    let relations = (0..=key % 3).map(|part| (key * 7 + part * 5) % RELATIONS).collect();
    let ages = [None, Some(SECOND), Some(10 * SECOND), None, Some(30 * SECOND)];
    (relations, ages[key as usize % ages.len()])
}

impl World {
    /// Every now and then an instance loses its memory.
    pub(crate) fn kill_edges(&mut self) {
        let next = self.rng.u64(SECOND..5 * SECOND);
        self.after(next, |world| {
            let edge = world.rng.usize(0..EDGES);
            world.edges[edge] = Edge::default();
            world.kill_edges();
        });
    }

    /// A read arrives at an edge.
    pub(crate) fn read_at_edge(
        &mut self,
        edge: usize,
        key: Key,
        demanded: Snapshot,
        reply: impl FnOnce(&mut World, Option<Answer>) + 'static,
    ) {
        let (relations, age_max) = resource(key);
        let entry = self.entry(edge, key);
        if let (Some(entry), Some(age_max)) = (&entry, age_max) {
            self.look_at_pushes(edge);
            if self.may_serve(edge, entry, &relations, &demanded, age_max) {
                self.counted.at_the_edge += 1;
                let answer = self.response(&entry.answer, &demanded);
                return reply(self, Some(answer));
            }
        }
        let (there, back, asked_at) = (self.travel(), self.travel(), self.now);
        if self.once_in(100) {
            return self.after(TIMEOUT, |world| reply(world, None));
        }
        let is_lost = self.once_in(100);
        let stored = entry.as_ref().map(|entry| entry.answer.snapshot.clone());
        let question = Question { relations, stored, demanded: demanded.clone() };
        self.after(there, move |world| {
            world.ask_gateway(question, move |world, found| {
                world.after(back, move |world| match found.filter(|_| !is_lost) {
                    Some(found) => {
                        let answer = world.learn(edge, key, entry, found, asked_at);
                        let answer = world.response(&answer, &demanded);
                        reply(world, Some(answer));
                    }
                    None => reply(world, None),
                });
            });
        });
    }

    /// What is stored: in memory, else in the store as it was some time ago.
    fn entry(&mut self, edge: usize, key: Key) -> Option<Entry> {
        let delay = self.some_time(0..SECOND, DELAY_MAX, 3);
        let in_memory = self.edges[edge].entries.get(&key).cloned();
        in_memory.or_else(|| self.stored.get(&key, self.now, delay))
    }

    fn may_serve(
        &self,
        edge: usize,
        entry: &Entry,
        relations: &[RelationId],
        demanded: &Snapshot,
        age_max: u64,
    ) -> bool {
        let nothing = (Standing::default(), Snapshot::default());
        let standings = &self.edges[edge].standings;
        let standings = relations.iter().map(|relation| standings.get(relation).unwrap_or(&nothing.0));
        let demanded = if self.holds(Rule::DemandsAreHonoured) { demanded } else { &nothing.1 };
        let is_young = self.now - entry.asked_at <= age_max || !self.holds(Rule::AgesAreBounded);
        is_young && is_fresh(&entry.answer.snapshot, demanded, standings)
    }

    /// As it leaves for its caller.
    fn response(&self, answer: &Answer, demanded: &Snapshot) -> Answer {
        let mut answer = answer.clone();
        if self.holds(Rule::ResponsesIncludeDemands) {
            answer.snapshot.merge(demanded);
        }
        answer
    }

    /// Takes what the region said. However late it comes, it is stored: its snapshot says what it is.
    fn learn(&mut self, edge: usize, key: Key, asked: Option<Entry>, reply: Reply, asked_at: u64) -> Answer {
        self.merge(edge, reply.standings);
        let answer = match (reply.found, asked) {
            (Found::Unchanged(snapshot), Some(entry)) => Answer { snapshot, ..entry.answer },
            (Found::Unchanged(_), None) => unreachable!("nothing was asked about"),
            (Found::Answer(answer), _) => answer,
        };
        let entry = Entry { answer: answer.clone(), asked_at };
        self.edges[edge].entries.insert(key, entry.clone());
        self.stored.put(key, entry, self.now);
        answer
    }

    /// Looks once in a second at what the gateway has pushed.
    fn look_at_pushes(&mut self, edge: usize) {
        if self.now - self.edges[edge].pushes_seen_at >= SECOND {
            self.edges[edge].pushes_seen_at = self.now;
            let delay = self.some_time(0..SECOND, DELAY_MAX, 3);
            let pushed = self.pushed.get(&(), self.now, delay);
            self.merge(edge, pushed.unwrap_or_default());
        }
    }

    fn merge(&mut self, edge: usize, heard: HashMap<RelationId, Standing>) {
        let merges = self.holds(Rule::EdgesMerge);
        for (relation, standing) in heard {
            let known = self.edges[edge].standings.entry(relation).or_default();
            match merges {
                true => known.merge(&standing),
                false => known.writers = standing.writers,
            }
            known.known.merge(&standing.known);
        }
    }
}
