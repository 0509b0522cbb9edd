//! The JSON body of a response, written as results come.
//!
//! ```text
//! single  {"fields":[…],"rows":[…],"command":"SELECT","rowCount":1,"rowAsArray":false}
//! batch   {"results":[single,…]}
//! ```

use std::sync::Arc;

use super::json;
use super::request::Queries;
use super::value::{Kind, Types};
use crate::pg::{Cells, Column, Columns, Rendered, Row, Sink};
use crate::{Error, ErrorKind};

/// How results are to be written.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) queries: &'a Queries<'a>,
    /// Rows as arrays, where the query does not say otherwise.
    pub(crate) array: bool,
    /// `None`: every value as the text that Postgres wrote.
    pub(crate) types: Option<&'a Types>,
    /// Bytes of the body.
    pub(crate) bytes_max: usize,
}

pub(crate) struct Reply<'a> {
    shape: Shape<'a>,
    out: Vec<u8>,
    /// Results that are complete.
    results: usize,
    /// Of the result being written:
    columns: Arc<Columns>,
    kinds: Vec<Kind>,
    rows: usize,
    array: bool,
}

/// First guess at a body's size.
const BODY_BYTES: usize = 1 << 10;

impl<'a> Reply<'a> {
    pub(crate) fn new(shape: Shape<'a>) -> Reply<'a> {
        let mut out = Vec::with_capacity(BODY_BYTES);
        if shape.queries.is_batch() {
            out.extend_from_slice(b"{\"results\":[");
        }
        Reply { shape, out, results: 0, columns: Arc::default(), kinds: Vec::new(), rows: 0, array: false }
    }

    /// The whole body.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>, Error> {
        if self.shape.queries.is_batch() {
            self.out.extend_from_slice(b"]}");
        }
        self.check_size()?;
        Ok(self.out)
    }

    /// Writes one row.
    pub(crate) fn cells(&mut self, cells: Cells<'_>) -> Result<(), Error> {
        if self.rows > 0 {
            self.out.push(b',');
        }
        self.rows += 1;
        let (open, close) = if self.array { (b'[', b']') } else { (b'{', b'}') };
        self.out.push(open);
        let keys = if self.array { &[][..] } else { &rendered(&self.columns).keys };
        for (index, cell) in cells.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            if let Some(key) = keys.get(index) {
                self.out.extend_from_slice(key);
            }
            let kind = self.kinds.get(index).copied().unwrap_or(Kind::TEXT);
            match cell {
                None => self.out.extend_from_slice(b"null"),
                Some(cell) => kind.write(&mut self.out, text(cell)?),
            }
        }
        self.out.push(close);
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Error> {
        match self.out.len() > self.shape.bytes_max {
            true => Err(Error::response_too_large(self.shape.bytes_max)),
            false => Ok(()),
        }
    }
}

impl Sink for Reply<'_> {
    fn columns(&mut self, columns: &Arc<Columns>) -> Result<(), Error> {
        if self.results > 0 {
            self.out.push(b',');
        }
        self.out.extend_from_slice(b"{\"fields\":");
        self.out.extend_from_slice(&rendered(columns).fields);
        self.out.extend_from_slice(b",\"rows\":[");
        self.columns = columns.clone();
        self.kinds.clear();
        if let Some(types) = self.shape.types {
            self.kinds.extend(columns.columns.iter().map(|column| types.kind(column.type_oid).unwrap_or(Kind::TEXT)));
        }
        self.rows = 0;
        self.array =
            self.shape.queries.as_slice().get(self.results).and_then(|query| query.array).unwrap_or(self.shape.array);
        Ok(())
    }

    fn row(&mut self, row: Row<'_>) -> Result<(), Error> {
        self.cells(row.cells())
    }

    fn complete(&mut self, tag: &str) -> Result<(), Error> {
        self.out.extend_from_slice(b"],\"command\":");
        json::string(&mut self.out, tag.split(' ').next().unwrap_or_default());
        self.out.extend_from_slice(b",\"rowCount\":");
        match row_count(tag) {
            Some(count) => json::integer(&mut self.out, count),
            None => self.out.extend_from_slice(b"null"),
        }
        self.out.extend_from_slice(b",\"rowAsArray\":");
        self.out.extend_from_slice(if self.array { b"true}" } else { b"false}" });
        self.results += 1;
        self.check_size()
    }
}

/// The number that ends a tag such as `INSERT 0 1`.
fn row_count(tag: &str) -> Option<i64> {
    tag.rsplit(' ').next()?.parse().ok()
}

pub(super) fn text(cell: &[u8]) -> Result<&str, Error> {
    let undecodable = |_| Error::new(ErrorKind::Undecodable, "a value is not text in UTF-8");
    str::from_utf8(cell).map_err(undecodable)
}

fn rendered(columns: &Columns) -> &Rendered {
    columns
        .rendered
        .get_or_init(|| Rendered { fields: fields(&columns.columns), keys: columns.columns.iter().map(key).collect() })
}

fn key(column: &Column) -> Vec<u8> {
    let mut out = Vec::with_capacity(column.name.len() + 3);
    json::string(&mut out, &column.name);
    out.push(b':');
    out
}

fn fields(columns: &[Column]) -> Vec<u8> {
    let mut out = vec![b'['];
    for column in columns {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"name\":");
        json::string(&mut out, &column.name);
        for (key, number) in [
            ("dataTypeID", i64::from(column.type_oid)),
            ("tableID", i64::from(column.table_oid)),
            ("columnID", i64::from(column.column_id)),
            ("dataTypeSize", i64::from(column.type_size)),
            ("dataTypeModifier", i64::from(column.type_modifier)),
        ] {
            out.extend_from_slice(b",\"");
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":");
            json::integer(&mut out, number);
        }
        out.extend_from_slice(b",\"format\":\"text\"}");
    }
    out.push(b']');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_row_count_of_a_tag() {
        for (tag, count) in [("SELECT 3", Some(3)), ("INSERT 0 2", Some(2)), ("CREATE TABLE", None), ("", None)] {
            assert_eq!(row_count(tag), count, "{tag}");
        }
    }
}
