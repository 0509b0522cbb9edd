//! `select`: which columns, and which related rows inside of them.
//!
//! ```text
//! items    = [ item *( "," item ) ]
//! item     = "*" / count / column / relation / spread
//! count    = [ alias ":" ] "count()" [ "::" type ]
//! column   = [ alias ":" ] field [ "::" type ] [ "." function "()" [ "::" type ] ]
//! relation = [ alias ":" ] embed
//! spread   = "..." embed
//! embed    = name *2( "!" ( "inner" / "left" / hint ) ) "(" items ")"
//! function = "sum" / "avg" / "count" / "max" / "min"
//! ```

use super::cursor::Cursor;
use super::field::{self, Field};
use crate::error::{Error, ErrorKind};
use crate::limits::{EMBED_DEPTH_MAX, EMBEDS_MAX, SELECT_ITEMS_MAX};

/// One item of `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SelectItem {
    /// `*`: every column.
    Star,
    /// `count()`: how many rows.
    Count {
        /// Its name in the result.
        alias: Option<String>,
        /// The type it is cast to.
        cast: Option<String>,
    },
    /// A column.
    Column(SelectColumn),
    /// Related rows.
    Relation(SelectRelation),
}

/// A column of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelectColumn {
    /// Its name in the result.
    pub(crate) alias: Option<String>,
    /// Where it comes from.
    pub(crate) field: Field,
    /// The type it is cast to: words of letters, digits, `_` and `$`, safe as SQL text.
    pub(crate) cast: Option<String>,
    /// What makes one value of many.
    pub(crate) aggregate: Option<Aggregate>,
}

/// An aggregate function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aggregate {
    /// The function's name.
    pub(crate) function: &'static str,
    /// The type that the result is cast to.
    pub(crate) cast: Option<String>,
}

/// Related rows inside of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SelectRelation {
    /// Its name in the result.
    pub(crate) alias: Option<String>,
    /// The relation, or what else names the relationship.
    pub(crate) relation: String,
    /// What tells the relationship from others.
    pub(crate) hint: Option<String>,
    /// Rows without related ones are left out.
    pub(crate) is_inner: bool,
    /// `...`: what is selected of it stands among the columns around it.
    pub(crate) is_spread: bool,
    /// What is selected of it.
    pub(crate) items: Vec<SelectItem>,
}

impl SelectRelation {
    /// Its name in the result and in other parameters.
    pub(crate) fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.relation)
    }
}

const FUNCTIONS: [&str; 5] = ["sum", "avg", "count", "max", "min"];

/// What may stand behind the name of a column.
const COLUMN_END: &[&str] =
    &["letter", "digit", "\"-\"", "\"->>\"", "\"->\"", "\"::\"", "\".\"", "\")\"", "\",\"", "end of input"];

/// Reads the value of `select`. What stands behind its end is ignored, as PostgREST does it: `id)` is `id`.
pub(super) fn parse(value: &str) -> Result<Vec<SelectItem>, Error> {
    let mut parser = Parser { cursor: Cursor::new("failed to parse select parameter", value), items: 0, embeds: 0 };
    parser.items(0)
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    items: usize,
    embeds: usize,
}

impl Parser<'_> {
    fn items(&mut self, depth: usize) -> Result<Vec<SelectItem>, Error> {
        let mut items = Vec::new();
        self.cursor.skip_blanks();
        if self.cursor.is_end() || self.cursor.peek() == Some(')') {
            return Ok(items);
        }
        loop {
            self.items += 1;
            within(self.items, "items in select", SELECT_ITEMS_MAX)?;
            items.push(self.item(depth)?);
            self.cursor.skip_blanks();
            if !self.cursor.take(",") {
                return Ok(items);
            }
            self.cursor.skip_blanks();
        }
    }

    fn item(&mut self, depth: usize) -> Result<SelectItem, Error> {
        if self.cursor.take("*") {
            self.item_end(&["\")\"", "\",\"", "end of input"])?;
            return Ok(SelectItem::Star);
        }
        if self.cursor.take("...") {
            let name = field::name(&mut self.cursor)?;
            let relation = self.relation(None, name, depth)?;
            return Ok(SelectItem::Relation(SelectRelation { is_spread: true, ..relation }));
        }
        let (alias, name) = self.alias_and_name()?;
        match self.cursor.peek() {
            Some('(') if name == "count" && self.cursor.take("()") => {
                let cast = self.optional_cast()?;
                self.item_end(COLUMN_END)?;
                Ok(SelectItem::Count { alias, cast })
            }
            Some('(' | '!') if name != "count" => self.relation(alias, name, depth).map(SelectItem::Relation),
            _ => self.column(alias, name).map(SelectItem::Column),
        }
    }

    fn alias_and_name(&mut self) -> Result<(Option<String>, String), Error> {
        let first = field::name(&mut self.cursor)?;
        if self.cursor.peek() != Some(':') || self.cursor.rest().starts_with("::") {
            return Ok((None, first));
        }
        self.cursor.next();
        self.cursor.skip_blanks();
        Ok((Some(first), field::name(&mut self.cursor)?))
    }

    fn column(&mut self, alias: Option<String>, name: String) -> Result<SelectColumn, Error> {
        let path = field::path(&mut self.cursor)?;
        self.cursor.skip_blanks();
        let cast = self.optional_cast()?;
        let aggregate = if self.cursor.take(".") { Some(self.aggregate()?) } else { None };
        self.item_end(COLUMN_END)?;
        Ok(SelectColumn { alias, field: Field { name, path }, cast, aggregate })
    }

    fn optional_cast(&mut self) -> Result<Option<String>, Error> {
        if self.cursor.take("::") { self.cast().map(Some) } else { Ok(None) }
    }

    /// The name of a type goes into the SQL as it is, because `"int"` is no type where `int` is one. A `$` must stand
    /// inside of a word that starts with a letter; elsewhere, as behind a number, it could open a string.
    fn cast(&mut self) -> Result<String, Error> {
        let start = self.cursor.clone();
        let name = self.cursor.take_while(field::is_name_character).trim();
        if name.is_empty() || name.split(' ').any(|word| word.contains('$') && !word.starts_with(is_word_start)) {
            return Err(start.error(&["letter or digit"]));
        }
        Ok(name.to_owned())
    }

    fn aggregate(&mut self) -> Result<Aggregate, Error> {
        let mut behind = self.cursor.clone();
        let name = behind.take_while(|character| character.is_ascii_lowercase());
        match FUNCTIONS.iter().find(|function| **function == name) {
            Some(function) if behind.take("()") => {
                self.cursor = behind;
                Ok(Aggregate { function, cast: self.optional_cast()? })
            }
            _ => Err(self.cursor.no_keyword(&FUNCTIONS)),
        }
    }

    fn relation(&mut self, alias: Option<String>, relation: String, depth: usize) -> Result<SelectRelation, Error> {
        self.embeds += 1;
        within(self.embeds, "embedded resources", EMBEDS_MAX)?;
        within(depth + 1, "levels of embedded resources", EMBED_DEPTH_MAX)?;
        let (mut hint, mut is_inner) = (None, false);
        for _ in 0..2 {
            if self.cursor.take("!") {
                match field::name(&mut self.cursor)? {
                    word if word == "inner" => is_inner = true,
                    word if word == "left" => {}
                    word => hint = hint.or(Some(word)),
                }
            }
        }
        self.cursor.skip_blanks();
        self.cursor.expect("(", "\"(\"")?;
        let items = self.items(depth + 1)?;
        self.cursor.skip_blanks();
        self.cursor.expect(")", "\")\"")?;
        Ok(SelectRelation { alias, relation, hint, is_inner, is_spread: false, items })
    }

    fn item_end(&mut self, expected: &[&str]) -> Result<(), Error> {
        self.cursor.skip_blanks();
        match self.cursor.peek() {
            None | Some(',' | ')') => Ok(()),
            Some(_) => Err(self.cursor.error(expected)),
        }
    }
}

fn within(count: usize, what: &'static str, limit: usize) -> Result<(), Error> {
    if count > limit { Err(ErrorKind::TooMuch { what, limit }.into()) } else { Ok(()) }
}

fn is_word_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let shown = parse(value).map_or_else(|error| error.to_string(), |items| show(&items));
        assert_eq!(shown, expected);
    }

    /// Writes a tree in a form of its own: `alias=name->key::type`, `alias=name!hint!inner[…]`.
    fn show(items: &[SelectItem]) -> String {
        items.iter().map(show_item).collect::<Vec<_>>().join(", ")
    }

    fn show_item(item: &SelectItem) -> String {
        let alias = |alias: &Option<String>| alias.as_ref().map_or(String::new(), |alias| format!("{alias}="));
        let cast = |cast: &Option<String>| cast.as_ref().map_or(String::new(), |cast| format!("::{cast}"));
        match item {
            SelectItem::Star => "*".into(),
            SelectItem::Count { alias: name, cast: to } => format!("{}count(){}", alias(name), cast(to)),
            SelectItem::Column(column) => {
                let aggregate = column
                    .aggregate
                    .as_ref()
                    .map_or(String::new(), |aggregate| format!(".{}(){}", aggregate.function, cast(&aggregate.cast)));
                format!(
                    "{}{}{}{aggregate}",
                    alias(&column.alias),
                    field::tests::show(&column.field),
                    cast(&column.cast)
                )
            }
            SelectItem::Relation(relation) => {
                let hint = relation.hint.as_ref().map_or(String::new(), |hint| format!("!{hint}"));
                let inner = if relation.is_inner { "!inner" } else { "" };
                let spread = if relation.is_spread { "..." } else { "" };
                format!(
                    "{spread}{}{}{hint}{inner}[{}]",
                    alias(&relation.alias),
                    relation.relation,
                    show(&relation.items)
                )
            }
        }
    }

    #[test]
    fn ok_columns() {
        check("*", "*");
        check("", "");
        check("id,name", "id, name");
        check(" id , name ", "id, name");
        check("myId:id::text", "myId=id::text");
        check("id::double precision", "id::double precision");
        check("id::_a$1 2", "id::_a$1 2");
        check("Just A Server Model", "Just A Server Model");
        check("a-b,\"a,b\":\"c\\\"d\"", "a-b, a,b=c\"d");
        check("имя:título,日本", "имя=título, 日本");
    }

    #[test]
    fn ok_json_paths() {
        check("data->a->>b", "data->a->>b");
        check("x:data->0->>-1::int", "x=data->[0]->>[-1]::int");
        check("data->!@#$%^&*_d->>!@#$%^&*_e::integer", "data->!@#$%^&*_d->>!@#$%^&*_e::integer");
        check("data->\"a.b\",data->0a", "data->a.b, data->0a");
        check("rel(data->0)", "rel[data->[0]]");
    }

    #[test]
    fn ok_relations() {
        check("*,clients(*)", "*, clients[*]");
        check("c:clients!fk!inner(id,projects()),id", "c=clients!fk!inner[id, projects[]], id");
        check("clients!inner!fk(id)", "clients!fk!inner[id]");
        check("clients!left(id)", "clients[id]");
        check("clients!leftover(id)", "clients!leftover[id]");
        check("id, name, the_tasks:tasks( id , name )", "id, name, the_tasks=tasks[id, name]");
    }

    #[test]
    fn ok_aggregates() {
        check("count(),n:count()::text", "count(), n=count()::text");
        check("id.sum(),n:id::int.max()::text", "id.sum(), n=id::int.max()::text");
        check("data->a->>b.min(),data->0.avg()", "data->a->>b.min(), data->[0].avg()");
        check("count,count.count()", "count, count.count()");
    }

    #[test]
    fn ok_spreads() {
        check("...clients(*),id", "...clients[*], id");
        check("...clients!fk!inner(a:name,...x(y(z.sum())))", "...clients!fk!inner[a=name, ...x[y[z.sum()]]]");
    }

    #[test]
    fn ok_what_stands_behind_the_end_is_ignored() {
        check("id),name", "id");
        check("clients(id)x", "clients[id]");
        check("name,clients(id)'", "name, clients[id]");
    }

    #[test]
    fn err_malformed() {
        let at = |shown: &str, column: usize| {
            format!("PGRST100: \"failed to parse select parameter ({shown})\" (line 1, column {column})")
        };
        for (value, column) in [
            ("id,", 4),
            ("id,,name", 4),
            ("(id)", 1),
            ("clients(id", 11),
            ("*id", 2),
            ("id::", 5),
            ("id::$a$", 5),
            ("id::a $b$", 5),
            ("id::bit 1$$", 5),
            ("data->", 7),
            ("data->>--34", 9),
            ("data->>-78xy", 11),
            ("\"id", 4),
            ("a:b:c", 4),
            (":", 1),
            ("x:*", 3),
            ("id;drop", 3),
            ("id.foo()", 4),
            ("id.sum", 4),
            ("id.sum().max()", 9),
            ("count()x", 8),
            ("count(id)", 6),
            ("...", 4),
            ("...clients", 11),
            ("a:...clients(id)", 3),
            ("name!hint", 10),
            ("é(", 3),
        ] {
            check(value, &at(value, column));
        }
    }

    #[test]
    fn err_beyond_the_limits() {
        let nested = |depth: usize| "a(".repeat(depth) + &")".repeat(depth);
        assert!(parse(&nested(EMBED_DEPTH_MAX)).is_ok());
        check(&nested(EMBED_DEPTH_MAX + 1), "PGRST100: failed to parse the query string");
        check(&nested(10_000), "PGRST100: failed to parse the query string");
        assert!(parse(&vec!["a"; SELECT_ITEMS_MAX].join(",")).is_ok());
        check(&vec!["a"; SELECT_ITEMS_MAX + 1].join(","), "PGRST100: failed to parse the query string");
        assert!(parse(&vec!["a()"; EMBEDS_MAX].join(",")).is_ok());
        check(&vec!["a()"; EMBEDS_MAX + 1].join(","), "PGRST100: failed to parse the query string");
    }
}
