//! What a function may reach, the same on every runtime: key-value store, fetch, clock, random bytes, variables,
//! work after the response.
//!
//! A function is `async fn handle(request: Request, edge: &Edge) -> Result<Response, Error>` and one line,
//! `edge::serve!(handle)`. [`Edge`] is one concrete type per runtime, of the same shape, chosen by target:
//!
//! | target | file | runs on |
//! | --- | --- | --- |
//! | `wasm32-wasip2` | `spin.rs` | Spin, and any host of WASI HTTP 0.3 with Spin's key-value and variables |
//! | `wasm32-unknown-unknown` | `workers.rs` | Cloudflare Workers |
//! | any other | `memory.rs` | tests: all in memory, with a clock that a test moves |
//!
//! This is the only crate in `shared/` that does I/O, and the only one that knows which runtime it is on.
//! `suite.rs` says how every `Edge` behaves and is run on each.

mod body;
mod error;
mod fetch;
#[cfg(any(target_arch = "wasm32", test))]
mod heads;
mod hygiene;
mod instance;
mod kv;
mod message;
mod secret;
mod serve;
#[cfg(feature = "suite")]
pub mod suite;

#[cfg(all(target_arch = "wasm32", target_os = "wasi"))]
#[path = "spin.rs"]
#[doc(hidden)]
pub mod platform;
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[path = "workers.rs"]
#[doc(hidden)]
pub mod platform;
#[cfg(not(target_arch = "wasm32"))]
#[path = "memory.rs"]
#[doc(hidden)]
pub mod platform;

pub use body::{Body, BodyError, ByteStream};
pub use error::{Error, Fault};
pub use fetch::FetchError;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
pub use kv::{KEY_BYTES_MAX, KvEntry, KvError, KvPut, METADATA_BYTES_MAX, VALUE_BYTES_MAX};
pub use message::{Request, Response, json, query_param, text};
pub use platform::Edge;
#[cfg(not(target_arch = "wasm32"))]
pub use platform::{Answer, block_on};
pub use secret::Secret;
#[doc(hidden)]
pub use serve::answer;

/// A function takes some hundred small pieces of memory for a request, which the toolchain's own allocator spends a
/// fifth of the function's time on.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
