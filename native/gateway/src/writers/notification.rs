//! What the database, another gateway, or this one says on the channel.
//!
//! ```text
//! wrote 771 769:771: 16385     a transaction, a snapshot that it had, and a relation that it wrote
//! reporter 5f0c6a2e            the gateway whose writes report themselves from now on
//! mark 5f0c6a2e.17             a word to oneself
//! ```
//!
//! Whoever may log in may notify. What is forged has answers fetched anew that were fresh, and cannot do more.

use cache::{RelationId, Snapshot, Timeline, Xid};

use super::Word;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Notification<'a> {
    Wrote { xid: Xid, seen: Snapshot, relation: RelationId },
    Reporter(&'a str),
    Mark(Word),
}

impl<'a> Notification<'a> {
    /// `None` where it is of none of these forms.
    pub(super) fn parse(timeline: Timeline, payload: &'a str) -> Option<Notification<'a>> {
        let mut words = payload.split(' ');
        let notification = match words.next()? {
            "wrote" => Notification::Wrote {
                xid: words.next()?.parse().ok()?,
                seen: Snapshot::of_postgres(timeline, words.next()?)?,
                relation: words.next()?.parse().ok()?,
            },
            "reporter" => Notification::Reporter(words.next()?),
            "mark" => Notification::Mark(Word::from_str_radix(words.next()?, 16).ok()?),
            _ => return None,
        };
        words.next().is_none().then_some(notification)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Timeline = Timeline(1);

    #[test]
    fn ok_forms() {
        let seen = Snapshot::of_postgres(HERE, "769:771:769").unwrap();
        let wrote = Notification::Wrote { xid: 771, seen, relation: 16385 };
        assert_eq!(Notification::parse(HERE, "wrote 771 769:771:769 16385"), Some(wrote));
        assert_eq!(Notification::parse(HERE, "reporter a"), Some(Notification::Reporter("a")));
        assert_eq!(Notification::parse(HERE, "reporter "), Some(Notification::Reporter("")));
        assert_eq!(Notification::parse(HERE, "mark 000a"), Some(Notification::Mark(10)));
    }

    #[test]
    fn err_other_forms() {
        for payload in
            ["", "wrote", "wrote 771", "wrote x 1:1: 1", "wrote 1 1:1 1", "wrote 1 1:1: -1", "mark", "mark x", "?"]
        {
            assert_eq!(Notification::parse(HERE, payload), None, "{payload}");
        }
    }
}
