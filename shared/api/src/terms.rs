//! Which answers an instance keeps, and on what terms.

use std::time::Duration;

use cache::Terms;
use config::{Cache, Config, RelationPolicy};
use postgrest::Basis;

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

/// What the policy says of a relation, if it says anything.
pub(crate) fn policy_of<'a>(config: &'a Config, relation: &str) -> Option<&'a RelationPolicy> {
    config.relations.iter().find(|policy| policy.relation == relation)
}
