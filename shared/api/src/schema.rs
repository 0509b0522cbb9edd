//! Where the catalog comes from: the instance's memory, else KV, else the region.
//!
//! One request of an instance looks for it at a time, and the others wait: after DDL all that are under way want a new one at once.
//! For the same reason the region is told that the answer is made of the schema alone: it runs one query for all instances.
//! A catalog that is older than `catalog-max-age` still serves, while a newer one is fetched after the response. A
//! plan that names what the catalog does not know is made once more against a new catalog, if the one at hand is
//! older than [`DOUBT_AGE`]: a table that was just created is found, and a caller of nonsense cannot make every
//! request an introspection. Where the region watches its schema, it refuses what was planned with another version of it,
//! and that is planned once more against a new catalog too.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::{rc::Rc, time::Duration};

use cache::{KeyMaker, SCHEMA, Snapshot};
use catalog::Catalog;
use config::Config;
use edge::Edge;
use futures_util::future::join;
use postgrest::ErrorKind;
use sql::{Batch, Question, Region, Statement};

use crate::flight::{self, Flight};
use crate::pieces;
use crate::refusal::Refusal;

/// A catalog younger than this is believed when it does not know what a request names.
const DOUBT_AGE: Duration = Duration::from_secs(1);
/// How long KV keeps a catalog that nobody renews.
const KV_EXPIRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// A catalog and when it was fetched, since the Unix epoch.
pub(crate) struct Fetched {
    pub(crate) catalog: Catalog,
    /// The version of the schema, where the region tells it.
    pub(crate) version: Option<String>,
    at: Duration,
    /// Until when the others leave it to one request to fetch a newer one. A time and not a flag, because a runtime
    /// may end that request's work half-way.
    refreshing_until: Cell<Duration>,
}

/// The catalog to plan with.
pub(crate) async fn at_hand(edge: &Edge, region: &Rc<Region>, config: &Rc<Config>) -> Result<Rc<Fetched>, sql::Error> {
    if let Some(fetched) = in_memory(edge, region, config, edge.now()) {
        return Ok(fetched);
    }
    let _flight = board(edge, region, config).await;
    if let Some(fetched) = in_memory(edge, region, config, edge.now()) {
        return Ok(fetched);
    }
    let (kept, ()) = join(from_kv(edge, region, config), region.heed(edge)).await;
    match kept {
        Some(fetched) => {
            edge.instance_put(fetched);
            Ok(in_memory(edge, region, config, edge.now()).expect("it was put there"))
        }
        None => fetch(edge, region, config).await,
    }
}

/// The same, if it is there without waiting.
pub(crate) fn in_memory(edge: &Edge, region: &Rc<Region>, config: &Rc<Config>, now: Duration) -> Option<Rc<Fetched>> {
    let fetched = edge.instance_get::<Fetched>()?;
    let is_old = now.saturating_sub(fetched.at) >= Duration::from_secs(config.catalog_max_age);
    if is_old && now >= fetched.refreshing_until.get() {
        fetched.refreshing_until.set(now + Duration::from_millis(config.region_timeout));
        refresh_after_response(edge, region, config);
    }
    Some(fetched)
}

fn refresh_after_response(edge: &Edge, region: &Rc<Region>, config: &Rc<Config>) {
    let (later, region, config) = (edge.clone(), region.clone(), config.clone());
    edge.after_response(async move {
        if let Err(error) = fetch(&later, &region, &config).await {
            later.log(&format!("the catalog is old and a newer one cannot be had: {error}"));
        }
    });
}

/// Whether a newer catalog may know better.
pub(crate) fn is_in_doubt(edge: &Edge, fetched: &Fetched, error: &postgrest::Error) -> bool {
    use ErrorKind::{
        AmbiguousFunction, AmbiguousRelationship, ColumnNotFound, FunctionNotFound, NoRelationship, TableNotFound,
        UpsertFilters,
    };
    let may_differ = matches!(
        error.kind,
        TableNotFound { .. }
            | ColumnNotFound { .. }
            | NoRelationship { .. }
            | AmbiguousRelationship { .. }
            | FunctionNotFound { .. }
            | AmbiguousFunction { .. }
            | UpsertFilters
    );
    may_differ && edge.now().saturating_sub(fetched.at) >= DOUBT_AGE
}

/// Whether a newer catalog may lead to another end.
pub(crate) fn is_outdated(edge: &Edge, fetched: &Fetched, refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Dialect(error) => is_in_doubt(edge, fetched, error),
        Refusal::Edge(_) => false,
        Refusal::Outdated => true,
    }
}

/// A newer catalog than this one: another request of this instance may have fetched it meanwhile, or be about to.
pub(crate) async fn newer(
    edge: &Edge,
    region: &Rc<Region>,
    config: &Config,
    known: &Fetched,
) -> Result<Rc<Fetched>, sql::Error> {
    let latest = || edge.instance_get::<Fetched>().filter(|latest| latest.at > known.at);
    if let Some(latest) = latest() {
        return Ok(latest);
    }
    let _flight = board(edge, region, config).await;
    match latest() {
        Some(latest) => Ok(latest),
        None => fetch(edge, region, config).await,
    }
}

/// Waits until no other request of this instance looks for the catalog; no longer than the region may take.
async fn board(edge: &Edge, region: &Rc<Region>, config: &Config) -> Option<Flight> {
    let mut maker = KeyMaker::new(region.fingerprint());
    maker.part(b"catalog");
    flight::take(edge, maker.key(), Duration::from_millis(config.region_timeout)).await
}

async fn from_kv(edge: &Edge, region: &Rc<Region>, config: &Config) -> Option<Fetched> {
    let (value, metadata) = pieces::get(edge, &key(region, config)).await?;
    let at = Duration::from_millis(u64::from_le_bytes(metadata.first_chunk().copied()?));
    let version = metadata.get(size_of::<u64>()..).and_then(|version| str::from_utf8(version).ok());
    let version = version.filter(|version| !version.is_empty()).map(str::to_owned);
    let catalog = Catalog::from_bytes(value).ok()?;
    Some(Fetched { catalog, version, at, refreshing_until: Cell::default() })
}

/// Asks the region, and leaves the answer in memory at once and in KV after the response.
pub(crate) async fn fetch(edge: &Edge, region: &Rc<Region>, config: &Config) -> Result<Rc<Fetched>, sql::Error> {
    let at = edge.now();
    let (text, parameters) = catalog::introspection(&config.db_schemas);
    let settings = Statement { text: catalog::INTROSPECTION_SETTINGS.into(), parameters: vec![] };
    let statements = [settings, Statement { text, parameters }];
    let batch = Batch {
        statements: &statements,
        read_only: true,
        isolation: None,
        catalog: None,
        limits: None,
        question: Some(Question { tables: &[SCHEMA], stored: None, demanded: &Snapshot::default() }),
    };
    let mut answer = region.ask(edge, batch, Duration::from_millis(config.region_timeout)).await?;
    let row = answer.take_row()?;
    let catalog = Catalog::from_introspection(&row.body).map_err(|error| sql::Error::Nonsense(error.to_string()))?;
    let before = edge.instance_get::<Fetched>();
    let is_stored = before.is_some_and(|before| before.catalog.as_bytes() == catalog.as_bytes());
    let fetched =
        edge.instance_put(Fetched { catalog, version: answer.catalog, at, refreshing_until: Cell::default() });
    keep_after_response(edge, key(region, config), fetched.clone(), is_stored);
    Ok(fetched)
}

fn keep_after_response(edge: &Edge, key: String, fetched: Rc<Fetched>, is_stored: bool) {
    let later = edge.clone();
    edge.after_response(async move {
        let at = (fetched.at.as_millis() as u64).to_le_bytes();
        let metadata = [&at, fetched.version.as_deref().unwrap_or_default().as_bytes()].concat();
        let value = fetched.catalog.as_bytes();
        if let Err(error) = pieces::put(&later, &key, value, &metadata, KV_EXPIRY, is_stored).await {
            later.log(&format!("the catalog is not in KV: {error}"));
        }
    });
}

/// One catalog per region, exposed schemas and encoding.
fn key(region: &Rc<Region>, config: &Config) -> String {
    let mut hasher = DefaultHasher::new();
    (region.fingerprint(), &config.db_schemas).hash(&mut hasher);
    format!("catalog/{}/{:016x}", catalog::FORMAT_VERSION, hasher.finish())
}
