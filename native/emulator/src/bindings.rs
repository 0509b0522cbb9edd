//! Spin's interfaces as Rust traits, generated from wit/.
#![allow(missing_docs, unreachable_pub)]

wasmtime::component::bindgen!({
    path: "wit",
    world: "imports",
    imports: { default: trappable },
    with: { "spin:key-value/key-value.store": crate::host::key_value::OpenStore },
});
