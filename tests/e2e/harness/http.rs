//! HTTP as a client speaks it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use serde_json::Value;

/// Longest that any request of a test may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A response, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    /// A header's value; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("status {}, body {:?}", self.status, self.body))
    }

    /// The error code in the body.
    pub(crate) fn code(&self) -> anyhow::Result<String> {
        let code = self.json()?["code"].as_str().map(str::to_owned);
        code.with_context(|| format!("status {} without a code: {:?}", self.status, self.body))
    }
}

/// `GET url`.
pub(crate) fn get(url: &str) -> anyhow::Result<Reply> {
    send("GET", url, &[], "")
}

/// One request. A status is never an error.
pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<Reply> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(Client::default).send(method, url, headers, body)
}

/// A client with connections of its own: one for each server and thread that uses it, kept from one request to the next.
pub(crate) struct Client(ureq::Agent);

impl Default for Client {
    fn default() -> Client {
        let config = ureq::Agent::config_builder();
        Client(config.http_status_as_error(false).timeout_global(Some(TIMEOUT)).max_redirects(0).build().into())
    }
}

impl Client {
    /// One request. A status is never an error.
    pub(crate) fn send(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<Reply> {
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = match body {
            "" => self.0.run(request.body(())?),
            body => self.0.run(request.body(body)?),
        };
        let (head, mut body) = response.with_context(|| format!("{method} {url}"))?.into_parts();
        let text = |value: &ureq::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let bytes = body.with_config().limit(64 << 20).read_to_vec()?;
        Ok(Reply { status: head.status.as_u16(), headers, body: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

/// Sends bytes as they are on a connection of their own, and gives all that comes back until it is closed.
pub(crate) fn exchange_raw(address: &str, request: &[u8]) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
