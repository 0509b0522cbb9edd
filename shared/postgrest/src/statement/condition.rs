//! What must hold for a row, as SQL.

use super::fragment;
use super::sql::Sql;
use crate::api_request::{
    IsValue, LogicOperator, Operation, QuantifiedOperator, Quantifier, SearchOperator, SimpleOperator,
};
use crate::plan::{Condition, Embed, Node, Source};

/// Writes a condition; `embedded` writes whether there is something to embed.
pub(super) fn write(
    sql: &mut Sql,
    node: &Node<'_>,
    condition: &Condition<'_>,
    embedded: &dyn Fn(&mut Sql, &Embed<'_>, bool),
) {
    match condition {
        Condition::Filter { source, to_tsvector, read_by, is_negated, operation } => {
            if *is_negated {
                sql.push("NOT ");
            }
            compared(sql, node, *source, *to_tsvector, operation);
            comparison(sql, operation, *read_by);
        }
        Condition::Embedded { embed, exists } => embedded(sql, &node.embeds[*embed], *exists),
        Condition::Group { is_negated, operator, conditions } => {
            sql.push(if *is_negated { "NOT (" } else { "(" });
            let separator = match operator {
                LogicOperator::And => " AND ",
                LogicOperator::Or => " OR ",
            };
            sql.separated(separator, conditions, |sql, inner| write(sql, node, inner, embedded));
            sql.push(")");
        }
    }
}

/// The left side of a comparison.
fn compared(sql: &mut Sql, node: &Node<'_>, column: Source<'_>, to_tsvector: bool, operation: &Operation) {
    if !to_tsvector {
        return fragment::source(sql, node, column);
    }
    sql.push("to_tsvector(");
    if let Operation::Search(_, language, _) = operation {
        self::language(sql, language.as_deref());
    }
    fragment::source(sql, node, column);
    sql.push(")");
}

/// The operator and the right side of a comparison, whose value `read_by` may have to read.
fn comparison(sql: &mut Sql, operation: &Operation, read_by: Option<&str>) {
    match operation {
        Operation::Simple(operator, value) => {
            sql.push(simple(*operator));
            one(sql, value, read_by);
        }
        Operation::Quantified(operator, quantifier, value) => quantified(sql, *operator, *quantifier, value, read_by),
        // `in ()` is no SQL, and each number of elements would be a statement of its own.
        Operation::In(elements) => {
            sql.push(" = ");
            let elements = elements.iter().map(|element| Some(element.as_str()));
            several(sql, "ANY", array(elements), read_by);
        }
        // `IS` takes no parameter.
        Operation::Is(value) => _ = sql.push(is(*value)),
        Operation::IsDistinctFrom(value) => _ = sql.push(" IS DISTINCT FROM ").value(value),
        Operation::Search(operator, language, value) => {
            sql.push(search(*operator)).push("(");
            self::language(sql, language.as_deref());
            sql.value(value).push(")");
        }
    }
}

/// Writes a value. What reads one takes text, and there may be others of its name.
fn one(sql: &mut Sql, value: &str, read_by: Option<&str>) {
    match read_by {
        None => sql.value(value),
        Some(function) => sql.push(function).push("(").value(value).push("::text)"),
    };
}

/// Writes any or all of the values of an array literal.
fn several(sql: &mut Sql, quantifier: &str, values: String, read_by: Option<&str>) {
    sql.push(quantifier).push(" (");
    match read_by {
        None => sql.value(values),
        Some(function) => {
            sql.push("SELECT ").push(function).push("(pg_catalog.unnest(").value(values).push("::text[]))")
        }
    };
    sql.push(")");
}

fn quantified(
    sql: &mut Sql,
    operator: QuantifiedOperator,
    quantifier: Option<Quantifier>,
    value: &str,
    read_by: Option<&str>,
) {
    let (operator, is_pattern) = match operator {
        QuantifiedOperator::Equal => (" = ", false),
        QuantifiedOperator::GreaterThanEqual => (" >= ", false),
        QuantifiedOperator::GreaterThan => (" > ", false),
        QuantifiedOperator::LessThanEqual => (" <= ", false),
        QuantifiedOperator::LessThan => (" < ", false),
        QuantifiedOperator::Like => (" LIKE ", true),
        QuantifiedOperator::ILike => (" ILIKE ", true),
        QuantifiedOperator::Match => (" ~ ", false),
        QuantifiedOperator::IMatch => (" ~* ", false),
    };
    // A `%` would have to be escaped in a URL, so `*` stands for it.
    let value = if is_pattern { value.replace('*', "%") } else { value.to_owned() };
    let read_by = read_by.filter(|_| !is_pattern);
    sql.push(operator);
    match quantifier {
        None => one(sql, &value, read_by),
        Some(Quantifier::Any) => several(sql, "ANY", value, read_by),
        Some(Quantifier::All) => several(sql, "ALL", value, read_by),
    }
}

fn simple(operator: SimpleOperator) -> &'static str {
    match operator {
        SimpleOperator::NotEqual => " <> ",
        SimpleOperator::Contains => " @> ",
        SimpleOperator::ContainedIn => " <@ ",
        SimpleOperator::Overlaps => " && ",
        SimpleOperator::StrictlyLeft => " << ",
        SimpleOperator::StrictlyRight => " >> ",
        SimpleOperator::NotExtendsRight => " &< ",
        SimpleOperator::NotExtendsLeft => " &> ",
        SimpleOperator::Adjacent => " -|- ",
    }
}

fn is(value: IsValue) -> &'static str {
    match value {
        IsValue::Null => " IS NULL",
        IsValue::NotNull => " IS NOT NULL",
        IsValue::True => " IS TRUE",
        IsValue::False => " IS FALSE",
        IsValue::Unknown => " IS UNKNOWN",
    }
}

fn search(operator: SearchOperator) -> &'static str {
    match operator {
        SearchOperator::Query => " @@ to_tsquery",
        SearchOperator::Plain => " @@ plainto_tsquery",
        SearchOperator::Phrase => " @@ phraseto_tsquery",
        SearchOperator::Web => " @@ websearch_to_tsquery",
    }
}

fn language(sql: &mut Sql, language: Option<&str>) {
    if let Some(language) = language {
        sql.value(language).push(", ");
    }
}

/// An array literal.
pub(super) fn array<'a>(elements: impl Iterator<Item = Option<&'a str>>) -> String {
    let mut literal = String::from("{");
    for element in elements {
        literal.push_str(if literal.len() > 1 { "," } else { "" });
        match element {
            Some(element) => quote(&mut literal, element),
            None => literal.push_str("NULL"),
        }
    }
    literal.push('}');
    literal
}

fn quote(literal: &mut String, element: &str) {
    literal.push('"');
    for character in element.chars() {
        if matches!(character, '"' | '\\') {
            literal.push('\\');
        }
        literal.push(character);
    }
    literal.push('"');
}
