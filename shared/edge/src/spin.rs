//! `Edge` in a component: WASI HTTP 0.3, Spin's key-value store and variables, WASI's clocks and randomness.

use std::{cell::RefCell, rc::Rc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
pub use spin_sdk::wasip3;
use spin_sdk::{key_value, variables};
use wasip3::{
    http::types::{self, ErrorCode, Fields},
    wit_bindgen::{self, FutureReader, StreamReader, StreamResult},
    wit_future, wit_stream,
};

use crate::{
    Body, BodyError, Error, FetchError, KvEntry, KvError, KvPut, Request, Response,
    heads::Heads,
    instance::Instance,
    kv::{check_key, open, seal},
};

/// The store that a function uses; spin.toml grants it with `key_value_stores = ["default"]`.
const KV_STORE: &str = "default";
/// Most bytes taken from a body at a time.
const CHUNK_BYTES_MAX: usize = 256 * 1024;
const CHUNK_BYTES_MIN: usize = 16 * 1024;

/// What Spin's own request headers begin with (`spin-path-info`, `spin-full-url`, …).
const SPIN_HEADERS: &[u8; 5] = b"spin-";
/// Which of them has the caller's address and port. Spin and the emulator put it in place of what a caller sends; a
/// host that does not know it lets callers say what they like.
const CLIENT_ADDR: &str = "spin-client-addr";

thread_local! {
    static INSTANCE: Instance = Instance::default();
    static HEADS: RefCell<Heads<Fields>> = RefCell::default();
}

/// What a function may reach.
#[derive(Clone)]
pub struct Edge {
    /// What Spin says of the caller's address.
    client_addr: Option<Bytes>,
}

impl Edge {
    /// Reads a value. An expired one is absent, and a store that takes longer than two seconds is not available.
    pub async fn kv_get(&self, key: &str) -> Result<Option<KvEntry>, KvError> {
        check_key(key)?;
        let read = async { store().await?.get(key).await.map_err(unavailable) };
        let envelope = self.kv_in_time(read).await?;
        Ok(envelope.and_then(|bytes| open(bytes.into(), self.now())))
    }

    /// Stores a value, in place of any other under this key.
    pub async fn kv_put(&self, key: &str, value: &[u8], put: KvPut) -> Result<(), KvError> {
        check_key(key)?;
        let envelope = seal(value, &put, self.now())?;
        store().await?.set(key, envelope).await.map_err(unavailable)
    }

    /// Removes a value; no error where there is none.
    pub async fn kv_delete(&self, key: &str) -> Result<(), KvError> {
        check_key(key)?;
        store().await?.delete(key).await.map_err(unavailable)
    }

    /// Sends a request and waits until the response's head is there; [`Edge::within`] bounds the wait. The absolute URI
    /// must be allowed by `allowed_outbound_hosts`. Redirects are not followed.
    pub async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let request = outgoing_request(request).map_err(FetchError::Unreachable)?;
        incoming_response(wasip3::http::client::send(request).await.map_err(fetch_error)?)
    }

    /// The address that the request came from, or the last proxy's, as text (RFC 5952); `None` where the runtime does
    /// not tell it.
    pub fn client_address(&self) -> Option<&str> {
        let (address, _port) = str::from_utf8(self.client_addr.as_ref()?).ok()?.rsplit_once(':')?;
        let in_brackets = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        Some(in_brackets.unwrap_or(address))
    }

    /// Time since the Unix epoch.
    pub fn now(&self) -> Duration {
        let now = wasi::clocks::wall_clock::now();
        Duration::new(now.seconds, now.nanoseconds)
    }

    /// Time since some moment; never goes back.
    pub fn monotonic(&self) -> Duration {
        Duration::from_nanos(wasi::clocks::monotonic_clock::now())
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }

    /// Fills `buffer` with bytes that nobody can guess.
    pub fn random(&self, buffer: &mut [u8]) {
        buffer.copy_from_slice(&wasi::random::random::get_random_bytes(buffer.len() as u64));
    }

    /// A variable of the runtime; `None` where it is not set, or is empty.
    pub async fn variable(&self, name: &str) -> Option<String> {
        variables::get(name).await.ok().filter(|value| !value.is_empty())
    }

    /// Runs `work` without holding up the response.
    pub fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        wit_bindgen::spawn(work);
    }

    /// What [`Edge::instance_put`] stored in this instance.
    pub fn instance_get<T: 'static>(&self) -> Option<Rc<T>> {
        INSTANCE.with(Instance::get)
    }

    /// Keeps one value of this type for later requests in the same instance. Nothing of a request may be in it.
    pub fn instance_put<T: 'static>(&self, value: T) -> Rc<T> {
        INSTANCE.with(|instance| instance.put(value))
    }

    /// Writes a line for the operator.
    pub fn log(&self, line: &str) {
        eprintln!("{line}");
    }
}

/// What `edge::serve!` calls.
pub async fn serve(
    request: types::Request,
    handler: impl AsyncFnOnce(Request, &Edge) -> Result<Response, Error>,
) -> Result<types::Response, ErrorCode> {
    let mut edge = Edge { client_addr: None };
    let response = match incoming_request(request, &mut edge) {
        Ok(request) => crate::answer(handler, request, &edge).await,
        Err(error) => crate::serve::refuse(&error),
    };
    outgoing_response(response)
}

/// The store, opened once in an instance.
async fn store() -> Result<Rc<key_value::Store>, KvError> {
    if let Some(open) = INSTANCE.with(Instance::get) {
        return Ok(open);
    }
    let opened = key_value::Store::open(KV_STORE).await.map_err(unavailable)?;
    Ok(INSTANCE.with(|instance| instance.put(opened)))
}

fn unavailable(error: key_value::Error) -> KvError {
    KvError::Unavailable(error.to_string())
}

fn incoming_request(wasi: types::Request, edge: &mut Edge) -> Result<Request, Error> {
    let refused = |what: &str| Error::bad_request("bad_request", format!("the request's {what} cannot be understood"));
    let mut request = Request::default();
    *request.method_mut() = wasi.get_method().try_into().map_err(|_| refused("method"))?;
    let path = wasi.get_path_with_query().unwrap_or_else(|| "/".into());
    *request.uri_mut() = Uri::try_from(path).map_err(|_| refused("target"))?;
    *request.headers_mut() = header_map(wasi.get_headers(), &mut edge.client_addr).ok_or_else(|| refused("headers"))?;
    let length = content_length(request.headers());
    let has_body = length.is_some_and(|length| length > 0) || request.headers().contains_key(header::TRANSFER_ENCODING);
    // Over HTTP/2 a body needs no header that tells of it; GET and HEAD have none that means anything (RFC 9110 §9.3.1).
    if has_body || !matches!(*request.method(), http::Method::GET | http::Method::HEAD) {
        let (done, received) = wit_future::new(|| Ok(()));
        drop(done);
        let (chunks, trailers) = types::Request::consume_body(wasi, received);
        *request.body_mut() = incoming_body(chunks, trailers, length);
    }
    Ok(request)
}

fn incoming_response(wasi: types::Response) -> Result<Response, FetchError> {
    let broken = |what: &str| FetchError::Broken(format!("the response's {what} cannot be understood"));
    let mut response = Response::default();
    *response.status_mut() = StatusCode::from_u16(wasi.get_status_code()).map_err(|_| broken("status"))?;
    *response.headers_mut() = header_map(wasi.get_headers(), &mut None).ok_or_else(|| broken("headers"))?;
    let length = content_length(response.headers());
    let (done, received) = wit_future::new(|| Ok(()));
    drop(done);
    let (chunks, trailers) = types::Response::consume_body(wasi, received);
    *response.body_mut() = incoming_body(chunks, trailers, length);
    Ok(response)
}

type BodyEnd = FutureReader<Result<Option<types::Trailers>, ErrorCode>>;

/// Chunks as the host has them; with a known length the first one usually is the whole body. The end is waited for even
/// so: a host keeps a connection for the next request only once the response on it was taken whole.
fn incoming_body(chunks: StreamReader<u8>, end: BodyEnd, length: Option<usize>) -> Body {
    let chunk_bytes = length.map_or(CHUNK_BYTES_MIN, |length| length.clamp(1, CHUNK_BYTES_MAX));
    Body::stream(stream::unfold(Some((chunks, end)), move |state| async move {
        let (mut chunks, end) = state?;
        match chunks.read(Vec::with_capacity(chunk_bytes)).await {
            (StreamResult::Complete(_), chunk) => Some((Ok(Bytes::from(chunk)), Some((chunks, end)))),
            _ => match end.await {
                Ok(_) => None,
                Err(code) => Some((Err(BodyError::Broken(code.to_string())), None)),
            },
        }
    }))
}

fn outgoing_request(request: Request) -> Result<types::Request, String> {
    let (mut head, body) = request.into_parts();
    // The authority carries it (RFC 9113 §8.3.1).
    head.headers.remove(header::HOST);
    set_length(&mut head.headers, &body);
    let (contents, trailers) = outgoing_body(body);
    let (wasi, _sent) =
        types::Request::new(fields(&head.headers).map_err(|error| error.to_string())?, contents, trailers, None);
    let uri = &head.uri;
    wasi.set_method(&head.method.into())
        .and_then(|()| wasi.set_scheme(uri.scheme().map(Into::into).as_ref()))
        .and_then(|()| wasi.set_authority(uri.authority().map(|authority| authority.as_str())))
        .and_then(|()| wasi.set_path_with_query(uri.path_and_query().map(|path| path.as_str())))
        .map_err(|()| format!("`{uri}` cannot be requested"))?;
    Ok(wasi)
}

fn outgoing_response(response: Response) -> Result<types::Response, ErrorCode> {
    let (mut head, body) = response.into_parts();
    set_length(&mut head.headers, &body);
    let made = HEADS.with_borrow_mut(|heads| heads.get(head.headers, &body, fields));
    let headers = made.map_err(|error| ErrorCode::InternalError(Some(error.to_string())))?;
    // One that is kept is cloned over there.
    let headers = Rc::try_unwrap(headers).unwrap_or_else(|kept| Fields::clone(&kept));
    let (contents, trailers) = outgoing_body(body);
    let (wasi, _sent) = types::Response::new(headers, contents, trailers);
    wasi.set_status_code(head.status.as_u16()).map_err(|()| ErrorCode::HttpProtocolError)?;
    Ok(wasi)
}

/// Says how long a whole body is: the host is given a stream in any case, and would send it in chunks.
fn set_length(headers: &mut HeaderMap, body: &Body) {
    if let Body::Whole(bytes) = body
        && !bytes.is_empty()
    {
        headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    }
}

/// The readable end of a body; a task of its own writes the other, as the host takes it.
fn outgoing_body(body: Body) -> (Option<StreamReader<u8>>, BodyEnd) {
    let (end, trailers) = wit_future::new(|| Ok(None));
    if matches!(&body, Body::Whole(bytes) if bytes.is_empty()) {
        return (None, trailers);
    }
    let (mut writer, contents) = wit_stream::new();
    wit_bindgen::spawn(async move {
        match body {
            // What is left over is what the receiver did not want.
            Body::Whole(bytes) => drop(writer.write_all(bytes.into()).await),
            Body::Stream(mut chunks) => {
                while let Some(chunk) = chunks.next().await {
                    match chunk {
                        Ok(chunk) => {
                            if !writer.write_all(chunk.into()).await.is_empty() {
                                break;
                            }
                        }
                        Err(error) => {
                            let broken = ErrorCode::InternalError(Some(error.to_string()));
                            return drop(end.write(Err(broken)).await);
                        }
                    }
                }
            }
        }
    });
    (Some(contents), trailers)
}

fn fields(headers: &HeaderMap) -> Result<Fields, types::HeaderError> {
    let entries: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_owned())).collect();
    Fields::from_list(&entries)
}

/// The headers but those that Spin adds: a function sees the same request on every runtime. Of these the caller's
/// address is kept; the last one, as Spin's own stand behind what it was sent.
fn header_map(fields: Fields, client_addr: &mut Option<Bytes>) -> Option<HeaderMap> {
    let entries = fields.copy_all();
    let mut headers = HeaderMap::with_capacity(entries.len());
    for (name, value) in entries {
        if name.as_bytes().first_chunk() == Some(SPIN_HEADERS) {
            if name == CLIENT_ADDR {
                *client_addr = Some(value.into());
            }
            continue;
        }
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::from_maybe_shared(Bytes::from(value)).ok()?);
    }
    Some(headers)
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn fetch_error(code: ErrorCode) -> FetchError {
    use ErrorCode as E;
    let why = code.to_string();
    match code {
        E::HttpRequestDenied => FetchError::Denied(why),
        E::DnsTimeout
        | E::DnsError(_)
        | E::DestinationNotFound
        | E::DestinationUnavailable
        | E::DestinationIpProhibited
        | E::DestinationIpUnroutable
        | E::ConnectionRefused
        | E::TlsCertificateError
        | E::TlsProtocolError
        | E::TlsAlertReceived(_)
        | E::HttpRequestUriInvalid => FetchError::Unreachable(why),
        E::ConnectionTimeout | E::ConnectionReadTimeout | E::ConnectionWriteTimeout | E::HttpResponseTimeout => {
            FetchError::TimedOut
        }
        _ => FetchError::Broken(why),
    }
}
