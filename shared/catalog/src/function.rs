//! One function that may be called: its parameters, what it returns, and what may be known before it runs.

use std::cmp::Ordering;

use crate::format::{
    Cursor, HAS_VARIADIC, IS_COMPOSITE, IS_REQUIRED, IS_SET, IS_STABLE, IS_VARIADIC, IS_VOLATILE, Section,
};
use crate::{Catalog, Relation};

/// A function of an exposed schema, read in place. Only those are here that PostgREST can call: no procedures,
/// aggregates, window functions and triggers; every parameter has a name, or there is one alone, of the type `json`,
/// `jsonb`, `text`, `bytea` or `xml`.
#[derive(Clone, Copy)]
pub struct Function<'a> {
    catalog: &'a Catalog,
    schema: &'a str,
    name: &'a str,
    flags: u8,
    /// What follows the flags.
    rest: Cursor<'a>,
}

/// What may differ between two calls with the same arguments (`pg_proc.provolatile`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Volatility {
    /// Anything; and it may write.
    Volatile,
    /// Nothing within one statement.
    Stable,
    /// Nothing, ever.
    Immutable,
}

/// A parameter that takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its name, unquoted; empty if it has none.
    pub name: &'a str,
    /// Its type as `format_type` writes it with an empty search path: `integer`, `text[]`, `app.mood`.
    pub data_type: &'a str,
    /// Whether it has no default.
    pub is_required: bool,
    /// Whether it takes any number of values; the type is the array of them.
    pub is_variadic: bool,
}

/// The parts of a record behind the flags; what damaged bytes leave out is empty.
struct Parts<'a> {
    return_schema: u32,
    return_name: u32,
    description: u32,
    parameters: Cursor<'a>,
    columns: Cursor<'a>,
    settings: Cursor<'a>,
}

impl<'a> Function<'a> {
    fn read(catalog: &'a Catalog, mut record: Cursor<'a>) -> Option<Function<'a>> {
        let schema = catalog.string(record.varint()?)?;
        let name = catalog.string(record.varint()?)?;
        let flags = record.byte()?;
        Some(Function { catalog, schema, name, flags, rest: record })
    }

    /// The schema's name, unquoted.
    pub fn schema(&self) -> &'a str {
        self.schema
    }

    /// The function's name, unquoted; others may have the same.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Schema and name.
    pub fn full_name(&self) -> (&'a str, &'a str) {
        (self.schema, self.name)
    }

    /// Whether it may write, and how long a result is good.
    pub fn volatility(&self) -> Volatility {
        match self.flags & (IS_STABLE | IS_VOLATILE) {
            0 => Volatility::Immutable,
            IS_STABLE => Volatility::Stable,
            _ => Volatility::Volatile,
        }
    }

    /// Whether it returns any number of rows (`SETOF`, `TABLE`).
    pub fn returns_set(&self) -> bool {
        self.flags & IS_SET != 0
    }

    /// Whether a row has columns: a row type, or parameters that take results out (`TABLE`, `OUT`, `INOUT`).
    pub fn returns_composite(&self) -> bool {
        self.flags & IS_COMPOSITE != 0
    }

    /// Whether it returns nothing.
    pub fn returns_void(&self) -> bool {
        self.return_type() == ("pg_catalog", "void") && !self.returns_set() && !self.returns_composite()
    }

    /// Schema and name of the type that it returns, or returns a set of; domains are looked through. Where results are
    /// taken out by parameters that is `pg_catalog.record`, or the type of the only one.
    pub fn return_type(&self) -> (&'a str, &'a str) {
        let parts = self.parts();
        let name = |at| self.catalog.string(at).unwrap_or_default();
        (name(parts.return_schema), name(parts.return_name))
    }

    /// The exposed relation whose rows it returns. As PostgREST has it, that is the one with the name of the row type in
    /// the function's own schema, so a view may stand there for a table of a schema that is not exposed.
    pub fn returned_relation(&self) -> Option<Relation<'a>> {
        let (_, name) = self.return_type();
        self.returns_composite().then(|| self.catalog.relation(self.schema, name)).flatten()
    }

    /// The columns that `TABLE`, `OUT` and `INOUT` name, with their types; empty where the type says it.
    pub fn returned_columns(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.texts(self.parts().columns)
    }

    /// The parameters in their order.
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters { catalog: self.catalog, rest: self.parts().parameters }
    }

    /// Whether the last parameter takes any number of values.
    pub fn has_variadic(&self) -> bool {
        self.flags & HAS_VARIADIC != 0
    }

    /// The function's comment.
    pub fn description(&self) -> Option<&'a str> {
        self.catalog.optional_string(self.parts().description)
    }

    /// What `ALTER FUNCTION … SET` has set for the time that it runs: names and values.
    pub fn settings(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.texts(self.parts().settings)
    }

    fn texts(&self, mut rest: Cursor<'a>) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        let catalog = self.catalog;
        std::iter::from_fn(move || Some((catalog.string(rest.varint()?)?, catalog.string(rest.varint()?)?)))
    }

    fn parts(&self) -> Parts<'a> {
        let rest = &mut { self.rest };
        Parts {
            return_schema: rest.varint().unwrap_or_default(),
            return_name: rest.varint().unwrap_or_default(),
            description: rest.varint().unwrap_or_default(),
            parameters: rest.block().unwrap_or(Cursor::EMPTY),
            columns: rest.block().unwrap_or(Cursor::EMPTY),
            settings: rest.block().unwrap_or(Cursor::EMPTY),
        }
    }
}

/// The name with its parameters, as PostgREST's messages have it.
impl std::fmt::Debug for Function<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}(", self.schema, self.name)?;
        for (place, parameter) in self.parameters().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{} => {}", parameter.name, parameter.data_type)?;
        }
        write!(f, ")")
    }
}

/// A function's parameters.
#[derive(Clone)]
pub struct Parameters<'a> {
    catalog: &'a Catalog,
    rest: Cursor<'a>,
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Parameter<'a>;

    fn next(&mut self) -> Option<Parameter<'a>> {
        let name = self.catalog.string(self.rest.varint()?)?;
        let data_type = self.catalog.string(self.rest.varint()?)?;
        let flags = self.rest.byte()?;
        let (is_required, is_variadic) = (flags & IS_REQUIRED != 0, flags & IS_VARIADIC != 0);
        Some(Parameter { name, data_type, is_required, is_variadic })
    }
}

/// Functions in the order of the index.
#[derive(Clone)]
pub struct Functions<'a> {
    catalog: &'a Catalog,
    next: u32,
    end: u32,
}

impl<'a> Iterator for Functions<'a> {
    type Item = Function<'a>;

    fn next(&mut self) -> Option<Function<'a>> {
        if self.next >= self.end {
            return None;
        }
        self.next += 1;
        self.catalog.function_at(self.next - 1)
    }
}

impl Catalog {
    /// The functions of that name, both parts compared exactly; those with fewer parameters come first. Found by binary
    /// search.
    pub fn function(&self, schema: &str, name: &str) -> Functions<'_> {
        self.functions_where(|function| function.full_name().cmp(&(schema, name)))
    }

    /// The functions of one schema, sorted by name; found by binary search.
    pub fn functions_in(&self, schema: &str) -> Functions<'_> {
        self.functions_where(|function| function.schema().cmp(schema))
    }

    /// All functions, sorted by schema and then name, bytewise.
    pub fn functions(&self) -> Functions<'_> {
        self.functions_where(|_| Ordering::Equal)
    }

    /// Those that lie together where `order` says that they are equal to what is looked for.
    fn functions_where(&self, order: impl Fn(Function<'_>) -> Ordering) -> Functions<'_> {
        let next = self.function_partition(|function| order(function) == Ordering::Less);
        let end = self.function_partition(|function| order(function) != Ordering::Greater);
        Functions { catalog: self, next, end }
    }

    fn function_at(&self, place: u32) -> Option<Function<'_>> {
        Function::read(self, self.indexed(Section::FunctionIndex, Section::Functions, place)?)
    }

    fn function_partition(&self, before: impl Fn(Function<'_>) -> bool) -> u32 {
        self.partition(Section::FunctionIndex, |place| self.function_at(place).is_some_and(&before))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::Database;

    fn functions() -> Catalog {
        Database::new()
            .table("films", &["*id"])
            .function(json!(["app", "search", "app", "films", 6, "Finds", [["a", "text", 0]]]))
            .function(json!([
                "app",
                "search",
                "pg_catalog",
                "int4",
                9,
                null,
                [["a", "text", 1], ["rest", "integer[]", 2]]
            ]))
            .function(json!(["app", "search", "pg_catalog", "void", 8, null, [], [], [["statement_timeout", "5s"]]]))
            .function(json!(["app", "sea", "pg_catalog", "record", 2, null, [], [["x", "jsonb"], ["y", "date"]]]))
            .catalog()
    }

    #[test]
    fn ok_lookup_by_exact_name_fewest_parameters_first() {
        let catalog = functions();
        let shown = |functions: Functions<'_>| functions.map(|one| format!("{one:?}")).collect::<Vec<_>>();
        let overloads =
            ["app.search()", "app.search(a => text)", "app.search(a => text, rest => integer[])"].map(str::to_owned);
        assert_eq!(shown(catalog.function("app", "search")), overloads);
        assert_eq!(shown(catalog.functions_in("app"))[1..], overloads);
        assert_eq!(catalog.functions().count(), 4);
        for (schema, name) in [("app", "searc"), ("app", "Search"), ("", "search"), ("z", "z")] {
            assert_eq!(catalog.function(schema, name).count(), 0, "{schema}.{name}");
        }
    }

    #[test]
    fn ok_everything_about_a_function() {
        let catalog = functions();
        let [none, one, two] = catalog.function("app", "search").collect::<Vec<_>>().try_into().unwrap();
        assert!(none.returns_void() && !one.returns_void());
        assert_eq!(none.settings().collect::<Vec<_>>(), [("statement_timeout", "5s")]);
        assert_eq!(none.volatility(), Volatility::Volatile);
        assert_eq!(one.returned_relation().map(|relation| relation.name()), Some("films"));
        assert_eq!((one.description(), one.volatility()), (Some("Finds"), Volatility::Immutable));
        assert!(one.returns_set() && !one.parameters().next().unwrap().is_required);
        assert_eq!((two.returned_relation(), two.return_type()), (None, ("pg_catalog", "int4")));
        assert!(two.has_variadic() && two.parameters().last().unwrap().is_variadic);
        let table = catalog.function("app", "sea").next().unwrap();
        assert_eq!(table.returned_columns().collect::<Vec<_>>(), [("x", "jsonb"), ("y", "date")]);
        assert!(table.returns_composite() && !table.returns_set());
    }
}
