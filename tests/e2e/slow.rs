//! Clients that send slowly or without end, and clients that do not take what they asked for: while they are held,
//! others are served, and then they are cut off. With less patience the same is tested beside the code, in
//! native/connections and in the tests of the emulator and the gateway.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Process, START_TIMEOUT, dev, get, headland, scratch};
use crate::{Outcome, test};

/// Slow clients of each kind, at each server.
const CLIENTS: usize = 50;
/// The longest deadline of the edge and the gateway, seen as late as it may be.
const LONGEST: Duration = Duration::from_secs(20 + 10 + 5);
/// Longest that others wait for an answer, on a machine with other work.
const ANSWER: Duration = Duration::from_secs(5);
/// More than any server takes of a body.
const ENDLESS: usize = 256 << 20;
/// What of the process may be more while slow clients are held: their requests and responses, and not what they send, which
/// is twice this. 60 to 160 MB were seen: the untaken responses are a few megabytes each, at the edge and in the gateway.
const GROWTH_KB: u64 = (ENDLESS >> 10) as u64;

pub(crate) fn tests() -> Vec<Trial> {
    vec![test("emulator::slow_clients_hold_nobody_up", hold_nobody_up)]
}

/// One server, and what a slow client says to it.
struct Server {
    name: &'static str,
    address: String,
    /// A request's head that has a body, without its end.
    head: String,
    /// A request whose response is long.
    asking: String,
}

fn hold_nobody_up() -> Outcome {
    let state = scratch("slow")?;
    let mut command = headland()?;
    command.args(["dev", "--listen", "127.0.0.1:0", "--no-watch", "--database-url", &dev()?.database_url]);
    let process = Process::start(command.arg("--state").arg(&state))?;
    let url = process.wait_for("listening on ", START_TIMEOUT)?;
    let read = format!("{url}/rest/v1/movies?select=title&id=eq.1");
    ensure!(get(&read)?.status == 200, "not well before");
    let before = resident_kb(&process)?;

    let servers = servers(&url, &fs::read_to_string(state.join("region.env"))?)?;
    let unread: Vec<_> = servers.iter().map(not_taking).collect::<Result<_, _>>()?;
    let slow: Vec<_> = servers.iter().map(|server| (server.name, Slow::start(server))).collect();
    let endless: Vec<_> = servers.iter().map(|server| (server.name, send_without_end(server))).collect();
    while !slow.iter().all(|(_, slow)| slow.is_finished()) {
        let start = Instant::now();
        let reply = get(&read)?;
        ensure!(reply.status == 200 && start.elapsed() < ANSWER, "{} after {:?}", reply.status, start.elapsed());
        let grown = resident_kb(&process)?.saturating_sub(before);
        ensure!(grown < GROWTH_KB, "{grown} KB more");
        sleep(Duration::from_millis(200));
    }
    drop(unread);
    for (name, outcome) in endless {
        let answer = outcome.join().expect("no panic")?;
        ensure!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{name}, endless body: {answer}");
    }
    for (name, slow) in slow {
        slow.join().with_context(|| name)?;
    }
    ensure!(process.stop(), "did not end");
    Ok(())
}

fn servers(edge: &str, region: &str) -> anyhow::Result<[Server; 2]> {
    let value = |name: &str| {
        let line = region.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.with_context(|| format!("region.env has no {name}"))
    };
    let address = |url: &str| url.trim_start_matches("http://").to_owned();
    let post = |path: &str| format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n");
    let sql = format!("{}neon-connection-string: {}\r\n", post("/sql"), value("REGION_CONNECTION")?);
    let query = r#"{"query": "select repeat('x', 4000000)"}"#;
    Ok([
        Server {
            name: "edge",
            address: address(edge),
            head: post("/rest/v1/reviews"),
            asking: "GET /rest/v1/movies HTTP/1.1\r\nhost: test\r\n\r\n".repeat(8),
        },
        Server {
            name: "gateway",
            address: address(value("REGION_URL")?),
            asking: format!("{sql}content-length: {}\r\n\r\n{query}", query.len()),
            head: sql,
        },
    ])
}

/// Asks for much, and takes nothing of it for as long as these are kept.
fn not_taking(server: &Server) -> anyhow::Result<Vec<TcpStream>> {
    let ask = |_| {
        let mut stream = TcpStream::connect(&server.address)?;
        stream.write_all(server.asking.as_bytes())?;
        Ok(stream)
    };
    // Few, as each may hold several megabytes.
    (0..8).map(ask).collect()
}

/// A chunked body at full speed; gives what is answered.
fn send_without_end(server: &Server) -> thread::JoinHandle<std::io::Result<String>> {
    let (address, head) = (server.address.clone(), server.head.clone());
    thread::spawn(move || {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "{head}transfer-encoding: chunked\r\n\r\n")?;
        let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
        let sent = (0..ENDLESS / chunk.len()).all(|_| stream.write_all(chunk.as_bytes()).is_ok());
        if sent {
            return Err(std::io::Error::other("all of it was taken"));
        }
        let mut answer = String::new();
        // What was answered is lost where the rest of the body met a closed connection.
        let _ = stream.read_to_string(&mut answer);
        Ok(answer)
    })
}

/// Clients that send a byte now and then, each until it is cut off.
struct Slow(thread::JoinHandle<Outcome>);

impl Slow {
    fn start(server: &Server) -> Slow {
        let (address, head) = (server.address.clone(), server.head.clone());
        Slow(thread::spawn(move || {
            let heads = held(&address, &head)?;
            let bodies = held(&address, &format!("{head}content-length: 100000\r\n\r\n"))?;
            let answers = trickle(heads.into_iter().chain(bodies).collect())?;
            let (heads, bodies) = answers.split_at(CLIENTS);
            ensure!(heads.iter().all(String::is_empty), "heads: {heads:?}");
            ensure!(bodies.iter().all(|answer| answer.starts_with("HTTP/1.1 408")), "bodies: {bodies:?}");
            Ok(())
        }))
    }

    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }

    fn join(self) -> Outcome {
        self.0.join().expect("no panic")
    }
}

/// Connections on which this has been sent.
fn held(address: &str, sent: &str) -> std::io::Result<Vec<TcpStream>> {
    let hold = |_| {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(sent.as_bytes())?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    };
    (0..CLIENTS).map(hold).collect()
}

/// Sends byte after byte on all of them until all are closed; gives what each was answered.
fn trickle(mut streams: Vec<TcpStream>) -> anyhow::Result<Vec<String>> {
    let deadline = Instant::now() + LONGEST;
    let mut answers = vec![Vec::new(); streams.len()];
    let mut is_open = vec![true; streams.len()];
    while is_open.contains(&true) {
        let open = is_open.iter().filter(|is_open| **is_open).count();
        ensure!(Instant::now() < deadline, "{open} are held after {LONGEST:?}");
        for ((stream, answer), is_open) in streams.iter_mut().zip(&mut answers).zip(&mut is_open) {
            let _ = stream.write_all(b"x");
            *is_open = *is_open && stream.read_to_end(answer).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        }
        sleep(Duration::from_millis(250));
    }
    Ok(answers.into_iter().map(|answer| String::from_utf8_lossy(&answer).into_owned()).collect())
}

/// Memory that a process holds.
fn resident_kb(process: &Process) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
