//! What follows from foreign keys, keys and views: legs, primary keys of views, relationships.
//!
//! A leg is a foreign key seen between two exposed relations: the tables themselves, or views that show all of its
//! columns, at either end. Every relationship is a leg forwards, a leg backwards, or two legs of one junction.

use std::collections::HashMap;

use crate::format::within;
use crate::introspection::{Answer, ForeignKey};
use crate::view::{self, Shown};
use crate::{Error, LEGS_MAX, RELATIONSHIPS_MAX};

/// A foreign key between exposed relations, which are known by their places in [`Answer::relations`].
pub(crate) struct Leg<'a> {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) constraint: &'a str,
    pub(crate) is_unique: bool,
    /// Names: column of the source, column of the target.
    pub(crate) pairs: Vec<(&'a str, &'a str)>,
}

/// A relationship of the relation in whose list it stands; numbers are places of legs.
#[derive(Clone, Copy)]
pub(crate) enum Link {
    Forward(usize),
    Inverse(usize),
    Through(usize, usize),
}

/// Everything that is derived.
pub(crate) struct Derived<'a> {
    /// For each relation, the names of its primary key's columns.
    pub(crate) keys: Vec<Vec<&'a str>>,
    pub(crate) legs: Vec<Leg<'a>>,
    /// For each relation, its relationships in their order.
    pub(crate) links: Vec<Vec<Link>>,
}

/// Derives all of it.
pub(crate) fn derive<'a>(answer: &'a Answer<'_>) -> Result<Derived<'a>, Error> {
    let appearances = Appearances::new(answer);
    let keys = keys(answer, &appearances)?;
    let legs = legs(answer, &appearances)?;
    let links = links(&keys, &legs)?;
    Ok(Derived { keys, legs, links })
}

/// Where base tables appear among the exposed relations.
struct Appearances {
    /// The place of each exposed relation, by OID.
    places: HashMap<u32, usize>,
    /// For each base table the exposed views on it: their place, and what they show.
    views: HashMap<u32, Vec<(usize, Shown)>>,
    /// For each exposed view the base tables in the order of their columns in it.
    tables: HashMap<usize, Vec<u32>>,
}

impl Appearances {
    fn new(answer: &Answer<'_>) -> Appearances {
        let places = answer.relations.iter().enumerate().map(|(place, relation)| (relation.oid, place)).collect();
        let mut appearances = Appearances { places, views: HashMap::new(), tables: HashMap::new() };
        for (oid, tables) in view::shown(answer) {
            let Some(&place) = appearances.places.get(&oid) else { continue };
            appearances.tables.insert(place, tables.iter().map(|(table, _)| *table).collect());
            for (table, shown) in tables {
                appearances.views.entry(table).or_default().push((place, shown));
            }
        }
        appearances.views.values_mut().for_each(|views| views.sort_by_key(|(place, _)| *place));
        appearances
    }

    /// All exposed relations in which all of a base table's `columns` can be seen, with the columns' attnums there: the
    /// table itself, and each view once for every choice among columns that show the same one.
    fn of(&self, table: u32, columns: &[u16]) -> Vec<(usize, Vec<u16>)> {
        let itself = self.places.get(&table).map(|place| (*place, columns.to_vec()));
        let views = self.views.get(&table).into_iter().flatten();
        let shown = views.flat_map(|(place, shown)| choices(shown, columns).into_iter().map(|choice| (*place, choice)));
        itself.into_iter().chain(shown).collect()
    }
}

/// Every way to name all of `columns` by what shows them; none if one is not shown. At most [`LEGS_MAX`].
fn choices(shown: &Shown, columns: &[u16]) -> Vec<Vec<u16>> {
    columns.iter().fold(vec![Vec::new()], |choices, column| {
        let ways = shown.get(column).map_or(&[][..], Vec::as_slice);
        let longer = choices.iter().flat_map(|choice| ways.iter().map(|way| [choice.as_slice(), &[*way]].concat()));
        longer.take(LEGS_MAX + 1).collect()
    })
}

/// Primary keys: a table's own; for a view those of the tables below it that it shows whole, by the first column that
/// shows each.
fn keys<'a>(answer: &'a Answer<'_>, appearances: &Appearances) -> Result<Vec<Vec<&'a str>>, Error> {
    let own: HashMap<u32, &[u16]> = answer.keys.iter().map(|(oid, columns)| (*oid, columns.as_slice())).collect();
    let of = |place: usize| -> Vec<u16> {
        if let Some(key) = own.get(&answer.relations[place].oid) {
            return key.to_vec();
        }
        let tables = appearances.tables.get(&place).into_iter().flatten();
        tables.filter_map(|table| shown_key(appearances, place, *table, own.get(table)?)).flatten().collect()
    };
    let names = |place| of(place).into_iter().map(|attnum| answer.column_name(place, attnum)).collect();
    (0..answer.relations.len()).map(names).collect()
}

fn shown_key(appearances: &Appearances, view: usize, table: u32, key: &[u16]) -> Option<Vec<u16>> {
    let views = appearances.views.get(&table)?;
    let (_, shown) = views.iter().find(|(place, _)| *place == view)?;
    key.iter().map(|column| shown.get(column)?.first().copied()).collect()
}

fn legs<'a>(answer: &'a Answer<'_>, appearances: &Appearances) -> Result<Vec<Leg<'a>>, Error> {
    let mut legs = Vec::new();
    for key in &answer.foreign_keys {
        let targets = appearances.of(key.target, &key.target_columns);
        for (source, source_columns) in appearances.of(key.source, &key.source_columns) {
            within(legs.len() + targets.len(), LEGS_MAX, "foreign keys, with those through views")?;
            for (target, target_columns) in &targets {
                legs.push(leg(answer, key, (source, &source_columns), (*target, target_columns))?);
            }
        }
    }
    Ok(legs)
}

fn leg<'a>(
    answer: &'a Answer<'_>,
    key: &'a ForeignKey<'_>,
    (source, source_columns): (usize, &[u16]),
    (target, target_columns): (usize, &[u16]),
) -> Result<Leg<'a>, Error> {
    let pair = |(from, to): (&u16, &u16)| Ok((answer.column_name(source, *from)?, answer.column_name(target, *to)?));
    let pairs = source_columns.iter().zip(target_columns).map(pair).collect::<Result<_, Error>>()?;
    Ok(Leg { source, target, constraint: &key.name, is_unique: key.is_unique, pairs })
}

fn links(keys: &[Vec<&str>], legs: &[Leg<'_>]) -> Result<Vec<Vec<Link>>, Error> {
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
        count += candidates.len() * (candidates.len() - 1);
        within(count, RELATIONSHIPS_MAX, "relationships")?;
        for (from, to) in pairs(candidates).filter(|(from, to)| legs[*from].constraint != legs[*to].constraint) {
            links[legs[from].target].push(Link::Through(from, to));
        }
    }
    for (place, list) in links.iter_mut().enumerate() {
        list.sort_by_cached_key(|link| Rank::new(place, *link, legs));
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

impl<'a> Leg<'a> {
    fn swapped(&self) -> Vec<(&'a str, &'a str)> {
        self.pairs.iter().map(|(source, target)| (*target, *source)).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Database;
    use crate::{Cardinality, Relationship};

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
}
