use sql::DatabaseError;

use super::*;

fn database(code: &str, message: &str) -> DatabaseError {
    DatabaseError { code: code.into(), message: message.into(), ..DatabaseError::default() }
}

#[track_caller]
fn check(error: impl Into<Error>, status: u16, body: &str) {
    let response = error.into().response();
    assert_eq!((response.status().as_u16(), std::str::from_utf8(response.body()).unwrap()), (status, body));
}

#[test]
fn ok_kinds() {
    check(
        ErrorKind::Unreachable,
        503,
        r#"{"code":"PGRST000","details":null,"hint":null,"message":"Database connection error."}"#,
    );
    check(
        ErrorKind::InvalidAnswer,
        503,
        r#"{"code":"PGRST001","details":null,"hint":null,"message":"Database client error."}"#,
    );
    check(
        ErrorKind::NoCatalog,
        503,
        r#"{"code":"PGRST002","details":null,"hint":null,"message":"Could not query the database for the schema cache. Retrying."}"#,
    );
    check(
        ErrorKind::TimedOut,
        504,
        r#"{"code":"PGRST003","details":null,"hint":null,"message":"Timed out waiting for the database."}"#,
    );
    check(
        ErrorKind::QueryTooLong,
        414,
        r#"{"code":"PGRST100","details":"it is longer than 65536 bytes","hint":null,"message":"failed to parse the query string"}"#,
    );
    check(
        ErrorKind::TooMuch { what: "filters", limit: 3 },
        400,
        r#"{"code":"PGRST100","details":"more than 3 filters","hint":null,"message":"failed to parse the query string"}"#,
    );
    check(
        ErrorKind::RegularExpression(pattern::check(r"(a*)\1").unwrap_err()),
        400,
        r#"{"code":"PGRST100","details":"the back-reference at byte 4 could run without end","hint":null,"message":"the regular expression is refused"}"#,
    );
    check(
        ErrorKind::PreconditionFailed,
        412,
        r#"{"code":"precondition_failed","details":null,"hint":"Read it again, and send its new ETag.","message":"The precondition does not hold of what is there now"}"#,
    );
    check(
        ErrorKind::InvalidPath,
        404,
        r#"{"code":"PGRST125","details":null,"hint":null,"message":"Invalid path specified in request URL"}"#,
    );
    check(
        ErrorKind::OpenApiDisabled,
        404,
        r#"{"code":"PGRST126","details":null,"hint":null,"message":"Root endpoint metadata is disabled"}"#,
    );
    check(
        ErrorKind::UnacceptableSchema { schema: "x\"".into(), exposed: vec!["a".into(), "b".into()] },
        406,
        r#"{"code":"PGRST106","details":null,"hint":"Only the following schemas are exposed: a, b","message":"Invalid schema: x\""}"#,
    );
}

#[test]
fn ok_kinds_about_tokens() {
    check(
        ErrorKind::NoTokenSecret,
        500,
        r#"{"code":"PGRST300","details":null,"hint":null,"message":"Server lacks JWT secret"}"#,
    );
    check(
        ErrorKind::InvalidToken { message: "what".into(), details: Some("why") },
        401,
        r#"{"code":"PGRST301","details":"why","hint":null,"message":"what"}"#,
    );
    check(
        ErrorKind::TokenRequired,
        401,
        r#"{"code":"PGRST302","details":null,"hint":null,"message":"Anonymous access is disabled"}"#,
    );
    let expired = Error::from(ErrorKind::InvalidClaims { message: "JWT expired".into() });
    let challenge = r#"Bearer error="invalid_token", error_description="JWT expired""#;
    assert_eq!(expired.response().headers()[WWW_AUTHENTICATE], challenge);
    check(expired, 401, r#"{"code":"PGRST303","details":null,"hint":null,"message":"JWT expired"}"#);
}

#[test]
fn ok_what_postgres_says_is_kept() {
    let mut error = database("23505", "duplicate key");
    error.detail = Some("Key (id)=(1) already exists.".into());
    error.hint = Some("try 2".into());
    check(
        Error::database(error, true),
        409,
        r#"{"code":"23505","details":"Key (id)=(1) already exists.","hint":"try 2","message":"duplicate key"}"#,
    );
}

#[test]
fn ok_status_of_each_sqlstate() {
    for (code, status) in [
        ("08006", 503),
        ("09000", 500),
        ("0L000", 403),
        ("0P000", 403),
        ("21000", 500),
        ("22P02", 400),
        ("22023", 400),
        ("22021", 400),
        ("23502", 400),
        ("23503", 409),
        ("23505", 409),
        ("25006", 405),
        ("25001", 500),
        ("28000", 403),
        ("2D000", 500),
        ("38000", 500),
        ("39000", 500),
        ("3B000", 500),
        ("40001", 500),
        ("42501", 403),
        ("42601", 400),
        ("42703", 400),
        ("42883", 404),
        ("42P01", 404),
        ("42P17", 500),
        ("53300", 503),
        ("53400", 500),
        ("54000", 500),
        ("55000", 500),
        ("57014", 500),
        ("57P01", 503),
        ("58000", 500),
        ("F0000", 500),
        ("HV000", 500),
        ("P0001", 400),
        ("P0002", 500),
        ("XX000", 500),
        ("PT402", 402),
        ("PT999", 500),
        ("PT4xx", 500),
        ("", 400),
        ("é", 400),
    ] {
        assert_eq!(Error::database(database(code, ""), false).status(), status, "{code}");
    }
    for (code, message, status) in [
        ("21000", "UPDATE requires a WHERE clause", 400),
        ("22023", "role \"x\" does not exist", 401),
        ("42883", "function xmlagg(x) does not exist", 406),
    ] {
        assert_eq!(Error::database(database(code, message), false).status(), status, "{code}");
    }
}

#[test]
fn ok_headers() {
    let header =
        |error: Error, name: &str| error.response().headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let denied = |is_anonymous| Error::database(database("42501", "permission denied for table x"), is_anonymous);
    assert_eq!(denied(true).status(), 401);
    assert_eq!(header(denied(true), "www-authenticate").as_deref(), Some("Bearer"));
    assert_eq!(denied(false).status(), 403);
    assert_eq!(header(denied(false), "www-authenticate"), None);
    assert_eq!(header(denied(false), "proxy-status").as_deref(), Some("PostgREST; error=42501"));
    assert_eq!(header(denied(false), "content-type").as_deref(), Some("application/json; charset=utf-8"));
    assert_eq!(header(denied(false), "allow"), None);
    for (error, allowed) in [
        (ErrorKind::UnsupportedMethod { method: "TRACE".into() }.into(), "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"),
        (ErrorKind::InvalidCallMethod { method: "PUT".into() }.into(), "OPTIONS,GET,HEAD,POST"),
        (Error::database(database("25006", "cannot execute INSERT in a read-only transaction"), false), "OPTIONS,POST"),
    ] {
        assert_eq!(header(error, "allow").as_deref(), Some(allowed));
    }
}

#[test]
fn ok_raised_response() {
    let mut error = database("PGRST", r#"{"code":"123","message":"no","hint":"pay"}"#);
    error.detail = Some(r#"{"status":402,"status_text":"Pay","headers":{"X-A":"b","bad name":"c"}}"#.into());
    let error = Error::database(error, true);
    assert_eq!(error.response().headers()["x-a"], "b");
    check(error, 402, r#"{"code":"123","details":null,"hint":"pay","message":"no"}"#);
}

#[test]
fn err_malformed_raise() {
    let raise = |message: &str, detail: Option<&str>| {
        let mut error = database("PGRST", message);
        error.detail = detail.map(Into::into);
        let error = Error::database(error, true);
        (
            error.status().as_u16(),
            serde_json::from_slice::<serde_json::Value>(&error.body()).unwrap()["details"].as_str().unwrap().to_owned(),
        )
    };
    const MESSAGE: &str = r#"{"code":"1","message":"2"}"#;
    assert_eq!(raise("no JSON", None), (500, "Invalid JSON value for MESSAGE: 'no JSON'".into()));
    assert_eq!(raise(MESSAGE, None), (500, "DETAIL is missing in the RAISE statement".into()));
    assert_eq!(raise(MESSAGE, Some("{}")), (500, "Invalid JSON value for DETAIL: '{}'".into()));
}

#[test]
fn ok_minimal_leaves_out_details_and_hint() {
    let error: Error = ErrorKind::Singularity { rows: 2 }.into();
    let body = error.response_at(Verbosity::Minimal).into_body();
    assert_eq!(body, r#"{"code":"PGRST116","message":"Cannot coerce the result to a single JSON object"}"#);
}
