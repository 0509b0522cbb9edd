//! `Edge` in a Cloudflare Worker: its bindings, `fetch`, and `waitUntil`.

use std::{rc::Rc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use worker::{
    AbortController, AbortSignal, Context, Delay, Env, Fetch, Headers, KvStore, RequestInit, RequestRedirect,
    ResponseBody, ResponseBuilder,
    js_sys::{Function, Reflect, Uint8Array, global},
    wasm_bindgen::{JsCast, JsValue},
};

use crate::{
    Body, BodyError, Error, FetchError, KvEntry, KvError, KvPut, Request, Response,
    instance::Instance,
    kv::{check_key, open, seal},
};

/// The binding of the key-value namespace in wrangler.toml.
const KV_BINDING: &str = "KV";
/// The header with the caller's address, which Cloudflare puts in place of what a caller sends.
const CLIENT_ADDRESS: &str = "cf-connecting-ip";
/// Workers' shortest expiry. A shorter one is in the envelope.
const EXPIRY_MIN: Duration = Duration::from_secs(60);

thread_local! {
    static INSTANCE: Instance = Instance::default();
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
    /// Reads a value. An expired one is absent.
    pub async fn kv_get(&self, key: &str) -> Result<Option<KvEntry>, KvError> {
        check_key(key)?;
        let envelope = self.kv()?.get(key).bytes().await.map_err(unavailable)?;
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
        let request = outgoing_request(request).await.map_err(|error| FetchError::Unreachable(error.to_string()))?;
        let abort = AbortOnDrop(Some(AbortController::default()));
        let signal = abort.signal();
        let outcome = Fetch::Request(request).send_with_signal(&signal).await;
        abort.disarm();
        incoming_response(outcome.map_err(|error| FetchError::Broken(error.to_string()))?)
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

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        Delay::from(duration).await;
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

/// What the Worker's `fetch` event calls, with its route table as the handler.
pub async fn serve(
    request: worker::Request,
    env: Env,
    context: Context,
    handler: impl AsyncFnOnce(Request, &Edge) -> Result<Response, Error>,
) -> worker::Result<worker::Response> {
    let response = match incoming_request(request) {
        Ok(request) => {
            let client_address = request.headers().get(CLIENT_ADDRESS).cloned();
            let edge = Edge(Rc::new(Bindings { env, context, client_address }));
            crate::answer(handler, request, &edge).await
        }
        Err(error) => crate::serve::refuse(&error),
    };
    outgoing_response(response)
}

fn unavailable(error: worker::KvError) -> KvError {
    KvError::Unavailable(error.to_string())
}

fn get_random_values(bytes: &Uint8Array) -> Result<JsValue, JsValue> {
    let crypto = Reflect::get(&global(), &"crypto".into())?;
    let function: Function = Reflect::get(&crypto, &"getRandomValues".into())?.dyn_into()?;
    function.call1(&crypto, bytes)
}

fn incoming_request(mut worker: worker::Request) -> Result<Request, Error> {
    let refused = |what: &str| Error::bad_request("bad_request", format!("the request's {what} cannot be understood"));
    let mut request = Request::default();
    *request.method_mut() = Method::from_bytes(worker.inner().method().as_bytes()).map_err(|_| refused("method"))?;
    *request.uri_mut() = Uri::try_from(target(&worker.inner().url())).map_err(|_| refused("target"))?;
    *request.headers_mut() = HeaderMap::from(worker.headers());
    if let Ok(chunks) = worker.stream() {
        *request.body_mut() = incoming_body(chunks);
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

fn incoming_response(mut worker: worker::Response) -> Result<Response, FetchError> {
    let mut response = Response::default();
    *response.status_mut() =
        StatusCode::from_u16(worker.status_code()).map_err(|error| FetchError::Broken(error.to_string()))?;
    *response.headers_mut() = HeaderMap::from(worker.headers());
    if let Ok(chunks) = worker.stream() {
        *response.body_mut() = incoming_body(chunks);
    }
    Ok(response)
}

fn incoming_body(chunks: worker::ByteStream) -> Body {
    Body::stream(chunks.map(|chunk| match chunk {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) => Err(BodyError::Broken(error.to_string())),
    }))
}

async fn outgoing_request(request: Request) -> worker::Result<worker::Request> {
    let (head, body) = request.into_parts();
    let body = body.bytes(usize::MAX).await.map_err(|error| worker::Error::RustError(error.to_string()))?;
    let mut init = RequestInit::new();
    init.with_method(head.method.to_string().into())
        .with_headers(Headers::from(&head.headers))
        .with_redirect(RequestRedirect::Manual);
    if !body.is_empty() {
        init.with_body(Some(Uint8Array::from(&body[..]).into()));
    }
    worker::Request::new_with_init(&head.uri.to_string(), &init)
}

fn outgoing_response(response: Response) -> worker::Result<worker::Response> {
    let (mut head, body) = response.into_parts();
    // The runtime counts the bytes itself.
    head.headers.remove(header::CONTENT_LENGTH);
    let builder = ResponseBuilder::new().with_status(head.status.as_u16()).with_headers(Headers::from(&head.headers));
    match body {
        Body::Whole(bytes) if bytes.is_empty() => Ok(builder.empty()),
        Body::Whole(bytes) => Ok(builder.body(ResponseBody::Body(bytes.into()))),
        Body::Stream(chunks) => builder.from_stream(chunks.map(|chunk| match chunk {
            Ok(bytes) => Ok(Vec::from(bytes)),
            Err(error) => Err(worker::Error::RustError(error.to_string())),
        })),
    }
}
