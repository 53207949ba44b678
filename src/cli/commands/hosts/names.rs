//! Which names a node may have in a hosts file.
//!
//! A `NodeID` comes from a stranger, who must not put a name of the Internet or of a program into
//! the LAN's DNS. So a name has to be one label without a dot, must not be a number, and must not
//! have a meaning everywhere.
//!
//! Of the top-level domains only the oldest are left out: `tv`, `camera` and `media` are others,
//! and good names for a node.

use crate::host::glob_matches;

/// The most bytes of a label; RFC 1035, section 2.3.4.
const LABEL_CAPACITY: usize = 63;

/// Names that are no node's, in lower case. Each line has its source.
const RESERVED: [&str; 6] = [
    // This machine and its networks, as Debian, Alpine and macOS have them in /etc/hosts. With
    // "ip6-" others begin, too.
    "localhost localhost4 localhost6 broadcasthost",
    // Special use: RFC 6761, 6762 (local), 7686 (onion), 8375 (home.arpa) and 9476 (alt).
    "local test invalid example onion alt arpa",
    // Domains of LANs: RFC 6762, appendix G; localdomain is in many /etc/hosts.
    "lan home corp intranet internal private localdomain",
    // The first top-level domains, RFC 920 and 1591. An address of such a name harms its whole
    // domain: RFC 7085.
    "com net org edu gov mil int",
    // Programs look these up of themselves and let them choose their proxy, their tunnel or their
    // settings: WPAD, RFC 5214,
    "wpad isatap",
    // Exchange, Thunderbird, Skype, the device management of Windows, RFC 8461 (mta-sts), and
    // OpenPGP's key directory.
    "autodiscover autoconfig lyncdiscover enterpriseenrollment enterpriseregistration mta-sts openpgpkey",
];

/// Whether a name in lower case may be a node's. It is not `own`, this machine's, and matches none
/// of the patterns.
pub(super) fn allow(name: &str, own: &str, excluded: &[String]) -> bool {
    is_label(name)
        && !is_number(name)
        && !is_reserved(name)
        && name != own
        && !excluded.iter().any(|pattern| glob_matches(pattern.as_bytes(), name.as_bytes()))
}

/// Whether the name is one label of a host name as in RFC 1123, section 2.1, without "--" at its
/// third place: "xn--" begins a name that is shown in other letters, and RFC 5890, section 2.3.1,
/// reserves all others.
fn is_label(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends_in_hyphen = bytes.starts_with(b"-") || bytes.ends_with(b"-");
    let of_label = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    (1..=LABEL_CAPACITY).contains(&bytes.len())
        && !ends_in_hyphen
        && bytes.get(2..4) != Some(b"--")
        && bytes.iter().all(of_label)
}

/// Whether `inet_aton(3)` or a browser reads it as an address: a number, even octal or hexadecimal.
fn is_number(name: &str) -> bool {
    let hexadecimal =
        name.strip_prefix("0x").map(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hexadecimal.unwrap_or_else(|| name.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_reserved(name: &str) -> bool {
    name.starts_with("ip6-")
        || RESERVED.iter().any(|names| names.split(' ').any(|reserved| reserved == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(name: &str) -> bool {
        allow(name, "router", &["tv-*".to_owned(), "p?".to_owned()])
    }

    #[test]
    fn a_name_is_one_label() {
        let longest = "x".repeat(LABEL_CAPACITY);
        for name in
            ["nas", "n", "7z", "a--b", "1-2", "xn-1", "tv", "camera", "mail", longest.as_str()]
        {
            assert!(allows(name), "{name}");
        }
        let too_long = "x".repeat(LABEL_CAPACITY + 1);
        let bad = [
            "",
            "-",
            "-rf",
            "nas-",
            "..",
            ".",
            "nas.",
            "www.bank.example",
            "$(reboot)",
            "a;b",
            "a_b",
            "_ssh",
            "a/b",
            "#nas",
            "näs",
            "リビング",
            "xn\u{2010}x",
            "xn--pple-43d",
            "ab--c",
            "a\tb",
            "nas:22",
            "*",
            too_long.as_str(),
        ];
        for name in bad {
            assert!(!allows(name), "{name:?}");
        }
    }

    #[test]
    fn an_address_is_no_name() {
        for name in [
            "7",
            "0815",
            "1.2.3.4",
            "::1",
            "0x0a4d0042",
            "0x",
            "0xff",
            "0xdeadbeef",
            "017",
            "4294967295",
        ] {
            assert!(!allows(name), "{name}");
        }
        for name in ["0xg", "x0", "1e5", "0b1", "7f", "0x-1"] {
            assert!(allows(name), "{name}");
        }
    }

    #[test]
    fn names_that_mean_something_everywhere_are_nobodys() {
        let names = "localhost wpad isatap broadcasthost ip6-localhost ip6-loopback ip6-allnodes com net org lan local \
                     localdomain home internal corp arpa test invalid example onion autodiscover autoconfig mta-sts";
        for name in names.split_whitespace() {
            assert!(!allows(name), "{name}");
        }
    }

    #[test]
    fn this_machine_and_what_is_excluded_are_left_out() {
        for name in ["router", "tv-1", "tv-", "pi"] {
            assert!(!allows(name), "{name}");
        }
        assert!(allows("routers") && allows("pi2"));
    }
}
