//! Somebody who writes the database without the gateway that the tests go through.

use anyhow::{Context, ensure};
use serde_json::json;

use super::{Process, START_TIMEOUT, dev, headland, scratch, send};
use crate::Outcome;

/// A gateway that knows the superuser's password, to change the schema past the edge.
pub(crate) struct Superuser {
    /// Ended when it is dropped.
    _gateway: Process,
    url: String,
    connection: String,
}

impl Superuser {
    pub(crate) fn start() -> anyhow::Result<Superuser> {
        const CREDENTIAL: &str = "superuser";
        let database_url = dev()?.database_url;
        let database = database_url.rsplit('/').next().context("a URL without a database")?;
        let connection = format!("postgresql://edge:{CREDENTIAL}@localhost/{database}");
        let own_url = std::fs::read_to_string(scratch("state-0")?.join("postgres/url"))?;
        let mut command = headland()?;
        command.args(["gateway", "--listen", "127.0.0.1:0"]);
        command.env("DATABASE_URL", own_url.trim()).env("HEADLAND_CREDENTIAL", CREDENTIAL);
        let gateway = Process::start(&mut command)?;
        let url = gateway.wait_for("listening on ", START_TIMEOUT)?;
        Ok(Superuser { _gateway: gateway, url, connection })
    }

    /// Runs one statement.
    pub(crate) fn run(&self, statement: &str) -> Outcome {
        let headers = [("neon-connection-string", self.connection.as_str())];
        let body = json!({ "query": statement }).to_string();
        let reply = send("POST", &format!("{}/sql", self.url), &headers, &body)?;
        ensure!(reply.status == 200, "{statement}: {}", reply.body);
        Ok(())
    }
}
