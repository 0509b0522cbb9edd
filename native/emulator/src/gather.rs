//! Short bodies of a known length are taken whole before they are passed on. Head and body then leave in one write and
//! wake their receiver once, where a stream would wake it for the head and again for the body.

use http::{HeaderMap, header};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::reply::whole;

/// Longest body that is held back until it is complete.
pub(crate) const GATHERED_BYTES_MAX: usize = 64 * 1024;

/// The same body, whole if its `Content-Length` is within [`GATHERED_BYTES_MAX`].
pub(crate) async fn gather(headers: &HeaderMap, body: WasiBody) -> Result<WasiBody, Error> {
    match content_length(headers) {
        Some(1..=GATHERED_BYTES_MAX) => Ok(whole(body.collect().await?.to_bytes())),
        _ => Ok(body),
    }
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use http::HeaderValue;
    use http_body_util::StreamBody;
    use hyper::body::{Body, Frame};

    use super::*;

    async fn gathered(length: Option<usize>, chunks: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        let frames: Vec<_> = chunks.iter().map(|chunk| Ok(Frame::data(Bytes::from_static(chunk.as_bytes())))).collect();
        let body = gather(&headers, StreamBody::new(stream::iter(frames)).boxed_unsync()).await.expect("no error");
        let is_whole = body.size_hint().exact().is_some();
        assert_eq!(body.collect().await.expect("no error").to_bytes(), chunks.concat());
        is_whole
    }

    #[tokio::test]
    async fn ok_short_and_of_known_length() {
        assert!(gathered(Some(4), &["ab", "cd"]).await);
        assert!(gathered(Some(GATHERED_BYTES_MAX), &["ab"]).await);
        assert!(!gathered(Some(GATHERED_BYTES_MAX + 1), &["ab"]).await);
        assert!(!gathered(None, &["ab"]).await);
    }
}
