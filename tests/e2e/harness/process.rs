//! A program that runs beside the tests.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

/// Longest wait for a program to end by itself after SIGTERM.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);

/// A running program and what it prints.
pub(crate) struct Process {
    child: Child,
    lines: Mutex<Receiver<String>>,
    printed: Arc<Mutex<String>>,
}

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in a folder of the root")
}

/// A folder of this test run, below target/.
pub(crate) fn scratch(name: &str) -> anyhow::Result<PathBuf> {
    let folder = root().join("target/e2e").join(format!("{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// What each process has printed.
static PRINTED: Mutex<Vec<Arc<Mutex<String>>>> = Mutex::new(Vec::new());

/// What every process that was started has printed so far.
pub(crate) fn all_printed() -> Vec<String> {
    PRINTED.lock().unwrap().iter().map(|printed| printed.lock().unwrap().clone()).collect()
}

impl Process {
    /// Starts a program at the root, in a process group of its own.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Process> {
        Process::start_in(root(), command)
    }

    /// Starts a program in a folder.
    pub(crate) fn start_in(folder: &Path, command: &mut Command) -> anyhow::Result<Process> {
        use std::os::unix::process::CommandExt;
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        let (sender, lines) = channel();
        let printed = Arc::new(Mutex::new(String::new()));
        PRINTED.lock().unwrap().push(printed.clone());
        let pipes: [Option<Box<dyn Read + Send>>; 2] =
            [child.stdout.take().map(|pipe| Box::new(pipe) as _), child.stderr.take().map(|pipe| Box::new(pipe) as _)];
        for pipe in pipes.into_iter().flatten() {
            let (sender, printed) = (sender.clone(), printed.clone());
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let mut all = printed.lock().unwrap();
                    all.push_str(&line);
                    all.push('\n');
                    // Nobody may be waiting for a line.
                    let _ = sender.send(line);
                }
            });
        }
        Ok(Process { child, lines: Mutex::new(lines), printed })
    }

    /// Waits for a line with `marker` in it, and gives what follows the marker up to white space or a quote.
    pub(crate) fn wait_for(&self, marker: &str, timeout: Duration) -> anyhow::Result<String> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.lock().unwrap().recv_timeout(left) {
                Ok(line) => {
                    if let Some((_, rest)) = line.split_once(marker) {
                        return Ok(rest.split([' ', '"']).next().unwrap_or_default().to_owned());
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    bail!("no `{marker}` within {timeout:?}; printed:\n{}", self.printed())
                }
                Err(RecvTimeoutError::Disconnected) => bail!("ended without `{marker}`; printed:\n{}", self.printed()),
            }
        }
    }

    /// All that it has printed so far.
    pub(crate) fn printed(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// Its process id, which is its process group's too.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends SIGTERM and waits until it has ended; gives whether it did so by itself and in time.
    pub(crate) fn stop(mut self) -> bool {
        self.signal("TERM");
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if let Ok(Some(_)) = self.child.try_wait() {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Sends a signal to the program alone.
    pub(crate) fn signal(&self, name: &str) {
        let _ = Command::new("kill").args([format!("-{name}"), self.id().to_string()]).status();
    }

    /// The command lines of living processes that belong to a process group, or name a folder.
    pub(crate) fn left_of(group: u32, folder: &Path) -> anyhow::Result<Vec<String>> {
        let output = Command::new("ps").args(["-e", "-o", "pgid=,stat=,args="]).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (group, folder) = (group.to_string(), folder.display().to_string());
        let is_left = |line: &&str| {
            let mut words = line.split_whitespace();
            let is_of_group = words.next() == Some(&group);
            words.next().is_some_and(|state| !state.starts_with('Z')) && (is_of_group || line.contains(&folder))
        };
        Ok(text.lines().filter(is_left).map(str::to_owned).collect())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What is left of its group, too: npm's programs start others.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.id())]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}
