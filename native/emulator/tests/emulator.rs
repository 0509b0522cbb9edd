//! The emulator with components written by hand: what happens to one that traps, loops, wants too much, or changes.
//!
//! These are WASI HTTP 0.2 components without a response, as one is long in text form: a component that ends in peace gives
//! `component_no_response`. What opens a store is of 0.3 (store.wat); components with requests of their own are run end to end by the
//! tests/ package.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use emulator::{Emulator, ErrorKind, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// Ends in peace.
const QUIET: &str = "";
/// Traps the first time in each instance.
const TRAP_ONCE: &str = "(if (i32.eqz (global.get $calls)) (then (global.set $calls (i32.const 1)) unreachable))";
/// Traps the second time in each instance, after it has looked for what is in no store.
const TRAP_SECOND: &str = "(call $exists (local.get $store) (i32.const 16) (i32.const 7) (i32.const 64))
    (if (i32.load (i32.const 2048)) (then unreachable))
    (i32.store (i32.const 2048) (i32.const 1))";
/// Never ends.
const LOOP: &str = "(loop $again (br $again))";
/// Asks for 64 MiB, and traps if it does not get them.
const GROW: &str = "(if (i32.eq (memory.grow (i32.const 1024)) (i32.const -1)) (then unreachable))";

/// Traps if there is a value. A call's outcome is at 64, and what `exists` gives at 68.
const TRAP_IF_SET: &str = "(call $exists (local.get $store) (i32.const 16) (i32.const 7) (i32.const 64))
    (if (i32.load8_u (i32.const 68)) (then unreachable))";
/// Sets the value.
const SET: &str =
    "(call $set (local.get $store) (i32.const 16) (i32.const 7) (i32.const 16) (i32.const 7) (i32.const 64))";
/// Deletes it.
const DELETE: &str = "(call $delete (local.get $store) (i32.const 16) (i32.const 7) (i32.const 64))";

/// A folder with a manifest and components, deleted at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, components: &[(&str, &str)]) -> Folder {
        let path = std::env::temp_dir().join(format!("emulator-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("created");
        let folder = Folder(path.canonicalize().expect("exists"));
        let mut manifest = "spin_manifest_version = 2\napplication = { name = \"test\" }\n".to_owned();
        for (name, body) in components {
            folder.write(&format!("{name}.wasm"), component(body));
            manifest += &format!(
                "[[trigger.http]]\nroute = \"/{name}/...\"\ncomponent = \"{name}\"\n\
                 [component.{name}]\nkey_value_stores = [\"default\"]\nsource = \"{name}.wasm\"\n"
            );
        }
        folder.write("spin.toml", manifest);
        folder
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.0.join(name), content).expect("written");
    }

    fn append(&self, name: &str, content: &str) {
        let text = fs::read_to_string(self.0.join(name)).expect("read");
        self.write(name, text + content);
    }

    fn options(&self) -> Options {
        let mut options = Options::new(self.0.join("spin.toml"));
        options.listen = "127.0.0.1:0".parse().expect("an address");
        options
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn component(body: &str) -> Vec<u8> {
    if body.contains("$store") {
        return wat::parse_str(include_str!("store.wat").replace("BODY", body)).expect("valid");
    }
    let text = format!(
        r#"(component
            (import "wasi:http/types@0.2.0" (instance $types
                (export "incoming-request" (type (sub resource)))
                (export "response-outparam" (type (sub resource)))))
            (alias export $types "incoming-request" (type $request))
            (alias export $types "response-outparam" (type $outparam))
            (core module $code
                (global $calls (mut i32) (i32.const 0))
                (memory 1)
                (func (export "handle") (param i32 i32) {body}))
            (core instance $code (instantiate $code))
            (func $handle (param "request" (own $request)) (param "response-out" (own $outparam))
                (canon lift (core func $code "handle")))
            (instance $handler (export "handle" (func $handle)))
            (export "wasi:http/incoming-handler@0.2.0" (instance $handler)))"#
    );
    wat::parse_str(text).expect("valid")
}

/// A connection from another address of this machine.
async fn connect_from(address: &str, edge: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(format!("{address}:0").parse().expect("an address")).expect("bound");
    socket.connect(edge).await.expect("connected")
}

/// Status and body.
async fn get(emulator: &Emulator, path: &str) -> (u16, String) {
    get_from("127.0.0.1", emulator.addresses()[0], path).await
}

async fn get_from(address: &str, edge: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = connect_from(address, edge).await;
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut response = String::new();
    stream.read_to_string(&mut response).await.expect("answered");
    let status = response
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .unwrap_or_else(|| panic!("no status in {response}"));
    (status, response.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

#[track_caller]
fn check((status, body): &(u16, String), expected: u16, code: &str) {
    assert!(*status == expected && body.contains(&format!(r#""code":"{code}""#)), "{status} {body}");
}

#[tokio::test]
async fn err_trap_then_a_fresh_instance() {
    let folder = Folder::new("trap", &[("trap", TRAP_ONCE)]);
    let emulator = emulator::start(folder.options()).await.expect("started");
    for _ in 0..3 {
        check(&get(&emulator, "/trap").await, 500, "component_trapped");
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn err_no_response_route_or_room_in_the_uri() {
    let folder = Folder::new("refusals", &[("quiet", QUIET)]);
    let emulator = emulator::start(folder.options()).await.expect("started");
    check(&get(&emulator, "/quiet").await, 500, "component_no_response");
    check(&get(&emulator, "/quieter").await, 404, "route_not_found");
    check(&get(&emulator, &format!("/quiet?{}", "x".repeat(32 << 10))).await, 414, "uri_too_long");
    let long = 32 * 1024 - "/quiet?".len();
    check(&get(&emulator, &format!("/quiet?{}", "x".repeat(long))).await, 500, "component_no_response");
    assert_eq!(get(&emulator, &format!("/quiet?{}", "x".repeat(80 << 10))).await.0, 431);
    assert_eq!(get(&emulator, "/.well-known/spin/health").await, (200, "OK".to_owned()));
    emulator.shutdown().await;
}

#[tokio::test]
async fn err_memory() {
    let folder = Folder::new("memory", &[("grow", GROW)]);
    let mut options = folder.options();
    options.memory_bytes_max = 64 << 20;
    let emulator = emulator::start(options.clone()).await.expect("started");
    check(&get(&emulator, "/grow").await, 500, "component_memory_exceeded");
    emulator.shutdown().await;
    // A page of its own and 1024 more are exactly this.
    options.memory_bytes_max = 1025 << 16;
    let emulator = emulator::start(options).await.expect("started");
    check(&get(&emulator, "/grow").await, 500, "component_no_response");
    emulator.shutdown().await;
}

/// On one thread, where nothing would go on if the loop did not give way.
#[tokio::test]
async fn err_endless_loop_stops_nobody_else() {
    let folder = Folder::new("loop", &[("loop", LOOP), ("quiet", QUIET)]);
    let mut options = folder.options();
    options.cpu_time_max = Duration::from_millis(500);
    let emulator = emulator::start(options).await.expect("started");
    let others = async {
        for _ in 0..10 {
            let start = Instant::now();
            check(&get(&emulator, "/quiet").await, 500, "component_no_response");
            assert!(start.elapsed() < Duration::from_millis(400), "{:?}", start.elapsed());
        }
    };
    let (looped, ()) = tokio::join!(get(&emulator, "/loop"), others);
    check(&looped, 500, "component_cpu_exceeded");
    emulator.shutdown().await;
}

#[tokio::test]
async fn err_late() {
    let folder = Folder::new("late", &[("loop", LOOP)]);
    let mut options = folder.options();
    options.request_timeout = Duration::from_millis(300);
    let emulator = emulator::start(options).await.expect("started");
    let start = Instant::now();
    check(&get(&emulator, "/loop").await, 504, "component_timed_out");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    emulator.shutdown().await;
}

#[tokio::test]
async fn err_too_many_at_once() {
    let folder = Folder::new("overload", &[("loop", LOOP), ("quiet", QUIET)]);
    let mut options = folder.options();
    options.requests_max = 1;
    options.request_timeout = Duration::from_millis(800);
    let emulator = emulator::start(options).await.expect("started");
    let second = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        get(&emulator, "/quiet").await
    };
    let (first, second) = tokio::join!(get(&emulator, "/loop"), second);
    check(&first, 504, "component_timed_out");
    check(&second, 503, "overloaded");
    check(&get(&emulator, "/quiet").await, 500, "component_no_response");
    emulator.shutdown().await;
}

#[tokio::test]
async fn err_more_requests_than_an_address_may_have() {
    let folder = Folder::new("share", &[("loop", LOOP), ("quiet", QUIET)]);
    let mut options = folder.options();
    options.requests_per_address_max = 1;
    options.request_timeout = Duration::from_millis(800);
    let emulator = emulator::start(options).await.expect("started");
    let others = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        check(&get(&emulator, "/quiet").await, 503, "overloaded");
        check(&get_from("127.0.0.2", emulator.addresses()[0], "/quiet").await, 500, "component_no_response");
    };
    let (first, ()) = tokio::join!(get(&emulator, "/loop"), others);
    check(&first, 504, "component_timed_out");
    emulator.shutdown().await;
}

#[tokio::test]
async fn ok_slow_clients_hold_their_share_and_no_more() {
    let folder = Folder::new("slow", &[("quiet", QUIET)]);
    let mut options = folder.options();
    options.connections_max = 20;
    options.connections_per_address_max = 10;
    options.idle_timeout = Duration::from_secs(3);
    options.head_timeout = Duration::from_secs(3);
    options.take_timeout = Duration::from_secs(3);
    let emulator = emulator::start(options).await.expect("started");
    let start = Instant::now();
    // One says nothing, one says too little, one asks more than the kernel holds answers to, and reads none of them.
    let asked = "GET /.well-known/spin/health HTTP/1.1\r\nhost: test\r\n\r\n".repeat(1 << 18);
    let mut slow = Vec::new();
    for sent in ["", "GET /quiet HTTP/1.1\r\n", &asked].into_iter().cycle().take(14) {
        let mut stream = connect_from("127.0.0.2", emulator.addresses()[0]).await;
        let sent = sent.to_owned();
        slow.push(tokio::spawn(async move {
            let _ = stream.write_all(sent.as_bytes()).await;
            stream
        }));
    }
    check(&get(&emulator, "/quiet").await, 500, "component_no_response");
    assert!(start.elapsed() < Duration::from_secs(3), "not answered while they are held: {:?}", start.elapsed());
    for task in slow {
        let mut answer = Vec::new();
        // Closed in the one way or the other.
        let _ = task.await.expect("sent or refused").read_to_end(&mut answer).await;
        let count = answer.windows(9).filter(|text| text == b"HTTP/1.1 ").count();
        assert!(count < 1 << 18, "all was answered");
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    emulator.shutdown().await;
}

#[tokio::test]
async fn ok_a_build_that_fails_changes_nothing() {
    let folder = Folder::new("build", &[("a", QUIET)]);
    folder.append(
        "spin.toml",
        "build = { command = \"cat message; cp source.bin a.wasm\", watch = [\"source.*\", \"message\"] }\n",
    );
    let mut options = folder.options();
    options.watch = true;
    let emulator = emulator::start(options).await.expect("started");
    check(&get(&emulator, "/a").await, 500, "component_no_response");

    // `message` is missing, but `cp` decides: it succeeds with what is not a component.
    folder.write("source.bin", "not wasm");
    unchanged(&emulator).await;
    fs::remove_file(folder.0.join("source.bin")).expect("removed");
    folder.write("message", "no source");
    unchanged(&emulator).await;

    folder.write("source.bin", component(TRAP_ONCE));
    until(&emulator, "/a", "component_trapped").await;
    emulator.shutdown().await;
}

#[tokio::test]
async fn ok_manifest_and_wasm_are_loaded_anew() {
    let folder = Folder::new("reload", &[("a", QUIET)]);
    let mut options = folder.options();
    options.watch = true;
    let emulator = emulator::start(options).await.expect("started");
    folder.append("spin.toml", "[[trigger.http]]\nroute = \"/b\"\ncomponent = \"a\"\n");
    until(&emulator, "/b", "component_no_response").await;
    folder.append("spin.toml", "[[trigger.http]]\nroute = \"/c\"\ncomponent = \"nowhere\"\n");
    folder.write("a.wasm", component(TRAP_ONCE));
    unchanged(&emulator).await;
    let manifest = fs::read_to_string(folder.0.join("spin.toml")).expect("read");
    folder.write("spin.toml", manifest.replace("nowhere", "a"));
    until(&emulator, "/c", "component_trapped").await;
    emulator.shutdown().await;
}

#[tokio::test]
async fn ok_absent_wasm_is_built_where_sources_are_watched() {
    let folder = Folder::new("absent", &[("a", QUIET)]);
    folder.append("spin.toml", "build = { command = \"cp source.bin a.wasm\" }\n");
    fs::rename(folder.0.join("a.wasm"), folder.0.join("source.bin")).expect("renamed");
    let error = emulator::start(folder.options()).await.err().expect("refused");
    assert!(
        error.kind() == ErrorKind::Component && error.to_string().contains("build it with `cp source.bin a.wasm`"),
        "{error}"
    );
    let mut options = folder.options();
    options.watch = true;
    emulator::start(options).await.expect("started").shutdown().await;
}

#[tokio::test]
async fn err_start() {
    let folder = Folder::new("start", &[("a", QUIET)]);
    let refused = async |expected: ErrorKind, text: &str| {
        let error = emulator::start(folder.options()).await.err().expect("refused");
        assert!(error.kind() == expected && error.to_string().contains(text), "{error}");
    };
    folder.write("a.wasm", "not wasm");
    refused(ErrorKind::Component, "component `a`").await;
    folder.write(
        "a.wasm",
        wat::parse_str(r#"(component (import "spin:sqlite/sqlite" (instance (export "open" (func)))))"#)
            .expect("valid"),
    );
    refused(ErrorKind::Component, "spin:sqlite/sqlite").await;
    folder.write("a.wasm", wat::parse_str("(component)").expect("valid"));
    refused(ErrorKind::Component, "component `a`: it handles no HTTP requests").await;
    folder.append("spin.toml", "[variables]\nurl = { required = true }\n");
    refused(ErrorKind::Variable, "`url` (or `SPIN_VARIABLE_URL` in the environment)").await;
    folder.write("spin.toml", "nonsense");
    refused(ErrorKind::Manifest, "spin.toml").await;
}

#[tokio::test]
async fn ok_restart_reuses_state_and_a_second_one_may_not() {
    let folder = Folder::new("restart", &[("a", QUIET)]);
    let first = emulator::start(folder.options()).await.expect("started");
    let error = emulator::start(folder.options()).await.err().expect("refused");
    assert!(error.kind() == ErrorKind::State && error.to_string().contains("another emulator"), "{error}");
    // An instance is still warm, and must not keep the database open.
    get(&first, "/a").await;
    first.shutdown().await;
    let second = emulator::start(folder.options()).await.expect("started again");
    check(&get(&second, "/a").await, 500, "component_no_response");
    second.shutdown().await;
}

#[tokio::test]
async fn ok_edges_share_a_store_and_see_it_with_its_delay() {
    const DELAY: Duration = Duration::from_millis(200);
    let folder = Folder::new("edges", &[("set", SET), ("delete", DELETE), ("is-unset", TRAP_IF_SET)]);
    let mut options = folder.options();
    (options.edges, options.kv_delay) = (2, DELAY);
    let emulator = emulator::start(options).await.expect("started");
    let ask = async |edge: usize, path: &str| get_from("127.0.0.1", emulator.addresses()[edge], path).await;
    for (path, now, before) in [
        ("/set", "component_trapped", "component_no_response"),
        ("/delete", "component_no_response", "component_trapped"),
    ] {
        let start = Instant::now();
        check(&ask(0, path).await, 500, "component_no_response");
        check(&ask(0, "/is-unset").await, 500, now);
        while ask(1, "/is-unset").await.1.contains(before) {
            assert!(start.elapsed() < DELAY * 10, "{path} is never seen by the other edge");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(start.elapsed() >= DELAY, "{path} is seen by the other edge after {:?}", start.elapsed());
    }
    emulator.shutdown().await;
}

/// On one thread, where an edge would meet the other's instance if they shared any.
#[tokio::test]
async fn ok_edges_share_no_instance() {
    let folder = Folder::new("instances", &[("count", TRAP_SECOND)]);
    let mut options = folder.options();
    (options.edges, options.threads) = (2, 1);
    let emulator = emulator::start(options).await.expect("started");
    for (edge, code) in [(0, "component_no_response"), (1, "component_no_response"), (0, "component_trapped")] {
        check(&get_from("127.0.0.1", emulator.addresses()[edge], "/count").await, 500, code);
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn err_too_many_edges() {
    let folder = Folder::new("many", &[("quiet", QUIET)]);
    let mut options = folder.options();
    options.edges = emulator::EDGES_MAX;
    emulator::start(options.clone()).await.expect("started").shutdown().await;
    options.edges += 1;
    let error = emulator::start(options).await.err().expect("refused");
    assert_eq!(error.kind(), ErrorKind::Listen, "{error}");
}

/// Nothing changes while the watcher has had time to see and to act.
async fn unchanged(emulator: &Emulator) {
    tokio::time::sleep(Duration::from_millis(600)).await;
    check(&get(emulator, "/a").await, 500, "component_no_response");
}

/// Asks until the answer is the one of the new version.
async fn until(emulator: &Emulator, path: &str, code: &str) {
    let start = Instant::now();
    while !get(emulator, path).await.1.contains(code) {
        assert!(start.elapsed() < Duration::from_secs(10), "{path} is never answered with {code}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
