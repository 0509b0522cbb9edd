//! `order`: by which columns, and which way.
//!
//! ```text
//! terms = term *( "," term )
//! term  = ( field / relation "(" field ")" ) [ ".asc" / ".desc" ] [ ".nullsfirst" / ".nullslast" ]
//! ```

use super::cursor::Cursor;
use super::field::Field;
use crate::error::Error;

/// One column to order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderTerm {
    /// The embedded relation that has the column; `None` is the relation itself.
    pub(crate) relation: Option<String>,
    /// The column.
    pub(crate) field: Field,
    /// The way, if it is said.
    pub(crate) direction: Option<Direction>,
    /// Where NULL goes, if it is said.
    pub(crate) nulls: Option<Nulls>,
}

/// Which way to order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Ascending,
    Descending,
}

/// Where NULL goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nulls {
    First,
    Last,
}

/// Reads the value of `order`.
pub(super) fn parse(value: &str) -> Result<Vec<OrderTerm>, Error> {
    let mut cursor = Cursor::new("failed to parse order", value);
    let mut terms = Vec::new();
    loop {
        terms.push(term(&mut cursor)?);
        cursor.skip_blanks();
        if !cursor.take(",") {
            return Ok(terms);
        }
    }
}

fn term(cursor: &mut Cursor<'_>) -> Result<OrderTerm, Error> {
    let mut field = Field::parse(cursor)?;
    let mut relation = None;
    if field.path.is_empty() && cursor.take("(") {
        let column = Field::parse(cursor)?;
        cursor.expect(")", "\")\"")?;
        relation = Some(std::mem::replace(&mut field, column).name);
    }
    let direction = direction(cursor)?;
    let nulls = nulls(cursor, direction)?;
    match cursor.peek() {
        None | Some(',' | ' ' | '\t') => Ok(OrderTerm { relation, field, direction, nulls }),
        Some(_) => Err(cursor.error(&expected(direction, nulls))),
    }
}

fn direction(cursor: &mut Cursor<'_>) -> Result<Option<Direction>, Error> {
    if cursor.take(".asc") {
        Ok(Some(Direction::Ascending))
    } else if cursor.take(".desc") {
        Ok(Some(Direction::Descending))
    } else {
        Ok(None)
    }
}

fn nulls(cursor: &mut Cursor<'_>, direction: Option<Direction>) -> Result<Option<Nulls>, Error> {
    if cursor.take(".nullsfirst") {
        return Ok(Some(Nulls::First));
    }
    if cursor.take(".nullslast") {
        return Ok(Some(Nulls::Last));
    }
    if cursor.take(".") {
        let keywords = ["asc", "desc", "nullsfirst", "nullslast"];
        return Err(cursor.no_keyword(if direction.is_some() { &keywords[2..] } else { &keywords }));
    }
    Ok(None)
}

fn expected(direction: Option<Direction>, nulls: Option<Nulls>) -> Vec<&'static str> {
    match (direction, nulls) {
        (_, Some(_)) => vec!["\",\"", "end of input"],
        (Some(_), None) => vec!["delimiter (.)", "\",\"", "end of input"],
        (None, None) => vec!["letter", "digit", "\"-\"", "\"->>\"", "\"->\"", "delimiter (.)", "\",\"", "end of input"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_request::field;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let shown = match parse(value) {
            Ok(terms) => terms.iter().map(show).collect::<Vec<_>>().join(", "),
            Err(error) => match error.kind {
                crate::ErrorKind::QueryParam { message, details } => {
                    format!("{} {details}", message.rsplit("\" ").next().unwrap_or_default())
                }
                _ => error.to_string(),
            },
        };
        assert_eq!(shown, expected);
    }

    fn show(term: &OrderTerm) -> String {
        let mut text = field::tests::show(&term.field);
        if let Some(relation) = &term.relation {
            text = format!("{relation}({text})");
        }
        term.direction.iter().for_each(|direction| text += &format!(" {direction:?}"));
        term.nulls.iter().for_each(|nulls| text += &format!(" nulls {nulls:?}"));
        text
    }

    #[test]
    fn ok_terms() {
        check("id", "id");
        check("name.desc.nullsfirst,id.asc", "name Descending nulls First, id Ascending");
        check("id.nullslast, name", "id nulls Last, name");
        check("data->a->>0.desc", "data->a->>[0] Descending");
        check("name,clients(data->a).desc.nullslast,id", "name, clients(data->a) Descending nulls Last, id");
        check("\"a.b\".asc,a-b", "a.b Ascending, a-b");
    }

    #[test]
    fn err_malformed() {
        check(
            "id.ac",
            "(line 1, column 4) unexpected \"c\" expecting \"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"",
        );
        check(
            "id.smth34",
            "(line 1, column 4) unexpected \"s\" expecting \"asc\", \"desc\", \"nullsfirst\" or \"nullslast\"",
        );
        check("id.descc", "(line 1, column 8) unexpected 'c' expecting delimiter (.), \",\" or end of input");
        check("id.asc.smth34", "(line 1, column 8) unexpected \"s\" expecting \"nullsfirst\" or \"nullslast\"");
        check("id.asc.nlsfst", "(line 1, column 8) unexpected \"l\" expecting \"nullsfirst\" or \"nullslast\"");
        check("id.nullslasttt", "(line 1, column 13) unexpected 't' expecting \",\" or end of input");
        check("", "(line 1, column 1) unexpected end of input expecting field name (* or [a..z0..9_$])");
        check("id,", "(line 1, column 4) unexpected end of input expecting field name (* or [a..z0..9_$])");
        check("clients(name,id)", "(line 1, column 13) unexpected \",\" expecting \")\"");
    }
}
