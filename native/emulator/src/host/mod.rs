//! What a component may import besides WASI: Spin's key-value stores and variables.

pub(crate) mod key_value;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};

use crate::bindings;
use crate::instance::State;
use crate::kv::View;

/// What the manifest gives to a component.
pub(crate) struct Grants {
    /// The component's name, for messages.
    pub(crate) component: Arc<str>,
    /// The labels of the key-value stores that it may open.
    pub(crate) stores: BTreeSet<String>,
    /// Its variables, filled in.
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) kv: View,
}

/// The part of an instance's state that the interfaces work on.
pub(crate) struct Host<'a> {
    pub(crate) grants: &'a Arc<Grants>,
    pub(crate) table: &'a mut ResourceTable,
    pub(crate) open_stores: &'a mut usize,
}

/// Stands for [`Host`] where wasmtime wants a type without a lifetime.
pub(crate) struct HasHost;

impl HasData for HasHost {
    type Data<'a> = Host<'a>;
}

/// Offers the interfaces to every component that is linked.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::spin::key_value::key_value::add_to_linker::<State, HasHost>(linker, State::host)?;
    bindings::spin::variables::variables::add_to_linker::<State, HasHost>(linker, State::host)?;
    bindings::fermyon::spin::variables::add_to_linker::<State, HasHost>(linker, State::host)?;
    bindings::wasi::config::store::add_to_linker::<State, HasHost>(linker, State::host)
}
