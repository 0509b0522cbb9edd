//! `Edge` in a Cloudflare Worker: its bindings, `fetch`, and `waitUntil`.

use std::{cell::RefCell, rc::Rc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, Method, Uri, header};
use worker::{
    AbortController, AbortSignal, ByteStream, Context, Delay, Env, KvStore, ResponseBody,
    js_sys::{Function, Reflect, Uint8Array, global},
    wasm_bindgen::{JsCast, JsValue},
    wasm_bindgen_futures::JsFuture,
    web_sys::{self, ReadableStream},
    worker_sys,
};

use crate::{
    Body, BodyError, Error, FetchError, KvEntry, KvError, KvPut, Request, Response,
    heads::Heads,
    instance::Instance,
    kv::{check_key, open, seal},
};

#[path = "workers/passage.rs"]
mod passage;

/// The binding of the key-value namespace in wrangler.toml.
const KV_BINDING: &str = "KV";
/// The header with the caller's address, which Cloudflare puts in place of what a caller sends.
const CLIENT_ADDRESS: &str = "cf-connecting-ip";
/// Workers' shortest expiry. A shorter one is in the envelope.
const EXPIRY_MIN: Duration = Duration::from_secs(60);

#[doc(hidden)]
pub use worker;

thread_local! {
    static INSTANCE: Instance = Instance::default();
    static HEADS: RefCell<Heads<JsValue>> = RefCell::default();
}

/// What a function may reach.
#[derive(Clone)]
pub struct Edge(Rc<Bindings>);

struct Bindings {
    env: Env,
    context: Context,
    client_address: Option<HeaderValue>,
}

impl Edge {
    /// Reads a value. An expired one is absent, and a store that takes longer than two seconds is not available.
    pub async fn kv_get(&self, key: &str) -> Result<Option<KvEntry>, KvError> {
        check_key(key)?;
        let read = async { self.kv()?.get(key).bytes().await.map_err(unavailable) };
        let envelope = self.kv_in_time(read).await?;
        Ok(envelope.and_then(|bytes| open(bytes.into(), self.now())))
    }

    /// Stores a value, in place of any other under this key.
    pub async fn kv_put(&self, key: &str, value: &[u8], put: KvPut) -> Result<(), KvError> {
        check_key(key)?;
        let envelope = seal(value, &put, self.now())?;
        let mut order = self.kv()?.put_bytes(key, &envelope).map_err(unavailable)?;
        if let Some(expiry) = put.expiry {
            order = order.expiration_ttl(expiry.max(EXPIRY_MIN).as_secs() + 1);
        }
        order.execute().await.map_err(unavailable)
    }

    /// Removes a value; no error where there is none.
    pub async fn kv_delete(&self, key: &str) -> Result<(), KvError> {
        check_key(key)?;
        self.kv()?.delete(key).await.map_err(unavailable)
    }

    /// Sends a request and waits until the response's head is there; [`Edge::within`] bounds the wait, and to stop
    /// waiting aborts the request. Redirects are not followed. The runtime does not tell a connection that failed from
    /// one that broke: both are `Broken`.
    pub async fn fetch(&self, request: Request) -> Result<Response, FetchError> {
        let (head, body) = request.into_parts();
        let body = body.bytes(usize::MAX).await.map_err(|error| FetchError::Unreachable(error.to_string()))?;
        let (url, lines) = (head.uri.to_string(), passage::to_lines(&head.headers));
        let abort = AbortOnDrop(Some(AbortController::default()));
        let sent = passage::send(head.method.as_str(), &url, &lines, passage::content(&body), &abort.signal());
        let outcome = match sent {
            Ok(promise) => JsFuture::from(promise).await,
            Err(refused) => return Err(FetchError::Unreachable(text(refused))),
        };
        abort.disarm();
        incoming_response(outcome.map_err(|broken| FetchError::Broken(text(broken)))?.unchecked_into())
    }

    /// The address that the request came from, or the last proxy's, as text (RFC 5952); `None` where the runtime does
    /// not tell it.
    pub fn client_address(&self) -> Option<&str> {
        self.0.client_address.as_ref()?.to_str().ok()
    }

    /// Time since the Unix epoch. It stands still between I/O.
    pub fn now(&self) -> Duration {
        Duration::from_millis(worker::Date::now().as_millis())
    }

    /// Time since some moment. It stands still between I/O.
    pub fn monotonic(&self) -> Duration {
        self.now()
    }

    /// Waits. Time goes in milliseconds here, and a part of one would be none.
    pub async fn sleep(&self, duration: Duration) {
        Delay::from(Duration::from_millis(duration.as_nanos().div_ceil(1_000_000) as u64)).await;
    }

    /// Fills `buffer` with bytes that nobody can guess.
    pub fn random(&self, buffer: &mut [u8]) {
        // Web Crypto §10.1.1, which allows 65,536 bytes a call.
        for chunk in buffer.chunks_mut(65_536) {
            let bytes = Uint8Array::new_with_length(chunk.len() as u32);
            get_random_values(&bytes).expect("Workers have `crypto.getRandomValues`");
            bytes.copy_to(chunk);
        }
    }

    /// A variable or secret of the Worker, by its name in capitals (`region_url` is `REGION_URL`); `None` where it
    /// is not set, or is empty.
    pub async fn variable(&self, name: &str) -> Option<String> {
        let value = self.0.env.var(&name.to_ascii_uppercase()).ok()?;
        Some(value.to_string()).filter(|value| !value.is_empty())
    }

    /// Runs `work` without holding up the response.
    pub fn after_response(&self, work: impl Future<Output = ()> + 'static) {
        self.0.context.wait_until(work);
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
        worker::console_log!("{line}");
    }

    fn kv(&self) -> Result<KvStore, KvError> {
        self.0.env.kv(KV_BINDING).map_err(|error| KvError::Unavailable(error.to_string()))
    }
}

/// Aborts a request whose caller has stopped waiting.
struct AbortOnDrop(Option<AbortController>);

impl AbortOnDrop {
    fn signal(&self) -> AbortSignal {
        self.0.as_ref().map(AbortController::signal).expect("armed until it is consumed")
    }

    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

/// What the Worker's `fetch` event calls, with its route table as the handler: gives a `Response`, or a promise of one.
pub fn serve<H>(request: web_sys::Request, env: Env, context: worker_sys::Context, handler: H) -> JsValue
where
    H: AsyncFnOnce(Request, &Edge) -> Result<Response, Error> + 'static,
{
    passage::now_or_later(async move {
        let response = match incoming_request(&request) {
            Ok(request) => {
                let client_address = request.headers().get(CLIENT_ADDRESS).cloned();
                let edge = Edge(Rc::new(Bindings { env, context: Context::new(context), client_address }));
                crate::answer(handler, request, &edge).await
            }
            Err(error) => crate::serve::refuse(&error),
        };
        outgoing_response(response).into()
    })
}

fn unavailable(error: worker::KvError) -> KvError {
    KvError::Unavailable(error.to_string())
}

fn get_random_values(bytes: &Uint8Array) -> Result<JsValue, JsValue> {
    let crypto = Reflect::get(&global(), &"crypto".into())?;
    let function: Function = Reflect::get(&crypto, &"getRandomValues".into())?.dyn_into()?;
    function.call1(&crypto, bytes)
}

fn incoming_request(outer: &web_sys::Request) -> Result<Request, Error> {
    let refused = |what: &str| Error::bad_request("bad_request", format!("the request's {what} cannot be understood"));
    let head = passage::request_head(outer);
    let (first, lines) = head.split_once('\n').unwrap_or((&head, ""));
    let (method, url) = first.split_once(' ').unwrap_or((first, ""));
    let mut request = Request::default();
    *request.method_mut() = Method::from_bytes(method.as_bytes()).map_err(|_| refused("method"))?;
    *request.uri_mut() = Uri::try_from(target(url)).map_err(|_| refused("target"))?;
    *request.headers_mut() = passage::of_lines(lines);
    // These cannot have a body there (Fetch §5.3).
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        *request.body_mut() = outer.body().map_or(Body::empty(), incoming_body);
    }
    Ok(request)
}

/// Path and query of an absolute URL.
fn target(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |at| at + 3);
    let path = url[authority..].find('/').map_or(url.len(), |at| authority + at);
    let fragment = url.find('#').unwrap_or(url.len());
    if path < fragment { &url[path..fragment] } else { "/" }
}

fn incoming_response(outer: web_sys::Response) -> Result<Response, FetchError> {
    let head = passage::response_head(&outer);
    let (status, lines) = head.split_once('\n').unwrap_or((&head, ""));
    let mut response = Response::default();
    *response.status_mut() = status.parse().map_err(|_| FetchError::Broken(format!("it has the status {status}")))?;
    *response.headers_mut() = passage::of_lines(lines);
    *response.body_mut() = outer.body().map_or(Body::empty(), incoming_body);
    Ok(response)
}

fn incoming_body(stream: ReadableStream) -> Body {
    Body::stream(ByteStream::from(stream).map(|chunk| match chunk {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => Err(BodyError::Broken(error.to_string())),
    }))
}

fn outgoing_response(response: Response) -> web_sys::Response {
    let (mut head, body) = response.into_parts();
    // The runtime counts the bytes itself.
    head.headers.remove(header::CONTENT_LENGTH);
    let headers = HEADS.with_borrow_mut(|heads| heads.get(head.headers, &body, passage::headers));
    let content = match body {
        Body::Whole(bytes) => passage::content(&bytes),
        Body::Stream(chunks) => outgoing_stream(chunks),
    };
    let made = headers.and_then(|headers| passage::make_response(head.status.as_u16(), &headers, content));
    made.unwrap_or_else(|error| {
        worker::console_error!("a response cannot be made: {}", text(error));
        web_sys::Response::error()
    })
}

fn outgoing_stream(chunks: crate::ByteStream) -> JsValue {
    let chunks = chunks.map(|chunk| match chunk {
        Ok(bytes) => Ok(Vec::from(bytes)),
        Err(error) => Err(worker::Error::RustError(error.to_string())),
    });
    match worker::Response::from_stream(chunks).as_ref().map(worker::Response::body) {
        Ok(ResponseBody::Stream(stream)) => stream.into(),
        _ => JsValue::NULL,
    }
}

/// What was thrown, as text.
fn text(thrown: JsValue) -> String {
    worker::Error::from(thrown).to_string()
}
