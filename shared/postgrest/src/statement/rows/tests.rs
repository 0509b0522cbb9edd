//! Spread relations and aggregates: what `select` asks for, and the query for it.

use config::Config;

use crate::plan::Plan;
use crate::statement::sql::Sql;
use crate::testing::{catalog, config, get};
use crate::{ErrorKind, plan};

#[allow(irrefutable_let_patterns, reason = "a read is one plan of several")]
fn compile(url: &str) -> Result<(String, Vec<String>), ErrorKind> {
    let (catalog, config) = (catalog(), Config { db_aggregates_enabled: true, ..config() });
    let request = get(url, &[]).map_err(|error| error.kind)?;
    let Plan::Read(plan) = plan(&request, &catalog, &config).map_err(|error| error.kind)? else {
        panic!("a GET of a relation is a read")
    };
    let mut sql = Sql::default();
    super::select(&mut sql, &plan.root, None);
    let statement = sql.into_statement();
    Ok((statement.text, statement.parameters.into_iter().flatten().collect()))
}

/// Compares the query for the rows, in which a name without blanks or dots has lost its quotes.
#[track_caller]
fn check(url: &str, expected: &str) {
    let (text, _) = compile(url).unwrap();
    let pieces: Vec<&str> = text.split('"').collect();
    let unquoted = pieces.iter().enumerate().map(|(index, piece)| match index % 2 {
        1 if piece.contains(['.', ' ']) => format!("\"{piece}\""),
        _ => (*piece).to_owned(),
    });
    assert_eq!(unquoted.collect::<String>(), expected, "{url}");
}

#[test]
fn ok_spread_to_one_is_its_row() {
    check(
        "films?select=id,...directors(by:name,mentor_id)",
        "SELECT cinema.films.id, \"embed.1\".* FROM cinema.films LEFT JOIN LATERAL (SELECT directors_1.name AS by, \
         directors_1.mentor_id FROM cinema.directors AS directors_1 WHERE directors_1.id = cinema.films.director_id) \
         AS \"embed.1\" ON TRUE",
    );
    check(
        "films?select=id,...directors!inner()",
        "SELECT cinema.films.id FROM cinema.films JOIN LATERAL (SELECT directors_1.* FROM cinema.directors AS \
         directors_1 WHERE directors_1.id = cinema.films.director_id) AS \"embed.1\" ON TRUE",
    );
}

/// The arrays keep the order of the rows.
#[test]
fn ok_spread_to_many_is_a_row_of_arrays() {
    check(
        "directors?select=name,...films(film:title,details->a)&films.order=year&films.limit=2",
        "SELECT cinema.directors.name, \"embed.1\".film, \"embed.1\".a FROM cinema.directors LEFT JOIN LATERAL (SELECT \
         nullif(count(*), 0) AS \"embed.found\", coalesce(json_agg(rows.film), '[]') AS film, \
         coalesce(json_agg(rows.a), '[]') AS a FROM (SELECT films_1.title AS film, films_1.details->$1 AS a FROM \
         cinema.films AS films_1 WHERE films_1.director_id = cinema.directors.id ORDER BY films_1.year LIMIT $2) AS \
         rows) AS \"embed.1\" ON TRUE",
    );
    check(
        "films?select=...roles!inner(*)&roles=not.is.null",
        "SELECT \"embed.1\".film_id, \"embed.1\".actor_id, \"embed.1\".character FROM cinema.films JOIN LATERAL \
         (SELECT nullif(count(*), 0) AS \"embed.found\", coalesce(json_agg(rows.film_id), '[]') AS film_id, \
         coalesce(json_agg(rows.actor_id), '[]') AS actor_id, coalesce(json_agg(rows.character), '[]') AS character \
         FROM (SELECT roles_1.film_id, roles_1.actor_id, roles_1.character FROM cinema.roles AS roles_1 WHERE \
         roles_1.film_id = cinema.films.id) AS rows) AS \"embed.1\" ON \"embed.1\".\"embed.found\" IS NOT NULL WHERE \
         \"embed.1\".\"embed.found\" IS DISTINCT FROM NULL",
    );
}

#[test]
fn ok_spread_inside_of_a_spread() {
    check(
        "directors?select=...films(title,...posters(url),roles(character))",
        "SELECT \"embed.1\".title, \"embed.1\".url, \"embed.1\".roles FROM cinema.directors LEFT JOIN LATERAL (SELECT \
         nullif(count(*), 0) AS \"embed.found\", coalesce(json_agg(rows.title), '[]') AS title, \
         coalesce(json_agg(rows.url), '[]') AS url, coalesce(json_agg(rows.roles), '[]') AS roles FROM (SELECT \
         films_1.title, \"embed.2\".url, coalesce(\"embed.3\".body, '[]') AS roles FROM cinema.films AS films_1 LEFT \
         JOIN LATERAL (SELECT posters_2.url FROM cinema.posters AS posters_2 WHERE posters_2.film_id = films_1.id) AS \
         \"embed.2\" ON TRUE LEFT JOIN LATERAL (SELECT json_agg(rows.*) AS body FROM (SELECT roles_2.character FROM \
         cinema.roles AS roles_2 WHERE roles_2.film_id = films_1.id) AS rows) AS \"embed.3\" ON TRUE WHERE \
         films_1.director_id = cinema.directors.id) AS rows) AS \"embed.1\" ON TRUE",
    );
}

#[test]
fn ok_aggregates() {
    check("films?select=count()", "SELECT count(*) FROM cinema.films");
    check(
        "films?select=n:count()::text,year::int.max()::text,last:year.min()",
        "SELECT CAST(count(*) AS text) AS n, CAST(max(CAST(cinema.films.year AS int)) AS text), \
         min(cinema.films.year) AS last FROM cinema.films",
    );
}

#[test]
fn ok_what_is_no_aggregate_groups() {
    check(
        "films?select=year,rating.avg(),a:details->a&year=gt.1&order=year",
        "SELECT cinema.films.year, avg(cinema.films.rating), cinema.films.details->$1 AS a FROM cinema.films WHERE \
         cinema.films.year > $2 GROUP BY 1, 3 ORDER BY cinema.films.year",
    );
    check(
        "posters?select=*,count(),films(title)",
        "SELECT cinema.posters.film_id, cinema.posters.url, count(*), row_to_json(\"embed.1\".*)::jsonb AS films FROM \
         cinema.posters LEFT JOIN LATERAL (SELECT films_1.title FROM cinema.films AS films_1 WHERE films_1.id = \
         cinema.posters.film_id) AS \"embed.1\" ON TRUE GROUP BY 1, 2, 4",
    );
}

#[test]
fn ok_aggregates_of_an_embedded_relation_are_its_own() {
    check(
        "directors?select=name,films(count(),year)",
        "SELECT cinema.directors.name, coalesce(\"embed.1\".body, '[]') AS films FROM cinema.directors LEFT JOIN \
         LATERAL (SELECT json_agg(rows.*) AS body FROM (SELECT count(*), films_1.year FROM cinema.films AS films_1 \
         WHERE films_1.director_id = cinema.directors.id GROUP BY 2) AS rows) AS \"embed.1\" ON TRUE",
    );
}

#[test]
fn ok_aggregates_of_a_spread_relation_are_computed_around_it() {
    check(
        "posters?select=...films(year,...directors(n:count(),id.sum()::text))",
        "SELECT \"embed.1\".year, count(\"embed.1\".\"aggregate.1\") AS n, \
         CAST(sum(\"embed.1\".\"aggregate.2\") AS text) AS sum FROM cinema.posters LEFT JOIN LATERAL (SELECT \
         films_1.year, \"embed.2\".\"aggregate.1\", \"embed.2\".\"aggregate.2\" FROM cinema.films AS films_1 LEFT JOIN \
         LATERAL (SELECT 1 AS \"aggregate.1\", directors_2.id AS \"aggregate.2\" FROM cinema.directors AS directors_2 \
         WHERE directors_2.id = films_1.director_id) AS \"embed.2\" ON TRUE WHERE films_1.id = cinema.posters.film_id) \
         AS \"embed.1\" ON TRUE GROUP BY 1",
    );
}

#[test]
fn err_aggregates_of_a_spread_relation_of_many() {
    let refused = |url: &str| assert!(matches!(compile(url), Err(ErrorKind::NotImplemented { .. })), "{url}");
    refused("directors?select=...films(count())");
    refused("directors?select=...films(year.max())");
    refused("directors?select=...films(...posters(count()))");
}

#[test]
fn err_aggregates_that_are_not_allowed() {
    for select in ["count()", "year.sum()", "directors(count())", "...directors(id.max())", "actors(...roles(count()))"]
    {
        let request = get(&format!("films?select={select}"), &[]).unwrap();
        assert_eq!(
            plan(&request, &catalog(), &config()).unwrap_err().kind,
            ErrorKind::AggregatesNotAllowed,
            "{select}"
        );
    }
}

#[test]
fn ok_a_function_of_the_row_is_embedded() {
    check(
        "films?select=maker(name),s:stars!inner(director_of:id)&s.id=gt.1",
        "SELECT row_to_json(\"embed.1\".*) AS maker, coalesce(\"embed.2\".body, '[]') AS s FROM cinema.films \
         LEFT JOIN LATERAL (SELECT directors_1.name FROM cinema.maker((cinema.films.*)::cinema.films) AS directors_1) \
         AS \"embed.1\" ON TRUE JOIN LATERAL (SELECT json_agg(rows.*) AS body FROM (SELECT actors_1.id AS director_of \
         FROM cinema.stars((cinema.films.*)::cinema.films) AS actors_1 WHERE actors_1.id > $1) AS rows) AS \"embed.2\" \
         ON \"embed.2\".body IS NOT NULL",
    );
}

#[test]
fn ok_domains_are_shown_and_read_by_functions() {
    check(
        "swatches?shade=gt.1&shade=not.in.(1,2)&shade=lt(all).{3}&shade=like.4&shade=isdistinct.5",
        "SELECT cinema.swatches.id, cinema.shown(cinema.swatches.shade) AS shade, cinema.swatches.film_id FROM \
         cinema.swatches WHERE cinema.swatches.shade > cinema.\"shade 100%\"($1::text) AND NOT cinema.swatches.shade = \
         ANY (SELECT cinema.\"shade 100%\"(pg_catalog.unnest($2::text[]))) AND cinema.swatches.shade < ALL (SELECT \
         cinema.\"shade 100%\"(pg_catalog.unnest($3::text[]))) AND cinema.swatches.shade LIKE $4 AND \
         cinema.swatches.shade IS DISTINCT FROM $5",
    );
    check(
        "swatches?select=s:shade::text,shade->a,shade.max(),id.count()&order=shade",
        "SELECT CAST(cinema.shown(cinema.swatches.shade) AS text) AS s, to_jsonb(cinema.swatches.shade)->$1 AS a, \
         max(cinema.swatches.shade), count(cinema.swatches.id) FROM cinema.swatches GROUP BY 1, 2 ORDER BY \
         cinema.swatches.shade",
    );
    check(
        "swatches?select=shade,id.count()",
        "SELECT cinema.shown(cinema.swatches.shade)::jsonb AS shade, count(cinema.swatches.id) FROM cinema.swatches GROUP BY 1",
    );
}
