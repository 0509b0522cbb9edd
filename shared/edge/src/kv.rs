//! The key-value store's contract, and the envelope that a value is stored in.
//!
//! Spin's store knows no expiry and no metadata, and Workers' expiry is 60 s at least. So both are stored with the
//! value, on every runtime alike, and checked against the clock on reading:
//!
//! ```text
//! envelope = version:u8(=1)  expires:u64le  metadata_len:u16le  metadata  value
//! ```
//!
//! `expires` is in milliseconds since the Unix epoch; 0 is never.

use std::{fmt, time::Duration};

use bytes::Bytes;

use crate::Edge;

/// Longest key in bytes: Workers allows 512, Spin's hosted store 255.
pub const KEY_BYTES_MAX: usize = 255;
/// Longest value in bytes: Spin's hosted store allows 1 MB.
pub const VALUE_BYTES_MAX: usize = 1_000_000 - HEADER_BYTES - METADATA_BYTES_MAX;
/// Longest metadata in bytes.
pub const METADATA_BYTES_MAX: usize = 1024;

/// For how long a value is waited for. Whoever wants one does without it then: it can be had from where it came.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

const VERSION: u8 = 1;
const HEADER_BYTES: usize = 11;

/// A stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvEntry {
    /// The value, byte for byte.
    pub value: Bytes,
    /// What was stored beside it.
    pub metadata: Bytes,
    /// When it ends, since the Unix epoch; `None` is never.
    pub expires: Option<Duration>,
}

/// How a value is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KvPut {
    /// How long it is to be had; `None` is until it is overwritten. An elapsed value is never returned; the
    /// store may keep its bytes for longer.
    pub expiry: Option<Duration>,
    /// A few bytes to keep beside it.
    pub metadata: Bytes,
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KvError {
    /// The key is empty or longer than [`KEY_BYTES_MAX`].
    Key,
    /// The value is longer than [`VALUE_BYTES_MAX`], or the metadata than [`METADATA_BYTES_MAX`].
    TooLarge,
    /// The store is absent, forbidden, or failed.
    Unavailable(String),
}

impl fmt::Display for KvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KvError::Key => write!(f, "a key has 1 to {KEY_BYTES_MAX} bytes"),
            KvError::TooLarge => {
                write!(f, "a value has at most {VALUE_BYTES_MAX} bytes, its metadata {METADATA_BYTES_MAX}")
            }
            KvError::Unavailable(why) => write!(f, "the key-value store is not available: {why}"),
        }
    }
}

impl std::error::Error for KvError {}

pub(crate) fn check_key(key: &str) -> Result<(), KvError> {
    if key.is_empty() || key.len() > KEY_BYTES_MAX { Err(KvError::Key) } else { Ok(()) }
}

impl Edge {
    /// What is read from the store, if it comes in time.
    pub(crate) async fn kv_in_time<T>(&self, read: impl Future<Output = Result<T, KvError>>) -> Result<T, KvError> {
        let late = || KvError::Unavailable("it did not answer in time".into());
        self.within(READ_TIMEOUT, read).await.ok_or_else(late)?
    }
}

/// The envelope of a value that is stored at `now`.
pub(crate) fn seal(value: &[u8], put: &KvPut, now: Duration) -> Result<Vec<u8>, KvError> {
    if value.len() > VALUE_BYTES_MAX || put.metadata.len() > METADATA_BYTES_MAX {
        return Err(KvError::TooLarge);
    }
    let expires = put.expiry.map_or(0, |expiry| millis(now + expiry));
    let mut envelope = Vec::with_capacity(HEADER_BYTES + put.metadata.len() + value.len());
    envelope.push(VERSION);
    envelope.extend_from_slice(&expires.to_le_bytes());
    envelope.extend_from_slice(&(put.metadata.len() as u16).to_le_bytes());
    envelope.extend_from_slice(&put.metadata);
    envelope.extend_from_slice(value);
    Ok(envelope)
}

/// What an envelope holds; `None` where it has elapsed or was not written by [`seal`].
pub(crate) fn open(envelope: Bytes, now: Duration) -> Option<KvEntry> {
    let (header, rest) = envelope.split_first_chunk::<HEADER_BYTES>()?;
    let [version, expires @ .., low, high] = *header;
    let expires = u64::from_le_bytes(expires);
    let metadata_len = usize::from(u16::from_le_bytes([low, high]));
    let elapsed = expires != 0 && expires <= millis(now);
    if version != VERSION || elapsed || metadata_len > rest.len() {
        return None;
    }
    Some(KvEntry {
        metadata: envelope.slice(HEADER_BYTES..HEADER_BYTES + metadata_len),
        value: envelope.slice(HEADER_BYTES + metadata_len..),
        expires: (expires != 0).then(|| Duration::from_millis(expires)),
    })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_000);

    fn expiring(seconds: u64) -> KvPut {
        KvPut { expiry: Some(Duration::from_secs(seconds)), metadata: Bytes::from_static(b"m") }
    }

    #[track_caller]
    fn check(put: &KvPut, read_at: Duration, expected: Option<&str>) {
        let envelope = seal(b"value", put, NOW).unwrap();
        let entry = open(envelope.into(), read_at);
        assert_eq!(entry.as_ref().map(|entry| &entry.value[..]), expected.map(str::as_bytes));
        assert!(entry.is_none_or(|entry| entry.metadata == put.metadata));
    }

    #[test]
    fn ok_until_it_expires() {
        check(&KvPut::default(), NOW * 1000, Some("value"));
        check(&expiring(10), NOW + Duration::from_millis(9_999), Some("value"));
        check(&expiring(10), NOW + Duration::from_secs(10), None);
    }

    #[test]
    fn err_limits() {
        assert!(seal(&vec![0; VALUE_BYTES_MAX], &KvPut::default(), NOW).is_ok());
        assert_eq!(seal(&vec![0; VALUE_BYTES_MAX + 1], &KvPut::default(), NOW), Err(KvError::TooLarge));
        let metadata = Bytes::from(vec![0; METADATA_BYTES_MAX + 1]);
        assert_eq!(seal(b"", &KvPut { metadata, expiry: None }, NOW), Err(KvError::TooLarge));
        assert_eq!(check_key(""), Err(KvError::Key));
        assert!(check_key(&"k".repeat(KEY_BYTES_MAX)).is_ok());
        assert_eq!(check_key(&"k".repeat(KEY_BYTES_MAX + 1)), Err(KvError::Key));
    }

    #[test]
    fn ok_foreign_or_truncated_bytes_are_no_entry() {
        let envelope = Bytes::from(seal(b"value", &expiring(10), NOW).unwrap());
        for length in 0..HEADER_BYTES + 1 {
            assert_eq!(open(envelope.slice(..length), NOW), None, "{length}");
        }
        assert_eq!(open(Bytes::from_static(b"{\"not\":\"ours\"}"), NOW), None);
    }
}
