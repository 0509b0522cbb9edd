//! Small JSON objects.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

/// The members of an object, in their order, for objects that are so small that looking through them is no search. Of
/// those with one name the last counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members<V>(Vec<(String, V)>);

impl<V> Members<V> {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<V> {
        let place = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(place).1)
    }

    /// The members.
    pub fn iter(&self) -> impl Iterator<Item = &(String, V)> {
        self.0.iter()
    }

    fn insert(&mut self, name: String, value: V) {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }
}

impl<V> Default for Members<V> {
    fn default() -> Members<V> {
        Members(Vec::new())
    }
}

impl<V> FromIterator<(String, V)> for Members<V> {
    fn from_iter<I: IntoIterator<Item = (String, V)>>(members: I) -> Members<V> {
        let mut whole = Members::default();
        members.into_iter().for_each(|(name, value)| whole.insert(name, value));
        whole
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Members<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<V>, D::Error> {
        struct Reader<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de>> Visitor<'de> for Reader<V> {
            type Value = Members<V>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<V>, A::Error> {
                let mut members = Members::default();
                while let Some((name, value)) = map.next_entry()? {
                    members.insert(name, value);
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Reader(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_members_in_order_the_last_of_two_counts() {
        let members: Members<u8> = serde_json::from_str(r#"{"b":1,"a":2,"b":3}"#).unwrap();
        assert_eq!(members.iter().cloned().collect::<Vec<_>>(), [("b".to_owned(), 3), ("a".to_owned(), 2)]);
        assert_eq!((members.get("a"), members.get("c")), (Some(&2), None));
    }

    #[test]
    fn err_no_object() {
        for text in ["[]", "1", "{\"a\":\"1\"}", "{"] {
            assert!(serde_json::from_str::<Members<u8>>(text).is_err(), "{text}");
        }
    }
}
