//! The conditional form of a read: the answer that an edge has, if it is still good, and no query.
//!
//! With a read an edge may say what it has: `Headland-Stored` is the snapshot of its answer, `Headland-Relations` the OIDs of
//! the relations that the answer was made of (`0` where that is the schema alone), `Headland-Demanded` the snapshot that its caller demands, if any. If no writer is
//! missing from it, nothing is run, and `Headland-Unchanged` is the snapshot that the same answer has by now. Every answer says
//! what edges should know: `Headland-Known`, up to where all writers are known, and `Headland-Writers`, who they are, for the
//! schema (`0`) and the relations named.
//!
//! An answer's own snapshot is `Headland-Snapshot`. Of more transactions in progress than fit, and on a replica, it is cut to fewer
//! that it contains; what its caller has seen is cut to more, in `Headland-Seen`.

use bytes::Bytes;
use cache::wire::{
    self, HEADLAND_DEMANDED, HEADLAND_KNOWN, HEADLAND_RELATIONS, HEADLAND_SEEN, HEADLAND_SNAPSHOT, HEADLAND_STORED,
    HEADLAND_UNCHANGED, HEADLAND_WRITERS, TABLES_MAX,
};
use cache::{Bounds, IN_PROGRESS_MAX, RelationId, SCHEMA, SNAPSHOT_BYTES_MAX, Snapshot};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::Full;
use hyper::Response;

use crate::protocol::RawReply;
use crate::writers::Known;
use crate::{Error, ErrorKind};

const STORED: HeaderName = HeaderName::from_static(HEADLAND_STORED);
const DEMANDED: HeaderName = HeaderName::from_static(HEADLAND_DEMANDED);
const RELATIONS: HeaderName = HeaderName::from_static(HEADLAND_RELATIONS);
const UNCHANGED: HeaderName = HeaderName::from_static(HEADLAND_UNCHANGED);
const KNOWN: HeaderName = HeaderName::from_static(HEADLAND_KNOWN);
const SNAPSHOT: HeaderName = HeaderName::from_static(HEADLAND_SNAPSHOT);
const SEEN: HeaderName = HeaderName::from_static(HEADLAND_SEEN);
const WRITERS: HeaderName = HeaderName::from_static(HEADLAND_WRITERS);

/// What an edge says of the answer that it asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    relations: Vec<RelationId>,
    stored: Option<Snapshot>,
    demanded: Snapshot,
}

impl Question {
    /// Reads the headers.
    pub(super) fn of(headers: &HeaderMap) -> Result<Question, Error> {
        Ok(Question {
            relations: headers.get(RELATIONS).map(relations).transpose()?.unwrap_or_default(),
            stored: headers.get(STORED).map(|value| snapshot(&STORED, value)).transpose()?,
            demanded: headers.get(DEMANDED).map(|value| snapshot(&DEMANDED, value)).transpose()?.unwrap_or_default(),
        })
    }

    /// The whole response, if nothing has to be run.
    pub(super) fn unchanged(&self, known: &Known) -> Option<Response<Full<Bytes>>> {
        let snapshot = known.is_fresh(self.stored.as_ref()?, &self.demanded, &self.relations)?;
        let mut response = Response::new(Full::default());
        response.headers_mut().insert(UNCHANGED, value(&snapshot.shrink(IN_PROGRESS_MAX)));
        self.tell(known, response.headers_mut());
        Some(response)
    }

    /// Whether the edge says what the answer is made of, so that it can be told how good one is. Of changes of the schema not
    /// every database tells; where they are seen by looking, an answer that is made of it alone is good as long as nothing was seen.
    pub(super) fn is_shareable(&self, is_schema_watched: bool) -> bool {
        !self.relations.is_empty() && (is_schema_watched || !self.is_about_schema())
    }

    /// Whether the answer to the same read would be the answer to this one too.
    pub(super) fn is_answered_by(&self, reply: &RawReply, known: &Known) -> bool {
        reply.snapshot.as_ref().is_some_and(|bounds| self.is_answered_at(&bounds.contained, known))
    }

    /// Whether an answer that contains this would be the answer.
    pub(super) fn is_answered_at(&self, contained: &Snapshot, known: &Known) -> bool {
        known.is_fresh(contained, &self.demanded, &self.relations).is_some()
    }

    /// Whether the answer is made of the schema alone. Such a one also shows roles, of whose changes nobody tells.
    pub(super) fn is_about_schema(&self) -> bool {
        self.relations == [SCHEMA]
    }

    /// Adds what edges should know. An answer whose relations nobody named says nothing.
    pub(super) fn tell(&self, known: &Known, headers: &mut HeaderMap) {
        if self.relations.is_empty() {
            return;
        }
        let Some((known, writers)) = known.standings(&self.relations) else { return };
        let told = wire::write_writers(writers);
        headers.insert(KNOWN, value(&known.shrink(IN_PROGRESS_MAX)));
        headers.insert(WRITERS, HeaderValue::try_from(told).expect("numbers are printable ASCII"));
    }
}

/// Adds what an answer contains; and where that is not all, or has to be cut, what whoever is given it has seen.
pub(super) fn tell_snapshot(Bounds { contained, seen }: Bounds, headers: &mut HeaderMap) {
    let contained = contained.shrink(IN_PROGRESS_MAX);
    if contained != seen {
        headers.insert(SEEN, value(&seen.grow(IN_PROGRESS_MAX)));
    }
    headers.insert(SNAPSHOT, value(&contained));
}

/// A snapshot as a header has it.
fn value(snapshot: &Snapshot) -> HeaderValue {
    HeaderValue::try_from(snapshot.to_string()).expect("numbers are printable ASCII")
}

fn snapshot(name: &HeaderName, value: &HeaderValue) -> Result<Snapshot, Error> {
    let snapshot = value.to_str().ok().and_then(Snapshot::parse);
    snapshot.ok_or_else(|| {
        let form = "a snapshot is 16 hexadecimal digits, `:`, and Postgres' text";
        malformed(name, &format!("{form}, in {SNAPSHOT_BYTES_MAX} bytes at most"))
    })
}

fn relations(value: &HeaderValue) -> Result<Vec<RelationId>, Error> {
    let relations = value.to_str().ok().and_then(wire::read_tables);
    relations.ok_or_else(|| {
        malformed(&RELATIONS, &format!("it is a list of OIDs with a space between, {TABLES_MAX} at most"))
    })
}

fn malformed(name: &HeaderName, why: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("invalid `{name}`: {why}"))
}

#[cfg(test)]
mod tests {
    use cache::Timeline;

    use super::*;

    const TEXT: &str = "00000000000000ab:10:12:10";

    fn question(pairs: &[(HeaderName, &str)]) -> Result<Question, Error> {
        let pair = |(name, value): &(HeaderName, &str)| (name.clone(), HeaderValue::from_str(value).unwrap());
        Question::of(&pairs.iter().map(pair).collect())
    }

    #[test]
    fn ok_nothing_said() {
        assert_eq!(question(&[]).unwrap(), Question::default());
    }

    #[test]
    fn ok_all_said() {
        let asked = question(&[(RELATIONS, "16385 16390"), (STORED, TEXT), (DEMANDED, TEXT)]).unwrap();
        let snapshot = Snapshot::parse(TEXT).unwrap();
        assert_eq!(
            asked,
            Question { relations: vec![16385, 16390], stored: Some(snapshot.clone()), demanded: snapshot }
        );
    }

    #[test]
    fn ok_a_snapshot_that_fits_and_one_that_is_cut() {
        let told = |in_progress: u64| {
            let list: Vec<String> = (0..in_progress).map(|number| (2 * number + 100).to_string()).collect();
            let text = format!("100:900:{}", list.join(","));
            let (mut headers, snapshot) = (HeaderMap::new(), Snapshot::of_postgres(Timeline(1), &text).unwrap());
            tell_snapshot(Bounds::exact(snapshot.clone()), &mut headers);
            let told = |name| headers.get(name).and_then(|value| Snapshot::parse(value.to_str().unwrap()));
            (snapshot, told(SNAPSHOT).unwrap(), told(SEEN))
        };
        let (whole, contained, seen) = told(IN_PROGRESS_MAX as u64);
        assert_eq!((contained, seen), (whole, None));
        let (whole, contained, seen) = told(IN_PROGRESS_MAX as u64 + 1);
        assert!(whole.contains_all(&contained) && !contained.contains(899));
        assert!(seen.is_some_and(|seen| seen.contains_all(&whole)));
    }

    #[test]
    fn err_malformed_or_too_many() {
        let many = |count: usize| vec!["1"; count].join(" ");
        assert!(question(&[(RELATIONS, &many(TABLES_MAX))]).is_ok());
        for pair in [
            (RELATIONS, many(TABLES_MAX + 1)),
            (RELATIONS, String::new()),
            (RELATIONS, "1,2".to_owned()),
            (STORED, "10:12:10".to_owned()),
            (DEMANDED, String::new()),
        ] {
            assert!(question(&[(pair.0.clone(), &pair.1)]).is_err(), "{pair:?}");
        }
    }
}
