//! The value itself: opened, checked once, and searched.

use std::cmp::Ordering;

use bytes::Bytes;

use crate::checksum::checksum;
use crate::format::{
    CHECKSUM_AT, Cursor, DIRECTORY_AT, FORMAT_VERSION, HEADER_BYTES, MAGIC, SECTIONS, Section, within,
};
use crate::{BYTES_MAX, Error, ErrorKind, Relation, encode, introspection};

/// What a database exposes, as one value that is read in place. Cloning copies no bytes.
#[derive(Clone)]
pub struct Catalog {
    bytes: Bytes,
    /// Where each section lies in `bytes`; within bounds, as `from_bytes` has checked.
    sections: [(u32, u32); SECTIONS],
}

impl Catalog {
    /// Makes the encoding from the column `body` of [`introspection()`]'s row.
    ///
    /// Refuses text that is no such answer ([`ErrorKind::Introspection`]) and what passes a limit
    /// ([`ErrorKind::TooLarge`]).
    pub fn from_introspection(json: &[u8]) -> Result<Catalog, Error> {
        let answer = introspection::parse(json)?;
        let bytes = encode::encode(&answer)?;
        Catalog::from_bytes(bytes.into())
    }

    /// Opens an encoding. Checks its beginning, version, length and checksum, and looks at nothing else: the cost is
    /// one pass over the bytes, at several gigabytes a second.
    pub fn from_bytes(bytes: Bytes) -> Result<Catalog, Error> {
        within(bytes.len(), BYTES_MAX, "bytes")?;
        let Some((header, _)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(match bytes.starts_with(&MAGIC) {
                true => Error::new(ErrorKind::Truncated, "the bytes end within the header"),
                false => Error::new(ErrorKind::NotACatalog, "the bytes are no catalog"),
            });
        };
        check_beginning(header)?;
        let sections = directory(header, bytes.len())?;
        let expected = u64::from_le_bytes(header[CHECKSUM_AT..].first_chunk().copied().unwrap_or_default());
        if checksum(&bytes[DIRECTORY_AT..]) != expected {
            return Err(Error::new(ErrorKind::Checksum, "the checksum does not match"));
        }
        Ok(Catalog { bytes, sections })
    }

    /// The encoding, as it may be stored.
    pub fn as_bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The relation of that name, both parts compared exactly. Takes a binary search and allocates nothing.
    pub fn relation(&self, schema: &str, name: &str) -> Option<Relation<'_>> {
        let ordinal = self.partition_point(|relation| relation.full_name() < (schema, name));
        self.relation_at(ordinal).filter(|relation| relation.full_name() == (schema, name))
    }

    /// All relations, sorted by schema and then name, bytewise.
    pub fn relations(&self) -> Relations<'_> {
        Relations { catalog: self, next: 0, end: self.relation_count() }
    }

    /// The relations of one schema, sorted by name; found by binary search.
    pub fn relations_in(&self, schema: &str) -> Relations<'_> {
        let next = self.partition_point(|relation| relation.schema().cmp(schema) == Ordering::Less);
        let end = self.partition_point(|relation| relation.schema().cmp(schema) != Ordering::Greater);
        Relations { catalog: self, next, end }
    }

    pub(crate) fn relation_at(&self, ordinal: u32) -> Option<Relation<'_>> {
        let at = (ordinal as usize).checked_mul(4)?;
        let offset = self.section(Section::Index).get(at..)?.first_chunk().copied()?;
        Relation::read(self, ordinal, self.cursor(Section::Relations, u32::from_le_bytes(offset))?)
    }

    pub(crate) fn leg_at(&self, offset: u32) -> Option<Cursor<'_>> {
        self.cursor(Section::Legs, offset)
    }

    pub(crate) fn columns_at(&self, offset: u32) -> Option<Cursor<'_>> {
        self.cursor(Section::Columns, offset)
    }

    pub(crate) fn types_at(&self, offset: u32) -> Option<Cursor<'_>> {
        self.cursor(Section::Types, offset)
    }

    pub(crate) fn string(&self, offset: u32) -> Option<&str> {
        std::str::from_utf8(self.cursor(Section::Strings, offset)?.block()?.0).ok()
    }

    pub(crate) fn optional_string(&self, reference: u32) -> Option<&str> {
        self.string(reference.checked_sub(1)?)
    }

    fn relation_count(&self) -> u32 {
        self.sections[Section::Index as usize].1 / 4
    }

    fn cursor(&self, section: Section, offset: u32) -> Option<Cursor<'_>> {
        self.section(section).get(offset as usize..).map(Cursor)
    }

    fn section(&self, section: Section) -> &[u8] {
        let (offset, length) = self.sections[section as usize];
        &self.bytes[offset as usize..][..length as usize]
    }

    /// The first ordinal whose relation is not `before`, as `slice::partition_point` finds it.
    fn partition_point(&self, before: impl Fn(Relation<'_>) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.relation_count());
        while low < high {
            let middle = low.midpoint(high);
            match self.relation_at(middle).is_some_and(&before) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Catalog({} relations, {} bytes)", self.relation_count(), self.bytes.len())
    }
}

/// Relations in the order of the index.
#[derive(Clone)]
pub struct Relations<'a> {
    catalog: &'a Catalog,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Relations<'a> {
    type Item = Relation<'a>;

    fn next(&mut self) -> Option<Relation<'a>> {
        if self.next >= self.end {
            return None;
        }
        self.next += 1;
        self.catalog.relation_at(self.next - 1)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = self.end.saturating_sub(self.next) as usize;
        (0, Some(rest))
    }
}

fn check_beginning(header: &[u8; HEADER_BYTES]) -> Result<(), Error> {
    if !header.starts_with(&MAGIC) {
        return Err(Error::new(ErrorKind::NotACatalog, "the bytes are no catalog"));
    }
    let version = header[MAGIC.len()];
    if version != FORMAT_VERSION {
        let message = format!("version {version} of the encoding, this reads version {FORMAT_VERSION}");
        return Err(Error::new(ErrorKind::Version, message));
    }
    Ok(())
}

/// Reads the directory, whose sections must fill the bytes behind the header exactly.
fn directory(header: &[u8; HEADER_BYTES], length: usize) -> Result<[(u32, u32); SECTIONS], Error> {
    let mut sections = [(0, 0); SECTIONS];
    let mut end = HEADER_BYTES;
    let (entries, _) = header[DIRECTORY_AT..].as_chunks::<4>();
    for (section, entry) in sections.iter_mut().zip(entries.chunks_exact(2)) {
        *section = (u32::from_le_bytes(entry[0]), u32::from_le_bytes(entry[1]));
        if section.0 as usize != end {
            return Err(Error::new(ErrorKind::Truncated, "the directory does not fit the bytes"));
        }
        end = end.saturating_add(section.1 as usize);
    }
    if end != length {
        return Err(Error::new(ErrorKind::Truncated, format!("{length} bytes where the directory says {end}")));
    }
    Ok(sections)
}
