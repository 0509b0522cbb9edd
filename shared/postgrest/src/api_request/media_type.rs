//! `Accept`: in which form the rows are wanted.

use crate::error::{Error, ErrorKind};

/// The forms that rows have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/json`: an array of objects.
    Json,
    /// `application/vnd.pgrst.array+json;nulls=stripped`: the same without members that are null.
    ArrayStripped,
    /// `application/vnd.pgrst.object+json`: one object.
    Object {
        /// `nulls=stripped`: without members that are null.
        is_stripped: bool,
    },
    /// `text/csv`.
    Csv,
}

impl MediaType {
    /// The value of `Content-Type`.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            MediaType::Json => "application/json; charset=utf-8",
            MediaType::ArrayStripped => "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8",
            MediaType::Object { is_stripped: false } => "application/vnd.pgrst.object+json; charset=utf-8",
            MediaType::Object { is_stripped: true } => {
                "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8"
            }
            MediaType::Csv => "text/csv; charset=utf-8",
        }
    }

    fn parse(text: &str) -> Option<MediaType> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let is_stripped = parts.any(|parameter| {
            parameter.split_once('=').is_some_and(|(key, value)| {
                key.trim().eq_ignore_ascii_case("nulls") && value.trim().trim_matches('"') == "stripped"
            })
        });
        match name.as_str() {
            "*/*" | "application/json" => Some(MediaType::Json),
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" if is_stripped => {
                Some(MediaType::ArrayStripped)
            }
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => Some(MediaType::Json),
            "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => {
                Some(MediaType::Object { is_stripped })
            }
            "text/csv" => Some(MediaType::Csv),
            _ => None,
        }
    }
}

/// One element of `Accept`.
struct Accepted<'a> {
    text: &'a str,
    quality: f32,
    /// More parameters make it more specific, stars less.
    specificity: isize,
}

/// The best form that `Accept` allows; what is refused names all of them.
pub(crate) fn negotiate(accept: &str) -> Result<MediaType, Error> {
    if accept == "*/*" || accept == "application/json" {
        return Ok(MediaType::Json);
    }
    let mut accepted: Vec<Accepted<'_>> = accept.split(',').map(Accepted::parse).collect();
    accepted
        .sort_by(|left, right| right.quality.total_cmp(&left.quality).then(right.specificity.cmp(&left.specificity)));
    accepted.iter().find_map(|accepted| MediaType::parse(accepted.text)).ok_or_else(|| {
        ErrorKind::MediaType { accepted: accepted.iter().map(|accepted| accepted.text.to_owned()).collect() }.into()
    })
}

impl<'a> Accepted<'a> {
    fn parse(element: &'a str) -> Accepted<'a> {
        let element = element.trim();
        let (text, quality) = match element.split(';').position(|part| part.trim_start().starts_with("q=")) {
            None => (element, 1.0),
            Some(index) => {
                let start: usize = element.split(';').take(index).map(|part| part.len() + 1).sum();
                let value = element[start..].trim_start().trim_start_matches("q=").split(';').next();
                (
                    element[..start.saturating_sub(1)].trim(),
                    value.and_then(|value| value.trim().parse().ok()).unwrap_or(1.0),
                )
            }
        };
        let count = |wanted: char| text.matches(wanted).count() as isize;
        Accepted { text, quality, specificity: count(';') - count('*') }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: MediaType) {
        assert_eq!(negotiate(accept), Ok(expected), "{accept}");
    }

    #[test]
    fn ok_known() {
        check("*/*", MediaType::Json);
        check("application/json", MediaType::Json);
        check("Application/JSON; charset=utf-8", MediaType::Json);
        check("text/csv", MediaType::Csv);
        check("ApplicatIon/vnd.PgRsT.object+json", MediaType::Object { is_stripped: false });
        check("application/vnd.pgrst.object; nulls=stripped", MediaType::Object { is_stripped: true });
        check("application/vnd.pgrst.array+json;nulls=stripped", MediaType::ArrayStripped);
        check("application/vnd.pgrst.array+json", MediaType::Json);
    }

    #[test]
    fn ok_best_first() {
        check("text/html, application/xhtml+xml, */*;q=0.8", MediaType::Json);
        check("text/csv, */*", MediaType::Csv);
        check("*/*, text/csv", MediaType::Csv);
        check("application/json;q=0.5, text/csv;q=0.9", MediaType::Csv);
        check(
            "application/json, application/vnd.pgrst.object+json;nulls=stripped",
            MediaType::Object { is_stripped: true },
        );
        check("image/png, text/csv;q=x", MediaType::Csv);
    }

    #[test]
    fn err_none_can_be_made() {
        let refused = |accept: &str| negotiate(accept).unwrap_err().to_string();
        assert_eq!(refused("text/unknowntype"), "PGRST107: None of these media types are available: text/unknowntype");
        assert_eq!(refused("image/*;q=0.1, a/b"), "PGRST107: None of these media types are available: a/b, image/*");
        assert_eq!(refused(""), "PGRST107: None of these media types are available: ");
    }
}
