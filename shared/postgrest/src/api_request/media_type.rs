//! `Accept`: in which form the rows are wanted.

use super::explain::Explain;
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
    /// `application/geo+json`: a collection of features (RFC 7946), which PostGIS makes.
    GeoJson,
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
            MediaType::GeoJson => "application/geo+json; charset=utf-8",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<MediaType> {
        let name = text.split(';').next()?.trim().to_ascii_lowercase();
        let is_stripped = parameters(text).any(|(key, value)| key.eq_ignore_ascii_case("nulls") && value == "stripped");
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
            "application/geo+json" => Some(MediaType::GeoJson),
            _ => None,
        }
    }
}

/// The parameters of a media type, `; name=value` or `; name="value"`.
pub(super) fn parameters(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text.split_once(';').map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        let (key, value) = rest.split_once('=')?;
        let value = value.trim_start();
        let (value, behind) = match value.strip_prefix('"') {
            Some(value) => value.split_once('"').unwrap_or((value, "")),
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        rest = behind;
        Some((key.trim_matches([';', ' ', '\t']), value.trim()))
    })
}

/// One element of `Accept`.
struct Accepted<'a> {
    text: &'a str,
    /// In thousandths.
    quality: u16,
    /// More parameters make it more specific, stars less.
    specificity: isize,
}

/// The best form that `Accept` allows, and whether its plan is wanted; what is refused names all of them. Plans can only
/// be had where `plan_enabled`.
pub(crate) fn negotiate(accept: &str, plan_enabled: bool) -> Result<(MediaType, Option<Explain>), Error> {
    if accept == "*/*" || accept == "application/json" {
        return Ok((MediaType::Json, None));
    }
    let parse = |text: &str| match Explain::parse(text) {
        Some((planned_for, explain)) if plan_enabled => Some((MediaType::parse(planned_for)?, Some(explain))),
        Some(_) => None,
        None => Some((MediaType::parse(text)?, None)),
    };
    let accepted = sorted(accept);
    accepted.iter().find_map(|accepted| parse(accepted.text)).ok_or_else(|| refuse(&accepted))
}

/// Whether `Accept` allows the root document, which has one form.
pub(crate) fn negotiate_document(accept: &str) -> Result<(), Error> {
    const FORMS: [&str; 3] = ["*/*", "application/openapi+json", "application/json"];
    let accepted = sorted(accept);
    let is_allowed = |accepted: &Accepted<'_>| {
        let name = accepted.text.split(';').next().unwrap_or_default().trim();
        FORMS.iter().any(|form| name.eq_ignore_ascii_case(form))
    };
    if accepted.iter().any(is_allowed) { Ok(()) } else { Err(refuse(&accepted)) }
}

/// The elements of `Accept`, the best first.
pub(crate) fn accepted(accept: &str) -> Vec<String> {
    sorted(accept).iter().map(|accepted| accepted.text.to_owned()).collect()
}

/// The best first.
fn sorted(accept: &str) -> Vec<Accepted<'_>> {
    let mut accepted: Vec<Accepted<'_>> = accept.split(',').map(Accepted::parse).collect();
    sort::sort_by(&mut accepted, &|one, other| (other.quality, other.specificity).cmp(&(one.quality, one.specificity)));
    accepted
}

fn refuse(accepted: &[Accepted<'_>]) -> Error {
    ErrorKind::MediaType { accepted: accepted.iter().map(|accepted| accepted.text.to_owned()).collect() }.into()
}

impl<'a> Accepted<'a> {
    fn parse(element: &'a str) -> Accepted<'a> {
        let element = element.trim();
        let (text, quality) = match element.split(';').position(|part| part.trim_start().starts_with("q=")) {
            None => (element, 1000),
            Some(index) => {
                let start: usize = element.split(';').take(index).map(|part| part.len() + 1).sum();
                let value = element[start..].trim_start().trim_start_matches("q=").split(';').next();
                (element[..start.saturating_sub(1)].trim(), value.and_then(quality).unwrap_or(1000))
            }
        };
        let count = |wanted: char| text.matches(wanted).count() as isize;
        Accepted { text, quality, specificity: count(';') - count('*') }
    }
}

/// A weight (RFC 9110, section 12.4.2) in thousandths: a digit, and at most three behind a point. As a number with a
/// floating point it would take 15 KB of tables to read.
fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let is_weight =
        matches!(whole, "0" | "1") && fraction.len() <= 3 && fraction.bytes().all(|digit| digit.is_ascii_digit());
    is_weight.then(|| format!("{whole}{fraction:0<3}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accept: &str, expected: MediaType) {
        assert_eq!(negotiate(accept, false), Ok((expected, None)), "{accept}");
    }

    #[test]
    fn ok_known() {
        check("*/*", MediaType::Json);
        check("application/json", MediaType::Json);
        check("Application/JSON; charset=utf-8", MediaType::Json);
        check("text/csv", MediaType::Csv);
        check("application/geo+json", MediaType::GeoJson);
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
        check("text/csv;q=0.899, application/json;q=0.9", MediaType::Json);
        check("text/csv;q=0.05, application/json;q=1.000;x=y", MediaType::Json);
        check(
            "application/json, application/vnd.pgrst.object+json;nulls=stripped",
            MediaType::Object { is_stripped: true },
        );
        check("image/png, text/csv;q=x", MediaType::Csv);
    }

    #[test]
    fn ok_and_err_document() {
        let is_allowed = |accept: &str| negotiate_document(accept).is_ok();
        for accept in ["*/*", "application/openapi+json", "Application/JSON; charset=utf-8", "text/html, */*;q=0.1"] {
            assert!(is_allowed(accept), "{accept}");
        }
        for accept in ["text/csv", "application/vnd.pgrst.object+json", "application/*", ""] {
            assert!(!is_allowed(accept), "{accept}");
        }
    }

    #[test]
    fn err_none_can_be_made() {
        let refused = |accept: &str| negotiate(accept, false).unwrap_err().to_string();
        assert_eq!(refused("text/unknowntype"), "PGRST107: None of these media types are available: text/unknowntype");
        assert_eq!(refused("image/*;q=0.1, a/b"), "PGRST107: None of these media types are available: a/b, image/*");
        assert_eq!(refused(""), "PGRST107: None of these media types are available: ");
        assert_eq!(
            refused("application/vnd.pgrst.plan"),
            "PGRST107: None of these media types are available: application/vnd.pgrst.plan"
        );
    }

    #[test]
    fn ok_plans() {
        let check = |accept: &str, expected: &str| {
            let (planned_for, explain) = negotiate(accept, true).unwrap();
            assert_eq!(explain.expect("it is a plan").content_type(&planned_for), expected);
        };
        check("application/vnd.pgrst.plan", "application/vnd.pgrst.plan+text; for=\"application/json\"; charset=utf-8");
        check(
            "Application/vnd.pgrst.plan+JSON ; FOR=\"text/csv\" ; options=wal|analyze|x;",
            "application/vnd.pgrst.plan+json; for=\"text/csv\"; options=analyze|wal; charset=utf-8",
        );
        check(
            "text/xml, application/vnd.pgrst.plan+text;for=\"application/vnd.pgrst.object;nulls=stripped\";options=buffers",
            "application/vnd.pgrst.plan+text; for=\"application/vnd.pgrst.object+json;nulls=stripped\"; \
             options=buffers; charset=utf-8",
        );
    }

    #[test]
    fn err_plans_of_what_cannot_be_made() {
        for accept in [
            "application/vnd.pgrst.plan;for=\"text/unknown\"",
            "application/vnd.pgrst.plan;for=",
            "application/vnd.pgrst.plan;for=\"application/vnd.pgrst.plan\"",
            "application/vnd.pgrst.plan+yaml",
            "application/vnd.pgrst.planner",
        ] {
            assert!(negotiate(accept, true).is_err(), "{accept}");
        }
    }
}
