//! The stages of a request, in order.

use std::pin::Pin;
use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use config::Config;
use edge::{
    Body, BodyError, Edge, Error, Fault, HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header,
};
use http::request::Parts;
use postgrest::{ApiRequest, Caller, ErrorKind, Plan, Target, limits::BODY_BYTES_MAX};
use sql::{Answer, Batch, Region, Row, Statement};

use crate::cors::Grant;
use crate::limits::{self, Counted, Sought};
use crate::reading::{self, Keeping, Reading};
use crate::refusal::Refusal;
use crate::role::{self, Who};
use crate::schema::Fetched;
use crate::timing::Timing;
use crate::{news, policy, request_key, schema, terms, trace};

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
    let outcome = run(request, edge, &config, target, Counting::Counted).await;
    match outcome.map_or_else(|refusal| refusal.tell(&config), |response| Ok(response.map(Body::from))) {
        Ok(mut response) => {
            granted.for_each(|(name, value)| _ = response.headers_mut().append(name, value));
            Ok(response)
        }
        Err(error) => Err(granted.fold(error, |error, (name, value)| error.with_header(name, value))),
    }
}

/// Whether a request counts under the limits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    Counted,
    /// Its caller knows nothing of it.
    Uncounted,
}

async fn run(
    request: Request,
    edge: &Edge,
    config: &Rc<Config>,
    target: fn(&str) -> Result<Target<'_>, ErrorKind>,
    counting: Counting,
) -> Result<http::Response<Bytes>, Refusal> {
    let (head, body) = request.into_parts();
    let mut timing = Timing::start(edge, config);
    let who = Who::asks(&head.headers, edge, config).await?;
    timing.stage("jwt");
    let found = target(head.uri.path())?;
    let region = Region::of(edge).await?;
    let sought = Sought { path: head.uri.path(), target: Some(&found) };
    let counted = match counting {
        Counting::Counted => limits::count(edge, Some(&region), config, Some(&who), sought)?,
        Counting::Uncounted => None,
    };
    if head.method == Method::OPTIONS {
        return Box::pin(info(&found, &head.headers, edge, &region, config)).await;
    }
    let body = bytes(body, &head.method).await?;
    let is_read = matches!(found, Target::Relation(_)) && !has_body(&head.method);
    let is_checked = config.validate_by_catalog && is_write(&head.method, &found);
    let asked_at = edge.now();
    let known = match is_checked {
        true => Some(schema::at_hand(edge, &region, config).await?),
        false => schema::in_memory(edge, &region, config, asked_at),
    };
    let reading_with = |known: &Fetched| match is_read {
        true => Reading::of(&head, &who, edge, &region, config, known, asked_at),
        false => None,
    };
    let mut read = known.as_deref().and_then(reading_with);
    if let Some(mut response) = read.as_ref().and_then(Reading::at_once) {
        counted.iter().for_each(|counted| counted.tell(None, response.headers_mut()));
        timing.stage("cache");
        timing.tell(response.headers_mut());
        refresh(&head, read.as_ref(), edge, config, target);
        return Ok(response);
    }
    // A future is moved about as a whole, several times: that of an answer from memory is small without this.
    Box::pin(async {
        let rules = known.as_ref().filter(|_| is_checked).map(|known| &known.catalog);
        let api_request = ApiRequest::parse(&head.method, found, head.uri.query(), &head.headers, body, config, rules)?;
        timing.stage("parse");
        let counted = counted.as_ref();
        let known = match known {
            Some(known) => known,
            None => {
                let known = schema::at_hand(edge, &region, config).await?;
                read = reading_with(&known);
                known
            }
        };
        let (request, reading) = (&api_request, read.as_ref());
        let trip = Trip { edge, region: &region, config, caller: who.caller(), counted, request, reading };
        let response = match trip.make(&known, known.version.as_deref(), &mut timing).await {
            Err(refusal) if schema::is_outdated(edge, &known, &refusal) => {
                let known = schema::newer(edge, &region, config, &known).await?;
                let read = reading_with(&known);
                Trip { reading: read.as_ref(), ..trip }.make(&known, None, &mut timing).await
            }
            outcome => outcome,
        }?;
        refresh(&head, read.as_ref(), edge, config, target);
        Ok(response)
    })
    .await
}

/// Asks once more after the response, where what was given from memory is about to be too old.
fn refresh(
    head: &Parts,
    read: Option<&Reading<'_>>,
    edge: &Edge,
    config: &Rc<Config>,
    target: fn(&str) -> Result<Target<'_>, ErrorKind>,
) {
    let Some(flight) = read.and_then(Reading::due) else { return };
    let mut request = Request::new(Body::empty());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.headers_mut() = head.headers.clone();
    request.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let (later, config) = (edge.clone(), config.clone());
    edge.after_response(async move {
        let run: Pin<Box<dyn Future<Output = _>>> =
            Box::pin(run(request, &later, &config, target, Counting::Uncounted));
        // Whoever asks next will hear what is wrong.
        let _ = run.await;
        drop(flight);
    });
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
    /// What may be stored of it.
    reading: Option<&'a Reading<'a>>,
}

impl Trip<'_> {
    /// Makes a plan and the one trip; the region refuses it, if it knows better, where the schema is of another version.
    async fn make(
        &self,
        known: &Fetched,
        version: Option<&str>,
        timing: &mut Timing<'_>,
    ) -> Result<http::Response<Bytes>, Refusal> {
        let mut plan = postgrest::plan(self.request, &known.catalog, self.config)?;
        let basis = self.reading.and_then(|_| plan.basis(self.request, self.config));
        let basis = basis.filter(|basis| terms::terms(self.config, basis).is_some());
        if self.reading.is_some() {
            plan.tell_snapshot();
        }
        let (mut caller, claims) = (self.caller, role::claims_of(self.caller.role));
        if let Some(basis) = &basis {
            plan.withhold_request();
            if !request_key::are_claims_read(basis, self.config) {
                caller.claims_json = &claims;
            }
        }
        let plan = &plan;
        let statements = postgrest::statements(self.request, plan, &caller, &known.catalog, self.config);
        timing.stage("plan");
        let mut keeping = match (self.reading, basis) {
            (Some(reading), Some(basis)) => reading.keeping(self.request, basis, &statements).await,
            _ => None,
        };
        let mut response = match keeping.as_ref().and_then(Keeping::at_once) {
            Some(response) => {
                timing.stage("cache");
                self.with_limits(response)
            }
            None => {
                self.reading.map_or(Ok(()), Reading::refuse_trip)?;
                let boarded = match &mut keeping {
                    Some(keeping) => keeping.board().await,
                    None => Ok(None),
                };
                match boarded {
                    Ok(_flight) => self.ask(plan, &statements, known, version, keeping, timing).await?,
                    Err(response) => self.with_limits(response),
                }
            }
        };
        timing.tell(response.headers_mut());
        Ok(response)
    }

    /// The trip itself.
    async fn ask(
        &self,
        plan: &Plan<'_>,
        statements: &[Statement],
        known: &Fetched,
        version: Option<&str>,
        keeping: Option<Keeping<'_>>,
        timing: &mut Timing<'_>,
    ) -> Result<http::Response<Bytes>, Refusal> {
        let limits = self.counted.map(Counted::asked);
        let batch = Batch {
            statements,
            read_only: plan.is_read_only(),
            isolation: plan.isolation(&self.caller, &known.catalog, self.config),
            catalog: version,
            limits: limits.as_deref(),
            question: keeping.as_ref().and_then(Keeping::question),
        };
        let timeout = Duration::from_millis(self.config.region_timeout);
        let answer = match self.region.ask(self.edge, batch, timeout).await {
            Ok(answer) => answer,
            Err(error) => {
                let stale = match keeping {
                    Some(keeping) => keeping.stale(&error).await,
                    None => None,
                };
                return stale.map(|stale| self.with_limits(stale)).ok_or_else(|| self.refusal(error, plan));
            }
        };
        timing.stage("transaction");
        let limits = answer.limits.clone();
        let made = |row| Ok(postgrest::response(self.request, plan, row)?);
        let mut response = match keeping {
            Some(keeping) => keeping.response(answer, made)?,
            None => self.untold(plan, answer, made)?,
        };
        if let Some(counted) = self.counted {
            counted.tell(limits.as_deref(), response.headers_mut());
        }
        timing.stage("response");
        Ok(response)
    }

    /// The response to what is not kept. Who writes is told what has to be in an answer for it to have the write in it.
    fn untold(
        &self,
        plan: &Plan<'_>,
        mut answer: Answer,
        made: impl FnOnce(Row) -> Result<http::Response<Bytes>, Refusal>,
    ) -> Result<http::Response<Bytes>, Refusal> {
        let mut response = made(answer.take_row()?)?;
        if let Some(snapshot) = answer.snapshot {
            let written: Vec<_> = plan.written().into_iter().map(|relation| (relation, snapshot.clone())).collect();
            reading::store(self.edge).borrow_mut().wrote(&written);
            news::tell(self.edge, self.region.fingerprint(), self.config, &written);
            reading::tell_snapshot(answer.seen.unwrap_or(snapshot), response.headers_mut());
        }
        Ok(response)
    }

    /// A response that the region has not counted.
    fn with_limits(&self, mut response: http::Response<Bytes>) -> http::Response<Bytes> {
        self.counted.iter().for_each(|counted| counted.tell(None, response.headers_mut()));
        response
    }

    fn refusal(&self, error: sql::Error, plan: &Plan<'_>) -> Refusal {
        match (error, self.counted) {
            (sql::Error::OverLimit(told), Some(counted)) => counted.refusal(&told),
            (error, _) => Refusal::of_region(error, plan, &self.caller),
        }
    }
}
