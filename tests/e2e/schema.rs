//! What changes in the database is served within a second, and nobody waits for it.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::ensure;
use libtest_mimic::Trial;

use crate::harness::{Runtime, Superuser, get};
use crate::{Outcome, test};

/// How soon a change is served, and how long any request may take meanwhile.
const SOON: Duration = Duration::from_secs(1);

pub(crate) fn tests() -> Vec<Trial> {
    let changed = |runtime: Runtime| {
        let name = format!("{}::a_changed_schema_is_served_within_a_second", runtime.name());
        test(name, move || changed(runtime)).with_ignored_flag(runtime.absent().is_some())
    };
    [Runtime::Emulator, Runtime::Workerd].map(changed).into()
}

/// Statements, a request, and how its answer begins from then on. The old plan would give another answer each time.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "create table public.sightings (id int primary key, movie_id int references movies, stars int); \
         grant select on public.sightings to anon",
        "sightings?select=id",
        "200 []",
    ),
    (
        "alter table public.sightings rename constraint sightings_movie_id_fkey to of_movie",
        "sightings?select=movies!of_movie(id)",
        "200 []",
    ),
    (
        "alter table public.sightings drop constraint of_movie",
        "movies?select=id,sightings(id)&id=eq.1",
        r#"400 {"code":"PGRST200""#,
    ),
    (
        "create function public.sightings(movies) returns setof sightings stable language sql as \
         'select 7, $1.id, 5'",
        "movies?select=id,sightings(id)&id=eq.1",
        r#"200 [{"id":1,"sightings":[{"id":7}]}]"#,
    ),
    ("drop function public.sightings(movies)", "movies?select=id,sightings(id)&id=eq.1", r#"400 {"code":"PGRST200""#),
    ("drop table public.sightings", "sightings", r#"404 {"code":"PGRST205""#),
    ("create function public.sighted() returns int stable language sql as 'select 3'", "rpc/sighted", "200 3"),
    ("drop function public.sighted()", "rpc/sighted", r#"404 {"code":"PGRST202""#),
];

fn changed(runtime: Runtime) -> Outcome {
    let url = runtime.url()?;
    let superuser = Superuser::start()?;
    get(&format!("{url}/rest/v1/movies?limit=1"))?;
    for (change, request, expected) in CHANGES {
        change.split("; ").try_for_each(|statement| superuser.run(statement))?;
        let began = Instant::now();
        // Whoever asks at once may still get the old answer; who asks once after a second does not.
        sleep(if request.starts_with("sightings") { Duration::ZERO } else { SOON / 2 });
        loop {
            let asked = Instant::now();
            let reply = get(&format!("{url}/rest/v1/{request}"))?;
            let found = format!("{} {}", reply.status, reply.body);
            ensure!(asked.elapsed() < SOON, "{request} took {:?}", asked.elapsed());
            if found.starts_with(expected) {
                break;
            }
            ensure!(began.elapsed() < SOON, "after {:?}: {change}: {found}", began.elapsed());
            sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}
