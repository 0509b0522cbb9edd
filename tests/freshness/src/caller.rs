//! Callers of the API, and sessions that write to the database directly.

use cache::{IN_PROGRESS_MAX, Snapshot};

use crate::checker::Version;
use crate::edge::{KEYS, TIMEOUT, resource};
use crate::gateway::NOTIFICATION_MAX;
use crate::rule::Rule;
use crate::world::{EDGES, MS, SECOND, World};

/// Somebody who asks one thing after another, of any edge.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Whether it sends back the last snapshot that it was given.
    carries: bool,
    snapshot: Snapshot,
}

impl Caller {
    pub(crate) fn new(index: usize) -> Caller {
        Caller { carries: index.is_multiple_of(2), snapshot: Snapshot::default() }
    }
}

impl World {
    /// A caller's next request.
    pub(crate) fn act(&mut self, caller: usize) {
        self.counted.operations += 1;
        if self.once_in(20) { self.write(caller) } else { self.read(caller) }
    }

    fn rest(&mut self, caller: usize) {
        let pause = self.some_time(0..10 * MS, SECOND, 100);
        self.after(pause, move |world| world.act(caller));
    }

    fn write(&mut self, caller: usize) {
        let (there, back) = (self.travel(), self.travel());
        let relation = self.some_relation();
        self.after(there, move |world| {
            world.write_at_gateway(relation, move |world, written| {
                world.after(back, move |world| {
                    if let Some((snapshot, versions)) = written {
                        world.hold(caller, snapshot, true);
                        if world.callers[caller].carries {
                            versions.iter().for_each(|(id, version)| world.checker.has_seen(caller, *id, *version));
                        }
                    }
                    world.rest(caller);
                });
            });
        });
    }

    fn read(&mut self, caller: usize) {
        // Some are asked for much more often than others.
        let key = self.rng.u32(0..KEYS).min(self.rng.u32(0..KEYS));
        let (edge, (relations, age_max)) = (self.rng.usize(0..EDGES), resource(key));
        let carries = self.callers[caller].carries;
        let demanded = if carries { self.callers[caller].snapshot.clone() } else { Snapshot::default() };
        let seen = carries.then(|| self.checker.expect_seen(caller, &relations));
        let public = age_max.is_none().then(|| self.checker.expect_public(&relations));
        self.read_at_edge(edge, key, demanded, move |world, answer| {
            if let Some(answer) = answer {
                let now = world.now;
                for expected in seen.iter().chain(&public) {
                    world.checker.saw(expected, &answer.versions, now);
                }
                if let Some(age_max) = age_max {
                    let longest_way = 4 * SECOND + TIMEOUT;
                    let versions: &[(u32, Version)] = &answer.versions;
                    world.checker.is_within(versions, now, age_max + NOTIFICATION_MAX + longest_way);
                }
                world.hold(caller, answer.seen, false);
            }
            world.rest(caller);
        });
    }

    /// Keeps what the last response handed out; a write's is added to what was demanded.
    fn hold(&mut self, caller: usize, mut snapshot: Snapshot, was_write: bool) {
        if was_write && self.holds(Rule::ResponsesIncludeDemands) {
            snapshot.merge(&self.callers[caller].snapshot);
        }
        self.callers[caller].snapshot = match self.holds(Rule::DemandsAreCutUpwards) {
            true => snapshot.grow(IN_PROGRESS_MAX),
            false => snapshot.shrink(IN_PROGRESS_MAX),
        };
    }

    /// Sessions beside the API: now one transaction, now many at once.
    pub(crate) fn write_directly(&mut self) {
        let (count, longest) = if self.once_in(40) { (40, 200 * MS) } else { (1, 20 * MS) };
        for _ in 0..count {
            self.counted.operations += 1;
            let relations = match self.once_in(4) {
                true => vec![],
                false => vec![self.some_relation()],
            };
            let seen = self.database.snapshot().shrink(IN_PROGRESS_MAX);
            let xid = self.database.write(relations);
            let duration = self.some_time(MS / 2..longest, 4 * SECOND, 30);
            let is_kept = !self.once_in(10);
            self.after(duration, move |world| {
                if is_kept {
                    world.counted.direct_writes += 1;
                    let written = world.database.commit(xid, &mut world.checker, world.now);
                    world.notify_of_writer(xid, seen, written);
                } else {
                    world.database.roll_back(xid);
                }
            });
        }
        let pause = self.rng.u64(0..100 * MS);
        self.after(pause, World::write_directly);
    }
}
