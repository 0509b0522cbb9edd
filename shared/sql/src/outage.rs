//! What instances tell one another of a region that does not answer, by way of KV.
//!
//! A runtime may give each instance a hundred requests and then begin another, whose breaker knows nothing. It asks here when it begins,
//! and after a failure; when others have just found the same it opens, and neither tries nor waits.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use edge::{Edge, KvPut};

/// Where the word lies in KV, with a number for its form: when the region was away for the last time, and when it was back, in
/// milliseconds since the Unix epoch.
const KV_PREFIX: &str = "outage/2/";
/// As short as any store takes.
const KV_EXPIRY: Duration = Duration::from_secs(60);
/// For how long the word counts: longer than it is from what one says to what the next one says.
const AGE_MAX: Duration = Duration::from_secs(6);
/// Least time between two words of an instance. Stores take one write a second.
const PAUSE: Duration = Duration::from_secs(1);

/// When an instance has told, since the Unix epoch.
#[derive(Default)]
struct Told(Cell<Duration>);

/// Times since the Unix epoch.
#[derive(Default)]
struct Word {
    away_at: Duration,
    back_at: Duration,
}

/// How long ago the region was away, if that was of late and nothing else is known since.
pub(crate) async fn ago(edge: &Edge, region: u64) -> Option<Duration> {
    let Word { away_at, back_at } = Word::get(edge, region).await?;
    let ago = edge.now().saturating_sub(away_at);
    (away_at > back_at && ago < AGE_MAX).then_some(ago)
}

/// Leaves word after the response that it was away so long ago.
pub(crate) fn tell(edge: &Edge, region: u64, ago: Duration) {
    let told: Rc<Told> = edge.instance_get().unwrap_or_else(|| edge.instance_put(Told::default()));
    let now = edge.now();
    if now < told.0.get() + PAUSE {
        return;
    }
    told.0.set(now);
    let (later, away_at) = (edge.clone(), now.saturating_sub(ago));
    edge.after_response(async move {
        // What cannot be read might say that it is back.
        let Some(word) = Word::get(&later, region).await else { return };
        if away_at > word.back_at {
            Word { away_at, ..word }.put(&later, region).await;
        }
    });
}

/// Leaves word after the response that the region answers again.
pub(crate) fn end(edge: &Edge, region: u64) {
    let (later, back_at) = (edge.clone(), edge.now());
    edge.after_response(async move { Word { back_at, ..Word::default() }.put(&later, region).await });
}

impl Word {
    /// What is not there says nothing. `None` where that cannot be known.
    async fn get(edge: &Edge, region: u64) -> Option<Word> {
        let kept = edge.kv_get(&name(region)).await.ok()?.map(|kept| kept.value).unwrap_or_default();
        let time = |bytes: Option<&[u8; 8]>| Duration::from_millis(bytes.copied().map_or(0, u64::from_le_bytes));
        Some(Word { away_at: time(kept.first_chunk()), back_at: time(kept.get(8..).and_then(<[u8]>::first_chunk)) })
    }

    async fn put(&self, edge: &Edge, region: u64) {
        let value = [self.away_at, self.back_at].map(|time| (time.as_millis() as u64).to_le_bytes()).concat();
        let put = KvPut { expiry: Some(KV_EXPIRY), metadata: Bytes::new() };
        if let Err(error) = edge.kv_put(&name(region), &value, put).await {
            edge.log(&format!("other instances do not hear whether the region is away: {error}"));
        }
    }
}

fn name(region: u64) -> String {
    format!("{KV_PREFIX}{region:016x}")
}

#[cfg(test)]
mod tests;
