//! A PostgreSQL of the tests' own, gone when they are.
//!
//! Uses the standard library only. The server runs under a shell that waits on a pipe from this process: when
//! the process ends, however it ends, the pipe closes, the shell stops the server and removes its folder.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The superuser's password, which TCP asks for and the Unix socket does not.
pub(crate) const PASSWORD: &str = "p/w:@ö";

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Waits for a line or the end of the pipe. `keep` leaves the data for another start.
const SUPERVISE: &str = r#"
    folder=$1; shift
    "$@" >"$folder/log" 2>&1 &
    read -r word
    kill -INT $!
    wait
    [ "$word" = keep ] || rm -rf "$folder"
"#;

/// A running server.
pub(crate) struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Whom to run as, where we are root, which `postgres` refuses to be.
    owner: Option<(u32, u32)>,
    settings: Vec<String>,
    supervisor: Option<Child>,
}

impl Postgres {
    /// Starts a new server with these settings (`name=value`), or says on standard error why it cannot.
    pub(crate) fn start(settings: &[&str]) -> Option<Postgres> {
        let Some(programs) = programs() else {
            eprintln!("skipped: no PostgreSQL in /usr/lib/postgresql/*/bin or the PATH");
            return None;
        };
        let mut postgres = Postgres::at(programs, settings);
        postgres.init();
        postgres.run();
        Some(postgres)
    }

    /// Starts a standby that streams from this server.
    pub(crate) fn standby(&self, settings: &[&str]) -> Postgres {
        // Its own settings must not fall short of the primary's.
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).chain(settings.iter().copied()).collect();
        let mut standby = Postgres::at(self.programs.clone(), &settings);
        let mut command = standby.command("pg_basebackup");
        command.args(["-R", "--no-sync", "-c", "fast", "-U", "postgres", "-p", &self.port.to_string(), "-h"]);
        command.arg(&self.folder).arg("-D").arg(standby.data());
        output(command);
        standby.run();
        standby
    }

    fn at(programs: PathBuf, settings: &[&str]) -> Postgres {
        let folder = new_folder();
        let owner = give_away(&folder);
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        Postgres { programs, folder, port: free_port(), owner, settings, supervisor: None }
    }

    /// Through the Unix socket, without a password.
    pub(crate) fn socket_url(&self, database: &str) -> String {
        format!("postgresql://postgres@/{database}?host={}&port={}", self.folder.display(), self.port)
    }

    /// The Unix socket itself.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Through TCP, with a password.
    pub(crate) fn tcp_url(&self, user: &str, password: &str, database: &str) -> String {
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        format!("postgresql://{user}:{}@127.0.0.1:{}/{database}", encode(password), self.port)
    }

    /// What `psql` prints for a statement, unaligned, tuples only.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        let mut command = self.command("psql");
        command.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &self.socket_url(database), "-c", sql]);
        output(command)
    }

    /// The server's own folder, for its certificate and the like.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Whom files have to belong to that the server shall read.
    pub(crate) fn give(&self, file: &Path) {
        if let Some((user, group)) = self.owner {
            chown(file, Some(user), Some(group)).expect("root may give files away");
        }
    }

    /// Stops the server and keeps its data.
    pub(crate) fn stop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            if let Some(mut pipe) = supervisor.stdin.take() {
                pipe.write_all(b"keep\n").expect("the supervisor reads");
            }
            supervisor.wait().expect("the supervisor ends");
        }
    }

    /// Starts it again, on the same port.
    pub(crate) fn run(&mut self) {
        let mut command = Command::new("sh");
        command.args(["-c", SUPERVISE, "sh"]).arg(&self.folder).arg(self.programs.join("postgres"));
        command.arg("-D").arg(self.data()).arg("-k").arg(&self.folder).args(["-p", &self.port.to_string()]);
        // A standby that was stopped shall find what it has missed.
        for setting in ["listen_addresses=127.0.0.1", "fsync=off", "max_connections=200", "wal_keep_size=1GB"] {
            command.args(["-c", setting]);
        }
        for setting in &self.settings {
            command.args(["-c", setting]);
        }
        self.unprivileged(&mut command);
        self.supervisor = Some(command.stdin(Stdio::piped()).spawn().expect("sh starts"));
        self.wait_until_ready();
    }

    fn init(&self) {
        let password_file = self.folder.join("password");
        fs::write(&password_file, PASSWORD).expect("the folder is writable");
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o644)).expect("the file is ours");
        let mut command = self.command("initdb");
        command.args(["--no-sync", "-U", "postgres", "-E", "UTF8", "--locale=C"]);
        // `md5` also lets passwords in that are stored for SCRAM, by SCRAM.
        command.args(["--auth-local=trust", "--auth-host=md5"]).arg("--pwfile").arg(password_file);
        command.arg("-D").arg(self.data());
        output(command);
    }

    fn wait_until_ready(&self) {
        let started = Instant::now();
        while !self.is_ready() {
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(started.elapsed() < START_TIMEOUT, "PostgreSQL does not start:\n{}", log());
            sleep(Duration::from_millis(20));
        }
    }

    fn is_ready(&self) -> bool {
        let mut command = self.command("pg_isready");
        command.args(["-q", "-p", &self.port.to_string(), "-h"]).arg(&self.folder);
        command.status().is_ok_and(|status| status.success())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        self.unprivileged(&mut command);
        command
    }

    fn unprivileged(&self, command: &mut Command) {
        command.current_dir(&self.folder);
        if let Some((user, group)) = self.owner {
            command.uid(user).gid(group);
        }
    }
}

/// For those that do not live as long as the process.
impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            drop(supervisor.stdin.take());
            let _ = supervisor.wait();
        }
    }
}

fn programs() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = installed.map(|version| version.path().join("bin")).collect();
    folders.sort();
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = folders.into_iter().rev().chain(std::env::split_paths(&on_path));
    folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

/// Short, because the path of a Unix socket may have some hundred bytes at most.
fn new_folder() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("headland-pg-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let folder = std::env::temp_dir().join(name);
    fs::create_dir(&folder).expect("the temporary folder is writable");
    folder
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("some port is free");
    listener.local_addr().expect("it is bound").port()
}

/// Where we are root, gives the folder to a user who is not, and says to whom.
fn give_away(folder: &Path) -> Option<(u32, u32)> {
    if fs::metadata(folder).expect("just made").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("every Unix has it");
    let entry = |name: &str| {
        let fields: Vec<_> = users.lines().find(|line| line.starts_with(&format!("{name}:")))?.split(':').collect();
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    let (user, group) = entry("postgres").or_else(|| entry("nobody")).expect("a user who is not root");
    chown(folder, Some(user), Some(group)).expect("root may give folders away");
    Some((user, group))
}

fn output(mut command: Command) -> String {
    let output = command.output().expect("the program starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{out}{err}");
    out.trim_end().to_owned()
}

/// Reads what a peer sends until it closes, for a while.
pub(crate) fn read_all(mut stream: TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("not zero");
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    text
}
