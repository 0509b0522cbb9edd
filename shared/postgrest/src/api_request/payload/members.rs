//! The names of the members of a JSON text, in one pass and with no tree: values are skipped, and nesting is bounded by
//! `serde_json`, at 128 for what is looked into.

use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Scans the whole text; `None` is not JSON.
pub(super) fn scan(text: &str) -> Option<Shape> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let shape = reader.deserialize_any(Document).ok()?;
    reader.end().ok()?;
    Some(shape)
}

/// What a JSON text is, and the sorted members of its objects.
pub(super) enum Shape {
    Object(Vec<String>),
    Array(Vec<String>),
    /// An array of something else than objects, or of objects that differ.
    Unequal,
    Other,
}

/// Reads a [`Shape`] from the whole text.
struct Document;

impl<'de> Visitor<'de> for Document {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Shape, A::Error> {
        keys(map).map(Shape::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Shape, A::Error> {
        let mut all: Option<Vec<String>> = None;
        let mut is_equal = true;
        while let Some(Element(keys)) = elements.next_element()? {
            is_equal &= match (&all, keys) {
                (_, None) => false,
                (Some(all), Some(keys)) => *all == keys,
                (None, keys) => {
                    all = keys;
                    true
                }
            };
        }
        Ok(if is_equal { Shape::Array(all.unwrap_or_default()) } else { Shape::Unequal })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Other)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Other)
    }
}

/// An element of an array: the members of an object, or `None`.
struct Element(Option<Vec<String>>);

impl<'de> serde::Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Element, D::Error> {
        let keys = match deserializer.deserialize_any(Document)? {
            Shape::Object(keys) => Some(keys),
            _ => None,
        };
        Ok(Element(keys))
    }
}

fn keys<'de, A: MapAccess<'de>>(mut map: A) -> Result<Vec<String>, A::Error> {
    let mut keys = Vec::new();
    while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
        keys.push(key);
    }
    sort::distinct(&mut keys);
    Ok(keys)
}
