//! `freshness OPERATIONS [SEED]`: lets the simulated world go on for longer than the tests do.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> ExitCode {
    let numbers: Option<Vec<u64>> = std::env::args().skip(1).map(|argument| argument.parse().ok()).collect();
    let (operations, seed) = match numbers.as_deref() {
        Some([operations]) => (*operations, some_seed()),
        Some([operations, seed]) => (*operations, *seed),
        _ => {
            eprintln!("usage: freshness OPERATIONS [SEED]");
            return ExitCode::FAILURE;
        }
    };
    match freshness::run(seed, operations, None) {
        Ok(counted) => {
            println!("seed {seed}: nobody was wronged; {counted:?}");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            println!("seed {seed}: {violation}");
            ExitCode::FAILURE
        }
    }
}

/// Another one every time.
fn some_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
