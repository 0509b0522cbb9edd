//! Virtual time, and what happens in it.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::ops::Range;

use bytes::Bytes;
use cache::{RelationId, Standing};

use crate::caller::Caller;
use crate::checker::{Checker, Violation};
use crate::database::Database;
use crate::edge::{Edge, Key};
use crate::gateway::Gateway;
use crate::kv::Kv;
use crate::rule::Rule;

pub(crate) const RELATIONS: u32 = 40;
/// The schema, which nobody changes here.
pub(crate) const SCHEMA: RelationId = RELATIONS;
pub(crate) const EDGES: usize = 4;
pub(crate) const CALLERS: usize = 40;

pub(crate) const MS: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000 * MS;

/// What is done at a moment.
type Step = Box<dyn FnOnce(&mut World)>;

/// A step and its moment; of two with the same moment the one that was planned first comes first.
struct Planned(Reverse<(u64, u64)>, Step);

impl PartialEq for Planned {
    fn eq(&self, other: &Planned) -> bool {
        self.0 == other.0
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Planned) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Planned) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}

/// Everything there is.
pub struct World {
    /// Microseconds since it began.
    pub(crate) now: u64,
    pub(crate) rng: fastrand::Rng,
    pub(crate) checker: Checker,
    pub(crate) database: Database,
    pub(crate) gateway: Gateway,
    pub(crate) edges: Vec<Edge>,
    pub(crate) stored: Kv<Key, Bytes>,
    pub(crate) pushed: Kv<(), HashMap<RelationId, Standing>>,
    pub(crate) callers: Vec<Caller>,
    /// What was done so far, and by what means.
    pub counted: Counted,
    off: Option<Rule>,
    planned: BinaryHeap<Planned>,
    sequence: u64,
}

/// How often things happened.
#[derive(Debug, Clone, Default)]
pub struct Counted {
    /// Requests of callers, and transactions of direct sessions.
    pub operations: u64,
    /// Reads that an edge answered without a trip.
    pub at_the_edge: u64,
    /// Reads that the gateway answered without a query.
    pub unchanged: u64,
    /// Reads that were queries.
    pub queries: u64,
    /// Writes through the gateway.
    pub writes: u64,
    /// Transactions of direct sessions that were committed.
    pub direct_writes: u64,
    /// Times at which the gateway was killed, its listener lost, or a write's connection.
    pub accidents: u64,
}

/// Lets the world go on until so many operations were done: what happened, or the first violation. With a rule switched
/// `off`, somebody should be wronged.
///
/// # Errors
/// The first answer that must not have been given.
pub fn run(seed: u64, operations: u64, off: Option<Rule>) -> Result<Counted, Violation> {
    let mut world = World::new(seed, off);
    world.begin();
    while world.counted.operations < operations {
        let Some(Planned(Reverse((at, _)), step)) = world.planned.pop() else { break };
        world.now = at;
        step(&mut world);
        if let Some(violation) = world.checker.violations().first() {
            return Err(violation.clone());
        }
    }
    Ok(world.counted)
}

impl World {
    fn new(seed: u64, off: Option<Rule>) -> World {
        World {
            now: 0,
            rng: fastrand::Rng::with_seed(seed),
            checker: Checker::new(RELATIONS as usize, CALLERS),
            database: Database::new(),
            gateway: Gateway::default(),
            edges: (0..EDGES).map(|_| Edge::default()).collect(),
            stored: Kv::new(),
            pushed: Kv::new(),
            callers: (0..CALLERS).map(Caller::new).collect(),
            counted: Counted::default(),
            off,
            planned: BinaryHeap::new(),
            sequence: 0,
        }
    }

    fn begin(&mut self) {
        self.start_gateway();
        self.kill_gateways();
        self.lose_listeners();
        self.push_writers();
        self.kill_edges();
        self.write_directly();
        for caller in 0..CALLERS {
            self.after(0, move |world| world.act(caller));
        }
    }

    /// Plans a step.
    pub(crate) fn after(&mut self, delay: u64, step: impl FnOnce(&mut World) + 'static) {
        self.sequence += 1;
        self.planned.push(Planned(Reverse((self.now + delay, self.sequence)), Box::new(step)));
    }

    /// Whether a rule is in force.
    pub(crate) fn holds(&self, rule: Rule) -> bool {
        self.off != Some(rule)
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.rng.u64(0..times) == 0
    }

    /// A relation to be written: the first ones are written much more often than the last.
    pub(crate) fn some_relation(&mut self) -> RelationId {
        (0..4).map(|_| self.rng.u32(0..RELATIONS)).min().unwrap_or_default()
    }

    /// How long a message is on its way between an edge and the region, of which one in fifty is late.
    pub(crate) fn travel(&mut self) -> u64 {
        self.some_time(MS..20 * MS, 2 * SECOND, 50)
    }

    /// How long one is on its way between the gateway and Postgres.
    pub(crate) fn step_away(&mut self) -> u64 {
        self.some_time(MS / 10..MS, 50 * MS, 100)
    }

    /// A time out of a range, and now and then a long one.
    pub(crate) fn some_time(&mut self, range: Range<u64>, longest: u64, once_in: u64) -> u64 {
        if self.once_in(once_in) { self.rng.u64(range.end..longest) } else { self.rng.u64(range) }
    }
}
