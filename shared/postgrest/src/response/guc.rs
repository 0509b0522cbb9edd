//! What functions of the database say about the response: `response.status` and `response.headers`.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use sql::Members;

use crate::error::{Error, ErrorKind};

/// Reads `response.status`.
pub(super) fn status(value: Option<&str>) -> Result<Option<StatusCode>, Error> {
    let parse = |value: &str| value.trim().parse::<u16>().ok().and_then(|number| StatusCode::from_u16(number).ok());
    value.map(|value| parse(value).ok_or_else(|| ErrorKind::GucStatus.into())).transpose()
}

/// Reads `response.headers`, a JSON array of objects with one member each, into `headers`: one that is there already
/// is replaced, one that comes twice is kept twice.
pub(super) fn headers(value: Option<&str>, headers: &mut HeaderMap) -> Result<(), Error> {
    let Some(value) = value else {
        return Ok(());
    };
    let mut added = HeaderMap::new();
    for object in serde_json::from_str::<Vec<Members<String>>>(value).map_err(|_| ErrorKind::GucHeaders)? {
        let mut members = object.iter();
        let (Some((name, value)), None) = (members.next(), members.next()) else {
            return Err(ErrorKind::GucHeaders.into());
        };
        let name = name.parse::<HeaderName>().map_err(|_| ErrorKind::GucHeaders)?;
        added.append(name, HeaderValue::from_str(value).map_err(|_| ErrorKind::GucHeaders)?);
    }
    // `extend` replaces what is there under the same name.
    headers.extend(added);
    Ok(())
}
