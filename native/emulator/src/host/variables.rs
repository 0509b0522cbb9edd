//! `spin:variables@3.0.0`, its older form `fermyon:spin/variables@2.0.0`, and `wasi:config`: three views of the same values.

use wasmtime::component::Accessor;

use super::{HasHost, Host};
use crate::bindings::fermyon::spin::variables as v2;
use crate::bindings::spin::variables::variables as v3;
use crate::bindings::wasi::config::store as config;
use crate::instance::State;
use crate::variables::is_name;

/// Why there is no value, and the text about it.
enum Absent {
    InvalidName(String),
    Undefined(String),
}

impl Host<'_> {
    fn variable(&self, name: &str) -> Result<String, Absent> {
        if !is_name(name) {
            return Err(Absent::InvalidName(format!("`{name}` is not a variable's name")));
        }
        let value = self.grants.variables.get(name).cloned();
        value.ok_or_else(|| Absent::Undefined(format!("the component has no variable `{name}` in spin.toml")))
    }
}

impl v3::Host for Host<'_> {}

impl v3::HostWithStore<State> for HasHost {
    async fn get(accessor: &Accessor<State, Self>, name: String) -> wasmtime::Result<Result<String, v3::Error>> {
        Ok(accessor.with(|mut access| access.get().variable(&name)).map_err(|absent| match absent {
            Absent::InvalidName(text) => v3::Error::InvalidName(text),
            Absent::Undefined(text) => v3::Error::Undefined(text),
        }))
    }
}

impl v2::Host for Host<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, v2::Error>> {
        Ok(self.variable(&name).map_err(|absent| match absent {
            Absent::InvalidName(text) => v2::Error::InvalidName(text),
            Absent::Undefined(text) => v2::Error::Undefined(text),
        }))
    }
}

impl config::Host for Host<'_> {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<Option<String>, config::Error>> {
        Ok(Ok(self.grants.variables.get(&name).cloned()))
    }

    fn get_all(&mut self) -> wasmtime::Result<Result<Vec<(String, String)>, config::Error>> {
        Ok(Ok(self.grants.variables.clone().into_iter().collect()))
    }
}
