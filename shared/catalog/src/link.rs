//! The relationships of each relation, from legs.
//!
//! Every relationship is a leg forwards, a leg backwards, or one leg of a junction backwards and another one forwards.

use crate::derive::Leg;
use crate::format::within;
use crate::{Error, RELATIONSHIPS_MAX};

/// A relationship of the relation in whose list it stands; numbers are places of legs.
#[derive(Clone, Copy)]
pub(crate) enum Link {
    Forward(usize),
    Inverse(usize),
    Through(usize, usize),
}

/// For each relation its relationships in their order; `keys` has the primary key of each.
pub(crate) fn links(keys: &[Vec<&str>], legs: &[Leg<'_>]) -> Result<Vec<Vec<Link>>, Error> {
    let mut links = vec![Vec::new(); keys.len()];
    let mut of_junction: Vec<Vec<usize>> = vec![Vec::new(); keys.len()];
    for (number, leg) in legs.iter().enumerate() {
        links[leg.source].push(Link::Forward(number));
        links[leg.target].push(Link::Inverse(number));
        if !leg.is_unique && is_within_key(&keys[leg.source], leg) {
            of_junction[leg.source].push(number);
        }
    }
    let mut count = 2 * legs.len();
    for candidates in of_junction.iter().filter(|candidates| candidates.len() > 1) {
        count = count.saturating_add(candidates.len().saturating_mul(candidates.len() - 1));
        within(count, RELATIONSHIPS_MAX, "relationships")?;
        for (from, to) in pairs(candidates).filter(|(from, to)| legs[*from].constraint != legs[*to].constraint) {
            links[legs[from].target].push(Link::Through(from, to));
        }
    }
    for (place, list) in links.iter_mut().enumerate() {
        let mut ranked: Vec<(Rank<'_>, Link)> =
            list.iter().map(|link| (Rank::new(place, *link, legs), *link)).collect();
        sort::sort_by(&mut ranked, &|(one, _), (other, _)| one.cmp(other));
        list.clear();
        list.extend(ranked.into_iter().map(|(_, link)| link));
    }
    Ok(links)
}

/// Whether the foreign key's columns are part of the primary key, as those of a junction must be.
fn is_within_key(key: &[&str], leg: &Leg<'_>) -> bool {
    leg.pairs.iter().all(|(column, _)| key.contains(column))
}

fn pairs(numbers: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    numbers.iter().flat_map(|from| numbers.iter().map(|to| (*from, *to)))
}

/// What relationships are sorted by, which is also the order in which PostgREST lists the candidates of an ambiguous
/// embedding.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank<'a> {
    target: usize,
    is_self: bool,
    cardinality: Cardinality,
    junction: Option<usize>,
    constraints: (&'a str, &'a str),
    columns: Vec<(&'a str, &'a str)>,
    is_parent: bool,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Cardinality {
    OneToMany,
    ManyToOne,
    OneToOne,
    ManyToMany,
}

impl<'a> Rank<'a> {
    fn new(place: usize, link: Link, legs: &[Leg<'a>]) -> Rank<'a> {
        let (target, cardinality, junction, constraints, columns) = match link {
            Link::Forward(number) => {
                let leg = &legs[number];
                let cardinality = if leg.is_unique { Cardinality::OneToOne } else { Cardinality::ManyToOne };
                (leg.target, cardinality, None, (leg.constraint, ""), leg.pairs.clone())
            }
            Link::Inverse(number) => {
                let leg = &legs[number];
                let cardinality = if leg.is_unique { Cardinality::OneToOne } else { Cardinality::OneToMany };
                (leg.source, cardinality, None, (leg.constraint, ""), leg.swapped())
            }
            Link::Through(from, to) => {
                let (from, to) = (&legs[from], &legs[to]);
                let columns = [from.swapped(), to.swapped()].concat();
                (to.target, Cardinality::ManyToMany, Some(from.source), (from.constraint, to.constraint), columns)
            }
        };
        let is_parent = matches!(link, Link::Inverse(_));
        Rank { target, is_self: target == place, cardinality, junction, constraints, columns, is_parent }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Database;
    use crate::{Cardinality, Catalog, ErrorKind, Relationship};

    /// Compares a relation's relationships, one a line.
    #[track_caller]
    fn check(database: &Database, relation: &str, expected: &[&str]) {
        let catalog = database.catalog();
        let relation = catalog.relation("app", relation).expect("the relation is there");
        let found: Vec<String> = relation.relationships().map(|relationship| line(&relationship)).collect();
        assert_eq!(found, expected);
    }

    fn line(relationship: &Relationship<'_>) -> String {
        let pairs = |columns: Vec<(&str, &str)>| {
            columns.iter().map(|(one, other)| format!("{one}={other}")).collect::<Vec<_>>().join(" ")
        };
        let target = relationship.target().name();
        match relationship.cardinality() {
            Cardinality::ManyToOne { constraint, columns } => format!("*:1 {target} {constraint} {}", pairs(columns)),
            Cardinality::OneToMany { constraint, columns } => format!("1:* {target} {constraint} {}", pairs(columns)),
            Cardinality::OneToOne { constraint, columns, is_parent } => {
                format!("1:1 {target} {constraint} {}{}", pairs(columns), if is_parent { " parent" } else { "" })
            }
            Cardinality::ManyToMany {
                junction,
                constraint_source,
                constraint_target,
                columns_source,
                columns_target,
            } => {
                let (source, to) = (pairs(columns_source), pairs(columns_target));
                format!("*:* {target} {}: {constraint_source} {source}, {constraint_target} {to}", junction.name())
            }
        }
    }

    fn films() -> Database {
        Database::new().table("directors", &["*id", "name"]).table("films", &["*id", "director_id"]).foreign_key(
            "films_director",
            "films(director_id)",
            "directors(id)",
        )
    }

    fn cast() -> Database {
        films()
            .table("actors", &["*id"])
            .table("roles", &["*film_id", "*actor_id", "note"])
            .foreign_key("roles_film", "roles(film_id)", "films(id)")
            .foreign_key("roles_actor", "roles(actor_id)", "actors(id)")
    }

    #[test]
    fn ok_many_to_one_and_back() {
        check(&films(), "films", &["*:1 directors films_director director_id=id"]);
        check(&films(), "directors", &["1:* films films_director id=director_id"]);
    }

    #[test]
    fn ok_one_to_one_where_a_key_says_so() {
        let specs =
            films().table("specs", &["*film_id"]).unique_foreign_key("specs_film", "specs(film_id)", "films(id)");
        check(&specs, "specs", &["1:1 films specs_film film_id=id"]);
        check(
            &specs,
            "films",
            &["*:1 directors films_director director_id=id", "1:1 specs specs_film id=film_id parent"],
        );
    }

    #[test]
    fn ok_composite_keys_in_the_order_of_the_foreign_key() {
        let database = Database::new().table("one", &["*a", "*b"]).table("other", &["x", "y"]).foreign_key(
            "fk",
            "other(y,x)",
            "one(b,a)",
        );
        check(&database, "other", &["*:1 one fk y=b x=a"]);
        check(&database, "one", &["1:* other fk b=y a=x"]);
    }

    #[test]
    fn ok_self_relationships_have_both_directions() {
        let tree = Database::new().table("tree", &["*id", "up"]).foreign_key("tree_up", "tree(up)", "tree(id)");
        check(&tree, "tree", &["1:* tree tree_up id=up", "*:1 tree tree_up up=id"]);
        let pairs =
            Database::new().table("pair", &["*id", "twin"]).unique_foreign_key("twin", "pair(twin)", "pair(id)");
        check(&pairs, "pair", &["1:1 pair twin id=twin parent", "1:1 pair twin twin=id"]);
    }

    #[test]
    fn ok_many_to_many_through_a_junction() {
        check(
            &cast(),
            "actors",
            &["*:* films roles: roles_actor id=actor_id, roles_film id=film_id", "1:* roles roles_actor id=actor_id"],
        );
        check(&cast(), "roles", &["*:1 actors roles_actor actor_id=id", "*:1 films roles_film film_id=id"]);
    }

    #[test]
    fn ok_many_to_many_with_itself_has_both_ways() {
        let friends = Database::new()
            .table("people", &["*id"])
            .table("friends", &["*one", "*other"])
            .foreign_key("friends_one", "friends(one)", "people(id)")
            .foreign_key("friends_other", "friends(other)", "people(id)");
        check(
            &friends,
            "people",
            &[
                "1:* friends friends_one id=one",
                "1:* friends friends_other id=other",
                "*:* people friends: friends_one id=one, friends_other id=other",
                "*:* people friends: friends_other id=other, friends_one id=one",
            ],
        );
    }

    #[test]
    fn ok_no_junction_unless_both_foreign_keys_are_within_the_primary_key() {
        let loose = films()
            .table("actors", &["*id"])
            .table("roles", &["*id", "film_id", "actor_id"])
            .foreign_key("roles_film", "roles(film_id)", "films(id)")
            .foreign_key("roles_actor", "roles(actor_id)", "actors(id)");
        check(&loose, "actors", &["1:* roles roles_actor id=actor_id"]);
    }

    #[test]
    fn ok_only_between_what_is_exposed() {
        let hidden = films()
            .table("private.notes", &["*film_id", "*director_id"])
            .foreign_key("notes_film", "private.notes(film_id)", "films(id)")
            .foreign_key("notes_director", "private.notes(director_id)", "directors(id)");
        check(&hidden, "films", &["*:1 directors films_director director_id=id"]);
    }

    #[test]
    fn ok_a_view_stands_for_its_table_at_either_end() {
        let database = films()
            .view("shown_films", &[("id", "films.id"), ("by", "films.director_id"), ("count", "")])
            .view("shown_directors", &[("number", "directors.id")]);
        check(
            &database,
            "shown_films",
            &["*:1 directors films_director by=id", "*:1 shown_directors films_director by=number"],
        );
        check(
            &database,
            "films",
            &["*:1 directors films_director director_id=id", "*:1 shown_directors films_director director_id=number"],
        );
        check(
            &database,
            "shown_directors",
            &["1:* films films_director number=director_id", "1:* shown_films films_director number=by"],
        );
    }

    #[test]
    fn ok_a_view_needs_all_columns_of_a_key() {
        let database = Database::new()
            .table("one", &["*a", "*b"])
            .table("other", &["x", "y"])
            .foreign_key("fk", "other(x,y)", "one(a,b)")
            .view("half", &[("x", "other.x")]);
        check(&database, "half", &[]);
    }

    #[test]
    fn ok_a_view_that_shows_a_column_twice_has_each_way() {
        let database = films().view("twice", &[("one", "films.director_id"), ("two", "films.director_id")]);
        check(&database, "twice", &["*:1 directors films_director one=id", "*:1 directors films_director two=id"]);
    }

    #[test]
    fn ok_views_on_views_and_on_hidden_tables() {
        let database = Database::new()
            .table("directors", &["*id"])
            .table("private.films", &["*id", "director_id"])
            .foreign_key("films_director", "private.films(director_id)", "directors(id)")
            .view("private.inner", &[("film", "private.films.id"), ("director", "private.films.director_id")])
            .view("outer", &[("by", "private.inner.director"), ("id", "private.inner.film")]);
        check(&database, "outer", &["*:1 directors films_director by=id"]);
        let catalog = database.catalog();
        let outer = catalog.relation("app", "outer").unwrap();
        assert_eq!(outer.primary_key().collect::<Vec<_>>(), ["id"]);
    }

    #[test]
    fn ok_a_view_can_be_a_junction() {
        let database = Database::new()
            .table("films", &["*id"])
            .table("actors", &["*id"])
            .table("private.roles", &["*film_id", "*actor_id"])
            .foreign_key("roles_film", "private.roles(film_id)", "films(id)")
            .foreign_key("roles_actor", "private.roles(actor_id)", "actors(id)")
            .view("roles", &[("film", "private.roles.film_id"), ("actor", "private.roles.actor_id")]);
        check(
            &database,
            "films",
            &["*:* actors roles: roles_film id=film, roles_actor id=actor", "1:* roles roles_film id=film"],
        );
    }

    #[track_caller]
    fn too_large(database: &Database, expected: &str) {
        let error = Catalog::from_introspection(database.json().to_string().as_bytes()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        assert!(error.message.contains(expected), "{error}");
    }

    #[test]
    fn err_a_junction_of_too_much() {
        let one = Database::new().table("many", &["*id"]).table("junction", &["*to"]);
        let key = |database: Database, number| database.foreign_key(&format!("fk{number}"), "junction(to)", "many(id)");
        too_large(&(0..2_100).fold(one, key), "relationships, the most is 4194304");
    }

    #[test]
    fn err_a_view_that_shows_a_key_in_too_many_ways() {
        let columns: Vec<(String, String)> = (0..4 * 33)
            .map(|number| (format!("v{number}"), format!("other.{}", ["w", "x", "y", "z"][number % 4])))
            .collect();
        let columns: Vec<(&str, &str)> =
            columns.iter().map(|(name, origin)| (name.as_str(), origin.as_str())).collect();
        let database = Database::new()
            .table("one", &["*a", "*b", "*c", "*d"])
            .table("other", &["w", "x", "y", "z"])
            .foreign_key("fk", "other(w,x,y,z)", "one(a,b,c,d)")
            .view("wide", &columns);
        too_large(&database, "foreign keys, with those through views, the most is 1048576");
    }
}
