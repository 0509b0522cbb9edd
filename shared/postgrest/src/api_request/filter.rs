//! Filters: `column=eq.value`.
//!
//! ```text
//! condition = [ "not." ] ( comparison / list / keyword / search )
//! comparison = ( "eq" / "gt" / … ) [ "(any)" / "(all)" ] "." value
//!            / ( "neq" / "cs" / … / "isdistinct" ) "." value
//! list       = "in.(" element *( "," element ) ")"
//! keyword    = "is." ( "null" / "not_null" / "true" / "false" / "unknown" )
//! search     = ( "fts" / "plfts" / "phfts" / "wfts" ) [ "(" language ")" ] "." value
//! ```

use super::cursor::Cursor;
use super::field::{self, Field};
use super::regular_expression;
use crate::error::Error;

/// A column and what must hold for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// What is compared.
    pub(crate) field: Field,
    /// Whether the opposite must hold.
    pub(crate) is_negated: bool,
    /// With what, and how.
    pub(crate) operation: Operation,
}

/// What must hold for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `neq`, `cs`, …: an operator with one value.
    Simple(SimpleOperator, String),
    /// `eq`, `like`, …: an operator with one value, or with any or all of an array.
    Quantified(QuantifiedOperator, Option<Quantifier>, String),
    /// `in`: one of these.
    In(Vec<String>),
    /// `is`: a keyword.
    Is(IsValue),
    /// `isdistinct`: not the same, where NULL is a value like others.
    IsDistinctFrom(String),
    /// `fts`, …: full-text search, perhaps in a language.
    Search(SearchOperator, Option<String>, String),
}

/// Operators with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SimpleOperator {
    NotEqual,
    Contains,
    ContainedIn,
    Overlaps,
    StrictlyLeft,
    StrictlyRight,
    NotExtendsRight,
    NotExtendsLeft,
    Adjacent,
}

/// Operators with one value, or with any or all of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QuantifiedOperator {
    Equal,
    GreaterThanEqual,
    GreaterThan,
    LessThanEqual,
    LessThan,
    Like,
    ILike,
    Match,
    IMatch,
}

/// How many elements of an array must satisfy a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
}

/// What a column can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IsValue {
    Null,
    NotNull,
    True,
    False,
    Unknown,
}

/// How a full-text query is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SearchOperator {
    Plain,
    Phrase,
    Query,
    Web,
}

const OPERATOR: &str = "operator (eq, gt, ...)";
const DELIMITER: &str = "delimiter (.)";

pub(super) const SIMPLE: [(&str, SimpleOperator); 9] = [
    ("neq", SimpleOperator::NotEqual),
    ("cs", SimpleOperator::Contains),
    ("cd", SimpleOperator::ContainedIn),
    ("ov", SimpleOperator::Overlaps),
    ("sl", SimpleOperator::StrictlyLeft),
    ("sr", SimpleOperator::StrictlyRight),
    ("nxr", SimpleOperator::NotExtendsRight),
    ("nxl", SimpleOperator::NotExtendsLeft),
    ("adj", SimpleOperator::Adjacent),
];

pub(super) const QUANTIFIED: [(&str, QuantifiedOperator); 9] = [
    ("eq", QuantifiedOperator::Equal),
    ("gte", QuantifiedOperator::GreaterThanEqual),
    ("gt", QuantifiedOperator::GreaterThan),
    ("lte", QuantifiedOperator::LessThanEqual),
    ("lt", QuantifiedOperator::LessThan),
    ("like", QuantifiedOperator::Like),
    ("ilike", QuantifiedOperator::ILike),
    ("match", QuantifiedOperator::Match),
    ("imatch", QuantifiedOperator::IMatch),
];

pub(super) const SEARCH: [(&str, SearchOperator); 4] = [
    ("fts", SearchOperator::Query),
    ("plfts", SearchOperator::Plain),
    ("phfts", SearchOperator::Phrase),
    ("wfts", SearchOperator::Web),
];

pub(super) const IS: [(&str, IsValue); 5] = [
    ("null", IsValue::Null),
    ("not_null", IsValue::NotNull),
    ("true", IsValue::True),
    ("false", IsValue::False),
    ("unknown", IsValue::Unknown),
];

/// Reads the condition of a parameter of its own, in which a value reaches to the end.
pub(super) fn parse(field: Field, value: &str) -> Result<Filter, Error> {
    let mut cursor = Cursor::new("failed to parse filter", value);
    let filter = condition(&mut cursor, field, |cursor| Ok(cursor.take_rest().to_owned()))?;
    if cursor.is_end() { Ok(filter) } else { Err(cursor.error(&["end of input"])) }
}

/// Whether a value begins as a condition does.
pub(super) fn has_operator(value: &str) -> bool {
    let word = value.split('.').next().unwrap_or_default();
    let has_rest = word.len() < value.len();
    match word {
        "not" => has_rest,
        "is" | "isdistinct" | "in" => true,
        _ => {
            let name = word.split('(').next().unwrap_or_default();
            let is_quantified = name.len() < word.len();
            let search = SEARCH.iter().any(|(known, _)| *known == name);
            let quantified = QUANTIFIED.iter().any(|(known, _)| *known == name);
            search || quantified || !is_quantified && SIMPLE.iter().any(|(known, _)| *known == name)
        }
    }
}

/// Reads a condition; `value` reads a value in this context.
pub(super) fn condition(
    cursor: &mut Cursor<'_>,
    field: Field,
    value: impl Fn(&mut Cursor<'_>) -> Result<String, Error>,
) -> Result<Filter, Error> {
    let is_negated = cursor.take("not.");
    let operation = operation(cursor, is_negated, value)?;
    Ok(Filter { field, is_negated, operation })
}

fn operation(
    cursor: &mut Cursor<'_>,
    is_negated: bool,
    value: impl Fn(&mut Cursor<'_>) -> Result<String, Error>,
) -> Result<Operation, Error> {
    let start = cursor.clone();
    let name = cursor.take_while(|character| character.is_ascii_lowercase());
    if let Some((_, operator)) = SIMPLE.iter().find(|(known, _)| *known == name) {
        cursor.expect(".", DELIMITER)?;
        return Ok(Operation::Simple(*operator, value(cursor)?));
    }
    if let Some((_, operator)) = QUANTIFIED.iter().find(|(known, _)| *known == name) {
        let quantifier = quantifier(cursor)?;
        cursor.expect(".", DELIMITER)?;
        let value = value(cursor)?;
        if matches!(operator, QuantifiedOperator::Match | QuantifiedOperator::IMatch) {
            regular_expression::check(&value, quantifier)?;
        }
        return Ok(Operation::Quantified(*operator, quantifier, value));
    }
    if let Some((_, operator)) = SEARCH.iter().find(|(known, _)| *known == name) {
        let language = language(cursor)?;
        cursor.expect(".", DELIMITER)?;
        return Ok(Operation::Search(*operator, language, value(cursor)?));
    }
    match name {
        "in" if cursor.take(".") => list(cursor).map(Operation::In),
        "is" if cursor.take(".") => is_value(cursor).map(Operation::Is),
        "isdistinct" if cursor.take(".") => value(cursor).map(Operation::IsDistinctFrom),
        "in" | "is" | "isdistinct" => Err(cursor.error(&[OPERATOR])),
        _ if is_negated => Err(start.error(&[OPERATOR])),
        _ => Err(no_operator(&start)),
    }
}

/// What stands where a condition should start; PostgREST's parser looks for `not` first.
fn no_operator(start: &Cursor<'_>) -> Error {
    let mut ahead = start.clone();
    let common =
        "not".chars().take_while(|character| ahead.peek() == Some(*character) && ahead.next().is_some()).count();
    let found = start.rest().chars().nth(common).map_or("end of input".to_owned(), |found| format!("\"{found}\""));
    start.unexpected(&found, &["\"not\"", OPERATOR])
}

fn quantifier(cursor: &mut Cursor<'_>) -> Result<Option<Quantifier>, Error> {
    if cursor.take("(any)") {
        Ok(Some(Quantifier::Any))
    } else if cursor.take("(all)") {
        Ok(Some(Quantifier::All))
    } else if cursor.take("(") {
        Err(cursor.error(&[OPERATOR]))
    } else {
        Ok(None)
    }
}

fn language(cursor: &mut Cursor<'_>) -> Result<Option<String>, Error> {
    if !cursor.take("(") {
        return Ok(None);
    }
    let language = cursor.take_while(field::is_name_character).trim();
    if language.is_empty() {
        return Err(cursor.error(&[OPERATOR]));
    }
    cursor.expect(")", "\")\"")?;
    Ok(Some(language.to_owned()))
}

/// A keyword counts in any case, and only whole.
fn is_value(cursor: &mut Cursor<'_>) -> Result<IsValue, Error> {
    let start = cursor.clone();
    let word = cursor.take_while(|character| character.is_ascii_alphabetic() || character == '_');
    let known = IS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map(|(_, value)| *value).ok_or_else(|| start.error(&["isVal: (null, not_null, true, false, unknown)"]))
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<String>, Error> {
    cursor.skip_blanks();
    cursor.expect("(", "\"(\"")?;
    cursor.skip_blanks();
    let mut elements = Vec::new();
    loop {
        elements.push(element(cursor, |character| character != ',' && character != ')')?);
        if cursor.take(")") {
            cursor.skip_blanks();
            break;
        }
        cursor.expect(",", "\",\" or \")\"")?;
    }
    // One empty element is what an empty list looks like.
    if matches!(elements.as_slice(), [only] if only.is_empty()) {
        elements.clear();
    }
    Ok(elements)
}

/// Reads a value that ends before `,` or `)`, or one in double quotes.
pub(super) fn element(cursor: &mut Cursor<'_>, wanted: impl Fn(char) -> bool) -> Result<String, Error> {
    if cursor.peek() == Some('"') {
        let mut ahead = cursor.clone();
        if let Ok(value) = ahead.quoted()
            && matches!(ahead.peek(), None | Some(',' | ')'))
        {
            *cursor = ahead;
            return Ok(value);
        }
    }
    Ok(cursor.take_while(wanted).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, is_negated: bool, operation: Operation) {
        let expected = Filter { field: Field::column("a"), is_negated, operation };
        assert_eq!(parse(Field::column("a"), value), Ok(expected));
    }

    #[track_caller]
    fn refused(value: &str, column: usize, details: &str) {
        let crate::ErrorKind::QueryParam { message, details: found } =
            parse(Field::column("a"), value).unwrap_err().kind
        else {
            panic!("another kind")
        };
        assert_eq!(found, details);
        assert_eq!(message, format!("\"failed to parse filter ({value})\" (line 1, column {column})"));
    }

    #[test]
    fn ok_one_value() {
        for (name, operator) in SIMPLE {
            check(&format!("{name}.b.c"), false, Operation::Simple(operator, "b.c".into()));
        }
        for (name, operator) in QUANTIFIED {
            check(&format!("not.{name}.(b)"), true, Operation::Quantified(operator, None, "(b)".into()));
            check(
                &format!("{name}(any).{{b}}"),
                false,
                Operation::Quantified(operator, Some(Quantifier::Any), "{b}".into()),
            );
            check(&format!("{name}(all)."), false, Operation::Quantified(operator, Some(Quantifier::All), "".into()));
        }
        check("isdistinct.null", false, Operation::IsDistinctFrom("null".into()));
        check("eq.'; --🙂\"", false, Operation::Quantified(QuantifiedOperator::Equal, None, "'; --🙂\"".into()));
    }

    #[test]
    fn ok_lists() {
        let list = |elements: &[&str]| Operation::In(elements.iter().map(|element| element.to_string()).collect());
        check("in.(1,2,3)", false, list(&["1", "2", "3"]));
        check("in.()", false, list(&[]));
        check("in.(,)", false, list(&["", ""]));
        check("in.( ,3)", false, list(&["", "3"]));
        check("not.in.(\"Hebdon, John\",x)", true, list(&["Hebdon, John", "x"]));
        check("in.(\"a\"b,\"c\\\"d\")", false, list(&["\"a\"b", "c\"d"]));
        check("in.(/\\Slash/\\Beast/\\)", false, list(&["/\\Slash/\\Beast/\\"]));
    }

    #[test]
    fn ok_keywords_in_any_case() {
        for (name, value) in IS {
            check(&format!("is.{name}"), false, Operation::Is(value));
            check(&format!("not.is.{}", name.to_uppercase()), true, Operation::Is(value));
        }
    }

    #[test]
    fn ok_full_text_search() {
        for (name, operator) in SEARCH {
            check(&format!("{name}.a & b"), false, Operation::Search(operator, None, "a & b".into()));
            check(&format!("{name}(german).a"), false, Operation::Search(operator, Some("german".into()), "a".into()));
        }
    }

    #[test]
    fn err_regular_expression_that_could_run_away() {
        for value in [r"match.(.+)\1", r"not.imatch.(.+)\1", r"match(any).{a,(.+)\\1}", r#"imatch(all).{"(.+)\\1"}"#] {
            let refusal = pattern::Error { kind: pattern::ErrorKind::BackReference, offset: 4 };
            let expected = crate::ErrorKind::RegularExpression(refusal).into();
            assert_eq!(parse(Field::column("a"), value), Err(expected), "{value}");
        }
        check(r"eq.(.+)\1", false, Operation::Quantified(QuantifiedOperator::Equal, None, r"(.+)\1".into()));
    }

    #[test]
    fn err_malformed() {
        refused("val", 1, "unexpected \"v\" expecting \"not\" or operator (eq, gt, ...)");
        refused("noop.0", 1, "unexpected \"o\" expecting \"not\" or operator (eq, gt, ...)");
        refused("", 1, "unexpected end of input expecting \"not\" or operator (eq, gt, ...)");
        refused("not.val", 5, "unexpected \"v\" expecting operator (eq, gt, ...)");
        refused("eq", 3, "unexpected end of input expecting delimiter (.)");
        refused("is.nil", 4, "unexpected \"n\" expecting isVal: (null, not_null, true, false, unknown)");
        refused("is.nullable", 4, "unexpected \"n\" expecting isVal: (null, not_null, true, false, unknown)");
        refused("in.5", 4, "unexpected \"5\" expecting \"(\"");
        refused("in.(5", 6, "unexpected end of input expecting \",\" or \")\"");
        refused("in.(5)x", 7, "unexpected 'x' expecting end of input");
        refused("eq().5", 4, "unexpected \")\" expecting operator (eq, gt, ...)");
        refused("neq(any).5", 4, "unexpected \"(\" expecting delimiter (.)");
        refused("fts().5", 5, "unexpected \")\" expecting operator (eq, gt, ...)");
        refused("is().5", 3, "unexpected \"(\" expecting operator (eq, gt, ...)");
    }
}
