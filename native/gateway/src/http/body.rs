//! Reading a request's body whole, within bytes and time.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, timeout_at};

use crate::{Error, ErrorKind};

/// The whole body. One that arrives in one piece is not copied.
pub(crate) async fn read(mut body: Incoming, bytes_max: usize, deadline: Instant) -> Result<Bytes, Error> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    let reading = read_within(&mut body, bytes_max);
    timeout_at(deadline, reading)
        .await
        .unwrap_or_else(|_elapsed| Err(Error::new(ErrorKind::BodyTimeout, "the request's body did not arrive in time")))
}

async fn read_within(body: &mut Incoming, bytes_max: usize) -> Result<Bytes, Error> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Error::new(ErrorKind::Malformed, "the request's body ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + rest.len() + data.len() > bytes_max {
            return Err(too_large(bytes_max));
        }
        match first.is_empty() && rest.is_empty() {
            true => first = data,
            false => {
                if rest.is_empty() {
                    rest.extend_from_slice(&std::mem::take(&mut first));
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

fn too_large(bytes_max: usize) -> Error {
    Error::new(ErrorKind::RequestTooLarge, format!("request is too large (max is {bytes_max} bytes)"))
}
