//! A request's headers: how results are to be written, and in which transaction a batch runs.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Error, ErrorKind};

/// Deadlines are given in milliseconds and are no longer than this many: a day.
const DEADLINE_MS_MAX: u64 = 24 * 60 * 60 * 1000;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Call {
    /// `Headland-Raw`: a single row's `body` is wanted as the whole response.
    pub(crate) raw: bool,
    /// `Neon-Raw-Text-Output`: values as Postgres writes them.
    pub(crate) text: bool,
    /// `Neon-Array-Mode`: rows as arrays, where a query does not say otherwise.
    pub(crate) array: bool,
    pub(crate) transaction: Transaction,
    /// `Headland-Deadline`: how long the caller will wait.
    pub(crate) deadline: Option<Duration>,
}

/// The options of a batch's transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Transaction {
    pub(crate) isolation: Option<Isolation>,
    pub(crate) read_only: bool,
    pub(crate) deferrable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Isolation {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl Call {
    pub(crate) fn parse(headers: &HeaderMap) -> Result<Call, Error> {
        let raw = flag(headers, "headland-raw");
        Ok(Call {
            raw,
            text: raw || flag(headers, "neon-raw-text-output"),
            array: flag(headers, "neon-array-mode"),
            transaction: Transaction {
                isolation: headers.get("neon-batch-isolation-level").map(isolation).transpose()?,
                read_only: flag(headers, "neon-batch-read-only"),
                deferrable: flag(headers, "neon-batch-deferrable"),
            },
            deadline: headers.get("headland-deadline").map(deadline).transpose()?,
        })
    }
}

impl Transaction {
    /// The statement that opens it.
    pub(crate) fn begin(self) -> String {
        let mut sql = String::from("BEGIN");
        if let Some(isolation) = self.isolation {
            sql.push_str(" ISOLATION LEVEL ");
            sql.push_str(isolation.sql());
        }
        if self.read_only {
            sql.push_str(" READ ONLY");
        }
        if self.deferrable {
            sql.push_str(" DEFERRABLE");
        }
        sql
    }

    /// Headers that tell which options took effect.
    pub(crate) fn echo(self, headers: &mut HeaderMap) {
        let truth = HeaderValue::from_static("true");
        if let Some(isolation) = self.isolation {
            let name = HeaderName::from_static("neon-batch-isolation-level");
            headers.insert(name, HeaderValue::from_static(isolation.name()));
        }
        if self.read_only {
            headers.insert(HeaderName::from_static("neon-batch-read-only"), truth.clone());
        }
        if self.deferrable {
            headers.insert(HeaderName::from_static("neon-batch-deferrable"), truth);
        }
    }
}

impl Isolation {
    const ALL: [Isolation; 4] =
        [Isolation::ReadUncommitted, Isolation::ReadCommitted, Isolation::RepeatableRead, Isolation::Serializable];

    fn name(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "ReadUncommitted",
            Isolation::ReadCommitted => "ReadCommitted",
            Isolation::RepeatableRead => "RepeatableRead",
            Isolation::Serializable => "Serializable",
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Isolation::ReadUncommitted => "READ UNCOMMITTED",
            Isolation::ReadCommitted => "READ COMMITTED",
            Isolation::RepeatableRead => "REPEATABLE READ",
            Isolation::Serializable => "SERIALIZABLE",
        }
    }
}

fn flag(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| value == "true")
}

fn isolation(value: &HeaderValue) -> Result<Isolation, Error> {
    let named = Isolation::ALL.into_iter().find(|isolation| value == isolation.name());
    named.ok_or_else(|| Error::new(ErrorKind::Malformed, "invalid isolation level"))
}

fn deadline(value: &HeaderValue) -> Result<Duration, Error> {
    let milliseconds = value.to_str().ok().and_then(|text| text.parse().ok());
    let milliseconds = milliseconds.filter(|&milliseconds| milliseconds <= DEADLINE_MS_MAX);
    let refuse = || Error::new(ErrorKind::Malformed, "`Headland-Deadline` is no number of milliseconds");
    milliseconds.map(Duration::from_millis).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(pairs: &[(&'static str, &'static str)]) -> Result<Call, Error> {
        let pair = |&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        Call::parse(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn ok_flags_are_exactly_true() {
        assert!(call(&[("neon-array-mode", "true")]).unwrap().array);
        for not_true in ["True", "1", "", "false", " true"] {
            assert!(!call(&[("neon-array-mode", not_true)]).unwrap().array, "{not_true:?}");
        }
    }

    #[test]
    fn ok_raw_is_in_text() {
        assert!(call(&[("headland-raw", "true")]).unwrap().text);
    }

    #[test]
    fn ok_begin() {
        let begin = |pairs: &[_]| call(pairs).unwrap().transaction.begin();
        assert_eq!(begin(&[]), "BEGIN");
        assert_eq!(begin(&[("neon-batch-read-only", "true")]), "BEGIN READ ONLY");
        assert_eq!(
            begin(&[
                ("neon-batch-isolation-level", "Serializable"),
                ("neon-batch-read-only", "true"),
                ("neon-batch-deferrable", "true"),
            ]),
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE"
        );
    }

    #[test]
    fn err_isolation_unknown() {
        for unknown in ["serializable", "READ COMMITTED", ""] {
            assert_eq!(
                call(&[("neon-batch-isolation-level", unknown)]).unwrap_err().to_string(),
                "invalid isolation level"
            );
        }
    }

    #[test]
    fn err_deadline_not_a_number_or_over_a_day() {
        assert_eq!(call(&[("headland-deadline", "86400000")]).unwrap().deadline, Some(Duration::from_secs(86_400)));
        for bad in ["86400001", "-1", "1.5", "soon", ""] {
            assert!(call(&[("headland-deadline", bad)]).is_err(), "{bad:?}");
        }
    }
}
