//! What Postgres would refuse, with its own codes and texts.
//!
//! Only what every supported Postgres (12 to 18) refuses, whatever its settings are, is refused here: a time may be written
//! in many ways, for instance, and of those one is looked at.

use std::borrow::Cow;
use std::num::IntErrorKind;

use crate::decimal::Decimal;
use crate::format::is_real_date;

/// Most characters of a value that a sentence repeats.
pub const QUOTED_CHARACTERS_MAX: usize = 100;

/// What a catalog says of a column.
#[derive(Debug, Clone)]
pub struct Declared<'r> {
    /// The type below all domains as Postgres' messages call it, such as `integer`.
    pub type_name: &'r str,
    /// What its values have to be.
    pub data_type: DataType<'r>,
    /// Whether null is refused, whatever triggers do.
    pub refuses_null: bool,
    /// Whether a row that has no value for it is given one.
    pub is_filled: bool,
    /// Whether nobody but Postgres may write it.
    pub generated: Option<Generated>,
}

/// Who makes the values of a column that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    /// `GENERATED ALWAYS AS IDENTITY`.
    Identity,
    /// `GENERATED ALWAYS AS (…)`.
    Expression,
}

/// What is known of the values of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataType<'r> {
    /// Nothing that could be checked.
    Any,
    /// `smallint`, `integer` and `bigint`, with their smallest and largest.
    Integer(i64, i64),
    /// `real`, `double precision` and `numeric`.
    Number,
    /// `numeric(precision, scale)`.
    Numeric {
        /// Digits.
        precision: i32,
        /// Digits behind the point.
        scale: i32,
    },
    /// `boolean`.
    Boolean,
    /// `uuid`.
    Uuid,
    /// `date`, `timestamp` and `timestamptz`.
    Date,
    /// `varchar(n)` and `char(n)`: so many characters.
    Text(u32),
    /// An enumeration, with its labels.
    Enum(Vec<&'r str>),
    /// An array of anything.
    Array,
}

/// What a column is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given<'t> {
    /// A string, or the spelling of a number, `true` or `false`.
    Text {
        text: &'t str,
        is_string: bool,
    },
    Array,
    Object,
}

/// Why Postgres refuses a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rule: &'static str,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

const NOT_NULL_VIOLATION: &str = "23502";
const GENERATED_ALWAYS: &str = "428C9";
const INVALID_TEXT_REPRESENTATION: &str = "22P02";
const INVALID_DATETIME_FORMAT: &str = "22007";
const DATETIME_FIELD_OVERFLOW: &str = "22008";
const NUMERIC_VALUE_OUT_OF_RANGE: &str = "22003";
const STRING_DATA_RIGHT_TRUNCATION: &str = "22001";

/// Times that are written without a digit, or a part of their names.
const TIMES_WITHOUT_DIGITS: [&str; 7] = ["epoch", "infinity", "now", "today", "tomorrow", "yesterday", "allballs"];

impl Declared<'_> {
    /// Why a value is refused.
    pub(crate) fn refusal(&self, given: Given<'_>) -> Option<Refusal> {
        match (&self.data_type, given) {
            (DataType::Any, _)
            | (DataType::Text(_), Given::Array | Given::Object)
            | (DataType::Array, Given::Array | Given::Text { is_string: true, .. }) => None,
            (DataType::Array, _) => Some(refusal("type", INVALID_TEXT_REPRESENTATION, "expected JSON array".into())),
            (_, Given::Text { text, .. }) => self.refusal_of_text(text),
            (DataType::Enum(_), Given::Array) => Some(self.no_label("[…]")),
            (DataType::Enum(_), Given::Object) => Some(self.no_label("{…}")),
            (_, Given::Array) => Some(self.syntax("[…]")),
            (_, Given::Object) => Some(self.syntax("{…}")),
        }
    }

    fn refusal_of_text(&self, text: &str) -> Option<Refusal> {
        match &self.data_type {
            DataType::Any | DataType::Array => None,
            DataType::Integer(least, most) => match integer(text) {
                Integer::Is(number) if (*least..=*most).contains(&number) => None,
                Integer::Unknown => None,
                Integer::Is(_) | Integer::TooLarge => Some(self.out_of_range(text)),
                Integer::Not => Some(self.syntax(text)),
            },
            DataType::Number => (!may_be_number(text)).then(|| self.syntax(text)),
            DataType::Numeric { precision, scale } => match Decimal::parse(text).map(|number| number.magnitude()) {
                Some(Some(magnitude)) if magnitude > i64::from(precision - scale) => {
                    Some(refusal("range", NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow".into()))
                }
                Some(_) => None,
                None => (!may_be_number(text)).then(|| self.syntax(text)),
            },
            DataType::Boolean => (!is_boolean(text)).then(|| self.syntax(text)),
            DataType::Uuid => (!is_uuid(text.as_bytes())).then(|| self.syntax(text)),
            DataType::Date => self.refusal_of_date(text),
            DataType::Text(most) => (!fits(text, *most)).then(|| {
                let message = format!("value too long for type {}({most})", self.type_name);
                refusal("length", STRING_DATA_RIGHT_TRUNCATION, message)
            }),
            DataType::Enum(labels) => (!labels.contains(&text)).then(|| self.no_label(text)),
        }
    }

    fn refusal_of_date(&self, text: &str) -> Option<Refusal> {
        if is_real_date(text) == Some(false) && !text[10..].starts_with(|next: char| next.is_ascii_digit()) {
            let message = format!("date/time field value out of range: \"{}\"", quoted(text));
            return Some(refusal("range", DATETIME_FIELD_OVERFLOW, message));
        }
        let text_in_lower_case = text.to_ascii_lowercase();
        let may_be_time = text.bytes().any(|byte| byte.is_ascii_digit())
            || TIMES_WITHOUT_DIGITS.iter().any(|name| text_in_lower_case.contains(name));
        (!may_be_time).then(|| self.syntax(text))
    }

    fn syntax(&self, text: &str) -> Refusal {
        let is_date = self.data_type == DataType::Date;
        let code = if is_date { INVALID_DATETIME_FORMAT } else { INVALID_TEXT_REPRESENTATION };
        // The only type that its own input function calls otherwise.
        let name = self.type_name.strip_suffix(" without time zone").unwrap_or(self.type_name);
        refusal("type", code, format!("invalid input syntax for type {name}: \"{}\"", quoted(text)))
    }

    fn no_label(&self, text: &str) -> Refusal {
        let message = format!("invalid input value for enum {}: \"{}\"", self.type_name, quoted(text));
        refusal("enum", INVALID_TEXT_REPRESENTATION, message)
    }

    fn out_of_range(&self, text: &str) -> Refusal {
        let message = format!("value \"{}\" is out of range for type {}", quoted(text), self.type_name);
        refusal("range", NUMERIC_VALUE_OUT_OF_RANGE, message)
    }
}

/// Why null is refused.
pub(crate) fn null_refusal(relation: &str, column: &str) -> Refusal {
    let message = format!("null value in column \"{column}\" of relation \"{relation}\" violates not-null constraint");
    refusal("not-null", NOT_NULL_VIOLATION, message)
}

impl Generated {
    /// Why any value is refused.
    pub(crate) fn refusal(self, column: &str, is_insert: bool) -> Refusal {
        let rule = match self {
            Generated::Identity => "identity",
            Generated::Expression => "generated",
        };
        let message = match is_insert {
            true => format!("cannot insert a non-DEFAULT value into column \"{column}\""),
            false => format!("column \"{column}\" can only be updated to DEFAULT"),
        };
        refusal(rule, GENERATED_ALWAYS, message)
    }
}

fn refusal(rule: &'static str, code: &'static str, message: String) -> Refusal {
    Refusal { rule, code, message }
}

/// As much of a value as a sentence repeats.
fn quoted(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// What a text says as an integer.
enum Integer {
    Is(i64),
    TooLarge,
    /// From 16 on, Postgres reads `0x1f`, `0o17`, `0b1` and `1_000`.
    Unknown,
    Not,
}

fn integer(text: &str) -> Integer {
    let text = trim(text);
    match text.parse() {
        Ok(number) => Integer::Is(number),
        Err(error) => match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => Integer::TooLarge,
            _ if is_later_integer(text.strip_prefix(['+', '-']).unwrap_or(text)) => Integer::Unknown,
            _ => Integer::Not,
        },
    }
}

fn is_later_integer(digits: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_hexdigit() || byte == b'_';
    match digits.as_bytes() {
        [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', rest @ ..] => rest.iter().all(|byte| is_inside(*byte)),
        [b'0'..=b'9', rest @ ..] => rest.iter().all(|byte| byte.is_ascii_digit() || *byte == b'_'),
        _ => false,
    }
}

/// White space that Postgres allows around many values: that of C's `isspace`.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}

/// Whether some Postgres may read it as a number: in decimal or hexadecimal digits, as `NaN` or as an infinity.
fn may_be_number(text: &str) -> bool {
    let text = trim(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_inside = |byte: u8| byte.is_ascii_hexdigit() || b"xXoOpP._+-".contains(&byte);
    match unsigned.as_bytes() {
        [b'0'..=b'9', rest @ ..] => rest.iter().all(|byte| is_inside(*byte)),
        [b'.', b'0'..=b'9', rest @ ..] => rest.iter().all(|byte| is_inside(*byte)),
        [b'n' | b'N' | b'i' | b'I', ..] => {
            let words = ["nan", "inf", "infinity"];
            words.iter().any(|word| unsigned.eq_ignore_ascii_case(word))
        }
        _ => false,
    }
}

/// `boolin`: the beginning of a word, if it is the beginning of one only.
fn is_boolean(text: &str) -> bool {
    let text = trim(text).to_ascii_lowercase();
    let begins = |word: &str| !text.is_empty() && word.starts_with(&*text);
    ["true", "false", "yes", "no"].into_iter().any(begins) || matches!(&*text, "on" | "of" | "off" | "1" | "0")
}

/// `uuid_in`: 32 hexadecimal digits, braces around them, hyphens behind any four.
fn is_uuid(text: &[u8]) -> bool {
    let inside = match text {
        [b'{', inside @ .., b'}'] => inside,
        _ => text,
    };
    let mut digits = 0;
    let mut is_after_hyphen = false;
    for byte in inside {
        match byte {
            b'-' if digits % 4 == 0 && (1..32).contains(&digits) && !is_after_hyphen => is_after_hyphen = true,
            byte if byte.is_ascii_hexdigit() => (digits, is_after_hyphen) = (digits + 1, false),
            _ => return false,
        }
    }
    digits == 32
}

/// Whether all characters beyond the limit are spaces, which Postgres leaves out.
fn fits(text: &str, most: u32) -> bool {
    // A text has at least as many bytes as characters.
    text.len() <= most as usize || text.chars().skip(most as usize).all(|beyond| beyond == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    const INT: DataType<'_> = DataType::Integer(i32::MIN as i64, i32::MAX as i64);

    fn declared<'r>(type_name: &'r str, data_type: DataType<'r>) -> Declared<'r> {
        Declared { type_name, data_type, refuses_null: false, is_filled: false, generated: None }
    }

    #[track_caller]
    fn taken(data_type: DataType<'_>, texts: &[&str]) {
        let declared = declared("t", data_type);
        for text in texts {
            let given = Given::Text { text, is_string: true };
            assert_eq!(declared.refusal(given), None, "{text:?}");
        }
    }

    #[track_caller]
    fn refused(name: &str, data_type: DataType<'_>, text: &str, rule: &str, code: &str, message: &str) {
        let found = declared(name, data_type).refusal(Given::Text { text, is_string: true }).expect("a refusal");
        assert_eq!((found.rule, found.code, &*found.message), (rule, code, message));
    }

    #[test]
    fn ok_what_some_postgres_takes() {
        taken(INT, &["0", "-2147483648", " +2147483647\n", "0x1F", "0b11", "0o7", "1_000"]);
        taken(DataType::Number, &["1", "-1.5e-3", ".5", "5.", " NaN ", "-Infinity", "+inf", "0x1p3", "1_0.0_1"]);
        taken(DataType::Numeric { precision: 5, scale: 2 }, &["999.99", "-999.994", "0.001", "NaN", "0e99", "1e2"]);
        taken(DataType::Numeric { precision: 2, scale: 4 }, &["0.0099", "0", "-1e-3"]);
        taken(DataType::Numeric { precision: 2, scale: -3 }, &["99000", "-99499"]);
        taken(DataType::Boolean, &["t", "TRUE", " fal", "y", "n", "on", "OFF", "of", "1", "0"]);
        taken(
            DataType::Uuid,
            &[
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                "{A0EEBC999C0B4EF8BB6D6BB9BD380A11}",
                "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
            ],
        );
        taken(
            DataType::Date,
            &[
                "2026-11-21",
                "2024-02-29T12:00",
                "20261121",
                "J2451187",
                "Now",
                "-infinity",
                "tomorrow allballs",
                "epoch",
            ],
        );
        taken(DataType::Text(2), &["", "ab", "äö", "ab   "]);
        taken(DataType::Enum(vec!["a", "B c"]), &["a", "B c"]);
        taken(DataType::Array, &["{1,2}", ""]);
        taken(DataType::Any, &["\u{1}"]);
    }

    #[test]
    fn err_types() {
        for text in ["", " ", "abc", "1.0", "1e2", "-", "1 2", "true", "٣", "\u{a0}1"] {
            let message = format!("invalid input syntax for type integer: \"{text}\"");
            refused("integer", INT, text, "type", "22P02", &message);
        }
        for text in ["", "x", ".", "1,5", "naN1", "infi", "--1", "true"] {
            let message = format!("invalid input syntax for type real: \"{text}\"");
            refused("real", DataType::Number, text, "type", "22P02", &message);
        }
        for text in ["", "o", "tr ue", "2", "-1", "yesno"] {
            let message = format!("invalid input syntax for type boolean: \"{text}\"");
            refused("boolean", DataType::Boolean, text, "type", "22P02", &message);
        }
        for text in [
            "",
            "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1",
            "a0eebc99--9c0b-4ef8-bb6d-6bb9bd380a11",
            "-a0eebc999c0b4ef8bb6d6bb9bd380a11",
            "a0eebc999c0b4ef8bb6d6bb9bd380a11-",
            "a0e-ebc999c0b4ef8bb6d6bb9bd380a11",
            "{a0eebc999c0b4ef8bb6d6bb9bd380a11",
            " a0eebc999c0b4ef8bb6d6bb9bd380a11",
        ] {
            let message = format!("invalid input syntax for type uuid: \"{text}\"");
            refused("uuid", DataType::Uuid, text, "type", "22P02", &message);
        }
        refused("date", DataType::Date, "x", "type", "22007", "invalid input syntax for type date: \"x\"");
        let (name, message) = ("timestamp without time zone", "invalid input syntax for type timestamp: \"\"");
        refused(name, DataType::Date, "", "type", "22007", message);
    }

    #[test]
    fn err_ranges_and_lengths() {
        for text in ["2147483648", "-2147483649", "99999999999999999999"] {
            let message = format!("value \"{text}\" is out of range for type integer");
            refused("integer", INT, text, "range", "22003", &message);
        }
        for text in ["1000", "-1e3", "1e999"] {
            let numeric = DataType::Numeric { precision: 5, scale: 2 };
            refused("numeric", numeric, text, "range", "22003", "numeric field overflow");
        }
        for text in ["2026-02-29", "2026-13-01T00:00:00Z"] {
            let message = format!("date/time field value out of range: \"{text}\"");
            refused("date", DataType::Date, text, "range", "22008", &message);
        }
        let message = "value too long for type character varying(2)";
        refused("character varying", DataType::Text(2), "abc", "length", "22001", message);
        refused("character varying", DataType::Text(2), "äö ü", "length", "22001", message);
        refused("mood", DataType::Enum(vec!["a"]), "A", "enum", "22P02", "invalid input value for enum mood: \"A\"");
    }

    #[test]
    fn err_containers() {
        let refusal =
            |data_type: DataType<'_>, given| declared("t", data_type).refusal(given).map(|found| found.message);
        let message = |text: &str| Some(format!("invalid input syntax for type t: \"{text}\""));
        assert_eq!(refusal(INT, Given::Array), message("[…]"));
        assert_eq!(refusal(DataType::Date, Given::Object), message("{…}"));
        assert_eq!(refusal(DataType::Array, Given::Object), Some("expected JSON array".into()));
        assert_eq!(
            refusal(DataType::Array, Given::Text { text: "1", is_string: false }).as_deref(),
            Some("expected JSON array")
        );
        for (data_type, given) in
            [(DataType::Any, Given::Object), (DataType::Text(1), Given::Array), (DataType::Array, Given::Array)]
        {
            assert_eq!(refusal(data_type, given), None);
        }
    }

    #[test]
    fn ok_long_values_are_cut() {
        let text = "ä".repeat(QUOTED_CHARACTERS_MAX + 1);
        assert_eq!(quoted(&text[2..]), text[2..]);
        assert_eq!(quoted(&text), format!("{}…", &text[2..]));
    }
}
