//! What a representation is called by whoever has it (RFC 9110 §8.8.3).

use sha2::{Digest, Sha256};

use crate::key::hex;

/// A strong entity tag: the first half of SHA-256 over content type, content range and body, with newlines between, which no header
/// has in it. Half is enough that no two representations meet. Postgres makes the same of the same (`If-Match`).
pub fn entity_tag(content_type: &[u8], content_range: &[u8], body: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in [content_type, b"\n", content_range, b"\n", body] {
        hash.update(part);
    }
    hex("\"", &hash.finalize()[..16]) + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_everything_counts() {
        // printf 'a\nb\nc' | sha256sum
        assert_eq!(entity_tag(b"a", b"b", b"c"), "\"ea7fb08b7a2dc4619ffb7c7bb38d95a2\"");
        let others = [entity_tag(b"ab", b"", b"c"), entity_tag(b"a", b"", b"bc"), entity_tag(b"a", b"b", b"")];
        assert!(others.iter().all(|other| *other != entity_tag(b"a", b"b", b"c")));
    }
}
