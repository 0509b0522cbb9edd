//! Names and addresses of hosts, and mailboxes on them.

use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest name of a host, RFC 1035 §2.3.4 less the length octets of the first label and the root.
const HOSTNAME_BYTES_MAX: usize = 253;
/// Longest label, RFC 1035 §2.3.4.
const LABEL_BYTES_MAX: usize = 63;
/// Longest part in front of `@`, RFC 5321 §4.5.3.1.1.
const LOCAL_PART_BYTES_MAX: usize = 64;
/// Longest mailbox: a path has 256 (RFC 5321 §4.5.3.1.3), two of which are its brackets.
const MAILBOX_BYTES_MAX: usize = 254;

/// RFC 1123 §2.1: labels of letters, digits and hyphens, which begin and end with no hyphen.
pub(super) fn is_hostname(text: &str) -> bool {
    text.len() <= HOSTNAME_BYTES_MAX && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LABEL_BYTES_MAX).contains(&label.len())
        && label.bytes().all(is_inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 5321 §4.1.2: `Mailbox = Local-part "@" Domain`, `Local-part = Dot-string = Atom *("." Atom)`.
pub(super) fn is_mailbox(text: &str) -> bool {
    let Some((local_part, domain)) = text.rsplit_once('@') else { return false };
    text.len() <= MAILBOX_BYTES_MAX
        && local_part.len() <= LOCAL_PART_BYTES_MAX
        && local_part.split('.').all(is_atom)
        && is_hostname(domain)
}

/// RFC 5322 §3.2.3.
fn is_atom(text: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_atext)
}

pub(super) fn is_ipv4(text: &str) -> bool {
    text.parse::<Ipv4Addr>().is_ok()
}

pub(super) fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::check;

    #[test]
    fn ok_hostnames() {
        let label = "a".repeat(LABEL_BYTES_MAX);
        let longest = format!("{label}.{label}.{label}.{}", &label[2..]);
        check(
            is_hostname,
            &["localhost", "www.example.com", "3com.com", "a-b.c", "xn--nxasmm1c", &longest],
            &["", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "ä.com", &format!("a{label}"), &format!("{longest}a")],
        );
    }

    #[test]
    fn ok_mailboxes() {
        let local = "l".repeat(LOCAL_PART_BYTES_MAX);
        let label = "a".repeat(LABEL_BYTES_MAX);
        let longest = format!("{local}@{label}.{label}.{}", &label[2..]);
        check(
            is_mailbox,
            &["joe.bloggs@example.com", "te~st+a@example.com", "a@b", &longest, &format!("{local}@x")],
            &[
                "",
                "@",
                "a@",
                "@b",
                "a",
                ".a@b.c",
                "a.@b.c",
                "a..b@c",
                "a b@c",
                "a@b@c",
                "\"a b\"@c",
                "a@[127.0.0.1]",
                "a@-b",
                "ä@b.c",
                &format!("l{local}@x"),
                &format!("{longest}a"),
            ],
        );
    }

    #[test]
    fn ok_addresses() {
        check(is_ipv4, &["192.168.0.1", "0.0.0.0"], &["", "1.2.3", "1.2.3.256", "01.2.3.4", "1.2.3.4.5", "0x7f.0.0.1"]);
        check(
            is_ipv6,
            &["::", "::1", "12:34::ab:cd", "::ffff:192.168.0.1", "1:2:3:4:5:6:7:8"],
            &["", "12345::", ":::", "1::2::3", "fe80::1%eth0", "1:2:3:4:5:6:7", "::ffff:192.168.0.256"],
        );
    }
}
