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
    embedded: &impl Fn(&mut Sql, &Embed<'_>, bool),
) {
    match condition {
        Condition::Filter { source, to_tsvector, is_negated, operation } => {
            if *is_negated {
                sql.push("NOT ");
            }
            compared(sql, node, *source, *to_tsvector, operation);
            comparison(sql, operation);
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

/// The operator and the right side of a comparison.
fn comparison(sql: &mut Sql, operation: &Operation) {
    match operation {
        Operation::Simple(operator, value) => _ = sql.push(simple(*operator)).value(value),
        Operation::Quantified(operator, quantifier, value) => quantified(sql, *operator, *quantifier, value),
        // `in ()` is no SQL, and each number of elements would be a statement of its own.
        Operation::In(elements) => _ = sql.push(" = ANY (").value(array(elements)).push(")"),
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

fn quantified(sql: &mut Sql, operator: QuantifiedOperator, quantifier: Option<Quantifier>, value: &str) {
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
    sql.push(operator);
    match quantifier {
        None => sql.value(value),
        Some(Quantifier::Any) => sql.push("ANY (").value(value).push(")"),
        Some(Quantifier::All) => sql.push("ALL (").value(value).push(")"),
    };
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
pub(super) fn array<T: AsRef<str>>(elements: &[T]) -> String {
    let mut literal =
        String::with_capacity(elements.iter().map(|element| element.as_ref().len() + 3).sum::<usize>() + 2);
    literal.push('{');
    for (index, element) in elements.iter().enumerate() {
        literal.push_str(if index > 0 { ",\"" } else { "\"" });
        for character in element.as_ref().chars() {
            if matches!(character, '"' | '\\') {
                literal.push('\\');
            }
            literal.push(character);
        }
        literal.push('"');
    }
    literal.push('}');
    literal
}
