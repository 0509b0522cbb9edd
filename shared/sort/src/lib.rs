//! Sorting, for code whose size counts.
//!
//! `slice::sort_by` is compiled once more for each type and each order, and costs 5 to 9 KB of wasm every time, and so do
//! the maps and sets of `std`, which sort too. Here one sort of numbers serves them all. It makes the same comparisons
//! through a pointer and moves every item once.

mod table;

use std::cmp::Ordering;

pub use table::Table;

/// Sorts as `slice::sort_by` does: items that are equal stay in their order.
pub fn sort_by<T>(items: &mut Vec<T>, compare: &dyn Fn(&T, &T) -> Ordering) {
    let order = order(items.len(), &|one, other| compare(&items[one], &items[other]));
    let mut taken: Vec<Option<T>> = std::mem::take(items).into_iter().map(Some).collect();
    items.extend(order.into_iter().filter_map(|place| taken[place].take()));
}

/// Sorts, and leaves one of those that are equal.
pub fn distinct<T: Ord>(items: &mut Vec<T>) {
    sort_by(items, &|one, other| one.cmp(other));
    items.dedup();
}

/// The places 0 to `count`, sorted by what `compare` says of them.
fn order(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by(|one, other| compare(*one, *other).then(one.cmp(other)));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_one_of_each() {
        let mut letters: Vec<_> = "banana".chars().collect();
        distinct(&mut letters);
        assert_eq!(letters, ['a', 'b', 'n']);
    }

    #[test]
    fn ok_sorted_and_stable() {
        let numbers = |count: u32| (0..count).map(|number| (number * 7919 % 13, number)).collect::<Vec<_>>();
        for count in [0, 1, 2, 20, 21, 500] {
            let (mut ours, mut expected) = (numbers(count), numbers(count));
            sort_by(&mut ours, &|(one, _), (other, _)| one.cmp(other));
            expected.sort_by_key(|(number, _)| *number);
            assert_eq!(ours, expected);
        }
    }
}
