//! The stages of a request, in order.

use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use config::Config;
use edge::{Body, BodyError, Edge, Error, Fault, HeaderMap, Method, Request, Response, StatusCode};
use postgrest::{ApiRequest, Caller, ErrorKind, Plan, Target, limits::BODY_BYTES_MAX};
use sql::{Batch, Region};

use crate::cors::Grant;
use crate::limits::{self, Counted, Sought};
use crate::refusal::Refusal;
use crate::role::Who;
use crate::schema::Fetched;
use crate::timing::Timing;
use crate::{policy, schema, trace};

/// Answers a request for what `target` finds in its path.
///
/// # Errors
/// What the dialect has no words for: who asks, and the trip to the region.
pub async fn answer(
    request: Request,
    edge: &Edge,
    target: fn(&str) -> Result<Target<'_>, ErrorKind>,
) -> Result<Response, Error> {
    let config = policy::config(edge).await?;
    let grant = Grant::of(request.headers(), &config);
    let preflight = grant.as_ref().and_then(|grant| grant.preflight(request.method(), request.headers()));
    if let Some(response) = preflight {
        return Ok(response);
    }
    // OPTIONS has its own word for pages.
    let grant = grant.filter(|_| request.method() != Method::OPTIONS);
    let trace = trace::header(request.headers(), &config);
    let granted = grant.iter().flat_map(Grant::headers).chain(trace);
    let outcome = run(request, edge, &config, target).await;
    match outcome.map_or_else(|refusal| refusal.tell(&config), |response| Ok(response.map(Body::from))) {
        Ok(mut response) => {
            granted.for_each(|(name, value)| _ = response.headers_mut().append(name, value));
            Ok(response)
        }
        Err(error) => Err(granted.fold(error, |error, (name, value)| error.with_header(name, value))),
    }
}

async fn run(
    request: Request,
    edge: &Edge,
    config: &Rc<Config>,
    target: fn(&str) -> Result<Target<'_>, ErrorKind>,
) -> Result<http::Response<Bytes>, Refusal> {
    let (head, body) = request.into_parts();
    let mut timing = Timing::start(edge, config);
    let who = Who::asks(&head.headers, edge, config).await?;
    timing.stage("jwt");
    let target = target(head.uri.path())?;
    let region = Region::of(edge).await?;
    let sought = Sought { path: head.uri.path(), target: Some(&target) };
    let counted = limits::count(edge, Some(&region), config, Some(&who), sought)?;
    if head.method == Method::OPTIONS {
        return info(&target, &head.headers, edge, &region, config).await;
    }
    let body = bytes(body, &head.method).await?;
    let known = match config.validate_by_catalog && is_write(&head.method, &target) {
        true => Some(schema::at_hand(edge, &region, config).await?),
        false => None,
    };
    let rules = known.as_ref().map(|known| &known.catalog);
    let api_request = ApiRequest::parse(&head.method, target, head.uri.query(), &head.headers, body, config, rules)?;
    timing.stage("parse");
    let counted = counted.as_ref();
    let trip = Trip { edge, region: &region, config, caller: who.caller(), counted, request: &api_request };
    let known = match known {
        Some(known) => known,
        None => schema::at_hand(edge, &region, config).await?,
    };
    match trip.make(&known, known.version.as_deref(), &mut timing).await {
        Err(refusal) if schema::is_outdated(edge, &known, &refusal) => {
            let known = schema::newer(edge, &region, config, &known).await?;
            trip.make(&known, None, &mut timing).await
        }
        outcome => outcome,
    }
}

/// What the target can do.
async fn info(
    target: &Target<'_>,
    headers: &HeaderMap,
    edge: &Edge,
    region: &Rc<Region>,
    config: &Rc<Config>,
) -> Result<http::Response<Bytes>, Refusal> {
    let known = schema::at_hand(edge, region, config).await?;
    match postgrest::info(target, headers, &known.catalog, config) {
        Err(error) if schema::is_in_doubt(edge, &known, &error) => {
            let known = schema::newer(edge, region, config, &known).await?;
            Ok(postgrest::info(target, headers, &known.catalog, config)?)
        }
        answer => Ok(answer?),
    }
}

/// Whether the body may be rows.
fn is_write(method: &Method, target: &Target<'_>) -> bool {
    has_body(method) && matches!(target, Target::Relation(_))
}

/// Whether the method gives a body a meaning.
fn has_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PATCH | Method::PUT)
}

/// The whole body of a request whose method gives one a meaning.
async fn bytes(body: Body, method: &Method) -> Result<Bytes, Refusal> {
    if !has_body(method) {
        return Ok(Bytes::new());
    }
    body.bytes(BODY_BYTES_MAX).await.map_err(|error| match error {
        BodyError::TooLarge { .. } => ErrorKind::BodyTooLong.into(),
        BodyError::Broken(_) => {
            Error::new(StatusCode::BAD_REQUEST, Fault::Client, "PGRST102", "The body ended too early").into()
        }
    })
}

/// What the region is asked for, and for whom.
struct Trip<'a> {
    edge: &'a Edge,
    region: &'a Region,
    config: &'a Config,
    caller: Caller<'a>,
    counted: Option<&'a Counted<'a>>,
    request: &'a ApiRequest,
}

impl Trip<'_> {
    /// Makes a plan and the one trip; the region refuses it, if it knows better, where the schema is of another version.
    async fn make(
        &self,
        known: &Fetched,
        version: Option<&str>,
        timing: &mut Timing<'_>,
    ) -> Result<http::Response<Bytes>, Refusal> {
        let plan = &postgrest::plan(self.request, &known.catalog, self.config)?;
        let statements = postgrest::statements(self.request, plan, &self.caller, &known.catalog, self.config);
        let isolation = plan.isolation(&self.caller, &known.catalog, self.config);
        let read_only = plan.is_read_only();
        let limits = self.counted.map(Counted::asked);
        let batch =
            Batch { statements: &statements, read_only, isolation, catalog: version, limits: limits.as_deref() };
        let timeout = Duration::from_millis(self.config.region_timeout);
        timing.stage("plan");
        let answer = self.region.ask(self.edge, batch, timeout).await;
        let answer = answer.map_err(|error| self.refusal(error, plan))?;
        timing.stage("transaction");
        let mut response = postgrest::response(self.request, plan, answer.row)?;
        if let Some(counted) = self.counted {
            counted.tell(answer.limits.as_deref(), response.headers_mut());
        }
        timing.stage("response");
        timing.tell(response.headers_mut());
        Ok(response)
    }

    fn refusal(&self, error: sql::Error, plan: &Plan<'_>) -> Refusal {
        match (error, self.counted) {
            (sql::Error::OverLimit(told), Some(counted)) => counted.refusal(&told),
            (error, _) => Refusal::of_region(error, plan, &self.caller),
        }
    }
}
