//! The passage between wasm and JavaScript.
//!
//! A call from one to the other costs more than most of what is done in it, so a head goes over as one text, in one call. What is at
//! hand when a request comes is given back at once: to make a promise, and have it called back, takes longer than the
//! answer from memory.

use std::fmt::Write;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll, Wake, Waker};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use worker::js_sys::Uint8Array;
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::future_to_promise;

pub(super) use bindings::{make_response, request_head, response_head, send};

#[allow(unsafe_code, missing_docs, reason = "what wasm-bindgen makes of it calls out of Rust")]
mod bindings {
    use worker::js_sys::Promise;
    use worker::wasm_bindgen::{self, JsValue, prelude::wasm_bindgen};
    use worker::web_sys::{AbortSignal, Request, Response};

    #[wasm_bindgen(module = "/src/workers/passage.js")]
    extern "C" {
        /// `METHOD URL`, and a line for each header.
        pub(in super::super) fn request_head(request: &Request) -> String;
        /// The status, and a line for each header.
        pub(in super::super) fn response_head(response: &Response) -> String;
        /// `Headers` of lines.
        #[wasm_bindgen(catch)]
        pub(in super::super) fn make_headers(lines: &str) -> Result<JsValue, JsValue>;
        /// Bytes, a stream or null, with a status and `Headers`.
        #[wasm_bindgen(catch)]
        pub(in super::super) fn make_response(
            status: u16,
            headers: &JsValue,
            body: JsValue,
        ) -> Result<Response, JsValue>;
        /// `fetch`, which follows no redirects.
        #[wasm_bindgen(catch)]
        pub(in super::super) fn send(
            method: &str,
            url: &str,
            head: &str,
            body: JsValue,
            signal: &AbortSignal,
        ) -> Result<Promise, JsValue>;
    }
}

/// What `work` gives if it does not have to wait for anything, else a promise of it.
pub(super) fn now_or_later(work: impl Future<Output = JsValue> + 'static) -> JsValue {
    let mut work = Box::pin(work);
    let caller = Arc::new(Caller::default());
    let waker = Waker::from(caller.clone());
    match work.as_mut().poll(&mut task::Context::from_waker(&waker)) {
        Poll::Ready(value) => value,
        Poll::Pending => future_to_promise(poll_fn(move |context| {
            caller.set(context.waker());
            work.as_mut().poll(&mut task::Context::from_waker(&waker)).map(Ok)
        }))
        .into(),
    }
}

/// Who polls a piece of work, which is nobody yet when it is polled first. What the work waits for may remember only the
/// first waker that it is given.
#[derive(Default)]
struct Caller(Mutex<Option<Waker>>);

impl Caller {
    fn set(&self, waker: &Waker) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }
}

impl Wake for Caller {
    fn wake(self: Arc<Caller>) {
        if let Some(waker) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            waker.wake();
        }
    }
}

/// Bytes as JavaScript has them. It may not be shown wasm's memory, which goes on changing.
pub(super) fn content(bytes: &Bytes) -> JsValue {
    if bytes.is_empty() { JsValue::NULL } else { Uint8Array::from(&bytes[..]).into() }
}

/// Headers as JavaScript has them.
pub(super) fn headers(headers: &HeaderMap) -> Result<JsValue, JsValue> {
    bindings::make_headers(&to_lines(headers))
}

/// Headers as lines.
pub(super) fn to_lines(headers: &HeaderMap) -> String {
    let mut lines = String::with_capacity(512);
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        writeln!(lines, "{name}:{value}").expect("text grows");
    }
    lines
}

/// Headers of lines. The runtime has read them, so there is none that is malformed.
pub(super) fn of_lines(lines: &str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(16);
    for (name, value) in lines.lines().filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    headers
}
