//! Replies: lines that the daemon writes and the client reads.
//!
//! Each writer puts one line with its newline into `out` and fails only when `out` does. Before it
//! stands the form of its line: a key that is added there has its type.

use core::fmt::{Display, Formatter, Result, Write};
use core::net::{Ipv4Addr, SocketAddrV4};

use super::VERSION;
use super::form::line;
use crate::discoverer::{Discoverer, EventKind, Rival};
use crate::limits::OWN_ADDRESSES;
use crate::network::{Network, Networks};
use crate::registry::Entry;
use crate::stats::Rejected;
use crate::time::{Duration, Instant};
use crate::wire::{Announcement, Malformed, NodeId};

/// Why a request could not be answered, for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ErrorCode {
    /// The node is not known.
    UnknownNode,
    /// The node is not known, since the daemon announces it itself.
    OwnNode,
    /// The line is no request.
    BadRequest,
    /// The daemon speaks another version of this protocol.
    Version,
    /// All client slots are taken.
    Busy,
    /// The client reads changes more slowly than they happen.
    Slow,
}

impl ErrorCode {
    /// The word for it in an `error` line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::UnknownNode => "unknown-node",
            Self::OwnNode => "own-node",
            Self::BadRequest => "bad-request",
            Self::Version => "version",
            Self::Busy => "busy",
            Self::Slow => "slow",
        }
    }
}

/// `ok`: the reply was given in full.
///
/// # Errors
///
/// Fails when `out` does.
pub fn ok(out: &mut impl Write) -> Result {
    out.write_str("ok\n")
}

/// `error CODE MESSAGE`: the reply could not be given.
///
/// # Errors
///
/// Fails when `out` does.
pub fn error(out: &mut impl Write, code: ErrorCode, message: impl Display) -> Result {
    writeln!(out, "error {} {message}", code.name())
}

/// The forms of all lines, each with the kinds of lines that have it.
pub(super) const FORMS: [(&str, &str); 13] = [
    ("version", VERSION_FORM),
    ("node own", NODE),
    ("known found moved contested lost", WHEREABOUTS),
    ("daemon", DAEMON),
    ("registry", REGISTRY),
    ("datagrams", DATAGRAMS),
    ("rejected", REJECTED),
    ("host_name", HOST_NAME),
    ("own", OWN),
    ("rival", RIVAL),
    ("interface", INTERFACE),
    ("expected", EXPECTED),
    ("contested", CONTESTED),
];

const VERSION_FORM: &str = "protocol=number foghorn=text";

/// `version`: which protocol and program this is.
///
/// # Errors
///
/// Fails when `out` does.
pub fn version(out: &mut impl Write) -> Result {
    line(out, "version", VERSION_FORM, &[&VERSION, &env!("CARGO_PKG_VERSION")])
}

const NODE: &str = "id=text addresses=list interface=text age_s=number known_s=number expires_s=number heard=number \
                    contested=flag own=flag";

/// `node`: all about a node. `interface` is the name of the one it was last heard on.
///
/// # Errors
///
/// Fails when `out` does.
pub fn node(out: &mut impl Write, entry: Entry<'_>, interface: impl Display) -> Result {
    let contested = if entry.is_contested() { "yes" } else { "no" };
    let values: [&dyn Display; 8] = [
        entry.id(),
        &heard_at(&entry),
        &interface,
        &entry.age().secs(),
        &entry.known().secs(),
        &entry.expires_in().secs(),
        &entry.heard(),
        &contested,
    ];
    line(out, "node", NODE, &values)
}

/// `own`: a node of this machine's own, in the form of a `node` line. It can be reached at each of
/// our own addresses; `interface` is the name of the one that has the first of them. `known` is for
/// how long the daemon has run.
///
/// # Errors
///
/// Fails when `out` does.
pub fn own_node(
    out: &mut impl Write,
    node: &Announcement,
    discoverer: &Discoverer<'_>,
    interface: impl Display,
    known: Duration,
) -> Result {
    let sockets = || discoverer.addresses().map(|(_, ip)| SocketAddrV4::new(ip, node.port.get()));
    let addresses = Addresses(|| sockets().take(OWN_ADDRESSES));
    let values: [&dyn Display; 9] =
        [&node.id, &addresses, &interface, &0, &known.secs(), &0, &0, &"no", &"yes"];
    line(out, "own", NODE, &values)
}

/// The addresses of a node that was heard, the preferred one first.
fn heard_at(entry: &Entry<'_>) -> impl Display {
    Addresses(|| entry.addresses().map(|address| address.socket))
}

/// Addresses with commas between, as often as they are asked for.
struct Addresses<F>(F);

impl<F: Fn() -> I, I: Iterator<Item = SocketAddrV4>> Display for Addresses<F> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (number, address) in (self.0)().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(f, "{comma}{address}")?;
        }
        Ok(())
    }
}

const WHEREABOUTS: &str = "id=text address=text interface=text rival=text";

/// `known`: a node that was there before the watch began.
///
/// # Errors
///
/// Fails when `out` does.
pub fn known(out: &mut impl Write, entry: Entry<'_>, interface: impl Display) -> Result {
    line(out, "known", WHEREABOUTS, &[entry.id(), &entry.address(), &interface])
}

/// `found`, `moved`, `contested` or `lost`: what happened to a node. A contested one has the other
/// address as `rival`.
///
/// # Errors
///
/// Fails when `out` does.
pub fn change(
    out: &mut impl Write,
    kind: EventKind,
    id: &NodeId,
    address: SocketAddrV4,
    interface: impl Display,
) -> Result {
    match &kind {
        EventKind::Contested { rival } => {
            line(out, kind.name(), WHEREABOUTS, &[id, &address, &interface, rival])
        }
        _ => line(out, kind.name(), WHEREABOUTS, &[id, &address, &interface]),
    }
}

const DAEMON: &str = "version=text uptime_s=number interval_s=number udp_port=number allowed=list";
const REGISTRY: &str =
    "used=number capacity=number found=number moved=number contested=number lost=number";
const DATAGRAMS: &str = "received=number own=number sent=number answers=number";

/// A number for each reason.
const REJECTED: &str = "*=number";

/// `daemon`, `registry`, `datagrams` and `rejected`: four lines. `dropped` are those datagrams that
/// did not come as far as the discoverer, since they were foreign.
///
/// # Errors
///
/// Fails when `out` does.
pub fn status(
    out: &mut impl Write,
    discoverer: &Discoverer<'_>,
    dropped: u64,
    uptime: Duration,
) -> Result {
    let (stats, registry) = (discoverer.stats(), discoverer.registry());
    let values: [&dyn Display; 5] = [
        &env!("CARGO_PKG_VERSION"),
        &uptime.secs(),
        &discoverer.interval().secs(),
        &discoverer.udp_port(),
        &Networks(discoverer.allowed()),
    ];
    line(out, "daemon", DAEMON, &values)?;
    let values: [&dyn Display; 6] = [
        &registry.used(),
        &registry.capacity(),
        &stats.found.get(),
        &stats.moved.get(),
        &stats.contested.get(),
        &stats.lost.get(),
    ];
    line(out, "registry", REGISTRY, &values)?;
    let values: [&dyn Display; 4] =
        [&stats.received.get(), &stats.own.get(), &stats.sent.get(), &stats.answers.get()];
    line(out, "datagrams", DATAGRAMS, &values)?;
    out.write_str("rejected")?;
    for (reason, count) in stats.rejected() {
        let foreign = reason == Rejected::Malformed(Malformed::Foreign);
        let count = count.saturating_add(if foreign { dropped } else { 0 });
        write!(out, " {reason}={count}")?;
    }
    out.write_str("\n")
}

const HOST_NAME: &str = "name=text state=text";

/// `host_name`: this machine is to be announced by its name, but that can't be.
///
/// # Errors
///
/// Fails when `out` does.
pub fn host_name(out: &mut impl Write, name: impl Display) -> Result {
    line(out, "host_name", HOST_NAME, &[&name, &"waiting"])
}

const OWN: &str = "id=text port=number";

/// `own`: a node that the daemon announces, in the reply to `status`.
///
/// # Errors
///
/// Fails when `out` does.
pub fn own(out: &mut impl Write, node: &Announcement) -> Result {
    line(out, "own", OWN, &[&node.id, &node.port])
}

const RIVAL: &str = "id=text address=text age_s=number";

/// `rival`: another host that announces a node which the daemon announces.
///
/// # Errors
///
/// Fails when `out` does.
pub fn rival(out: &mut impl Write, id: &NodeId, rival: &Rival, now: Instant) -> Result {
    line(out, "rival", RIVAL, &[id, &rival.address, &now.since(rival.heard).secs()])
}

const INTERFACE: &str = "name=text address=text networks=list state=text received=number dropped=number sent=number \
                         send_errors=number";

/// `interface`: one that is in use, with our own addresses there, and with what went over it.
/// `state` is `up` while it works, else what is wrong.
///
/// # Errors
///
/// Fails when `out` does.
pub fn interface(
    out: &mut impl Write,
    name: impl Display,
    networks: &[Network],
    state: &str,
    [received, dropped, sent, send_errors]: [u64; 4],
) -> Result {
    let address = networks.first().map_or(Ipv4Addr::UNSPECIFIED, |network| network.address());
    let values: [&dyn Display; 8] =
        [&name, &address, &Networks(networks), &state, &received, &dropped, &sent, &send_errors];
    line(out, "interface", INTERFACE, &values)
}

const EXPECTED: &str = "id=text state=text";

/// `expected`: a node that a place is kept for, and whether it is known.
///
/// # Errors
///
/// Fails when `out` does.
pub fn expected(out: &mut impl Write, id: &NodeId, is_known: bool) -> Result {
    line(out, "expected", EXPECTED, &[id, if is_known { &"known" } else { &"missing" }])
}

const CONTESTED: &str = "id=text addresses=list";

/// `contested`: a node that speaks at several addresses, the preferred one first.
///
/// # Errors
///
/// Fails when `out` does.
pub fn contested(out: &mut impl Write, entry: Entry<'_>) -> Result {
    line(out, "contested", CONTESTED, &[entry.id(), &heard_at(&entry)])
}

/// A line of a reply, as a client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Line<'a> {
    /// The reply is complete.
    Ok,
    /// There is no answer. The code is none of [`ErrorCode::name`]'s if the daemon is newer than
    /// this.
    Error {
        /// What it is, for programs.
        code: &'a str,
        /// What it is, for people.
        message: &'a str,
    },
    /// A part of the answer.
    Data {
        /// What it tells of.
        kind: &'a str,
        /// Its `key=value` pairs.
        fields: Fields<'a>,
    },
}

impl<'a> Line<'a> {
    /// Reads a line without its newline.
    #[must_use]
    pub fn parse(line: &'a str) -> Self {
        let (kind, fields) = split(line);
        match kind {
            "ok" => Self::Ok,
            "error" => {
                let (code, message) = fields.rest.split_once(' ').unwrap_or((fields.rest, ""));
                Self::Error { code, message }
            }
            _ => Self::Data { kind, fields },
        }
    }
}

/// The first word of a line, and its pairs.
pub(crate) fn split(line: &str) -> (&str, Fields<'_>) {
    let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
    (kind, Fields { rest })
}

/// The `key=value` pairs of a line, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Fields<'a> {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.clone().find(|(known, _)| *known == key).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let (pair, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        self.rest = rest;
        Some(pair.split_once('=').unwrap_or((pair, "")))
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU16;

    use super::*;
    use crate::control::ValueType;
    use crate::discoverer::Config;
    use crate::limits::{
        ADDRESSES_PER_NODE, ANNOUNCEMENT_CAPACITY, LINKS, NETWORKS_PER_LINK, NODE_ID_CAPACITY,
        REPLY_CAPACITY, REPLY_LINE_CAPACITY,
    };
    use crate::registry::{LinkId, Registry, Storage};
    use crate::wire::v1;
    use heapless::{String, Vec};

    type Out = String<REPLY_LINE_CAPACITY>;

    #[test]
    fn a_node_line_reads_back_as_it_was() {
        let mut storage = Storage::<4>::new();
        let mut registry = Registry::new(&mut storage, [1; 16], Duration::from_secs(90));
        let id = NodeId::try_from("a=b,\"c\"").unwrap();
        let address = |host| SocketAddrV4::new(Ipv4Addr::new(198, 18, 0, host), 22000);
        for (secs, host) in [(0, 1), (30, 2)] {
            registry
                .hear(Instant::from_millis(secs * 1000), &id, address(host), LinkId(1))
                .unwrap();
        }
        let mut out = Out::new();
        node(&mut out, registry.get(Instant::from_millis(33_000), id.as_str()).unwrap(), "eth0")
            .unwrap();
        let Line::Data { kind: "node", fields } = Line::parse(out.trim_end_matches('\n')) else {
            panic!("{out}")
        };
        let expected = [
            ("id", "a=b,\"c\""),
            ("addresses", "198.18.0.2:22000,198.18.0.1:22000"),
            ("interface", "eth0"),
            ("age_s", "3"),
            ("known_s", "33"),
            ("expires_s", "87"),
            ("heard", "2"),
            ("contested", "no"),
        ];
        assert!(fields.clone().eq(expected), "{out}");
        assert_eq!(fields.get("age_s"), Some("3"));
        assert_eq!(fields.get("age"), None);
    }

    #[test]
    fn every_value_that_is_written_has_a_type_and_is_of_it() {
        let mut storage = Storage::<4>::new();
        let mut registry = Registry::new(&mut storage, [1; 16], Duration::from_secs(90));
        let id = NodeId::try_from("17").unwrap();
        let address = SocketAddrV4::new(Ipv4Addr::new(198, 18, 0, 1), 22000);
        registry.hear(Instant::ZERO, &id, address, LinkId(1)).unwrap();
        let entry = registry.get(Instant::ZERO, "17").unwrap();
        let mut empty = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut empty);
        discoverer.link_up(Instant::ZERO, LinkId(1), &[longest_network()]).unwrap();
        let announced = Announcement { id: id.clone(), port: NonZeroU16::MIN };
        let mut out = String::<REPLY_CAPACITY>::new();
        version(&mut out).unwrap();
        node(&mut out, entry, "eth0").unwrap();
        known(&mut out, entry, "eth0").unwrap();
        for kind in [
            EventKind::Found,
            EventKind::Moved,
            EventKind::Contested { rival: address },
            EventKind::Lost,
        ] {
            change(&mut out, kind, &id, address, "eth0").unwrap();
        }
        status(&mut out, &discoverer, 0, Duration::ZERO).unwrap();
        host_name(&mut out, "localhost").unwrap();
        own(&mut out, &announced).unwrap();
        own_node(&mut out, &announced, &discoverer, "eth0", Duration::ZERO).unwrap();
        rival(&mut out, &id, &the_rival(&id), Instant::ZERO).unwrap();
        interface(&mut out, "eth0", &[longest_network()], "up", [0; 4]).unwrap();
        expected(&mut out, &id, true).unwrap();
        contested(&mut out, entry).unwrap();
        let mut pairs = 0;
        for text in out.lines() {
            let Line::Data { kind, fields } = Line::parse(text) else { panic!("{text}") };
            for (key, value) in fields {
                let is_number = value.parse::<u64>().is_ok();
                let is_right =
                    match ValueType::of(kind, key).unwrap_or_else(|| panic!("{kind} {key}")) {
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
        let known = FORMS.iter().flat_map(|(kinds, _)| kinds.split(' '));
        for kind in known {
            assert!(kinds.clone().any(|written| written == kind), "{kind}");
        }
    }

    /// A host with a long address that announces a node of ours.
    fn the_rival(id: &NodeId) -> Rival {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        discoverer
            .announce(Instant::ZERO, Announcement { id: id.clone(), port: NonZeroU16::MIN })
            .unwrap();
        discoverer.allow("0.0.0.0/0".parse().unwrap()).unwrap();
        let from = Ipv4Addr::new(198, 118, 100, 100);
        let mut datagram = [0; ANNOUNCEMENT_CAPACITY];
        let length = v1::emit(&discoverer.own()[0], &mut datagram).unwrap();
        let outcome =
            discoverer.handle_datagram(Instant::ZERO, LinkId(1), from, &datagram[..length]);
        assert_eq!(outcome, Err(Rejected::OwnName));
        discoverer.rival(Instant::ZERO, id).unwrap()
    }

    fn longest_network() -> Network {
        Network::new(Ipv4Addr::BROADCAST, 32).unwrap()
    }

    #[test]
    fn the_longest_lines_fit() {
        let mut storage = Storage::<4>::new();
        let mut registry = Registry::new(&mut storage, [1; 16], Duration::from_millis(u64::MAX));
        let id = NodeId::new(&[b'x'; NODE_ID_CAPACITY]).unwrap();
        for host in 1..=ADDRESSES_PER_NODE {
            let ip = Ipv4Addr::new(255, 255, 255, 100 + u8::try_from(host).unwrap());
            registry.hear(Instant::ZERO, &id, SocketAddrV4::new(ip, 65535), LinkId(1)).unwrap();
        }
        let mut out = Out::new();
        let late = Instant::from_millis(u64::MAX - 1);
        node(&mut out, registry.get(late, id.as_str()).unwrap(), "interface-name-").unwrap();
        let mut out = Out::new();
        rival(&mut out, &id, &the_rival(&id), late).unwrap();
        let mut out = Out::new();
        let networks = [longest_network(); NETWORKS_PER_LINK];
        interface(&mut out, "interface-name-", &networks, "no-such-device", [u64::MAX; 4]).unwrap();
    }

    #[test]
    fn an_own_node_is_at_each_address_of_the_machine_and_those_of_loopback_come_last() {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        let networks =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_, 4>>();
        let links = [&["127.0.0.1/8"][..], &["198.18.0.1/24", "198.18.1.1/24"], &["10.0.0.1/8"]];
        for (number, addresses) in (1..).zip(links) {
            discoverer.link_up(Instant::ZERO, LinkId(number), &networks(addresses)).unwrap();
        }
        let node = Announcement { id: NodeId::try_from("nas").unwrap(), port: NonZeroU16::MAX };
        let mut out = Out::new();
        own_node(&mut out, &node, &discoverer, "eth0", Duration::from_secs(120)).unwrap();
        assert_eq!(
            out,
            "own id=nas addresses=198.18.0.1:65535,198.18.1.1:65535,10.0.0.1:65535,127.0.0.1:65535 interface=eth0 \
             age_s=0 known_s=120 expires_s=0 heard=0 contested=no own=yes\n"
        );
        assert!(discoverer.addresses().next().is_some_and(|(link, _)| link == LinkId(2)));
        for number in 1..=3 {
            discoverer.link_down(LinkId(number));
        }
        assert!(discoverer.addresses().next().is_none());
    }

    #[test]
    fn the_longest_own_node_fits() {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        let networks = [longest_network(); NETWORKS_PER_LINK];
        for number in 0..LINKS {
            discoverer
                .link_up(Instant::ZERO, LinkId(number.try_into().unwrap()), &networks)
                .unwrap();
        }
        let id = NodeId::new(&[b'x'; NODE_ID_CAPACITY]).unwrap();
        let node = Announcement { id, port: NonZeroU16::MAX };
        let mut out = String::<REPLY_CAPACITY>::new();
        own_node(&mut out, &node, &discoverer, "interface-name-", Duration::from_millis(u64::MAX))
            .unwrap();
        let expected = OWN_ADDRESSES.min(LINKS * NETWORKS_PER_LINK);
        assert_eq!(out.matches("255.255.255.255:65535").count(), expected);
    }

    #[test]
    fn the_status_of_many_years_fits() {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        while discoverer.allow(longest_network()).is_ok() {}
        let mut out = String::<REPLY_CAPACITY>::new();
        status(&mut out, &discoverer, 0, Duration::from_millis(u64::MAX)).unwrap();
        // Every counter may grow from 1 digit to 20.
        let counters = out.matches("=0").count();
        assert!(counters >= 14, "{out}");
        assert!(out.len() + 19 * counters + 200 < REPLY_CAPACITY);
    }

    #[test]
    fn lines_that_end_a_reply_are_told_from_data() {
        let mut out = Out::new();
        error(&mut out, ErrorCode::UnknownNode, "nas is not known").unwrap();
        let expected = Line::Error { code: "unknown-node", message: "nas is not known" };
        assert_eq!(Line::parse(out.trim_end()), expected);
        assert_eq!(Line::parse("ok"), Line::Ok);
        assert_eq!(Line::parse("error"), Line::Error { code: "", message: "" });
        assert!(matches!(Line::parse(""), Line::Data { kind: "", .. }));
        let Line::Data { kind: "future", fields } = Line::parse("future flag x=1") else {
            panic!()
        };
        assert!(fields.eq([("flag", ""), ("x", "1")]));
    }

    #[test]
    fn own_nodes_and_the_version_are_told() {
        let mut out = Out::new();
        let node = Announcement { id: NodeId::try_from("nas").unwrap(), port: NonZeroU16::MIN };
        own(&mut out, &node).unwrap();
        version(&mut out).unwrap();
        ok(&mut out).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            out,
            format!("own id=nas port=1\nversion protocol=1 foghorn={version}\nok\n").as_str()
        );
    }
}
