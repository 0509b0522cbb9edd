//! The gateway as its callers see it: SQL over HTTP.

use std::future;
use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use gateway::Gateway;
use hyper::{Request, StatusCode};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Handle};
use url::Url;

use crate::http;
use crate::secret;

/// Where a gateway listens, and with what it lets one in.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    address: SocketAddr,
    /// What edge functions send as `Neon-Connection-String`.
    pub(crate) connection: String,
}

/// One statement; its parameters are text.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Statement<'a> {
    query: &'a str,
    params: &'a [&'a str],
}

/// A row: text or null per column.
pub(crate) type Row = Vec<Option<String>>;

/// Who changes a table looks at what becomes of it a moment later.
const CATALOG_WATCH: Duration = Duration::from_millis(250);

/// Starts a gateway for `database_url` on a free port of this machine, with a credential of this moment. It hears of writers
/// where the database has been prepared to tell of them.
pub(crate) async fn open(database_url: &str, shutdown_grace: Duration) -> anyhow::Result<(Gateway, Region)> {
    let mut options = gateway::Options::new(database_url, &secret::token()?)?;
    options.shutdown_grace = shutdown_grace;
    options.catalog_watch = Some(CATALOG_WATCH);
    options.writers = gateway::prepared(database_url).await.context("cannot use the database")?;
    let mut connection: Url = "postgresql://localhost".parse()?;
    let named =
        connection.set_username(&options.user).and_then(|()| connection.set_password(Some(&options.credential)));
    named.map_err(|()| anyhow::anyhow!("a URL without a host"))?;
    connection.set_path(&options.database);
    let gateway = thread()?.spawn(gateway::start(options)).await??;
    let region = Region { address: gateway.address(), connection: connection.into() };
    Ok((gateway, region))
}

/// A thread of the gateway's own. On those of the emulator, requests to the gateway would queue behind the components
/// that wait for them; and one thread serves more of them than a developer's machine can send.
fn thread() -> io::Result<Handle> {
    static THREAD: OnceLock<Handle> = OnceLock::new();
    if let Some(thread) = THREAD.get() {
        return Ok(thread.clone());
    }
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new().name("gateway".to_owned()).spawn(move || runtime.block_on(future::pending::<()>()))?;
    Ok(THREAD.get_or_init(|| handle).clone())
}

impl<'a> Statement<'a> {
    /// `params` are what `$1` and so on stand for.
    pub(crate) fn new(query: &'a str, params: &'a [&'a str]) -> Statement<'a> {
        Statement { query, params }
    }
}

impl Region {
    /// The gateway's base URL.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Runs one statement and returns its rows.
    pub(crate) async fn query(&self, query: &str, params: &[&str]) -> anyhow::Result<Vec<Row>> {
        #[derive(Deserialize)]
        struct Answer {
            rows: Vec<Row>,
        }
        let body = serde_json::to_vec(&Statement::new(query, params))?;
        let answer: Answer = serde_json::from_slice(&self.send(body).await?)?;
        Ok(answer.rows)
    }

    /// Runs all statements in one transaction.
    pub(crate) async fn transaction(&self, queries: &[Statement<'_>]) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct Batch<'a> {
            queries: &'a [Statement<'a>],
        }
        self.send(serde_json::to_vec(&Batch { queries })?).await.map(drop)
    }

    async fn send(&self, body: Vec<u8>) -> anyhow::Result<hyper::body::Bytes> {
        let request = Request::post("/sql")
            .header("neon-connection-string", &self.connection)
            .header("neon-raw-text-output", "true")
            .header("neon-array-mode", "true")
            .body(body.into())?;
        let (status, body) = http::send(self.address, request).await?;
        anyhow::ensure!(
            status == StatusCode::OK,
            "{}",
            reason(&body).with_context(|| format!("the gateway answers {status}"))?
        );
        Ok(body)
    }
}

/// What the error body says: Postgres' own message, or the gateway's.
fn reason(body: &[u8]) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct Error {
        #[serde(alias = "msg")]
        message: String,
    }
    Ok(serde_json::from_slice::<Error>(body)?.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_reasons() {
        assert_eq!(reason(br#"{"message":"no","code":"42601"}"#).unwrap(), "no");
        assert_eq!(reason(br#"{"msg":"no"}"#).unwrap(), "no");
        reason(b"<html>").unwrap_err();
    }

    #[test]
    fn ok_statements_are_what_the_protocol_wants() {
        let text = serde_json::to_string(&Statement::new("select $1", &["1"])).unwrap();
        assert_eq!(text, r#"{"query":"select $1","params":["1"]}"#);
    }
}
