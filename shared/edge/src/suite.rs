//! How every [`Edge`] behaves, as cases that run on each runtime: natively over the memory form, and through a probe
//! function inside the emulator, Spin and workerd.
//!
//! The cases expect the variables `probe_set` (`here`), `probe_empty` (empty), and `probe_upstream`: the base URL of a
//! server that answers `POST /echo` with the request's body and its header `x-probe`, `GET /status` with 503 and
//! `Retry-After: 7`, `GET /big` with [`BIG_BYTES`] bytes, and `GET /slow` after more than [`SLOW`]. They are asked from
//! the machine that they run on.

use std::{fmt::Debug, time::Duration};

use bytes::Bytes;

use crate::{Body, Edge, FetchError, KEY_BYTES_MAX, KvError, KvPut, Request, Response, VALUE_BYTES_MAX};

/// How many bytes `/big` has.
pub const BIG_BYTES: usize = 3_000_000;
/// How long `/slow` takes at least.
pub const SLOW: Duration = Duration::from_secs(2);

/// Why a case failed.
pub type Failure = String;

/// Declares the cases: their names, and [`run`].
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// The names that [`run`] knows.
        pub const CASES: &[&str] = &[$(stringify!($name)),*];

        /// Runs a case by name.
        pub async fn run(name: &str, edge: &Edge) -> Result<(), Failure> {
            match name {
                $(stringify!($name) => $name(edge).await,)*
                _ => Err(format!("no case is named `{name}`")),
            }
        }
    };
}

cases!(
    kv_absent,
    kv_round_trip,
    kv_every_byte_and_the_largest_value,
    kv_overwrite,
    kv_delete,
    kv_metadata,
    kv_expiry,
    kv_limits,
    fetch_echo,
    fetch_status_and_headers,
    fetch_large_body,
    fetch_body_limit,
    fetch_empty_body,
    fetch_timeout,
    fetch_unreachable,
    fetch_several_at_once,
    client_address,
    clock,
    random,
    variables,
    instance,
    after_response,
    after_response_was_done,
);

async fn kv_absent(edge: &Edge) -> Result<(), Failure> {
    equal(edge.kv_get("suite/absent").await, Ok(None))
}

async fn kv_round_trip(edge: &Edge) -> Result<(), Failure> {
    put(edge, "suite/round trip/ü", b"value", KvPut::default()).await?;
    let entry = get(edge, "suite/round trip/ü").await?.ok_or("the value is absent")?;
    equal(&entry.value[..], b"value")?;
    equal(entry.expires, None)
}

async fn kv_every_byte_and_the_largest_value(edge: &Edge) -> Result<(), Failure> {
    let value: Vec<u8> = (0..=255).cycle().take(VALUE_BYTES_MAX).collect();
    put(edge, "suite/largest", &value, KvPut::default()).await?;
    let entry = get(edge, "suite/largest").await?.ok_or("the value is absent")?;
    equal(entry.value == value, true)?;
    put(edge, "suite/smallest", b"", KvPut::default()).await?;
    let entry = get(edge, "suite/smallest").await?.ok_or("the empty value is absent")?;
    equal(entry.value.len(), 0)
}

async fn kv_overwrite(edge: &Edge) -> Result<(), Failure> {
    let first = KvPut { expiry: Some(Duration::from_secs(600)), metadata: Bytes::from_static(b"first") };
    put(edge, "suite/overwrite", b"first", first).await?;
    put(edge, "suite/overwrite", b"second", KvPut::default()).await?;
    let entry = get(edge, "suite/overwrite").await?.ok_or("the value is absent")?;
    equal((&entry.value[..], &entry.metadata[..], entry.expires), (b"second", b"", None))
}

async fn kv_delete(edge: &Edge) -> Result<(), Failure> {
    put(edge, "suite/delete", b"value", KvPut::default()).await?;
    equal(edge.kv_delete("suite/delete").await, Ok(()))?;
    equal(edge.kv_get("suite/delete").await, Ok(None))?;
    equal(edge.kv_delete("suite/delete").await, Ok(()))
}

async fn kv_metadata(edge: &Edge) -> Result<(), Failure> {
    let options = KvPut { expiry: Some(Duration::from_secs(600)), metadata: Bytes::from_static(b"\x00meta\xff") };
    put(edge, "suite/metadata", b"value", options).await?;
    let entry = get(edge, "suite/metadata").await?.ok_or("the value is absent")?;
    equal((&entry.value[..], &entry.metadata[..]), (b"value", b"\x00meta\xff"))?;
    equal(entry.expires.is_some_and(|expires| expires > edge.now()), true)
}

async fn kv_expiry(edge: &Edge) -> Result<(), Failure> {
    let options = KvPut { expiry: Some(Duration::from_secs(1)), metadata: Bytes::new() };
    put(edge, "suite/expiry", b"value", options).await?;
    equal(get(edge, "suite/expiry").await?.is_some(), true)?;
    edge.sleep(Duration::from_millis(1_100)).await;
    equal(edge.kv_get("suite/expiry").await, Ok(None))
}

async fn kv_limits(edge: &Edge) -> Result<(), Failure> {
    equal(edge.kv_get("").await, Err(KvError::Key))?;
    put(edge, &"k".repeat(KEY_BYTES_MAX), b"value", KvPut::default()).await?;
    equal(edge.kv_put(&"k".repeat(KEY_BYTES_MAX + 1), b"", KvPut::default()).await, Err(KvError::Key))?;
    let value = vec![0; VALUE_BYTES_MAX + 1];
    equal(edge.kv_put("suite/limits", &value, KvPut::default()).await, Err(KvError::TooLarge))
}

async fn fetch_echo(edge: &Edge) -> Result<(), Failure> {
    let sent: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let request = request(edge, "POST", "/echo").await?.map(|_| Body::from(sent.clone()));
    let response = fetch(edge, with_probe_header(request)).await?;
    equal(response.status().as_u16(), 200)?;
    equal(response.headers().get("x-probe").map(|value| value.as_bytes()), Some(b"42"))?;
    let body = bytes(response, 100_000).await?;
    equal(body == sent, true)
}

async fn fetch_status_and_headers(edge: &Edge) -> Result<(), Failure> {
    let response = fetch(edge, request(edge, "GET", "/status").await?).await?;
    equal(response.status().as_u16(), 503)?;
    equal(response.headers().get("retry-after").map(|value| value.as_bytes()), Some(b"7"))
}

async fn fetch_large_body(edge: &Edge) -> Result<(), Failure> {
    let response = fetch(edge, request(edge, "GET", "/big").await?).await?;
    equal(bytes(response, BIG_BYTES).await?.len(), BIG_BYTES)
}

async fn fetch_body_limit(edge: &Edge) -> Result<(), Failure> {
    let response = fetch(edge, request(edge, "GET", "/big").await?).await?;
    equal(response.into_body().bytes(BIG_BYTES - 1).await.is_err(), true)
}

async fn fetch_empty_body(edge: &Edge) -> Result<(), Failure> {
    let response = fetch(edge, request(edge, "GET", "/status").await?).await?;
    equal(bytes(response, 0).await?.len(), 0)
}

async fn fetch_timeout(edge: &Edge) -> Result<(), Failure> {
    let slow = request(edge, "GET", "/slow").await?;
    let began = edge.monotonic();
    let outcome = edge.within(Duration::from_millis(100), edge.fetch(slow)).await;
    equal(outcome.is_none(), true)?;
    equal(edge.monotonic() - began < SLOW, true)
}

async fn fetch_unreachable(edge: &Edge) -> Result<(), Failure> {
    // RFC 6335: port 1 is tcpmux, which nobody serves.
    let closed = http::Request::get("http://127.0.0.1:1/").body(Body::empty()).map_err(text)?;
    let outcome = edge.within(Duration::from_secs(5), edge.fetch(closed)).await;
    let refused = matches!(outcome, Some(Err(FetchError::Unreachable(_) | FetchError::Broken(_))));
    if refused { Ok(()) } else { Err(format!("{outcome:?}")) }
}

async fn fetch_several_at_once(edge: &Edge) -> Result<(), Failure> {
    let (one, two) = (request(edge, "GET", "/status").await?, request(edge, "GET", "/big").await?);
    let (one, two) = futures_util::future::join(fetch(edge, one), fetch(edge, two)).await;
    equal((one?.status().as_u16(), two?.status().as_u16()), (503, 200))
}

async fn client_address(edge: &Edge) -> Result<(), Failure> {
    let address = edge.client_address().ok_or("the caller's address is not known")?;
    equal((address, matches!(address, "127.0.0.1" | "::1")), (address, true))
}

async fn clock(edge: &Edge) -> Result<(), Failure> {
    let (now, monotonic) = (edge.now(), edge.monotonic());
    // 2023-11-14.
    equal(now >= Duration::from_secs(1_700_000_000), true)?;
    edge.sleep(Duration::from_millis(50)).await;
    // Runtimes may round to whole milliseconds.
    equal(edge.now() >= now + Duration::from_millis(48), true)?;
    equal(edge.monotonic() >= monotonic + Duration::from_millis(48), true)
}

async fn random(edge: &Edge) -> Result<(), Failure> {
    let (mut one, mut two) = (vec![0; 100_000], vec![0; 100_000]);
    edge.random(&mut one);
    edge.random(&mut two);
    equal(one == two, false)?;
    // In 4 KB of true randomness every byte value but a few occurs.
    let seen: std::collections::BTreeSet<u8> = one[96_000..].iter().copied().collect();
    equal(seen.len() > 240, true)
}

async fn variables(edge: &Edge) -> Result<(), Failure> {
    equal(edge.variable("probe_set").await.as_deref(), Some("here"))?;
    equal(edge.variable("probe_empty").await, None)?;
    equal(edge.variable("probe_unknown").await, None)
}

async fn instance(edge: &Edge) -> Result<(), Failure> {
    struct Kept(u32);
    edge.instance_put(Kept(1));
    edge.instance_put(Kept(2));
    equal(edge.instance_get::<Kept>().map(|kept| kept.0), Some(2))?;
    equal(edge.instance_get::<Failure>().is_none(), true)
}

/// Leaves work behind; [`after_response_was_done`] looks whether it was done.
async fn after_response(edge: &Edge) -> Result<(), Failure> {
    edge.kv_delete("suite/after response").await.map_err(text)?;
    let later = edge.clone();
    edge.after_response(async move {
        later.sleep(Duration::from_millis(20)).await;
        if let Err(error) = later.kv_put("suite/after response", b"done", KvPut::default()).await {
            later.log(&error.to_string());
        }
    });
    Ok(())
}

async fn after_response_was_done(edge: &Edge) -> Result<(), Failure> {
    equal(get(edge, "suite/after response").await?.map(|entry| entry.value), Some(Bytes::from_static(b"done")))
}

async fn put(edge: &Edge, key: &str, value: &[u8], options: KvPut) -> Result<(), Failure> {
    edge.kv_put(key, value, options).await.map_err(text)
}

async fn get(edge: &Edge, key: &str) -> Result<Option<crate::KvEntry>, Failure> {
    edge.kv_get(key).await.map_err(text)
}

async fn request(edge: &Edge, method: &str, path: &str) -> Result<Request, Failure> {
    let base = edge.variable("probe_upstream").await.ok_or("the variable `probe_upstream` is not set")?;
    http::Request::builder().method(method).uri(format!("{base}{path}")).body(Body::empty()).map_err(text)
}

fn with_probe_header(mut request: Request) -> Request {
    request.headers_mut().insert("x-probe", http::HeaderValue::from_static("42"));
    request
}

async fn fetch(edge: &Edge, request: Request) -> Result<Response, Failure> {
    edge.within(Duration::from_secs(10), edge.fetch(request)).await.ok_or("timed out")?.map_err(text)
}

async fn bytes(response: Response, bytes_max: usize) -> Result<Bytes, Failure> {
    response.into_body().bytes(bytes_max).await.map_err(text)
}

fn text(error: impl ToString) -> Failure {
    error.to_string()
}

#[track_caller]
fn equal<T: PartialEq<U> + Debug, U: Debug>(actual: T, expected: U) -> Result<(), Failure> {
    if actual == expected {
        return Ok(());
    }
    Err(format!("{}: {actual:?} is not {expected:?}", std::panic::Location::caller()))
}
