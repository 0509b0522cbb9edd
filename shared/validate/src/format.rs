//! Formats of text that RFCs define. Names are those of JSON Schema.

mod host;
mod time;
mod uri;

/// A format of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `Mailbox`, RFC 5321 §4.1.2: a dot-string, `@` and a domain. Quoted local parts and addresses in brackets are not taken.
    Email,
    /// A URI with its scheme, RFC 3986 §3; relative references are not taken.
    Uri,
    /// RFC 9562 §4, in either case.
    Uuid,
    /// `full-date`, RFC 3339 §5.6.
    Date,
    /// `full-time`, RFC 3339 §5.6: with an offset.
    Time,
    /// `date-time`, RFC 3339 §5.6: with an offset.
    DateTime,
    /// RFC 1123 §2.1.
    Hostname,
    /// `dotted-quad`, RFC 2673 §3.2.
    Ipv4,
    /// RFC 4291 §2.2, without a zone.
    Ipv6,
}

/// Names, and what they stand for.
const FORMATS: [(&str, Format, &str); 9] = [
    ("email", Format::Email, "an email address (RFC 5321, section 4.1.2)"),
    ("uri", Format::Uri, "a URI with its scheme (RFC 3986, section 3)"),
    ("uuid", Format::Uuid, "a UUID (RFC 9562, section 4)"),
    ("date", Format::Date, "a date such as `2026-01-31` (RFC 3339, section 5.6)"),
    ("time", Format::Time, "a time with its offset such as `23:59:59Z` (RFC 3339, section 5.6)"),
    ("date-time", Format::DateTime, "a time such as `2026-01-31T23:59:59Z` (RFC 3339, section 5.6)"),
    ("hostname", Format::Hostname, "a host name (RFC 1123, section 2.1)"),
    ("ipv4", Format::Ipv4, "an IPv4 address (RFC 2673, section 3.2)"),
    ("ipv6", Format::Ipv6, "an IPv6 address (RFC 4291, section 2.2)"),
];

impl Format {
    /// The format of this name.
    pub fn named(name: &str) -> Option<Format> {
        FORMATS.iter().find(|(known, ..)| *known == name).map(|(_, format, _)| *format)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|(name, ..)| *name)
    }

    pub(crate) fn description(self) -> &'static str {
        FORMATS[self as usize].2
    }

    /// Whether a text has it.
    pub fn holds(self, text: &str) -> bool {
        match self {
            Format::Email => host::is_mailbox(text),
            Format::Uri => uri::is_uri(text),
            Format::Uuid => is_uuid(text),
            Format::Date => time::is_date(text),
            Format::Time => time::is_time(text),
            Format::DateTime => time::is_date_time(text),
            Format::Hostname => host::is_hostname(text),
            Format::Ipv4 => host::is_ipv4(text),
            Format::Ipv6 => host::is_ipv6(text),
        }
    }
}

pub(crate) use time::is_real_date;

/// `8HEXDIG "-" 4HEXDIG "-" 4HEXDIG "-" 4HEXDIG "-" 12HEXDIG`
fn is_uuid(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

/// Which texts have a format, and which have not.
#[cfg(test)]
#[track_caller]
fn check(is: fn(&str) -> bool, good: &[&str], bad: &[&str]) {
    for text in good {
        assert!(is(text), "{text}");
    }
    for text in bad {
        assert!(!is(text), "{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_every_format_is_in_its_place() {
        for (place, (name, format, _)) in FORMATS.into_iter().enumerate() {
            assert_eq!((Format::named(name), format as usize), (Some(format), place));
        }
        assert_eq!(Format::named("e-mail"), None);
    }

    #[test]
    fn ok_uuid() {
        check(
            is_uuid,
            &["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"],
            &[
                "",
                "f81d4fae7dec11d0a76500a0c91e6bf6",
                "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
                "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
                "f81d4fa-e7dec-11d0-a765-00a0c91e6bf6",
                " f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            ],
        );
    }
}
