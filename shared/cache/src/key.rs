//! What an answer depends on, as one number.

use sha2::{Digest, Sha256};

/// The name of a stored answer: SHA-256 over all that the answer depends on. Two requests with different answers cannot
/// be made to have one, so nothing else of the request is stored or compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key([u8; 32]);

/// Takes what an answer depends on, part by part. The parts' number, order and borders count.
#[derive(Clone)]
pub struct KeyMaker(Sha256);

impl KeyMaker {
    /// `seed` is for what is the same for all requests of an instance. If nobody outside can know it, nobody can choose keys.
    pub fn new(seed: u64) -> KeyMaker {
        let mut maker = KeyMaker(Sha256::new());
        maker.part(&seed.to_le_bytes());
        maker
    }

    /// Adds a part.
    pub fn part(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds a part that may be missing, which is not the same as empty.
    pub fn optional(&mut self, bytes: Option<&[u8]>) {
        self.0.update([u8::from(bytes.is_some())]);
        self.part(bytes.unwrap_or_default());
    }

    /// The key of all parts.
    pub fn key(self) -> Key {
        Key(self.0.finalize().into())
    }
}

impl Key {
    /// As a name in a key-value store: 64 bytes behind a prefix.
    pub fn name(&self, prefix: &str) -> String {
        hex(prefix, &self.0)
    }
}

pub(crate) fn hex(prefix: &str, bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(prefix.len() + 2 * bytes.len() + 1);
    text.push_str(prefix);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u64, parts: &[Option<&str>]) -> Key {
        let mut maker = KeyMaker::new(seed);
        parts.iter().for_each(|part| maker.optional(part.map(str::as_bytes)));
        maker.key()
    }

    #[test]
    fn ok_everything_counts() {
        let all: Vec<Key> = [
            key(1, &[]),
            key(2, &[]),
            key(1, &[None]),
            key(1, &[Some("")]),
            key(1, &[Some("ab")]),
            key(1, &[Some("a"), Some("b")]),
            key(1, &[Some("b"), Some("a")]),
            key(1, &[Some("ab"), Some("")]),
            key(1, &[Some("ab"), None]),
            key(1, &[None, Some("ab")]),
        ]
        .into();
        for (index, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(index));
        }
        assert_eq!(key(1, &[Some("a")]), key(1, &[Some("a")]));
    }

    #[test]
    fn ok_names() {
        let name = key(1, &[]).name("read/");
        assert_eq!(name.len(), "read/".len() + 64);
        assert!(name["read/".len()..].bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}
