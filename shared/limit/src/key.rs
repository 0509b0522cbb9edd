//! Who is counted: a number that stands for a caller under one quota.

use std::hash::{DefaultHasher, Hasher};

/// Addresses of IPv6 are counted by network: one customer has at least this much (RFC 6177 §2), and may use as many
/// addresses in it as it likes.
pub const IPV6_PREFIX_BITS: usize = 64;

const GROUP_BITS: usize = 16;
const GROUPS: usize = 128 / GROUP_BITS;

/// The number of a caller under the quota of this name.
///
/// Whoever does not know `seed` cannot find callers with the same number, or with numbers that lie in one set of a
/// [`Table`](crate::Table). By chance, among a million callers two share a number once in forty million times.
pub fn key(seed: u64, name: &str, who: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write_u64(seed);
    // The length says where the name ends.
    hasher.write_u64(name.len() as u64);
    hasher.write(name.as_bytes());
    hasher.write(who);
    hasher.finish()
}

/// What of an address is counted, as text: all of an IPv4 address, [`IPV6_PREFIX_BITS`] of an IPv6 address. An IPv4
/// address in IPv6's form (RFC 4291 §2.5.5.2) is one of IPv4.
///
/// The address is text as RFC 5952 has it, in which runtimes give it: each address has one such form.
pub fn network(address: &str) -> String {
    if let Some(dot) = address.find('.') {
        let start = address[..dot].rfind(':').map_or(0, |colon| colon + 1);
        return address[start..].to_owned();
    }
    let written = address.split(':').filter(|group| !group.is_empty()).count();
    let mut missing = GROUPS.saturating_sub(written);
    let mut groups = Vec::with_capacity(GROUPS);
    for group in address.split(':') {
        if !group.is_empty() {
            groups.push(group);
            continue;
        }
        // `::` stands for all zeros that are missing.
        while missing > 0 {
            groups.push("0");
            missing -= 1;
        }
    }
    groups.truncate(IPV6_PREFIX_BITS / GROUP_BITS);
    groups.join(":")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[track_caller]
    fn check(address: &str, expected: &str) {
        assert_eq!(network(address), expected);
    }

    #[test]
    fn ok_ipv6_by_its_first_64_bits() {
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2");
        check("2001:db8:1:2::", "2001:db8:1:2");
        check("2001:db8:1:2::5", "2001:db8:1:2");
        check("2001:db8::1:2:3:4", "2001:db8:0:0");
        check("2001:db8::3:4:5:6", "2001:db8:0:0");
        check("2001::2:3:4:5:6:7", "2001:0:2:3");
        check("::1", "0:0:0:0");
        check("::", "0:0:0:0");
    }

    /// Two addresses are one network if, and only if, they are so as numbers.
    #[test]
    fn ok_ipv6_as_the_standard_library_writes_it() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut address = || {
            let groups: [u16; 8] = std::array::from_fn(|_| random.u16(..) & [0, 0, 1, 0xffff][random.usize(..4)]);
            // What begins with zeros may be an IPv4 address.
            Ipv6Addr::from(groups) | Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0)
        };
        for _ in 0..10_000 {
            let (one, other) = (address(), address());
            let are_one = u128::from(one) >> IPV6_PREFIX_BITS == u128::from(other) >> IPV6_PREFIX_BITS;
            assert_eq!(network(&one.to_string()) == network(&other.to_string()), are_one, "{one} {other}");
            let groups = one.segments().map(|group| format!("{group:x}"));
            assert_eq!(network(&one.to_string()), groups[..4].join(":"));
        }
    }

    #[test]
    fn ok_ipv4_by_the_whole_address() {
        check("192.0.2.1", "192.0.2.1");
        check("::ffff:192.0.2.1", "192.0.2.1");
    }

    #[test]
    fn ok_what_is_no_address_is_something() {
        for text in ["", ":", "unknown", "1:2", ":::::::::", "1:2:3:4:5:6:7:8:9", ".", ":.", "ü"] {
            assert!(network(text).len() <= text.len() + 2 * GROUPS, "{text}");
        }
    }

    #[test]
    fn ok_seed_name_and_caller_all_count() {
        let keys = [key(1, "a", b"bc"), key(2, "a", b"bc"), key(1, "ab", b"c"), key(1, "a", b"bd"), key(1, "a", b"")];
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(key), "{keys:?}");
        }
        assert_eq!(key(1, "a", b"bc"), keys[0]);
    }
}
