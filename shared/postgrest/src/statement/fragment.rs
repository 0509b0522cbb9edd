//! Pieces of SQL: columns, comparisons, joins.

use super::sql::Sql;
use crate::api_request::{
    Direction, IsValue, JsonOperand, JsonOperation, LogicOperator, Nulls, Operation, QuantifiedOperator, Quantifier,
    Range, SearchOperator, SimpleOperator,
};
use crate::plan::{Condition, Embed, Node, Order, Source};

/// Writes the name by which the rest of the statement knows a relation.
pub(super) fn table(sql: &mut Sql, node: &Node<'_>) {
    match &node.alias {
        Some(alias) => sql.name(alias),
        None => sql.name(node.relation.schema()).push(".").name(node.relation.name()),
    };
}

/// Writes `FROM` with the relation, and the junction beside it.
pub(super) fn from(sql: &mut Sql, node: &Node<'_>, embed: Option<&Embed<'_>>) {
    sql.push(" FROM ").name(node.relation.schema()).push(".").name(node.relation.name());
    if let Some(alias) = &node.alias {
        sql.push(" AS ").name(alias);
    }
    if let Some(junction) = embed.and_then(|embed| embed.join.junction.as_ref()) {
        sql.push(", ").name(junction.relation.schema()).push(".").name(junction.relation.name());
        sql.push(" AS ").name(&junction.alias);
    }
}

/// Writes what joins an embedded relation to the rows of its parent.
pub(super) fn join_conditions(sql: &mut Sql, parent: &Node<'_>, embed: &Embed<'_>) {
    let join = &embed.join;
    if let Some(junction) = &join.junction {
        for (target, column) in &junction.columns {
            table(sql, &embed.node);
            sql.push(".").name(target).push(" = ").name(&junction.alias).push(".").name(column).push(" AND ");
        }
    }
    sql.separated(" AND ", &join.columns, |sql, (parent_column, column)| {
        match &join.junction {
            Some(junction) => _ = sql.name(&junction.alias),
            None => table(sql, &embed.node),
        }
        sql.push(".").name(column).push(" = ");
        table(sql, parent);
        sql.push(".").name(parent_column);
    });
}

/// Writes a column, or what is inside of it.
pub(super) fn source(sql: &mut Sql, node: &Node<'_>, source: Source<'_>) {
    if source.to_json {
        sql.push("to_jsonb(");
    }
    table(sql, node);
    sql.push(".").name(&source.field.name);
    if source.to_json {
        sql.push(")");
    }
    json_path(sql, &source.field.path);
}

fn json_path(sql: &mut Sql, path: &[JsonOperation]) {
    for JsonOperation { as_text, operand } in path {
        sql.push(if *as_text { "->>" } else { "->" });
        match operand {
            JsonOperand::Key(key) => sql.value(key),
            JsonOperand::Index(index) => sql.value(index).push("::int"),
        };
    }
}

/// Writes a condition; `embedded` writes whether there is something to embed.
pub(super) fn condition(
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
            sql.separated(separator, conditions, |sql, inner| self::condition(sql, node, inner, embedded));
            sql.push(")");
        }
    }
}

/// The left side of a comparison.
fn compared(sql: &mut Sql, node: &Node<'_>, column: Source<'_>, to_tsvector: bool, operation: &Operation) {
    if !to_tsvector {
        return source(sql, node, column);
    }
    sql.push("to_tsvector(");
    if let Operation::Search(_, language, _) = operation {
        self::language(sql, language.as_deref());
    }
    source(sql, node, column);
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

/// Writes `ORDER BY`, if there is something to order by.
pub(super) fn order(sql: &mut Sql, node: &Node<'_>) {
    if node.order.is_empty() {
        return;
    }
    sql.push(" ORDER BY ").separated(", ", &node.order, |sql, term| {
        let Order { embed, source: column, direction, nulls } = term;
        match embed {
            None => source(sql, node, *column),
            Some(embed) => {
                sql.name(&node.embeds[*embed].alias).push(".").name(&column.field.name);
                json_path(sql, &column.field.path);
            }
        }
        match direction {
            Some(Direction::Ascending) => sql.push(" ASC"),
            Some(Direction::Descending) => sql.push(" DESC"),
            None => sql,
        };
        match nulls {
            Some(Nulls::First) => sql.push(" NULLS FIRST"),
            Some(Nulls::Last) => sql.push(" NULLS LAST"),
            None => sql,
        };
    });
}

/// Writes `LIMIT` and `OFFSET`, as far as they are needed.
pub(super) fn limit(sql: &mut Sql, Range { offset, limit }: Range) {
    if let Some(limit) = limit {
        sql.push(" LIMIT ").value(limit.to_string());
    }
    if offset > 0 {
        sql.push(" OFFSET ").value(offset.to_string());
    }
}
