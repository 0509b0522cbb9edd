//! The SQL: one statement whose single row is the whole answer.
//!
//! Its columns: `body` (the rows as JSON or CSV), `total_result_set` (how many rows there are in all, NULL if not
//! asked), `page_total` (how many there are in `body`), `response_headers` and `response_status`, which functions
//! of the database may have set, and `snapshot`, where a read is to tell it. Names are quoted, values are parameters whose types Postgres infers.

mod answer;
mod call;
mod condition;
mod count;
mod estimate;
mod explain;
mod fragment;
mod mutate;
mod openapi;
mod payload;
mod precondition;
mod read;
mod refusal;
mod rows;
mod settings;
mod sql;

use ::sql::Statement;
use catalog::Catalog;
use config::{Config, FunctionName};

pub(crate) use self::mutate::key_column;
use self::sql::Sql;
use crate::api_request::{ApiRequest, Transaction};
use crate::caller::Caller;
use crate::plan::Plan;

/// Compiles a plan: what is run in one transaction, in this order. The last statement that gives a row gives the answer.
///
/// First come the settings, then the call of `db-pre-request`, then what `count` needs to know of the planner, or what has to hold
/// before a write, then the statement that does the work, then `ROLLBACK` where nothing is to stay.
pub fn statements(
    request: &ApiRequest,
    plan: &Plan<'_>,
    caller: &Caller<'_>,
    catalog: &Catalog,
    config: &Config,
) -> Vec<Statement> {
    let mut statements = vec![settings::settings(request, plan, caller, catalog, config)];
    statements.extend(pre_request(config));
    let mut sql = Sql::default();
    match plan {
        Plan::Read(plan) => {
            statements.extend(estimate::estimate(request, plan));
            read::write(&mut sql, request, plan);
        }
        Plan::Call(plan) => call::write(&mut sql, request, plan),
        Plan::Mutate(plan) => {
            statements.extend(precondition::statement(request, plan));
            mutate::write(&mut sql, request, plan);
        }
        Plan::Inspect => {
            statements.extend(openapi::statements(request, catalog, config));
            return statements;
        }
    }
    match &request.explain {
        Some(explain) => statements.extend(explain::statements(explain, sql)),
        None => statements.push(sql.into_statement()),
    }
    if !plan.is_read_only() && rolls_back(request, config) {
        // What is checked at the end of a transaction is refused here too.
        statements.extend(["SET CONSTRAINTS ALL IMMEDIATE", "ROLLBACK"].map(bare));
    }
    statements
}

/// The call of `db-pre-request`: its result is of no interest, only what it sets or raises.
fn pre_request(config: &Config) -> Option<Statement> {
    let FunctionName { schema, name } = config.db_pre_request.as_ref()?;
    let mut sql = Sql::default();
    sql.push("SELECT ");
    if let Some(schema) = schema {
        sql.name(schema).push(".");
    }
    sql.name(name).push("()");
    Some(sql.into_statement())
}

fn rolls_back(request: &ApiRequest, config: &Config) -> bool {
    match request.preferences.transaction {
        Some(Transaction::Commit) => false,
        Some(Transaction::Rollback) => true,
        None => config.db_tx_end.rolls_back,
    }
}

fn bare(text: &str) -> Statement {
    Statement { text: text.to_owned(), parameters: Vec::new() }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod values;
