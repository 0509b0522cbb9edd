//! `GET /rest/v1/{relation}`: reads a table or view in the PostgREST dialect.
//!
//! A read costs one request to the region: one batch in one READ ONLY transaction, whose last statement's single row
//! already is the JSON body. Its bytes reach the caller as they are. The catalog comes from the instance's memory or
//! from KV; only the very first instance asks the region for it (`schema.rs`).
//!
//! Refusals have PostgREST's codes and shape (`refusal.rs`). A bearer token is refused and never ignored.

mod input;
mod policy;
mod refusal;
mod schema;

use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use config::Config;
use edge::{Body, Edge, Error, Request, Response};
use postgrest::{ApiRequest, ReadPlan};
use sql::{Batch, Region};

use crate::refusal::Refusal;

edge::serve!(handle);

/// Reads what the URL asks for.
pub async fn handle(request: Request, edge: &Edge) -> Result<Response, Error> {
    let config = policy::config(edge).await?;
    match read(&request, edge, &config).await {
        Ok(response) => Ok(response.map(Body::from)),
        Err(Refusal::Dialect(error)) => Ok(error.response().map(Body::from)),
        Err(Refusal::Edge(error)) => Err(error),
    }
}

async fn read(request: &Request, edge: &Edge, config: &Rc<Config>) -> Result<http::Response<Bytes>, Refusal> {
    let relation = input::relation(request.uri().path())?;
    input::check_method(request.method())?;
    let role = input::role(request.headers(), config)?;
    let api_request = ApiRequest::parse(request.method(), &relation, request.uri().query(), request.headers(), config)?;
    let region = Region::of(edge).await?;
    let caller = Caller { edge, region: &region, config, role };
    let known = schema::at_hand(edge, &region, config).await?;
    match postgrest::plan(&api_request, &known.catalog, config) {
        Ok(plan) => caller.ask(&api_request, &plan).await,
        Err(error) if schema::is_in_doubt(edge, &known, &error) => {
            let known = schema::fetch(edge, &region, config).await?;
            let plan = postgrest::plan(&api_request, &known.catalog, config)?;
            caller.ask(&api_request, &plan).await
        }
        Err(error) => Err(error.into()),
    }
}

/// For whom the region is asked, and how.
struct Caller<'a> {
    edge: &'a Edge,
    region: &'a Region,
    config: &'a Config,
    role: &'a str,
}

impl Caller<'_> {
    /// Makes the one trip.
    async fn ask(&self, request: &ApiRequest, plan: &ReadPlan<'_>) -> Result<http::Response<Bytes>, Refusal> {
        let claims = serde_json::json!({ "role": self.role }).to_string();
        let mut statements = vec![postgrest::settings(request, self.role, &claims, self.config)];
        statements.extend(postgrest::estimate(request, plan));
        statements.push(postgrest::statement(request, plan));
        let batch = Batch { statements: &statements, read_only: true };
        let timeout = Duration::from_millis(self.config.region_timeout);
        let row = self.region.run(self.edge, batch, timeout).await?;
        Ok(postgrest::response(request, plan, row)?)
    }
}
