//! Spans of time as people write them on a command line: `80ms`, `1.5s`, `2m`.

use std::time::Duration;

/// A number with a unit, one of `ms`, `s`, `m`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err("a time is a number and its unit, as in `80ms`, `1.5s` or `2m`".to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| format!("`{number}` is no number"))?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_numbers_with_units() {
        for (text, millis) in [("80ms", 80), ("0ms", 0), ("1.5s", 1500), ("2m", 120_000)] {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn err_no_unit_no_number_or_no_time() {
        for text in ["", "80", "ms", "80 ms ", "-1s", "80h", "1e99s", "infs"] {
            parse(text).unwrap_err();
        }
    }
}
