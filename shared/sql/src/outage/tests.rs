//! What callers hear, and what is sent, while a region is away.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use edge::{Answer, Edge, FetchError, Method, Request, Response, block_on};
use futures_util::future::join3;

use crate::{Batch, Error, Region, Row};

const TIMEOUT: Duration = Duration::from_secs(10);
const READ: Batch<'static> =
    Batch { statements: &[], read_only: true, isolation: None, catalog: None, limits: None, question: None };
const WRITE: Batch<'static> = Batch { read_only: false, ..READ };

/// An edge whose region is as a test makes it.
struct World {
    edge: Edge,
    /// What becomes of a query, and of a probe.
    fates: Rc<Cell<[Fate; 2]>>,
    /// Whether each that was sent is a probe.
    sent: Rc<RefCell<Vec<bool>>>,
}

#[derive(Clone, Copy)]
enum Fate {
    Answered,
    Refused,
    Lost,
}

impl World {
    fn new(fates: [Fate; 2]) -> World {
        let (fates, sent) = (Rc::new(Cell::new(fates)), Rc::<RefCell<Vec<bool>>>::default());
        let (now, log) = (fates.clone(), sent.clone());
        let edge = Edge::new()
            .with_variable("region_url", "http://region.test/")
            .with_variable("region_connection", "postgresql://edge:secret@region.test/db")
            .with_upstream(move |request: Request| {
                let is_probe = request.method() == Method::OPTIONS;
                log.borrow_mut().push(is_probe);
                match now.get()[usize::from(is_probe)] {
                    Fate::Answered => Answer::Response(
                        http::Response::builder().header("headland-raw", "true").body("[]".into()).unwrap(),
                    ),
                    Fate::Refused => Answer::Failure(FetchError::Unreachable("refused".into())),
                    Fate::Lost => Answer::Late(TIMEOUT * 9, Response::default()),
                }
            });
        World { edge, fates, sent }
    }

    fn region(&self) -> Rc<Region> {
        block_on(Region::of(&self.edge)).unwrap()
    }

    /// How it ended, and how long that took.
    fn run(&self, batch: Batch<'_>) -> (Result<Row, Error>, Duration) {
        let (region, start) = (self.region(), self.edge.monotonic());
        (block_on(region.run(&self.edge, batch, TIMEOUT)), self.edge.monotonic() - start)
    }

    #[track_caller]
    fn check_refused_at_once(&self) {
        let (outcome, elapsed) = self.run(READ);
        assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
        assert_eq!(elapsed, Duration::ZERO);
    }

    /// Queries and probes that were sent since the last time.
    fn sent(&self) -> (usize, usize) {
        let sent = self.sent.take();
        let probes = sent.iter().filter(|is_probe| **is_probe).count();
        (sent.len() - probes, probes)
    }

    /// What is left for after responses is done before.
    fn wait(&self, seconds: f64) {
        block_on(self.edge.settle());
        block_on(self.edge.sleep(Duration::from_secs_f64(seconds)));
    }

    /// Another instance, at its beginning.
    fn begin_instance(&self) {
        block_on(self.edge.settle());
        self.edge.drop_instance();
        block_on(self.region().heed(&self.edge));
    }
}

#[test]
fn err_three_failures_are_enough() {
    let world = World::new([Fate::Refused; 2]);
    assert!(world.run(READ).0.is_err());
    assert_eq!(world.sent(), (3, 0));
    world.check_refused_at_once();
    assert_eq!(world.sent(), (0, 0));
    world.wait(0.3);
    assert!(world.run(READ).0.is_err());
    assert_eq!(world.sent(), (1, 0));
    // The first one who asks afterwards is answered.
    world.fates.set([Fate::Answered; 2]);
    world.wait(0.3);
    assert!(world.run(READ).0.is_ok());
}

/// Three requests at once find together what one finds by three attempts, and none of them waits for its second.
#[test]
fn err_many_at_once_do_not_wait_to_try_again() {
    let world = World::new([Fate::Refused; 2]);
    let (region, start) = (world.region(), world.edge.monotonic());
    let run = || region.run(&world.edge, READ, TIMEOUT);
    let (one, two, three) = block_on(join3(run(), run(), run()));
    for outcome in [one, two, three] {
        assert!(matches!(outcome, Err(Error::Unreachable(_))), "{outcome:?}");
    }
    assert_eq!(world.sent(), (3, 0));
    let elapsed = world.edge.monotonic() - start;
    assert!(elapsed <= Duration::from_millis(2), "{elapsed:?}");
}

#[test]
fn err_other_instances_need_not_find_it_again() {
    let world = World::new([Fate::Refused; 2]);
    assert!(world.run(READ).0.is_err());
    world.begin_instance();
    world.sent();
    world.check_refused_at_once();
    assert_eq!(world.sent(), (0, 0));
    // One that has begun before asks after its first failure.
    world.edge.drop_instance();
    assert!(world.run(READ).0.is_err());
    assert_eq!(world.sent(), (1, 0));
    // It is no news any more.
    world.wait(8.0);
    world.begin_instance();
    world.sent();
    assert!(world.run(READ).0.is_err());
    assert_eq!(world.sent(), (3, 0));
}

/// Nothing is lost but the time until a probe is not answered, once: by a read, of which nothing is left, and by a write, which may have
/// been committed.
#[test]
fn err_silent() {
    let world = World::new([Fate::Lost; 2]);
    for (batch, is_expected) in [
        (READ, (|error| matches!(error, Error::Unreachable(_))) as fn(&Error) -> bool),
        (WRITE, |error| matches!(error, Error::Broken(_))),
    ] {
        let (outcome, elapsed) = world.run(batch);
        assert!(outcome.as_ref().is_err_and(is_expected), "{outcome:?}");
        assert_eq!((elapsed, world.sent()), (Duration::from_secs(2), (1, 1)));
        world.check_refused_at_once();
        world.wait(0.3);
        world.check_refused_at_once();
        block_on(world.edge.settle());
        assert_eq!(world.sent(), (0, 1), "nobody waits for a probe");
        world.check_refused_at_once();
        world.begin_instance();
        world.check_refused_at_once();
        assert_eq!(world.sent(), (0, 0));
        world.wait(12.0);
        world.begin_instance();
        world.sent();
    }
}

#[test]
fn ok_slow_is_not_silent() {
    let world = World::new([Fate::Lost, Fate::Answered]);
    let (outcome, elapsed) = world.run(READ);
    assert_eq!((outcome.err(), elapsed), (Some(Error::TimedOut), TIMEOUT));
    let (queries, probes) = world.sent();
    assert!(queries == 1 && (15..20).contains(&probes), "{probes} probes");
}

/// Of a region that is restarted, new connections may be refused while it answers what it has begun.
#[test]
fn ok_a_probe_that_fails_cuts_nothing_off() {
    let world = World::new([Fate::Lost, Fate::Refused]);
    let (outcome, elapsed) = world.run(WRITE);
    assert_eq!((outcome.err(), elapsed), (Some(Error::TimedOut), TIMEOUT));
}

/// One is refused, for a probe; the next one is let through, and with it all others, in other instances too.
#[test]
fn ok_back_again() {
    let world = World::new([Fate::Lost; 2]);
    assert!(world.run(READ).0.is_err());
    block_on(world.edge.settle());
    world.fates.set([Fate::Answered; 2]);
    world.check_refused_at_once();
    world.wait(0.25);
    world.check_refused_at_once();
    block_on(world.edge.settle());
    world.sent();
    assert!(world.run(WRITE).0.is_ok());
    world.begin_instance();
    assert!(world.run(READ).0.is_ok());
    assert_eq!(world.sent(), (2, 0));
}

/// The network is there again, and what is behind it is not: each probe lets one attempt through, and that fails by itself.
#[test]
fn err_only_probes_are_answered() {
    let world = World::new([Fate::Lost; 2]);
    assert!(world.run(READ).0.is_err());
    world.fates.set([Fate::Refused, Fate::Answered]);
    world.wait(0.25);
    world.check_refused_at_once();
    block_on(world.edge.settle());
    world.sent();
    for _ in 0..3 {
        world.check_refused_at_once();
        assert_eq!(world.sent(), (1, 0));
        world.check_refused_at_once();
        assert_eq!(world.sent(), (0, 0));
        world.wait(0.25);
    }
}

/// That a probe was not answered is found when its time is over. It says nothing of a region that has answered since it was sent.
#[test]
fn ok_what_is_found_late_is_no_news() {
    let (edge, second) = (Edge::new(), Duration::from_secs(1));
    block_on(edge.sleep(second * 9));
    super::end(&edge, 7);
    block_on(edge.settle());
    block_on(edge.sleep(second));
    for (ago, expected) in [(second * 2, None), (second / 2, Some(second / 2))] {
        edge.drop_instance();
        super::tell(&edge, 7, ago);
        block_on(edge.settle());
        assert_eq!(block_on(super::ago(&edge, 7)), expected);
    }
    assert_eq!(block_on(super::ago(&edge, 8)), None, "another region");
}
