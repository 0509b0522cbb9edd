//! What edge and region tell one another, as headers have it.

use std::fmt::Write;

use http::HeaderValue;

use crate::{IN_PROGRESS_MAX, RelationId, Snapshot};

/// Most relations that an answer is said to be made of.
pub const TABLES_MAX: usize = 256;

/// Of a read: the tables that its answer is made of, as a list of OIDs with a space between.
pub const HEADLAND_RELATIONS: &str = "headland-relations";
/// Of a read: the snapshot of the stored answer.
pub const HEADLAND_STORED: &str = "headland-stored";
/// Of a read: the snapshot that its caller demands.
pub const HEADLAND_DEMANDED: &str = "headland-demanded";
/// Of an answer without a query: the snapshot that the stored answer has by now.
pub const HEADLAND_UNCHANGED: &str = "headland-unchanged";
/// Of an answer: its snapshot; and what a caller sends back.
pub const HEADLAND_SNAPSHOT: &str = "headland-snapshot";
/// Of an answer whose snapshot had to be cut to what fits: all that whoever is given it has seen.
pub const HEADLAND_SEEN: &str = "headland-seen";
/// Of an answer: up to where all writers are known.
pub const HEADLAND_KNOWN: &str = "headland-known";
/// Of an answer: who has written each of the relations.
pub const HEADLAND_WRITERS: &str = "headland-writers";

/// Writes what a caller has seen; `None` if that is nothing. It will be demanded, and so may grow.
pub fn write_seen(snapshot: Snapshot) -> Option<HeaderValue> {
    if snapshot.is_empty() { None } else { HeaderValue::try_from(snapshot.grow(IN_PROGRESS_MAX).to_string()).ok() }
}

/// Writes a list of tables.
pub fn write_tables(tables: &[RelationId]) -> String {
    let mut text = String::new();
    for table in tables {
        let space = if text.is_empty() { "" } else { " " };
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{space}{table}");
    }
    text
}

/// Reads a list of 1 to [`TABLES_MAX`] tables.
pub fn read_tables(text: &str) -> Option<Vec<RelationId>> {
    let tables: Vec<_> = text.split(' ').take(TABLES_MAX + 1).map(|word| word.parse().ok()).collect::<Option<_>>()?;
    (tables.len() <= TABLES_MAX).then_some(tables)
}

/// Writes who has written what: `0=SNAPSHOT 16385=SNAPSHOT`. Snapshots grow where they are too long: they are demanded.
pub fn write_writers(writers: impl IntoIterator<Item = (RelationId, Snapshot)>) -> String {
    let mut text = String::new();
    for (relation, writers) in writers {
        let space = if text.is_empty() { "" } else { " " };
        let _ = write!(text, "{space}{relation}={}", writers.grow(IN_PROGRESS_MAX));
    }
    text
}

/// Reads what [`write_writers`] writes, of [`TABLES_MAX`] tables and the schema.
pub fn read_writers(text: &str) -> Option<Vec<(RelationId, Snapshot)>> {
    let pair = |word: &str| {
        let (relation, snapshot) = word.split_once('=')?;
        Some((relation.parse().ok()?, Snapshot::parse(snapshot)?))
    };
    let writers: Vec<_> = text.split(' ').take(TABLES_MAX + 2).map(pair).collect::<Option<_>>()?;
    (writers.len() <= TABLES_MAX + 1).then_some(writers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timeline;

    #[test]
    fn ok_what_was_written_is_read() {
        for tables in [vec![7], vec![0, 16385, RelationId::MAX], vec![1; TABLES_MAX]] {
            assert_eq!(read_tables(&write_tables(&tables)), Some(tables));
        }
        let snapshot = |text| Snapshot::of_postgres(Timeline(3), text).unwrap();
        let writers = vec![(0, snapshot("1:1:")), (16385, snapshot("5:9:5,7"))];
        assert_eq!(write_writers(writers.clone()), "0=0000000000000003:1:1: 16385=0000000000000003:5:9:5,7");
        assert_eq!(read_writers(&write_writers(writers.clone())), Some(writers));
    }

    #[test]
    fn err_malformed_or_too_many() {
        for text in ["", " ", "1,2", "-1", "a", "1  2", &write_tables(&[1; TABLES_MAX + 1])] {
            assert_eq!(read_tables(text), None, "{text}");
        }
        let one = "1=0000000000000003:1:1:";
        assert!(read_writers(&[one; TABLES_MAX + 1].join(" ")).is_some());
        for text in ["", "1", "1=", "=0000000000000003:1:1:", "1=3:1:1:", &[one; TABLES_MAX + 2].join(" ")] {
            assert_eq!(read_writers(text), None, "{text}");
        }
    }
}
