//! Which version of its schema the database has.
//!
//! Edges plan with what they know of the schema. Where [`catalog_watch`](crate::Options::catalog_watch) is set, the
//! gateway looks at Postgres' own catalogs every so often, and each answer of `/sql` names their version
//! (`Headland-Catalog`). A request that names another one is refused with 412 before anything runs: its sender has to
//! look at the schema anew. That takes no trigger, no extension, and no privilege. Where writers are known, another
//! version counts as a write to everything.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cache::Snapshot;
use http::header::HeaderValue;
use tokio::time::{Instant, sleep, timeout_at};

use crate::pg::{Pool, Told};
use crate::writers::Known;

/// How long a look may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// After a look, at least this many times as long as it took is spent not looking: large catalogs take longer.
const PAUSE: u32 = 20;

/// The catalogs that decide what edges know, and what an answer is made of: each that the introspection of the edges reads, except
/// those that never change without one of these changing.
const CATALOGS: [&str; 22] = [
    "pg_namespace",
    "pg_class",
    "pg_attribute",
    "pg_attrdef",
    "pg_constraint",
    "pg_inherits",
    "pg_rewrite",
    "pg_policy",
    "pg_trigger",
    "pg_event_trigger",
    "pg_publication",
    "pg_publication_rel",
    "pg_foreign_table",
    "pg_foreign_server",
    "pg_foreign_data_wrapper",
    "pg_proc",
    "pg_type",
    "pg_enum",
    "pg_cast",
    "pg_description",
    "pg_auth_members",
    "pg_db_role_setting",
];

/// A statement of one row with one value: a version, which differs after every change of what edges know, and the snapshot that
/// shows it. DDL leaves new rows in the catalogs, each with the number of its transaction, or takes some away; statistics are
/// updated in place and leave no trace.
fn version_query() -> String {
    let sums: Vec<String> = CATALOGS
        .iter()
        .map(|catalog| format!("(select (count(*), sum(xmin::text::bigint))::text from pg_catalog.{catalog})"))
        .collect();
    let sums = sums.join(", ");
    format!(
        "select pg_catalog.concat_ws(' ', pg_catalog.md5(pg_catalog.concat_ws(',', {sums})), pg_catalog.pg_current_snapshot())"
    )
}

/// What was seen at the last look.
#[derive(Default)]
pub(super) struct Schema {
    version: Mutex<Option<HeaderValue>>,
}

impl Schema {
    /// The version; `None` where nobody looks, or nothing was seen yet.
    pub(super) fn version(&self) -> Option<HeaderValue> {
        self.version.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks for as long as it is polled.
    pub(super) async fn watch(&self, pool: &Arc<Pool>, interval: Duration, known: Option<&Known>) {
        let query = version_query();
        loop {
            let began = Instant::now();
            // What was seen before stays where Postgres is away or busy: it will be seen again.
            if let Ok(Some(look)) = timeout_at(began + TIMEOUT, look(pool, &query, began + TIMEOUT)).await {
                self.see(look, known);
            }
            sleep(interval.max(began.elapsed() * PAUSE)).await;
        }
    }

    fn see(&self, look: Look, known: Option<&Known>) {
        let mut version = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        if version.as_ref() != Some(&look.version)
            && let (Some(known), Some(snapshot)) = (known, &look.snapshot)
        {
            known.changed(snapshot);
        }
        *version = Some(look.version);
    }
}

struct Look {
    version: HeaderValue,
    /// `None` where the database does not say which one it is.
    snapshot: Option<Snapshot>,
}

async fn look(pool: &Arc<Pool>, query: &str, deadline: Instant) -> Option<Look> {
    let mut lease = pool.acquire_unqueued(deadline).await?.ok()?;
    let seen = lease.ask(query, &mut Told::default()).await.ok()?.ok()??;
    let timeline = lease.timeline;
    lease.release(true);
    let (version, snapshot) = seen.split_once(' ')?;
    let snapshot = timeline.and_then(|timeline| Snapshot::of_postgres(timeline, snapshot));
    Some(Look { version: HeaderValue::try_from(version).ok()?, snapshot })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Read by the introspection, and never changed alone: dependencies and aggregates by what has them, languages by nobody.
    /// Of roles nobody may read more than a view shows, and settings and functions are no tables.
    const OTHERS: [&str; 6] =
        ["pg_depend", "pg_aggregate", "pg_language", "pg_roles", "pg_settings", "pg_partition_tree"];

    #[test]
    fn ok_all_that_edges_read() {
        let read = include_str!("../../../../shared/catalog/src/introspection.sql");
        let relation =
            |part: &str| part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().map(str::to_owned);
        let sources = read.split_whitespace().zip(read.split_whitespace().skip(1));
        let read: BTreeSet<String> = sources
            .filter(|(word, _)| matches!(word.to_ascii_lowercase().as_str(), "from" | "join"))
            .filter_map(|(_, source)| source.strip_prefix("pg_catalog.pg_"))
            .filter_map(|rest| relation(rest).map(|name| format!("pg_{name}")))
            .collect();
        assert!(read.len() > 20, "{read:?}");
        for relation in read {
            let is_known = CATALOGS.contains(&relation.as_str()) || OTHERS.contains(&relation.as_str());
            assert!(is_known, "{relation}");
        }
    }
}
