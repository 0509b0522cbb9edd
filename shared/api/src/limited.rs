//! Rate limits for functions of one's own.

use config::{By, Config};
use edge::{Edge, Error, Request, Response};
use sql::Region;

use crate::limits::{self, Counted, Sought};
use crate::policy;
use crate::refusal::Refusal;
use crate::role::Who;

/// Answers a request with `respond`, unless its caller is over a limit of headland.toml that is for its path. What is
/// counted is what this instance sees: a shield, and not exact. A token is looked at where a limit goes by role or claim.
///
/// # Errors
/// A caller that is over a limit (429); a token that is not right, where one is looked at; what `respond` fails with.
pub async fn limited(
    request: Request,
    edge: &Edge,
    respond: impl AsyncFnOnce(Request) -> Result<Response, Error>,
) -> Result<Response, Error> {
    let config = policy::config(edge).await?;
    let counted = match count(&request, edge, &config).await {
        Ok(counted) => counted,
        Err(refusal) => return refusal.tell(&config),
    };
    let mut response = respond(request).await?;
    if let Some(counted) = counted {
        counted.tell(None, response.headers_mut());
    }
    Ok(response)
}

async fn count<'a>(request: &Request, edge: &Edge, config: &'a Config) -> Result<Option<Counted<'a>>, Refusal> {
    let sought = Sought { path: request.uri().path(), target: None };
    let mut limits = config.limits.iter().filter(|limit| sought.is_under(limit));
    let who = match limits.any(|limit| limit.by != By::Address) {
        true => Some(Who::asks(request.headers(), edge, config).await?),
        false => None,
    };
    // So that all functions of a Worker count the same callers.
    let region = Region::of(edge).await.ok();
    limits::count(edge, region.as_deref(), config, who.as_deref(), sought)
}
