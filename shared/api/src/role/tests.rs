//! Rows: headers, and who sent them. The tokens are those of PostgREST's tests.

use std::cell::Cell;
use std::time::Duration;

use edge::{Answer, FetchError, HeaderName, HeaderValue, Response, block_on};

use super::*;

const SECRET: &str = "reallyreallyreallyreallyverysafe";
/// `{"role":"postgrest_test_author"}`
const AUTHOR: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoicG9zdGdyZXN0X3Rlc3RfYXV0aG9yIn0.\
                      Xod-F15qsGL0WhdOCr2j3DdKuTw9QJERVgoFD3vGaWA";
/// `{}`
const NO_CLAIMS: &str = "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30.CUIP5V9thWsGGFsFyGijSZf1fJMfarLHI9CEJL-TGNk";
/// `{"iat":"invalid","role":"postgrest_test_author"}`
const BAD_IAT: &str = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOiJpbnZhbGlkIiwicm9sZSI6InBvc3RncmVzdF90ZXN0X2F1dGhvciJ9.\
                       5tHMRLaWT3gqYdQKtnCBrqaWCRLDaB62wVzpNrIGenE";

fn config() -> Config {
    Config { db_anon_role: Some("anon".into()), ..Config::default() }
}

fn edge() -> Edge {
    let edge = Edge::new().with_variable("jwt_secret", SECRET);
    edge.with_variable("publishable_keys", "sb_publishable_1 sb_publishable_2")
        .with_variable("secret_keys", "sb_secret_1")
}

fn asks(edge: &Edge, config: &Config, headers: &[(&'static str, &str)]) -> Result<Rc<Who>, Refusal> {
    let pair =
        |(name, value): &(&'static str, &str)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    block_on(Who::asks(&headers.iter().map(pair).collect(), edge, config))
}

#[track_caller]
fn check(headers: &[(&'static str, &str)], role: &str, is_anonymous: bool) {
    let who = asks(&edge(), &config(), headers).ok().unwrap();
    assert_eq!((who.role.as_str(), who.is_anonymous), (role, is_anonymous), "{headers:?}");
}

#[track_caller]
fn refused(headers: &[(&'static str, &str)], status: u16, challenge: Option<&str>, body: &str) {
    refused_by(&edge(), &config(), headers, status, challenge, body);
}

#[track_caller]
fn refused_by(
    edge: &Edge,
    config: &Config,
    headers: &[(&'static str, &str)],
    status: u16,
    challenge: Option<&str>,
    body: &str,
) {
    let Err(Refusal::Dialect(error)) = asks(edge, config, headers) else { panic!("not refused: {headers:?}") };
    let response = error.response();
    let actual = response.headers().get("www-authenticate").map(|value| value.to_str().unwrap());
    assert_eq!((response.status().as_u16(), actual), (status, challenge), "{headers:?}");
    assert_eq!(response.body(), body);
}

#[test]
fn ok_who_has_no_token_is_anonymous() {
    check(&[], "anon", true);
    check(&[("authorization", "Basic YTpi")], "anon", true);
    // PostgREST looks at no such header, and Supabase's older keys are tokens.
    check(&[("apikey", "unheard of")], "anon", true);
    let body = r#"{"code":"PGRST302","details":null,"hint":null,"message":"Anonymous access is disabled"}"#;
    refused_by(&edge(), &Config::default(), &[], 401, Some("Bearer"), body);
    refused_by(&edge(), &Config::default(), &[("authorization", NO_CLAIMS)], 401, Some("Bearer"), body);
}

#[test]
fn ok_who_has_a_token_is_who_it_says() {
    check(&[("authorization", AUTHOR)], "postgrest_test_author", false);
    check(&[("authorization", &AUTHOR.replace("Bearer ", "bearer  "))], "postgrest_test_author", false);
    check(&[("authorization", NO_CLAIMS)], "anon", true);
    let who = asks(&edge(), &config(), &[("authorization", AUTHOR)]).ok().unwrap();
    assert_eq!(who.caller().claims_json, r#"{"role":"postgrest_test_author"}"#);
}

#[test]
fn ok_role_by_another_path() {
    let config = Config { jwt_role_claim_key: ".role[0]".into(), ..config() };
    assert_eq!(asks(&edge(), &config, &[("authorization", AUTHOR)]).ok().unwrap().role, "anon");
}

#[test]
fn ok_api_keys() {
    for key in ["sb_publishable_1", "sb_publishable_2"] {
        check(&[("apikey", key), ("authorization", &format!("Bearer {key}"))], "anon", true);
        check(&[("apikey", key)], "anon", true);
    }
    check(&[("apikey", "sb_secret_1"), ("authorization", "Bearer sb_secret_1")], "service_role", false);
    check(&[("apikey", "sb_secret_1")], "service_role", false);
    // A user who has signed in is that user.
    check(&[("apikey", "sb_publishable_1"), ("authorization", AUTHOR)], "postgrest_test_author", false);
}

#[test]
fn err_api_keys_that_are_not_sent_as_such() {
    let body = r#"{"code":"PGRST301","details":null,"hint":null,"message":"Expected 3 parts in JWT; got 1"}"#;
    let challenge = Some(r#"Bearer error="invalid_token", error_description="Expected 3 parts in JWT; got 1""#);
    for headers in [
        &[("authorization", "Bearer sb_secret_1")][..],
        &[("authorization", "Bearer sb_secret_1"), ("apikey", "sb_publishable_1")],
        &[("authorization", "Bearer unheard-of"), ("apikey", "unheard-of")],
        &[("authorization", "Bearer unheard-of"), ("apikey", "sb_secret_1")],
    ] {
        refused(headers, 401, challenge, body);
    }
}

#[test]
fn err_tokens_that_are_not_right() {
    refused(
        &[("authorization", "Bearer ")],
        401,
        Some(r#"Bearer error="invalid_token", error_description="Empty JWT is sent in Authorization header""#),
        r#"{"code":"PGRST301","details":null,"hint":null,"message":"Empty JWT is sent in Authorization header"}"#,
    );
    refused(
        &[("authorization", &format!("{AUTHOR}!"))],
        401,
        Some(r#"Bearer error="invalid_token", error_description="JWT cryptographic operation failed""#),
        r#"{"code":"PGRST301","details":null,"hint":null,"message":"JWT cryptographic operation failed"}"#,
    );
    refused(
        &[("authorization", &AUTHOR.replace(".X", ".Y"))],
        401,
        Some(r#"Bearer error="invalid_token", error_description="No suitable key or wrong key type""#),
        r#"{"code":"PGRST301","details":"None of the keys was able to decode the JWT","hint":null,"message":"No suitable key or wrong key type"}"#,
    );
    refused(
        &[("authorization", BAD_IAT)],
        401,
        Some(r#"Bearer error="invalid_token", error_description="The JWT 'iat' claim must be a number""#),
        r#"{"code":"PGRST303","details":null,"hint":null,"message":"The JWT 'iat' claim must be a number"}"#,
    );
    refused_by(
        &Edge::new(),
        &config(),
        &[("authorization", AUTHOR)],
        500,
        None,
        r#"{"code":"PGRST300","details":null,"hint":null,"message":"Server lacks JWT secret"}"#,
    );
}

#[test]
fn err_no_text_is_no_token_and_nobody_anonymous() {
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, HeaderValue::from_bytes(b"Bearer \xff").unwrap())]);
    assert!(block_on(Who::asks(&headers, &edge(), &config())).is_err());
}

#[test]
fn err_keys_that_cannot_be_used_serve_nobody_with_a_token() {
    let short = Edge::new().with_variable("jwt_secret", "hunter2");
    let Err(Refusal::Edge(error)) = asks(&short, &config(), &[("authorization", AUTHOR)]) else {
        panic!("not refused")
    };
    assert_eq!(error.status(), 500);
    assert!(error.to_string().contains("32 characters") && !error.to_string().contains("hunter2"), "{error}");
    assert!(asks(&short, &config(), &[]).is_ok());
}

/// Claims are kept in the instance, and looked at anew each time.
#[test]
fn err_expired_meanwhile() {
    // `{"exp":1700000000,"role":"a"}`: the moment at which tests begin.
    const TOKEN: &str = "Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3MDAwMDAwMDAsInJvbGUiOiJhIn0.\
                         rSVNn3vRRWsAR5oLOwy5LiZCEKZ77DprcqdFoYjzu_k";
    let edge = edge();
    let headers = [("authorization", TOKEN)];
    assert!(asks(&edge, &config(), &headers).is_ok());
    assert!(asks(&edge, &config(), &headers).is_ok());
    block_on(edge.sleep(Duration::from_secs(31)));
    let body = r#"{"code":"PGRST303","details":null,"hint":null,"message":"JWT expired"}"#;
    let challenge = Some(r#"Bearer error="invalid_token", error_description="JWT expired""#);
    refused_by(&edge, &config(), &headers, 401, challenge, body);
}

/// By the key of RFC 8037 §A.2, which an issuer publishes: `{"role":"authenticated"}`.
const BY_ISSUER: &str = "Bearer eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.\
                         rlMjfWU2JAKd08rwDWeFWRPC2aL6S7NpLDElzS5qDckrJanwAJbr6ShOIX7C33NZtLlpCW6MACy1x8PtbbxwCA";
const PUBLISHED: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

fn config_with_issuer() -> Config {
    Config { jwt_jwks_url: Some("https://issuer.test/jwks".into()), ..config() }
}

#[test]
fn ok_keys_of_both_an_issuer_and_our_own() {
    let asked = Rc::new(Cell::new(0));
    let count = asked.clone();
    let edge = edge().with_upstream(move |_| {
        count.set(count.get() + 1);
        Answer::Response(Response::new(PUBLISHED.into()))
    });
    let role =
        |headers: &[(&'static str, &str)]| asks(&edge, &config_with_issuer(), headers).ok().unwrap().role.clone();
    assert_eq!(role(&[]), "anon");
    assert_eq!(role(&[("apikey", "sb_secret_1")]), "service_role");
    assert_eq!(role(&[("authorization", AUTHOR)]), "postgrest_test_author");
    assert_eq!(asked.get(), 0, "nothing of that is the issuer's");
    assert_eq!(role(&[("authorization", BY_ISSUER)]), "authenticated");
    assert_eq!(role(&[("authorization", AUTHOR)]), "postgrest_test_author");
    let unsigned = AUTHOR.replace(".X", ".Y");
    assert!(asks(&edge, &config_with_issuer(), &[("authorization", &unsigned)]).is_err());
    assert_eq!(asked.get(), 1);
}

#[test]
fn err_no_issuer_concerns_those_alone_who_have_its_tokens() {
    let edge = edge().with_upstream(|_| Answer::Failure(FetchError::Unreachable("refused".into())));
    let config = config_with_issuer();
    let Err(Refusal::Edge(error)) = asks(&edge, &config, &[("authorization", BY_ISSUER)]) else {
        panic!("not refused")
    };
    assert_eq!(error.status(), 503);
    assert!(asks(&edge, &config, &[("authorization", AUTHOR)]).is_ok());
    assert!(asks(&edge, &config, &[]).is_ok());
}
