//! The query string as a whole: which parameter is what.
//!
//! A name ends in its keyword: `order`, `limit`, `offset`, `and`, `or`; all others are columns and filters. What
//! stands before the last dot is the way to an embedded relation: `author.books.limit=3`. Where a function is called by
//! GET, what is not written like a filter is an argument.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::cursor::Cursor;
use super::field::{self, Field};
use super::filter::{self, Filter};
use super::logic::{self, LogicOperator, LogicTree};
use super::order::{self, OrderTerm};
use super::range::{LimitOffset, integer};
use super::select::{self, SelectItem};
use crate::error::{Error, ErrorKind};
use crate::limits::{FILTERS_MAX, ORDER_TERMS_MAX, QUERY_BYTES_MAX};

/// Names of embedded relations, outermost first; empty for the relation itself.
pub(crate) type EmbedPath = Vec<String>;

/// The parameters, by what they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QueryParams {
    /// `select`; `*` where it is missing.
    pub(crate) select: Vec<SelectItem>,
    /// `column=eq.value`.
    pub(crate) filters: Vec<(EmbedPath, Filter)>,
    /// `and=(…)` and `or=(…)`.
    pub(crate) logic: Vec<(EmbedPath, LogicTree)>,
    /// `order`.
    pub(crate) order: Vec<(EmbedPath, Vec<OrderTerm>)>,
    /// `columns`: the members of the body that are written, others are ignored.
    pub(crate) columns: Option<Vec<String>>,
    /// `on_conflict`: by which columns a row is told to be there already.
    pub(crate) on_conflict: Option<Vec<String>>,
    /// `limit` and `offset`.
    pub(crate) ranges: Vec<(EmbedPath, LimitOffset)>,
    /// `name=value`, where a function is called by GET.
    pub(crate) arguments: Vec<(String, String)>,
}

impl QueryParams {
    /// Reads a query string as received, without the `?`; `has_arguments` if a function is called by GET.
    pub(super) fn parse(query: &str, has_arguments: bool) -> Result<QueryParams, Error> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(ErrorKind::QueryTooLong.into());
        }
        let mut params = QueryParams {
            select: Vec::new(),
            filters: Vec::new(),
            logic: Vec::new(),
            order: Vec::new(),
            ranges: Vec::new(),
            arguments: Vec::new(),
            columns: None,
            on_conflict: None,
        };
        let mut select = None;
        let mut counts = Counts::default();
        for pair in pairs(query) {
            let (name, value) = pair?;
            match value {
                Some(value) if name == "select" => select = select.or(Some(select::parse(&value)?)),
                Some(value) if has_arguments && is_argument(&name, &value) => {
                    counts.filters += 1;
                    counts.check()?;
                    params.arguments.push((name.into_owned(), value.into_owned()));
                }
                Some(value) => params.add(&name, &value, &mut counts)?,
                None => {}
            }
        }
        params.select = select.unwrap_or_else(|| vec![SelectItem::Star]);
        // All of them must hold, in whatever order, so that one order makes one statement of many requests.
        sort::sort_by(&mut params.filters, &|(path, filter), (other_path, other)| {
            path.cmp(other_path).then_with(|| filter.field.name.cmp(&other.field.name))
        });
        Ok(params)
    }

    /// `limit` and `offset` of the relation itself.
    pub(super) fn limit_offset(&self) -> LimitOffset {
        self.ranges.iter().find(|(path, _)| path.is_empty()).map_or_else(LimitOffset::default, |(_, range)| *range)
    }

    fn add(&mut self, name: &str, value: &str, counts: &mut Counts) -> Result<(), Error> {
        match name.rsplit('.').next().unwrap_or(name) {
            "columns" if !name.contains('.') => {
                self.columns = Some(field::names("failed to parse columns parameter", value)?)
            }
            "on_conflict" if !name.contains('.') => {
                self.on_conflict = Some(field::names("failed to parse on_conflict parameter", value)?);
            }
            "order" => {
                let terms = order::parse(value)?;
                counts.order_terms += terms.len();
                counts.check()?;
                self.order.push((path_before_keyword(name)?, terms));
            }
            "limit" => {
                if let Some(limit) = integer(value) {
                    self.range(name)?.limit = Some(limit);
                }
            }
            "offset" => {
                if let Some(offset) = integer(value) {
                    self.range(name)?.offset = Some(offset);
                }
            }
            "and" => self.add_logic(name, LogicOperator::And, value, counts)?,
            "or" => self.add_logic(name, LogicOperator::Or, value, counts)?,
            _ => {
                let (path, field) = path_and_field(name)?;
                counts.filters += 1;
                counts.check()?;
                self.filters.push((path, filter::parse(field, value)?));
            }
        }
        Ok(())
    }

    fn add_logic(
        &mut self,
        name: &str,
        operator: LogicOperator,
        value: &str,
        counts: &mut Counts,
    ) -> Result<(), Error> {
        let mut path = path_before_keyword(name)?;
        let length = path.len();
        path.retain(|name| name != "not");
        let tree = logic::parse(operator, path.len() < length, value)?;
        counts.filters += tree.filters();
        counts.check()?;
        self.logic.push((path, tree));
        Ok(())
    }

    fn range(&mut self, name: &str) -> Result<&mut LimitOffset, Error> {
        let path = path_before_keyword(name)?;
        let index = self.ranges.iter().position(|(known, _)| *known == path).unwrap_or_else(|| {
            self.ranges.push((path, LimitOffset::default()));
            self.ranges.len() - 1
        });
        Ok(&mut self.ranges[index].1)
    }
}

/// A parameter that is no keyword, leads into no embedded relation, and whose value does not begin with an operator.
fn is_argument(name: &str, value: &str) -> bool {
    const KEYWORDS: [&str; 7] = ["columns", "on_conflict", "order", "limit", "offset", "and", "or"];
    !name.contains('.') && !KEYWORDS.contains(&name) && !filter::has_operator(value)
}

/// The fields of a form; one without `=` is empty.
pub(super) fn form(body: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let body = str::from_utf8(body).map_err(|_| not_utf8("the body"))?;
    let field = |(name, value): Pair<'_>| (name.into_owned(), value.unwrap_or_default().into_owned());
    pairs(body).map(|pair| pair.map(field)).collect()
}

#[derive(Default)]
struct Counts {
    filters: usize,
    order_terms: usize,
}

impl Counts {
    fn check(&self) -> Result<(), Error> {
        if self.filters > FILTERS_MAX {
            return Err(ErrorKind::TooMuch { what: "filters", limit: FILTERS_MAX }.into());
        }
        if self.order_terms > ORDER_TERMS_MAX {
            return Err(ErrorKind::TooMuch { what: "terms to order by", limit: ORDER_TERMS_MAX }.into());
        }
        Ok(())
    }
}

/// All but RFC 3986's unreserved characters.
pub(crate) const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The query string in one order and one spelling, as `Content-Location` has it.
pub(crate) fn canonical(query: &str) -> String {
    let mut pairs: Vec<_> = pairs(query).filter_map(Result::ok).collect();
    sort::sort_by(&mut pairs, &|(left, _), (right, _)| left.cmp(right));
    let mut text = String::with_capacity(query.len() + 16);
    let mut previous = None;
    for (name, value) in &pairs {
        if previous == Some(name) {
            text.push(',');
        } else {
            if previous.is_some() {
                text.push('&');
            }
            text.extend(utf8_percent_encode(name, ESCAPED));
            text.push('=');
        }
        text.extend(utf8_percent_encode(value.as_deref().unwrap_or_default(), ESCAPED));
        previous = Some(name);
    }
    text
}

type Pair<'a> = (Cow<'a, str>, Option<Cow<'a, str>>);

/// Names and values; `&` and `;` part them. A name without `=` has no value.
fn pairs(query: &str) -> impl Iterator<Item = Result<Pair<'_>, Error>> {
    query.split(['&', ';']).filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((name, value)) => Ok((decode(name)?, Some(decode(value)?))),
        None => Ok((decode(pair)?, None)),
    })
}

/// `+` is a blank, `%XX` a byte, and a `%` before something else stays.
fn decode(text: &str) -> Result<Cow<'_, str>, Error> {
    if !text.contains(['%', '+', '\0']) {
        return Ok(Cow::Borrowed(text));
    }
    let blanks = text.replace('+', " ");
    let decoded = percent_decode(blanks.as_bytes()).decode_utf8().map_err(|_| not_utf8(text))?;
    if decoded.contains('\0') {
        return Err(ErrorKind::NullCharacter.into());
    }
    Ok(Cow::Owned(decoded.into_owned()))
}

fn not_utf8(what: &str) -> Error {
    let message = "failed to parse the query string".to_owned();
    ErrorKind::QueryParam { message, details: format!("`{what}` is not UTF-8") }.into()
}

fn path_before_keyword(name: &str) -> Result<EmbedPath, Error> {
    if !name.contains('.') {
        return Ok(EmbedPath::new());
    }
    path_and_field(name).map(|(path, _)| path)
}

fn path_and_field(name: &str) -> Result<(EmbedPath, Field), Error> {
    let mut cursor = Cursor::new("failed to parse tree path", name);
    let mut path = EmbedPath::new();
    let mut last = field::name(&mut cursor)?;
    while cursor.take(".") {
        path.push(std::mem::replace(&mut last, field::name(&mut cursor)?));
    }
    let json_path = field::path(&mut cursor)?;
    if !cursor.is_end() {
        return Err(cursor.error(&["letter", "digit", "\"-\"", "delimiter (.)", "\"->>\"", "\"->\"", "end of input"]));
    }
    Ok((path, Field { name: last, path: json_path }))
}
