//! Who wrote what: whether a stored answer is told to be still good, and never when it is not.

use std::process::Command;
use std::time::Duration;

use gateway::{Options, Source};
use serde_json::json;

use crate::fixture::{Fixture, Reply, until};

const STORED: &str = "headland-stored";
const RELATIONS: &str = "headland-relations";
const DEMANDED: &str = "headland-demanded";

const SOURCES: [Source; 2] = [Source::Triggers, Source::Replication];

/// Looks at the schema once and then no more, unless a test wants it: DDL of a test's own would make answers go stale
/// later.
fn hears(source: Source) -> impl Fn(&mut Options) {
    move |options| {
        options.writers = Some(source);
        options.catalog_watch = (source == Source::Replication).then_some(Duration::from_secs(3600));
    }
}

/// A gateway that hears of all writers, before a database with three tables and a partitioned one.
async fn listening(database: &str, source: Source) -> Option<Fixture> {
    let gateway = Fixture::start_with(name(database, source), hears(source)).await?;
    gateway.psql(
        "CREATE TABLE films (id int PRIMARY KEY); CREATE TABLE people (id int PRIMARY KEY); \
         CREATE TABLE casts (film int REFERENCES films ON DELETE CASCADE, person serial PRIMARY KEY); \
         CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE part PARTITION OF parts DEFAULT; \
         CREATE TABLE apart (id int PRIMARY KEY)",
    );
    gateway.psql(source.install());
    // A look at the schema may have opened a connection before.
    until("a snapshot", async || has_snapshot(&gateway).await).await;
    let stored = Stored::new(&gateway, "films").await;
    until("a floor", async || stored.refreshed(&gateway).await.is_good(&gateway).await).await;
    Some(gateway)
}

fn name(database: &str, source: Source) -> &'static str {
    format!("{database}_{source:?}").to_lowercase().leak()
}

/// An answer that an edge has: of which relation, and its snapshot.
struct Stored {
    relation: String,
    snapshot: String,
}

impl Stored {
    async fn new(gateway: &Fixture, relation: &str) -> Stored {
        let relation = gateway.psql(&format!("SELECT '{relation}'::regclass::oid"));
        Stored { relation, snapshot: String::new() }.refreshed(gateway).await
    }

    /// The same, asked for anew.
    async fn refreshed(&self, gateway: &Fixture) -> Stored {
        let reply = read(gateway, &[(RELATIONS, &self.relation)]).await;
        Stored { relation: self.relation.clone(), snapshot: reply.header("headland-snapshot").unwrap().to_owned() }
    }

    async fn is_good(&self, gateway: &Fixture) -> bool {
        self.is_good_for(gateway, None).await
    }

    async fn is_good_for(&self, gateway: &Fixture, demanded: Option<&str>) -> bool {
        let mut headers = vec![(RELATIONS, self.relation.as_str()), (STORED, self.snapshot.as_str())];
        headers.extend(demanded.map(|demanded| (DEMANDED, demanded)));
        let reply = read(gateway, &headers).await;
        let unchanged = reply.header("headland-unchanged").is_some();
        assert_eq!(unchanged, reply.body.is_empty(), "{:?}", reply.headers);
        unchanged
    }
}

async fn read(gateway: &Fixture, headers: &[(&str, &str)]) -> Reply {
    let sql = "SELECT 'rows' AS body, pg_current_snapshot()::text AS snapshot";
    let headers = [headers, &[("neon-batch-read-only", "true")]].concat();
    batch(gateway, &[sql], &headers).await
}

async fn has_snapshot(gateway: &Fixture) -> bool {
    read(gateway, &[]).await.header("headland-snapshot").is_some()
}

/// A batch in raw form.
async fn batch(gateway: &Fixture, statements: &[impl AsRef<str>], headers: &[(&str, &str)]) -> Reply {
    let queries: Vec<_> = statements.iter().map(|sql| json!({"query": sql.as_ref(), "params": []})).collect();
    let headers = [headers, &[("headland-raw", "true")]].concat();
    let reply = gateway.post(json!({ "queries": queries }).to_string(), &headers).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply
}

/// Writes through the gateway; the snapshot that it hands out.
async fn write(gateway: &Fixture, sql: &str) -> String {
    let reply = batch(gateway, &[&format!("WITH written AS ({sql} RETURNING 1) SELECT 'written' AS body")], &[]).await;
    reply.header("headland-snapshot").unwrap().to_owned()
}

async fn until_bad(what: &str, stored: &Stored, gateway: &Fixture) {
    until(what, async || !stored.is_good(gateway).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_good_until_somebody_writes() {
    for source in SOURCES {
        let Some(gateway) = listening("writers", source).await else { return };
        let (films, people) = (Stored::new(&gateway, "films").await, Stored::new(&gateway, "people").await);
        let trips = gateway.metric("trips_total").await;
        for _ in 0..10 {
            assert!(films.is_good(&gateway).await && people.is_good(&gateway).await);
        }
        assert_eq!(gateway.metric("trips_total").await, trips, "nothing is asked where nothing has changed");
        write(&gateway, "INSERT INTO films VALUES (1)").await;
        assert!(!films.is_good(&gateway).await && people.is_good(&gateway).await);
        assert!(films.refreshed(&gateway).await.is_good(&gateway).await);
        gateway.psql("INSERT INTO people VALUES (1)");
        until_bad("a notification", &people, &gateway).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_one_query_for_many_that_are_the_same() {
    for source in SOURCES {
        const READS: usize = 1000;
        let Some(gateway) = listening("writers_many", source).await else { return };
        gateway.psql("INSERT INTO films VALUES (1)");
        let films = Stored::new(&gateway, "films").await;
        until("a notification", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
        let sql = "SELECT count(*)::text AS body, pg_current_snapshot()::text AS snapshot FROM films, pg_sleep(1)";
        // All of them arrive within that second.
        let headers = [(RELATIONS, films.relation.as_str()), ("neon-batch-read-only", "true")];
        let statements = [sql];
        let reads = || futures_util::future::join_all((0..READS).map(|_| batch(&gateway, &statements, &headers)));
        let (before, shared) = (gateway.metric("trips_total").await, gateway.metric("shared_total").await);
        let replies = reads().await;
        assert!(replies.iter().all(|reply| reply.text() == "1" && reply.header("headland-known").is_some()));
        // Who comes later is given it, too.
        assert_eq!(batch(&gateway, &statements, &headers).await.text(), "1");
        assert_eq!(gateway.metric("trips_total").await - before, 1);
        assert_eq!(gateway.metric("shared_total").await - shared, READS as u64);
        let keys: Vec<String> = (0..20).map(|key| sql.replace("(1)", &format!("(1 + 0 * {key})"))).collect();
        let before = gateway.metric("trips_total").await;
        let reads = (0..READS).map(|read| batch(&gateway, std::slice::from_ref(&keys[read % keys.len()]), &headers));
        futures_util::future::join_all(reads).await;
        assert_eq!(gateway.metric("trips_total").await - before, keys.len() as u64);
        // Who asks after a write does not get what was read before it, nor while it is being read.
        write(&gateway, "INSERT INTO films VALUES (0)").await;
        let late = async {
            gateway.until_activity("wait_event = 'PgSleep'", 1).await;
            write(&gateway, "INSERT INTO films VALUES (2)").await;
            batch(&gateway, &statements, &headers).await.text()
        };
        let (early, late) = tokio::join!(batch(&gateway, &statements, &headers), late);
        assert_eq!((early.text().as_str(), late.as_str()), ("2", "3"));
    }
}

/// What is made of the schema alone. Nothing need have told of a change: it is shared where the schema is looked at.
#[tokio::test(flavor = "multi_thread")]
async fn ok_one_look_at_the_schema_where_it_is_watched() {
    let statements = ["SELECT count(*)::text AS body, pg_current_snapshot()::text AS snapshot \
        FROM pg_class WHERE relname = 'later'"];
    let headers = [(RELATIONS, "0"), ("neon-batch-read-only", "true")];
    let looks = Some(Duration::from_millis(10));
    for (database, source, watch) in [
        ("writers_watched", Source::Triggers, looks),
        ("writers_unwatched", Source::Triggers, None),
        ("writers_watched_log", Source::Replication, looks),
    ] {
        let prepared = |options: &mut Options| (options.writers, options.catalog_watch) = (Some(source), watch);
        let Some(gateway) = Fixture::start_with(database, prepared).await else { return };
        gateway.psql("CREATE TABLE films (id int PRIMARY KEY)");
        gateway.psql(source.install());
        // A look at the schema may have opened a connection before.
        until("a snapshot", async || has_snapshot(&gateway).await).await;
        let films = Stored::new(&gateway, "films").await;
        until("a floor", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
        let is_shared = async |expected: &str| {
            let before = gateway.metric("trips_total").await;
            for _ in 0..2 {
                assert_eq!(batch(&gateway, &statements, &headers).await.text(), expected);
            }
            gateway.metric("trips_total").await - before <= 1
        };
        until("the first look", async || is_shared("0").await == watch.is_some()).await;
        gateway.psql("CREATE TABLE later ()");
        until("the new schema", async || batch(&gateway, &statements, &headers).await.text() == "1").await;
        until("the next look", async || is_shared("1").await == watch.is_some()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_what_a_write_does_beside_itself() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_beside", source).await else { return };
        gateway.psql(
            "CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO people VALUES (new.film); RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER also AFTER INSERT ON casts DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION also()",
        );
        write(&gateway, "INSERT INTO films VALUES (1), (2)").await;
        let people = Stored::new(&gateway, "people").await;
        until("the DDL before", async || people.refreshed(&gateway).await.is_good(&gateway).await).await;
        let people = people.refreshed(&gateway).await;
        // At the end of the transaction, behind the report.
        write(&gateway, "INSERT INTO casts VALUES (1)").await;
        until_bad("a deferred trigger", &people, &gateway).await;
        let casts = Stored::new(&gateway, "casts").await;
        write(&gateway, "DELETE FROM films WHERE id = 1").await;
        assert!(!casts.is_good(&gateway).await, "a foreign key has deleted rows");
    }
}

/// SQL, and the relation that it writes beside others.
const WRITES: &[(&str, &str)] = &[
    ("INSERT INTO films SELECT generate_series(1, 9)", "films"),
    ("UPDATE films SET id = 10 WHERE id = 9", "films"),
    ("DELETE FROM films WHERE id = 10", "films"),
    ("COPY films FROM PROGRAM 'echo 20'", "films"),
    ("INSERT INTO casts VALUES (20)", "casts"),
    ("DELETE FROM films WHERE id = 20", "casts"),
    ("TRUNCATE films CASCADE", "casts"),
    ("BEGIN; SAVEPOINT one; INSERT INTO people VALUES (1); RELEASE SAVEPOINT one; COMMIT", "people"),
    ("INSERT INTO people SELECT generate_series(10, 5000)", "people"),
    ("INSERT INTO parts VALUES (1)", "parts"),
    ("INSERT INTO part VALUES (2)", "parts"),
    ("TRUNCATE part", "parts"),
    ("CREATE TABLE late PARTITION OF parts FOR VALUES FROM (100) TO (200); INSERT INTO late VALUES (100)", "parts"),
    ("INSERT INTO apart VALUES (200)", "apart"),
    (
        "ALTER TABLE parts ATTACH PARTITION apart FOR VALUES FROM (200) TO (300); INSERT INTO apart VALUES (201)",
        "parts",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn ok_every_kind_of_write() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_kinds", source).await else { return };
        for (sql, relation) in WRITES {
            let stored = Stored::new(&gateway, relation).await;
            until("what was before", async || stored.refreshed(&gateway).await.is_good(&gateway).await).await;
            let stored = stored.refreshed(&gateway).await;
            gateway.psql(sql);
            until_bad(sql, &stored, &gateway).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_transactions_that_end_out_of_order() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_order", source).await else { return };
        let (films, people) = (Stored::new(&gateway, "films").await, Stored::new(&gateway, "people").await);
        let sql = ["INSERT INTO films VALUES (1)", "SELECT pg_sleep(2)::text AS body"];
        let quick = async {
            gateway.until_activity("wait_event = 'PgSleep'", 1).await;
            write(&gateway, "INSERT INTO people VALUES (1)").await;
            assert!(!people.is_good(&gateway).await);
            assert!(films.is_good(&gateway).await, "what is not committed is not written");
            // Taken while the long one is in progress, and so without it.
            films.refreshed(&gateway).await
        };
        let (_, between) = tokio::join!(batch(&gateway, &sql, &[]), quick);
        assert!(!films.is_good(&gateway).await && !between.is_good(&gateway).await);
        until("it is seen", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_transaction_that_was_there_first() {
    for source in SOURCES {
        let Some(one) = listening("writers_first", source).await else { return };
        let sql = ["INSERT INTO films VALUES (1)", "SELECT pg_sleep(2)::text AS body"];
        let begun = async {
            one.until_activity("wait_event = 'PgSleep'", 1).await;
            let other = one.beside(hears(source)).await;
            (Stored::new(&other, "films").await, other)
        };
        let (_, (films, other)) = tokio::join!(batch(&one, &sql, &[]), begun);
        let people = Stored::new(&other, "people").await;
        until("a floor", async || people.refreshed(&other).await.is_good(&other).await).await;
        until_bad("a commit behind the start", &films, &other).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_the_schema_is_written_too() {
    let Some(gateway) = listening("writers_schema", Source::Triggers).await else { return };
    let films = Stored::new(&gateway, "films").await;
    gateway.psql("CREATE TABLE later (id int PRIMARY KEY)");
    until_bad("DDL", &films, &gateway).await;
    let later = Stored::new(&gateway, "later").await;
    gateway.psql("INSERT INTO later VALUES (1)");
    until_bad("a new table's first row", &later, &gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_what_a_caller_demands() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_demands", source).await else { return };
        let (films, people) = (Stored::new(&gateway, "films").await, Stored::new(&gateway, "people").await);
        let demanded = write(&gateway, "INSERT INTO people VALUES (1)").await;
        assert!(!people.is_good_for(&gateway, Some(&demanded)).await);
        assert!(people.refreshed(&gateway).await.is_good_for(&gateway, Some(&demanded)).await);
        // Nothing was written there; this is known as soon as it is known of all that is demanded.
        until("all is known", async || films.is_good_for(&gateway, Some(&demanded)).await).await;
        let (timeline, _) = demanded.split_once(':').unwrap();
        let never = format!("{timeline}:18446744073709551000:18446744073709551000:");
        assert!(!films.is_good_for(&gateway, Some(&never)).await);
        assert!(!films.is_good_for(&gateway, Some("00000000000000ab:1:1:")).await, "another timeline");
        let reply = gateway.post("{}", &[(DEMANDED, "1:1:")]).await;
        assert_eq!(reply.status, 400);
        assert!(reply.text().contains("invalid `headland-demanded`"), "{}", reply.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_connection_that_listens_no_more() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_deaf", source).await else { return };
        let films = Stored::new(&gateway, "films").await;
        gateway.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid(); INSERT INTO films VALUES (1)",
        );
        // Long before there is another connection.
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert!(!films.is_good(&gateway).await, "nothing is heard");
        until("a new floor", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
        assert!(!films.is_good(&gateway).await, "what was written meanwhile was not heard of");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_gateway_that_starts_anew() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_anew", source).await else { return };
        let films = Stored::new(&gateway, "films").await;
        assert!(films.is_good(&gateway).await);
        write(&gateway, "INSERT INTO people VALUES (1)").await;
        let other = gateway.beside(hears(source)).await;
        until("a floor", async || films.refreshed(&other).await.is_good(&other).await).await;
        assert!(!films.is_good(&other).await, "it cannot know what was written before it began");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_two_gateways_hear_of_each_other() {
    for source in SOURCES {
        let Some(one) = listening("writers_two", source).await else { return };
        let other = one.beside(hears(source)).await;
        let films = Stored::new(&one, "films").await;
        for gateway in [&one, &other] {
            until("a floor", async || films.refreshed(gateway).await.is_good(gateway).await).await;
        }
        if source == Source::Triggers {
            until("nobody reports", async || one.psql("SELECT name FROM headland.reporter") == "shared").await;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        for (writer, reader) in [(&one, &other), (&other, &one)] {
            for id in 0..3 {
                until("still good", async || films.refreshed(reader).await.is_good(reader).await).await;
                let films = films.refreshed(reader).await;
                let id = id + if std::ptr::eq(writer, &one) { 0 } else { 10 };
                write(writer, &format!("INSERT INTO films VALUES ({id})")).await;
                assert!(!films.is_good(writer).await, "its own writes it knows at once");
                until_bad("a write through the other", &films, reader).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_write_whose_end_is_not_known() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_doubt", source).await else { return };
        let films = Stored::new(&gateway, "films").await;
        let sql = ["INSERT INTO films VALUES (1)", "SELECT pg_sleep(30)::text AS body"];
        let queries: Vec<_> = sql.iter().map(|sql| json!({"query": sql, "params": []})).collect();
        let body = json!({ "queries": queries }).to_string();
        let lost = gateway.post(body, &[("headland-raw", "true")]);
        let killed = async {
            gateway.until_activity("wait_event = 'PgSleep'", 1).await;
            gateway.psql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE wait_event = 'PgSleep' AND datname = current_database()",
            );
        };
        let (reply, ()) = tokio::join!(lost, killed);
        assert_eq!(reply.status, 500, "{}", reply.text());
        assert!(!films.is_good(&gateway).await, "it may have been committed");
        until("a new floor", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_writes_through_the_gateway_are_not_notified() {
    let Some(gateway) = listening("writers_quiet", Source::Triggers).await else { return };
    let locked = async |headers: &[(&str, &str)], id: u32| {
        let write = format!("INSERT INTO films VALUES ({id})");
        let again = format!("DELETE FROM films WHERE id = {id}");
        let noted = "SELECT concat_ws(',', current_setting('headland.wrote', true), \
            (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), \
            (SELECT name = current_setting('headland.reporter') FROM headland.reporter)) AS body";
        batch(&gateway, &[write, again, noted.to_owned()], headers).await.text()
    };
    let films = Stored::new(&gateway, "films").await.relation;
    let casts = Stored::new(&gateway, "casts").await.relation;
    let noted = format!(" {films} {casts}");
    assert_eq!(locked(&[], 1).await, format!("{noted},1,t"), "noted once, and reported");
    let repeatable = [("neon-batch-isolation-level", "RepeatableRead")];
    let unlocked = locked(&repeatable, 2).await;
    assert_eq!(unlocked, format!("{noted},0,t"), "its snapshot may be older than the name of who reports");
    gateway.psql("SELECT headland.take_over('another')");
    assert!(locked(&[], 3).await.ends_with(",f"), "another one reports");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_what_is_rolled_back_was_not_written() {
    for source in SOURCES {
        let Some(gateway) = listening("writers_undone", source).await else { return };
        let films = Stored::new(&gateway, "films").await;
        let written = "WITH written AS (INSERT INTO films VALUES (1) RETURNING 1) SELECT 'written' AS body";
        for statements in [&[written, "ROLLBACK"][..], &["SELECT 'nothing' AS body"]] {
            let reply = batch(&gateway, statements, &[]).await;
            assert!(reply.header("headland-snapshot").is_some() && !reply.body.is_empty());
        }
        let refused = [written, "SELECT 1 / 0 AS body"].map(|sql| json!({"query": sql, "params": []}));
        let reply = gateway.post(json!({ "queries": refused }).to_string(), &[("headland-raw", "true")]).await;
        assert_eq!(reply.status, 400);
        assert!(films.is_good(&gateway).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_role_that_may_not_know_the_timeline() {
    let Some(gateway) = listening("writers_blind", Source::Triggers).await else { return };
    gateway.psql("CREATE ROLE blind LOGIN; GRANT ALL ON films TO blind");
    gateway.psql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
    for source in SOURCES {
        let blind = |options: &mut Options| {
            hears(source)(options);
            options.database_url = options.database_url.replacen("postgres@", "blind@", 1);
        };
        let blind = gateway.beside(blind).await;
        let reply = batch(&blind, &["SELECT count(*)::text AS body FROM films"], &[]).await;
        assert_eq!((reply.text().as_str(), reply.header("headland-snapshot")), ("0", None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_without_what_the_database_needs() {
    for source in SOURCES {
        let Some(gateway) = Fixture::start_with(name("writers_bare", source), hears(source)).await else { return };
        gateway.psql("CREATE TABLE films (id int PRIMARY KEY)");
        assert!(!has_snapshot(&gateway).await);
        gateway.psql(source.install());
        // A connection that was opened before goes when the listener's has found what it needs.
        until("a snapshot", async || has_snapshot(&gateway).await).await;
        let films = Stored::new(&gateway, "films").await;
        until("a floor", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
        gateway.psql(source.install());
        gateway.psql(gateway::UNINSTALL);
        until_bad("it is gone", &films.refreshed(&gateway).await, &gateway).await;
        gateway.psql("INSERT INTO films VALUES (1)");
        let left =
            "(SELECT count(*) FROM pg_trigger WHERE tgname = 'headland') + (SELECT count(*) FROM pg_publication)";
        assert_eq!(gateway.psql(&format!("SELECT {left}")), "0");
    }
}

/// A gateway before a database that is prepared for replication.
async fn streaming(database: &str) -> Option<Fixture> {
    listening(database, Source::Replication).await
}

/// The process that sends the log, which goes on at the latest when this is dropped.
struct Sender(String);

impl Sender {
    fn stop(gateway: &Fixture) -> Sender {
        let pid = "SELECT active_pid FROM pg_replication_slots WHERE database = current_database()";
        let sender = Sender(gateway.psql(pid));
        sender.signal("-STOP");
        sender
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0]).status().unwrap().success());
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_role_that_may_replicate_and_little_else() {
    let Some(owners) = streaming("writers_role").await else { return };
    owners.psql("CREATE ROLE replicator LOGIN REPLICATION; GRANT ALL ON films TO replicator");
    let replicator = |options: &mut Options| {
        hears(Source::Replication)(options);
        options.database_url = options.database_url.replacen("postgres@", "replicator@", 1);
    };
    let gateway = owners.beside(replicator).await;
    let films = Stored::new(&owners, "films").await;
    until("a floor", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
    write(&gateway, "INSERT INTO films VALUES (1)").await;
    assert!(!films.is_good(&gateway).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_write_in_two_phases() {
    let Some(gateway) = streaming("writers_phases").await else { return };
    let films = Stored::new(&gateway, "films").await;
    gateway.psql("BEGIN; INSERT INTO films VALUES (1); PREPARE TRANSACTION 'writers_phases'");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(films.is_good(&gateway).await);
    gateway.psql("COMMIT PREPARED 'writers_phases'");
    until_bad("the second phase", &films, &gateway).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_write_that_the_log_does_not_tell_of_in_time() {
    let Some(gateway) = streaming("writers_stuck").await else { return };
    let (films, people) = (Stored::new(&gateway, "films").await, Stored::new(&gateway, "people").await);
    let sender = Sender::stop(&gateway);
    write(&gateway, "INSERT INTO films VALUES (1)").await;
    let is_good = [films.is_good(&gateway).await, people.is_good(&gateway).await];
    drop(sender);
    assert_eq!(is_good, [false, false], "it counts as a write to everything");
    until("it goes on", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_nothing_is_heard_any_more() {
    let Some(gateway) = streaming("writers_silent").await else { return };
    let films = Stored::new(&gateway, "films").await;
    let sender = Sender::stop(&gateway);
    gateway.psql("INSERT INTO films VALUES (1)");
    until_bad("the silence", &films, &gateway).await;
    until("another slot", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
    drop(sender);
    let slots = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()";
    until("the old slot is gone", async || gateway.psql(slots) == "1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_the_schema_is_looked_at() {
    let database = name("writers_looked", Source::Replication);
    let looks = |options: &mut Options| {
        options.writers = Some(Source::Replication);
        options.catalog_watch = Some(Duration::from_millis(50));
    };
    let Some(gateway) = Fixture::start_with(database, looks).await else { return };
    gateway.psql("CREATE TABLE films (id int PRIMARY KEY)");
    gateway.psql(Source::Replication.install());
    until("a snapshot", async || has_snapshot(&gateway).await).await;
    let films = Stored::new(&gateway, "films").await;
    until("a floor", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let films = films.refreshed(&gateway).await;
    assert!(films.is_good(&gateway).await);
    gateway.psql("ALTER TABLE films ENABLE ROW LEVEL SECURITY");
    until_bad("DDL", &films, &gateway).await;
    until("it is seen", async || films.refreshed(&gateway).await.is_good(&gateway).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_tables_that_may_be_published() {
    let Some(gateway) = streaming("writers_published").await else { return };
    gateway.psql(
        "CREATE TABLE bare (id int); CREATE TABLE whole (id int); ALTER TABLE whole REPLICA IDENTITY FULL; \
         CREATE TABLE late (id int PRIMARY KEY DEFERRABLE); CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY); \
         CREATE TABLE none (id int PRIMARY KEY); ALTER TABLE none REPLICA IDENTITY NOTHING; \
         CREATE TABLE indexed (id int NOT NULL UNIQUE); ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_id_key; \
         CREATE TABLE bare_parts (id int) PARTITION BY LIST (id); CREATE TABLE bare_part PARTITION OF bare_parts DEFAULT; \
         CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child () INHERITS (parent); ALTER TABLE casts DROP person",
    );
    let published = || {
        gateway.psql(
            "SELECT string_agg(prrelid::regclass::text, ' ' ORDER BY prrelid::regclass::text) FROM pg_publication_rel",
        )
    };
    for _ in 0..2 {
        gateway.psql(Source::Replication.install());
        assert_eq!(published(), "apart films indexed parent parts people whole");
    }
    for table in ["bare", "whole", "late", "none", "indexed", "bare_parts", "child", "casts"] {
        let column = if table == "casts" { "film" } else { "id" };
        gateway.psql(&format!("UPDATE {table} SET {column} = 1"));
    }
    // One source takes the place of the other.
    gateway.psql(Source::Triggers.install());
    assert_eq!(gateway.psql("SELECT count(*) FROM pg_publication"), "0");
    gateway.psql(Source::Replication.install());
    let triggers =
        "(SELECT count(*) FROM pg_trigger WHERE tgname = 'headland') + (SELECT count(*) FROM pg_event_trigger)";
    assert_eq!(
        (gateway.psql(&format!("SELECT {triggers}")), published()),
        ("0".to_owned(), "apart films indexed parent parts people whole".to_owned())
    );
}
