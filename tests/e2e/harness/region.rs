//! The region as the edge sees it over a network that can be shaped: a TCP relay in front of the gateway, which a test
//! takes away, slows down, or replaces by something that talks nonsense.

use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::dev;

/// What the relay does with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To the gateway and back.
    Pass,
    /// To the gateway and back, [`SLOW`] later.
    Slow,
    /// Closes it at once.
    Down,
    /// Reads, and never answers.
    Silent,
    /// Answers 200 with HTML.
    Nonsense,
    /// Answers 200 with a body that ends too soon.
    Truncated,
    /// Answers 503 with `Retry-After`, as a gateway without room does.
    Full,
    /// Answers 502 with a page of its own, as a proxy before a dead gateway does.
    BadGateway,
}

/// How much later a slow region answers.
pub(crate) const SLOW: Duration = Duration::from_millis(700);

struct Relay {
    url: String,
    connection: String,
    mode: Mutex<Mode>,
    open: Mutex<Vec<TcpStream>>,
}

/// Sets what the relay does from now on, for open connections too; gives its URL and the connection string.
pub(crate) fn region(mode: Mode) -> anyhow::Result<(String, String)> {
    static RELAY: OnceLock<Arc<Relay>> = OnceLock::new();
    let relay = match RELAY.get() {
        Some(relay) => relay,
        None => {
            let relay = start()?;
            RELAY.get_or_init(|| relay)
        }
    };
    *relay.mode.lock().unwrap() = mode;
    for stream in relay.open.lock().unwrap().drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
    Ok((relay.url.clone(), relay.connection.clone()))
}

fn start() -> anyhow::Result<Arc<Relay>> {
    let dev = dev()?;
    let gateway = dev.region_url.strip_prefix("http://").context("the gateway's URL is not http")?.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let connection = dev.region_connection;
    let relay = Arc::new(Relay { url, connection, mode: Mutex::new(Mode::Pass), open: Mutex::default() });
    let serving = relay.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (relay, gateway) = (serving.clone(), gateway.clone());
            thread::spawn(move || relay.serve(stream, &gateway));
        }
    });
    Ok(relay)
}

impl Relay {
    fn serve(&self, mut edge: TcpStream, gateway: &str) -> std::io::Result<()> {
        self.open.lock().unwrap().push(edge.try_clone()?);
        let mode = *self.mode.lock().unwrap();
        let answer = match mode {
            Mode::Pass => return relay(edge, TcpStream::connect(gateway)?),
            Mode::Slow => {
                let gateway = TcpStream::connect(gateway)?;
                thread::sleep(SLOW);
                return relay(edge, gateway);
            }
            Mode::Down => return edge.shutdown(Shutdown::Both),
            Mode::Silent => return copy(&mut edge, &mut std::io::sink()).map(drop),
            Mode::Nonsense => "200 OK\r\ncontent-length: 20\r\n\r\n<html>It works!</h1>",
            Mode::Truncated => "200 OK\r\nheadland-raw: true\r\ncontent-length: 2000\r\n\r\n[{\"title\":",
            Mode::Full => {
                "503 Service Unavailable\r\nretry-after: 2\r\ncontent-length: 33\r\n\r\n{\"code\":\"53300\",\"message\":\"full\"}"
            }
            Mode::BadGateway => "502 Bad Gateway\r\ncontent-length: 11\r\n\r\nBad gateway",
        };
        let mut request = [0; 64 * 1024];
        let _ = edge.read(&mut request)?;
        write!(edge, "HTTP/1.1 {answer}")?;
        edge.shutdown(Shutdown::Both)
    }
}

fn relay(edge: TcpStream, gateway: TcpStream) -> std::io::Result<()> {
    let (mut from_edge, mut to_gateway) = (edge.try_clone()?, gateway.try_clone()?);
    let there = thread::spawn(move || {
        let _ = copy(&mut from_edge, &mut to_gateway);
        let _ = to_gateway.shutdown(Shutdown::Both);
    });
    let (mut from_gateway, mut to_edge) = (gateway, edge);
    let _ = copy(&mut from_gateway, &mut to_edge);
    let _ = to_edge.shutdown(Shutdown::Both);
    let _ = there.join();
    Ok(())
}
