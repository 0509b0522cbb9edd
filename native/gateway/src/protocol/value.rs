//! Typed output: which JSON a value of which type becomes.
//!
//! ```text
//! bool                    boolean
//! int2 int4 float4 float8 number; NaN and infinities are strings
//! json jsonb              as it is
//! arrays                  arrays of such values
//! everything else         string
//! ```

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::array;
use super::json;

/// Types learned from the catalog that are kept; with more of them all are learned again.
const LEARNED_MAX: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Scalar(Scalar),
    Array { element: Scalar, delimiter: u8 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text,
    Bool,
    Number,
    Json,
}

impl Kind {
    pub(crate) const TEXT: Kind = Kind::Scalar(Scalar::Text);

    /// Appends a value.
    pub(crate) fn write(self, out: &mut Vec<u8>, text: &str) {
        match self {
            Kind::Scalar(scalar) => scalar.write(out, text),
            Kind::Array { element, delimiter } => array::write(out, text, element, delimiter),
        }
    }
}

impl Scalar {
    pub(super) fn write(self, out: &mut Vec<u8>, text: &str) {
        match (self, text) {
            (Scalar::Bool, "t") => out.extend_from_slice(b"true"),
            (Scalar::Bool, "f") => out.extend_from_slice(b"false"),
            (Scalar::Json, _) => out.extend_from_slice(text.as_bytes()),
            (Scalar::Number, _) if is_finite(text) => out.extend_from_slice(text.as_bytes()),
            _ => json::string(out, text),
        }
    }

    fn of(oid: u32) -> Scalar {
        match oid {
            16 => Scalar::Bool,
            21 | 23 | 700 | 701 => Scalar::Number,
            114 | 3802 => Scalar::Json,
            _ => Scalar::Text,
        }
    }
}

/// Postgres writes finite numbers as JSON does; `NaN`, `Infinity` and `-Infinity` end in a letter.
fn is_finite(text: &str) -> bool {
    text.ends_with(|last: char| last.is_ascii_digit())
}

/// What is known of types: the common ones of Postgres from the start, others once the catalog was asked.
#[derive(Default)]
pub(crate) struct Types {
    learned: RwLock<HashMap<u32, Kind>>,
}

impl Types {
    /// Asks the catalog which of the types `$1` are arrays, of what.
    pub(crate) const QUERY: &str = "SELECT oid, typelem, typdelim FROM pg_catalog.pg_type \
        WHERE oid = ANY ($1::oid[]) AND typinput = 'pg_catalog.array_in'::regproc";

    pub(crate) fn kind(&self, oid: u32) -> Option<Kind> {
        well_known(oid).or_else(|| self.learned.read().unwrap_or_else(PoisonError::into_inner).get(&oid).copied())
    }

    /// Remembers what the catalog says of types that were asked for: `(array, element, delimiter)`. Those it
    /// says nothing of are no arrays.
    pub(crate) fn learn(&self, asked: &[u32], arrays: impl Iterator<Item = (u32, u32, u8)>) {
        let mut learned = self.learned.write().unwrap_or_else(PoisonError::into_inner);
        if learned.len() + asked.len() > LEARNED_MAX {
            learned.clear();
        }
        learned.extend(asked.iter().map(|&oid| (oid, Kind::Scalar(Scalar::of(oid)))));
        learned.extend(
            arrays.map(|(oid, element, delimiter)| (oid, Kind::Array { element: Scalar::of(element), delimiter })),
        );
    }
}

/// By OIDs of `pg_type.dat`, which never change.
fn well_known(oid: u32) -> Option<Kind> {
    let array = |element| Kind::Array { element, delimiter: b',' };
    Some(match oid {
        16 | 21 | 23 | 700 | 701 | 114 | 3802 => Kind::Scalar(Scalar::of(oid)),
        // bytea, "char", name, int8, text, oid, unknown, bpchar, varchar, date, time, timestamp, timestamptz,
        // interval, timetz, numeric, uuid, void.
        17 | 18 | 19 | 20 | 25 | 26 | 705 | 1042 | 1043 | 1082 | 1083 | 1114 | 1184 | 1186 | 1266 | 1700 | 2950
        | 2278 => Kind::TEXT,
        1000 => array(Scalar::Bool),
        1005 | 1007 | 1021 | 1022 => array(Scalar::Number),
        199 | 3807 => array(Scalar::Json),
        // bytea, "char", name, text, bpchar, varchar, int8, oid, timestamp, date, timestamptz, numeric, uuid.
        1001 | 1002 | 1003 | 1009 | 1014 | 1015 | 1016 | 1028 | 1115 | 1182 | 1185 | 1231 | 2951 => array(Scalar::Text),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(oid: u32, text: &str, expected: &str) {
        let mut out = Vec::new();
        Types::default().kind(oid).unwrap().write(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn ok_scalars() {
        check(16, "t", "true");
        check(16, "f", "false");
        check(23, "-7", "-7");
        check(701, "1e+20", "1e+20");
        check(701, "NaN", r#""NaN""#);
        check(700, "-Infinity", r#""-Infinity""#);
        check(20, "9007199254740993", r#""9007199254740993""#);
        check(1700, "1.10", r#""1.10""#);
        check(114, r#"{"a": [1]}"#, r#"{"a": [1]}"#);
        check(25, "a\"b", r#""a\"b""#);
    }

    #[test]
    fn ok_learned_types() {
        let types = Types::default();
        assert_eq!(types.kind(90_000), None);
        types.learn(&[90_000, 90_001], [(90_001, 90_000, b',')].into_iter());
        assert_eq!(types.kind(90_000), Some(Kind::TEXT));
        assert_eq!(types.kind(90_001), Some(Kind::Array { element: Scalar::Text, delimiter: b',' }));
    }
}
