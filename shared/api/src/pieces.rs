//! A value of any length in KV, which takes no more than [`VALUE_BYTES_MAX`] as one: it is cut into pieces.
//!
//! The first piece lies under the key itself, and its metadata say how many there are, before the caller's own; the
//! others lie under the key with a number. KV promises no order, so pieces of two values may come together: whoever
//! reads them has to notice, as a catalog does by its checksum.

use std::time::Duration;

use bytes::Bytes;
use edge::{Edge, KvError, KvPut, VALUE_BYTES_MAX};

/// Most pieces of a value.
const PIECES_MAX: u8 = 32;

/// The value and its metadata, if every piece is there.
pub(crate) async fn get(edge: &Edge, key: &str) -> Option<(Bytes, Bytes)> {
    let first = edge.kv_get(key).await.ok()??;
    let (&count, _) = first.metadata.split_first()?;
    let metadata = first.metadata.slice(1..);
    if count == 1 {
        return Some((first.value, metadata));
    }
    let mut value = Vec::from(first.value);
    for number in 1..count.min(PIECES_MAX) {
        value.extend_from_slice(&edge.kv_get(&piece(key, number)).await.ok()??.value);
    }
    Some((value.into(), metadata))
}

/// Stores the value. What `is_stored` already has new metadata and a new expiry in its first piece only.
pub(crate) async fn put(
    edge: &Edge,
    key: &str,
    value: &Bytes,
    metadata: &[u8],
    expiry: Duration,
    is_stored: bool,
) -> Result<(), KvError> {
    let count = value.len().div_ceil(VALUE_BYTES_MAX).max(1);
    let count = u8::try_from(count).ok().filter(|count| *count <= PIECES_MAX).ok_or(KvError::TooLarge)?;
    let cut = |number: u8| {
        let start = usize::from(number) * VALUE_BYTES_MAX;
        value.slice(start..value.len().min(start + VALUE_BYTES_MAX))
    };
    for number in (1..count).filter(|_| !is_stored) {
        let put = KvPut { expiry: Some(expiry), metadata: Bytes::new() };
        edge.kv_put(&piece(key, number), &cut(number), put).await?;
    }
    let metadata = [&[count], metadata].concat().into();
    edge.kv_put(key, &cut(0), KvPut { expiry: Some(expiry), metadata }).await
}

fn piece(key: &str, number: u8) -> String {
    format!("{key}/{number}")
}

#[cfg(test)]
mod tests {
    use edge::block_on;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn value(length: usize) -> Bytes {
        (0..length).map(|place| (place / 1000) as u8).collect()
    }

    #[test]
    fn ok_values_at_the_edges_of_a_piece() {
        for length in [0, 1, VALUE_BYTES_MAX, VALUE_BYTES_MAX + 1, 2 * VALUE_BYTES_MAX, 4_148_693] {
            let (edge, value) = (Edge::new(), value(length));
            block_on(put(&edge, "catalog", &value, b"meta", HOUR, false)).unwrap();
            let (found, metadata) = block_on(get(&edge, "catalog")).unwrap();
            assert!(found == value, "{length}");
            assert_eq!(&metadata[..], b"meta");
        }
    }

    #[test]
    fn ok_what_is_stored_is_renewed_by_its_first_piece() {
        let (edge, value) = (Edge::new(), value(2 * VALUE_BYTES_MAX));
        block_on(put(&edge, "catalog", &value, b"old", HOUR, false)).unwrap();
        block_on(put(&edge, "catalog", &value, b"new", HOUR, true)).unwrap();
        let (found, metadata) = block_on(get(&edge, "catalog")).unwrap();
        assert!(found == value);
        assert_eq!(&metadata[..], b"new");
    }

    #[test]
    fn err_a_piece_is_missing_or_there_are_too_many() {
        let (edge, long) = (Edge::new(), value(VALUE_BYTES_MAX + 1));
        assert_eq!(block_on(get(&edge, "catalog")), None);
        block_on(put(&edge, "catalog", &long, b"", HOUR, false)).unwrap();
        block_on(edge.kv_delete("catalog/1")).unwrap();
        assert_eq!(block_on(get(&edge, "catalog")), None);
        block_on(edge.kv_put("odd", b"x", KvPut::default())).unwrap();
        assert_eq!(block_on(get(&edge, "odd")), None, "no count");
        let long = Bytes::from(vec![0; usize::from(PIECES_MAX) * VALUE_BYTES_MAX + 1]);
        assert_eq!(block_on(put(&edge, "catalog", &long, b"", HOUR, false)), Err(KvError::TooLarge));
    }
}
