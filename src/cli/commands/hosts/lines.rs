//! The lines of a hosts file, one for each name.

use std::fmt::Write as _;
use std::net::IpAddr;

use super::names::allow;
use crate::cli::asking::record::Record;
use crate::cli::commands::host_name::host_name;
use crate::control::read_address;

/// A possible line.
pub(super) struct HostsLine<'a> {
    /// In lower case.
    pub(super) name: String,
    address: IpAddr,
    /// For how long the node has been known, in seconds, and its `NodeID`, which decides between
    /// equals.
    known: (u64, &'a str),
    /// Whether another hosts file has that name, too.
    pub(super) is_taken: bool,
    /// Whether the file has that name already.
    pub(super) is_exported: bool,
}

/// A line for each node with a valid name, sorted by name. Of nodes whose names differ only in
/// case, the one that has been known for longest is taken. This machine and names that match one of
/// the patterns (in lower case) are left out.
pub(super) fn of<'a>(nodes: &'a [Record], excluded: &[String]) -> Vec<HostsLine<'a>> {
    // Asked each time: a machine may be given its name later.
    let own = host_name().split('.').next().unwrap_or_default().to_ascii_lowercase();
    let lines = nodes.iter().filter_map(line).filter(|line| allow(&line.name, &own, excluded));
    let mut lines: Vec<HostsLine<'_>> = lines.collect();
    lines.sort_unstable_by(|a, b| (&a.name, b.known).cmp(&(&b.name, a.known)));
    lines.dedup_by(|other, first| other.name == first.name);
    lines
}

fn line(node: &Record) -> Option<HostsLine<'_>> {
    let id = node.get("id");
    let address = node.addresses().find_map(without_zone)?;
    let known = node.get("known_s").parse().unwrap_or(0);
    Some(HostsLine {
        name: id.to_ascii_lowercase(),
        address,
        known: (known, id),
        is_taken: false,
        is_exported: false,
    })
}

/// The IP address. None if it has a zone: programs do not read such from a hosts file.
fn without_zone(address: &str) -> Option<IpAddr> {
    let (socket, zone) = read_address(address).ok()?;
    zone.is_empty().then(|| socket.ip())
}

/// The line of that name.
pub(super) fn find<'l, 'a>(
    lines: &'l mut [HostsLine<'a>],
    name: &[u8],
) -> Option<&'l mut HostsLine<'a>> {
    let place = lines.binary_search_by(|line| line.name.as_bytes().cmp(name)).ok()?;
    lines.get_mut(place)
}

/// Writes each line: the address to use, a tab and the name.
pub(super) fn write(text: &mut String, lines: &[HostsLine<'_>]) {
    for HostsLine { name, address, .. } in lines {
        // Text in memory takes all that is written to it.
        let _ = writeln!(text, "{address}\t{name}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(excluded: &[&str], nodes: &[&str]) -> String {
        let nodes: Vec<_> = nodes.iter().map(|line| Record::read(line)).collect();
        let excluded: Vec<_> = excluded.iter().map(|&pattern| pattern.to_owned()).collect();
        let mut text = String::new();
        write(&mut text, &of(&nodes, &excluded));
        text
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
        let v6 = ["node6 id=tv addresses=[fe80::2%eth0]:22,[2001:db8::2]:22 known_s=9"];
        assert_eq!(lines(&[], &v6), "2001:db8::2\ttv\n");
    }

    #[test]
    fn of_names_that_differ_in_case_the_one_known_longest_counts() {
        let [old, new] = [
            "node id=NAS addresses=10.0.0.2:22 known_s=90",
            "node id=nas addresses=10.0.0.6:22 known_s=9",
        ];
        assert_eq!(lines(&[], &[old, new]), "10.0.0.2\tnas\n");
        assert_eq!(lines(&[], &[new, old]), "10.0.0.2\tnas\n");
        // Known equally long: it is always the same one.
        let same = "node id=nas addresses=10.0.0.6:22 known_s=90";
        assert_eq!(lines(&[], &[old, same]), lines(&[], &[same, old]));
    }

    #[test]
    fn a_node_whose_address_is_none_has_no_line() {
        for node in [
            "node id=nas",
            "node id=nas addresses=",
            "node id=nas addresses=x:22",
            "node6 id=nas addresses=[fe80::2%eth0]:22",
            "node addresses=10.0.0.2:22",
        ] {
            assert_eq!(lines(&[], &[node]), "", "{node}");
        }
    }
}
