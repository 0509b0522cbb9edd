//! A gateway and a database for one test, and a client to ask it with.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway::{Gateway, Options};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::postgres::Postgres;

pub(crate) const CREDENTIAL: &str = "s3cr/et";

pub(crate) struct Fixture {
    /// Of this test alone, as a rule; then also the `application_name` of the gateway's connections.
    pub(crate) database: &'static str,
    postgres: Option<&'static Postgres>,
    pub(crate) gateway: Gateway,
    client: Client<HttpConnector, Full<Bytes>>,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What the server must have for slots of many tests at once, and for transactions in two phases.
const SETTINGS: [&str; 4] =
    ["wal_level=logical", "max_wal_senders=50", "max_replication_slots=50", "max_prepared_transactions=10"];

/// The server that all tests share; `None` where there is none to be had.
pub(crate) fn postgres() -> Option<&'static Postgres> {
    static POSTGRES: OnceLock<Option<Postgres>> = OnceLock::new();
    POSTGRES.get_or_init(|| Postgres::start(&SETTINGS)).as_ref()
}

impl Fixture {
    pub(crate) async fn start(database: &'static str) -> Option<Fixture> {
        Fixture::start_with(database, |_| {}).await
    }

    /// With options changed.
    pub(crate) async fn start_with(database: &'static str, change: impl FnOnce(&mut Options)) -> Option<Fixture> {
        Some(Fixture::start_on(postgres()?, database, change).await)
    }

    /// On a server of the test's own.
    pub(crate) async fn start_on(
        postgres: &'static Postgres,
        database: &'static str,
        change: impl FnOnce(&mut Options),
    ) -> Fixture {
        postgres.psql("postgres", &format!("CREATE DATABASE {database}"));
        let url = format!("{}&application_name={database}", postgres.socket_url(database));
        let mut options = Options::new(&url, CREDENTIAL).unwrap();
        change(&mut options);
        let gateway = gateway::start(options).await.unwrap();
        Fixture { postgres: Some(postgres), ..Fixture::around(gateway, database) }
    }

    /// Another gateway before the same database.
    pub(crate) async fn beside(&self, change: impl FnOnce(&mut Options)) -> Fixture {
        let postgres = self.postgres.expect("the shared server");
        let mut options = Options::new(&postgres.socket_url(self.database), CREDENTIAL).unwrap();
        change(&mut options);
        let gateway = gateway::start(options).await.unwrap();
        Fixture { postgres: Some(postgres), ..Fixture::around(gateway, self.database) }
    }

    /// Around a gateway of the test's own making.
    pub(crate) fn around(gateway: Gateway, database: &'static str) -> Fixture {
        Fixture { database, postgres: None, gateway, client: client() }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address())
    }

    pub(crate) fn connection_string(&self) -> String {
        format!("postgresql://edge:{}@region.example.com/{}", CREDENTIAL.replace('/', "%2F"), self.database)
    }

    /// Asks `/sql` with a body and further headers.
    pub(crate) async fn post(&self, body: impl Into<Bytes>, headers: &[(&str, &str)]) -> Reply {
        let connection_string = self.connection_string();
        let mut all = vec![("Neon-Connection-String", connection_string.as_str())];
        all.extend(headers);
        self.send(Method::POST, "/sql", body, &all).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
        headers: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(self.url(path));
        for &(name, value) in headers {
            request = request.header(name, value);
        }
        let response = self.client.request(request.body(Full::new(body.into())).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        Reply { status: head.status, headers: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// One query, typed, rows as objects; its whole result.
    #[track_caller]
    pub(crate) fn query(&self, sql: &str) -> impl Future<Output = Value> {
        self.query_with(sql, json!([]), &[])
    }

    pub(crate) async fn query_with(&self, sql: &str, params: Value, headers: &[(&str, &str)]) -> Value {
        let reply = self.post(json!({"query": sql, "params": params}).to_string(), headers).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// One query that must fail with this SQLSTATE.
    pub(crate) async fn refused(&self, sql: &str, code: &str) -> Value {
        let reply = self.post(json!({"query": sql}).to_string(), &[]).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!(code)), "{}", reply.text());
        reply.json()
    }

    /// A counter or gauge from `/metrics`.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self.send(Method::GET, "/metrics", "", &[]).await.text();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("headland_gateway_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in\n{text}")).parse().unwrap()
    }

    /// Asks Postgres beside the gateway.
    pub(crate) fn psql(&self, sql: &str) -> String {
        self.postgres.expect("the shared server").psql(self.database, sql)
    }

    /// What Postgres says of the gateway's sessions, seen from beside the gateway.
    pub(crate) fn activity(&self, condition: &str) -> usize {
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND ({condition})",
            self.database
        );
        self.psql(&sql).parse().unwrap()
    }

    /// Waits until Postgres says so.
    pub(crate) async fn until_activity(&self, condition: &str, count: usize) {
        until(condition, async || self.activity(condition) == count).await;
    }
}

impl Reply {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).build_http()
}

/// Waits for what happens in the background, and fails if it does not.
pub(crate) async fn until(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !happened().await {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain for: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
