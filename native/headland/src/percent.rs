//! Shares as people write them on a command line: `1%`, `0.5`.

/// A number from 0 to 100, with or without its sign, as a share of 1.
pub(crate) fn parse(text: &str) -> Result<f64, String> {
    let number: f64 =
        text.strip_suffix('%').unwrap_or(text).parse().map_err(|_| format!("`{text}` is no percentage"))?;
    match (0.0..=100.0).contains(&number) {
        true => Ok(number / 100.0),
        false => Err("a percentage is from 0 to 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_with_and_without_its_sign() {
        for (text, share) in [("1%", 0.01), ("1", 0.01), ("0", 0.0), ("0.5%", 0.005), ("100%", 1.0), ("100", 1.0)] {
            assert_eq!(parse(text), Ok(share), "{text}");
        }
    }

    #[test]
    fn err_no_number_or_out_of_range() {
        for text in ["", "%", "1%%", "1 %", "-1", "100.1", "101%", "nan", "inf", "half"] {
            parse(text).unwrap_err();
        }
    }
}
