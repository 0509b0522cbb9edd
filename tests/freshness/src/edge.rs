//! An edge: what it makes of stored answers, and of what it has heard of writers, is `cache`'s own code.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use cache::{Entry, KeyMaker, RelationId, Snapshot, Standing, Store, Terms};

use crate::checker::Version;
use crate::database::Answer;
use crate::gateway::{Found, Question, Reply};
use crate::kv::DELAY_MAX;
use crate::rule::Rule;
use crate::world::{EDGES, MS, RELATIONS, SCHEMA, SECOND, World};

/// One read that is asked for again and again.
pub(crate) type Key = u32;

pub(crate) const KEYS: Key = 60;
/// How long it is waited for an answer that does not come.
pub(crate) const TIMEOUT: u64 = 500 * MS;

/// What an instance remembers.
#[derive(Default)]
pub(crate) struct Edge {
    answers: Store,
    /// What it has heard of writers: apart, so that it can be lost alone.
    heard: Store,
    /// What an edge would know that does not merge.
    last_heard: HashMap<RelationId, Standing>,
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
        if let (Some(entry), Some(_)) = (&entry, age_max) {
            self.look_at_pushes(edge);
            if self.may_serve(edge, entry, &demanded) {
                self.counted.at_the_edge += 1;
                let answer = self.response(entry, &demanded);
                return reply(self, Some(answer));
            }
        }
        let (there, back, asked_at) = (self.travel(), self.travel(), self.now);
        if self.once_in(100) {
            return self.after(TIMEOUT, |world| reply(world, None));
        }
        let is_lost = self.once_in(100);
        let stored = entry.as_ref().map(|entry| entry.snapshot().clone());
        let question = Question { relations, stored, demanded: demanded.clone() };
        self.after(there, move |world| {
            world.ask_gateway(question, move |world, found| {
                world.after(back, move |world| match found.filter(|_| !is_lost) {
                    Some(found) => {
                        let entry = world.learn(edge, key, entry, found, asked_at);
                        let answer = world.response(&entry, &demanded);
                        reply(world, Some(answer));
                    }
                    None => reply(world, None),
                });
            });
        });
    }

    /// What is stored: in memory, else in the store as it was some time ago.
    fn entry(&mut self, edge: usize, key: Key) -> Option<Rc<Entry>> {
        let delay = self.some_time(0..SECOND, DELAY_MAX, 3);
        let in_memory = self.edges[edge].answers.get(&name(key));
        in_memory.or_else(|| {
            let stored = self.stored.get(&key, self.now, delay)?;
            Entry::decode(name(key), stored, self.terms(key)).map(Rc::new)
        })
    }

    fn terms(&self, key: Key) -> Terms {
        let (_, age_max) = resource(key);
        let age_max = if self.holds(Rule::AgesAreBounded) { age_max } else { age_max.map(|_| u64::MAX) };
        Terms { age_max: age_max.map(Duration::from_micros), is_watched: true, ..Terms::default() }
    }

    fn may_serve(&self, edge: usize, entry: &Entry, demanded: &Snapshot) -> bool {
        let nothing = Snapshot::default();
        let demanded = if self.holds(Rule::DemandsAreHonoured) { demanded } else { &nothing };
        let now = Duration::from_micros(self.now);
        self.edges[edge].heard.age(entry, demanded, entry.terms.age_max, now).is_some()
    }

    /// As it leaves for its caller.
    fn response(&self, entry: &Entry, demanded: &Snapshot) -> Answer {
        let nothing = Snapshot::default();
        let demanded = if self.holds(Rule::ResponsesIncludeDemands) { demanded } else { &nothing };
        let (snapshot, seen) = (entry.snapshot().clone(), entry.snapshot_for(demanded));
        Answer { versions: versions(&entry.body), snapshot, seen }
    }

    /// Takes what the region said. However late it comes, it is stored: its snapshot says what it is.
    fn learn(&mut self, edge: usize, key: Key, asked: Option<Rc<Entry>>, reply: Reply, asked_at: u64) -> Rc<Entry> {
        self.merge(edge, reply.standings);
        let asked_at = Duration::from_micros(asked_at);
        let entry = match (reply.found, asked) {
            (Found::Unchanged(snapshot), Some(entry)) => {
                entry.renew(&snapshot, asked_at);
                entry
            }
            (Found::Unchanged(_), None) => unreachable!("nothing was asked about"),
            (Found::Answer(answer), _) => {
                let tables = resource(key).0.into_iter().map(table).collect();
                let response = http::Response::new(body(&answer.versions));
                let entry = Entry::new(name(key), response, tables, self.terms(key), answer.snapshot, asked_at);
                let entry = Rc::new(entry.expect("it is short").showing(Some(answer.seen)));
                let copy =
                    Entry::decode(entry.key, entry.encode().into(), entry.terms).expect("it was written just now");
                self.edges[edge].answers.put(copy);
                entry
            }
        };
        self.stored.put(key, entry.encode().into(), self.now);
        entry
    }

    /// Looks once in a second at what was left in the store of writers.
    fn look_at_pushes(&mut self, edge: usize) {
        if self.now - self.edges[edge].pushes_seen_at >= SECOND {
            self.edges[edge].pushes_seen_at = self.now;
            let delay = self.some_time(0..SECOND, DELAY_MAX, 3);
            let pushed = self.pushed.get(&(), self.now, delay).unwrap_or_default();
            if !self.holds(Rule::EdgesMerge) {
                return self.merge(edge, pushed);
            }
            let told: Vec<_> = pushed.into_iter().map(|(relation, told)| (table(relation), told.writers)).collect();
            self.edges[edge].heard.hear(&told);
        }
    }

    fn merge(&mut self, edge: usize, heard: HashMap<RelationId, Standing>) {
        let merges = self.holds(Rule::EdgesMerge);
        let edge = &mut self.edges[edge];
        if merges {
            heard.iter().for_each(|(relation, standing)| edge.hear(*relation, standing));
            return;
        }
        for (relation, Standing { writers, known }) in heard {
            let last = edge.last_heard.entry(relation).or_default();
            last.writers = writers;
            last.known.merge(&known);
        }
        edge.heard = Store::default();
        edge.last_heard.clone().iter().for_each(|(relation, standing)| edge.hear(*relation, standing));
    }
}

impl Edge {
    fn hear(&mut self, relation: RelationId, standing: &Standing) {
        self.heard.learn(&[(table(relation), standing.writers.clone())], &standing.known);
    }
}

fn name(key: Key) -> cache::Key {
    KeyMaker::new(u64::from(key)).key()
}

/// As an edge calls a relation.
fn table(relation: RelationId) -> RelationId {
    if relation == SCHEMA { cache::SCHEMA } else { relation + 1 }
}

fn body(versions: &[(RelationId, Version)]) -> Bytes {
    versions
        .iter()
        .flat_map(|(relation, version)| [u64::from(*relation), *version as u64])
        .flat_map(u64::to_le_bytes)
        .collect()
}

fn versions(body: &[u8]) -> Vec<(RelationId, Version)> {
    let (numbers, _) = body.as_chunks::<8>();
    let numbers: Vec<u64> = numbers.iter().map(|number| u64::from_le_bytes(*number)).collect();
    numbers.chunks(2).map(|pair| (pair[0] as RelationId, pair[1] as Version)).collect()
}
