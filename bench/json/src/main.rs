//! `json-bench scan FILE ROUNDS`: the shortest of so many scans of a file, in milliseconds.
//! `json-bench rows FILE ROUNDS`: the same, with a check of its rows.
//! `json-bench stream BYTES`: the most memory, in bytes, that a scan of a made-up stream took, cut into its elements.

mod rows;

use std::time::Instant;

use json::{Elements, Format, Limits, Scanner, scan};

const CHUNK_ROWS: usize = 1000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["scan", file, rounds] => {
            println!("{}", fastest(file, rounds, |text| scan(text, &Limits::default(), &mut ()).is_ok()))
        }
        ["rows", file, rounds] => println!("{}", fastest(file, rounds, rows::are_right)),
        ["stream", bytes] => {
            stream(bytes.parse().expect("a number of bytes"));
            println!("{}", most_memory());
        }
        _ => panic!("one of the commands above"),
    }
}

fn fastest(file: &str, rounds: &str, work: fn(&[u8]) -> bool) -> f64 {
    let text = std::fs::read(file).expect("the file is there");
    let rounds = 0..rounds.parse().expect("a number of rounds");
    let times = rounds.map(|_: usize| {
        let start = Instant::now();
        assert!(work(&text), "the file is refused");
        start.elapsed().as_secs_f64() * 1e3
    });
    times.fold(f64::MAX, f64::min)
}

/// An array of rows, in chunks that break off wherever it comes.
fn stream(bytes: usize) {
    let rows: Vec<String> = (0..CHUNK_ROWS)
        .map(|row| {
            format!(r#"{{"id":{row},"name":"row {row}","tags":["a","é\n"],"size":{{"x":{row}.5e-3,"y":null}}}}"#)
        })
        .collect();
    let rows = format!("{},", rows.join(","));
    let mut scanner = Scanner::new(&Limits::default());
    let mut elements = Elements::new(Format::Array, 1 << 20, &Limits::default());
    let mut count = 0;
    let mut feed = |chunk: &[u8]| {
        scanner.feed(chunk, &mut ()).expect("it is JSON");
        elements.feed(chunk, &mut |_| count += 1).expect("it is JSON");
    };
    feed(b"[");
    let turns = bytes / rows.len();
    (0..turns).for_each(|turn| rows.as_bytes().chunks(1000 + turn % 60_000).for_each(&mut feed));
    feed(b"{}]");
    scanner.finish(&mut ()).expect("it is JSON");
    assert_eq!(count, turns * CHUNK_ROWS + 1);
}

/// `VmHWM` of Linux.
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("this is Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux says so");
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<usize>().ok());
    kilobytes.expect("Linux says so in KB") * 1024
}
