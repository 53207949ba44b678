//! The daemon's lines, as it writes them and as a client reads them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;

use heapless::String;

use super::form::FORMS;
use super::*;
use crate::limits::{
    ADDRESSES_PER_NODE, NETWORKS_PER_LINK, NODE_ID_CAPACITY, OWN_ADDRESSES, REPLY_CAPACITY,
    REPLY_LINE_CAPACITY,
};
use crate::net::Network;
use crate::time::Duration;
use crate::wire::NodeId;

type Out = String<REPLY_LINE_CAPACITY>;

const FOREVER: Duration = Duration::from_millis(u64::MAX);
const LONGEST_NAME: &str = "interface-name-";

fn name(text: &str) -> NodeId {
    NodeId::try_from(text).unwrap()
}

fn longest_id() -> NodeId {
    NodeId::new(&[b'x'; NODE_ID_CAPACITY]).unwrap()
}

fn longest_network() -> Network {
    Network::new(Ipv4Addr::BROADCAST, 32).unwrap()
}

/// An address on an interface, like `198.18.0.1:22 eth0`.
fn address(text: &'static str) -> Address<'static> {
    let (socket, interface) = text.split_once(' ').unwrap();
    let interface: &'static &'static str = Box::leak(Box::new(interface));
    Address { socket: socket.parse().unwrap(), interface }
}

/// The values of a node with these addresses.
fn node_line<'a>(id: &'a NodeId, addresses: Addresses<'a>) -> NodeLine<'a> {
    NodeLine {
        id,
        addresses,
        age: Duration::from_secs(3),
        known: Duration::from_millis(33_999),
        expires_in: Duration::from_secs(87),
        heard: 2,
        contested: false,
        own: false,
    }
}

/// The line of a node that has these addresses.
fn written(id: &str, addresses: &[&'static str], own: bool) -> std::string::String {
    let (id, addresses): (_, Vec<_>) =
        (name(id), addresses.iter().map(|text| address(text)).collect());
    let get = |number| addresses.get(number).copied();
    let mut out = std::string::String::new();
    NodeLine { own, ..node_line(&id, &get) }.write(&mut out).unwrap();
    out
}

#[test]
fn a_node_line_reads_back_as_it_was() {
    let line = written("a=b,\"c\"", &["198.18.0.2:22000 eth0", "198.18.0.1:22 eth1"], false);
    let Line::Data { kind: "node", fields } = Line::parse(line.trim_end_matches('\n')) else {
        panic!("{line}")
    };
    let expected = [
        ("id", "a=b,\"c\""),
        ("addresses", "198.18.0.2:22000,198.18.0.1:22"),
        ("interface", "eth0"),
        ("age_s", "3"),
        ("known_s", "33"),
        ("expires_s", "87"),
        ("heard", "2"),
        ("contested", "no"),
    ];
    assert!(fields.eq(expected), "{line}");
}

#[test]
fn old_clients_understand_the_line_of_a_node_with_ipv6_addresses() {
    let rest = "age_s=3 known_s=33 expires_s=87 heard=2 contested=no";
    let (v4, global, local) = ("198.18.0.2:22 eth1", "[2001:db8::2]:22 eth1", "[fe80::2]:22 eth0");
    // IPv4 addresses stay where they were, whichever is preferred.
    for addresses in [[v4, global, local], [global, v4, local], [global, local, v4]] {
        assert_eq!(
            written("nas", &addresses, false),
            format!(
                "node id=nas addresses=198.18.0.2:22 interface=eth1 {rest} \
                 addresses6=[2001:db8::2]:22,[fe80::2%eth0]:22\n"
            )
        );
    }
    assert_eq!(
        written("nas", &[v4, local], true),
        format!(
            "own id=nas addresses=198.18.0.2:22 interface=eth1 {rest} own=yes \
             addresses6=[fe80::2%eth0]:22\n"
        )
    );
    // A node without an IPv4 address has a line that old clients pass over.
    for (own, kind, more) in [(false, "node6", ""), (true, "own6", " own=yes")] {
        assert_eq!(
            written("nas", &[local, global], own),
            format!(
                "{kind} id=nas addresses=[fe80::2%eth0]:22,[2001:db8::2]:22 interface=eth0 {rest}{more}\n"
            )
        );
    }
    assert_eq!(written("nas", &[], false), "");
}

#[test]
fn an_event_with_an_ipv6_address_is_of_a_kind_of_its_own() {
    let id = name("nas");
    let event = |kind, place, rival: Option<&'static str>| {
        let mut out = Out::new();
        let (address, rival) = (address(place), rival.map(address));
        EventLine { kind, id: &id, address, rival }.write(&mut out).unwrap();
        out
    };
    for kind in ["known", "found", "moved", "lost"] {
        let v4 = event(kind, "198.18.0.2:22 eth0", None);
        assert_eq!(v4, format!("{kind} id=nas address=198.18.0.2:22 interface=eth0\n").as_str());
        let v6 = event(kind, "[fe80::2]:22 eth0", None);
        assert_eq!(
            v6,
            format!("{kind}6 id=nas address=[fe80::2%eth0]:22 interface=eth0\n").as_str()
        );
    }
    assert_eq!(
        event("contested", "198.18.0.2:22 eth0", Some("198.18.1.2:22 eth1")),
        "contested id=nas address=198.18.0.2:22 interface=eth0 rival=198.18.1.2:22\n"
    );
    assert_eq!(
        event("contested", "[2001:db8::2]:22 eth0", Some("[fe80::9]:22 eth1")),
        "contested6 id=nas address=[2001:db8::2]:22 interface=eth0 rival=[fe80::9%eth1]:22\n"
    );
}

#[test]
fn a_contested_node_has_a_line_for_each_family() {
    let id = name("nas");
    let all = ["[fe80::2]:22 eth0", "198.18.0.2:22 eth1", "198.18.0.3:22 eth1"].map(address);
    let mut out = std::string::String::new();
    contested(&mut out, &id, &|number| all.get(number).copied()).unwrap();
    assert_eq!(
        out,
        "contested id=nas addresses=198.18.0.2:22,198.18.0.3:22\n\
         contested6 id=nas addresses=[fe80::2%eth0]:22\n"
    );
}

#[test]
fn own_nodes_and_the_version_are_written() {
    let mut out = Out::new();
    own(&mut out, &name("nas"), NonZeroU16::MIN).unwrap();
    version(&mut out).unwrap();
    ok(&mut out).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        out,
        format!("own id=nas port=1\nversion protocol=1 foghorn={version}\nok\n").as_str()
    );
}

/// The first lines of a reply to `status`.
fn status(out: &mut impl fmt::Write, allowed: &[Network], count: u64) -> fmt::Result {
    let udp_port = u16::MAX;
    DaemonLine { uptime: FOREVER, interval: Duration::from_secs(3600), udp_port, allowed }
        .write(out)?;
    let (used, capacity) = (usize::from(u16::MAX), usize::from(u16::MAX));
    RegistryLine { used, capacity, found: count, moved: count, contested: count, lost: count }
        .write(out)?;
    DatagramsLine { received: count, own: count, sent: count, answers: count }.write(out)?;
    rejected(out, [("bad_source", count), ("off_link", count)].into_iter())
}

#[test]
fn every_value_that_is_written_has_a_type_and_is_of_it() {
    let mut out = std::string::String::new();
    let (id, networks) = (name("17"), [longest_network()]);
    let both = ["198.18.0.1:22000 eth0", "[fe80::1]:22 eth0"].map(address);
    let get = |number| both.get(number).copied();
    version(&mut out).unwrap();
    for own in [false, true] {
        NodeLine { own, ..node_line(&id, &get) }.write(&mut out).unwrap();
    }
    for kind in ["known", "found", "moved", "contested", "lost"] {
        let rival = (kind == "contested").then_some(both[0]);
        EventLine { kind, id: &id, address: both[0], rival }.write(&mut out).unwrap();
    }
    status(&mut out, &networks, 7).unwrap();
    host_name(&mut out, "localhost").unwrap();
    own(&mut out, &id, NonZeroU16::MIN).unwrap();
    rival(&mut out, &id, IpAddr::V4(Ipv4Addr::LOCALHOST), FOREVER).unwrap();
    interface_line(&networks, 0).write(&mut out).unwrap();
    expected(&mut out, &id, true).unwrap();
    contested(&mut out, &id, &get).unwrap();
    let mut pairs = 0;
    for text in out.lines() {
        let Line::Data { kind, fields } = Line::parse(text) else { panic!("{text}") };
        for (key, value) in fields {
            let is_number = value.parse::<u64>().is_ok();
            let is_right = match ValueType::of(kind, key).unwrap_or_else(|| panic!("{kind} {key}"))
            {
                ValueType::Number => is_number,
                ValueType::Flag => ["yes", "no"].contains(&value),
                ValueType::Text | ValueType::List => !is_number || key == "id",
            };
            assert!(is_right, "{key} of {text}");
            pairs += 1;
        }
    }
    assert!(pairs > 60, "{out}");
    let kinds = out.lines().filter_map(|line| line.split(' ').next());
    for known in FORMS.iter().flat_map(|(kinds, _)| kinds.split(' ')) {
        assert!(kinds.clone().any(|written| written == known), "{known}");
    }
}

fn interface_line(networks: &[Network], count: u64) -> InterfaceLine<'_> {
    InterfaceLine {
        name: &LONGEST_NAME,
        networks,
        state: "no-such-device",
        received: count,
        dropped: count,
        sent: count,
        send_errors: count,
    }
}

#[test]
fn the_longest_lines_fit() {
    let id = longest_id();
    let longest = Address {
        socket: SocketAddr::new(Ipv4Addr::BROADCAST.into(), u16::MAX),
        interface: &LONGEST_NAME,
    };
    let get = |number| (number < ADDRESSES_PER_NODE).then_some(longest);
    let (age, known, expires_in, heard) = (FOREVER, FOREVER, FOREVER, u32::MAX);
    let node = NodeLine { age, known, expires_in, heard, contested: true, ..node_line(&id, &get) };
    node.write(&mut Out::new()).unwrap();
    contested(&mut Out::new(), &id, &get).unwrap();
    let contested =
        EventLine { kind: "contested", id: &id, address: longest, rival: Some(longest) };
    contested.write(&mut Out::new()).unwrap();
    // An event may have any address.
    let socket = "[fe80:1111:2222:3333:4444:5555:6666:7777]:65535".parse().unwrap();
    let longest = Address { socket, ..longest };
    let contested6 = EventLine { address: longest, rival: Some(longest), ..contested };
    contested6.write(&mut Out::new()).unwrap();
    rival(&mut Out::new(), &id, socket.ip(), FOREVER).unwrap();
    let networks = [longest_network(); NETWORKS_PER_LINK];
    interface_line(&networks, u64::MAX).write(&mut Out::new()).unwrap();
}

#[test]
fn the_longest_own_node_fits() {
    let id = longest_id();
    let longest = Address {
        socket: SocketAddr::new(Ipv4Addr::BROADCAST.into(), u16::MAX),
        interface: &LONGEST_NAME,
    };
    let get = |number| (number < OWN_ADDRESSES).then_some(longest);
    let mut out = String::<REPLY_CAPACITY>::new();
    NodeLine { own: true, known: FOREVER, ..node_line(&id, &get) }.write(&mut out).unwrap();
    assert_eq!(out.matches("255.255.255.255:65535").count(), OWN_ADDRESSES);
}
