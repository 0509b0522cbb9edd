//! The server that the behaviour suite of `edge` fetches from; its answers are described in shared/edge/src/suite.rs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

/// Longer than the suite's `SLOW`.
const SLOW: Duration = Duration::from_millis(2_100);
/// The suite's `BIG_BYTES`.
const BIG_BYTES: usize = 3_000_000;

/// Its base URL; it runs as long as the tests do.
pub(crate) fn upstream() -> anyhow::Result<String> {
    static URL: OnceLock<String> = OnceLock::new();
    if let Some(url) = URL.get() {
        return Ok(url.clone());
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    Ok(URL.get_or_init(|| url).clone())
}

/// Answers requests on one connection until the client leaves.
fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut writer = stream;
    while let Some(request) = read(&mut reader)? {
        let (head, body) = match request.path.as_str() {
            "/echo" => (format!("200 OK\r\nx-probe: {}", request.probe), request.body),
            "/status" => ("503 Service Unavailable\r\nretry-after: 7".into(), vec![]),
            "/big" => ("200 OK".into(), vec![b'x'; BIG_BYTES]),
            "/slow" => {
                thread::sleep(SLOW);
                ("200 OK".into(), vec![])
            }
            _ => ("404 Not Found".into(), vec![]),
        };
        write!(writer, "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len())?;
        writer.write_all(&body)?;
    }
    Ok(())
}

struct Request {
    path: String,
    probe: String,
    body: Vec<u8>,
}

fn read(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut length, mut chunked, mut probe) = (0, false, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            None => break,
            Some((name, value)) => match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "transfer-encoding" => chunked = true,
                "x-probe" => probe = value.trim().to_owned(),
                _ => {}
            },
        }
    }
    let body = if chunked { read_chunks(reader)? } else { read_exactly(reader, length)? };
    Ok(Some(Request { path, probe, body }))
}

/// RFC 9112 §7.1, without trailers.
fn read_chunks(reader: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let length = usize::from_str_radix(line.trim(), 16).unwrap_or(0);
        body.extend(read_exactly(reader, length)?);
        read_exactly(reader, 2)?;
        if length == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(reader: &mut impl Read, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}
