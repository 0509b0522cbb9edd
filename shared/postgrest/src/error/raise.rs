//! `RAISE SQLSTATE 'PGRST'`: a function in the database decides the whole response.
//!
//! Its `MESSAGE` is the body as JSON, its `DETAIL` is `{"status": …, "headers": {…}}`.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use sql::{DatabaseError, Members};

use super::{Answer, Details, answer as answer_of};

/// The SQLSTATE that asks for this.
pub(super) const SQLSTATE: &str = "PGRST";

const MESSAGE_HINT: &str = "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: \
                            'details', 'hint'.";
const DETAIL_HINT: &str = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: \
                           'status_text'.";

/// What was raised.
pub(super) struct Raised {
    message: Message,
    detail: Detail,
}

#[derive(Deserialize)]
struct Message {
    code: String,
    message: String,
    details: Option<String>,
    hint: Option<String>,
}

#[derive(Deserialize)]
struct Detail {
    status: u16,
    headers: Members<String>,
}

/// What is wrong with it, and what it should be.
pub(super) struct Malformed {
    details: String,
    hint: &'static str,
}

impl Raised {
    /// Reads what a function raised.
    pub(super) fn parse(error: &DatabaseError) -> Result<Raised, Malformed> {
        let message = serde_json::from_str(&error.message).map_err(|_| Malformed {
            details: format!("Invalid JSON value for MESSAGE: '{}'", error.message),
            hint: MESSAGE_HINT,
        })?;
        let detail = error.detail.as_deref().ok_or_else(|| Malformed {
            details: "DETAIL is missing in the RAISE statement".to_owned(),
            hint: DETAIL_HINT,
        })?;
        let detail = serde_json::from_str(detail).map_err(|_| Malformed {
            details: format!("Invalid JSON value for DETAIL: '{detail}'"),
            hint: DETAIL_HINT,
        })?;
        Ok(Raised { message, detail })
    }

    /// The headers that it asks for; those that HTTP does not allow are left out.
    pub(super) fn headers(&self) -> HeaderMap {
        let pair = |(name, value): &(String, String)| {
            Some((name.parse::<HeaderName>().ok()?, value.parse::<HeaderValue>().ok()?))
        };
        self.detail.headers.iter().filter_map(pair).collect()
    }
}

/// The answer that was raised, or the one to a malformed raise.
pub(super) fn answer(error: &DatabaseError) -> Answer<'static> {
    match Raised::parse(error) {
        Ok(Raised { message, detail }) => Answer {
            status: detail.status,
            code: message.code.into(),
            message: message.message.into(),
            details: message.details.map_or(Details::None, |text| Details::Text(text.into())),
            hint: message.hint.map(Into::into),
        },
        Err(malformed) => answer_of(500, "PGRST121", "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error")
            .details(malformed.details)
            .hint(malformed.hint),
    }
}
