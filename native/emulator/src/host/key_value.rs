//! `spin:key-value@3.0.0` over the local database.

use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

use super::{HasHost, Host};
use crate::bindings::spin::key_value::key_value::{Error, Host as Interface, HostStore, HostStoreWithStore};
use crate::instance::State;
use crate::kv::View;

/// Stores that one instance may have open: Spin's limit.
const OPEN_STORES_MAX: usize = 256;

/// What a component's `store` stands for.
#[derive(Clone)]
#[allow(unreachable_pub, reason = "the generated bindings re-export it")]
pub struct OpenStore {
    kv: View,
    label: Arc<str>,
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Interface for Host<'_> {}

impl HostStore for Host<'_> {
    fn drop(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        *self.open_stores -= 1;
        Ok(())
    }
}

impl Host<'_> {
    fn open(&mut self, label: String) -> Answer<Resource<OpenStore>> {
        if !self.grants.stores.contains(&label) {
            let component = &self.grants.component;
            tracing::warn!(
                "`{component}` may not open the key-value store `{label}`; to allow it, \
                 add it to `key_value_stores` of [component.{component}] in spin.toml"
            );
            return Ok(Err(Error::AccessDenied));
        }
        if *self.open_stores >= OPEN_STORES_MAX {
            return Ok(Err(Error::StoreTableFull));
        }
        let store = self.table.push(OpenStore { kv: self.grants.kv.clone(), label: label.into() })?;
        *self.open_stores += 1;
        Ok(Ok(store))
    }
}

impl HostStoreWithStore<State> for HasHost {
    async fn open(accessor: &Accessor<State, Self>, label: String) -> Answer<Resource<OpenStore>> {
        accessor.with(|mut access| access.get().open(label))
    }

    async fn get(accessor: &Accessor<State, Self>, store: Resource<OpenStore>, key: String) -> Answer<Option<Vec<u8>>> {
        let OpenStore { kv, label } = find(accessor, &store)?;
        Ok(kv.get(&label, &key).map_err(Error::Other))
    }

    async fn set(
        accessor: &Accessor<State, Self>,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Answer<()> {
        let OpenStore { kv, label } = find(accessor, &store)?;
        Ok(kv.write(&label, key, Some(value)).await.map_err(Error::Other))
    }

    async fn delete(accessor: &Accessor<State, Self>, store: Resource<OpenStore>, key: String) -> Answer<()> {
        let OpenStore { kv, label } = find(accessor, &store)?;
        Ok(kv.write(&label, key, None).await.map_err(Error::Other))
    }

    async fn exists(accessor: &Accessor<State, Self>, store: Resource<OpenStore>, key: String) -> Answer<bool> {
        let OpenStore { kv, label } = find(accessor, &store)?;
        Ok(kv.exists(&label, &key).map_err(Error::Other))
    }

    async fn get_keys(
        accessor: &Accessor<State, Self>,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let OpenStore { kv, label } = find(accessor, &store)?;
        let (keys, end) = match kv.keys(&label) {
            Ok(keys) => (keys, Ok(())),
            Err(text) => (Vec::new(), Err(Error::Other(text))),
        };
        accessor.with(|mut access| {
            let stream = StreamReader::new(&mut access, keys)?;
            let end = FutureReader::new(&mut access, async move { wasmtime::error::Ok(end) })?;
            Ok((stream, end))
        })
    }
}

fn find(accessor: &Accessor<State, HasHost>, store: &Resource<OpenStore>) -> wasmtime::Result<OpenStore> {
    accessor.with(|mut access| Ok(access.get().table.get(store)?.clone()))
}
