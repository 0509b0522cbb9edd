//! A message body: whole bytes, or a stream. A whole one stays whole all the way.

use std::{fmt, pin::Pin};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

/// Chunks of a body as they arrive.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>>>>;

/// The content of a request or response.
pub enum Body {
    /// All of it.
    Whole(Bytes),
    /// Chunks that are still to come.
    Stream(ByteStream),
}

/// Why a body could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyError {
    /// It is longer than the caller of [`Body::bytes`] allows.
    TooLarge {
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// The sender stopped half-way.
    Broken(String),
}

impl Body {
    /// A body of no bytes.
    pub const fn empty() -> Body {
        Body::Whole(Bytes::new())
    }

    /// A body of chunks.
    pub fn stream(chunks: impl Stream<Item = Result<Bytes, BodyError>> + 'static) -> Body {
        Body::Stream(Box::pin(chunks))
    }

    /// All bytes, at most `bytes_max` of them. A whole body is handed over without a copy.
    pub async fn bytes(self, bytes_max: usize) -> Result<Bytes, BodyError> {
        match self {
            Body::Whole(bytes) if bytes.len() <= bytes_max => Ok(bytes),
            Body::Whole(_) => Err(BodyError::TooLarge { bytes_max }),
            Body::Stream(chunks) => collect(chunks, bytes_max).await,
        }
    }
}

async fn collect(mut chunks: ByteStream, bytes_max: usize) -> Result<Bytes, BodyError> {
    let Some(first) = chunks.next().await.transpose()? else {
        return Ok(Bytes::new());
    };
    let mut next = chunks.next().await.transpose()?;
    if next.is_none() && first.len() <= bytes_max {
        return Ok(first);
    }
    let mut all = BytesMut::from(first);
    while let Some(chunk) = next {
        if all.len() + chunk.len() > bytes_max {
            return Err(BodyError::TooLarge { bytes_max });
        }
        all.extend_from_slice(&chunk);
        next = chunks.next().await.transpose()?;
    }
    if all.len() > bytes_max {
        return Err(BodyError::TooLarge { bytes_max });
    }
    Ok(all.freeze())
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Body {
        Body::Whole(bytes.into())
    }
}

impl Default for Body {
    fn default() -> Body {
        Body::empty()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Whole(bytes) => write!(f, "Whole({} bytes)", bytes.len()),
            Body::Stream(_) => f.write_str("Stream"),
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyError::TooLarge { bytes_max } => write!(f, "the body is longer than {bytes_max} bytes"),
            BodyError::Broken(why) => write!(f, "the body broke off: {why}"),
        }
    }
}

impl std::error::Error for BodyError {}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::block_on;

    #[track_caller]
    fn check(chunks: &[&'static str], bytes_max: usize, expected: Result<&str, BodyError>) {
        let items: Vec<_> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
        let streamed = block_on(Body::stream(stream::iter(items)).bytes(bytes_max));
        assert_eq!(streamed, expected.clone().map(|text| Bytes::copy_from_slice(text.as_bytes())));
        let whole = block_on(Body::from(chunks.concat()).bytes(bytes_max));
        assert_eq!(whole, streamed);
    }

    #[test]
    fn ok_up_to_the_limit() {
        check(&[], 0, Ok(""));
        check(&["abc"], 3, Ok("abc"));
        check(&["ab", "", "c"], 3, Ok("abc"));
    }

    #[test]
    fn err_one_byte_more() {
        check(&["abc"], 2, Err(BodyError::TooLarge { bytes_max: 2 }));
        check(&["ab", "c"], 2, Err(BodyError::TooLarge { bytes_max: 2 }));
    }

    #[test]
    fn err_broken_half_way() {
        let broken = Err(BodyError::Broken("reset".into()));
        let body = Body::stream(stream::iter([Ok(Bytes::from_static(b"a")), broken.clone()]));
        assert_eq!(block_on(body.bytes(9)), broken);
    }
}
