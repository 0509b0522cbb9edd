//! What follows from foreign keys, keys and views: primary keys of views, and legs.
//!
//! A leg is a foreign key seen between two exposed relations: the tables themselves, or views that show all of its
//! columns, at either end. What can be walked on legs is link.rs.

use sort::Table;

use crate::format::within;
use crate::introspection::{Answer, ForeignKey};
use crate::link::{Link, links};
use crate::view::{self, Shown};
use crate::{Error, LEGS_MAX};

/// A foreign key between exposed relations, which are known by their places in [`Answer::relations`].
pub(crate) struct Leg<'a> {
    pub(crate) source: usize,
    pub(crate) target: usize,
    pub(crate) constraint: &'a str,
    pub(crate) is_unique: bool,
    /// Names: column of the source, column of the target.
    pub(crate) pairs: Vec<(&'a str, &'a str)>,
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
    places: Table<u32, usize>,
    /// For each base table the exposed views on it: their place, by which they are sorted, and what they show.
    views: Table<u32, (usize, Shown)>,
    /// For each relation, if it is a view, the base tables in the order of their columns in it.
    tables: Vec<Vec<u32>>,
}

impl Appearances {
    fn new(answer: &Answer<'_>) -> Appearances {
        let places = answer.places();
        let mut tables = vec![Vec::new(); answer.relations.len()];
        let mut views = Vec::new();
        for (oid, shown) in view::shown(answer) {
            let Some(&place) = places.get(&oid) else { continue };
            tables[place] = shown.iter().map(|(table, _)| *table).collect();
            views.extend(shown.into_iter().map(|(table, shown)| (table, (place, shown))));
        }
        sort::sort_by(&mut views, &|(_, (one, _)), (_, (other, _))| one.cmp(other));
        Appearances { places, views: Table::new(views), tables }
    }

    /// All exposed relations in which all of a base table's `columns` can be seen, with the columns' attnums there: the
    /// table itself, and each view once for every choice among columns that show the same one.
    fn of(&self, table: u32, columns: &[u16]) -> Vec<(usize, Vec<u16>)> {
        let itself = self.places.get(&table).map(|place| (*place, columns.to_vec()));
        let views = self.views.all(&table);
        let shown = views.flat_map(|(place, shown)| choices(shown, columns).into_iter().map(|choice| (*place, choice)));
        itself.into_iter().chain(shown).collect()
    }
}

/// Every way to name all of `columns` by what shows them; none if one is not shown. At most [`LEGS_MAX`].
fn choices(shown: &Shown, columns: &[u16]) -> Vec<Vec<u16>> {
    columns.iter().fold(vec![Vec::new()], |choices, column| {
        let longer =
            choices.iter().flat_map(|choice| shown.all(column).map(|way| [choice.as_slice(), &[*way]].concat()));
        longer.take(LEGS_MAX + 1).collect()
    })
}

/// Primary keys: a table's own; for a view those of the tables below it that it shows whole, by the first column that
/// shows each.
fn keys<'a>(answer: &'a Answer<'_>, appearances: &Appearances) -> Result<Vec<Vec<&'a str>>, Error> {
    let own = Table::new(answer.keys.iter().map(|(oid, columns)| (*oid, columns.as_slice())).collect());
    let of = |place: usize| -> Vec<u16> {
        if let Some(key) = own.get(&answer.relations[place].oid) {
            return key.to_vec();
        }
        let tables = appearances.tables[place].iter();
        tables.filter_map(|table| shown_key(appearances, place, *table, own.get(table)?)).flatten().collect()
    };
    let names = |place| of(place).into_iter().map(|attnum| answer.column_name(place, attnum)).collect();
    (0..answer.relations.len()).map(names).collect()
}

fn shown_key(appearances: &Appearances, view: usize, table: u32, key: &[u16]) -> Option<Vec<u16>> {
    let (_, shown) = appearances.views.all(&table).find(|(place, _)| *place == view)?;
    key.iter().map(|column| shown.get(column).copied()).collect()
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

impl<'a> Leg<'a> {
    /// The pairs as they are seen from the target.
    pub(crate) fn swapped(&self) -> Vec<(&'a str, &'a str)> {
        self.pairs.iter().map(|(source, target)| (*target, *source)).collect()
    }
}
