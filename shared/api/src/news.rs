//! What instances tell one another of writers, by way of KV.
//!
//! An edge that may answer by itself learns of writers whenever it asks the region. Where it has no reason to ask, another
//! instance may have one: whoever wrote, or found that a stored answer is no longer good, leaves word of it. It is a hint, which
//! comes as late as the store is, and may be lost when two leave theirs at once: then an answer's longest age is what bounds it. It only ever
//! makes an answer less fresh.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use cache::{RelationId, Snapshot, Store, wire};
use config::{Cache, Config};
use edge::{Edge, KvPut};

/// Where the word lies in KV, with a number for its form.
const KV_PREFIX: &str = "writers/1/";
/// As long as an answer may be in KV, and be given without asking.
const KV_EXPIRY: Duration = Duration::from_secs(24 * 3600);
/// Least time between two looks of an instance, and between two words. Stores take one write a second.
const PAUSE: Duration = Duration::from_secs(1);

/// What an instance has to tell, and when it told and heard.
#[derive(Default)]
struct News {
    writers: RefCell<Vec<(RelationId, Snapshot)>>,
    heard_at: Cell<Duration>,
    told_at: Cell<Duration>,
    /// Until when somebody is about to tell. A time and not a flag, because a runtime may end that work half-way.
    telling_until: Cell<Duration>,
}

impl News {
    fn of(edge: &Edge) -> Rc<News> {
        edge.instance_get().unwrap_or_else(|| edge.instance_put(News::default()))
    }

    /// Adds what the region has said just now. It is of the history that goes on, so what is of another is over.
    fn add(&self, told: &[(RelationId, Snapshot)]) {
        if let Some((_, seen)) = told.first() {
            self.writers.borrow_mut().retain(|(_, known)| known.timeline() == seen.timeline());
        }
        self.merge(told);
    }

    /// Adds what others have told, but for what is of another history.
    fn add_others(&self, mut told: Vec<(RelationId, Snapshot)>) {
        let own = self.writers.borrow().first().map(|(_, seen)| seen.timeline());
        told.retain(|(_, seen)| own.is_none_or(|own| own == seen.timeline()));
        self.merge(&told);
    }

    /// The latest word on a relation takes in the earlier ones. Of too many the first are left out.
    fn merge(&self, told: &[(RelationId, Snapshot)]) {
        let mut writers = self.writers.borrow_mut();
        for (relation, seen) in told {
            match writers.iter_mut().find(|(known, _)| known == relation) {
                Some((_, known)) => known.merge(seen),
                None => writers.push((*relation, seen.clone())),
            }
        }
        let excess = writers.len().saturating_sub(wire::TABLES_MAX);
        writers.drain(..excess);
    }
}

/// Whether there are relations of which an edge answers by itself.
fn is_wanted(config: &Config) -> bool {
    let policies = config.relations.iter().filter_map(|policy| policy.cache);
    policies.chain([config.cache]).any(|cache| cache == Cache::Edge)
}

/// Leaves word after the response that these relations have been written.
pub(crate) fn tell(edge: &Edge, region: u64, config: &Config, told: &[(RelationId, Snapshot)]) {
    if told.is_empty() || !is_wanted(config) {
        return;
    }
    let news = News::of(edge);
    news.add(told);
    let now = edge.now();
    if now < news.telling_until.get() {
        return;
    }
    let wait = (news.told_at.get() + PAUSE).saturating_sub(now);
    news.telling_until.set(now + wait + PAUSE);
    let (later, name) = (edge.clone(), name(region));
    edge.after_response(async move {
        later.sleep(wait).await;
        if let Some(others) = read(&later, &name).await {
            news.add_others(others);
        }
        news.told_at.set(later.now());
        news.telling_until.set(Duration::ZERO);
        let text = wire::write_writers(news.writers.borrow().iter().cloned());
        let put = KvPut { expiry: Some(KV_EXPIRY), metadata: Bytes::new() };
        if let Err(error) = later.kv_put(&name, text.as_bytes(), put).await {
            later.log(&format!("other edges do not hear of a write: {error}"));
        }
    });
}

/// Takes in what others have told, unless that was done just now.
pub(crate) async fn hear(edge: &Edge, region: u64, store: &RefCell<Store>) {
    let news = News::of(edge);
    if edge.now() < news.heard_at.get() + PAUSE {
        return;
    }
    news.heard_at.set(edge.now());
    if let Some(told) = read(edge, &name(region)).await {
        store.borrow_mut().hear(&told);
    }
}

/// The same after the response.
pub(crate) fn hear_after_response(edge: &Edge, region: u64, store: &Rc<RefCell<Store>>, now: Duration) {
    if now >= News::of(edge).heard_at.get() + PAUSE {
        let (later, store) = (edge.clone(), store.clone());
        edge.after_response(async move { hear(&later, region, &store).await });
    }
}

async fn read(edge: &Edge, name: &str) -> Option<Vec<(RelationId, Snapshot)>> {
    let kept = edge.kv_get(name).await.ok().flatten()?;
    wire::read_writers(str::from_utf8(&kept.value).ok()?)
}

/// One place for each region, by its fingerprint.
fn name(region: u64) -> String {
    format!("{KV_PREFIX}{region:016x}")
}

#[cfg(test)]
mod tests {
    use cache::{Entry, KeyMaker, Terms, Timeline};
    use edge::block_on;

    use super::*;

    const REGION: u64 = 7;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::of_postgres(Timeline(1), text).unwrap()
    }

    fn told(edge: &Edge, policy: &str, text: &str) {
        tell(edge, REGION, &Config::parse(policy).unwrap(), &[(1, snapshot(text))]);
        block_on(edge.settle());
    }

    /// Whether an answer with this snapshot is given after having heard.
    fn is_given(edge: &Edge, store: &RefCell<Store>, text: &str) -> bool {
        block_on(hear(edge, REGION, store));
        let terms = Terms { age_max: Some(Duration::from_secs(60)), is_watched: true, ..Terms::default() };
        let response = http::Response::new(Bytes::new());
        let entry = Entry::new(KeyMaker::new(0).key(), response, vec![1], terms, snapshot(text), edge.now()).unwrap();
        store.borrow().age(&entry, &Snapshot::default(), entry.terms.age_max, edge.now()).is_some()
    }

    #[test]
    fn ok_told_and_heard() {
        let (edge, store) = (Edge::new(), RefCell::default());
        told(&edge, "relations.films.cache = 'edge'", "10:10:");
        edge.drop_instance();
        assert!(is_given(&edge, &store, "10:10:") && !is_given(&edge, &store, "9:9:"));
        // Within a second nobody looks again.
        told(&edge, "cache = 'edge'", "12:12:");
        assert!(is_given(&edge, &store, "10:10:"));
        block_on(edge.sleep(PAUSE));
        assert!(is_given(&edge, &store, "12:12:") && !is_given(&edge, &store, "10:10:"));
    }

    #[test]
    fn ok_what_others_have_told_stays() {
        let (edge, store) = (Edge::new(), RefCell::default());
        told(&edge, "cache = 'edge'", "10:10:");
        edge.drop_instance();
        told(&edge, "cache = 'edge'", "8:8:");
        edge.drop_instance();
        assert!(!is_given(&edge, &store, "9:9:"));
    }

    /// After a crash or a failover: what was told before does not take the place of what is told now, whoever told it.
    #[test]
    fn ok_another_history() {
        let later = |text| Snapshot::of_postgres(Timeline(2), text).unwrap();
        let tell_later = |edge: &Edge, table, text| {
            tell(edge, REGION, &Config::parse("cache = 'edge'").unwrap(), &[(table, later(text))]);
            block_on(edge.settle());
        };
        // Others told it; and then the instance itself, which hears from others of the history that goes on.
        let edge = Edge::new();
        told(&edge, "cache = 'edge'", "90:90:");
        edge.drop_instance();
        tell_later(&edge, 1, "10:10:");
        let kept = block_on(edge.kv_get(&name(REGION))).unwrap().unwrap();
        let edge = Edge::new();
        told(&edge, "cache = 'edge'", "90:90:");
        block_on(edge.kv_put(&name(REGION), &kept.value, KvPut::default())).unwrap();
        tell_later(&edge, 2, "12:12:");
        let mut heard = block_on(read(&edge, &name(REGION))).unwrap();
        heard.sort_by_key(|(relation, _)| *relation);
        assert_eq!(heard, [(1, later("10:10:")), (2, later("12:12:"))]);
    }

    #[test]
    fn ok_one_word_a_second() {
        let edge = Edge::new();
        let began = edge.now();
        for number in 10..14 {
            told(&edge, "cache = 'edge'", &format!("{number}:{number}:"));
        }
        assert!(edge.now() - began >= PAUSE * 3, "{:?}", edge.now());
    }

    #[test]
    fn ok_nobody_wants_to_hear() {
        let (edge, store) = (Edge::new(), RefCell::default());
        told(&edge, "cache = 'region'", "10:10:");
        assert!(is_given(&edge, &store, "9:9:"));
    }

    #[test]
    fn ok_bounded() {
        let news = News::default();
        for relation in 0..2 * wire::TABLES_MAX as RelationId {
            news.add(&[(relation, snapshot("10:10:"))]);
        }
        assert_eq!(news.writers.borrow().len(), wire::TABLES_MAX);
    }
}
