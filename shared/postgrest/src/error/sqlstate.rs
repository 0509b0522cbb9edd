//! Which HTTP status an SQLSTATE gets, as PostgREST's table has it.

use sql::DatabaseError;

/// Somebody has written the same at the same time.
pub(super) const SERIALIZATION_FAILURE: &str = "40001";

/// The status for what Postgres reported.
pub(super) fn status(error: &DatabaseError, is_anonymous: bool) -> u16 {
    let message = error.message.as_str();
    match error.code.as_str() {
        "21000" if message.ends_with("requires a WHERE clause") => 400,
        "21000" => 500,
        "22023" if message.starts_with("role") && message.ends_with("does not exist") => 401,
        "23503" | "23505" => 409,
        "25006" => 405,
        "42501" if is_anonymous => 401,
        "42501" => 403,
        "42883" if message.starts_with("function xmlagg(") => 406,
        "42883" | "42P01" => 404,
        "42P17" | "53400" => 500,
        "57P01" => 503,
        "P0001" => 400,
        code => of_class(code),
    }
}

fn of_class(code: &str) -> u16 {
    if let Some(number) = code.strip_prefix("PT") {
        return number.parse().ok().filter(|number| (200..600).contains(number)).unwrap_or(500);
    }
    match code.get(..2) {
        Some("08" | "53") => 503,
        Some("0L" | "0P" | "28") => 403,
        Some(
            "09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "54" | "55" | "57" | "58" | "F0" | "HV" | "P0" | "XX",
        ) => 500,
        _ => 400,
    }
}
