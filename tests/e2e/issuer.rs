//! An issuer that publishes its keys: tokens by them are accepted for one trip each, and it is asked once.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{
    Mode, Process, Reply, Runtime, START_TIMEOUT, get, headland, region, root, scratch, send, wrangler,
};
use crate::trips::Counted;
use crate::{Outcome, test};

/// RFC 8037 §A.2. The tokens are signed with the private key of §A.1, and claim `{"role":"authenticated"}`.
const KEY_SET: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
const TOKEN: &str = "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.rlMjfWU2JAKd08rwDWeFWRPC2aL6S7NpLDElzS5qDckrJanwAJbr6ShOIX7C33NZtLlpCW6MACy1x8PtbbxwCA";
/// Its `kid` is `unheard of`.
const UNKNOWN: &str = "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6InVuaGVhcmQgb2YifQ.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.jL3lMmTKBtFRJ5WJpxI8frsqRCNCJEH1bOGan0gakFPWL_TeiyGOt14bwkcXIpMESz0QBw9h6QLZ8uLN9TYwCA";

/// Without keys an instance asks every 5 s.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(15);
/// Longer than it takes to put the keys into KV after a response.
const AFTER_RESPONSE: Duration = Duration::from_millis(500);

/// Starts a runtime.
type Start = fn(&Issuer) -> anyhow::Result<Edge>;

pub(crate) fn tests() -> Vec<Trial> {
    let trial = |runtime: Runtime, start: Start| {
        let name = format!("{}::issuer_comes_and_goes", runtime.name());
        test(name, move || comes_and_goes(start)).with_ignored_flag(runtime.absent().is_some())
    };
    vec![trial(Runtime::EmulatorOverRegion, emulator), trial(Runtime::Workerd, workerd)]
}

fn comes_and_goes(start: Start) -> Outcome {
    let issuer = Issuer::start()?;
    let edge = start(&issuer)?;
    let outcome = edge.sees(&issuer);
    ensure!(edge.process.stop(), "did not end");
    outcome
}

/// A runtime whose policy names the issuer.
struct Edge {
    url: String,
    process: Process,
}

impl Edge {
    fn sees(&self, issuer: &Issuer) -> Outcome {
        // Down from the beginning: that concerns bearers of tokens alone.
        let reply = self.ask(TOKEN)?;
        ensure!((reply.status, reply.code()?.as_str()) == (503, "issuer_unavailable"), "{reply:?}");
        let seconds: u64 = reply.header("retry-after").context("no Retry-After")?.parse()?;
        ensure!((1..=5).contains(&seconds), "Retry-After is {seconds}");
        ensure!(get(&format!("{}/rest/v1/genres?limit=1", self.url))?.status == 200, "without a token");

        issuer.is_up.store(true, SeqCst);
        let deadline = Instant::now() + RECOVERY_TIMEOUT;
        while self.ask(TOKEN)?.status != 200 {
            ensure!(Instant::now() < deadline, "not well within {RECOVERY_TIMEOUT:?}");
            sleep(Duration::from_millis(200));
        }
        sleep(AFTER_RESPONSE);

        issuer.is_up.store(false, SeqCst);
        let asked = issuer.asked.load(SeqCst);
        let trips = Counted::now()?.requests;
        const REQUESTS: u64 = 10;
        for _ in 0..REQUESTS {
            let reply = self.ask(TOKEN)?;
            ensure!(reply.status == 200, "{reply:?}");
            let reply = self.ask(UNKNOWN)?;
            ensure!((reply.status, reply.code()?.as_str()) == (401, "PGRST301"), "{reply:?}");
        }
        ensure!(Counted::now()?.requests - trips == REQUESTS, "more or less than a trip each");
        ensure!(issuer.asked.load(SeqCst) == asked, "asked for keys that nobody has heard of");
        ensure!(issuer.published.load(SeqCst) == 1, "published {} times", issuer.published.load(SeqCst));
        Ok(())
    }

    fn ask(&self, token: &str) -> anyhow::Result<Reply> {
        let url = format!("{}/rest/v1/genres?select=id&id=eq.1", self.url);
        send("GET", &url, &[("authorization", token)], "")
    }
}

fn emulator(issuer: &Issuer) -> anyhow::Result<Edge> {
    let (url, connection) = region(Mode::Pass)?;
    let mut dev = headland()?;
    dev.args([
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--no-watch",
        "--region-url",
        &url,
        "--region-connection",
        &connection,
    ]);
    dev.arg("--state").arg(scratch("issuer")?).env_remove("DATABASE_URL").env_remove("JWT_SECRET");
    dev.env("SPIN_VARIABLE_HEADLAND_CONFIG", issuer.policy()).env("SPIN_VARIABLE_JWKS_HOST", &issuer.url);
    let process = Process::start(&mut dev)?;
    Ok(Edge { url: process.wait_for("listening on ", START_TIMEOUT)?, process })
}

fn workerd(issuer: &Issuer) -> anyhow::Result<Edge> {
    let (url, connection) = region(Mode::Pass)?;
    let policy = format!("HEADLAND_CONFIG:{}", issuer.policy());
    let vars = [format!("REGION_URL:{url}"), format!("REGION_CONNECTION:{connection}"), policy];
    let process = wrangler(root(), "wrangler.toml", &vars)?;
    let url = process.wait_for("Ready on ", START_TIMEOUT)?.trim_end_matches('/').to_owned();
    Ok(Edge { url, process })
}

/// A server that publishes keys while it is up, and counts.
struct Issuer {
    url: String,
    is_up: Arc<AtomicBool>,
    /// Requests.
    asked: Arc<AtomicU64>,
    /// Requests that were answered with the keys.
    published: Arc<AtomicU64>,
}

impl Issuer {
    fn start() -> anyhow::Result<Issuer> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let issuer = Issuer { url, is_up: Arc::default(), asked: Arc::default(), published: Arc::default() };
        let (is_up, asked, published) = (issuer.is_up.clone(), issuer.asked.clone(), issuer.published.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                asked.fetch_add(1, SeqCst);
                let is_up = is_up.load(SeqCst);
                if is_up {
                    published.fetch_add(1, SeqCst);
                }
                // Who asks may have stopped waiting.
                let _ = answer(stream, is_up);
            }
        });
        Ok(issuer)
    }

    fn policy(&self) -> String {
        format!("db-anon-role = 'anon'\ncatalog-max-age = 3600\njwt-jwks-url = '{}/jwks.json'\n", self.url)
    }
}

fn answer(mut stream: TcpStream, is_up: bool) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        line.clear();
    }
    let (status, body) = if is_up { ("200 OK", KEY_SET) } else { ("503 Service Unavailable", "") };
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
}
