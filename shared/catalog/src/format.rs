//! The encoding: its grammar, its limits, and the cursor that reads it.
//!
//! Integers are little-endian where they have a width, and otherwise LEB128 `varint`s of at most 32 bits. Everything
//! is addressed by byte offset within a section, so that a reader jumps to what it wants and decodes nothing else.
//!
//! ```text
//! catalog      = magic version reserved checksum directory section*
//! magic        = "HCAT"
//! version      = u8                                  ; FORMAT_VERSION; any change of this grammar raises it
//! reserved     = 3 zero bytes
//! checksum     = u64                                 ; over all bytes behind it, see checksum.rs
//! directory    = 10 * (offset:u32 length:u32)         ; of the sections, in the order of `Section`, without gaps
//!
//! index        = (relation-offset:u32)*              ; sorted by schema, then name, bytewise; binary-searched.
//!                                                    ; a relation's place in it is its `ordinal`
//! relations    = relation*
//! relation     = schema:string name:string kind:u8 flags:u8 oid:varint description:optional
//!                columns:block(column-offset:varint *)        ; in the order of attnum
//!                key:block(string *)                          ; the primary key's columns in the key's order
//!                relationships:block(relationship *)          ; sorted, see link.rs
//!                sources:block(source *)                      ; see source.rs; empty for a relation other
//!                                                             ; than a view that has itself alone, watched
//!                computed:block(computed *)                   ; sorted by schema and name
//! relationship = leg-offset * 4 + direction : varint          ; direction 0: from the leg's source to its target,
//!                                                             ; 1: from its target to its source
//!              | leg-offset * 4 + 2 : varint leg-offset:varint
//!                                                             ; through the junction: against the first leg, along
//!                                                             ; the second
//! source       = oid:varint schema:string name:string flags:u8
//! computed     = function-schema:string function-name:string target:ordinal flags:u8
//!
//! legs         = leg*                                ; a foreign key between two exposed relations, or its
//!                                                    ; appearance through views at either end
//! leg          = source:ordinal target:ordinal flags:u8 constraint:string pairs:block((string string) *)
//!
//! columns      = column*                             ; equal columns of different relations are one record
//! column       = flags:u8 name:string type-offset:varint default:optional description:optional
//!
//! types        = type*
//! type         = kind:u8 base-kind:u8 name:string base-name:string max-length-plus-one:varint labels:block(string *)
//!                representation:block(to-json:optional from-json:optional from-text:optional | nothing)
//!
//! function-index = (function-offset:u32)*              ; sorted by schema, then name, bytewise, then number of
//!                                                    ; parameters
//! functions    = function*
//! function     = schema:string name:string flags:u8 return-schema:string return-name:string description:optional
//!                parameters:block((string string flags:u8) *)     ; name and type
//!                columns:block((string string) *)                 ; name and type of what is taken out by parameters
//!                settings:block((string string) *)                ; name and value
//!
//! handlers     = (media-type:string function-schema:string function-name:string
//!                 target-schema:optional target-name:optional is-binary:u8) *
//! roles        = (name:string isolation-level:optional settings:block((name:string value:string) *)) *
//!
//! strings      = (length:varint utf-8)*              ; each text once; those with most uses first, so that offsets
//!                                                    ; of common ones are short
//! string       = string-offset:varint
//! optional     = 0 | string-offset + 1 : varint
//! ordinal      = varint
//! block(x)     = length-in-bytes:varint x
//! ```

use crate::{Error, ErrorKind, RelationKind, TypeKind};

/// The version of the encoding that is written, and the only one that is read.
pub const FORMAT_VERSION: u8 = 6;
/// Largest encoding in bytes: what the smallest store that holds a catalog whole (Workers KV) takes as one value.
pub const BYTES_MAX: usize = 25 * 1024 * 1024;
/// Most relations.
pub const RELATIONS_MAX: usize = 1 << 20;
/// Most functions.
pub const FUNCTIONS_MAX: usize = 1 << 20;
/// Most columns of one relation; Postgres' own limit is 1,600.
pub const COLUMNS_MAX: usize = 1_664;
/// Most foreign keys, each appearance through a view counted as one more.
pub const LEGS_MAX: usize = 1 << 20;
/// Most relationships of all relations together.
pub const RELATIONSHIPS_MAX: usize = 1 << 22;

pub(crate) const MAGIC: [u8; 4] = *b"HCAT";
/// Magic, version and zeros.
pub(crate) const CHECKSUM_AT: usize = 8;
pub(crate) const DIRECTORY_AT: usize = CHECKSUM_AT + 8;
pub(crate) const HEADER_BYTES: usize = DIRECTORY_AT + SECTIONS * 8;
pub(crate) const SECTIONS: usize = 10;

/// The sections, in the order of the directory.
#[derive(Clone, Copy)]
pub(crate) enum Section {
    Index,
    Relations,
    Legs,
    Columns,
    Types,
    FunctionIndex,
    Functions,
    Handlers,
    Roles,
    Strings,
}

// Flags of a column.
pub(crate) const IS_NULLABLE: u8 = 1;
pub(crate) const IDENTITY_ALWAYS: u8 = 2;
pub(crate) const IDENTITY_BY_DEFAULT: u8 = 4;
pub(crate) const IS_GENERATED: u8 = 8;

// Flags of a relation. HAS_REPRESENTATIONS is not in the introspection's answer, which has IS_WATCHED in its place.
pub(crate) const IS_INSERTABLE: u8 = 1;
pub(crate) const IS_UPDATABLE: u8 = 2;
pub(crate) const IS_DELETABLE: u8 = 4;
pub(crate) const HAS_ROW_SECURITY: u8 = 8;
pub(crate) const HAS_REPRESENTATIONS: u8 = 16;
pub(crate) const STORES_AS_SENT: u8 = 32;
pub(crate) const IS_DETERMINED: u8 = 64;
pub(crate) const READS_CLAIMS: u8 = 128;

// Flags of a source: HAS_ROW_SECURITY as well.
pub(crate) const IS_WATCHED: u8 = 16;

// Flags of a leg.
pub(crate) const IS_UNIQUE: u8 = 1;

// Flags of a function; an immutable one has neither of the last two.
pub(crate) const HAS_VARIADIC: u8 = 1;
pub(crate) const IS_COMPOSITE: u8 = 2;
pub(crate) const IS_SET: u8 = 4;
pub(crate) const IS_VOLATILE: u8 = 8;
pub(crate) const IS_STABLE: u8 = 16;

// Flags of a parameter.
pub(crate) const IS_REQUIRED: u8 = 1;
pub(crate) const IS_VARIADIC: u8 = 2;

// Flags of a computed relationship.
pub(crate) const IS_TO_ONE: u8 = 1;

// Directions of a relationship.
pub(crate) const FORWARD: u32 = 0;
pub(crate) const INVERSE: u32 = 1;
pub(crate) const THROUGH: u32 = 2;

/// The letter of `pg_class.relkind`, which is also the byte that is stored.
pub(crate) fn relation_kind(letter: u8) -> Option<RelationKind> {
    Some(match letter {
        b'r' => RelationKind::Table,
        b'p' => RelationKind::PartitionedTable,
        b'v' => RelationKind::View,
        b'm' => RelationKind::MaterializedView,
        b'f' => RelationKind::ForeignTable,
        _ => return None,
    })
}

/// The letter of `pg_type.typtype`, or `a` for a true array, which is also the byte that is stored.
pub(crate) fn type_kind(letter: u8) -> Option<TypeKind> {
    Some(match letter {
        b'a' => TypeKind::Array,
        b'b' => TypeKind::Base,
        b'c' => TypeKind::Composite,
        b'd' => TypeKind::Domain,
        b'e' => TypeKind::Enum,
        b'r' => TypeKind::Range,
        b'm' => TypeKind::Multirange,
        b'p' => TypeKind::Pseudo,
        _ => return None,
    })
}

/// Bytes yet to be read. Every step that would pass the end yields `None` instead.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) const EMPTY: Cursor<'static> = Cursor(&[]);

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(crate) fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    /// The next `length:varint` bytes, as a cursor of their own.
    pub(crate) fn block(&mut self) -> Option<Cursor<'a>> {
        let length = self.varint()? as usize;
        let (block, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Cursor(block))
    }

    /// All that is left, as varints.
    pub(crate) fn varints(mut self) -> impl Iterator<Item = u32> + use<'a> {
        std::iter::from_fn(move || self.varint())
    }
}

/// Appends a varint.
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Appends a block.
pub(crate) fn put_block(bytes: &mut Vec<u8>, block: &[u8]) {
    put_varint(bytes, block.len() as u32);
    bytes.extend_from_slice(block);
}

/// Refuses more than a limit allows.
pub(crate) fn within(count: usize, limit: usize, what: &str) -> Result<(), Error> {
    if count > limit {
        return Err(Error::new(ErrorKind::TooLarge, format!("{count} {what}, the most is {limit}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_varints_at_their_edges() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u32::MAX - 1, u32::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            let mut cursor = Cursor(&bytes);
            assert_eq!(cursor.varint(), Some(value));
            assert!(cursor.0.is_empty());
        }
    }

    #[test]
    fn err_varint_cut_or_too_long() {
        assert_eq!(Cursor(&[]).varint(), None);
        assert_eq!(Cursor(&[0x80]).varint(), None);
        assert_eq!(Cursor(&[0xff; 8]).varint(), None);
        assert_eq!(Cursor(&[0xff, 0xff, 0xff, 0xff, 0x1f]).varint(), None, "33 bits");
    }

    #[test]
    fn err_block_longer_than_the_rest() {
        assert!(Cursor(&[3, 1, 2]).block().is_none());
        assert_eq!(Cursor(&[2, 1, 2]).block().unwrap().0, [1, 2]);
    }
}
