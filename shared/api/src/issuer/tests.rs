//! Instances, each an [`Issuer`], on one store and one clock; and an upstream that publishes what a test says.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use edge::{Answer, FetchError, Response, block_on};

use super::*;

/// RFC 8037 §A.2 and RFC 7515 §A.3. The tokens are signed with the private keys that stand there beside them, and claim
/// `{"role":"authenticated"}`.
const ED: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
const ES: &str = r#"{"kty":"EC","crv":"P-256","kid":"es","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#;
const BY_ED: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImVkIn0.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.rlMjfWU2JAKd08rwDWeFWRPC2aL6S7NpLDElzS5qDckrJanwAJbr6ShOIX7C33NZtLlpCW6MACy1x8PtbbxwCA";
const BY_ES: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImVzIn0.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.jDS4MNkjjwTD2YyNIwE1rALCi_Mtvki5hzO1g2yG23_u_heQEEsrhmSIfqbZ1xbMQz-EiYDF9rdHz8rcv4NCjQ";
/// With a `kid` that is in no set, and with none.
const BY_UNKNOWN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6InVuaGVhcmQgb2YifQ.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.jL3lMmTKBtFRJ5WJpxI8frsqRCNCJEH1bOGan0gakFPWL_TeiyGOt14bwkcXIpMESz0QBw9h6QLZ8uLN9TYwCA";
const BY_NAMELESS_ED: &str = "eyJhbGciOiJFZERTQSJ9.eyJyb2xlIjoiYXV0aGVudGljYXRlZCJ9.Tna4murobYgepa0-o4B1bwmlI8BWyO9DsLoN37HXBoNdPSUWr3038zPlLMLj-ID4wMFvp1y-ZSctOdX2ylTQBQ";
/// RFC 7515 §A.1.
const OCT: &str =
    r#"{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
const BY_OCT: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
                      eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
                      dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

const SECOND: Duration = Duration::from_secs(1);
const FRESH: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 3600);

type Answers = Rc<RefCell<Box<dyn Fn() -> Answer>>>;

struct World {
    edge: Edge,
    answers: Answers,
    requests: Rc<RefCell<Vec<Request>>>,
}

impl World {
    fn publishing(keys: &[&str]) -> World {
        let answers: Answers = Rc::new(RefCell::new(Box::new(|| unreachable!("set below"))));
        let requests = Rc::new(RefCell::new(vec![]));
        let (answer, seen) = (answers.clone(), requests.clone());
        let edge = Edge::new().with_upstream(move |request| {
            seen.borrow_mut().push(request);
            answer.borrow()()
        });
        let world = World { edge, answers, requests };
        world.publishes(keys);
        world
    }

    fn publishes(&self, keys: &[&str]) {
        let text = set(keys);
        self.answers(move || Answer::Response(Response::new(text.clone().into())));
    }

    fn is_down(&self) {
        self.answers(|| Answer::Failure(FetchError::Unreachable("refused".into())));
    }

    fn answers(&self, answer: impl Fn() -> Answer + 'static) {
        *self.answers.borrow_mut() = Box::new(answer);
    }

    fn instance(&self) -> Rc<Issuer> {
        Rc::new(Issuer::at("https://issuer.test/jwks"))
    }

    fn passes(&self, time: Duration) {
        block_on(self.edge.sleep(time));
    }

    fn settles(&self) {
        block_on(self.edge.settle());
    }

    /// What becomes of a token, and how often the issuer has been asked since the beginning.
    #[track_caller]
    fn check(&self, instance: &Rc<Issuer>, token: &str, status: u16, asked: usize) {
        assert_eq!(outcome(block_on(instance.verify(token, &self.edge))), status, "the status");
        assert_eq!(self.asked(), asked, "how often the issuer was asked");
    }

    fn asked(&self) -> usize {
        self.requests.borrow().len()
    }
}

fn set(keys: &[&str]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

fn outcome(outcome: Result<Rc<Claims>, Refusal>) -> u16 {
    match outcome {
        Ok(claims) => {
            assert_eq!(claims.value()["role"], "authenticated");
            200
        }
        Err(Refusal::Dialect(error)) => error.status().as_u16(),
        Err(Refusal::Edge(error)) => error.status().as_u16(),
        Err(Refusal::Outdated) => unreachable!("only the region says so"),
    }
}

/// What becomes of a token that several requests bear at the same time.
fn outcomes<const N: usize>(world: &World, instance: &Rc<Issuer>, token: &str) -> [u16; N] {
    let mut requests = [(); N].map(|()| Box::pin(instance.verify(token, &world.edge)));
    let mut answers = [const { None }; N];
    block_on(poll_fn(|context| {
        for (request, answer) in requests.iter_mut().zip(&mut answers).filter(|(_, answer)| answer.is_none()) {
            if let Poll::Ready(ready) = request.as_mut().poll(context) {
                *answer = Some(outcome(ready));
            }
        }
        if answers.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    }));
    answers.map(Option::unwrap)
}

#[test]
fn ok_asked_once() {
    let world = World::publishing(&[ED, ES]);
    let instance = world.instance();
    for token in [BY_ED, BY_ES, BY_ED, BY_NAMELESS_ED] {
        world.check(&instance, token, 200, 1);
    }
    let request = world.requests.borrow_mut().remove(0);
    assert_eq!((request.method().as_str(), request.uri().path()), ("GET", "/jwks"));
    assert_eq!(request.uri().authority().unwrap(), "issuer.test");
    assert_eq!(request.headers()["accept"], "application/jwk-set+json, application/json");
}

#[test]
fn ok_another_instance_finds_the_keys_in_kv() {
    let world = World::publishing(&[ED]);
    world.check(&world.instance(), BY_ED, 200, 1);
    world.settles();
    world.check(&world.instance(), BY_ED, 200, 1);
    // Of another URL nothing is there.
    let other = Rc::new(Issuer::at("https://other.test/jwks"));
    world.check(&other, BY_ED, 200, 2);
}

#[test]
fn ok_requests_at_the_same_time_ask_once() {
    let world = World::publishing(&[]);
    let instance = world.instance();
    world.answers(|| Answer::Late(SECOND, Response::new(set(&[ED]).into())));
    assert_eq!((outcomes(&world, &instance, BY_ED), world.asked()), ([200; 3], 1));
    // And so do the first ones by a new key.
    world.passes(INTERVAL);
    world.answers(|| Answer::Late(SECOND, Response::new(set(&[ED, ES]).into())));
    assert_eq!((outcomes(&world, &instance, BY_ES), world.asked()), ([200; 3], 2));
}

#[test]
fn ok_early_keys_are_renewed_after_the_response() {
    let world = World::publishing(&[ED]);
    let instance = world.instance();
    world.check(&instance, BY_ED, 200, 1);
    world.passes(FRESH * 3 / 4);
    world.check(&instance, BY_ED, 200, 1);
    world.settles();
    assert_eq!(world.asked(), 1, "not yet early");
    world.passes(FRESH / 4 - SECOND);
    world.check(&instance, BY_ED, 200, 1);
    world.check(&instance, BY_ED, 200, 1);
    world.settles();
    assert_eq!(world.asked(), 2);
    world.passes(FRESH / 2);
    world.check(&instance, BY_ED, 200, 2);
    world.settles();
    assert_eq!(world.asked(), 2);
}

#[test]
fn ok_what_another_instance_has_renewed_is_not_asked_for() {
    let world = World::publishing(&[ED]);
    let (one, other) = (world.instance(), world.instance());
    world.check(&one, BY_ED, 200, 1);
    world.settles();
    world.check(&other, BY_ED, 200, 1);
    world.passes(FRESH);
    world.check(&one, BY_ED, 200, 2);
    world.settles();
    world.check(&other, BY_ED, 200, 2);
}

#[test]
fn err_keys_that_were_withdrawn() {
    let world = World::publishing(&[ED, ES]);
    let instance = world.instance();
    world.check(&instance, BY_ED, 200, 1);
    world.publishes(&[ES]);
    world.passes(FRESH - SECOND);
    world.check(&instance, BY_ED, 200, 1);
    world.passes(SECOND);
    // What is stale is renewed before it is used. That the token was verified before does not count.
    world.check(&instance, BY_ED, 401, 2);
    world.check(&instance, BY_ES, 200, 2);
    world.settles();
    world.check(&world.instance(), BY_ED, 401, 2);
}

#[test]
fn err_keys_of_an_empty_set() {
    let world = World::publishing(&[ED]);
    let instance = world.instance();
    world.check(&instance, BY_ED, 200, 1);
    world.publishes(&[]);
    world.passes(FRESH);
    world.check(&instance, BY_ED, 401, 2);
}

#[test]
fn ok_a_new_key_is_found_and_an_old_one_forgotten() {
    let world = World::publishing(&[ED]);
    let instance = world.instance();
    world.check(&instance, BY_ED, 200, 1);
    world.passes(INTERVAL);
    world.publishes(&[ES]);
    world.check(&instance, BY_ED, 200, 1);
    world.check(&instance, BY_ES, 200, 2);
    world.check(&instance, BY_ED, 401, 2);
}

#[test]
fn err_unknown_keys_are_asked_for_once_in_an_interval() {
    let world = World::publishing(&[ED]);
    let (one, other) = (world.instance(), world.instance());
    for asked in 1..4 {
        for _ in 0..5 {
            world.check(&one, BY_UNKNOWN, 401, asked);
            world.settles();
            // By another instance neither.
            world.check(&other, BY_UNKNOWN, 401, asked);
        }
        world.check(&one, BY_ED, 200, asked);
        world.passes(INTERVAL - Duration::from_millis(1));
        world.check(&one, BY_UNKNOWN, 401, asked);
        world.check(&other, BY_UNKNOWN, 401, asked);
        world.passes(Duration::from_millis(1));
    }
}

#[test]
fn err_tokens_of_no_use_are_not_asked_for() {
    let world = World::publishing(&[ED]);
    let instance = world.instance();
    world.check(&instance, BY_ED, 200, 1);
    world.passes(INTERVAL);
    for token in ["", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", &BY_ED[1..]] {
        world.check(&instance, token, 401, 1);
    }
}

#[test]
fn ok_an_outage_is_survived_for_a_day() {
    let world = World::publishing(&[ED]);
    let instance = world.instance();
    world.check(&instance, BY_ED, 200, 1);
    world.settles();
    world.is_down();
    world.passes(FRESH);
    for asked in 2..5 {
        world.check(&instance, BY_ED, 200, asked);
        world.check(&instance, BY_UNKNOWN, 401, asked);
        world.settles();
        // A new instance learns that it is of no use.
        world.check(&world.instance(), BY_ED, 200, asked);
        world.passes(INTERVAL);
    }
    world.passes(DAY - FRESH - INTERVAL * 3 - SECOND);
    world.check(&instance, BY_ED, 200, 5);
    world.passes(SECOND);
    world.check(&instance, BY_ED, 503, 5);
    world.passes(INTERVAL);
    world.publishes(&[ED]);
    world.check(&instance, BY_ED, 200, 6);
}

#[test]
fn err_no_keys_at_all() {
    let world = World::publishing(&[]);
    let instance = world.instance();
    world.is_down();
    let Err(Refusal::Edge(error)) = block_on(instance.verify(BY_ED, &world.edge)) else { panic!("not refused") };
    let response = error.response();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &HeaderValue::from_static("5")));
    let body = block_on(response.into_body().bytes(999)).unwrap();
    assert_eq!(
        body,
        r#"{"code":"issuer_unavailable","details":null,"hint":null,"message":"the keys that tokens are verified with cannot be had now"}"#
    );
    world.publishes(&[ED]);
    world.passes(INTERVAL_WITHOUT_KEYS - Duration::from_millis(1));
    world.check(&instance, BY_ED, 503, 1);
    world.passes(Duration::from_millis(1));
    world.check(&instance, BY_ED, 200, 2);
}

#[test]
fn err_a_request_that_ends_half_way_holds_nobody_up_for_long() {
    let world = World::publishing(&[]);
    let instance = world.instance();
    world.answers(|| Answer::Late(SECOND, Response::new(set(&[ED]).into())));
    block_on(async {
        let mut asking = pin!(instance.verify(BY_ED, &world.edge));
        assert!(poll_fn(|context| Poll::Ready(asking.as_mut().poll(context).is_pending())).await);
    });
    let start = world.edge.now();
    world.check(&instance, BY_ED, 503, 1);
    assert_eq!(world.edge.now() - start, TIMEOUT);
    world.passes(INTERVAL_WITHOUT_KEYS);
    world.check(&instance, BY_ED, 200, 2);
}

/// Without keys, and then with some that go on being used.
#[track_caller]
fn nonsense(answer: impl Fn() -> Answer + Clone + 'static, why: &str) {
    let world = World::publishing(&[]);
    world.answers(answer.clone());
    let start = world.edge.now();
    world.check(&world.instance(), BY_ED, 503, 1);
    assert!(world.edge.now() - start <= TIMEOUT);
    let line = format!("the keys at https://issuer.test/jwks cannot be had: {why}");
    assert_eq!(world.edge.logged(), [line]);

    let world = World::publishing(&[ED]);
    let instance = world.instance();
    world.check(&instance, BY_ED, 200, 1);
    world.answers(answer);
    world.passes(FRESH);
    world.check(&instance, BY_ED, 200, 2);
}

#[test]
fn err_answers_that_are_no_key_set() {
    for status in [201, 204, 302, 304, 404, 500, 503] {
        let answer = move || {
            let head = http::Response::builder().status(status).header("location", "https://issuer.test/other");
            Answer::Response(head.body(set(&[ED]).into()).unwrap())
        };
        nonsense(answer, &format!("status {status}"));
    }
    for body in ["", "<html>It works!</html>", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, ED] {
        nonsense(move || Answer::Response(Response::new(body.into())), "that is no JWT key set");
    }
    let long = || set(&[ED, &format!(r#""{}""#, "x".repeat(PUBLISHED_BYTES_MAX))]);
    nonsense(
        move || Answer::Response(Response::new(long().into())),
        "connection broken: the body is longer than 65536 bytes",
    );
    let many = || set(&[ED; token::PUBLISHED_KEYS_MAX + 1]);
    nonsense(move || Answer::Response(Response::new(many().into())), "the JWT key set has too many keys");
    let late = || Answer::Late(TIMEOUT + SECOND, Response::new(set(&[ED]).into()));
    nonsense(late, "timed out");
    nonsense(|| Answer::Failure(FetchError::Denied("x".into())), "not allowed: x");
}

#[test]
fn ok_the_issuer_says_for_how_long() {
    let world = World::publishing(&[]);
    let instance = world.instance();
    let answer = http::Response::builder().header("cache-control", "public, max-age=120");
    let answer = RefCell::new(Some(answer.body(set(&[ED]).into()).unwrap()));
    world.answers(move || Answer::Response(answer.take().unwrap_or_default()));
    world.check(&instance, BY_ED, 200, 1);
    world.passes(SECOND * 90);
    world.check(&instance, BY_ED, 200, 1);
    world.passes(SECOND * 30);
    world.check(&instance, BY_ED, 200, 2);
}

#[test]
fn err_published_secrets_are_not_trusted() {
    let world = World::publishing(&[OCT, ED]);
    let instance = world.instance();
    world.check(&instance, BY_OCT, 401, 1);
    world.check(&instance, BY_ED, 200, 1);
    // Nor where they come from KV.
    world.settles();
    world.check(&world.instance(), BY_OCT, 401, 1);
}
