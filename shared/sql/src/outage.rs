//! What instances tell one another of a region that does not answer, by way of KV.
//!
//! A runtime may give each instance a hundred requests and then begin another, whose breaker knows nothing. It asks here after
//! its first failure, and when others have just found the same it does not try again, and opens.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use edge::{Edge, KvPut};

/// Where the word lies in KV, with a number for its form: when it was left, in milliseconds since the Unix epoch.
const KV_PREFIX: &str = "outage/1/";
/// As short as any store takes.
const KV_EXPIRY: Duration = Duration::from_secs(60);
/// For how long the word counts: longer than a breaker is open, so that one that finds the same again keeps it up.
const AGE_MAX: Duration = Duration::from_secs(2);
/// Least time between two words of an instance. Stores take one write a second.
const PAUSE: Duration = Duration::from_secs(1);

/// When an instance has told, since the Unix epoch.
#[derive(Default)]
struct Told(Cell<Duration>);

/// Whether somebody has found of late that the region does not answer.
pub(crate) async fn is_known(edge: &Edge, region: u64) -> bool {
    let kept = edge.kv_get(&name(region)).await.ok().flatten();
    let at = kept.and_then(|kept| Some(u64::from_le_bytes(kept.value.first_chunk().copied()?)));
    at.is_some_and(|at| edge.now().saturating_sub(Duration::from_millis(at)) < AGE_MAX)
}

/// Leaves word of it after the response.
pub(crate) fn tell(edge: &Edge, region: u64) {
    let told: Rc<Told> = edge.instance_get().unwrap_or_else(|| edge.instance_put(Told::default()));
    let now = edge.now();
    if now < told.0.get() + PAUSE {
        return;
    }
    told.0.set(now);
    let later = edge.clone();
    edge.after_response(async move {
        let at = (now.as_millis() as u64).to_le_bytes();
        let put = KvPut { expiry: Some(KV_EXPIRY), metadata: Bytes::new() };
        if let Err(error) = later.kv_put(&name(region), &at, put).await {
            later.log(&format!("other instances do not hear that the region is away: {error}"));
        }
    });
}

fn name(region: u64) -> String {
    format!("{KV_PREFIX}{region:016x}")
}
