//! Execution plans: what `EXPLAIN` says of a statement instead of what the statement gives.
//!
//! `EXPLAIN` is no part of a query and gives a row for each line, so it takes statements of its own, which still travel
//! in the same batch: the first builds it, with the values quoted by Postgres itself; the second, a block of PL/pgSQL,
//! runs it and leaves what it says in a setting until the end of the transaction; the third reads that.

use ::sql::Statement;

use super::condition;
use super::sql::Sql;
use crate::api_request::Explain;

const RUN: &str = "DO $$DECLARE line text; answer text := ''; BEGIN \
                   FOR line IN EXECUTE pg_catalog.current_setting('headland.query') LOOP \
                   answer := answer || line || E'\\n'; END LOOP; \
                   PERFORM pg_catalog.set_config('headland.plan', answer, true); \
                   END$$";
const READ: &str = "SELECT pg_catalog.current_setting('headland.plan') AS body";

/// The statements whose answer is the plan of `query`.
pub(super) fn statements(explain: &Explain, query: Sql) -> [Statement; 3] {
    let mut options = String::from(if explain.is_json { "FORMAT JSON" } else { "FORMAT TEXT" });
    for option in explain.options() {
        options += ", ";
        options += option;
    }
    let constant = |text: &str| Statement { text: text.to_owned(), parameters: Vec::new() };
    [build(&options, query), constant(RUN), constant(READ)]
}

/// The statement that leaves the EXPLAIN of a query, with the query's values in it, in the setting `headland.query`.
pub(super) fn build(options: &str, query: Sql) -> Statement {
    let (template, values) = query.into_template();
    let mut build = Sql::default();
    build.push("SELECT pg_catalog.set_config('headland.query', pg_catalog.format(");
    build.value(format!("EXPLAIN ({options}) {template}"));
    let values = condition::array(values.iter().map(Option::as_deref));
    build.push(", VARIADIC ").value(values).push("::text[]), true)");
    build.into_statement()
}
