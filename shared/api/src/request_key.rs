//! The keys of reads: as spelled, which costs no look into the request, and by all that decides the answer.
//!
//! Nothing of a request is kept beside its answer, so a key has in it whatever tells two requests apart.

use std::hash::{DefaultHasher, Hash, Hasher};

use cache::{Key, KeyMaker};
use config::Config;
use edge::Edge;
use http::request::Parts;
use postgrest::{ApiRequest, Basis};
use sql::{Region, Statement};

use crate::role::Who;
use crate::schema::Fetched;
use crate::{policy, terms};

/// The headers that the dialect looks at, beside those that say who asks.
const HEADERS: [&str; 4] = ["accept", "accept-profile", "prefer", "range"];

/// What all keys of requests begin with: region and credential, policy, and what is known of the schema. Nobody who does not know
/// the credential can tell keys.
pub(crate) fn maker(edge: &Edge, region: &Region, known: &Fetched) -> KeyMaker {
    let mut hasher = DefaultHasher::new();
    // The version also changes with what is not in the catalog: privileges, and who is a member of which role.
    (region.fingerprint(), policy::fingerprint(edge), known.catalog.checksum(), &known.version).hash(&mut hasher);
    KeyMaker::new(hasher.finish())
}

/// All of a request that can have a part in its answer, as it was sent.
pub(crate) fn of_spelling(mut maker: KeyMaker, head: &Parts, who: &Who) -> Key {
    maker.part(head.method.as_str().as_bytes());
    maker.part(head.uri.path().as_bytes());
    maker.optional(head.uri.query().map(str::as_bytes));
    maker.part(who.caller().role.as_bytes());
    maker.part(who.caller().claims_json.as_bytes());
    for name in HEADERS {
        let values = head.headers.get_all(name);
        maker.part(&[values.iter().count() as u8]);
        values.iter().for_each(|value| maker.part(value.as_bytes()));
    }
    maker.key()
}

/// What the request asks for, and of its caller what decides the answer. Other spellings of it have the same key.
pub(crate) fn of_meaning(
    mut maker: KeyMaker,
    request: &ApiRequest,
    statements: &[Statement],
    basis: &Basis<'_>,
    who: &Who,
    config: &Config,
) -> Key {
    add_caller(&mut maker, basis, who, config);
    postgrest::identity(request, statements, &mut |part| maker.optional(part.map(str::as_bytes)));
    maker.key()
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
