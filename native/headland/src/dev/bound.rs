//! Child processes that end with us, even if we are killed with no time to say so.
//!
//! Linux tells a child of its parent's death if the child asks. So `dev` starts its children through itself:
//! `headland bound` asks, and becomes the program. Elsewhere the next start finds what was left running.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

use super::account::Account;

/// What a child gets to hear when we are no more.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Farewell {
    /// SIGINT: to Postgres a fast shutdown.
    Interrupt,
    /// SIGKILL, for what need not end well.
    Kill,
}

/// `headland bound PARENT FAREWELL PROGRAM ARGUMENT…`
#[derive(clap::Args)]
pub(crate) struct Bound {
    /// The process that must be alive.
    parent: u32,
    farewell: Farewell,
    program: OsString,
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// A command that runs `program` bound to this thread's life, as `account`, out of reach of the terminal's Ctrl-C.
///
/// To be spawned on the main thread: Linux takes the end of the thread that forked for the end of the parent.
pub(crate) fn command(program: &Path, account: Account, farewell: Farewell) -> Command {
    let mut command = if cfg!(target_os = "linux") {
        // By this name, because `account` may not be allowed to search the folder that holds our executable.
        let mut command = Command::new("/proc/self/exe");
        command.arg("bound").arg(std::process::id().to_string()).arg(farewell.name()).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.process_group(0).current_dir("/");
    if let Some(ids) = account.drop_to() {
        command.uid(ids.uid).gid(ids.gid);
    }
    command
}

impl Farewell {
    fn name(self) -> &'static str {
        match self {
            Farewell::Interrupt => "interrupt",
            Farewell::Kill => "kill",
        }
    }
}

impl Bound {
    /// Becomes the program; returns only if that failed.
    pub(crate) fn exec(self) -> anyhow::Error {
        if let Err(error) = self.bind() {
            return error;
        }
        let error = std::process::Command::new(&self.program).args(&self.arguments).exec();
        anyhow::Error::new(error).context(format!("cannot run `{}`", self.program.display()))
    }

    #[cfg(target_os = "linux")]
    fn bind(&self) -> anyhow::Result<()> {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let signal = match self.farewell {
            Farewell::Interrupt => Signal::INT,
            Farewell::Kill => Signal::KILL,
        };
        set_parent_process_death_signal(Some(signal)).context("cannot bind to the parent's life")?;
        // It may have died before we asked, and then nobody tells.
        let parent = getppid().map(|parent| parent.as_raw_nonzero().get().unsigned_abs());
        anyhow::ensure!(parent == Some(self.parent), "the process that started this one is gone");
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn bind(&self) -> anyhow::Result<()> {
        Ok(())
    }
}
