//! The rules hold, and each of them is needed.

use freshness::{Rule, run};

const OPERATIONS: u64 = 1_000_000;
/// Within so many somebody is wronged if a rule is off.
const OPERATIONS_WITHOUT_A_RULE: u64 = 4_000_000;

#[test]
fn ok_nobody_is_wronged() {
    let counted = run(1, OPERATIONS, None).unwrap_or_else(|violation| panic!("{violation}"));
    // The simulation is one of what it is meant to be.
    let least = OPERATIONS / 50;
    assert!(counted.at_the_edge > least && counted.unchanged > least && counted.queries > least, "{counted:?}");
    assert!(counted.writes > least && counted.direct_writes > least && counted.accidents > 100, "{counted:?}");
}

#[test]
fn err_without_any_one_rule() {
    for rule in Rule::ALL {
        let outcome = run(2, OPERATIONS_WITHOUT_A_RULE, Some(rule));
        assert!(outcome.is_err(), "nobody noticed that {rule:?} was switched off: {outcome:?}");
    }
}

#[test]
fn ok_everything_follows_from_the_seed() {
    let again = || run(3, 20_000, None).map(|counted| format!("{counted:?}"));
    assert_eq!(again(), again());
    assert_ne!(again(), run(4, 20_000, None).map(|counted| format!("{counted:?}")));
}
