//! Rate limits: how often a caller may ask for what, as headland.toml says.
//!
//! A request is counted twice. An instance has a table of its own, and refuses at once whoever is over a limit by what
//! it has seen; that is a shield, because each instance sees a part of the traffic. Those that it lets pass tell the
//! gateway, in the one trip that they make, what they are counted under. The gateway sees them all: it refuses before
//! anything runs, and its answer says what the caller owes, which the instance learns. A region that does not count,
//! such as a Neon database, leaves it at the shield.
//!
//! Callers are numbers by a seed made of the region's address and credential: the gateway learns of no address and no
//! claim, and instances everywhere have the same number for a caller.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use config::{By, Config, Limit};
use edge::{Edge, Error, Fault, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use limit::{Ask, Standing, Table, field, wire};
use postgrest::Target;
use sql::Region;
use token::RolePath;

use crate::refusal::Refusal;
use crate::role::Who;

/// Callers that an instance remembers, under each limit for itself.
const CALLERS_MAX: usize = 1024;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What an instance keeps.
struct Kept {
    table: RefCell<Table>,
    seed: u64,
    /// Of each limit in the policy the place of the claim, if it is by claim.
    paths: Vec<Option<RolePath>>,
}

/// A request that was counted, and let pass so far.
pub(crate) struct Counted<'a> {
    kept: Rc<Kept>,
    limits: Vec<&'a Limit>,
    asks: Vec<Ask>,
    /// Where the caller is under each, by what this instance knows.
    standings: Vec<Standing>,
    at: Duration,
}

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Sought<'a> {
    pub(crate) path: &'a str,
    /// What the dialect finds in it.
    pub(crate) target: Option<&'a Target<'a>>,
}

/// Counts a request under the limits that are for it; `None` where there is none.
///
/// # Errors
/// A caller that is over one of them (429). What the operator has to mend.
pub(crate) fn count<'a>(
    edge: &Edge,
    region: Option<&Region>,
    config: &'a Config,
    who: Option<&Who>,
    sought: Sought<'_>,
) -> Result<Option<Counted<'a>>, Refusal> {
    if config.limits.is_empty() {
        return Ok(None);
    }
    let kept = Kept::of(edge, region, config)?;
    let (mut limits, mut asks) = (vec![], vec![]);
    for (limit, path) in config.limits.iter().zip(&kept.paths) {
        if sought.is_under(limit)
            && let Some(caller) = caller(limit, path.as_ref(), who, edge)
        {
            limits.push(limit);
            asks.push(Ask { key: limit::key(kept.seed, &limit.name, caller.as_bytes()), quota: limit.quota() });
        }
    }
    if asks.is_empty() {
        return Ok(None);
    }
    let at = edge.now();
    let verdict = kept.table.borrow_mut().take(&asks, at);
    let counted = Counted { kept, limits, asks, standings: verdict.standings, at };
    if verdict.allowed { Ok(Some(counted)) } else { Err(counted.over(&counted.standings)) }
}

impl Kept {
    fn of(edge: &Edge, region: Option<&Region>, config: &Config) -> Result<Rc<Kept>, Refusal> {
        if let Some(kept) = edge.instance_get::<Kept>() {
            return Ok(kept);
        }
        let mut paths = Vec::with_capacity(config.limits.len());
        for limit in &config.limits {
            paths.push(match &limit.by {
                By::Claim(path) => Some(RolePath::parse(path).map_err(Error::internal)?),
                By::Address | By::Role => None,
            });
        }
        // Nobody is told a number of a caller where there is no region.
        let seed = region.map_or(0, Region::fingerprint);
        Ok(edge.instance_put(Kept { table: RefCell::new(Table::new(CALLERS_MAX)), seed, paths }))
    }
}

impl Sought<'_> {
    /// Whether a limit is for this.
    pub(crate) fn is_under(self, limit: &Limit) -> bool {
        let is_for_all = limit.relations.is_empty() && limit.functions.is_empty() && limit.routes.is_empty();
        let names = |names: &[String], name: &str| names.iter().any(|known| known == name);
        let is_below = |route: &String| self.path.strip_prefix(&**route).is_some_and(is_end_of_segment);
        is_for_all
            || limit.routes.iter().any(is_below)
            || match self.target {
                Some(Target::Relation(name)) => names(&limit.relations, name),
                Some(Target::Function(name)) => names(&limit.functions, name),
                Some(Target::Root) | None => false,
            }
    }
}

fn is_end_of_segment(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Who is counted; `None` where the limit is not for this caller. Callers whose address is not known are one.
fn caller(limit: &Limit, path: Option<&RolePath>, who: Option<&Who>, edge: &Edge) -> Option<String> {
    match &limit.by {
        By::Address => Some(limit::network(edge.client_address().unwrap_or_default())),
        By::Role => who.map(|who| who.role().to_owned()),
        By::Claim(_) => who?.claim(path?),
    }
}

impl Counted<'_> {
    /// What the gateway is asked.
    pub(crate) fn asked(&self) -> String {
        wire::write_asks(&self.asks)
    }

    /// Says in a response where the caller is; `told` is what the gateway says of it.
    pub(crate) fn tell(&self, told: Option<&str>, headers: &mut HeaderMap) {
        let learned = told.and_then(|told| self.learn(told));
        let fields = self.fields(learned.as_ref().unwrap_or(&self.standings), false);
        headers.insert(RATE_LIMIT_POLICY, fields.policy);
        headers.insert(RATE_LIMIT, fields.state);
    }

    /// Why a request is refused that the gateway has refused.
    pub(crate) fn refusal(&self, told: &str) -> Refusal {
        match self.learn(told).filter(|standings| !standings.iter().all(Standing::allows)) {
            Some(standings) => self.over(&standings),
            None => sql::Error::Nonsense("a limit that is not reached, or was not asked for".into()).into(),
        }
    }

    /// Takes over what the gateway knows. It looked after the moment `at`, so that no more is counted here than there.
    fn learn(&self, told: &str) -> Option<Vec<Standing>> {
        let owed = wire::read_told(self.asks.len(), told)?;
        let mut table = self.kept.table.borrow_mut();
        let mut standings = Vec::with_capacity(owed.len());
        for (ask, owed) in self.asks.iter().zip(owed) {
            standings.push(table.learn(ask, owed, self.at));
        }
        Some(standings)
    }

    /// The caller may come back when the last of the limits that are reached has room (RFC 6585 §4, RFC 9110 §10.2.3).
    fn over(&self, standings: &[Standing]) -> Refusal {
        let fields = self.fields(standings, true);
        let message = format!("too many requests: the limit `{}` is reached", fields.last);
        let error = Error::new(StatusCode::TOO_MANY_REQUESTS, Fault::Client, "over_limit", message)
            .with_header(header::RETRY_AFTER, fields.retry_after.into())
            .with_header(RATE_LIMIT_POLICY, fields.policy)
            .with_header(RATE_LIMIT, fields.state);
        error.into()
    }

    /// What a response says of all limits, or of those that are reached.
    fn fields(&self, standings: &[Standing], only_reached: bool) -> Fields<'_> {
        let (mut policy, mut state) = (String::new(), String::new());
        let (mut last, mut retry_after) = ("", 0);
        for (limit, standing) in self.limits.iter().zip(standings) {
            if only_reached && standing.allows() {
                continue;
            }
            field::policy(&mut policy, &limit.name, standing.quota());
            field::limit(&mut state, &limit.name, standing);
            if standing.retry_after() > retry_after {
                (last, retry_after) = (&limit.name, standing.retry_after());
            }
        }
        Fields { policy: value(policy), state: value(state), last, retry_after }
    }
}

/// What a response says.
struct Fields<'a> {
    policy: HeaderValue,
    state: HeaderValue,
    /// The limit that takes longest to have room, if one is reached.
    last: &'a str,
    /// Seconds until it has.
    retry_after: u64,
}

fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("names are ASCII without control characters")
}
