//! Which nodes have a line in a hosts file, and under which names.
//!
//! A `NodeID` comes from a stranger. So that none puts a name of the Internet or of a program's own into the LAN's DNS, a name is one label
//! without a dot, and never one that programs look up of themselves.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};

use crate::cli::client::Record;
use crate::host::glob_matches;

/// The most bytes of a label; RFC 1035, section 2.3.4.
const LABEL_CAPACITY: usize = 63;

/// What programs look up without being told to, and trust what they find.
const RESERVED: [&str; 6] = ["localhost", "ip6-localhost", "ip6-loopback", "broadcasthost", "wpad", "isatap"];

/// The names that are left out.
pub(super) struct Names {
    /// Patterns, in lower case.
    excluded: Vec<String>,
    /// This machine's own name.
    own: String,
}

/// What will be a line.
struct Line<'a> {
    name: String,
    address: Ipv4Addr,
    /// For how long the node has been known, in seconds, and its `NodeID`, which decides between equals.
    known: (u64, &'a str),
}

impl Names {
    /// Leaves out what matches one of these patterns in lower case, and this machine.
    pub(super) fn new(excluded: Vec<String>) -> Self {
        let host = nix::unistd::gethostname().unwrap_or_default();
        let host = host.to_string_lossy();
        let own = host.split('.').next().unwrap_or_default().to_ascii_lowercase();
        Self { excluded, own }
    }

    /// A line for each node that may have one, sorted by name: its preferred address, a tab and its name in lower case. Of nodes
    /// whose names differ in case alone it is the one that has been known for longest.
    pub(super) fn lines(&self, nodes: &[Record]) -> String {
        let mut lines: Vec<Line<'_>> = vec![];
        for line in nodes.iter().filter_map(|node| self.line(node)) {
            match lines.binary_search_by(|other| other.name.cmp(&line.name)) {
                Err(place) => lines.insert(place, line),
                Ok(place) => {
                    if let Some(other) = lines.get_mut(place).filter(|other| other.known < line.known) {
                        *other = line;
                    }
                }
            }
        }
        let mut text = String::new();
        for Line { name, address, .. } in &lines {
            // Text in memory takes all that is written to it.
            let _ = writeln!(text, "{address}\t{name}");
        }
        text
    }

    fn line<'a>(&self, node: &'a Record) -> Option<Line<'a>> {
        let id = node.get("id");
        let name = id.to_ascii_lowercase();
        let address: SocketAddrV4 = node.addresses().next()?.parse().ok()?;
        let known = node.get("known_s").parse().unwrap_or(0);
        self.allow(&name).then(|| Line { name, address: *address.ip(), known: (known, id) })
    }

    fn allow(&self, name: &str) -> bool {
        is_label(name)
            && name != self.own
            && !RESERVED.contains(&name)
            && !self.excluded.iter().any(|pattern| glob_matches(pattern.as_bytes(), name.as_bytes()))
    }
}

/// Whether it is one label of a host name as RFC 1123, section 2.1, has it, and not a number, which might be taken for an address.
fn is_label(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends_in_hyphen = bytes.starts_with(b"-") || bytes.ends_with(b"-");
    let of_label = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    bytes.len() <= LABEL_CAPACITY
        && !ends_in_hyphen
        && bytes.iter().all(of_label)
        && !bytes.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(excluded: &[&str], nodes: &[&str]) -> String {
        let nodes: Vec<_> = nodes.iter().map(|line| Record::read(line)).collect();
        let excluded = excluded.iter().map(|&pattern| pattern.to_owned()).collect();
        Names { excluded, own: "router".to_owned() }.lines(&nodes)
    }

    fn allows(name: &str) -> bool {
        !lines(&[], &[&format!("node id={name} addresses=10.0.0.2:22 known_s=1")]).is_empty()
    }

    #[test]
    fn lines_are_sorted_and_have_the_preferred_address() {
        let nodes = [
            "node id=tv addresses=10.0.0.4:8008 interface=eth0 age_s=3 known_s=9 expires_s=1 heard=4 contested=no",
            "node id=NAS addresses=10.0.0.2:22,10.0.0.3:22 known_s=7 contested=yes",
            "node id=pi-2 addresses=10.0.0.9:1 known_s=8",
        ];
        assert_eq!(lines(&[], &nodes), "10.0.0.2\tnas\n10.0.0.9\tpi-2\n10.0.0.4\ttv\n");
        assert_eq!(lines(&["n?s", "pi*"], &nodes), "10.0.0.4\ttv\n");
        assert_eq!(lines(&["*"], &nodes), "");
    }

    #[test]
    fn of_names_that_differ_in_case_the_one_known_longest_counts() {
        let [old, new] =
            ["node id=NAS addresses=10.0.0.2:22 known_s=90", "node id=nas addresses=10.0.0.6:22 known_s=9"];
        assert_eq!(lines(&[], &[old, new]), "10.0.0.2\tnas\n");
        assert_eq!(lines(&[], &[new, old]), "10.0.0.2\tnas\n");
        // Known equally long: it is always the same one.
        let same = "node id=nas addresses=10.0.0.6:22 known_s=90";
        assert_eq!(lines(&[], &[old, same]), lines(&[], &[same, old]));
    }

    #[test]
    fn a_name_is_one_label() {
        let longest = "x".repeat(LABEL_CAPACITY);
        for name in ["nas", "NAS", "n", "7z", "a--b", "1-2", longest.as_str()] {
            assert!(allows(name), "{name}");
        }
        let too_long = "x".repeat(LABEL_CAPACITY + 1);
        let bad = [
            "",
            "-",
            "-rf",
            "nas-",
            "7",
            "0815",
            "1.2.3.4",
            "..",
            ".",
            "nas.",
            "www.bank.example",
            "$(reboot)",
            "a;b",
            "a_b",
            "a/b",
            "#nas",
            "näs",
            "リビング",
            "xn\u{2010}x",
            "a\tb",
            "::1",
            "nas:22",
            "*",
            too_long.as_str(),
        ];
        for name in bad {
            assert!(!allows(name), "{name:?}");
        }
    }

    #[test]
    fn names_that_programs_trust_are_nobodys() {
        for name in [
            "localhost",
            "LocalHost",
            "wpad",
            "WPAD",
            "isatap",
            "broadcasthost",
            "ip6-localhost",
            "router",
            "ROUTER",
        ] {
            assert!(!allows(name), "{name}");
        }
    }

    #[test]
    fn a_node_whose_address_is_none_has_no_line() {
        for node in [
            "node id=nas",
            "node id=nas addresses=",
            "node id=nas addresses=x:22",
            "node addresses=10.0.0.2:22",
        ] {
            assert_eq!(lines(&[], &[node]), "", "{node}");
        }
        assert_eq!(lines(&[], &["node id=nas addresses=10.0.0.2:22"]), "10.0.0.2\tnas\n");
    }
}
