//! From the values back to a query string, for tests: what is read, written and read again is the same.
//!
//! Names are always in quotes and everything that is not a letter or digit is escaped, so that what is written differs
//! from what was read as much as it can.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::filter::{IS, QUANTIFIED, SEARCH, SIMPLE};
use super::query_params::EmbedPath;
use super::*;

/// Writes the parameters of a read or call.
fn render(params: &QueryParams) -> String {
    let mut pairs = vec![("select".to_owned(), items(&params.select))];
    for (path, Filter { field, is_negated, operation }) in &params.filters {
        let condition = condition(*is_negated, operation, &str::to_owned);
        pairs.push((prefixed(path, &self::field(field)), condition));
    }
    for (path, tree) in &params.logic {
        let LogicTree::Group { is_negated, operator, trees } = tree else { panic!("a parameter is a group") };
        let name =
            if *is_negated { format!("not.{}", self::operator(*operator)) } else { self::operator(*operator).into() };
        pairs.push((prefixed(path, &name), self::trees(trees)));
    }
    for (path, terms) in &params.order {
        let terms: Vec<String> = terms.iter().map(term).collect();
        pairs.push((prefixed(path, "order"), terms.join(",")));
    }
    for (path, range) in &params.ranges {
        pairs.extend(range.limit.map(|limit| (prefixed(path, "limit"), limit.to_string())));
        pairs.extend(range.offset.map(|offset| (prefixed(path, "offset"), offset.to_string())));
    }
    pairs.extend(params.arguments.iter().cloned());
    let escape = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn prefixed(path: &EmbedPath, name: &str) -> String {
    path.iter().map(|name| quoted(name) + ".").collect::<String>() + name
}

fn field(Field { name, path }: &Field) -> String {
    let step = |JsonOperation { as_text, operand }: &JsonOperation| {
        let operand = match operand {
            JsonOperand::Key(key) => quoted(key),
            JsonOperand::Index(index) => index.clone(),
        };
        format!("{}{operand}", if *as_text { "->>" } else { "->" })
    };
    quoted(name) + &path.iter().map(step).collect::<String>()
}

fn items(items: &[SelectItem]) -> String {
    items.iter().map(item).collect::<Vec<_>>().join(",")
}

fn item(item: &SelectItem) -> String {
    let cast = |cast: &Option<String>| cast.as_ref().map_or(String::new(), |cast| format!("::{cast}"));
    let alias = |alias: &Option<String>| alias.as_ref().map_or(String::new(), |alias| quoted(alias) + ":");
    match item {
        SelectItem::Star => "*".to_owned(),
        SelectItem::Count { alias: name, cast: to } => format!("{}count(){}", alias(name), cast(to)),
        SelectItem::Column(column) => {
            let aggregate = column
                .aggregate
                .as_ref()
                .map_or(String::new(), |aggregate| format!(".{}(){}", aggregate.function, cast(&aggregate.cast)));
            format!("{}{}{}{aggregate}", alias(&column.alias), field(&column.field), cast(&column.cast))
        }
        SelectItem::Relation(relation) => format!(
            "{}{}{}{}{}({})",
            if relation.is_spread { "..." } else { "" },
            alias(&relation.alias),
            quoted(&relation.relation),
            relation.hint.as_ref().map_or(String::new(), |hint| format!("!{}", quoted(hint))),
            if relation.is_inner { "!inner" } else { "" },
            items(&relation.items)
        ),
    }
}

/// The word for a value in the table that the parser uses.
fn word<T: PartialEq>(words: &[(&'static str, T)], value: &T) -> &'static str {
    words.iter().find(|(_, known)| known == value).expect("each value has a word").0
}

fn condition(is_negated: bool, operation: &Operation, value: &dyn Fn(&str) -> String) -> String {
    let operation = match operation {
        Operation::Simple(operator, text) => format!("{}.{}", word(&SIMPLE, operator), value(text)),
        Operation::Quantified(operator, quantifier, text) => {
            let quantifier = match quantifier {
                None => "",
                Some(Quantifier::Any) => "(any)",
                Some(Quantifier::All) => "(all)",
            };
            format!("{}{quantifier}.{}", word(&QUANTIFIED, operator), value(text))
        }
        Operation::In(elements) => {
            let elements: Vec<String> = elements.iter().map(|element| quoted(element)).collect();
            format!("in.({})", elements.join(","))
        }
        Operation::Is(is) => format!("is.{}", word(&IS, is)),
        Operation::IsDistinctFrom(text) => format!("isdistinct.{}", value(text)),
        Operation::Search(operator, language, text) => {
            let language = language.as_ref().map_or(String::new(), |language| format!("({language})"));
            format!("{}{language}.{}", word(&SEARCH, operator), value(text))
        }
    };
    if is_negated { format!("not.{operation}") } else { operation }
}

fn operator(operator: LogicOperator) -> &'static str {
    match operator {
        LogicOperator::And => "and",
        LogicOperator::Or => "or",
    }
}

fn trees(trees: &[LogicTree]) -> String {
    let tree = |tree: &LogicTree| match tree {
        LogicTree::Filter(Filter { field: column, is_negated, operation }) => {
            format!("{}.{}", field(column), condition(*is_negated, operation, &quoted))
        }
        LogicTree::Group { is_negated, operator: by, trees } => {
            format!("{}{}{}", if *is_negated { "not." } else { "" }, operator(*by), self::trees(trees))
        }
    };
    format!("({})", trees.iter().map(tree).collect::<Vec<_>>().join(","))
}

fn term(OrderTerm { relation, field: column, direction, nulls }: &OrderTerm) -> String {
    let column = field(column);
    let column = relation.as_ref().map_or(column.clone(), |relation| format!("{}({column})", quoted(relation)));
    let direction = match direction {
        None => "",
        Some(Direction::Ascending) => ".asc",
        Some(Direction::Descending) => ".desc",
    };
    let nulls = match nulls {
        None => "",
        Some(Nulls::First) => ".nullsfirst",
        Some(Nulls::Last) => ".nullslast",
    };
    column + direction + nulls
}

#[track_caller]
fn check(query: &str, has_arguments: bool) -> bool {
    let Ok(read) = QueryParams::parse(query, has_arguments) else { return false };
    let rendered = render(&read);
    assert_eq!(QueryParams::parse(&rendered, has_arguments), Ok(read), "{query} became {rendered}");
    true
}

#[test]
fn ok_each_form_is_the_same_when_it_is_read_again() {
    for query in [
        "",
        "select=",
        "select=*,a:b->c->>-1::int,\"d \\\"e\\\\\":f,g-h,имя",
        "select=count(),n:count()::text,a.sum(),b->0::int.max()::double precision,count.avg()",
        "select=c:clients!fk!inner(id,projects()),...tasks!left(*,...users!inner(x.min())),id)ignored",
        "a=eq.1&b.c.d->e->>0=not.in.(1,\"2,\\\"\",)&f=is.NULL&g=like(all).{*x*}&h=wfts(german).y z&i=isdistinct.",
        "in=in.()&\"or\"=eq.x&\"order\"=adj.[1,2)&a.\"b.c\".limit=-3&a.\"b.c\".offset=9&limit=10",
        "and=(a.eq.1,not.or(b->>c.not.in.(1,2),\"and\".cs.{1,2},d.eq.\"x)\\\"\"))&x.y.not.or=(e.is.unknown,f.fts(en).)",
        "order=a,b->c.desc,d(e->0).asc.nullsfirst,\"f.g\".nullslast&h.order=i",
    ] {
        assert!(check(query, false), "{query}");
    }
}

/// What is read from random pieces of the grammar is read again from what is written.
#[test]
fn ok_random_queries_are_the_same_when_they_are_read_again() {
    const PIECES: [&str; 57] = [
        "select=",
        "order=",
        "limit=",
        "offset=",
        "and=",
        "or=",
        "not.or=",
        "a=",
        "b.c=",
        "\"d.e\"=",
        "f->g=",
        "x.order=",
        "a",
        "b",
        "имя",
        "\"q\\\"\\\\\"",
        "*",
        "count()",
        "...",
        "(",
        ")",
        "(",
        ")",
        ",",
        ",",
        ":",
        "::int",
        "!h",
        "!inner",
        "->",
        "->>",
        "0",
        "-1",
        ".",
        ".sum()",
        ".desc",
        ".nullslast",
        "eq.",
        "not.",
        "in.(",
        "is.null",
        "like(any).",
        "{1,2}",
        "fts(en).",
        "isdistinct.",
        "neq.",
        "and(",
        "or(",
        "&",
        "&",
        "&",
        "%20",
        "+",
        "%22",
        "'",
        "%25",
        "7",
    ];
    let mut random = fastrand::Rng::with_seed(5);
    let mut read = 0;
    for _ in 0..60_000 {
        let query: String = (0..random.usize(1..14)).map(|_| *random.choice(&PIECES).unwrap()).collect();
        read += usize::from(check(&query, random.bool()));
    }
    assert!(read > 5_000, "{read}");
}
