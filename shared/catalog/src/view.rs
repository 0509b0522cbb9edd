//! Which column of a view shows which column of a table.
//!
//! Postgres keeps the parsed query of a view as nested nodes, and with each of the query's target entries the column
//! that it comes from, where it is a bare one. The introspection cuts that text down to an outline:
//!
//! ```text
//! outline = node*
//! node    = "{" (node | mark)* "}"
//! mark    = "#" resno | "@" resorigtbl | "." resorigcol    ; decimal numbers
//! ```
//!
//! The outermost node is the view's query. The nodes directly in it that have a `resno` are its target entries; those
//! further in belong to subqueries. What a target entry comes from may be a column of another view, so the way is
//! followed down to a table. PostgREST finds the same ways, but stops at views outside of its exposed and extra schemas.

use sort::Table;

use crate::introspection::Answer;

/// Most views that may lie on top of each other for a column to be followed.
const VIEW_DEPTH_MAX: usize = 64;

/// A column of a relation: OID and attnum.
type Place = (u32, u16);

/// For one base table, by each of its columns, the columns of the view that show it, in their order.
pub(crate) type Shown = Table<u16, u16>;

/// For each view, what it shows of each base table; base tables in the order in which the view's columns name them.
pub(crate) fn shown(answer: &Answer<'_>) -> Vec<(u32, Vec<(u32, Shown)>)> {
    /// A base table, and its columns with the view's that show them.
    type Tables = Vec<(u32, Vec<(u16, u16)>)>;
    let origins = origins(answer);
    let mut views: Vec<(u32, Tables)> = Vec::new();
    // The columns of one view follow one another.
    for &((view, column), _) in origins.iter() {
        let Some((table, attnum)) = follow(&origins, (view, column)) else { continue };
        if views.last().is_none_or(|(last, _)| *last != view) {
            views.push((view, Vec::new()));
        }
        let Some((_, tables)) = views.last_mut() else { continue };
        match tables.iter_mut().find(|(oid, _)| *oid == table) {
            Some((_, columns)) => columns.push((attnum, column)),
            None => tables.push((table, vec![(attnum, column)])),
        }
    }
    let shown = |tables: Tables| tables.into_iter().map(|(table, columns)| (table, Shown::new(columns))).collect();
    views.into_iter().map(|(view, tables)| (view, shown(tables))).collect()
}

fn origins(answer: &Answer<'_>) -> Table<Place, Place> {
    let entries = answer.views.iter().flat_map(|view| {
        target_entries(&view.outline).into_iter().map(|entry| ((view.oid, entry.resno), entry.origin))
    });
    Table::new(entries.collect())
}

/// The column of a table that is at the end of the way.
fn follow(origins: &Table<Place, Place>, start: Place) -> Option<Place> {
    let mut place = start;
    for _ in 0..VIEW_DEPTH_MAX {
        match origins.get(&place) {
            Some(next) => place = *next,
            None => return Some(place),
        }
    }
    None
}

#[derive(Debug, PartialEq, Eq)]
struct TargetEntry {
    resno: u16,
    origin: Place,
}

/// The target entries of the outermost query that show a bare column.
fn target_entries(outline: &str) -> Vec<TargetEntry> {
    const TARGET_ENTRY_DEPTH: usize = 2;
    let mut entries = Vec::new();
    let (mut depth, mut resno, mut table) = (0_usize, None, None);
    let mut rest = outline;
    while let Some(mark) = rest.chars().next() {
        rest = &rest[mark.len_utf8()..];
        let digits = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest[..digits].parse::<u32>().ok();
        rest = &rest[digits..];
        match mark {
            '{' => (depth, resno, table) = (depth + 1, None, None),
            '}' => (depth, resno, table) = (depth.saturating_sub(1), None, None),
            _ if depth != TARGET_ENTRY_DEPTH => {}
            '#' => resno = number.and_then(|number| u16::try_from(number).ok()),
            '@' => table = number.filter(|oid| *oid != 0),
            '.' => {
                let column = number.and_then(|number| u16::try_from(number).ok()).filter(|attnum| *attnum != 0);
                if let (Some(resno), Some(table), Some(column)) = (resno, table, column) {
                    entries.push(TargetEntry { resno, origin: (table, column) });
                }
            }
            _ => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(outline: &str, expected: &[(u16, u32, u16)]) {
        let entries = target_entries(outline);
        let found: Vec<_> = entries.iter().map(|entry| (entry.resno, entry.origin.0, entry.origin.1)).collect();
        assert_eq!(found, expected, "{outline}");
    }

    #[test]
    fn ok_only_entries_of_the_outermost_query() {
        check("{{#1@16559.1}{#2@16559.3}}", &[(1, 16559, 1), (2, 16559, 3)]);
        check("{{{{#1@7.1}}}{#1@8.2}}", &[(1, 8, 2)]);
        check("{{{{{#1@7.1}}}#1@0.0}{#2@8.2}}", &[(2, 8, 2)]);
    }

    #[test]
    fn ok_text_that_is_no_outline_yields_nothing() {
        for outline in ["", "}}}", "{{", "{{#@.}}", "{{#99999@1.1}}", "{{#1@99999999999.1}}", "é{{ü#1@1", "{{#1.1}}"]
        {
            check(outline, &[]);
        }
    }

    #[test]
    fn ok_a_circle_is_given_up() {
        let circle = Table::new(vec![((1, 1), (2, 1)), ((2, 1), (1, 1)), ((3, 1), (4, 9))]);
        assert_eq!(follow(&circle, (1, 1)), None);
        assert_eq!(follow(&circle, (3, 1)), Some((4, 9)));
    }
}
