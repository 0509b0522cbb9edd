//! Why a text was refused, and where.

use std::fmt;

/// Why a text was refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// Why.
    pub kind: ErrorKind,
    /// Bytes from the start of the text to what is wrong.
    pub offset: usize,
    /// The JSON pointer (RFC 6901) of the value or member that holds it.
    pub pointer: String,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something else should stand here.
    Expected(&'static str),
    /// The text is over, and its value is not.
    Ended,
    /// The value is over, and the text is not.
    Trailing,
    /// A control character in a string that is not escaped (RFC 8259 §7).
    Control,
    /// A `\` with something behind it that it does not escape.
    Escape,
    /// Half of a surrogate pair (RFC 8259 §8.2).
    Surrogate,
    /// Bytes that are not UTF-8 (RFC 3629).
    Utf8,
    /// Over the limit of nesting.
    Depth(usize),
    /// Over the limit of a number's bytes.
    NumberBytes(usize),
    /// Over the limit of an exponent.
    Exponent(u32),
    /// Over the limit of a name's bytes.
    NameBytes(usize),
    /// Over the limit of an object's members.
    Members(usize),
    /// Over the limit of an element's bytes.
    ElementBytes(usize),
    /// `__proto__`.
    Proto,
    /// `constructor` with `prototype` in it.
    Constructor,
    /// A name that the object has already.
    Duplicate,
}

impl ErrorKind {
    /// Whether the text is no JSON, or is over before it ends; everything else is JSON that is not taken.
    pub fn is_syntax(self) -> bool {
        use ErrorKind::*;
        matches!(self, Expected(_) | Ended | Trailing | Control | Escape | Surrogate | Utf8)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, limit) = match *self {
            ErrorKind::Expected(what) => return write!(f, "{what} is expected"),
            ErrorKind::Ended => ("the text ends too early", None),
            ErrorKind::Trailing => ("something follows the end of the value", None),
            ErrorKind::Control => ("a control character has to be escaped", None),
            ErrorKind::Escape => ("this is no escape sequence", None),
            ErrorKind::Surrogate => ("a surrogate stands alone", None),
            ErrorKind::Utf8 => ("this is not UTF-8", None),
            ErrorKind::Depth(most) => ("nested deeper than", Some(most)),
            ErrorKind::NumberBytes(most) => ("a number of more bytes than", Some(most)),
            ErrorKind::Exponent(most) => ("an exponent beyond", Some(most as usize)),
            ErrorKind::NameBytes(most) => ("a name of more bytes than", Some(most)),
            ErrorKind::Members(most) => ("an object of more members than", Some(most)),
            ErrorKind::ElementBytes(most) => ("an element of more bytes than", Some(most)),
            ErrorKind::Proto => ("`__proto__` is not taken", None),
            ErrorKind::Constructor => ("`constructor` with `prototype` is not taken", None),
            ErrorKind::Duplicate => ("this name is there twice", None),
        };
        f.write_str(text)?;
        match limit {
            Some(limit) => write!(f, " {limit}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (at byte {}", self.kind, self.offset)?;
        match self.pointer.is_empty() {
            true => f.write_str(")"),
            false => write!(f, ", in {})", self.pointer),
        }
    }
}

impl std::error::Error for Error {}
