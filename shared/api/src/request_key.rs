//! What a read is found by: as it is spelled, which costs no look into the request; and the key of all that decides its answer.
//!
//! Nothing of a request is kept beside its answer but its spelling, so both have in them whatever tells two requests apart.

use std::hash::{DefaultHasher, Hash, Hasher};

use cache::{Key, KeyMaker};
use config::Config;
use edge::{Edge, HeaderName, header};
use http::request::Parts;
use postgrest::{ApiRequest, Basis};
use sql::{Region, Statement};

use crate::role::Who;
use crate::schema::Fetched;
use crate::{policy, terms};

/// The headers that the dialect looks at, beside those that say who asks.
const HEADERS: [HeaderName; 4] =
    [header::ACCEPT, HeaderName::from_static("accept-profile"), HeaderName::from_static("prefer"), header::RANGE];

/// What all spellings and keys begin with: region and credential, policy, and what is known of the schema. Nobody who does not know
/// the credential can tell keys.
pub(crate) fn seed(edge: &Edge, region: &Region, known: &Fetched) -> u64 {
    let mut hasher = DefaultHasher::new();
    // The version also changes with what is not in the catalog: privileges, and who is a member of which role.
    (region.fingerprint(), policy::fingerprint(edge), known.catalog.checksum(), &known.version).hash(&mut hasher);
    hasher.finish()
}

/// All of a request that can have a part in its answer, as it was sent. The parts' number, order and borders count.
pub(crate) fn spelling(seed: u64, head: &Parts, who: &Who) -> Vec<u8> {
    let mut spelling = Vec::with_capacity(512);
    spelling.extend_from_slice(&seed.to_le_bytes());
    let mut part = |bytes: &[u8]| {
        spelling.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        spelling.extend_from_slice(bytes);
    };
    part(head.method.as_str().as_bytes());
    // A path has no `?` in it.
    part(head.uri.path_and_query().map_or("", |path| path.as_str()).as_bytes());
    part(who.caller().role.as_bytes());
    part(who.caller().claims_json.as_bytes());
    for name in &HEADERS {
        let values = head.headers.get_all(name);
        part(&[values.iter().count() as u8]);
        values.iter().for_each(|value| part(value.as_bytes()));
    }
    spelling
}

/// What the request asks for, and of its caller what decides the answer. Other spellings of it have the same key.
pub(crate) fn key(
    seed: u64,
    request: &ApiRequest,
    statements: &[Statement],
    basis: &Basis<'_>,
    who: &Who,
    config: &Config,
) -> Key {
    let mut maker = KeyMaker::new(seed);
    add_caller(&mut maker, basis, who, config);
    postgrest::identity(request, statements, &mut |part| maker.optional(part.map(str::as_bytes)));
    maker.key()
}

/// Whether some of the claims matter for one of the relations, or may.
pub(crate) fn are_claims_read(basis: &Basis<'_>, config: &Config) -> bool {
    basis.relations.iter().any(|relation| {
        let policy = terms::policy_of(config, relation.name());
        relation.reads_claims() || policy.is_some_and(|policy| policy.cache_claims.is_some())
    })
}

/// Adds the role, and the claims that matter for one of the relations.
fn add_caller(maker: &mut KeyMaker, basis: &Basis<'_>, who: &Who, config: &Config) {
    maker.part(who.role().as_bytes());
    let (mut names, mut all) = (Vec::new(), false);
    for relation in &basis.relations {
        match terms::policy_of(config, relation.name()).and_then(|policy| policy.cache_claims.as_ref()) {
            Some(claims) => names.extend(claims),
            None => all |= relation.reads_claims(),
        }
    }
    sort::distinct(&mut names);
    maker.optional(all.then(|| who.caller().claims_json.as_bytes()));
    for name in names {
        maker.part(name.as_bytes());
        maker.optional(who.member(name).as_deref().map(str::as_bytes));
    }
}
