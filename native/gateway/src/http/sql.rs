//! `POST /sql`: runs SQL.
//!
//! Refuses, in this order: what the headers say, the credential, another version of the schema, a caller over a limit,
//! the body; then whatever Postgres refuses. A read whose answer the edge has, and may still give, runs nothing.

use std::time::Duration;

use bytes::Bytes;
use cache::Snapshot;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response};
use tokio::time::{Instant, timeout_at};

use super::State;
use super::body;
use super::flights::{Place, Read};
use super::fresh::{self, Question};
use super::limit::{LIMIT, Taken};
use crate::execute::{Answer, Execution};
use crate::protocol::{Call, Queries, RawReply};
use crate::writers::Known;
use crate::{Error, ErrorKind};

/// How often a read waits for another before it runs by itself.
const FLIGHTS_MAX: usize = 3;

const CONNECTION_STRING: HeaderName = HeaderName::from_static("neon-connection-string");
const RAW: HeaderName = HeaderName::from_static("headland-raw");
const CATALOG: HeaderName = HeaderName::from_static("headland-catalog");
const ROW: HeaderName = HeaderName::from_static("headland-row");

pub(super) async fn handle(state: &State, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Error> {
    let arrived = Instant::now();
    let (head, body) = request.into_parts();
    let call = Call::parse(&head.headers)?;
    let question = Question::of(&head.headers)?;
    check_credential(state, &head.headers)?;
    // Known before anything runs, so that no answer can be older than what it names.
    let catalog = state.schema.version();
    check_catalog(&catalog, &head.headers)?;
    let limits = match state.limits.take(&head.headers)? {
        Taken::TooMany(refusal) => return Ok(refusal),
        Taken::Allowed(told) => told,
    };
    let known = state.known.as_ref().filter(|_| call.transaction.read_only);
    if let Some(mut unchanged) = known.and_then(|known| question.unchanged(known)) {
        state.metrics.unchanged.add(1);
        unchanged.headers_mut().extend(catalog.map(|version| (CATALOG, version)));
        unchanged.headers_mut().extend(limits.map(|told| (LIMIT, told)));
        return Ok(unchanged);
    }
    let patience = call.deadline.map_or(state.options.deadline, |given| given.min(state.options.deadline));
    let deadline = arrived + patience;
    let body_deadline = deadline.min(arrived + state.options.body_timeout);
    let body = match body::read(body, state.options.request_bytes_max, body_deadline).await {
        Err(error) if error.kind == ErrorKind::BodyTimeout && body_deadline == deadline => {
            return Err(Error::deadline(patience));
        }
        read => read?,
    };
    let queries = Queries::parse(&body)?;
    let execution = execution(state, &call, &queries, deadline, patience);
    let answer = match known.filter(|_| call.raw && question.is_shareable(catalog.is_some())) {
        Some(known) => {
            let read = Read { body: body.clone(), transaction: call.transaction, catalog: catalog.clone() };
            share(state, known, &question, &read, &execution).await?
        }
        None => execution.run().await?,
    };
    let mut response = respond(answer, &call, queries.is_batch());
    state.known.iter().for_each(|known| question.tell(known, response.headers_mut()));
    response.headers_mut().extend(catalog.map(|version| (CATALOG, version)));
    response.headers_mut().extend(limits.map(|told| (LIMIT, told)));
    Ok(response)
}

/// Answers a read by the query of one that is the same, where one runs; else by its own, which others may share.
async fn share(
    state: &State,
    known: &Known,
    question: &Question,
    read: &Read,
    execution: &Execution<'_>,
) -> Result<Answer, Error> {
    for _ in 0..FLIGHTS_MAX {
        let is_good = |reply: &RawReply| question.is_answered_by(reply, known);
        let mut landing = match state.flights.board(read, is_good) {
            Place::Passenger(landing) => landing,
            Place::Late(reply) => {
                state.metrics.shared.add(1);
                return Ok(Answer::Raw(reply));
            }
            Place::Pilot(flight) => {
                let answer = run(state, known, question, execution).await?;
                if let Answer::Raw(reply) = &answer {
                    flight.land(reply.clone());
                }
                return Ok(answer);
            }
        };
        let landed = timeout_at(execution.deadline, landing.wait_for(Option::is_some)).await;
        let landed = landed.map_err(|_elapsed| Error::deadline(execution.patience))?;
        match landed.ok().and_then(|reply| reply.clone()) {
            Some(reply) if question.is_answered_by(&reply, known) => {
                state.metrics.shared.add(1);
                return Ok(Answer::Raw(reply));
            }
            // Somebody has written meanwhile.
            Some(_) => {}
            // It has failed, and all who waited need not do so one after the other.
            None => break,
        }
    }
    run(state, known, question, execution).await
}

/// Runs a read: on the replica, if what that has replayed is as good as a stored answer would have to be; else on the primary.
async fn run(state: &State, known: &Known, question: &Question, execution: &Execution<'_>) -> Result<Answer, Error> {
    let is_good = |replayed: &Snapshot| !question.is_about_schema() && question.is_answered_at(replayed, known);
    if let Some(replica) = &state.replica
        && let Some(answered) = replica.run(execution, known, is_good).await
    {
        return answered;
    }
    execution.run().await
}

fn execution<'a>(
    state: &'a State,
    call: &'a Call,
    queries: &'a Queries<'a>,
    deadline: Instant,
    patience: Duration,
) -> Execution<'a> {
    Execution {
        pool: &state.pool,
        types: &state.types,
        known: state.known.as_ref(),
        replayed: None,
        call,
        queries,
        response_bytes_max: state.options.response_bytes_max,
        deadline,
        patience,
    }
}

fn check_credential(state: &State, headers: &HeaderMap) -> Result<(), Error> {
    let refuse = |message: &str| Err(Error::new(ErrorKind::Malformed, message));
    if headers.contains_key(AUTHORIZATION) {
        return refuse("`Authorization` is not taken here; the credential belongs in `Neon-Connection-String`");
    }
    match headers.get(CONNECTION_STRING).map(HeaderValue::to_str) {
        Some(Ok(connection_string)) => state.credential.check(connection_string),
        Some(Err(_)) => refuse("invalid `Neon-Connection-String`: it is not ASCII"),
        None => refuse("the header `Neon-Connection-String` is missing"),
    }
}

fn check_catalog(catalog: &Option<HeaderValue>, headers: &HeaderMap) -> Result<(), Error> {
    match (catalog, headers.get(CATALOG)) {
        (Some(now), Some(given)) if now != given => {
            Err(Error::new(ErrorKind::CatalogChanged, "the schema is no longer the one that the request was made for"))
        }
        _ => Ok(()),
    }
}

fn respond(answer: Answer, call: &Call, batch: bool) -> Response<Full<Bytes>> {
    let mut headers = HeaderMap::with_capacity(8);
    if batch {
        call.transaction.echo(&mut headers);
    }
    let body = match answer {
        Answer::Json(body) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            body
        }
        Answer::Raw(RawReply { body, row, snapshot }) => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            headers.insert(RAW, HeaderValue::from_static("true"));
            headers.insert(ROW, HeaderValue::from_maybe_shared(row).expect("JSON in ASCII without control characters"));
            snapshot.into_iter().for_each(|snapshot| fresh::tell_snapshot(snapshot, &mut headers));
            body
        }
    };
    let mut response = Response::new(Full::new(body));
    *response.headers_mut() = headers;
    response
}
