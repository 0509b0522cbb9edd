//! The names of the members of a JSON text, in the one pass in which it is checked.

use json::{Container, Interest, Limits, Scalar, Visitor};
use validate::Check;

use crate::error::{Error, ErrorKind};

/// Scans the whole text; tells what it is, and whether its rows pass the check.
///
/// # Errors
/// PGRST102 for what is no JSON, beyond a limit, or against a rule of `json`.
pub(super) fn scan(text: &[u8], check: Option<Check<'_>>) -> Result<(Shape, Result<(), Error>), Error> {
    let mut rows = Rows::default();
    let scan =
        |visitor: &mut dyn Visitor| json::scan(text, &Limits::default(), visitor).map_err(ErrorKind::InvalidJson);
    let Some(check) = check else {
        scan(&mut rows)?;
        return Ok((rows.shape(), Ok(())));
    };
    let mut both = Checked { rows, check };
    scan(&mut both)?;
    let violations = both.check.violations();
    let checked = if violations.is_empty() { Ok(()) } else { Err(ErrorKind::InvalidRows(Box::new(violations)).into()) };
    Ok((both.rows.shape(), checked))
}

/// What a JSON text is, and the sorted members of its objects.
pub(super) enum Shape {
    Object(Vec<String>),
    Array(Vec<String>),
    /// An array of something else than objects, or of objects that differ.
    Unequal,
    Other,
}

/// Collects the members of an object, or of all objects in an array.
#[derive(Default)]
struct Rows {
    /// What the text is, unless it is a scalar.
    whole: Option<Container>,
    depth: usize,
    /// The members of the present row, in their order; behind `count`, those of the row before.
    names: Vec<String>,
    count: usize,
    /// Whether the members so far are those of the row before.
    is_alike: bool,
    /// The sorted members of the first row.
    first: Option<Vec<String>>,
    is_unequal: bool,
}

impl Rows {
    /// Where the members of rows are.
    fn row_depth(&self) -> usize {
        if self.whole == Some(Container::Object) { 1 } else { 2 }
    }

    fn end_row(&mut self) {
        self.names.truncate(self.count);
        let mut names = self.names.clone();
        sort::distinct(&mut names);
        match &self.first {
            None => self.first = Some(names),
            Some(first) => self.is_unequal |= *first != names,
        }
    }

    fn shape(self) -> Shape {
        let names = self.first.unwrap_or_default();
        match self.whole {
            None => Shape::Other,
            Some(_) if self.is_unequal => Shape::Unequal,
            Some(Container::Object) => Shape::Object(names),
            Some(Container::Array) => Shape::Array(names),
        }
    }
}

impl Visitor for Rows {
    fn interest(&self) -> Interest {
        Interest { containers: 2, names: 3, scalars: 2 }
    }

    fn enter(&mut self, container: Container, _: usize) {
        self.whole.get_or_insert(container);
        self.depth += 1;
        if self.depth == self.row_depth() {
            self.count = 0;
            self.is_alike = self.first.is_some();
            self.is_unequal |= container == Container::Array;
        }
    }

    fn leave(&mut self, container: Container, _: usize) {
        let is_row = self.depth == self.row_depth() && container == Container::Object;
        // A row like the one before, which has been compared, says nothing new.
        if is_row && !(self.is_alike && self.count == self.names.len()) {
            self.end_row();
        }
        self.depth -= 1;
    }

    fn name(&mut self, name: &[u8], place: usize) {
        if self.depth != self.row_depth() {
            return;
        }
        self.count = place + 1;
        if self.names.get(place).is_none_or(|known| known.as_bytes() != name) {
            self.is_alike = false;
            self.names.truncate(place);
            self.names.push(String::from_utf8_lossy(name).into_owned());
        }
    }

    fn scalar(&mut self, _: Scalar, _: &[u8], _: usize) {
        self.is_unequal |= self.depth == 1 && self.whole == Some(Container::Array);
    }
}

/// Both in one pass.
struct Checked<'r> {
    rows: Rows,
    check: Check<'r>,
}

impl Visitor for Checked<'_> {
    /// That of the check is the greater one.
    fn interest(&self) -> Interest {
        self.check.interest()
    }

    fn enter(&mut self, container: Container, offset: usize) {
        self.rows.enter(container, offset);
        self.check.enter(container, offset);
    }

    fn leave(&mut self, container: Container, offset: usize) {
        self.check.leave(container, offset);
        self.rows.leave(container, offset);
    }

    fn name(&mut self, name: &[u8], place: usize) {
        self.rows.name(name, place);
        self.check.name(name, place);
    }

    fn scalar(&mut self, scalar: Scalar, text: &[u8], offset: usize) {
        self.rows.scalar(scalar, text, offset);
        self.check.scalar(scalar, text, offset);
    }
}
