//! `headland dev` as a newcomer meets it: it starts, serves another database where one is named, and leaves nothing
//! behind.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{Process, Runtime, dev, get, headland, root, scratch};
use crate::{Outcome, test};

const START_TIMEOUT: Duration = Duration::from_secs(120);

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test("dev::starts_twice_and_leaves_nothing_behind", starts_twice_and_leaves_nothing_behind),
        test("dev::ends_while_it_is_still_setting_up", ends_while_it_is_still_setting_up),
        test("dev::survives_being_killed", survives_being_killed),
        test("dev::serves_another_database", serves_another_database),
        test("dev::says_what_is_wrong_in_one_line", says_what_is_wrong_in_one_line),
        test("dev::delays_each_trip_by_the_rtt", delays_each_trip_by_the_rtt),
        test("dev::cuts_the_region_off_from_each_edge", cuts_the_region_off_from_each_edge),
    ]
}

fn start(state: &str, arguments: &[&str]) -> anyhow::Result<Process> {
    let mut command = headland()?;
    command.args(["dev", "--listen", "127.0.0.1:0", "--no-watch", "--state"]).arg(scratch(state)?).args(arguments);
    Process::start(command.env_remove("DATABASE_URL"))
}

fn listening(process: &Process) -> anyhow::Result<String> {
    process.wait_for("listening on ", START_TIMEOUT)
}

/// A moment after `headland dev` has ended, no process of its group is left, and none that names its state folder:
/// Postgres is in a group of its own.
fn nothing_left(id: u32, state: &str) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(5);
    loop {
        let left = Process::left_of(id, &scratch(state)?)?;
        if left.is_empty() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "left: {left:#?}");
        sleep(Duration::from_millis(50));
    }
}

fn starts_twice_and_leaves_nothing_behind() -> Outcome {
    for _ in 0..2 {
        let process = start("twice", &[])?;
        let url = listening(&process)?;
        let reply = get(&format!("{url}/rest/v1/movies?select=title&id=eq.1"))?;
        ensure!(reply.body == r#"[{"title":"The Land Girls"}]"#, "{}", reply.body);
        let id = process.id();
        process.signal("INT");
        ensure!(process.stop(), "did not end after SIGINT");
        nothing_left(id, "twice")?;
    }
    Ok(())
}

fn ends_while_it_is_still_setting_up() -> Outcome {
    for wait in [0, 300, 1_000] {
        let state = format!("early-{wait}");
        let process = start(&state, &[])?;
        sleep(Duration::from_millis(wait));
        let id = process.id();
        ensure!(process.stop(), "did not end {wait} ms after its start");
        nothing_left(id, &state)?;
    }
    Ok(())
}

fn survives_being_killed() -> Outcome {
    let process = start("killed", &[])?;
    listening(&process)?;
    let id = process.id();
    process.signal("KILL");
    ensure!(process.stop(), "does not die of SIGKILL");
    nothing_left(id, "killed")?;
    let again = start("killed", &[])?;
    listening(&again)?;
    ensure!(again.stop(), "did not end after the second start");
    Ok(())
}

fn serves_another_database() -> Outcome {
    let process = start("other", &["--database-url", &dev()?.database_url])?;
    let url = listening(&process)?;
    let reply = get(&format!("{url}/rest/v1/genres?select=name&order=name&limit=1"))?;
    ensure!(reply.body == r#"[{"name":"Action"}]"#, "{}", reply.body);
    ensure!(!scratch("other")?.join("postgres").exists(), "made a Postgres of its own");
    ensure!(process.stop(), "did not end");
    Ok(())
}

fn says_what_is_wrong_in_one_line() -> Outcome {
    let address = Runtime::Emulator.url()?.replace("http://", "");
    let state = scratch("wrong")?.display().to_string();
    let rows: [(&[&str], &str); 4] = [
        (&["--listen", &address], "--listen"),
        (&["--manifest", "nowhere.toml"], "nowhere.toml"),
        (&["--database-url", "mysql://localhost/x", "--listen", "127.0.0.1:0"], "postgres"),
        (&["--database-url", "postgresql://nobody@127.0.0.1:1/x", "--listen", "127.0.0.1:0"], "database"),
    ];
    for (arguments, expected) in rows {
        let output = headland()?.args(["dev", "--state", &state]).args(arguments).current_dir(root()).output()?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        let said = errors.lines().last().context("says nothing")?;
        ensure!(!output.status.success(), "{arguments:?} succeeds");
        ensure!(said.starts_with("headland: ") && said.contains(expected), "{arguments:?}: {errors}");
    }
    Ok(())
}

fn delays_each_trip_by_the_rtt() -> Outcome {
    let process = start("rtt", &["--rtt", "300ms", "--database-url", &dev()?.database_url])?;
    let url = listening(&process)?;
    let read = format!("{url}/rest/v1/genres?select=name&limit=1");
    get(&read)?;
    let began = Instant::now();
    get(&read)?;
    let elapsed = began.elapsed();
    ensure!(elapsed >= Duration::from_millis(300), "one trip took only {elapsed:?}");
    ensure!(elapsed < Duration::from_millis(590), "one trip took {elapsed:?}, as long as two");
    ensure!(process.stop(), "did not end");
    Ok(())
}

fn cuts_the_region_off_from_each_edge() -> Outcome {
    let process = start("edges", &["--edges", "3", "--kv-delay", "1s", "--database-url", &dev()?.database_url])?;
    let urls = [listening(&process)?, listening(&process)?, listening(&process)?];
    let away = scratch("edges")?.join("region-is-away");
    until_all_answer(&urls, 200)?;
    fs::write(&away, "")?;
    until_all_answer(&urls, 503)?;
    fs::remove_file(&away)?;
    until_all_answer(&urls, 200)?;
    ensure!(process.stop(), "did not end");
    Ok(())
}

/// Waits until `GET /ready` answers so on each edge.
fn until_all_answer(urls: &[String], status: u16) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(5);
    for url in urls {
        while get(&format!("{url}/ready"))?.status != status {
            ensure!(Instant::now() < deadline, "{url}/ready does not answer {status}");
            sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}
