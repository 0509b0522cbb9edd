//! Requests to paste: for the sample those that show something, for another database its first tables.

use anyhow::Context;
use config::Config;
use url::Url;

use super::region::Region;

/// So many tables are looked at, and so many of them suggested.
const TABLES_MAX: usize = 100;
const SUGGESTED_MAX: usize = 3;

/// What the anonymous role may read in the default schema, tables before views.
const TABLES: &str = "
    select c.relname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_roles r on r.rolname = $2
    where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and has_schema_privilege(r.oid, n.oid, 'usage') and has_table_privilege(r.oid, c.oid, 'select')
    order by c.relkind not in ('r', 'p'), c.relname
    limit $3::int";

/// Whether the connected user may become the anonymous role.
const MEMBER: &str = "
    select rolname from pg_catalog.pg_roles where rolname = $1 and pg_has_role(current_user, oid, 'member')";

/// The names of tables that a caller without a token can read; says what is missing if there are none.
pub(crate) async fn tables(region: &Region, config: &Config) -> anyhow::Result<Vec<String>> {
    let Some(role) = &config.db_anon_role else { return Ok(Vec::new()) };
    let schema = config.default_schema();
    if region.query(MEMBER, &[role]).await?.is_empty() {
        tracing::warn!("callers without a token are refused: the database lets us not become the role `{role}`");
        return Ok(Vec::new());
    }
    let rows = region.query(TABLES, &[schema, role, &TABLES_MAX.to_string()]).await?;
    if rows.is_empty() {
        tracing::warn!("there is nothing to read: the role `{role}` has no table in schema `{schema}`");
    }
    rows.into_iter().map(|row| row.into_iter().next().flatten().context("a table without a name")).collect()
}

/// Commands to paste into a shell, given where the edge listens.
pub(crate) fn requests(edge: &Url, tables: &[String], is_sample: bool) -> Vec<String> {
    if is_sample {
        return sample(edge);
    }
    let suggested = tables.iter().take(SUGGESTED_MAX);
    let mut requests: Vec<String> = suggested.map(|table| curl("", edge, table, "limit=3")).collect();
    requests.extend(tables.first().map(|table| curl("-I -H 'Prefer: count=exact' ", edge, table, "limit=1")));
    requests
}

fn sample(edge: &Url) -> Vec<String> {
    let best = "select=title,imdb_rating,director:directors(name)&imdb_rating=gte.8.5&order=imdb_rating.desc";
    let funny =
        "select=title,release_date,genres!inner(name)&genres.name=eq.Comedy&order=us_gross.desc.nullslast&limit=5";
    let spielberg = "select=name,movies(title,release_date)&name=eq.Steven Spielberg&movies.order=release_date";
    vec![
        curl("", edge, "movies", best),
        curl("", edge, "movies", funny),
        curl("", edge, "directors", spielberg),
        curl("-I -H 'Prefer: count=exact' ", edge, "movies", "imdb_rating=lt.3&limit=1"),
    ]
}

fn curl(flags: &str, edge: &Url, table: &str, query: &str) -> String {
    let mut url = edge.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["rest", "v1", table]);
    }
    url.set_query(Some(query));
    // A URL may hold a single quote, a quoted word of the shell may not.
    format!("curl {flags}'{}'", url.as_str().replace('\'', "%27"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: &str, expected: &str) {
        let edge = "http://127.0.0.1:3000".parse().unwrap();
        assert_eq!(requests(&edge, &[table.to_owned()], false)[0], expected);
    }

    #[test]
    fn ok_tables_of_any_name() {
        check("movies", "curl 'http://127.0.0.1:3000/rest/v1/movies?limit=3'");
        check("it's a/b?", "curl 'http://127.0.0.1:3000/rest/v1/it%27s%20a%2Fb%3F?limit=3'");
    }

    #[test]
    fn ok_sample() {
        let edge = "http://127.0.0.1:3000".parse().unwrap();
        let expected = "curl 'http://127.0.0.1:3000/rest/v1/movies?select=title,imdb_rating,director:directors(name)\
                        &imdb_rating=gte.8.5&order=imdb_rating.desc'";
        assert_eq!(requests(&edge, &[], true)[0], expected);
    }
}
