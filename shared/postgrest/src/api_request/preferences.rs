//! `Prefer` (RFC 7240): how the caller wants it done.

use http::HeaderMap;

/// What is preferred. Of two values for one preference, the first counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Preferences {
    /// `count`: how rows are counted.
    pub(crate) count: Option<Count>,
    /// `handling`: whether unknown preferences are refused.
    pub(crate) handling: Option<Handling>,
    /// `timezone`: the time zone of what is shown.
    pub(crate) timezone: Option<String>,
    /// What nobody knows.
    pub(crate) unknown: Vec<String>,
}

/// How rows are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// One by one.
    Exact,
    /// As the planner guesses.
    Planned,
    /// One by one where there are few, otherwise as the planner guesses.
    Estimated,
}

/// What becomes of unknown preferences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    Strict,
    Lenient,
}

/// Preferences that only matter where something is written.
const OF_WRITES: [&str; 9] = [
    "resolution=merge-duplicates",
    "resolution=ignore-duplicates",
    "return=representation",
    "return=minimal",
    "return=headers-only",
    "tx=commit",
    "tx=rollback",
    "missing=default",
    "missing=null",
];

impl Preferences {
    /// Reads every `Prefer` header.
    pub(super) fn parse(headers: &HeaderMap) -> Preferences {
        let mut preferences = Preferences::default();
        for header in headers.get_all("prefer") {
            let header = String::from_utf8_lossy(header.as_bytes());
            header.split(',').map(str::trim).filter(|preference| !preference.is_empty()).for_each(|preference| {
                preferences.add(preference);
            });
        }
        preferences
    }

    /// Whether unknown preferences are refused, and there are some.
    pub(crate) fn is_refused(&self) -> bool {
        self.handling == Some(Handling::Strict) && !self.unknown.is_empty()
    }

    /// The value of `Preference-Applied`; `None` where nothing was.
    pub(crate) fn applied(&self) -> Option<String> {
        let count = self.count.map(|count| match count {
            Count::Exact => "count=exact".to_owned(),
            Count::Planned => "count=planned".to_owned(),
            Count::Estimated => "count=estimated".to_owned(),
        });
        let handling = self.handling.map(|handling| match handling {
            Handling::Strict => "handling=strict".to_owned(),
            Handling::Lenient => "handling=lenient".to_owned(),
        });
        let timezone = self.timezone.as_ref().map(|timezone| format!("timezone={timezone}"));
        let applied: Vec<String> = [count, handling, timezone].into_iter().flatten().collect();
        (!applied.is_empty()).then(|| applied.join(", "))
    }

    fn add(&mut self, preference: &str) {
        match preference {
            "count=exact" => self.count = self.count.or(Some(Count::Exact)),
            "count=planned" => self.count = self.count.or(Some(Count::Planned)),
            "count=estimated" => self.count = self.count.or(Some(Count::Estimated)),
            "handling=strict" => self.handling = self.handling.or(Some(Handling::Strict)),
            "handling=lenient" => self.handling = self.handling.or(Some(Handling::Lenient)),
            _ => match preference.split_once('=') {
                Some(("timezone", name)) => self.timezone = self.timezone.take().or(Some(name.to_owned())),
                Some(("max-affected", _)) => {}
                _ if OF_WRITES.contains(&preference) => {}
                _ => self.unknown.push(preference.to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(values: &[&str], applied: Option<&str>, unknown: &[&str]) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("prefer", value.parse().unwrap());
        }
        let preferences = Preferences::parse(&headers);
        assert_eq!(preferences.applied().as_deref(), applied);
        assert_eq!(preferences.unknown, unknown);
    }

    #[test]
    fn ok_applied() {
        check(&[], None, &[]);
        check(&["count=exact"], Some("count=exact"), &[]);
        check(
            &["timezone=Europe/Berlin,handling=lenient ,  count=planned"],
            Some("count=planned, handling=lenient, timezone=Europe/Berlin"),
            &[],
        );
        check(&["count=exact", "count=planned, count=estimated"], Some("count=exact"), &[]);
        check(&["return=minimal, tx=rollback, missing=null, resolution=merge-duplicates, max-affected=1"], None, &[]);
    }

    #[test]
    fn ok_unknown_is_kept() {
        check(&["handling=strict, anything", "count=none,,"], Some("handling=strict"), &["anything", "count=none"]);
    }
}
