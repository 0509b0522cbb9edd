//! The section of media type handlers.

use super::put_optional;
use crate::format::put_varint;
use crate::introspection::Handler;
use crate::pool::{Laid, Pool};

pub(super) fn add_strings<'a>(pool: &mut Pool<&'a str>, handlers: &'a [Handler<'_>]) {
    for handler in handlers {
        [&handler.media_type, &handler.schema, &handler.name].iter().for_each(|text| pool.add(text));
        [&handler.target_schema, &handler.target_name].into_iter().flatten().for_each(|text| pool.add(text));
    }
}

pub(super) fn handlers(handlers: &[Handler<'_>], strings: &Laid<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for handler in handlers {
        for text in [&handler.media_type, &handler.schema, &handler.name] {
            put_varint(&mut bytes, strings.offset(text));
        }
        put_optional(&mut bytes, handler.target_schema.as_deref(), strings);
        put_optional(&mut bytes, handler.target_name.as_deref(), strings);
        bytes.push(u8::from(handler.is_binary));
    }
    bytes
}
