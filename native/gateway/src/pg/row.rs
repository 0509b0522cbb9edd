//! `RowDescription` and `DataRow`, read in place.

use std::io;
use std::sync::OnceLock;

use bytes::{Buf, Bytes, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{Field, Message};

/// Tag, length and column count of a `DataRow`.
const ROW_HEAD_BYTES: usize = 7;
/// The length of a value.
const CELL_HEAD_BYTES: usize = 4;

/// A `RowDescription`.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// The message that they were read from.
    pub(crate) message: Box<[u8]>,
    pub(crate) columns: Vec<Column>,
    /// What the protocol towards the caller makes of them, kept so that it is made once.
    pub(crate) rendered: OnceLock<Rendered>,
}

/// JSON that is the same for each result with these columns.
#[derive(Debug)]
pub(crate) struct Rendered {
    /// The array `fields`.
    pub(crate) fields: Vec<u8>,
    /// For each column what precedes its value in an object: a quoted name and a colon.
    pub(crate) keys: Vec<Vec<u8>>,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) table_oid: u32,
    pub(crate) column_id: i16,
    pub(crate) type_oid: u32,
    pub(crate) type_size: i16,
    pub(crate) type_modifier: i32,
}

impl Columns {
    /// Reads a whole `RowDescription`, or a `NoData`, which has none.
    pub(crate) fn read(message: &[u8]) -> io::Result<Columns> {
        let columns = match Message::parse(&mut BytesMut::from(message))? {
            Some(Message::RowDescription(body)) => body.fields().map(|field| Ok(Column::from(field))).collect()?,
            Some(Message::NoData) => Vec::new(),
            _ => return Err(io::Error::other("expected a `RowDescription`")),
        };
        Ok(Columns { message: message.into(), columns, rendered: OnceLock::new() })
    }
}

impl From<Field<'_>> for Column {
    fn from(field: Field<'_>) -> Column {
        Column {
            name: field.name().to_owned(),
            table_oid: field.table_oid(),
            column_id: field.column_id(),
            type_oid: field.type_oid(),
            type_size: field.type_size(),
            type_modifier: field.type_modifier(),
        }
    }
}

/// A whole `DataRow` at the front of what has arrived.
pub(crate) struct Row<'a> {
    incoming: &'a mut BytesMut,
    bytes: usize,
}

impl<'a> Row<'a> {
    /// `bytes` counts the message with its tag and has arrived.
    pub(crate) fn new(incoming: &'a mut BytesMut, bytes: usize) -> Row<'a> {
        Row { incoming, bytes }
    }

    /// Bytes of the values of all its columns.
    pub(crate) fn value_bytes(&self, columns: usize) -> usize {
        self.bytes.saturating_sub(ROW_HEAD_BYTES + columns * CELL_HEAD_BYTES)
    }

    /// The row's values, without a copy.
    pub(crate) fn cells(&self) -> Cells<'_> {
        Cells::of(&self.incoming[..self.bytes])
    }

    /// Keeps the message, without a copy.
    pub(crate) fn take(self) -> Bytes {
        self.incoming.split_to(self.bytes).freeze()
    }
}

/// The values of a row, as text; `None` is NULL. Ends early with an error if the message is broken.
pub(crate) struct Cells<'a> {
    rest: &'a [u8],
}

impl<'a> Cells<'a> {
    /// Of a whole `DataRow` message.
    pub(crate) fn of(message: &'a [u8]) -> Cells<'a> {
        Cells { rest: message.get(ROW_HEAD_BYTES..).unwrap_or_default() }
    }
}

impl<'a> Iterator for Cells<'a> {
    type Item = Option<&'a [u8]>;

    fn next(&mut self) -> Option<Option<&'a [u8]>> {
        if self.rest.len() < CELL_HEAD_BYTES {
            return None;
        }
        let Ok(length) = usize::try_from(self.rest.get_i32()) else { return Some(None) };
        let (cell, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(Some(cell))
    }
}
