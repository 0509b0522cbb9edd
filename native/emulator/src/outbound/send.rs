//! `wasi:http/client` as wasmtime has it, but that it knows on behalf of which request it sends.

use wasmtime::AsContextMut;
use wasmtime::component::{Accessor, HasData, Linker, Resource};
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::client::{self, HostWithStore};
use wasmtime_wasi_http::p3::bindings::http::types::{self, ErrorCode};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{WasiHttp, WasiHttpCtxView, WasiHttpView};

use crate::instance::State;

struct HasClient;

impl HasData for HasClient {
    type Data<'a> = WasiHttpCtxView<'a>;
}

/// Offers WASI HTTP 0.3 to every component that is linked.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<State, WasiHttp>(linker, State::http)?;
    client::add_to_linker::<State, HasClient>(linker, State::http)
}

impl HostWithStore<State> for HasClient {
    async fn send(
        accessor: &Accessor<State, Self>,
        request: Resource<Request>,
    ) -> Result<Resource<Response>, TrappableError<ErrorCode>> {
        accessor
            .with(|mut access| {
                let tasks: Vec<_> = access.as_context_mut().async_call_stack()?.collect();
                access.data_mut().send_for(&tasks);
                wasmtime::error::Ok(())
            })
            .map_err(TrappableError::trap)?;
        // Nothing else runs in this instance before the hooks take what was just set.
        WasiHttp::send(&accessor.with_getter::<WasiHttp>(State::http), request).await
    }
}
