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

    /// A number that differs between catalogs that say different things.
    pub fn checksum(&self) -> u64 {
        u64::from_le_bytes(self.bytes[CHECKSUM_AT..].first_chunk().copied().unwrap_or_default())
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
        Relation::read(self, ordinal, self.indexed(Section::Index, Section::Relations, ordinal)?)
    }

    /// The record in `section` that stands at a place of `index`.
    pub(crate) fn indexed(&self, index: Section, section: Section, place: u32) -> Option<Cursor<'_>> {
        let at = (place as usize).checked_mul(4)?;
        let offset = self.section(index).get(at..)?.first_chunk().copied()?;
        self.cursor(section, u32::from_le_bytes(offset))
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
        self.count(Section::Index)
    }

    fn count(&self, index: Section) -> u32 {
        self.sections[index as usize].1 / 4
    }

    fn cursor(&self, section: Section, offset: u32) -> Option<Cursor<'_>> {
        self.section(section).get(offset as usize..).map(Cursor)
    }

    pub(crate) fn section(&self, section: Section) -> &[u8] {
        let (offset, length) = self.sections[section as usize];
        &self.bytes[offset as usize..][..length as usize]
    }

    /// The first ordinal whose relation is not `before`, as `slice::partition_point` finds it.
    fn partition_point(&self, before: impl Fn(Relation<'_>) -> bool) -> u32 {
        self.partition(Section::Index, |ordinal| self.relation_at(ordinal).is_some_and(&before))
    }

    /// The first place of `index` that is not `before`.
    pub(crate) fn partition(&self, index: Section, before: impl Fn(u32) -> bool) -> u32 {
        let (mut low, mut high) = (0, self.count(index));
        while low < high {
            let middle = low.midpoint(high);
            match before(middle) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Database, Random, walk};

    fn films() -> Database {
        Database::new()
            .table("directors", &["*id", "name"])
            .table("films", &["*id", "director_id"])
            .table("actors", &["*id"])
            .table("roles", &["*film_id", "*actor_id"])
            .foreign_key("films_director", "films(director_id)", "directors(id)")
            .foreign_key("roles_film", "roles(film_id)", "films(id)")
            .foreign_key("roles_actor", "roles(actor_id)", "actors(id)")
            .view("shown", &[("id", "films.id"), ("by", "films.director_id")])
            .function(serde_json::json!([
                "app",
                "search",
                "app",
                "films",
                6,
                "Finds",
                [["a", "text", 0]],
                [["b", "text"]],
                [["x", "y"]]
            ]))
            .with("computed", serde_json::json!([2, 1, "app", "maker", true]))
            .with("representations", serde_json::json!([0, "app.shown", "app.read", null]))
            .with("handlers", serde_json::json!(["text/html", "app", "page", "app", "films", false]))
            .with("roles", serde_json::json!(["anon", "serializable", [["work_mem", "1MB"]]]))
    }

    #[track_caller]
    fn refused(bytes: &[u8], kind: ErrorKind) {
        let error = Catalog::from_bytes(Bytes::copy_from_slice(bytes)).unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
    }

    /// The same damage, by someone who knows how to write the checksum.
    fn with_checksum(mut bytes: Vec<u8>) -> Vec<u8> {
        let checksum = checksum(&bytes[DIRECTORY_AT..]);
        bytes[CHECKSUM_AT..DIRECTORY_AT].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn ok_lookup_by_exact_name() {
        let catalog = films().catalog();
        for name in ["actors", "directors", "films", "roles", "shown"] {
            assert_eq!(catalog.relation("app", name).map(|relation| relation.name()), Some(name));
        }
        for (schema, name) in [("app", "film"), ("app", "Films"), ("App", "films"), ("", ""), ("app", ""), ("z", "z")] {
            assert_eq!(catalog.relation(schema, name), None, "{schema}.{name}");
        }
    }

    #[test]
    fn ok_relations_are_sorted_and_those_of_a_schema_are_together() {
        let catalog = films().catalog();
        let names: Vec<_> = catalog.relations().map(|relation| relation.full_name()).collect();
        assert!(names.is_sorted());
        assert_eq!(names.len(), 5);
        assert!(catalog.relations_in("app").eq(catalog.relations()));
        assert_eq!(catalog.relations_in("ap").count() + catalog.relations_in("apq").count(), 0);
    }

    #[test]
    fn ok_an_empty_catalog() {
        let catalog = Database::new().catalog();
        assert_eq!(catalog.relations().count(), 0);
        assert_eq!(catalog.relation("app", "films"), None);
        assert_eq!(walk(&Catalog::from_bytes(catalog.as_bytes().clone()).unwrap()), 0);
    }

    #[test]
    fn ok_bytes_read_as_they_were_written() {
        let catalog = films().catalog();
        let again = Catalog::from_bytes(catalog.as_bytes().clone()).unwrap();
        assert!(again.relations().eq(catalog.relations()));
        assert_eq!(walk(&again), walk(&catalog));
    }

    #[test]
    fn err_other_bytes_and_other_versions() {
        let bytes = films().catalog().as_bytes().to_vec();
        refused(b"", ErrorKind::NotACatalog);
        refused(b"{}", ErrorKind::NotACatalog);
        refused(&[0; 1000], ErrorKind::NotACatalog);
        let mut newer = bytes;
        newer[MAGIC.len()] = FORMAT_VERSION + 1;
        refused(&newer, ErrorKind::Version);
    }

    #[test]
    fn err_every_cut_and_every_addition() {
        let bytes = films().catalog().as_bytes().to_vec();
        for length in MAGIC.len()..bytes.len() {
            refused(&bytes[..length], ErrorKind::Truncated);
        }
        refused(&[&bytes[..], &[0]].concat(), ErrorKind::Truncated);
    }

    #[test]
    fn err_every_flipped_bit() {
        let bytes = films().catalog().as_bytes().to_vec();
        // The reserved bytes are the only ones that nothing depends on.
        let reserved = MAGIC.len() + 1..CHECKSUM_AT;
        for bit in (0..bytes.len() * 8).filter(|bit| !reserved.contains(&(bit / 8))) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(Catalog::from_bytes(flipped.into()).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn err_larger_than_the_limit() {
        refused(&vec![0; BYTES_MAX + 1], ErrorKind::TooLarge);
    }

    #[test]
    fn ok_damage_behind_a_good_checksum_never_panics() {
        let bytes = films().catalog().as_bytes().to_vec();
        let mut random = Random(1);
        for _ in 0..20_000 {
            let mut damaged = bytes.clone();
            for _ in 0..=random.below(8) {
                let place = DIRECTORY_AT + random.below(bytes.len() - DIRECTORY_AT);
                damaged[place] = [0, 0x7f, 0x80, 0xff, random.below(256) as u8][random.below(5)];
            }
            if let Ok(catalog) = Catalog::from_bytes(with_checksum(damaged).into()) {
                walk(&catalog);
            }
        }
    }
}
