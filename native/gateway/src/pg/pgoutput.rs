//! What the output plugin `pgoutput` says of a transaction, in version 1 of its protocol.
//!
//! ```text
//! transaction = Begin *( Relation | Type | Origin | Insert | Update | Delete | Truncate | Message ) Commit
//! Begin       = 'B' end:8 time:8 xid:4
//! Relation    = 'R' oid:4 …                    before the first change of it, and whenever it may be another than it was
//! Insert      = 'I' oid:4 …                    Update ('U') and Delete ('D') likewise
//! Truncate    = 'T' count:4 options:1 *oid:4
//! Message     = 'M' flags:1 at:8 prefix 0 length:4 content
//! Commit      = 'C' …
//! ```
//!
//! Transactions come whole, in the order of their commits; those that were rolled back do not come.

use bytes::Buf;

/// What one message says, of rows no more than whose they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The lower half of the transaction's number.
    Begin(u32),
    Relation(u32),
    /// A row of this relation was inserted, updated or deleted.
    Change(u32),
    Truncate(Vec<u32>),
    /// `pg_logical_emit_message` said this, which may be cut.
    Emitted {
        prefix: String,
        content: Vec<u8>,
    },
    Commit,
    /// `Type` and `Origin`, which write nothing.
    Other,
}

impl Message {
    /// `None` where it is of another form, or was cut before the end of what has to be known. What is not known may be
    /// a way of writing, so it is not passed over.
    pub(crate) fn parse(message: &[u8]) -> Option<Message> {
        let (tag, mut body) = message.split_first()?;
        let mut oid = || body.try_get_u32().ok();
        Some(match tag {
            b'B' => Message::Begin(body.get(16..)?.try_get_u32().ok()?),
            b'R' => Message::Relation(oid()?),
            b'I' | b'U' | b'D' => Message::Change(oid()?),
            b'T' => {
                let count = oid()?;
                body.try_get_u8().ok()?;
                Message::Truncate((0..count).map(|_| body.try_get_u32().ok()).collect::<Option<_>>()?)
            }
            b'M' => emitted(body.get(9..)?)?,
            b'C' => Message::Commit,
            b'Y' | b'O' => Message::Other,
            _ => return None,
        })
    }
}

fn emitted(rest: &[u8]) -> Option<Message> {
    let end = rest.iter().position(|byte| *byte == 0)?;
    let prefix = str::from_utf8(&rest[..end]).ok()?.to_owned();
    Some(Message::Emitted { prefix, content: rest.get(end + 1 + size_of::<u32>()..)?.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &[u8], expected: Option<Message>) {
        assert_eq!(Message::parse(message), expected);
    }

    #[test]
    fn ok_forms() {
        check(&[b"B".as_slice(), &[0; 16], &[0, 0, 2, 250]].concat(), Some(Message::Begin(762)));
        check(b"R\0\0\x40\x05public\0films\0d", Some(Message::Relation(16389)));
        for tag in [b'I', b'U', b'D'] {
            check(&[tag, 0, 0, 0x40, 5, b'N', 0, 1, b't'], Some(Message::Change(16389)));
        }
        check(b"T\0\0\0\x02\0\0\0\x40\x05\0\0\x40\x0a", Some(Message::Truncate(vec![16389, 16394])));
        let said = Message::Emitted { prefix: "headland".to_owned(), content: b"word".to_vec() };
        check(&[b"M\x01".as_slice(), &[0; 8], b"headland\0\0\0\0\x04word"].concat(), Some(said));
        check(b"C\0", Some(Message::Commit));
        check(b"O", Some(Message::Other));
    }

    #[test]
    fn err_forms() {
        for message in [b"".as_slice(), b"B\0", b"I\0\0\x40", b"T\0\0\0\x02\0\0\0\x40\x05", b"M\x01", b"S\0\0\x02\xfa"]
        {
            check(message, None);
        }
    }
}
