//! From a function to the entry point of the runtime that is being built.

use crate::{Edge, Error, Fault, Request, Response, hygiene};

/// Makes an `async fn(Request, &Edge) -> Result<Response, Error>` the entry point of this crate.
///
/// On `wasm32-wasip2` it exports `wasi:http/handler`. Elsewhere it is nothing: the Worker collects the handlers of
/// all functions in its route table, and tests call them.
#[macro_export]
macro_rules! serve {
    ($handler:path) => {
        #[cfg(all(target_arch = "wasm32", target_os = "wasi"))]
        #[allow(unsafe_code, reason = "the component's exports are C functions")]
        mod __component {
            use $crate::platform::wasip3;

            struct Component;

            wasip3::http::service::export!(Component with_types_in wasip3);

            impl wasip3::exports::http::handler::Guest for Component {
                async fn handle(
                    request: wasip3::http::types::Request,
                ) -> Result<wasip3::http::types::Response, wasip3::http::types::ErrorCode> {
                    use super::*;
                    $crate::platform::serve(request, $handler).await
                }
            }
        }
    };
}

/// Makes a route table, of the same type as a handler, the `fetch` event of a Worker. Elsewhere it is nothing.
#[macro_export]
macro_rules! serve_worker {
    ($handler:path) => {
        #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
        #[allow(unsafe_code, missing_docs, reason = "what JavaScript calls is a C function")]
        mod __worker {
            use $crate::platform::worker::wasm_bindgen::{self, JsValue, prelude::wasm_bindgen};
            use $crate::platform::worker::{Env, web_sys::Request, worker_sys::Context};

            #[wasm_bindgen]
            pub fn fetch(request: Request, env: Env, context: Context) -> JsValue {
                use super::*;
                $crate::platform::serve(request, env, context, $handler)
            }
        }
    };
}

/// Calls a handler; an error is logged for the operator and answered in the house's shape.
#[doc(hidden)]
pub async fn answer(
    handler: impl AsyncFnOnce(Request, &Edge) -> Result<Response, Error>,
    request: Request,
    edge: &Edge,
) -> Response {
    let is_secure = hygiene::is_secure(request.headers());
    let mut response = handler(request, edge).await.unwrap_or_else(|error| {
        if error.fault() != Fault::Client {
            edge.log(&error.to_string());
        }
        error.response()
    });
    hygiene::tidy(response.headers_mut(), is_secure);
    response
}

/// The answer to what is no request.
#[cfg(target_arch = "wasm32")]
pub(crate) fn refuse(error: &Error) -> Response {
    let mut response = error.response();
    hygiene::tidy(response.headers_mut(), false);
    response
}
