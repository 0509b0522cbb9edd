//! The sections of functions.

use super::{block, put_optional};
use crate::format::{put_block, put_varint};
use crate::introspection::Function;
use crate::pool::{Laid, Pool};

/// Counts every text that will be referred to.
pub(super) fn add_strings<'a>(pool: &mut Pool<&'a str>, functions: &'a [Function<'_>]) {
    for function in functions {
        let names = [&function.schema, &function.name, &function.return_schema, &function.return_name];
        names.iter().for_each(|text| pool.add(text));
        function.description.iter().for_each(|text| pool.add(text));
        function.parameters.iter().for_each(|one| [&one.name, &one.data_type].iter().for_each(|text| pool.add(text)));
        let pairs = function.columns.iter().chain(&function.settings);
        pairs.for_each(|(one, other)| [one, other].iter().for_each(|text| pool.add(text)));
    }
}

/// The index and the functions.
pub(super) fn functions(functions: &[Function<'_>], strings: &Laid<&str>) -> (Vec<u8>, Vec<u8>) {
    let (mut index, mut bytes) = (Vec::new(), Vec::new());
    for function in functions {
        index.extend((bytes.len() as u32).to_le_bytes());
        put(&mut bytes, function, strings);
    }
    (index, bytes)
}

fn put(bytes: &mut Vec<u8>, function: &Function<'_>, strings: &Laid<&str>) {
    put_varint(bytes, strings.offset(&function.schema));
    put_varint(bytes, strings.offset(&function.name));
    bytes.push(function.flags);
    put_varint(bytes, strings.offset(&function.return_schema));
    put_varint(bytes, strings.offset(&function.return_name));
    put_optional(bytes, function.description.as_deref(), strings);
    let mut parameters = Vec::new();
    for parameter in &function.parameters {
        put_varint(&mut parameters, strings.offset(&parameter.name));
        put_varint(&mut parameters, strings.offset(&parameter.data_type));
        parameters.push(parameter.flags);
    }
    put_block(bytes, &parameters);
    for pairs in [&function.columns, &function.settings] {
        let texts = pairs.iter().flat_map(|(one, other)| [one, other]);
        put_block(bytes, &block(texts.map(|text| strings.offset(text))));
    }
}
