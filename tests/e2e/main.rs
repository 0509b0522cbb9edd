//! End to end: the built components under `headland dev`, the Worker under `wrangler dev`, a real gateway, a real
//! Postgres, and clients that nobody here wrote. It holds no Headland code but the checker of the simulation: it starts
//! programs and speaks HTTP.
//!
//! Run it by `scripts/test`, which builds what is needed. A test whose prerequisites are absent says so and passes as
//! skipped. `scripts/test e2e NAME` runs the tests whose names contain NAME.

#![allow(clippy::unwrap_used, reason = "a poisoned lock means that a test has panicked already")]

mod attack;
mod bad_input;
mod cases;
mod clients;
mod conformance;
mod crash;
mod cut_off;
mod dev;
mod fresh;
mod harness;
mod house;
mod issuer;
mod kills;
mod limits;
mod logs;
mod new_function;
mod probe;
mod schema;
mod slow;
mod stampede;
mod trips;
mod trouble;
mod writes;

use libtest_mimic::{Arguments, Trial};

use crate::harness::{Psql, Source};

/// What a test gives: nothing, or what went wrong.
type Outcome = anyhow::Result<()>;

fn main() {
    let mut arguments = Arguments::from_args();
    // Trips are counted, and the region is taken away and brought back: one test at a time.
    arguments.test_threads = Some(1);
    let tests = [
        house::tests(),
        probe::tests(),
        cases::tests(),
        writes::tests(),
        // Before those that change the schema: after that the next request makes a trip more.
        trips::tests(),
        bad_input::tests(),
        limits::tests(),
        issuer::tests(),
        clients::tests(),
        schema::tests(),
        fresh::tests(),
        kills::tests(),
        stampede::tests(),
        cut_off::tests(),
        crash::tests(),
        trouble::tests(),
        slow::tests(),
        dev::tests(),
        new_function::tests(),
        conformance::tests(),
        attack::tests(),
        // After all others, as it looks at what they made programs print.
        logs::tests(),
    ];
    for runtime in harness::Runtime::ALL {
        if let Some(reason) = runtime.absent() {
            eprintln!("skipped: {}: {reason}", runtime.name());
        }
    }
    let conclusion = libtest_mimic::run(&arguments, tests.into_iter().flatten().collect());
    harness::stop();
    conclusion.exit();
}

/// A test of stored answers, for each way in which the gateway may hear of who writes.
fn test_by_source(name: &str, run: fn(Source) -> Outcome) -> Vec<Trial> {
    [("", Source::Triggers), ("_where_the_log_tells", Source::Replication)]
        .map(|(suffix, source)| {
            let test = test(format!("emulator::stored::{name}{suffix}"), move || run(source));
            test.with_ignored_flag(Psql::absent().is_some())
        })
        .into()
}

/// A test of that name.
fn test(name: impl Into<String>, run: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    Trial::test(name, move || run().map_err(|error| format!("{error:#}").into()))
}
