//! Many readers with stored answers, many writers of each kind, and accidents: nobody is told that an old answer is good.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cache::Snapshot;
use freshness::{Checker, Version};
use gateway::{Options, Source};
use serde_json::json;

use crate::fixture::{Fixture, postgres, until};
use crate::postgres::Postgres;

const RELATIONS: u32 = 4;
const READERS: usize = 12;
const LENGTH: Duration = Duration::from_secs(6);
/// A notification has come by then, whatever else this machine does.
const NOTIFIED_AFTER: Duration = Duration::from_secs(2);

struct World {
    /// One or two, before the same database.
    gateways: Vec<Fixture>,
    standby: Option<Postgres>,
    oids: Vec<String>,
    checker: Mutex<Checker>,
    began: Instant,
    unchanged: Mutex<usize>,
}

impl World {
    async fn begin(gateways: Vec<Fixture>, source: Source, standby: Option<Postgres>) -> Arc<World> {
        let gateway = &gateways[0];
        let mut oids = vec![];
        for relation in 0..RELATIONS {
            let table = format!("counted{relation}");
            gateway.psql(&format!("CREATE TABLE {table} (n int PRIMARY KEY); INSERT INTO {table} VALUES (0)"));
            oids.push(gateway.psql(&format!("SELECT '{table}'::regclass::oid")));
        }
        gateway.psql(source.install());
        let body = json!({"queries": [{"query": "SELECT 1 AS body", "params": []}]}).to_string();
        let headers =
            [("headland-raw", "true"), ("neon-batch-read-only", "true"), ("headland-relations", oids[0].as_str())];
        for gateway in &gateways {
            let is_found = async || gateway.post(body.clone(), &headers).await.header("headland-known").is_some();
            until("a floor", is_found).await;
        }
        let checker = Mutex::new(Checker::new(RELATIONS as usize, READERS));
        Arc::new(World { gateways, standby, oids, checker, began: Instant::now(), unchanged: Mutex::default() })
    }

    fn goes_on(&self) -> bool {
        self.began.elapsed() < LENGTH
    }

    fn now(&self) -> u64 {
        self.began.elapsed().as_micros() as u64
    }

    /// From now on nobody may miss this version; where there is another gateway, from when that has been notified.
    fn publish(self: &Arc<World>, relation: u32, version: Version, is_heard: bool) {
        if is_heard {
            return self.checker.lock().unwrap().is_public(relation, version);
        }
        let world = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(NOTIFIED_AFTER).await;
            world.publish(relation, version, true);
        });
    }

    async fn batch(&self, sql: &str, headers: &[(&str, &str)]) -> Option<crate::fixture::Reply> {
        let headers = [headers, &[("headland-raw", "true")]].concat();
        let body = json!({"queries": [{"query": sql, "params": []}]}).to_string();
        // A connection that was cut is an accident of this test.
        let gateway = &self.gateways[fastrand::usize(0..self.gateways.len())];
        Some(gateway.post(body, &headers).await).filter(|reply| reply.status == 200)
    }

    /// One who keeps answers; every other one also carries the last snapshot.
    async fn read(self: Arc<World>, reader: usize) {
        let carries = reader.is_multiple_of(2);
        let mut rng = fastrand::Rng::with_seed(reader as u64);
        let mut stored: HashMap<u32, (Snapshot, Version)> = HashMap::new();
        let mut demanded = Snapshot::default();
        while self.goes_on() {
            let relation = rng.u32(0..RELATIONS);
            let expected = {
                let checker = self.checker.lock().unwrap();
                let seen = carries.then(|| checker.expect_seen(reader, &[relation]));
                [seen, Some(checker.expect_public(&[relation]))]
            };
            // What nobody has asked before is what a replica may be asked.
            let is_new = self.standby.is_some() && rng.u8(0..4) == 0;
            let has = stored.get(&relation).filter(|_| !is_new).map(|(snapshot, _)| snapshot.to_string());
            let demands = demanded.to_string();
            let mut headers =
                vec![("neon-batch-read-only", "true"), ("headland-relations", &self.oids[relation as usize])];
            headers.extend(has.as_deref().map(|snapshot| ("headland-stored", snapshot)));
            headers.extend((!demanded.is_empty()).then_some(("headland-demanded", demands.as_str())));
            let salt = if is_new { rng.u32(1..) } else { 0 };
            let sql = format!(
                "SELECT n::text AS body, pg_current_snapshot()::text AS snapshot FROM counted{relation} WHERE {salt} >= 0"
            );
            let Some(reply) = self.batch(&sql, &headers).await else { continue };
            let answer = match reply.header("headland-unchanged") {
                Some(unchanged) => {
                    *self.unchanged.lock().unwrap() += 1;
                    (Snapshot::parse(unchanged).unwrap(), stored[&relation].1)
                }
                None => (
                    Snapshot::parse(reply.header("headland-snapshot").unwrap()).unwrap(),
                    reply.text().parse().unwrap(),
                ),
            };
            // From a replica more may be seen than the answer is known to contain.
            let seen = reply.header("headland-seen").map(|seen| Snapshot::parse(seen).unwrap());
            let mut checker = self.checker.lock().unwrap();
            for expected in expected.iter().flatten() {
                checker.saw(expected, &[(relation, answer.1)], self.now());
            }
            if carries {
                demanded.merge(seen.as_ref().unwrap_or(&answer.0));
            }
            // Some keep what they had: an edge whose memory is old.
            if !rng.u8(0..4).is_multiple_of(4) || !stored.contains_key(&relation) {
                stored.insert(relation, answer);
            }
        }
    }

    /// One who writes through the gateway.
    async fn write(self: Arc<World>, writer: u64) {
        let mut rng = fastrand::Rng::with_seed(writer);
        while self.goes_on() {
            let relation = written(&mut rng);
            let pause = f64::from(rng.u8(0..20)) / 1000.0;
            let sql = format!(
                "WITH written AS (UPDATE counted{relation} SET n = n + 1 RETURNING n), slow AS MATERIALIZED \
                 (SELECT pg_sleep({pause})) SELECT n::text AS body FROM written, slow"
            );
            if let Some(reply) = self.batch(&sql, &[]).await {
                self.publish(relation, reply.text().parse().unwrap(), self.gateways.len() == 1);
            }
            tokio::time::sleep(Duration::from_millis(rng.u64(0..60))).await;
        }
    }

    /// One who writes beside it.
    async fn write_directly(self: Arc<World>) {
        let mut rng = fastrand::Rng::with_seed(77);
        while self.goes_on() {
            let relation = written(&mut rng);
            let world = self.clone();
            let sql = format!("UPDATE counted{relation} SET n = n + 1 RETURNING n");
            let told = tokio::task::spawn_blocking(move || world.gateways[0].psql(&sql)).await.unwrap();
            self.publish(relation, told.lines().next().unwrap().parse().unwrap(), false);
            tokio::time::sleep(Duration::from_millis(rng.u64(0..100))).await;
        }
    }

    /// Cuts connections: the one that listens, and those that write.
    async fn cut(self: Arc<World>) {
        // A replica is of use only while nothing is missed.
        let interval = Duration::from_millis(if self.standby.is_some() { 2500 } else { 900 });
        while self.goes_on() {
            tokio::time::sleep(interval).await;
            let world = self.clone();
            let cut = move || {
                world.gateways[0].psql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                     AND pid <> pg_backend_pid() AND application_name <> 'psql'",
                )
            };
            tokio::task::spawn_blocking(cut).await.unwrap();
        }
    }

    /// Has the standby replay nothing for half of the time.
    async fn pause(self: Arc<World>) {
        for call in ["pg_wal_replay_pause()", "pg_wal_replay_resume()"].iter().cycle().take_while(|_| self.goes_on()) {
            let world = self.clone();
            let call =
                move || world.standby.as_ref().map(|standby| standby.psql("postgres", &format!("SELECT {call}")));
            tokio::task::spawn_blocking(call).await.unwrap();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
}

/// A relation to write: some more often than others, which a replica is soon good for again.
fn written(rng: &mut fastrand::Rng) -> u32 {
    rng.u32(0..RELATIONS).min(rng.u32(0..RELATIONS))
}

async fn nobody_is_told_that_an_old_answer_is_good(gateways: Vec<Fixture>, source: Source, standby: Option<Postgres>) {
    let world = World::begin(gateways, source, standby).await;
    let mut tasks = tokio::task::JoinSet::new();
    (0..READERS).for_each(|reader| _ = tasks.spawn(world.clone().read(reader)));
    (0..3).for_each(|writer| _ = tasks.spawn(world.clone().write(writer)));
    tasks.spawn(world.clone().write_directly());
    tasks.spawn(world.clone().cut());
    tasks.spawn(world.clone().pause());
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    let violations = world.checker.lock().unwrap().violations().to_vec();
    assert!(violations.is_empty(), "{}", violations[0]);
    let unchanged = *world.unchanged.lock().unwrap();
    let trips = world.gateways[0].metric("trips_total").await;
    assert!(unchanged > 100 && trips > 100, "{unchanged} were unchanged, {trips} were queries");
    let replica = world.gateways[0].metric("replica_total").await;
    assert!(world.standby.is_none() || replica > 20, "{replica} were answered by the replica");
    for gateway in &world.gateways {
        until("everything is given back", async || gateway.metric("pool_lent").await == 0).await;
    }
}

async fn one_gateway(database: &'static str, source: Source) {
    let Some(gateway) = Fixture::start_with(database, |options| options.writers = Some(source)).await else { return };
    nobody_is_told_that_an_old_answer_is_good(vec![gateway], source, None).await;
}

async fn two_gateways(database: &'static str, source: Source) {
    let hears = |options: &mut Options| options.writers = Some(source);
    let Some(one) = Fixture::start_with(database, hears).await else { return };
    let other = one.beside(hears).await;
    nobody_is_told_that_an_old_answer_is_good(vec![one, other], source, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_triggers_and_one_gateway() {
    one_gateway("fresh", Source::Triggers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_triggers_and_two_gateways() {
    two_gateways("fresh_two", Source::Triggers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_replication_and_one_gateway() {
    one_gateway("fresh_log", Source::Replication).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_replication_and_two_gateways() {
    two_gateways("fresh_log_two", Source::Replication).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_replica() {
    let Some(standby) = postgres().map(|postgres| postgres.standby(&[])) else { return };
    let replicated = |options: &mut Options| {
        options.writers = Some(Source::Triggers);
        options.replica_url = Some(standby.socket_url("fresh_replica"));
    };
    let Some(gateway) = Fixture::start_with("fresh_replica", replicated).await else { return };
    nobody_is_told_that_an_old_answer_is_good(vec![gateway], Source::Triggers, Some(standby)).await;
}
