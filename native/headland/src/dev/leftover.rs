//! A Postgres that an earlier `headland dev` left running when it was killed.
//!
//! The caller holds the lock of the state folder, so whatever still runs on the cluster belongs to nobody.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::time::sleep;

/// How long it may take to end, by each way of asking.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// Stops the Postgres that runs on `data`, if one does, and removes a lock file that only looks like one.
pub(crate) async fn clear(data: &Path) -> anyhow::Result<()> {
    let lock = data.join("postmaster.pid");
    let Some(pid) = fs::read_to_string(&lock).ok().and_then(|text| first_line_pid(&text)) else { return Ok(()) };
    if test_kill_process(pid).is_err() {
        // Postgres itself sees that this process is gone, and recovers.
        return Ok(());
    }
    if !serves(pid, data) {
        // The number was given to another program since; Postgres would take that for a server and give up.
        fs::remove_file(lock)?;
        return Ok(());
    }
    tracing::info!("stopping the Postgres of an earlier start");
    for signal in [Signal::INT, Signal::QUIT, Signal::KILL] {
        let _ = kill_process(pid, signal);
        if ended(pid).await {
            return Ok(());
        }
    }
    anyhow::bail!("a Postgres of an earlier start (process {}) does not end", pid.as_raw_nonzero())
}

fn first_line_pid(text: &str) -> Option<Pid> {
    let number: i32 = text.lines().next()?.trim().parse().ok()?;
    // A negative number is a single-user Postgres; one that is ours ended with initdb.
    if number > 0 { Pid::from_raw(number) } else { None }
}

async fn ended(pid: Pid) -> bool {
    let mut waited = Duration::ZERO;
    while test_kill_process(pid).is_ok() && waited < PATIENCE {
        sleep(POLL).await;
        waited += POLL;
    }
    test_kill_process(pid).is_err()
}

/// Whether the process was started as a Postgres on `data`.
fn serves(pid: Pid, data: &Path) -> bool {
    let listed = Command::new("ps").args(["-ww", "-o", "args=", "-p", &pid.as_raw_nonzero().to_string()]).output();
    let arguments = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero()))
        .or_else(|_| listed.map(|output| output.stdout))
        .unwrap_or_default();
    let data = data.as_os_str().as_encoded_bytes();
    arguments.windows(data.len()).any(|window| window == data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_pid_of_a_lock_file() {
        assert_eq!(first_line_pid("123\n/data\n1700000000\n5432\n"), Pid::from_raw(123));
        assert_eq!(first_line_pid(""), None);
        assert_eq!(first_line_pid("-5\n"), None);
    }

    #[tokio::test]
    async fn ok_nothing_to_clear() {
        clear(Path::new("/nowhere")).await.unwrap();
    }

    #[tokio::test]
    async fn ok_lock_file_that_names_another_program() {
        let data = std::env::temp_dir().join(format!("headland-leftover-{}", std::process::id()));
        fs::create_dir_all(&data).unwrap();
        // This very test process is alive, and no Postgres.
        fs::write(data.join("postmaster.pid"), format!("{}\n", std::process::id())).unwrap();
        clear(&data).await.unwrap();
        assert!(!data.join("postmaster.pid").exists());
        fs::remove_dir_all(data).unwrap();
    }
}
