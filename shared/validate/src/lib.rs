//! Rules for rows, checked while their JSON is scanned: in the same pass, without a tree, and all violations at once.
//!
//! Start at [`Check`], a visitor of `json::scan` for an object, or an array of objects, each of them a row. It knows two sorts of
//! rules:
//!
//! - [`Declared`]: what Postgres would refuse anyway, from what a catalog says of a column. Codes and texts are
//!   Postgres' own, so that clients which look at them see no difference. What Postgres may take in one version or
//!   setting and not in another is left to it.
//! - [`Rule`]: what an operator asks beyond that. They speak of a value as Postgres would see it: `"5"` and `5` are the same
//!   number, and `5` has the length 1. Null is no value: only [`Rule::Required`] refuses it.
//!
//! A [`Violation`] has the JSON pointer (RFC 6901) of the value, the rule, Postgres' error code and a sentence.
//!
//! # Limits
//!
//! | what | limit |
//! | --- | --- |
//! | violations that are listed; others are counted | [`VIOLATIONS_MAX`] |
//! | characters of a value that a sentence repeats | [`QUOTED_CHARACTERS_MAX`] |
//! | bytes of a value that a pattern is run on | `pattern::TEXT_BYTES_MAX` |
//! | bytes times steps of patterns, for a whole text | [`PATTERN_WORK_MAX`] |
//!
//! Time is linear in the text. Memory are the names of the members of one row, and the violations.

mod check;
mod decimal;
mod declared;
mod format;
mod rule;
mod violation;

pub use check::{Check, Column, PATTERN_WORK_MAX, Write};
pub use declared::{DataType, Declared, Generated, QUOTED_CHARACTERS_MAX};
pub use format::Format;
pub use rule::{Bound, Matcher, Rule};
pub use violation::{VIOLATIONS_MAX, Violation, Violations};
