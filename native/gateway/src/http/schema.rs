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

/// One row with one value: a version, which differs after every change of what edges know, and the snapshot that shows
/// it. DDL leaves new rows in the catalogs, each with the number of its transaction, or takes some away; statistics are
/// updated in place and leave no trace.
const VERSION: &str = concat!(
    "select pg_catalog.concat_ws(' ', pg_catalog.md5(pg_catalog.concat_ws(',',",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_namespace),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_class),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_attribute),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_attrdef),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_constraint),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_inherits),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_rewrite),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_proc),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_type),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_enum),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_cast),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_description),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_auth_members),",
    " (select (count(*), sum(xmin::text::bigint))::text from pg_catalog.pg_db_role_setting))), pg_catalog.pg_current_snapshot())",
);

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
        loop {
            let began = Instant::now();
            // What was seen before stays where Postgres is away or busy: it will be seen again.
            if let Ok(Some(look)) = timeout_at(began + TIMEOUT, look(pool, began + TIMEOUT)).await {
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

async fn look(pool: &Arc<Pool>, deadline: Instant) -> Option<Look> {
    let mut lease = pool.acquire_unqueued(deadline).await?.ok()?;
    let seen = lease.ask(VERSION, &mut Told::default()).await.ok()?.ok()??;
    let timeline = lease.timeline;
    lease.release(true);
    let (version, snapshot) = seen.split_once(' ')?;
    let snapshot = timeline.and_then(|timeline| Snapshot::of_postgres(timeline, snapshot));
    Some(Look { version: HeaderValue::try_from(version).ok()?, snapshot })
}
