//! A map that is made at once, and only read afterwards.

use crate::sort_by;

/// Pairs, sorted by key. Looking one up takes as many comparisons as in a search tree. Values of one key stay in the
/// order in which they were given.
#[derive(Debug)]
pub struct Table<K, V>(Vec<(K, V)>);

impl<K: Ord, V> Table<K, V> {
    /// All pairs, in any order.
    pub fn new(mut pairs: Vec<(K, V)>) -> Table<K, V> {
        sort_by(&mut pairs, &|(one, _), (other, _)| one.cmp(other));
        Table(pairs)
    }

    /// The first value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.all(key).next()
    }

    /// The values of a key.
    pub fn all(&self, key: &K) -> impl Iterator<Item = &V> + use<'_, K, V> {
        let start = self.0.partition_point(|(other, _)| other < key);
        let count = self.0[start..].partition_point(|(other, _)| other == key);
        self.0[start..start + count].iter().map(|(_, value)| value)
    }

    /// The pairs, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_values_by_key() {
        let table = Table::new(vec![(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd')]);
        assert_eq!((table.get(&1), table.get(&3), table.get(&4)), (Some(&'b'), Some(&'a'), None));
        assert_eq!(table.all(&3).collect::<String>(), "ac");
        assert_eq!(table.iter().map(|(_, value)| value).collect::<String>(), "bdac");
    }

    #[test]
    fn ok_empty() {
        let table = Table::<u32, ()>::new(vec![]);
        assert_eq!((table.get(&1), table.iter().count()), (None, 0));
    }
}
