//! Computed relationships, grouped by the relation that they start at.

use crate::Error;
use crate::format::{IS_TO_ONE, put_varint};
use crate::introspection::{Answer, Computed, refused};
use crate::pool::{Laid, Pool};

/// For each relation, by its place, the functions of its rows with the places of the relations that they return; sorted
/// by schema and name. Empty if there is no function at all.
pub(super) type Grouped<'a> = Vec<Vec<(usize, &'a Computed<'a>)>>;

/// Groups them; refuses one between relations that are not exposed.
pub(super) fn grouped<'a>(answer: &'a Answer<'a>) -> Result<Grouped<'a>, Error> {
    if answer.computed.is_empty() {
        return Ok(Vec::new());
    }
    let places = answer.places();
    let mut groups = vec![Vec::new(); answer.relations.len()];
    for computed in &answer.computed {
        let (Some(source), Some(target)) = (places.get(&computed.source), places.get(&computed.target)) else {
            return Err(refused(format!("the function `{}` is of rows that are not exposed", computed.name)));
        };
        groups[*source].push((*target, computed));
    }
    for group in &mut groups {
        sort::sort_by(group, &|(_, one), (_, other)| (&one.schema, &one.name).cmp(&(&other.schema, &other.name)));
    }
    Ok(groups)
}

pub(super) fn add_strings<'a>(pool: &mut Pool<&'a str>, computed: &'a [Computed<'_>]) {
    computed.iter().for_each(|one| [&one.schema, &one.name].iter().for_each(|text| pool.add(text)));
}

/// The block of the relation at `place`.
pub(super) fn block(groups: &Grouped<'_>, place: usize, strings: &Laid<&str>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (target, computed) in groups.get(place).into_iter().flatten() {
        put_varint(&mut bytes, strings.offset(&computed.schema));
        put_varint(&mut bytes, strings.offset(&computed.name));
        put_varint(&mut bytes, *target as u32);
        bytes.push(if computed.is_to_one { IS_TO_ONE } else { 0 });
    }
    bytes
}
