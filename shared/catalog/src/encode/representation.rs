//! How values of a domain are shown and read, beside its type.

use super::put_optional;
use crate::introspection::{Answer, Representation};
use crate::pool::{Laid, Pool};

pub(super) fn add_strings<'a>(pool: &mut Pool<&'a str>, representations: &'a [Representation<'_>]) {
    representations.iter().flat_map(functions).flatten().for_each(|text| pool.add(text));
}

/// For each type, by its place, its representation's block; empty where there is none.
pub(super) fn blocks(answer: &Answer<'_>, strings: &Laid<&str>) -> Vec<Vec<u8>> {
    let mut blocks = vec![Vec::new(); answer.types.len()];
    for representation in &answer.representations {
        let block = &mut blocks[representation.data_type];
        block.clear();
        functions(representation).into_iter().for_each(|function| put_optional(block, function, strings));
    }
    blocks
}

fn functions<'a>(representation: &'a Representation<'_>) -> [Option<&'a str>; 3] {
    let Representation { to_json, from_json, from_text, .. } = representation;
    [to_json.as_deref(), from_json.as_deref(), from_text.as_deref()]
}
