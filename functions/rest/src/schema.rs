//! Where the catalog comes from: the instance's memory, else KV, else the region.
//!
//! A catalog that is older than `catalog-max-age` still serves, while a newer one is fetched after the response. A
//! plan that names what the catalog does not know is made once more against a new catalog, if the one at hand is
//! older than [`DOUBT_AGE`]: a table that was just created is found, and a caller of nonsense cannot make every
//! request an introspection.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use catalog::Catalog;
use config::Config;
use edge::{Edge, KvPut};
use postgrest::ErrorKind;
use sql::{Batch, Region, Statement};

/// A catalog younger than this is believed when it does not know a relation.
const DOUBT_AGE: Duration = Duration::from_secs(1);
/// How long KV keeps a catalog that nobody renews.
const KV_EXPIRY: Duration = Duration::from_secs(7 * 24 * 3600);

/// A catalog and when it was fetched, since the Unix epoch.
pub(crate) struct Fetched {
    pub(crate) catalog: Catalog,
    at: Duration,
    /// Until when the others leave it to one request to fetch a newer one. A time and not a flag, because a runtime
    /// may end that request's work half-way.
    refreshing_until: Cell<Duration>,
}

/// The catalog to plan with.
pub(crate) async fn at_hand(edge: &Edge, region: &Rc<Region>, config: &Rc<Config>) -> Result<Rc<Fetched>, sql::Error> {
    let fetched = match edge.instance_get::<Fetched>() {
        Some(fetched) => fetched,
        None => match from_kv(edge, region, config).await {
            Some(fetched) => edge.instance_put(fetched),
            None => return fetch(edge, region, config).await,
        },
    };
    let now = edge.now();
    let is_old = now.saturating_sub(fetched.at) >= Duration::from_secs(config.catalog_max_age);
    if is_old && now >= fetched.refreshing_until.get() {
        fetched.refreshing_until.set(now + Duration::from_millis(config.region_timeout));
        refresh_after_response(edge, region, config);
    }
    Ok(fetched)
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
    use ErrorKind::{AmbiguousRelationship, NoRelationship, TableNotFound};
    let may_differ = matches!(error.kind, TableNotFound { .. } | NoRelationship { .. } | AmbiguousRelationship { .. });
    may_differ && edge.now().saturating_sub(fetched.at) >= DOUBT_AGE
}

async fn from_kv(edge: &Edge, region: &Rc<Region>, config: &Config) -> Option<Fetched> {
    let entry = edge.kv_get(&key(region, config)).await.ok()??;
    let at = Duration::from_millis(u64::from_le_bytes(entry.metadata.first_chunk().copied()?));
    let catalog = Catalog::from_bytes(entry.value).ok()?;
    Some(Fetched { catalog, at, refreshing_until: Cell::default() })
}

/// Asks the region, and leaves the answer in memory at once and in KV after the response.
pub(crate) async fn fetch(edge: &Edge, region: &Rc<Region>, config: &Config) -> Result<Rc<Fetched>, sql::Error> {
    let at = edge.now();
    let (text, parameters) = catalog::introspection(&config.db_schemas);
    let settings = Statement { text: catalog::INTROSPECTION_SETTINGS.into(), parameters: vec![] };
    let statements = [settings, Statement { text, parameters }];
    let batch = Batch { statements: &statements, read_only: true };
    let row = region.run(edge, batch, Duration::from_millis(config.region_timeout)).await?;
    let catalog = Catalog::from_introspection(&row.body).map_err(|error| sql::Error::Nonsense(error.to_string()))?;
    keep_after_response(edge, key(region, config), catalog.as_bytes().clone(), at);
    Ok(edge.instance_put(Fetched { catalog, at, refreshing_until: Cell::default() }))
}

fn keep_after_response(edge: &Edge, key: String, value: Bytes, at: Duration) {
    let later = edge.clone();
    edge.after_response(async move {
        let metadata = Bytes::copy_from_slice(&(at.as_millis() as u64).to_le_bytes());
        if let Err(error) = later.kv_put(&key, &value, KvPut { expiry: Some(KV_EXPIRY), metadata }).await {
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
