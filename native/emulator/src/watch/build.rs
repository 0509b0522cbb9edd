//! A component's `[build] command`.

use std::collections::VecDeque;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use crate::error::{Error, ErrorKind};
use crate::manifest::Build;

/// Lines of a failed command's output that are shown.
const OUTPUT_LINES_MAX: usize = 40;

/// Runs the commands in order, in their folder below `folder`. An error holds the end of what the command wrote.
pub(crate) async fn build(component: &str, build: &Build, folder: &Path) -> Result<(), Error> {
    tracing::info!("building `{component}`");
    let start = Instant::now();
    let folder = folder.join(&build.workdir);
    for command in build.command.iter() {
        let refuse =
            |why: String| Error::new(ErrorKind::Build, format!("`{component}` does not build: `{command}` {why}"));
        run(command, &folder).await.map_err(refuse)?;
    }
    tracing::info!("built `{component}` in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

async fn run(command: &str, folder: &Path) -> Result<(), String> {
    let mut shell = if cfg!(windows) { Command::new("cmd") } else { Command::new("sh") };
    shell.arg(if cfg!(windows) { "/C" } else { "-c" }).arg(command);
    // A relative folder that is empty is the current one.
    if !folder.as_os_str().is_empty() {
        shell.current_dir(folder);
    }
    let child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| format!("cannot be run: {error}"))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (status, stdout, stderr) = tokio::join!(child.wait(), last_lines(stdout), last_lines(stderr));
    let status = status.map_err(|error| format!("cannot be waited for: {error}"))?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("ended with {status}\n{}", [stdout, stderr].concat().trim_end())),
    }
}

async fn last_lines(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut lines = VecDeque::new();
    let Some(stream) = stream else { return String::new() };
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = stream.read_until(b'\n', &mut line).await {
        lines.push_back(String::from_utf8_lossy(&line).into_owned());
        line.clear();
        if lines.len() > OUTPUT_LINES_MAX {
            lines.pop_front();
        }
    }
    lines.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Commands;

    async fn check(commands: &[&str]) -> Result<(), Error> {
        let command = Commands::Many(commands.iter().map(|command| command.to_string()).collect());
        build("test", &Build { command, workdir: "".into(), watch: vec![] }, &std::env::temp_dir()).await
    }

    #[tokio::test]
    async fn ok_in_order() {
        check(&["test -d .", "true"]).await.expect("built");
    }

    #[tokio::test]
    async fn err_shows_the_end_of_the_output() {
        let error = check(&["for n in $(seq 1 100); do echo line $n; done; echo last >&2; exit 3", "true"])
            .await
            .expect_err("failed");
        let text = error.to_string();
        assert!(
            text.contains("line 61\n") && text.contains("line 100\nlast") && text.contains("exit status: 3"),
            "{text}"
        );
        assert!(!text.contains("line 60\n"), "{text}");
    }
}
