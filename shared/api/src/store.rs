//! Which answers an instance keeps, on what terms, and under which keys.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use cache::{KeyMaker, Store, Terms};
use config::{Cache, Config, RelationPolicy};
use edge::Edge;
use postgrest::Basis;
use sql::Region;

use crate::policy;
use crate::role::Who;
use crate::schema::Fetched;

/// What an instance keeps. Nothing of a request is in it but its answer, under a key that nobody else's request has.
pub(crate) fn of(edge: &Edge) -> Rc<RefCell<Store>> {
    edge.instance_get().unwrap_or_else(|| edge.instance_put(RefCell::default()))
}

/// What all keys of requests begin with: region and credential, policy, and what is known of the schema. Nobody who does not know
/// the credential can tell keys.
pub(crate) fn key_maker(edge: &Edge, region: &Region, known: &Fetched) -> KeyMaker {
    let mut hasher = DefaultHasher::new();
    // The version also changes with what is not in the catalog: privileges, and who is a member of which role.
    (region.fingerprint(), policy::fingerprint(edge), known.catalog.checksum(), &known.version).hash(&mut hasher);
    KeyMaker::new(hasher.finish())
}

/// The terms on which an answer is kept: the strictest of all its relations. `None` is not at all.
pub(crate) fn terms(config: &Config, basis: &Basis<'_>) -> Option<Terms> {
    let (mut age_max, mut is_at_edge) = (u64::MAX, true);
    for relation in &basis.relations {
        let policy = policy_of(config, relation.name());
        match policy.and_then(|policy| policy.cache).unwrap_or(config.cache) {
            Cache::Off => return None,
            Cache::Region => is_at_edge = false,
            Cache::Edge => {
                age_max = age_max.min(policy.and_then(|policy| policy.cache_max_age).unwrap_or(config.cache_max_age));
            }
        }
    }
    let age_max = is_at_edge.then(|| Duration::from_secs(age_max));
    // Who cannot be asked whether it is still good is not served from it.
    let is_kept = !basis.tables.is_empty() && (is_at_edge || basis.is_watched);
    is_kept.then_some(Terms { age_max, is_watched: basis.is_watched })
}

/// Adds to a key what of the caller decides the answer: the role, and the claims that matter for one of the relations.
pub(crate) fn add_caller(maker: &mut KeyMaker, config: &Config, basis: &Basis<'_>, who: &Who) {
    maker.part(who.role().as_bytes());
    let (mut names, mut all) = (Vec::new(), false);
    for relation in &basis.relations {
        match policy_of(config, relation.name()).and_then(|policy| policy.cache_claims.as_ref()) {
            Some(claims) => names.extend(claims.iter().map(String::as_str)),
            None => all |= relation.reads_claims(),
        }
    }
    names.sort_unstable();
    names.dedup();
    maker.optional(all.then(|| who.caller().claims_json.as_bytes()));
    for name in names {
        maker.part(name.as_bytes());
        maker.optional(who.member(name).as_deref().map(str::as_bytes));
    }
}

fn policy_of<'a>(config: &'a Config, relation: &str) -> Option<&'a RelationPolicy> {
    config.relations.iter().find(|policy| policy.relation == relation)
}
