//! Stored answers through the real runtimes: whether they are good, whose they are, and what they cost.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use libtest_mimic::Trial;

use crate::harness::{JWT_SECRET, Mode, Reply, Runtime, Superuser, get, headland, region, root, send};
use crate::trips::Counted;
use crate::{Outcome, test};

/// How soon a write is known that came another way.
const SOON: Duration = Duration::from_secs(1);
/// The policy's longest age of `fresh_genres`.
const AGE_MAX: Duration = Duration::from_secs(3);
/// As many as it may take until each instance of a runtime has been asked twice.
const ASKED: usize = 12;

/// What the tests of a runtime need, to be made before the first of them.
const TABLES: &str = "drop table if exists public.fresh_PREFIX, public.fresh_genres, public.fresh_notes; \
    create table public.fresh_PREFIX (id int primary key, what text); \
    grant all on public.fresh_PREFIX to anon, authenticated; \
    create table public.fresh_genres (id int primary key, what text); \
    grant all on public.fresh_genres to anon, authenticated; \
    create table public.fresh_notes (id int primary key, owner text); \
    insert into public.fresh_notes values (1, 'ada'), (2, 'bob'); \
    alter table public.fresh_notes enable row level security; \
    create policy own on public.fresh_notes using (owner = current_setting('request.jwt.claims', true)::json ->> 'sub'); \
    grant all on public.fresh_notes to anon, authenticated";

type Run = fn(&str, &Superuser, &str) -> Outcome;

const TESTS: [(&str, Run); 5] = [
    ("own_writes_are_read", own_writes_are_read),
    ("others_writes_are_read_soon", others_writes_are_read_soon),
    ("an_unchanged_answer_costs_no_query", an_unchanged_answer_costs_no_query),
    ("an_edge_answers_by_itself_for_a_while", an_edge_answers_by_itself_for_a_while),
    ("nobody_is_given_what_is_anothers", nobody_is_given_what_is_anothers),
];

pub(crate) fn tests() -> Vec<Trial> {
    let mut tests = Vec::new();
    for runtime in [Runtime::Emulator, Runtime::Workerd] {
        for (name, run) in TESTS {
            let name = format!("{}::stored::{name}", runtime.name());
            tests.push(test(name, move || prepared(runtime, run)).with_ignored_flag(runtime.absent().is_some()));
        }
    }
    for runtime in [Runtime::EmulatorOverRegion, Runtime::Workerd] {
        let name = format!("{}::stored::answers_outlive_the_region", runtime.name());
        tests.push(test(name, move || outlives(runtime)).with_ignored_flag(runtime.absent().is_some()));
    }
    tests
}

fn prepared(runtime: Runtime, run: Run) -> Outcome {
    let (url, superuser) = (runtime.url()?, Superuser::start()?);
    let name = runtime.name();
    TABLES.replace("PREFIX", name).split("; ").try_for_each(|statement| superuser.run(statement))?;
    let base = format!("{url}/rest/v1/");
    // The schema is watched, and the tables are new.
    let began = Instant::now();
    for table in ["fresh_genres", "fresh_notes", &format!("fresh_{name}")] {
        while get(&format!("{base}{table}"))?.status != 200 {
            ensure!(began.elapsed() < SOON * 2, "`{table}` is not there");
            sleep(Duration::from_millis(20));
        }
    }
    // The gateway looks at the schema four times a second, and another version of it is another answer.
    sleep(SOON / 2);
    run(&base, &superuser, &format!("fresh_{name}"))
}

/// The answer that each instance has by now.
fn asked(url: &str) -> anyhow::Result<Reply> {
    (1..ASKED).try_for_each(|_| get(url).map(drop))?;
    get(url)
}

fn how(reply: &Reply) -> &str {
    reply.header("cache-status").unwrap_or_default()
}

/// Whoever writes reads it next, by default also without carrying a snapshot, and again after somebody else has stored the answer.
fn own_writes_are_read(base: &str, _: &Superuser, table: &str) -> Outcome {
    let url = format!("{base}{table}");
    let read = |expected: &str| -> Outcome {
        for _ in 0..4 {
            let reply = get(&format!("{url}?select=what&id=eq.1"))?;
            ensure!(reply.body == expected, "{} in place of {expected}, {}", reply.body, how(&reply));
        }
        Ok(())
    };
    read("[]")?;
    for round in 0..20 {
        let upsert = [("prefer", "resolution=merge-duplicates")];
        let written = send("POST", &url, &upsert, &format!(r#"{{"id": 1, "what": "{round}"}}"#))?;
        ensure!(written.header("headland-snapshot").is_some(), "{}: {}", written.status, written.body);
        read(&format!(r#"[{{"what":"{round}"}}]"#))?;
        let written = send("PATCH", &format!("{url}?id=eq.1"), &[], r#"{"what": "patched"}"#)?;
        ensure!(written.status == 204, "{}", written.body);
        read(r#"[{"what":"patched"}]"#)?;
    }
    ensure!(send("DELETE", &format!("{url}?id=eq.1"), &[], "")?.status == 204);
    read("[]")
}

fn others_writes_are_read_soon(base: &str, superuser: &Superuser, table: &str) -> Outcome {
    let url = format!("{base}{table}?select=what&id=eq.7");
    superuser.run(&format!("insert into {table} values (7, '')"))?;
    for round in 0..5 {
        asked(&url)?;
        superuser.run(&format!("update {table} set what = '{round}' where id = 7"))?;
        let began = Instant::now();
        while !get(&url)?.body.contains(&format!("\"{round}\"")) {
            ensure!(began.elapsed() < SOON, "not read after {SOON:?}");
        }
    }
    Ok(())
}

fn an_unchanged_answer_costs_no_query(base: &str, superuser: &Superuser, table: &str) -> Outcome {
    let url = format!("{base}{table}?order=id");
    superuser.run(&format!(
        "insert into {table} select n, n::text from generate_series(1, 50) as n on conflict do nothing"
    ))?;
    let first = asked(&url)?;
    let before = Counted::now()?;
    let again = get(&url)?;
    let after = Counted::now()?;
    ensure!(how(&again) == "headland; fwd=stale; fwd-status=304; detail=memory", "{}", how(&again));
    ensure!(again.body == first.body && again.header("etag") == first.header("etag"), "{}", again.body);
    ensure!((after.requests - before.requests, after.trips - before.trips) == (1, 0), "it cost a query");
    let tag = again.header("etag").context("no ETag")?;
    let given = send("GET", &url, &[("if-none-match", tag)], "")?;
    ensure!((given.status, given.body.as_str()) == (304, ""), "{} {}", given.status, given.body);
    Ok(())
}

/// Whoever carries a snapshot reads what it wrote even there.
fn an_edge_answers_by_itself_for_a_while(base: &str, superuser: &Superuser, _: &str) -> Outcome {
    let url = format!("{base}fresh_genres?select=what&id=eq.1");
    asked(&url)?;
    let before = Counted::now()?;
    let hit = get(&url)?;
    ensure!(how(&hit).starts_with("headland; hit; ") && hit.body == "[]", "{} {}", how(&hit), hit.body);
    ensure!(Counted::now()?.requests == before.requests, "it cost a trip");
    let written = send("POST", &format!("{base}fresh_genres"), &[], r#"{"id": 1, "what": "own"}"#)?;
    let snapshot = written.header("headland-snapshot").context("no snapshot")?;
    for _ in 0..ASKED {
        let reply = send("GET", &url, &[("headland-snapshot", snapshot)], "")?;
        ensure!(reply.body == r#"[{"what":"own"}]"#, "{} {}", how(&reply), reply.body);
    }
    superuser.run("update public.fresh_genres set what = 'theirs' where id = 1")?;
    let began = Instant::now();
    while get(&url)?.body != r#"[{"what":"theirs"}]"# {
        ensure!(began.elapsed() < AGE_MAX + SOON, "older than its longest age");
        sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn nobody_is_given_what_is_anothers(base: &str, _: &Superuser, _: &str) -> Outcome {
    let (ada, bob) = (bearer("ada")?, bearer("bob")?);
    let url = format!("{base}fresh_notes?select=owner");
    let ask = |who: &str, expected: &str| -> Outcome {
        let reply = match who {
            "" => get(&url)?,
            who => send("GET", &url, &[("authorization", who)], "")?,
        };
        ensure!(reply.body == expected, "{expected} was given {} {}", reply.body, how(&reply));
        Ok(())
    };
    std::thread::scope(|scope| {
        let askers = [(ada.as_str(), r#"[{"owner":"ada"}]"#), (&bob, r#"[{"owner":"bob"}]"#), ("", "[]")];
        let asking = askers.map(|(who, expected)| scope.spawn(move || (0..100).try_for_each(|_| ask(who, expected))));
        asking.into_iter().try_for_each(|asking| asking.join().expect("asking does not panic"))
    })
}

fn bearer(sub: &str) -> anyhow::Result<String> {
    let mut command: Command = headland()?;
    command.args(["token", "--role", "authenticated", "--claim", &format!("sub={sub}"), "--jwt-secret", JWT_SECRET]);
    let token = String::from_utf8(command.current_dir(root()).output()?.stdout)?;
    Ok(format!("Bearer {}", token.trim()))
}

/// What is stored is given while nobody can say whether it is good, and says so; what is not has its error at once.
fn outlives(runtime: Runtime) -> Outcome {
    let base = format!("{}/rest/v1/movies?select=title&limit=1", runtime.url()?);
    region(Mode::Pass)?;
    let well = asked(&base)?;
    region(Mode::Down)?;
    let outcome = (0..ASKED).try_for_each(|number| {
        let stale = get(&base)?;
        ensure!((stale.status, &stale.body) == (200, &well.body), "{} {}", stale.status, stale.body);
        ensure!(how(&stale).starts_with("headland; fwd=stale; detail=\"unreachable, "), "{}", how(&stale));
        ensure!(stale.header("age").is_some(), "it does not say how old it is");
        let reply = get(&format!("{base}&id=eq.{number}"))?;
        ensure!([502, 503].contains(&reply.status), "{} {}", reply.status, reply.body);
        Ok(())
    });
    region(Mode::Pass)?;
    outcome?;
    let back = Instant::now();
    while !how(&get(&base)?).ends_with("fwd-status=304; detail=memory") {
        ensure!(back.elapsed() < SOON, "not asked again");
    }
    Ok(())
}
