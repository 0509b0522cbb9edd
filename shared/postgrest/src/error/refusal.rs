//! What a statement itself refuses, after it has written: it casts a marked text to a number, so that the transaction fails
//! and nothing stays.
//!
//! ```text
//! mark = "headland:refused:" what ":" rows      ; what: letters and "-"
//! ```

use sql::DatabaseError;

use super::ErrorKind;

/// How the text begins.
pub(crate) const MARK: &str = "headland:refused:";

/// "invalid_text_representation".
const SQLSTATE: &str = "22P02";

/// Reads the refusal that Postgres' message quotes, in whatever language it is.
pub(super) fn read(error: &DatabaseError) -> Option<ErrorKind> {
    let (_, marked) = error.message.split_once(MARK).filter(|_| error.code == SQLSTATE)?;
    let (what, rest) = marked.split_once(':')?;
    let digits = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    let rows = rest[..digits].parse().ok()?;
    match what {
        "singular" => Some(ErrorKind::Singularity { rows }),
        "key" => Some(ErrorKind::UpsertKey),
        "precondition" => Some(ErrorKind::PreconditionFailed),
        "max-affected" => Some(ErrorKind::MaxAffected { rows }),
        "headers" => Some(ErrorKind::GucHeaders),
        "status" => Some(ErrorKind::GucStatus),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, message: &str, expected: Option<ErrorKind>) {
        let error = DatabaseError { code: code.into(), message: message.into(), ..DatabaseError::default() };
        assert_eq!(read(&error), expected, "{message}");
    }

    #[test]
    fn ok_each_refusal() {
        let invalid = |marked: &str| format!("invalid input syntax for type bigint: \"headland:refused:{marked}\"");
        check("22P02", &invalid("singular:2"), Some(ErrorKind::Singularity { rows: 2 }));
        check("22P02", &invalid("key:0"), Some(ErrorKind::UpsertKey));
        check("22P02", &invalid("precondition:1"), Some(ErrorKind::PreconditionFailed));
        check("22P02", &invalid("max-affected:12"), Some(ErrorKind::MaxAffected { rows: 12 }));
        check("22P02", &invalid("headers:1"), Some(ErrorKind::GucHeaders));
        check("22P02", &invalid("status:1"), Some(ErrorKind::GucStatus));
        check("22P02", "ungültig: »headland:refused:singular:3«", Some(ErrorKind::Singularity { rows: 3 }));
    }

    #[test]
    fn err_anything_else_is_what_postgres_says() {
        check("22P02", "invalid input syntax for type bigint: \"x\"", None);
        check("22P02", "\"headland:refused:\"", None);
        check("22P02", "\"headland:refused:singular:\"", None);
        check("22P02", "\"headland:refused:other:1\"", None);
        check("P0001", "headland:refused:singular:1", None);
    }
}
