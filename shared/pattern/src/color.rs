//! How many colors each set has.
//!
//! Postgres calls a color what the pattern does not tell apart: in `[a-f]x|[b-z]`, `a` is one, `b` to `f` another. Its
//! automaton has a transition for each color of a set, so many sets that overlap make it large.

use crate::ast::Set;
use crate::class::Class;

/// The number of colors of each set, a bit too high rather than too low.
pub(crate) fn counts(sets: &[Set]) -> Vec<u32> {
    let starts = starts(sets);
    let classes = classes(sets);
    sets.iter().map(|set| count(set, &starts, classes)).collect()
}

fn count(set: &Set, starts: &[u32], classes: usize) -> u32 {
    let is_one_color = set.is_everything() || is_one_character(set);
    if is_one_color {
        return 1;
    }
    let count = starts.iter().filter(|start| may_contain(set, **start)).count();
    // A class cuts what lies between the ranges, and may begin anywhere in it.
    let cut = if set.is_negated || !set.classes.is_empty() { classes } else { 0 };
    u32::try_from(count + cut).unwrap_or(u32::MAX).max(1)
}

/// Whether a character is in the set; any class may hold those beyond ASCII.
fn may_contain(set: &Set, code: u32) -> bool {
    let ascii = u8::try_from(code).ok().filter(u8::is_ascii);
    let in_class =
        |(class, is_negated): &(Class, bool)| ascii.is_some_and(|byte| class.contains_ascii(byte)) != *is_negated;
    let is_any_class = ascii.is_none() && !set.classes.is_empty();
    is_any_class || (set.has_in_range(code) || set.classes.iter().any(in_class)) != set.is_negated
}

fn is_one_character(set: &Set) -> bool {
    !set.is_negated && set.classes.is_empty() && matches!(set.ranges[..], [(first, last)] if first == last)
}

/// Where the characters begin that no range tells apart, in order. Both cases count, as the operator may ignore them.
fn starts(sets: &[Set]) -> Vec<u32> {
    let mut starts = vec![0];
    for (first, last) in sets.iter().flat_map(|set| &set.ranges) {
        for edge in [*first, last.saturating_add(1)] {
            insert(&mut starts, edge);
            if u8::try_from(edge).is_ok_and(|byte| byte.is_ascii_alphabetic()) {
                insert(&mut starts, edge ^ 0x20);
            }
        }
    }
    starts
}

fn insert(sorted: &mut Vec<u32>, number: u32) {
    if let Err(place) = sorted.binary_search(&number) {
        sorted.insert(place, number);
    }
}

/// How many classes there are.
fn classes(sets: &[Set]) -> usize {
    let mut found: Vec<Class> = Vec::new();
    for (class, _) in sets.iter().flat_map(|set| &set.classes) {
        if !found.contains(class) {
            found.push(*class);
        }
    }
    found.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    #[track_caller]
    fn check(pattern: &str, expected: &[u32]) {
        assert_eq!(counts(&parse(pattern).unwrap().sets), expected, "{pattern}");
    }

    #[test]
    fn ok_one_color() {
        check("ab.", &[1, 1, 1]);
        check("[a][[=b=]]", &[1, 1]);
        check("", &[]);
    }

    #[test]
    fn ok_ranges_are_cut() {
        check("[0-9][0-9]", &[1, 1]);
        check("[0-9]5", &[3, 1]);
        check("[0-9][4-6]", &[3, 1]);
        // What comes before `0`, and after `9`.
        check("[^0-9]", &[2]);
        check(r"[^\d]\w", &[3, 2]);
    }
}
