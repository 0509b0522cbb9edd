//! A PostgreSQL of the test's own: a new cluster in a temporary folder, reached by its socket, gone afterwards.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Whom the server runs as where the test is root, which PostgreSQL refuses to run as: `nobody`.
const NOBODY: u32 = 65_534;

pub(crate) struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    is_root: bool,
}

impl Cluster {
    /// A running cluster, or `None` and a line that says why.
    pub(crate) fn start() -> Option<Cluster> {
        let Some(programs) = programs() else {
            eprintln!("skipped: no PostgreSQL programs in $POSTGRES_BIN, in /usr/lib/postgresql/*/bin or on the PATH");
            return None;
        };
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("headland-catalog-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).expect("a temporary folder can be made");
        let is_root = fs::metadata(&folder).expect("the folder is there").uid() == 0;
        if is_root {
            chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root gives folders away");
        }
        let cluster = Cluster { programs, folder, is_root };
        let data = cluster.folder.join("data");
        let data = data.to_str().expect("the path is text");
        succeed(cluster.command("initdb").args([
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]));
        let options =
            format!("-c listen_addresses= -c fsync=off -c unix_socket_directories={}", cluster.folder.display());
        let log = cluster.folder.join("log");
        succeed(cluster.command("pg_ctl").args(["start", "-w", "-D", data, "-o", &options, "-l"]).arg(log));
        Some(cluster)
    }

    /// Runs a script as that role, stopping at the first error; returns what its queries yield.
    pub(crate) fn run(&self, role: &str, script: &str) -> String {
        text(self.output(role, script))
    }

    /// What psql makes of a script, which may fail.
    pub(crate) fn output(&self, role: &str, script: &str) -> Output {
        let mut psql = self.command("psql");
        psql.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", "postgres", "-U", role]).arg("-h");
        let mut child = psql
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let mut input = child.stdin.take().expect("its input is a pipe");
        input.write_all(script.as_bytes()).expect("psql reads the script");
        drop(input);
        child.wait_with_output().expect("psql ends")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .current_dir(&self.folder)
            .env("LC_ALL", "C.UTF-8")
            .env("PGCLIENTENCODING", "UTF8")
            .env_remove("PGOPTIONS");
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let _ = self.command("pg_ctl").args(["stop", "-m", "immediate", "-D"]).arg(data).output();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The folder that `POSTGRES_BIN` names, to try another version; else the newest version's; else the one on the PATH.
fn programs() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("POSTGRES_BIN") {
        return Some(folder.into());
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.map(|version| version.path().join("bin")).filter(|folder| is_complete(folder)).max();
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest.or_else(|| std::env::split_paths(&path).find(|folder| is_complete(folder)))
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres", "psql"].iter().all(|program| folder.join(program).exists())
}

fn succeed(command: &mut Command) {
    // The server keeps its standard streams open, so they must not be pipes that are read to their end.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.is_ok_and(|status| status.success()), "{command:?} failed");
}

fn text(output: Output) -> String {
    assert!(output.status.success(), "psql: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("the client encoding is UTF-8")
}
