//! Which answers an instance keeps, and on what terms.

use std::time::Duration;

use cache::Terms;
use config::{Cache, Config, RelationPolicy};
use postgrest::Basis;

/// The terms on which an answer is kept: the strictest of all its relations. `None` is not at all.
pub(crate) fn terms(config: &Config, basis: &Basis<'_>) -> Option<Terms> {
    let longest = Duration::MAX;
    let (mut age_max, mut stale_while_revalidate, mut stale_if_error) = (Some(longest), longest, longest);
    for relation in &basis.relations {
        let policy = policy_of(config, relation.name());
        let of =
            |own: fn(&RelationPolicy) -> Option<u64>, all| Duration::from_secs(policy.and_then(own).unwrap_or(all));
        match policy.and_then(|policy| policy.cache).unwrap_or(config.cache) {
            Cache::Off => return None,
            Cache::Region => age_max = None,
            Cache::Edge => {
                let own = of(|policy| policy.cache_max_age, config.cache_max_age);
                age_max = age_max.map(|age_max| age_max.min(own));
            }
        }
        let own = of(|policy| policy.cache_stale_while_revalidate, config.cache_stale_while_revalidate);
        stale_while_revalidate = stale_while_revalidate.min(own);
        stale_if_error = stale_if_error.min(of(|policy| policy.cache_stale_if_error, config.cache_stale_if_error));
    }
    // Who cannot be asked whether it is still good is not served from it.
    let is_kept = !basis.tables.is_empty() && (age_max.is_some() || basis.is_watched);
    is_kept.then_some(Terms { age_max, stale_while_revalidate, stale_if_error, is_watched: basis.is_watched })
}

/// What the policy says of a relation, if it says anything.
pub(crate) fn policy_of<'a>(config: &'a Config, relation: &str) -> Option<&'a RelationPolicy> {
    config.relations.iter().find(|policy| policy.relation == relation)
}
