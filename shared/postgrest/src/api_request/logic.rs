//! `and=(…)` and `or=(…)`: filters put together.
//!
//! ```text
//! tree   = filter / [ "not." ] ( "and" / "or" ) "(" tree *( "," tree ) ")"
//! filter = field "." condition            ; a value ends before "," or ")"
//! value  = quoted / "{" … "}" / *( any but ",)" )
//! ```

use super::cursor::Cursor;
use super::field::Field;
use super::filter::{self, Filter};
use crate::error::{Error, ErrorKind};
use crate::limits::LOGIC_DEPTH_MAX;

/// Filters put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LogicTree {
    /// One filter.
    Filter(Filter),
    /// Several, of which all or one must hold.
    Group {
        /// Whether the opposite must hold.
        is_negated: bool,
        /// All or one.
        operator: LogicOperator,
        /// What they are; never empty.
        trees: Vec<LogicTree>,
    },
}

/// How many of several must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogicOperator {
    And,
    Or,
}

impl LogicTree {
    /// How many filters there are in it.
    pub(super) fn filters(&self) -> usize {
        match self {
            LogicTree::Filter(_) => 1,
            LogicTree::Group { trees, .. } => trees.iter().map(LogicTree::filters).sum(),
        }
    }
}

const OPERATORS: [(&str, LogicOperator); 2] = [("and", LogicOperator::And), ("or", LogicOperator::Or)];
const EXPECTED: [&str; 3] = ["field name (* or [a..z0..9_$])", "negation operator (not)", "logic operator (and, or)"];

/// Reads the value of a parameter whose name was `operator`, or `not.` and that.
pub(super) fn parse(operator: LogicOperator, is_negated: bool, value: &str) -> Result<LogicTree, Error> {
    let name = if operator == LogicOperator::And { 3 } else { 2 };
    let shift = name + if is_negated { 4 } else { 0 };
    let mut cursor = Cursor::new("failed to parse logic tree", value).shifted(shift);
    let trees = group(&mut cursor, 1)?;
    if !cursor.is_end() {
        return Err(cursor.error(&["end of input"]));
    }
    Ok(LogicTree::Group { is_negated, operator, trees })
}

fn group(cursor: &mut Cursor<'_>, depth: usize) -> Result<Vec<LogicTree>, Error> {
    if depth > LOGIC_DEPTH_MAX {
        return Err(ErrorKind::TooMuch { what: "levels of and/or", limit: LOGIC_DEPTH_MAX }.into());
    }
    cursor.skip_blanks();
    cursor.expect("(", "\"(\"")?;
    let mut trees = Vec::new();
    loop {
        cursor.skip_blanks();
        trees.push(tree(cursor, depth)?);
        cursor.skip_blanks();
        if cursor.take(")") {
            cursor.skip_blanks();
            return Ok(trees);
        }
        cursor.expect(",", "\",\" or \")\"")?;
    }
}

fn tree(cursor: &mut Cursor<'_>, depth: usize) -> Result<LogicTree, Error> {
    if let Some((is_negated, operator)) = operator(cursor) {
        return Ok(LogicTree::Group { is_negated, operator, trees: group(cursor, depth + 1)? });
    }
    if matches!(cursor.peek(), None | Some(')' | ',' | '(')) {
        return Err(cursor.error(&EXPECTED));
    }
    let field = Field::parse(cursor)?;
    cursor.expect(".", "delimiter (.)")?;
    filter::condition(cursor, field, value).map(LogicTree::Filter)
}

/// Takes `and`, `or`, `not.and` or `not.or` if a parenthesis follows: a column may have such a name too.
fn operator(cursor: &mut Cursor<'_>) -> Option<(bool, LogicOperator)> {
    let mut ahead = cursor.clone();
    let is_negated = ahead.take("not.");
    let (_, operator) = OPERATORS.iter().find(|(name, _)| ahead.take(name))?;
    let is_group = ahead.rest().trim_start_matches([' ', '\t']).starts_with('(');
    is_group.then(|| {
        *cursor = ahead;
        (is_negated, *operator)
    })
}

fn value(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    let rest = cursor.rest();
    if rest.starts_with('{')
        && let Some(end) = rest[1..].find(['{', '}'])
        && rest[1 + end..].starts_with('}')
    {
        let mut array = String::from("{");
        cursor.next();
        array.push_str(cursor.take_while(|character| character != '}'));
        cursor.next();
        array.push('}');
        return Ok(array);
    }
    filter::element(cursor, |character| character != ',' && character != ')')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api_request::field;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let shown = parse(LogicOperator::Or, false, value).map_or_else(|error| refusal(&error), |tree| show(&tree));
        assert_eq!(shown, expected);
    }

    fn refusal(error: &Error) -> String {
        match &error.kind {
            ErrorKind::QueryParam { message, details } => {
                let place = message.rsplit("\" ").next().unwrap_or_default();
                format!("{place} {details}")
            }
            _ => error.to_string(),
        }
    }

    fn show(tree: &LogicTree) -> String {
        match tree {
            LogicTree::Filter(filter) => {
                let not = if filter.is_negated { "!" } else { "" };
                format!("{not}{} {:?}", field::tests::show(&filter.field), filter.operation)
            }
            LogicTree::Group { is_negated, operator, trees } => {
                let not = if *is_negated { "!" } else { "" };
                let trees: Vec<String> = trees.iter().map(show).collect();
                format!("{not}{operator:?}[{}]", trees.join("; "))
            }
        }
    }

    #[test]
    fn ok_groups() {
        check("(id.eq.1,id.eq.2)", "Or[id Quantified(Equal, None, \"1\"); id Quantified(Equal, None, \"2\")]");
        check("(not.and(a.is.null),and(b.in.(1,2)))", "Or[!And[a Is(Null)]; And[b In([\"1\", \"2\"])]]");
        check("( a.is.null , not.or ( b.not.is.true ) )", "Or[a Is(Null); !Or[!b Is(True)]]");
        check(
            "(or_starting.is.null,and.is.true,not.is.false)",
            "Or[or_starting Is(Null); and Is(True); not Is(False)]",
        );
    }

    #[test]
    fn ok_values() {
        check("(a.cs.{1,2},b.is.null)", "Or[a Simple(Contains, \"{1,2}\"); b Is(Null)]");
        check("(a.eq.\"x,(y)\",b.eq.)", "Or[a Quantified(Equal, None, \"x,(y)\"); b Quantified(Equal, None, \"\")]");
        check("(a->b->>0.eq.{)", "Or[a->b->>[0] Quantified(Equal, None, \"{\")]");
        check("(a.fts(german).x y)", "Or[a Search(Query, Some(\"german\"), \"x y\")]");
    }

    #[test]
    fn err_malformed() {
        check(
            "()",
            "(line 1, column 4) unexpected \")\" expecting field name (* or [a..z0..9_$]), negation operator (not) or logic operator (and, or)",
        );
        check(")(", "(line 1, column 3) unexpected \")\" expecting \"(\"");
        check("(id.in.1,2,id.eq.3)", "(line 1, column 10) unexpected \"1\" expecting \"(\"");
        check("(a.is.null", "(line 1, column 13) unexpected end of input expecting \",\" or \")\"");
        check("(a.is.null)b", "(line 1, column 14) unexpected 'b' expecting end of input");
        check("(and(a.is.null)", "(line 1, column 18) unexpected end of input expecting \",\" or \")\"");
    }

    #[test]
    fn err_too_deep() {
        let nested = |depth: usize| format!("{}(a.is.null{}", "(and".repeat(depth - 1), ")".repeat(depth));
        assert!(parse(LogicOperator::Or, false, &nested(LOGIC_DEPTH_MAX)).is_ok());
        check(&nested(LOGIC_DEPTH_MAX + 1), "PGRST100: failed to parse the query string");
        check(&nested(10_000), "PGRST100: failed to parse the query string");
    }
}
