//! The client: where the region is, and one batch sent there.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use cache::wire;
use edge::{Edge, HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use serde::Serialize;

use crate::{
    Answer, Error, Isolation, Question, Row, Statement,
    answer::{self, ANSWER_BYTES_MAX, HEADLAND_CATALOG, HEADLAND_LIMIT, HEADLAND_RAW},
    breaker::{Admission, Breaker},
    outage,
    probe::{self, End},
    retry,
};

/// The variable with the base URL; requests go to `{region_url}/sql`.
const REGION_URL: &str = "region_url";
/// The variable with the connection string that the region checks.
const REGION_CONNECTION: &str = "region_connection";
/// How soon a request that waits for its next attempt sees that the breaker has opened.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// One regional Postgres.
pub struct Region {
    endpoint: Uri,
    connection: HeaderValue,
    fingerprint: u64,
}

/// Statements that run in one transaction, in order. The last one that has columns answers, with exactly one row; a
/// `ROLLBACK` may follow it.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// What is run.
    pub statements: &'a [Statement],
    /// Whether the transaction is READ ONLY; what is, may be sent again.
    pub read_only: bool,
    /// The isolation level; `None` is the database's own.
    pub isolation: Option<Isolation>,
    /// The version of the schema without which the batch makes no sense.
    pub catalog: Option<&'a str>,
    /// What the caller is counted under, for a region that counts (`limit::wire`).
    pub limits: Option<&'a str>,
    /// What else is asked of a read, by a region that hears of writers.
    pub question: Option<Question<'a>>,
}

impl Region {
    /// The region that the runtime's variables `region_url` and `region_connection` name; they are read once in an
    /// instance.
    pub async fn of(edge: &Edge) -> Result<Rc<Region>, Error> {
        match edge.instance_get() {
            Some(region) => Ok(region),
            None => Ok(edge.instance_put(Box::pin(Region::from_variables(edge)).await?)),
        }
    }

    async fn from_variables(edge: &Edge) -> Result<Region, Error> {
        let url = edge.variable(REGION_URL).await;
        let connection = edge.secret(REGION_CONNECTION).await;
        let endpoint = url.and_then(|url| format!("{}/sql", url.trim_end_matches('/')).parse::<Uri>().ok());
        let endpoint = endpoint.filter(|uri| uri.authority().is_some()).ok_or_else(|| unset(REGION_URL))?;
        let connection = connection.and_then(|secret| HeaderValue::from_str(secret.expose()).ok());
        let mut connection = connection.ok_or_else(|| unset(REGION_CONNECTION))?;
        connection.set_sensitive(true);
        let mut hasher = DefaultHasher::new();
        (&endpoint, &connection).hash(&mut hasher);
        Ok(Region { endpoint, connection, fingerprint: hasher.finish() })
    }

    /// A number that differs between regions and credentials, to tell apart what is stored of each.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// Sends a batch and gives the row that answers it: one request, or a few where an attempt failed in a way
    /// that is safe to repeat, or none where the region has not answered for a while. It returns within `timeout`.
    pub async fn run(&self, edge: &Edge, batch: Batch<'_>, timeout: Duration) -> Result<Row, Error> {
        self.ask(edge, Batch { question: None, ..batch }, timeout).await?.take_row()
    }

    /// The same, with what the region says beside the row.
    pub async fn ask(&self, edge: &Edge, batch: Batch<'_>, timeout: Duration) -> Result<Answer, Error> {
        let body = body(batch.statements);
        let deadline = edge.monotonic() + timeout;
        let (mut attempt, mut left) = (1, timeout);
        let breaker = Breaker::of(edge);
        let mut last = None;
        loop {
            let began = edge.monotonic();
            match breaker.admit(began) {
                Admission::Admitted => {}
                refused => {
                    if refused == Admission::RefusedAndProbed {
                        self.probe_after_response(edge);
                    }
                    return Err(last.unwrap_or(Error::Unreachable("it has not answered for a while".into())));
                }
            }
            let outcome = self.attempt(edge, batch, body.clone(), left).await;
            if breaker.note(&outcome, began, edge.monotonic()) {
                outage::end(edge, self.fingerprint);
            }
            tell(edge, &breaker, self.fingerprint);
            let again = matches!(&outcome, Err(error) if retry::is_safe(error, batch.read_only));
            if !again || attempt == retry::ATTEMPTS_MAX || breaker.is_open() {
                return outcome;
            }
            let wait = retry::backoff(edge, attempt);
            left = deadline.saturating_sub(edge.monotonic());
            if wait >= left {
                return outcome;
            }
            let ago = edge.within(left, outage::ago(edge, self.fingerprint)).await.flatten();
            if ago.is_some_and(|ago| breaker.believes(ago, edge.monotonic())) {
                breaker.open(edge.monotonic());
                return outcome;
            }
            last = outcome.err();
            pause(edge, &breaker, wait).await;
            attempt += 1;
            left = deadline.saturating_sub(edge.monotonic());
        }
    }

    /// Takes up what other instances have found: for one that knows nothing yet, beside something else that it waits for.
    pub async fn heed(&self, edge: &Edge) {
        if let Some(ago) = outage::ago(edge, self.fingerprint).await {
            Breaker::of(edge).hear(ago, edge.monotonic());
        }
    }

    async fn attempt(
        &self,
        edge: &Edge,
        batch: Batch<'_>,
        body: bytes::Bytes,
        left: Duration,
    ) -> Result<Answer, Error> {
        let request = self.request(batch, body, left);
        let breaker = Breaker::of(edge);
        let has_begun = Cell::new(false);
        let end = probe::end(edge, &breaker, &self.endpoint, left, &has_begun);
        let begins = || {
            has_begun.set(true);
            breaker.answers(edge.monotonic());
        };
        let (head, body) = match edge.fetch_until(end, request, ANSWER_BYTES_MAX, begins).await {
            Ok(answer) => answer?.into_parts(),
            Err(End::Late) => return Err(Error::TimedOut),
            Err(End::Silent) if batch.read_only => return Err(Error::Unreachable("it is silent".into())),
            // What was sent may have been committed.
            Err(End::Silent) => return Err(Error::Broken("it is silent".into())),
        };
        answer::read(head.status, &head.headers, body)
    }

    fn probe_after_response(&self, edge: &Edge) {
        let (later, endpoint, fingerprint) = (edge.clone(), self.endpoint.clone(), self.fingerprint);
        edge.after_response(async move {
            let breaker = Breaker::of(&later);
            probe::send(&later, &breaker, &endpoint, probe::PATIENCE).await;
            tell(&later, &breaker, fingerprint);
        });
    }

    fn request(&self, batch: Batch<'_>, body: bytes::Bytes, left: Duration) -> Request {
        let yes = HeaderValue::from_static("true");
        let mut request = Request::new(body.into());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.endpoint.clone();
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert("neon-connection-string", self.connection.clone());
        headers.insert("neon-raw-text-output", yes.clone());
        headers.insert("neon-array-mode", yes.clone());
        headers.insert("headland-deadline", HeaderValue::from(left.as_millis() as u64));
        headers.insert(HEADLAND_RAW, yes.clone());
        if batch.read_only {
            headers.insert("neon-batch-read-only", yes);
        }
        if let Some(version) = batch.catalog.and_then(|version| HeaderValue::from_str(version).ok()) {
            headers.insert(HEADLAND_CATALOG, version);
        }
        if let Some(limits) = batch.limits.and_then(|limits| HeaderValue::from_str(limits).ok()) {
            headers.insert(HEADLAND_LIMIT, limits);
        }
        if let Some(question) = batch.question {
            ask(&question, headers);
        }
        if let Some(isolation) = batch.isolation {
            headers.insert("neon-batch-isolation-level", HeaderValue::from_static(isolation.name()));
        }
        request
    }
}

/// Lets other instances know, if the region is away.
fn tell(edge: &Edge, breaker: &Breaker, region: u64) {
    let ago = breaker.away_at().map(|away_at| edge.monotonic().saturating_sub(away_at));
    ago.into_iter().for_each(|ago| outage::tell(edge, region, ago));
}

/// Waits for the next attempt, or until others have found meanwhile that there is to be none. Looks instead of being woken: where each
/// request has its own I/O, as on Workers, none may wake another.
async fn pause(edge: &Edge, breaker: &Breaker, wait: Duration) {
    let until = edge.monotonic() + wait;
    while edge.monotonic() < until && !breaker.is_open() {
        edge.sleep(until.saturating_sub(edge.monotonic()).min(LOOK_INTERVAL)).await;
    }
}

/// An answer that is made of too many tables is not asked about, and so is always a query.
fn ask(question: &Question<'_>, headers: &mut HeaderMap) {
    let mut say = |name: &'static str, text: String| {
        headers.extend(HeaderValue::try_from(text).ok().map(|value| (HeaderName::from_static(name), value)))
    };
    if question.tables.is_empty() || question.tables.len() > wire::TABLES_MAX {
        return;
    }
    say(wire::HEADLAND_RELATIONS, wire::write_tables(question.tables));
    if !question.demanded.is_empty() {
        say(wire::HEADLAND_DEMANDED, question.demanded.to_string());
    }
    if let Some(stored) = question.stored {
        say(wire::HEADLAND_STORED, stored.to_string());
    }
}

fn unset(variable: &str) -> Error {
    Error::Unconfigured(variable.to_owned())
}

fn body(statements: &[Statement]) -> bytes::Bytes {
    #[derive(Serialize)]
    struct Queries<'a> {
        queries: &'a [Statement],
    }
    serde_json::to_vec(&Queries { queries: statements }).expect("strings always serialise").into()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use edge::{Answer, FetchError, Response, StatusCode, block_on};

    use super::*;
    use crate::ATTEMPTS_MAX;

    const TIMEOUT: Duration = Duration::from_secs(2);

    /// Runs one batch against `upstream`; gives the outcome, the requests, and how long it took.
    fn run(
        read_only: bool,
        upstream: impl Fn(usize) -> Answer + 'static,
    ) -> (Result<Row, Error>, Vec<Request>, Duration) {
        let requests = Rc::new(RefCell::new(Vec::new()));
        let seen = requests.clone();
        let edge = Edge::new()
            .with_variable("region_url", "http://region.test/")
            .with_variable("region_connection", "postgresql://edge:secret@region.test/db")
            .with_upstream(move |request| {
                seen.borrow_mut().push(request);
                upstream(seen.borrow().len())
            });
        let start = edge.monotonic();
        let statements = [Statement { text: "select $1".into(), parameters: vec![Some("\"a\"".into()), None] }];
        let region = block_on(Region::of(&edge)).unwrap();
        let isolation = read_only.then_some(Isolation::RepeatableRead);
        let outcome = block_on(region.run(
            &edge,
            Batch {
                statements: &statements,
                read_only,
                isolation,
                catalog: read_only.then_some("7"),
                limits: read_only.then_some("\"a\";q=1"),
                question: None,
            },
            TIMEOUT,
        ));
        (outcome, requests.take(), edge.monotonic() - start)
    }

    fn raw(body: &'static str) -> Answer {
        Answer::Response(http::Response::builder().header("headland-raw", "true").body(body.into()).unwrap())
    }

    fn status(status: u16) -> Answer {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Answer::Response(response)
    }

    #[test]
    fn ok_one_request() {
        let (outcome, mut requests, _) = run(true, |_| raw("[]"));
        assert_eq!(outcome.unwrap().body, "[]");
        assert_eq!(requests.len(), 1);
        let request = requests.remove(0);
        assert_eq!(request.uri(), "http://region.test/sql");
        assert_eq!(request.headers()["headland-deadline"], "2000");
        assert_eq!(request.headers()["neon-batch-read-only"], "true");
        assert_eq!(request.headers()["neon-batch-isolation-level"], "RepeatableRead");
        assert_eq!(request.headers()["headland-catalog"], "7");
        assert_eq!(request.headers()["headland-limit"], "\"a\";q=1");
        assert!(request.headers()["neon-connection-string"].is_sensitive());
        let body = block_on(request.into_body().bytes(999)).unwrap();
        assert_eq!(body, r#"{"queries":[{"query":"select $1","params":["\"a\"",null]}]}"#);
    }

    #[test]
    fn ok_retried_where_it_is_safe() {
        let flaky = |failure: FetchError| move |n| if n < 3 { Answer::Failure(failure.clone()) } else { raw("[]") };
        let (outcome, requests, elapsed) = run(true, flaky(FetchError::Broken("reset".into())));
        assert_eq!((outcome.unwrap().body.as_ref(), requests.len()), (&b"[]"[..], 3));
        assert!(elapsed > Duration::ZERO && elapsed < Duration::from_millis(150), "{elapsed:?}");
        let (outcome, requests, _) = run(false, flaky(FetchError::Unreachable("refused".into())));
        assert_eq!((outcome.is_ok(), requests.len()), (true, 3));
    }

    #[test]
    fn err_a_write_that_may_have_run_is_not_sent_again() {
        let (outcome, requests, _) = run(false, |_| Answer::Failure(FetchError::Broken("reset".into())));
        assert_eq!((outcome, requests.len()), (Err(Error::Broken("reset".into())), 1));
        let (outcome, requests, _) = run(false, |_| status(504));
        assert!(matches!(outcome, Err(Error::Broken(_))), "{outcome:?}");
        assert_eq!(requests.len(), 1);
    }

    #[test]
    fn err_attempts_are_bounded() {
        let (outcome, requests, _) = run(true, |_| Answer::Failure(FetchError::Unreachable("refused".into())));
        assert!(matches!(outcome, Err(Error::Unreachable(_))));
        assert_eq!(requests.len(), ATTEMPTS_MAX as usize);
    }

    #[test]
    fn err_slow_region_ends_at_the_timeout() {
        // The first one is the query; those after it ask whether it is there at all.
        let slow = |n| if n == 1 { Answer::Late(TIMEOUT * 9, Response::default()) } else { status(204) };
        let (outcome, requests, elapsed) = run(true, slow);
        assert_eq!((outcome, elapsed), (Err(Error::TimedOut), TIMEOUT));
        let (query, probes) = requests.split_first().unwrap();
        assert_eq!(query.method(), Method::POST);
        assert!(!probes.is_empty() && probes.iter().all(|probe| probe.method() == Method::OPTIONS), "{probes:?}");
    }

    #[test]
    fn err_full_region_is_left_alone() {
        let full = |_| {
            let body = r#"{"code":"53300","message":"full"}"#;
            Answer::Response(
                http::Response::builder().status(503).header("retry-after", "2").body(body.into()).unwrap(),
            )
        };
        let (outcome, requests, _) = run(true, full);
        assert_eq!((outcome, requests.len()), (Err(Error::Full { retry_after: 2 }), 1));
    }

    #[test]
    fn err_variables_missing_or_wrong() {
        let check = |edge: Edge, variable: &str| {
            let error = block_on(Region::of(&edge)).err();
            assert_eq!(error, Some(Error::Unconfigured(variable.into())));
        };
        check(Edge::new(), "region_url");
        check(Edge::new().with_variable("region_url", "/relative"), "region_url");
        check(Edge::new().with_variable("region_url", "http://r.test"), "region_connection");
        let edge = Edge::new().with_variable("region_url", "http://r.test").with_variable("region_connection", "a\nb");
        check(edge, "region_connection");
    }
}
