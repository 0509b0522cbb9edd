//! The gateway: asks the database, and knows who wrote what.

use std::collections::{BTreeSet, HashMap};

use cache::{IN_PROGRESS_MAX, RelationId, Snapshot, Standing, Ticket, Writers, Xid};

use crate::database::Answer;
use crate::rule::Rule;
use crate::world::{MS, RELATIONS, SCHEMA, SECOND, World};

/// How long a notification is on its way at most.
pub(crate) const NOTIFICATION_MAX: u64 = 500 * MS;

/// What lives as long as the process, and what other processes of its name left behind.
#[derive(Debug, Default)]
pub(crate) struct Gateway {
    is_up: bool,
    /// Which process it is.
    life: u64,
    writers: Writers,
    /// Which connection it listens on, and whether it does so yet.
    listener: u64,
    is_listening: bool,
    /// Before this no further notification arrives: they keep their order.
    notified_until: u64,
    /// Whether it has no floor yet.
    is_new: bool,
    /// How often writers were missed. What was begun for an earlier floor comes to nothing.
    round: u64,
    /// Writes that were sent and have not ended.
    sent: BTreeSet<u64>,
    sent_so_far: u64,
    /// Those of them whose end nobody will report.
    orphans: BTreeSet<u64>,
    /// Tickets of writes that were lost in this life.
    in_doubt: Vec<Ticket>,
}

/// What an edge asks: a read, unless what it has is still good.
pub(crate) struct Question {
    pub(crate) relations: Vec<RelationId>,
    pub(crate) stored: Option<Snapshot>,
    pub(crate) demanded: Snapshot,
}

/// What the region says.
pub(crate) struct Reply {
    pub(crate) found: Found,
    pub(crate) standings: HashMap<RelationId, Standing>,
}

pub(crate) enum Found {
    /// The stored answer is still good, and has this snapshot.
    Unchanged(Snapshot),
    Answer(Answer),
}

/// What comes of a write: its snapshot, itself included, and the versions that it made; nothing where that is not known.
type Written = Option<(Snapshot, Vec<(RelationId, usize)>)>;

impl World {
    pub(crate) fn start_gateway(&mut self) {
        self.gateway.is_up = true;
        self.gateway.writers = Writers::default();
        self.gateway.is_new = true;
        self.gateway.in_doubt.clear();
        self.listen();
    }

    /// Every now and then.
    pub(crate) fn kill_gateways(&mut self) {
        let next = self.rng.u64(5 * SECOND..30 * SECOND);
        self.after(next, |world| {
            world.counted.accidents += 1;
            let gateway = &mut world.gateway;
            (gateway.is_up, gateway.is_listening) = (false, false);
            gateway.life += 1;
            gateway.orphans.append(&mut gateway.sent);
            let pause = world.rng.u64(MS..500 * MS);
            world.after(pause, World::start_gateway);
            world.kill_gateways();
        });
    }

    /// The connection that listens breaks every now and then.
    pub(crate) fn lose_listeners(&mut self) {
        let next = self.rng.u64(SECOND..10 * SECOND);
        self.after(next, |world| {
            if world.gateway.is_up {
                world.counted.accidents += 1;
                world.gateway.is_listening = false;
                world.listen();
            }
            world.lose_listeners();
        });
    }

    fn listen(&mut self) {
        self.gateway.listener += 1;
        let (listener, pause) = (self.gateway.listener, self.rng.u64(MS..300 * MS));
        self.lose();
        let round = self.gateway.round;
        self.after(pause, move |world| {
            if world.gateway.listener == listener && world.gateway.is_up {
                world.gateway.is_listening = true;
                world.find_floor(round);
                world.mark(listener);
            }
        });
    }

    /// Writers may have been missed.
    fn lose(&mut self) {
        self.gateway.round += 1;
        self.gateway.writers.lose();
    }

    /// Takes a floor once all has ended of which nobody will hear.
    fn find_floor(&mut self, round: u64) {
        if self.gateway.round != round || !self.gateway.is_listening {
            return;
        }
        if self.holds(Rule::FloorsWaitForOrphans) && !self.gateway.orphans.is_empty() {
            return self.after(MS, move |world| world.find_floor(round));
        }
        let (there, back) = (self.step_away(), self.step_away());
        self.after(there, move |world| {
            let floor = world.database.snapshot();
            let versions: Vec<_> = (0..RELATIONS).map(|id| (id, world.checker.version(id))).collect();
            world.after(back, move |world| {
                if world.gateway.round == round {
                    let is_new = std::mem::take(&mut world.gateway.is_new);
                    let rule = if is_new { Rule::RestartsRaiseTheFloor } else { Rule::LostNotificationsRaiseTheFloor };
                    let floor = if world.holds(rule) { floor } else { Snapshot::default() };
                    world.gateway.writers.find(&floor);
                    let ended = std::mem::take(&mut world.gateway.in_doubt);
                    ended.into_iter().for_each(|ticket| world.gateway.writers.end(ticket));
                    versions.into_iter().for_each(|(id, version)| world.checker.is_public(id, version));
                }
            });
        });
    }

    /// Lets what is known go on, for as long as this connection listens.
    fn mark(&mut self, listener: u64) {
        if self.gateway.listener != listener || !self.gateway.is_listening {
            return;
        }
        let (there, back, again) = (self.step_away(), self.step_away(), self.step_away());
        let (round, pause) = (self.gateway.round, self.rng.u64(5 * MS..50 * MS));
        self.after(there, move |world| {
            let snapshot = world.database.snapshot();
            world.after(back, move |world| {
                if world.gateway.round == round {
                    world.gateway.writers.mark(snapshot);
                    if !world.holds(Rule::MarksWaitForNotifications) {
                        return world.gateway.writers.hear();
                    }
                    world.after(again, move |world| {
                        world.notify(move |world| {
                            if world.gateway.round == round {
                                world.gateway.writers.hear();
                            }
                        });
                    });
                }
            });
        });
        self.after(pause, move |world| world.mark(listener));
    }

    /// Sends a notification to whoever listens now, in order.
    fn notify(&mut self, step: impl FnOnce(&mut World) + 'static) {
        if !self.gateway.is_listening {
            return;
        }
        let listener = self.gateway.listener;
        let soonest = self.now + self.some_time(MS / 10..5 * MS, NOTIFICATION_MAX - 5 * MS, 50);
        self.gateway.notified_until = self.gateway.notified_until.max(soonest);
        self.after(self.gateway.notified_until - self.now, move |world| {
            if world.gateway.listener == listener && world.gateway.is_listening {
                step(world);
            }
        });
    }

    /// A transaction that did not come through the gateway was committed.
    pub(crate) fn notify_of_writer(&mut self, xid: Xid, seen: Snapshot, written: Vec<(RelationId, usize)>) {
        self.notify(move |world| {
            let relations: Vec<RelationId> = written.iter().map(|(relation, _)| *relation).collect();
            world.gateway.writers.wrote(&relations, xid, &seen);
            written.into_iter().for_each(|(relation, version)| world.checker.is_public(relation, version));
        });
    }

    /// A read arrives.
    pub(crate) fn ask_gateway(&mut self, question: Question, reply: impl FnOnce(&mut World, Option<Reply>) + 'static) {
        if !self.gateway.is_up {
            return reply(self, None);
        }
        let Question { relations, stored, demanded } = question;
        if let Some(mut stored) = stored
            && self.gateway.writers.is_fresh(&stored, &demanded, &relations)
        {
            self.counted.unchanged += 1;
            match self.holds(Rule::OnlyTheKnownIsAdded) {
                true => stored.merge(self.gateway.writers.known()),
                false => stored.merge(&self.database.snapshot()),
            }
            let snapshot = self.cut_answer(stored);
            let standings = self.standings(relations);
            return reply(self, Some(Reply { found: Found::Unchanged(snapshot), standings }));
        }
        self.counted.queries += 1;
        let (life, there, back) = (self.gateway.life, self.step_away(), self.some_time(MS / 10..5 * MS, 300 * MS, 20));
        self.after(there, move |world| {
            let mut answer = world.database.read(&relations, &world.checker);
            world.after(back, move |world| {
                if !world.holds(Rule::AnswersHaveTheirOwnSnapshot) {
                    answer.snapshot = world.database.snapshot();
                }
                answer.snapshot = world.cut_answer(answer.snapshot);
                answer.seen = match world.holds(Rule::CallersAreToldAllThatTheySee) {
                    true => answer.seen.grow(IN_PROGRESS_MAX),
                    false => answer.snapshot.clone(),
                };
                let standings = world.standings(relations);
                let is_alive = world.gateway.life == life;
                reply(world, is_alive.then_some(Reply { found: Found::Answer(answer), standings }));
            });
        });
    }

    /// As an answer's snapshot is written.
    fn cut_answer(&self, snapshot: Snapshot) -> Snapshot {
        match self.holds(Rule::AnswersAreCutDownwards) {
            true => snapshot.shrink(IN_PROGRESS_MAX),
            false => snapshot.grow(IN_PROGRESS_MAX),
        }
    }

    fn standings(&self, relations: Vec<RelationId>) -> HashMap<RelationId, Standing> {
        let standing = |id| Some((id, self.gateway.writers.standing(id)?));
        relations.into_iter().chain([SCHEMA]).filter_map(standing).collect()
    }

    /// A write arrives.
    pub(crate) fn write_at_gateway(&mut self, relation: RelationId, reply: impl FnOnce(&mut World, Written) + 'static) {
        if !self.gateway.is_up {
            return reply(self, None);
        }
        self.counted.writes += 1;
        let ticket = self.holds(Rule::MarksWaitForWrites).then(|| self.gateway.writers.begin());
        let (life, id) = (self.gateway.life, self.gateway.sent_so_far);
        self.gateway.sent_so_far += 1;
        self.gateway.sent.insert(id);
        if self.once_in(200) {
            let pause = self.rng.u64(0..10 * MS);
            self.after(pause, move |world| world.lose_write(id, ticket));
        }
        let (there, back) = (self.step_away(), self.step_away());
        let duration = self.some_time(MS / 2..5 * MS, 2 * SECOND, 20);
        self.after(there, move |world| {
            let mut seen = world.database.snapshot();
            let xid = world.database.write(vec![relation]);
            world.after(duration, move |world| {
                let written = world.database.commit(xid, &mut world.checker, world.now);
                world.gateway.sent.remove(&id);
                let is_orphan = world.gateway.orphans.remove(&id);
                if is_orphan {
                    // Nothing is fresh until it has ended, so nobody misses it.
                    written.iter().for_each(|(relation, version)| world.checker.is_public(*relation, *version));
                }
                world.after(back, move |world| {
                    if world.gateway.life != life || is_orphan {
                        return reply(world, None);
                    }
                    let late = if world.holds(Rule::WritesReportFirst) { 0 } else { world.step_away() };
                    let report = seen.clone();
                    world.after(late, move |world| {
                        if world.gateway.life == life {
                            world.gateway.writers.wrote(&[relation], xid, &report);
                            ticket.into_iter().for_each(|ticket| world.gateway.writers.end(ticket));
                        }
                    });
                    if world.holds(Rule::WritesIncludeThemselves) {
                        seen.insert(xid);
                    }
                    world.after(late.min(1), move |world| {
                        written.iter().for_each(|(relation, version)| world.checker.is_public(*relation, *version));
                        reply(world, Some((seen, written)));
                    });
                });
            });
        });
    }

    /// The connection of a write breaks: whether it will be committed is not known, nor when.
    fn lose_write(&mut self, id: u64, ticket: Option<Ticket>) {
        if self.gateway.sent.remove(&id) {
            self.counted.accidents += 1;
            self.gateway.orphans.insert(id);
            self.gateway.in_doubt.extend(ticket);
            self.lose();
            self.find_floor(self.gateway.round);
        }
    }

    /// Leaves word of writers in the store once in a second, as those edges do that have heard of them here.
    pub(crate) fn push_writers(&mut self) {
        self.after(SECOND, |world| {
            let is_lost = world.once_in(5);
            if world.gateway.is_up && !is_lost {
                let standings = world.standings((0..RELATIONS).collect());
                world.pushed.put((), standings, world.now);
            }
            world.push_writers();
        });
    }
}
