//! `select`: which columns, and which related rows inside of them.
//!
//! ```text
//! items    = [ item *( "," item ) ]
//! item     = "*" / column / relation
//! column   = [ alias ":" ] field [ "::" type ]
//! relation = [ alias ":" ] name *2( "!" ( "inner" / "left" / hint ) ) "(" items ")"
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
    /// What is selected of it.
    pub(crate) items: Vec<SelectItem>,
}

impl SelectRelation {
    /// Its name in the result and in other parameters.
    pub(crate) fn name(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.relation)
    }
}

/// Reads the value of `select`.
pub(super) fn parse(value: &str) -> Result<Vec<SelectItem>, Error> {
    let mut parser = Parser { cursor: Cursor::new("failed to parse select parameter", value), items: 0, embeds: 0 };
    let items = parser.items(0)?;
    if parser.cursor.is_end() { Ok(items) } else { Err(parser.cursor.error(&["\",\"", "end of input"])) }
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
            return Err(
                ErrorKind::NotImplemented { details: "Spreading an embedded resource is not implemented." }.into()
            );
        }
        let (alias, name) = self.alias_and_name()?;
        match self.cursor.peek() {
            Some('(') if name == "count" => Err(ErrorKind::AggregatesNotAllowed.into()),
            Some('(' | '!') => self.relation(alias, name, depth).map(SelectItem::Relation),
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
        let cast = if self.cursor.take("::") { Some(self.cast()?) } else { None };
        if self.cursor.peek() == Some('.') {
            return Err(self.aggregate());
        }
        self.item_end(&[
            "letter",
            "digit",
            "\"-\"",
            "\"->>\"",
            "\"->\"",
            "\"::\"",
            "\".\"",
            "\")\"",
            "\",\"",
            "end of input",
        ])?;
        Ok(SelectColumn { alias, field: Field { name, path }, cast })
    }

    /// The name of a type goes into the SQL as it is, because `"int"` is no type where `int` is one. A word
    /// must not start with a `$`, which could open a string.
    fn cast(&mut self) -> Result<String, Error> {
        let start = self.cursor.clone();
        let name = self.cursor.take_while(field::is_name_character).trim();
        if name.is_empty() || name.split(' ').any(|word| word.starts_with('$')) {
            return Err(start.error(&["letter or digit"]));
        }
        Ok(name.to_owned())
    }

    /// What stands behind a column and a dot: an aggregate function, or nothing that is known.
    fn aggregate(&self) -> Error {
        const FUNCTIONS: [&str; 5] = ["sum", "avg", "count", "max", "min"];
        let mut behind = self.cursor.clone();
        behind.next();
        let name = behind.clone().take_while(|character| character.is_ascii_lowercase());
        if FUNCTIONS.contains(&name) && behind.rest()[name.len()..].starts_with("()") {
            return ErrorKind::AggregatesNotAllowed.into();
        }
        behind.no_keyword(&FUNCTIONS)
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
        Ok(SelectRelation { alias, relation, hint, is_inner, items })
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
        match item {
            SelectItem::Star => "*".into(),
            SelectItem::Column(column) => {
                let cast = column.cast.as_ref().map_or(String::new(), |cast| format!("::{cast}"));
                format!("{}{}{cast}", alias(&column.alias), field::tests::show(&column.field))
            }
            SelectItem::Relation(relation) => {
                let hint = relation.hint.as_ref().map_or(String::new(), |hint| format!("!{hint}"));
                let inner = if relation.is_inner { "!inner" } else { "" };
                format!("{}{}{hint}{inner}[{}]", alias(&relation.alias), relation.relation, show(&relation.items))
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
    fn err_malformed() {
        let at = |shown: &str, column: usize| {
            format!("PGRST100: \"failed to parse select parameter ({shown})\" (line 1, column {column})")
        };
        for (value, column) in [
            ("id,", 4),
            ("id,,name", 4),
            ("id)", 3),
            ("(id)", 1),
            ("clients(id", 11),
            ("clients(id)x", 12),
            ("*id", 2),
            ("id::", 5),
            ("id::$a$", 5),
            ("id::a $b$", 5),
            ("data->", 7),
            ("data->>--34", 9),
            ("data->>-78xy", 11),
            ("\"id", 4),
            ("a:b:c", 4),
            (":", 1),
            ("x:*", 3),
            ("id;drop", 3),
            ("id.foo()", 4),
            ("name!hint", 10),
            ("é(", 3),
        ] {
            check(value, &at(value, column));
        }
    }

    #[test]
    fn err_what_is_not_offered() {
        check("count()", "PGRST123: Use of aggregate functions is not allowed");
        check("id.sum()", "PGRST123: Use of aggregate functions is not allowed");
        check("...clients(*)", "PGRST127: Feature not implemented");
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
