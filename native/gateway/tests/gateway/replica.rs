//! Which reads a standby is given, and that nobody is given less by it.

use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use cache::Snapshot;
use gateway::{ErrorKind, Options};
use serde_json::json;

use crate::fixture::{CREDENTIAL, Fixture, Reply, postgres, until};
use crate::postgres::Postgres;

/// A gateway before a database with three tables, and a standby.
struct Replicated {
    gateway: Fixture,
    standby: Postgres,
    oids: [String; 3],
}

const TABLES: [&str; 3] = ["films", "people", "casts"];

impl Replicated {
    async fn start(database: &'static str) -> Option<Replicated> {
        Some(Replicated::start_on(postgres()?, database).await)
    }

    async fn start_on(primary: &'static Postgres, database: &'static str) -> Replicated {
        let standby = primary.standby(&[]);
        let replicated = |options: &mut Options| {
            options.writers = Some(gateway::Source::Triggers);
            options.replica_url = Some(standby.socket_url(database));
        };
        let gateway = Fixture::start_on(primary, database, replicated).await;
        gateway.psql(gateway::Source::Triggers.install());
        TABLES.iter().for_each(|table| _ = gateway.psql(&format!("CREATE TABLE {table} (id int)")));
        let oids = TABLES.map(|table| gateway.psql(&format!("SELECT '{table}'::regclass::oid")));
        let replicated = Replicated { gateway, standby, oids };
        replicated.until_used("films").await;
        replicated
    }

    /// How many rows the table has, and whether it was the standby that said so.
    async fn count(&self, table: &str) -> (u32, bool) {
        self.count_for(table, None).await
    }

    async fn count_for(&self, table: &str, demanded: Option<&str>) -> (u32, bool) {
        let reply = self.read(table, &format!("(SELECT count(*) FROM {table})"), demanded).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let text = reply.text();
        let (count, is_standby) = text.split_once(' ').unwrap();
        (count.parse().unwrap(), is_standby == "true")
    }

    /// Counts a table's rows behind another statement of the same transaction.
    async fn read_behind(&self, statement: &str, table: &str) -> Reply {
        self.read_batch(&[statement], table, &format!("(SELECT count(*) FROM {table})"), None).await
    }

    async fn read(&self, table: &str, value: &str, demanded: Option<&str>) -> Reply {
        self.read_batch(&[], table, value, demanded).await
    }

    /// Reads a value of a table. No read is like another, so none is answered by another's query.
    async fn read_batch(&self, before: &[&str], table: &str, value: &str, demanded: Option<&str>) -> Reply {
        static READS: AtomicU32 = AtomicU32::new(0);
        let read = READS.fetch_add(1, Ordering::Relaxed);
        let sql = format!(
            "SELECT concat_ws(' ', {value}, pg_is_in_recovery()::text) AS body, pg_current_snapshot()::text AS snapshot, \
             {read}::text AS read"
        );
        let relation = TABLES.iter().position(|&name| name == table).map_or("0", |table| &self.oids[table]);
        let mut headers =
            vec![("headland-raw", "true"), ("neon-batch-read-only", "true"), ("headland-relations", relation)];
        headers.extend(demanded.map(|demanded| ("headland-demanded", demanded)));
        let queries = before.iter().copied().chain([sql.as_str()]);
        let queries: Vec<_> = queries.map(|sql| json!({"query": sql, "params": []})).collect();
        self.gateway.post(json!({ "queries": queries }).to_string(), &headers).await
    }

    /// Writes a row through the gateway; the snapshot that it hands out.
    async fn write(&self, table: &str) -> String {
        let sql = format!("WITH written AS (INSERT INTO {table} VALUES (1) RETURNING 1) SELECT 'written' AS body");
        let body = json!({"queries": [{"query": sql, "params": []}]}).to_string();
        let reply = self.gateway.post(body, &[("headland-raw", "true")]).await;
        reply.header("headland-snapshot").unwrap_or_else(|| panic!("{}", reply.text())).to_owned()
    }

    /// Has the standby replay no more.
    async fn pause(&self) {
        self.standby.psql("postgres", "SELECT pg_wal_replay_pause()");
        let state = "SELECT pg_get_wal_replay_pause_state()";
        until("a pause", async || self.standby.psql("postgres", state) == "paused").await;
    }

    fn resume(&self) {
        self.standby.psql("postgres", "SELECT pg_wal_replay_resume()");
    }

    async fn until_used(&self, table: &str) {
        until("the standby is used", async || self.count(table).await.1).await;
    }

    async fn until_unused(&self, table: &str) {
        until("the standby is not used", async || !self.count(table).await.1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_what_has_not_just_been_written() {
    let Some(it) = Replicated::start("replica").await else { return };
    let (replica, trips) = (it.gateway.metric("replica_total").await, it.gateway.metric("trips_total").await);
    for _ in 0..10 {
        assert_eq!(it.count("films").await, (0, true));
        assert_eq!(it.read("schema", "0", None).await.text(), "0 false", "it shows roles too");
    }
    assert_eq!(it.gateway.metric("replica_total").await - replica, 10);
    assert_eq!(it.gateway.metric("trips_total").await - trips, 20);
    it.pause().await;
    let demanded = it.write("films").await;
    for _ in 0..10 {
        assert_eq!(it.count("films").await, (1, false));
        assert_eq!(it.count("people").await, (0, true));
        // Nobody has written there what was demanded, and that is known in a while.
        assert_eq!(it.count_for("people", Some(&demanded)).await.0, 0);
        assert_eq!(it.count_for("films", Some(&demanded)).await, (1, false));
    }
    until("all that is demanded is known", async || it.count_for("people", Some(&demanded)).await.1).await;
    it.gateway.psql("INSERT INTO people VALUES (1)");
    until("a notification", async || it.count("people").await == (1, false)).await;
    it.resume();
    for table in ["films", "people"] {
        it.until_used(table).await;
        assert_eq!(it.count(table).await, (1, true));
        assert_eq!(it.count_for(table, Some(&demanded)).await.0, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_what_is_in_progress_is_not_contained() {
    let Some(it) = Replicated::start("replica_progress").await else { return };
    let it = Arc::new(it);
    let goes_on = ["films", "people"].map(|table| {
        let it = it.clone();
        let sql = format!("BEGIN; INSERT INTO {table} VALUES (1); SELECT pg_sleep(4); COMMIT");
        tokio::task::spawn_blocking(move || it.gateway.psql(&sql))
    });
    it.gateway.until_activity("wait_event = 'PgSleep'", 2).await;
    let list = "SELECT string_agg(backend_xid::text, ' ') FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event = 'PgSleep'";
    let writers: Vec<u64> = it.gateway.psql(list).split(' ').map(|xid| xid.parse().unwrap()).collect();
    let later = *writers.iter().max().unwrap() + 1;
    it.write("casts").await;
    let snapshot = |reply: &Reply, name: &str| reply.header(name).and_then(Snapshot::parse);
    let has_replayed = async || {
        let reply = it.read("films", "0", None).await;
        reply.text() == "0 true" && snapshot(&reply, "headland-seen").is_some_and(|seen| seen.contains(later))
    };
    until("the standby has replayed what came later", has_replayed).await;
    let contained = snapshot(&it.read("films", "0", None).await, "headland-snapshot").unwrap();
    assert!(writers.iter().all(|&xid| !contained.contains(xid)), "{contained}: {writers:?}");
    // It cannot be told from those that go on.
    assert_eq!(it.count("casts").await, (1, false));
    for ended in goes_on {
        ended.await.unwrap();
    }
    for table in TABLES {
        until("a notification", async || it.count(table).await.0 == 1).await;
        it.until_used(table).await;
        assert_eq!(it.count(table).await, (1, true));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_standby_that_is_ahead() {
    // Who asks for it waits for a standby that is not there.
    let settings = ["synchronous_standby_names=absent", "synchronous_commit=local"];
    let Some(primary) = Postgres::start(&settings) else { return };
    let it = Arc::new(Replicated::start_on(Box::leak(Box::new(primary)), "replica_ahead").await);
    it.write("casts").await;
    it.until_used("casts").await;
    // Beside the runtime, which would wait for it if this test failed.
    let waits = {
        let it = it.clone();
        let write = "SET synchronous_commit = on; INSERT INTO films VALUES (1)";
        std::thread::spawn(move || it.gateway.psql(write))
    };
    let count = "SELECT count(*) FROM films";
    until("the standby shows it", async || it.standby.psql(it.gateway.database, count) == "1").await;
    for _ in 0..5 {
        assert_eq!(it.count("films").await, (0, false));
    }
    assert_eq!(it.gateway.psql(count), "0");
    it.gateway.psql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    until("the commit", async || waits.is_finished()).await;
    until("a notification", async || it.count("films").await.0 == 1).await;
    it.until_used("films").await;
    assert_eq!(it.count("films").await, (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_standby_that_stops() {
    let Some(mut it) = Replicated::start("replica_stops").await else { return };
    it.standby.stop();
    for _ in 0..5 {
        assert_eq!(it.count("films").await, (0, false));
    }
    it.write("films").await;
    assert_eq!(it.count("films").await, (1, false));
    it.standby.run();
    it.until_used("films").await;
    assert_eq!(it.count("films").await, (1, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_standby_that_is_promoted() {
    let Some(it) = Replicated::start("replica_promoted").await else { return };
    // Has begun on a standby, and sees what is no part of the primary's history.
    let waits = "SELECT pg_sleep(4 * pg_is_in_recovery()::int)";
    let promotes = async {
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        until("it runs there", async || it.standby.psql("postgres", sleeps) == "1").await;
        it.standby.psql("postgres", "SELECT pg_promote()");
        it.standby.psql(it.gateway.database, "INSERT INTO films VALUES (1), (2)");
    };
    let (reply, ()) = tokio::join!(it.read_behind(waits, "films"), promotes);
    assert_eq!(reply.text(), "0 false");
    for _ in 0..50 {
        assert_eq!(it.count("films").await, (0, false));
    }
    it.write("films").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(it.count("films").await, (1, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_another_history() {
    let Some(it) = Replicated::start("replica_history").await else { return };
    let demanded = it.write("films").await;
    // As a crash does.
    it.gateway.psql(
        "TRUNCATE headland.history; SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    let is_other = async || {
        let reply = it.read("films", "0", None).await;
        let timeline = |text: &str| text.split(':').next().map(str::to_owned);
        reply.text() == "0 true" && reply.header("headland-snapshot").and_then(timeline) != timeline(&demanded)
    };
    until("the standby is used under the new history", is_other).await;
    assert_eq!(it.count_for("films", Some(&demanded)).await, (1, false), "nothing contains what was before");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_database_that_does_not_tell_of_its_schema() {
    let Some(it) = Replicated::start("replica_schema").await else { return };
    it.pause().await;
    it.gateway.psql("ALTER TABLE films ADD COLUMN title text");
    until("a notification", async || it.count("films").await == (0, false)).await;
    it.resume();
    it.until_used("films").await;
    it.gateway.psql(
        "DROP EVENT TRIGGER headland; SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    it.until_unused("films").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(it.count("films").await, (0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_what_a_standby_cannot_answer() {
    let Some(it) = Replicated::start("replica_errors").await else { return };
    let errors = async || it.gateway.metric("replica_errors_total").await;
    // The caller's own: said once.
    let trips = it.gateway.metric("trips_total").await;
    let reply = it.read("films", "'x'::int", None).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!("22P02")));
    assert_eq!((it.gateway.metric("trips_total").await - trips, errors().await), (1, 0));
    // What no standby has, which says nothing of the next read.
    it.gateway.psql("CREATE UNLOGGED TABLE unlogged (id int)");
    it.until_used("films").await;
    assert_eq!(it.read("films", "(SELECT count(*) FROM unlogged)", None).await.text(), "0 false");
    assert_eq!((it.count("films").await, errors().await), ((0, true), 1));
    // A backend of it that is told to end.
    let sleeps_there = "(SELECT 1 FROM pg_sleep(pg_is_in_recovery()::int))";
    let ended = async {
        let sleeps = "pid <> pg_backend_pid() AND query LIKE '%pg_sleep%'";
        let find = format!("SELECT count(*) FROM pg_stat_activity WHERE {sleeps}");
        until("it runs there", async || it.standby.psql("postgres", &find) == "1").await;
        it.standby.psql("postgres", &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {sleeps}"));
    };
    let (reply, ()) = tokio::join!(it.read("films", sleeps_there, None), ended);
    assert_eq!((reply.text().as_str(), errors().await), ("1 false", 2));
    assert_eq!(it.count("films").await, (0, false), "it is left alone for a while");
    it.until_used("films").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_read_in_the_way_of_what_is_replayed() {
    let Some(it) = Replicated::start("replica_conflict").await else { return };
    it.standby.psql("postgres", "ALTER SYSTEM SET max_standby_streaming_delay = 0");
    it.standby.psql("postgres", "SELECT pg_reload_conf()");
    it.write("films").await;
    it.until_used("films").await;
    let sleeps_there = "(SELECT 1 FROM pg_sleep(30 * pg_is_in_recovery()::int))";
    // The row is removed that the read's snapshot still has.
    let removes = async {
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        until("it runs there", async || it.standby.psql("postgres", sleeps) == "1").await;
        it.gateway.psql("DELETE FROM films");
        it.gateway.psql("VACUUM films");
    };
    let (reply, ()) = tokio::join!(it.read("films", sleeps_there, None), removes);
    assert_eq!(reply.text(), "1 false");
    let conflicts = "SELECT sum(confl_snapshot) FROM pg_stat_database_conflicts";
    until("Postgres has counted it", async || it.standby.psql("postgres", conflicts) == "1").await;
    it.until_used("films").await;
    assert_eq!(it.count("films").await, (0, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_primary_as_its_own_replica() {
    let Some(it) = Replicated::start("replica_none").await else { return };
    let other = it
        .gateway
        .beside(|options| {
            options.writers = Some(gateway::Source::Triggers);
            options.replica_url = Some(options.database_url.clone());
        })
        .await;
    let it = Replicated { gateway: other, ..it };
    it.write("films").await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!((it.count("films").await, it.gateway.metric("replica_total").await), ((1, false), 0));
    it.until_unused("films").await;
}

/// A name leads to one standby when that is looked at, and to another that is behind when it is read from.
#[tokio::test(flavor = "multi_thread")]
async fn ok_several_standbys_behind_one_name() {
    let Some(it) = Replicated::start("replica_names").await else { return };
    let behind = postgres().expect("it runs").standby(&[]);
    let folder = behind.data().with_file_name("names");
    std::fs::create_dir(&folder).unwrap();
    let name = folder.join(".s.PGSQL.5432");
    symlink(it.standby.socket(), &name).unwrap();
    let other = it
        .gateway
        .beside(|options| {
            options.writers = Some(gateway::Source::Triggers);
            options.replica_url = Some(format!("postgresql://postgres@/replica_names?host={}", folder.display()));
        })
        .await;
    let it = Replicated { gateway: other, ..it };
    it.until_used("films").await;
    let failures = it.gateway.metric("replica_errors_total").await;
    behind.psql("postgres", "SELECT pg_wal_replay_pause()");
    std::fs::remove_file(&name).unwrap();
    symlink(behind.socket(), &name).unwrap();
    it.write("films").await;
    it.until_used("films").await;
    let slow = async || it.read("films", "(SELECT count(*) FROM films, pg_sleep(0.1))", None).await.text();
    let (one, two, three) = tokio::join!(slow(), slow(), slow());
    std::fs::remove_dir_all(&folder).unwrap();
    for text in [one, two, three] {
        assert!(text.starts_with("1 "), "{text}");
    }
    assert!(it.gateway.metric("replica_errors_total").await > failures, "all were from the one that was looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_a_replica_and_no_writers() {
    let mut options = Options::new("postgresql://a@localhost/a", CREDENTIAL).unwrap();
    options.replica_url = Some("postgresql://a@localhost:5433/a".to_owned());
    let error = gateway::start(options).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Options);
    assert!(error.to_string().contains("`replica_url` needs `writers`"), "{error}");
}
