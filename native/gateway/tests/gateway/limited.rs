//! Callers of an edge that are counted, and what becomes of one that is over a limit.

use serde_json::json;

use crate::fixture::{Fixture, Reply};

const LIMIT: &str = "headland-limit";
/// Three requests in an hour, by two callers, and ten for both together.
const ONE: &str = r#""0000000000000001";q=3;w=3600;b=3"#;
const TWO: &str = r#""0000000000000002";q=3;w=3600;b=3"#;
const BOTH: &str = r#""0000000000000003";q=10;w=3600;b=10"#;

async fn insert(gateway: &Fixture, limit: &str) -> Reply {
    let body = json!({"query": "INSERT INTO log VALUES (1)"}).to_string();
    gateway.post(body, &[(LIMIT, limit)]).await
}

/// What the answer says that each caller owes, in hours.
#[track_caller]
fn owed(reply: &Reply) -> Vec<f64> {
    let told = reply.header(LIMIT).unwrap_or_else(|| panic!("{} without {LIMIT}", reply.status));
    let hours = |item: &str| item.parse::<f64>().unwrap() / 3600e9;
    // What passes between two requests of a test is less than a hundredth of an hour.
    told.split(", ").map(hours).map(|hours| (hours * 100.0).ceil() / 100.0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_exactly_as_many_as_are_allowed() {
    let Some(gateway) = Fixture::start("limited").await else { return };
    gateway.psql("CREATE TABLE log (id int)");
    let both = |caller: &str| format!("{caller}, {BOTH}");
    assert_eq!(owed(&insert(&gateway, &both(ONE)).await), [0.34, 0.1]);
    assert_eq!(owed(&insert(&gateway, &both(TWO)).await), [0.34, 0.2]);
    assert_eq!(owed(&insert(&gateway, &both(ONE)).await), [0.67, 0.3]);
    assert_eq!(owed(&insert(&gateway, &both(ONE)).await), [1.0, 0.4]);
    let refused = insert(&gateway, &both(ONE)).await;
    assert_eq!((refused.status.as_u16(), owed(&refused)), (429, vec![1.0, 0.4]));
    assert_eq!(refused.json()["message"], "the caller is over a limit");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1190..=1200).contains(&wait), "{wait}");
    assert_eq!(insert(&gateway, &both(TWO)).await.status, 200);
    assert_eq!(gateway.psql("SELECT count(*) FROM log"), "5");
    assert_eq!(gateway.metric("requests_total{status=\"429\"}").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_as_many_at_once() {
    let Some(gateway) = Fixture::start("limited_at_once").await else { return };
    gateway.psql("CREATE TABLE log (id int)");
    let insert = || insert(&gateway, BOTH);
    let replies = tokio::join!(
        async { (insert().await, insert().await, insert().await, insert().await) },
        async { (insert().await, insert().await, insert().await, insert().await) },
        async { (insert().await, insert().await, insert().await, insert().await) },
    );
    let statuses = |(a, b, c, d): (Reply, Reply, Reply, Reply)| [a, b, c, d].map(|reply| reply.status.as_u16());
    let statuses = [statuses(replies.0), statuses(replies.1), statuses(replies.2)].concat();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 10, "{statuses:?}");
    assert_eq!(gateway.psql("SELECT count(*) FROM log"), "10");
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_a_refusal_needs_no_connection() {
    let Some(gateway) = Fixture::start_with("limited_full", |options| options.pool_max = 1).await else { return };
    let trips = async || gateway.metric("trips_total").await;
    gateway.psql("CREATE TABLE log (id int)");
    for _ in 0..3 {
        assert_eq!(insert(&gateway, ONE).await.status, 200);
    }
    let before = trips().await;
    for _ in 0..20 {
        assert_eq!(insert(&gateway, ONE).await.status, 429);
    }
    assert_eq!(trips().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_nobody_is_counted_unless_asked_for() {
    let Some(gateway) = Fixture::start("limited_not").await else { return };
    let reply = gateway.post(json!({"query": "SELECT 1"}).to_string(), &[]).await;
    assert_eq!((reply.status.as_u16(), reply.header(LIMIT)), (200, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_nobody_is_counted_without_the_credential() {
    let Some(gateway) = Fixture::start("limited_credential").await else { return };
    gateway.psql("CREATE TABLE log (id int)");
    let wrong = ("Neon-Connection-String", "postgresql://edge:wrong@region.example.com/limited_credential");
    for _ in 0..9 {
        let reply = gateway.send(http::Method::POST, "/sql", "{}", &[wrong, (LIMIT, ONE)]).await;
        assert_eq!((reply.status.as_u16(), reply.header(LIMIT)), (400, None));
    }
    assert_eq!(insert(&gateway, ONE).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn err_what_cannot_be_read_runs_nothing() {
    let Some(gateway) = Fixture::start("limited_malformed").await else { return };
    gateway.psql("CREATE TABLE log (id int)");
    let many = vec![ONE; 17].join(", ");
    for limit in ["", "search", r#""0000000000000001";q=0;w=1;b=1"#, &many] {
        let reply = insert(&gateway, limit).await;
        assert_eq!((reply.status.as_u16(), reply.json()["message"].as_str()), (400, Some("invalid `Headland-Limit`")));
    }
    assert_eq!(gateway.psql("SELECT count(*) FROM log"), "0");
}
