//! Every function as one Cloudflare Worker: a route table and nothing else.

mod routes;

pub use routes::handle;

/// The Worker's `fetch` event.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[worker::event(fetch)]
async fn fetch(
    request: worker::Request,
    env: worker::Env,
    context: worker::Context,
) -> worker::Result<worker::Response> {
    edge::platform::serve(request, env, context, handle).await
}
