//! Comparing secrets.

use subtle::ConstantTimeEq;

/// Whether two texts are the same, in a time that says nothing but whether their lengths are.
pub fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
