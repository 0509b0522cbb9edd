//! From an HTTP response to a [`Row`], or to the [`Error`] that it tells of.

use bytes::Bytes;
use cache::{Snapshot, wire};
use edge::{HeaderMap, StatusCode, header};
use serde::Deserialize;

use crate::{Answer, DatabaseError, Error, Members, Row};

/// Longest answer that is read, in bytes.
pub const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Says in a request that the raw form is taken, and in a response that it is given.
pub(crate) const HEADLAND_RAW: &str = "headland-raw";
/// The version of the schema, in both.
pub(crate) const HEADLAND_CATALOG: &str = "headland-catalog";
/// What a caller is counted under, and what it owes.
pub(crate) const HEADLAND_LIMIT: &str = "headland-limit";
/// The raw form's other columns: a JSON object of text or null.
const HEADLAND_ROW: &str = "headland-row";
/// The column that is the answer.
const BODY: &str = "body";
/// How long to wait where a full region does not say it.
const RETRY_AFTER_DEFAULT: u64 = 1;

/// Reads a whole response.
pub(crate) fn read(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Result<Answer, Error> {
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let limits = said(HEADLAND_LIMIT);
    if let (StatusCode::TOO_MANY_REQUESTS, Some(limits)) = (status, &limits) {
        return Err(Error::OverLimit(limits.clone()));
    }
    // What is malformed says nothing, and costs a query.
    let snapshot = |name| said(name).and_then(|text| Snapshot::parse(&text));
    let unchanged = if status == StatusCode::OK { snapshot(wire::HEADLAND_UNCHANGED) } else { None };
    Ok(Answer {
        row: if unchanged.is_none() { Some(row(status, headers, body)?) } else { None },
        catalog: said(HEADLAND_CATALOG),
        limits,
        snapshot: unchanged.or_else(|| snapshot(wire::HEADLAND_SNAPSHOT)),
        seen: snapshot(wire::HEADLAND_SEEN),
        known: snapshot(wire::HEADLAND_KNOWN).unwrap_or_default(),
        writers: said(wire::HEADLAND_WRITERS).and_then(|text| wire::read_writers(&text)).unwrap_or_default(),
    })
}

fn row(status: StatusCode, headers: &HeaderMap, body: Bytes) -> Result<Row, Error> {
    match status {
        StatusCode::OK if headers.contains_key(HEADLAND_RAW) => raw_row(headers, body),
        StatusCode::OK => json_row(&body),
        StatusCode::PRECONDITION_FAILED => Err(Error::CatalogChanged),
        StatusCode::BAD_REQUEST => Err(bad_request(&body)),
        StatusCode::SERVICE_UNAVAILABLE => Err(unavailable(headers, &body)),
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => Err(Error::Broken(format!("{status}"))),
        _ => Err(Error::Refused { status: status.as_u16(), message: text(&body) }),
    }
}

fn raw_row(headers: &HeaderMap, body: Bytes) -> Result<Row, Error> {
    let columns = match headers.get(HEADLAND_ROW) {
        Some(json) => serde_json::from_slice(json.as_bytes()).map_err(nonsense)?,
        None => Members::default(),
    };
    Ok(Row { body, columns })
}

#[derive(Deserialize)]
struct Results {
    results: Vec<ResultSet>,
}

#[derive(Deserialize)]
struct ResultSet {
    fields: Vec<Field>,
    rows: Vec<Vec<Option<String>>>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
}

fn json_row(body: &[u8]) -> Result<Row, Error> {
    let Results { results } = serde_json::from_slice(body).map_err(nonsense)?;
    let last = results.into_iter().rfind(|result| !result.fields.is_empty());
    let Some(ResultSet { fields, mut rows }) = last else {
        return Err(Error::Nonsense("no result".into()));
    };
    let (Some(values), true) = (rows.pop(), rows.is_empty()) else {
        return Err(Error::Nonsense("not exactly one row".into()));
    };
    if fields.len() != values.len() {
        return Err(Error::Nonsense("a row of another length than its fields".into()));
    }
    let mut columns: Members<Option<String>> = fields.into_iter().map(|field| field.name).zip(values).collect();
    let body = columns.remove(BODY).flatten().unwrap_or_default();
    Ok(Row { body: body.into(), columns })
}

/// Neon answers 400 to whatever Postgres refuses, and to what it refuses itself; the latter has no SQLSTATE.
fn bad_request(body: &[u8]) -> Error {
    match serde_json::from_slice::<DatabaseError>(body) {
        Ok(error) if !error.code.is_empty() => Error::Database(Box::new(error)),
        Ok(error) if !error.message.is_empty() => Error::Refused { status: 400, message: error.message },
        _ => Error::Refused { status: 400, message: text(body) },
    }
}

/// The region says with a code that nothing was run. A proxy in front of it may answer 503 too, for a connection that broke when the batch had
/// been sent.
fn unavailable(headers: &HeaderMap, body: &[u8]) -> Error {
    let error: DatabaseError = serde_json::from_slice(body).unwrap_or_default();
    // SQLSTATE class 53: insufficient resources.
    if error.code.starts_with("53") {
        let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        return Error::Full { retry_after: retry_after.unwrap_or(RETRY_AFTER_DEFAULT) };
    }
    match error.code.is_empty() {
        true => Error::Broken(text(body)),
        false => Error::Unreachable(error.message),
    }
}

/// The start of a body that was not meant for us, for the operator.
fn text(body: &[u8]) -> String {
    const CHARS_MAX: usize = 200;
    String::from_utf8_lossy(body).chars().take(CHARS_MAX).collect()
}

fn nonsense(error: serde_json::Error) -> Error {
    Error::Nonsense(error.to_string())
}

#[cfg(test)]
mod tests {
    use edge::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
    }

    #[track_caller]
    fn check(status: u16, pairs: &[(&'static str, &'static str)], body: &'static str, expected: Result<Row, Error>) {
        let status = StatusCode::from_u16(status).unwrap();
        let outcome = read(status, &headers(pairs), Bytes::from_static(body.as_bytes()));
        assert_eq!(outcome.map(|answer| answer.row.unwrap()), expected);
    }

    fn row(body: &'static str, columns: &[(&str, Option<&str>)]) -> Result<Row, Error> {
        let columns = columns.iter().map(|(name, value)| (name.to_string(), value.map(str::to_owned))).collect();
        Ok(Row { body: Bytes::from_static(body.as_bytes()), columns })
    }

    #[test]
    fn ok_raw() {
        check(200, &[("headland-raw", "true")], "[1]", row("[1]", &[]));
        let pairs = [("headland-raw", "true"), ("headland-row", r#"{"total":"1","status":null,"t":"\u00fc"}"#)];
        check(200, &pairs, "", row("", &[("total", Some("1")), ("status", None), ("t", Some("ü"))]));
    }

    #[test]
    fn ok_json_last_result() {
        let body = r#"{"results":[{"fields":[],"rows":[]},
            {"fields":[{"name":"body","dataTypeID":25},{"name":"total"}],"rows":[["[1]",null]],"command":"SELECT"}]}"#;
        check(200, &[], body, row("[1]", &[("total", None)]));
        let body = r#"{"results":[{"fields":[{"name":"body"}],"rows":[["[2]"]]},{"fields":[],"rows":[],"command":"ROLLBACK"}]}"#;
        check(200, &[], body, row("[2]", &[]));
    }

    #[test]
    fn ok_version_of_the_schema() {
        let pairs = headers(&[("headland-raw", "true"), ("headland-catalog", "a1")]);
        assert_eq!(read(StatusCode::OK, &pairs, Bytes::new()).unwrap().catalog.as_deref(), Some("a1"));
        check(412, &[], r#"{"message":"another","code":""}"#, Err(Error::CatalogChanged));
    }

    #[test]
    fn ok_what_is_known_of_an_answer() {
        let snapshot = |text: &str| Snapshot::parse(&format!("000000000000000a:{text}")).unwrap();
        let told = headers(&[
            ("headland-raw", "true"),
            ("headland-snapshot", "000000000000000a:5:5:"),
            ("headland-known", "000000000000000a:6:6:"),
            ("headland-writers", "0=000000000000000a:1:1: 7=000000000000000a:2:4:2"),
        ]);
        let answer = read(StatusCode::OK, &told, Bytes::new()).unwrap();
        assert_eq!((answer.row, answer.snapshot), (Some(Row::default()), Some(snapshot("5:5:"))));
        assert_eq!(
            (answer.known, answer.writers),
            (snapshot("6:6:"), vec![(0, snapshot("1:1:")), (7, snapshot("2:4:2"))])
        );
        let unchanged = headers(&[("headland-unchanged", "000000000000000a:9:9:")]);
        let answer = read(StatusCode::OK, &unchanged, Bytes::new()).unwrap();
        assert_eq!((answer.row, answer.snapshot), (None, Some(snapshot("9:9:"))));
    }

    /// What cannot be read is not taken for an answer without a query.
    #[test]
    fn err_unchanged_is_malformed() {
        let outcome = read(StatusCode::OK, &headers(&[("headland-unchanged", "9:9:")]), Bytes::new());
        assert!(matches!(outcome, Err(Error::Nonsense(_))), "{outcome:?}");
    }

    #[test]
    fn ok_what_a_caller_owes() {
        let pairs = headers(&[("headland-raw", "true"), ("headland-limit", "\"a\";o=1")]);
        assert_eq!(read(StatusCode::OK, &pairs, Bytes::new()).unwrap().limits.as_deref(), Some("\"a\";o=1"));
        check(429, &[("headland-limit", "\"a\";o=1")], "", Err(Error::OverLimit("\"a\";o=1".into())));
        // Somebody else's limit.
        check(429, &[], "slow down", Err(Error::Refused { status: 429, message: "slow down".into() }));
    }

    #[test]
    fn err_nonsense() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"results":[]}"#,
            r#"{"results":[{"fields":[],"rows":[]}]}"#,
            r#"{"results":[{"fields":[],"rows":[[],[]]}]}"#,
            r#"{"results":[{"fields":[{"name":"a"}],"rows":[[]]}]}"#,
        ] {
            let outcome = read(StatusCode::OK, &HeaderMap::new(), Bytes::from_static(body.as_bytes()));
            assert!(matches!(outcome, Err(Error::Nonsense(_))), "{body}: {outcome:?}");
        }
        let pairs = headers(&[("headland-raw", "true"), ("headland-row", "[]")]);
        assert!(matches!(read(StatusCode::OK, &pairs, Bytes::new()), Err(Error::Nonsense(_))));
    }

    #[test]
    fn err_database_keeps_every_field() {
        let body = r#"{"message":"m","code":"23505","detail":"d","hint":"h","position":"1","internalPosition":"2",
            "internalQuery":"q","severity":"ERROR","where":"w","table":"t","column":"c","schema":"s","dataType":"y",
            "constraint":"k","file":"f","line":"3","routine":"r"}"#;
        let Err(Error::Database(error)) = read(StatusCode::BAD_REQUEST, &HeaderMap::new(), body.into()) else {
            panic!("not a database error");
        };
        let some = |text: &str| Some(text.to_owned());
        let expected = DatabaseError {
            code: "23505".into(),
            message: "m".into(),
            detail: some("d"),
            hint: some("h"),
            position: some("1"),
            internal_position: some("2"),
            internal_query: some("q"),
            severity: some("ERROR"),
            context: some("w"),
            schema: some("s"),
            table: some("t"),
            column: some("c"),
            data_type: some("y"),
            constraint: some("k"),
            file: some("f"),
            line: some("3"),
            routine: some("r"),
        };
        assert_eq!(*error, expected);
    }

    #[test]
    fn err_refused_full_unreachable() {
        let refused = |status, message: &str| Err(Error::Refused { status, message: message.into() });
        check(
            400,
            &[],
            r#"{"message":"password authentication failed","code":""}"#,
            refused(400, "password authentication failed"),
        );
        check(400, &[], "nope", refused(400, "nope"));
        check(507, &[], "response is too large", refused(507, "response is too large"));
        check(
            503,
            &[("retry-after", "3")],
            r#"{"code":"53300","message":"full"}"#,
            Err(Error::Full { retry_after: 3 }),
        );
        check(503, &[], r#"{"code":"53300","message":"full"}"#, Err(Error::Full { retry_after: 1 }));
        check(503, &[], r#"{"code":"08006","message":"down"}"#, Err(Error::Unreachable("down".into())));
        check(503, &[], "a proxy's page", Err(Error::Broken("a proxy's page".into())));
        check(
            503,
            &[],
            r#"{"message":"upstream reset"}"#,
            Err(Error::Broken(r#"{"message":"upstream reset"}"#.into())),
        );
        check(502, &[], "", Err(Error::Broken("502 Bad Gateway".into())));
    }
}
