//! Both uses against a real PostgreSQL: what is let through does not run away, and what we run matches as it does there.
//!
//! Runs where PostgreSQL's programs are found, and says so and passes where they are not.

#![expect(clippy::unwrap_used, reason = "a test stops where something is not as it has to be")]

mod agreement;
mod attacks;
#[path = "../../../catalog/tests/postgres/cluster.rs"]
mod cluster;
mod soup;

use cluster::Cluster;

/// One cluster serves them all: starting it takes longer than they do.
#[test]
fn patterns_on_a_real_postgres() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.run("postgres", include_str!("functions.sql"));
    agreement::ok_same_syntax(&cluster);
    agreement::ok_same_matches(&cluster);
    attacks::ok_none_runs_away(&cluster);
}

/// A text as SQL.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
