//! `Prefer` (RFC 7240): how the caller wants it done.

use http::HeaderMap;

use super::action::Action;

/// What is preferred. Of two values for one preference, the first counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Preferences {
    /// `resolution`: what becomes of rows that are there already.
    pub(crate) resolution: Option<Resolution>,
    /// `missing`: what a column gets that a row does not name.
    pub(crate) missing: Option<Missing>,
    /// `return`: what is told of the rows that were written.
    pub(crate) representation: Option<Representation>,
    /// `count`: how rows are counted.
    pub(crate) count: Option<Count>,
    /// `tx`: how the transaction ends; `None` too where the policy lets nobody choose.
    pub(crate) transaction: Option<Transaction>,
    /// `handling`: whether unknown preferences are refused.
    pub(crate) handling: Option<Handling>,
    /// `timezone`: the time zone of what is shown.
    pub(crate) timezone: Option<String>,
    /// `max-affected`: how many rows may be written; it counts under `handling=strict` only.
    pub(crate) max_affected: Option<i64>,
    /// What nobody knows.
    pub(crate) unknown: Vec<String>,
}

/// What becomes of rows that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    MergeDuplicates,
    IgnoreDuplicates,
}

/// What a column gets that a row does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Default,
    Null,
}

/// What is told of the rows that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Representation {
    /// The rows.
    Full,
    /// Where the row is, if it is one.
    HeadersOnly,
    /// Nothing.
    Minimal,
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

/// How a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transaction {
    Commit,
    Rollback,
}

/// What becomes of unknown preferences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handling {
    Strict,
    Lenient,
}

impl Preferences {
    /// Reads every `Prefer` header; `tx` counts where it `is_overridable`.
    pub(super) fn parse(headers: &HeaderMap, is_overridable: bool) -> Preferences {
        let mut preferences = Preferences::default();
        for header in headers.get_all("prefer") {
            let header = String::from_utf8_lossy(header.as_bytes());
            header.split(',').map(str::trim).filter(|preference| !preference.is_empty()).for_each(|preference| {
                preferences.add(preference);
            });
        }
        preferences.transaction = preferences.transaction.filter(|_| is_overridable);
        preferences
    }

    /// Whether unknown preferences are refused, and there are some.
    pub(crate) fn is_refused(&self) -> bool {
        self.handling == Some(Handling::Strict) && !self.unknown.is_empty()
    }

    /// How many rows may be written, or returned by a function, if that is to be held to.
    pub(crate) fn affected_max(&self) -> Option<i64> {
        self.max_affected.filter(|_| self.handling == Some(Handling::Strict))
    }

    /// The value of `Preference-Applied`; `None` where nothing was. `has_key`: rows that are there already can be told.
    pub(crate) fn applied(&self, action: Action, has_key: bool) -> Option<String> {
        use Action::{Call, Create, Delete, Update, Upsert};
        let mut applied = Vec::new();
        let mut add = |is_meant: bool, preference: Option<&'static str>| {
            applied.extend(preference.filter(|_| is_meant).map(str::to_owned));
        };
        let is_create = action == Create;
        add(is_create && has_key, self.resolution.map(Resolution::text));
        add(is_create || action == Update, self.missing.map(Missing::text));
        add(matches!(action, Create | Update | Upsert | Delete), self.representation.map(Representation::text));
        add(true, self.count.map(Count::text));
        add(true, self.transaction.map(Transaction::text));
        add(true, self.handling.map(Handling::text));
        applied.extend(self.timezone.as_ref().map(|timezone| format!("timezone={timezone}")));
        if matches!(action, Update | Delete | Call) {
            applied.extend(self.affected_max().map(|rows| format!("max-affected={rows}")));
        }
        (!applied.is_empty()).then(|| applied.join(", "))
    }

    fn add(&mut self, preference: &str) {
        match preference {
            "resolution=merge-duplicates" => first(&mut self.resolution, Resolution::MergeDuplicates),
            "resolution=ignore-duplicates" => first(&mut self.resolution, Resolution::IgnoreDuplicates),
            "missing=default" => first(&mut self.missing, Missing::Default),
            "missing=null" => first(&mut self.missing, Missing::Null),
            "return=representation" => first(&mut self.representation, Representation::Full),
            "return=headers-only" => first(&mut self.representation, Representation::HeadersOnly),
            "return=minimal" => first(&mut self.representation, Representation::Minimal),
            "count=exact" => first(&mut self.count, Count::Exact),
            "count=planned" => first(&mut self.count, Count::Planned),
            "count=estimated" => first(&mut self.count, Count::Estimated),
            "tx=commit" => first(&mut self.transaction, Transaction::Commit),
            "tx=rollback" => first(&mut self.transaction, Transaction::Rollback),
            "handling=strict" => first(&mut self.handling, Handling::Strict),
            "handling=lenient" => first(&mut self.handling, Handling::Lenient),
            _ => match preference.split_once('=') {
                Some(("timezone", name)) => first(&mut self.timezone, name.to_owned()),
                Some(("max-affected", rows)) => {
                    if let Ok(rows) = rows.parse() {
                        first(&mut self.max_affected, rows);
                    }
                }
                _ => self.unknown.push(preference.to_owned()),
            },
        }
    }
}

fn first<T>(kept: &mut Option<T>, given: T) {
    kept.get_or_insert(given);
}

impl Resolution {
    fn text(self) -> &'static str {
        match self {
            Resolution::MergeDuplicates => "resolution=merge-duplicates",
            Resolution::IgnoreDuplicates => "resolution=ignore-duplicates",
        }
    }
}

impl Missing {
    fn text(self) -> &'static str {
        match self {
            Missing::Default => "missing=default",
            Missing::Null => "missing=null",
        }
    }
}

impl Representation {
    fn text(self) -> &'static str {
        match self {
            Representation::Full => "return=representation",
            Representation::HeadersOnly => "return=headers-only",
            Representation::Minimal => "return=minimal",
        }
    }
}

impl Count {
    fn text(self) -> &'static str {
        match self {
            Count::Exact => "count=exact",
            Count::Planned => "count=planned",
            Count::Estimated => "count=estimated",
        }
    }
}

impl Transaction {
    fn text(self) -> &'static str {
        match self {
            Transaction::Commit => "tx=commit",
            Transaction::Rollback => "tx=rollback",
        }
    }
}

impl Handling {
    fn text(self) -> &'static str {
        match self {
            Handling::Strict => "handling=strict",
            Handling::Lenient => "handling=lenient",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[&str], is_overridable: bool) -> Preferences {
        let values = values.iter().map(|value| (http::HeaderName::from_static("prefer"), value.parse().unwrap()));
        Preferences::parse(&values.collect(), is_overridable)
    }

    #[track_caller]
    fn check(values: &[&str], applied: Option<&str>, unknown: &[&str]) {
        let preferences = parse(values, true);
        assert_eq!(preferences.applied(Action::Read, false).as_deref(), applied);
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
        check(&["return=minimal, missing=null, resolution=merge-duplicates, max-affected=1"], None, &[]);
    }

    #[test]
    fn ok_unknown_is_kept() {
        check(&["handling=strict, anything", "count=none,,"], Some("handling=strict"), &["anything", "count=none"]);
    }

    #[test]
    fn ok_applied_to_each_action() {
        let all =
            parse(&["max-affected=3, timezone=UTC, handling=strict, tx=rollback, count=exact, return=minimal"], true);
        let all =
            Preferences { missing: Some(Missing::Default), resolution: Some(Resolution::IgnoreDuplicates), ..all };
        let applied = |action, has_key| all.applied(action, has_key).unwrap();
        let every = "count=exact, tx=rollback, handling=strict, timezone=UTC";
        assert_eq!(applied(Action::Read, true), every);
        assert_eq!(applied(Action::Create, false), format!("missing=default, return=minimal, {every}"));
        assert_eq!(
            applied(Action::Create, true),
            format!("resolution=ignore-duplicates, missing=default, return=minimal, {every}")
        );
        assert_eq!(applied(Action::Update, true), format!("missing=default, return=minimal, {every}, max-affected=3"));
        assert_eq!(applied(Action::Upsert, true), format!("return=minimal, {every}"));
        assert_eq!(applied(Action::Delete, true), format!("return=minimal, {every}, max-affected=3"));
        assert_eq!(applied(Action::Call, true), format!("{every}, max-affected=3"));
    }

    #[test]
    fn ok_tx_only_where_it_may_be_chosen() {
        assert_eq!(parse(&["tx=commit, tx=rollback"], true).transaction, Some(Transaction::Commit));
        let refused = parse(&["tx=commit"], false);
        assert_eq!((refused.transaction, refused.unknown), (None, vec![]));
    }

    #[test]
    fn ok_max_affected_is_a_number_and_strict() {
        assert_eq!(parse(&["max-affected=x, max-affected=7, handling=strict"], true).affected_max(), Some(7));
        assert_eq!(parse(&["max-affected=7"], true).affected_max(), None);
        assert_eq!(parse(&["max-affected=99999999999999999999, handling=strict"], true).affected_max(), None);
    }
}
