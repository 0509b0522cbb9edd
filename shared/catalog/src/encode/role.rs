//! The section of roles' settings.

use super::{block, put_optional};
use crate::format::{put_block, put_varint};
use crate::introspection::Role;
use crate::pool::{Laid, Pool};

pub(super) fn add_strings<'a>(pool: &mut Pool<&'a str>, roles: &'a [Role<'_>]) {
    for role in roles {
        pool.add(&role.name);
        role.isolation.iter().for_each(|level| pool.add(level));
        role.settings.iter().flat_map(|(name, value)| [name, value]).for_each(|text| pool.add(text));
    }
}

pub(super) fn roles(roles: &[Role<'_>], strings: &Laid<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for role in roles {
        put_varint(&mut bytes, strings.offset(&role.name));
        put_optional(&mut bytes, role.isolation.as_deref(), strings);
        let texts = role.settings.iter().flat_map(|(name, value)| [name, value]);
        put_block(&mut bytes, &block(texts.map(|text| strings.offset(text))));
    }
    bytes
}
