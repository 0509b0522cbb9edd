//! From the introspection's answer to bytes; format.rs has the grammar.
//!
//! Sections refer to one another by offset, so they are written from the inside outwards: strings, types, columns,
//! legs, relations, and the index at last.

use crate::checksum::checksum;
use crate::derive::{Derived, Leg, Link, derive};
use crate::format::{
    CHECKSUM_AT, DIRECTORY_AT, FORMAT_VERSION, FORWARD, HEADER_BYTES, IDENTITY_ALWAYS, IDENTITY_BY_DEFAULT, INVERSE,
    IS_GENERATED, IS_NULLABLE, IS_UNIQUE, MAGIC, THROUGH, put_block, put_varint, within,
};
use crate::introspection::{Answer, Column, Type};
use crate::pool::{Laid, Pool};
use crate::source::{Source, sources};
use crate::{BYTES_MAX, Error};

/// The encoding of an answer that [`crate::introspection::parse`] has checked.
pub(crate) fn encode(answer: &Answer<'_>) -> Result<Vec<u8>, Error> {
    let derived = derive(answer)?;
    let sources = sources(answer);
    let columns = columns(answer);
    let strings = strings(answer, &columns, &derived, &sources).lay(|bytes, text| put_block(bytes, text.as_bytes()));
    let (types, type_offsets) = types(answer, &strings);
    let columns = columns.lay(|bytes, column| put_column(bytes, column, &strings, &type_offsets));
    let (legs, leg_offsets) = legs(&derived.legs, &strings);
    let (index, relations) =
        Relations { answer, derived, sources, strings: &strings, columns: &columns, leg_offsets }.bytes();
    assemble(&[&index, &relations, &legs, &columns.bytes, &types, &strings.bytes])
}

/// All that distinguishes a column's record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct ColumnKey<'a> {
    name: &'a str,
    data_type: usize,
    flags: u8,
    default: Option<&'a str>,
    description: Option<&'a str>,
}

impl<'a> ColumnKey<'a> {
    /// The column with its default as a caller sees it: its type's, unless it has one; none, if it is generated.
    fn new(column: &'a Column<'_>, types: &'a [Type<'_>]) -> ColumnKey<'a> {
        let data_type = &types[column.data_type];
        let default = column.default.as_deref().or(data_type.default.as_deref());
        let nullable = if data_type.is_not_null { 0 } else { IS_NULLABLE };
        ColumnKey {
            name: &column.name,
            data_type: column.data_type,
            flags: column.flags & (nullable | IDENTITY_ALWAYS | IDENTITY_BY_DEFAULT | IS_GENERATED),
            default: default.filter(|_| column.flags & IS_GENERATED == 0),
            description: column.description.as_deref(),
        }
    }
}

fn columns<'a>(answer: &'a Answer<'_>) -> Pool<ColumnKey<'a>> {
    let mut pool = Pool::new();
    let all = answer.relations.iter().flat_map(|relation| &relation.columns);
    all.for_each(|column| pool.add(ColumnKey::new(column, &answer.types)));
    pool
}

/// Every text that will be referred to, as often as it will be.
fn strings<'a>(
    answer: &'a Answer<'_>,
    columns: &Pool<ColumnKey<'a>>,
    derived: &Derived<'a>,
    sources: &[Vec<Source<'a>>],
) -> Pool<&'a str> {
    let mut pool: Pool<&'a str> = Pool::new();
    for relation in &answer.relations {
        pool.add(&relation.schema);
        pool.add(&relation.name);
        relation.description.iter().for_each(|text| pool.add(text));
    }
    for described in &answer.types {
        pool.add(&described.name);
        pool.add(&described.base_name);
        described.labels.iter().for_each(|label| pool.add(label));
    }
    for column in columns.keys() {
        pool.add(column.name);
        column.default.into_iter().chain(column.description).for_each(|text| pool.add(text));
    }
    for leg in &derived.legs {
        pool.add(leg.constraint);
        leg.pairs.iter().for_each(|(source, target)| [source, target].iter().for_each(|name| pool.add(name)));
    }
    derived.keys.iter().flatten().for_each(|name| pool.add(name));
    sources.iter().flatten().for_each(|source| [source.schema, source.name].iter().for_each(|name| pool.add(name)));
    pool
}

/// The types' section, and where in it each type begins.
fn types(answer: &Answer<'_>, strings: &Laid<&str>) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for described in &answer.types {
        offsets.push(bytes.len() as u32);
        bytes.extend([described.kind, described.base_kind].map(kind_byte));
        put_varint(&mut bytes, strings.offset(&described.name));
        put_varint(&mut bytes, strings.offset(&described.base_name));
        put_varint(&mut bytes, described.max_length.map_or(0, |length| length.saturating_add(1)));
        let labels = block(described.labels.iter().map(|label| strings.offset(label)));
        put_block(&mut bytes, &labels);
    }
    (bytes, offsets)
}

fn put_column(bytes: &mut Vec<u8>, column: ColumnKey<'_>, strings: &Laid<&str>, types: &[u32]) {
    bytes.push(column.flags);
    put_varint(bytes, strings.offset(column.name));
    put_varint(bytes, types[column.data_type]);
    put_optional(bytes, column.default, strings);
    put_optional(bytes, column.description, strings);
}

/// The legs' section, and where in it each leg begins.
fn legs(legs: &[Leg<'_>], strings: &Laid<&str>) -> (Vec<u8>, Vec<u32>) {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for leg in legs {
        offsets.push(bytes.len() as u32);
        put_varint(&mut bytes, leg.source as u32);
        put_varint(&mut bytes, leg.target as u32);
        bytes.push(if leg.is_unique { IS_UNIQUE } else { 0 });
        put_varint(&mut bytes, strings.offset(leg.constraint));
        let names = leg.pairs.iter().flat_map(|(source, target)| [source, target]);
        put_block(&mut bytes, &block(names.map(|name| strings.offset(name))));
    }
    (bytes, offsets)
}

/// What the relations' section is written from.
struct Relations<'a> {
    answer: &'a Answer<'a>,
    derived: Derived<'a>,
    sources: Vec<Vec<Source<'a>>>,
    strings: &'a Laid<&'a str>,
    columns: &'a Laid<ColumnKey<'a>>,
    leg_offsets: Vec<u32>,
}

impl Relations<'_> {
    /// The index and the relations.
    fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let (mut index, mut bytes) = (Vec::new(), Vec::new());
        for place in 0..self.answer.relations.len() {
            index.extend((bytes.len() as u32).to_le_bytes());
            self.put(&mut bytes, place);
        }
        (index, bytes)
    }

    fn put(&self, bytes: &mut Vec<u8>, place: usize) {
        let relation = &self.answer.relations[place];
        put_varint(bytes, self.strings.offset(&relation.schema));
        put_varint(bytes, self.strings.offset(&relation.name));
        bytes.extend([kind_byte(relation.kind), relation.flags]);
        put_varint(bytes, relation.oid);
        put_optional(bytes, relation.description.as_deref(), self.strings);
        let columns = relation.columns.iter().map(|column| ColumnKey::new(column, &self.answer.types));
        put_block(bytes, &block(columns.map(|column| self.columns.offset(column))));
        put_block(bytes, &block(self.derived.keys[place].iter().map(|name| self.strings.offset(name))));
        put_block(bytes, &block(self.derived.links[place].iter().flat_map(|link| self.link(*link))));
        put_block(bytes, &self.sources(place));
    }

    fn link(&self, link: Link) -> impl Iterator<Item = u32> {
        let reference = |number: usize, direction| self.leg_offsets[number] * 4 + direction;
        let (first, second) = match link {
            Link::Forward(number) => (reference(number, FORWARD), None),
            Link::Inverse(number) => (reference(number, INVERSE), None),
            Link::Through(from, to) => (reference(from, THROUGH), Some(self.leg_offsets[to])),
        };
        [first].into_iter().chain(second)
    }

    fn sources(&self, place: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for source in &self.sources[place] {
            put_varint(&mut bytes, source.oid);
            put_varint(&mut bytes, self.strings.offset(source.schema));
            put_varint(&mut bytes, self.strings.offset(source.name));
            bytes.push(source.flags);
        }
        bytes
    }
}

/// Puts header and directory before the sections.
fn assemble(sections: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let length = HEADER_BYTES + sections.iter().map(|section| section.len()).sum::<usize>();
    within(length, BYTES_MAX, "bytes")?;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend(MAGIC);
    bytes.extend([FORMAT_VERSION, 0, 0, 0]);
    bytes.extend([0; DIRECTORY_AT - CHECKSUM_AT]);
    let mut offset = HEADER_BYTES as u32;
    for section in sections {
        bytes.extend(offset.to_le_bytes());
        bytes.extend((section.len() as u32).to_le_bytes());
        offset += section.len() as u32;
    }
    sections.iter().for_each(|section| bytes.extend_from_slice(section));
    let checksum = checksum(&bytes[DIRECTORY_AT..]);
    bytes[CHECKSUM_AT..DIRECTORY_AT].copy_from_slice(&checksum.to_le_bytes());
    Ok(bytes)
}

/// Varints one after the other.
fn block(values: impl Iterator<Item = u32>) -> Vec<u8> {
    let mut bytes = Vec::new();
    values.for_each(|value| put_varint(&mut bytes, value));
    bytes
}

fn put_optional(bytes: &mut Vec<u8>, text: Option<&str>, strings: &Laid<&str>) {
    put_varint(bytes, text.map_or(0, |text| strings.offset(text) + 1));
}

/// The kind's letter, which the parser has checked to be one.
fn kind_byte(letter: char) -> u8 {
    letter as u8
}
