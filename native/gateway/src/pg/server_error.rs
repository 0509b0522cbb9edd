//! `ErrorResponse`: what Postgres says when it refuses.

use std::io;

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{ErrorResponseBody, Message};

/// The fields of an `ErrorResponse`; those that Postgres left out are `None`.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerError {
    pub(crate) severity: String,
    /// SQLSTATE.
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) position: Option<String>,
    pub(crate) internal_position: Option<String>,
    pub(crate) internal_query: Option<String>,
    pub(crate) context: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) table: Option<String>,
    pub(crate) column: Option<String>,
    pub(crate) data_type: Option<String>,
    pub(crate) constraint: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<String>,
    pub(crate) routine: Option<String>,
}

impl ServerError {
    /// Reads a whole message.
    pub(crate) fn read(mut message: BytesMut) -> io::Result<Box<ServerError>> {
        match Message::parse(&mut message)? {
            Some(Message::ErrorResponse(body)) => ServerError::from_body(&body),
            _ => Err(io::Error::other("expected an `ErrorResponse`")),
        }
    }

    pub(crate) fn from_body(body: &ErrorResponseBody) -> io::Result<Box<ServerError>> {
        let mut error = Box::<ServerError>::default();
        body.fields().for_each(|field| {
            // Before the client's encoding is settled, a message may be in another one.
            error.set(field.type_(), String::from_utf8_lossy(field.value_bytes()).into_owned());
            Ok(())
        })?;
        Ok(error)
    }

    /// The codes of "Error and Notice Message Fields"; those of later versions are left out.
    fn set(&mut self, field: u8, value: String) {
        match field {
            b'S' => self.severity = value,
            b'C' => self.code = value,
            b'M' => self.message = value,
            b'D' => self.detail = Some(value),
            b'H' => self.hint = Some(value),
            b'P' => self.position = Some(value),
            b'p' => self.internal_position = Some(value),
            b'q' => self.internal_query = Some(value),
            b'W' => self.context = Some(value),
            b's' => self.schema = Some(value),
            b't' => self.table = Some(value),
            b'c' => self.column = Some(value),
            b'd' => self.data_type = Some(value),
            b'n' => self.constraint = Some(value),
            b'F' => self.file = Some(value),
            b'L' => self.line = Some(value),
            b'R' => self.routine = Some(value),
            _ => {}
        }
    }

    /// Postgres is ending this connection, and not because of what was sent on it: it goes down, or the
    /// connection was idle too long.
    pub(crate) fn is_farewell(&self) -> bool {
        matches!(self.code.as_str(), "57P01" | "57P05" | "25P03")
    }
}
