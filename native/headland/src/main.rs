//! The command line. `headland dev` runs all of Headland on this machine, `headland gateway` runs the regional
//! gateway beside a database.
//!
//! Errors are one line on stderr, `headland: …`, and exit code 1; what clap refuses has its usage text and code 2.

mod dev;
mod duration;
mod gateway;
mod http;
mod log;
mod migrate;
mod percent;
mod policy;
mod secret;
mod signal;
mod token;

use std::process::ExitCode;

/// Each request of the emulator and the gateway makes a hundred small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

/// A backend for Postgres that lives at the edge.
#[derive(Parser)]
#[command(name = "headland", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the edge of spin.toml, a gateway, and, where no database is named, a Postgres with sample data
    Dev(dev::Options),
    /// Runs the regional gateway: SQL over HTTP in front of pooled Postgres
    Gateway(gateway::Options),
    /// Has a database tell its gateway who writes what, or no longer
    Migrate(migrate::Options),
    /// Prints PostgREST's configuration file as a headland.toml
    Config(policy::Options),
    /// Prints a token for a role, signed with the secret of `dev` or another one
    Token(token::Options),
    /// Prints the folder of the Postgres programs that `dev` uses on this machine
    Postgres,
    /// What `dev` starts its child processes through, so that they end with it
    #[command(hide = true)]
    Bound(dev::Bound),
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("headland: {}", one_line(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        // The gateway and the edge bring threads of their own.
        Command::Dev(options) => run_async(1, dev::run(options)),
        Command::Gateway(options) => run_async(cores(), gateway::run(options)),
        Command::Migrate(options) => run_async(1, migrate::run(options)),
        Command::Config(options) => policy::print(&options),
        Command::Token(options) => token::print(options),
        Command::Postgres => dev::print_postgres(),
        Command::Bound(bound) => Err(bound.exec()),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

fn run_async(threads: usize, command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    log::init();
    // A single thread serves more when it need not be ready to share.
    let runtime = match threads {
        1 => Builder::new_current_thread().enable_all().build()?,
        _ => Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    // The main thread drives the command itself: a child process is bound to the thread that starts it.
    let outcome = runtime.block_on(command);
    // A component that is still being compiled must not hold up the end.
    runtime.shutdown_background();
    outcome
}

fn one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_arguments_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }

    #[test]
    fn ok_errors_become_one_line() {
        let error = anyhow::anyhow!("no such\nfile").context("cannot read `spin.toml`");
        assert_eq!(one_line(&error), "cannot read `spin.toml`: no such file");
    }
}
