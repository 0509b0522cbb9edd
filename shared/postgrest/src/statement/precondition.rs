//! `If-Match` (RFC 9110 §13.1.1): a statement before that of the write, which fails where it does not hold.
//!
//! Both see the same, as their transaction is repeatable read; if somebody writes the rows meanwhile, the write fails
//! (`Plan::isolation`, `Error::of_statement`). PUT looks once more: its row may be gone, and nothing keeps it from making another
//! (`refusal.rs`).

use sql::Statement;

use super::sql::Sql;
use super::{answer, condition, read, refusal};
use crate::api_request::{ApiRequest, IfMatch};
use crate::plan::{MutatePlan, ReadPlan};

/// The statement, where there is something to look at.
pub(super) fn statement(request: &ApiRequest, plan: &MutatePlan<'_>) -> Option<Statement> {
    let (current, wanted) = (plan.current.as_ref()?, request.if_match.as_ref()?);
    let mut sql = Sql::default();
    let total = read::source(&mut sql, request, current);
    sql.push(" SELECT CASE WHEN ");
    match wanted {
        IfMatch::Any => _ = sql.push(refusal::COUNT).push(" = 0"),
        IfMatch::Tags(tags) => {
            sql.push("(");
            entity_tag(&mut sql, request, current, &total);
            let tags = condition::array(tags.iter().map(|tag| Some(tag.as_str())));
            sql.push(" = ANY (").value(tags).push("::text[])) IS NOT TRUE");
        }
    }
    refusal::refuse(&mut sql, "precondition", refusal::COUNT);
    sql.push(" END FROM pgrst_source AS page");
    Some(sql.into_statement())
}

/// What `cache::entity_tag` makes of the response to the GET, without the quotes.
fn entity_tag(sql: &mut Sql, request: &ApiRequest, plan: &ReadPlan<'_>, total: &str) {
    let offset = request.range.offset.to_string();
    sql.push("pg_catalog.encode(pg_catalog.substr(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.concat(");
    sql.value(request.media_type.content_type()).push("::text, E'\\n', ");
    sql.push("CASE WHEN pg_catalog.count(*) = 0 THEN '*' ELSE pg_catalog.concat(")
        .value(&*offset)
        .push("::bigint, '-', ");
    sql.value(offset).push("::bigint + pg_catalog.count(*) - 1) END, '/', coalesce((");
    sql.push(total).push(")::text, '*'), E'\\n', ").push(&answer::body(request, plan, answer::Shape::Rows));
    sql.push("), 'UTF8')), 1, 16), 'hex')");
}

#[cfg(test)]
mod tests {
    use http::Method;
    use sql::Statement;

    use crate::testing::{READER, catalog, config, sent};
    use crate::{plan, statements};

    /// The statements after the settings.
    fn compiled(request: &str, headers: &[(&str, &str)], body: &str) -> Vec<Statement> {
        let (method, url) = request.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let request = sent(method, url, headers, body).unwrap();
        let (catalog, config) = (catalog(), config());
        let plan = plan(&request, &catalog, &config).unwrap();
        statements(&request, &plan, &READER, &catalog, &config).split_off(1)
    }

    #[track_caller]
    fn check(url: &str, headers: &[(&str, &str)], expected: &str, parameters: &[&str]) {
        let body = r#"{"name": "x"}"#;
        let [first, write] = &compiled(&format!("PATCH {url}"), headers, body)[..] else { panic!("two statements") };
        assert_eq!(first.text.replace("pg_catalog.", ""), expected);
        assert_eq!(first.parameters.iter().flatten().collect::<Vec<_>>(), parameters);
        // The write itself is what it is without.
        let others: Vec<_> = headers.iter().filter(|(name, _)| *name != "if-match").copied().collect();
        assert_eq!(compiled(&format!("PATCH {url}"), &others, body), std::slice::from_ref(write));
    }

    #[test]
    fn ok_if_match() {
        check(
            "actors?id=eq.1&select=name",
            &[("if-match", "*")],
            "WITH pgrst_source AS (SELECT \"cinema\".\"actors\".\"name\" FROM \"cinema\".\"actors\" WHERE \"cinema\".\"actors\".\"id\" = $1) \
             SELECT CASE WHEN count(*) = 0 THEN ('headland:refused:precondition:' || count(*))::bigint END FROM pgrst_source AS page",
            &["1"],
        );
        check(
            "actors?select=id&offset=2",
            &[("if-match", "\"a\", W/\"b\", \"c\"")],
            "WITH pgrst_source AS (SELECT \"cinema\".\"actors\".\"id\" FROM \"cinema\".\"actors\" OFFSET $1) \
             SELECT CASE WHEN (encode(substr(sha256(convert_to(concat($2::text, E'\\n', \
             CASE WHEN count(*) = 0 THEN '*' ELSE concat($3::bigint, '-', $4::bigint + count(*) - 1) END, '/', \
             coalesce((null::bigint)::text, '*'), E'\\n', coalesce(json_agg(page.*), '[]')), 'UTF8')), 1, 16), 'hex') \
             = ANY ($5::text[])) IS NOT TRUE \
             THEN ('headland:refused:precondition:' || count(*))::bigint END FROM pgrst_source AS page",
            &["2", "application/json; charset=utf-8", "2", "2", r#"{"a","c"}"#],
        );
    }

    #[test]
    fn ok_put() {
        let text = |headers: &[(&str, &str)]| {
            let statements = compiled("PUT actors?id=eq.1", headers, r#"{"id": 1, "name": "x"}"#);
            statements.last().unwrap().text.clone()
        };
        let refusal = |holds: &str| {
            format!(
                " WHEN nullif(pg_catalog.current_setting('headland.inserted', true), '') {holds} \
                 THEN ('headland:refused:precondition:' || pg_catalog.count(*))::bigint"
            )
        };
        let plain = text(&[]);
        assert_eq!(text(&[("if-match", "\"a\"")]).replace(&refusal("<> '0'"), ""), plain);
        assert_eq!(text(&[("if-none-match", "*")]).replace(&refusal("= '0'"), ""), plain);
        assert!(!plain.contains("precondition"));
        assert_eq!(compiled("PUT actors?id=eq.1", &[("if-none-match", "*")], r#"{"id": 1}"#).len(), 1);
    }
}
