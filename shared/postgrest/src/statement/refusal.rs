//! What a write is turned down for after the fact. It has to fail inside of its transaction, which commits before anyone
//! here can look: a text that is no number, marked for `error/refusal.rs`, is cast to one.

use super::mutate::INSERTED;
use super::sql::Sql;
use crate::api_request::{Action, ApiRequest, MediaType};
use crate::error::MARK;
use crate::plan::{MutatePlan, WRITTEN};

/// A header as `response.headers` has it: an object with one member, whose name and value HTTP allows.
macro_rules! header {
    () => {
        concat!(
            r#"\{[ \t\n\r]*"[!#$%&'*+.^_`|~0-9A-Za-z-]+"[ \t\n\r]*:[ \t\n\r]*"#,
            r#""([^"\\\x01-\x1f\x7f]|\\["\\/t]|\\u(?!00[01].|007[fF]|[dD][89a-fA-F]..)[0-9a-fA-F]{4})*"[ \t\n\r]*\}"#
        )
    };
}

/// Whether `response.headers` is no JSON array of such objects. They are a regular language, and a cast to `json` would
/// fail with an error of its own.
const HEADERS_ARE_UNUSABLE: &str = concat!(
    "nullif(pg_catalog.current_setting('response.headers', true), '') !~ $re$^[ \\t\\n\\r]*\\[[ \\t\\n\\r]*(",
    header!(),
    "[ \\t\\n\\r]*(,[ \\t\\n\\r]*",
    header!(),
    "[ \\t\\n\\r]*)*)?\\][ \\t\\n\\r]*$$re$"
);

const STATUS_IS_UNUSABLE: &str =
    "nullif(pg_catalog.current_setting('response.status', true), '') !~ '^ *[1-9][0-9][0-9] *$'";

/// Writes how many rows the answer to a write has, or fails.
pub(super) fn of_write(sql: &mut Sql, request: &ApiRequest, plan: &MutatePlan<'_>) {
    sql.push("CASE");
    // Without this a join that finds nothing to join could end the statement's work before everything is written.
    let may_stop_early = plan.read.root.embeds.iter().any(|embed| embed.select.is_inner);
    if may_stop_early {
        sql.push(" WHEN (SELECT pg_catalog.count(*) FROM ").push(WRITTEN).push(") < 0 THEN 0");
    }
    if request.action == Action::Upsert {
        sql.push(" WHEN pg_catalog.count(*) <> 1");
        refuse(sql, "key", COUNT);
        precondition(sql, request);
    } else {
        singular(sql, request);
    }
    if matches!(request.action, Action::Update | Action::Delete) {
        max_affected(sql, request, "(SELECT pg_catalog.count(*) FROM pgrst_written)");
    }
    settings(sql);
}

/// Writes how many rows the answer to a call has, or fails. One that writes nothing can be refused when it is over.
pub(super) fn of_call(sql: &mut Sql, request: &ApiRequest, is_read_only: bool) {
    if is_read_only && request.preferences.affected_max().is_none() {
        sql.push(COUNT).push(" AS page_total");
        return;
    }
    sql.push("CASE");
    singular(sql, request);
    max_affected(sql, request, COUNT);
    settings(sql);
}

pub(super) const COUNT: &str = "pg_catalog.count(*)";

fn singular(sql: &mut Sql, request: &ApiRequest) {
    if matches!(request.media_type, MediaType::Object { .. }) {
        sql.push(" WHEN pg_catalog.count(*) <> 1");
        refuse(sql, "singular", COUNT);
    }
}

fn max_affected(sql: &mut Sql, request: &ApiRequest, rows: &str) {
    if let Some(most) = request.preferences.affected_max() {
        sql.push(" WHEN ").push(rows).push(" > ").value(most.to_string()).push("::bigint");
        refuse(sql, "max-affected", rows);
    }
}

/// Whether a PUT has made its row: `ON CONFLICT` takes what it finds, and what was there may be gone.
fn precondition(sql: &mut Sql, request: &ApiRequest) {
    for (is_wanted, unwanted) in [(request.if_match.is_some(), " <> '0'"), (request.is_of_new, " = '0'")] {
        if is_wanted {
            sql.push(" WHEN ").push(INSERTED).push(unwanted);
            refuse(sql, "precondition", COUNT);
        }
    }
}

/// What functions of the database set, and cannot be sent.
fn settings(sql: &mut Sql) {
    sql.push(" WHEN ").push(HEADERS_ARE_UNUSABLE);
    refuse(sql, "headers", COUNT);
    sql.push(" WHEN ").push(STATUS_IS_UNUSABLE);
    refuse(sql, "status", COUNT);
    sql.push(" ELSE pg_catalog.count(*) END AS page_total");
}

/// Writes the cast. With a count in it, it is none that the planner could do beforehand.
pub(super) fn refuse(sql: &mut Sql, what: &str, rows: &str) {
    sql.push(" THEN ('").push(MARK).push(what).push(":' || ").push(rows).push(")::bigint");
}
