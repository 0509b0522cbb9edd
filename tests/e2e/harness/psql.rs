//! A session beside the gateway, in a `psql` that is given one statement after another.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail};

/// Printed after what a statement prints.
const END: &str = "-- end";

/// A session; it ends with the first statement that fails.
pub(crate) struct Psql {
    child: Child,
    statements: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Psql {
    /// Why there can be none, if so.
    pub(crate) fn absent() -> Option<&'static str> {
        let said = Command::new("psql").arg("--version").output();
        if said.is_ok() { None } else { Some("no `psql` on the PATH") }
    }

    pub(crate) fn start(url: &str) -> anyhow::Result<Psql> {
        let mut command = Command::new("psql");
        command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1", url]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let statements = child.stdin.take().context("a psql without input")?;
        let lines = BufReader::new(child.stdout.take().context("a psql without output")?);
        Ok(Psql { child, statements, lines })
    }

    /// Runs statements: the rows that they give. After an error nobody knows what became of them.
    pub(crate) fn run(&mut self, sql: &str) -> anyhow::Result<Vec<String>> {
        writeln!(self.statements, "{sql};\n\\echo {END}")?;
        let mut rows = Vec::new();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line)? == 0 {
                bail!("psql has ended in: {sql}");
            }
            match line.trim_end() {
                END => return Ok(rows),
                row => rows.push(row.to_owned()),
            }
        }
    }
}

impl Drop for Psql {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
