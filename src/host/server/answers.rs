//! The knowledge of the discoverer and the links, as lines of the control protocol.

use std::fmt::{self, Write};

use super::View;
use crate::control::{
    self, Address, DaemonLine, DatagramsLine, EventLine, InterfaceLine, NodeLine, RegistryLine,
};
use crate::discoverer::{Discoverer, Event, EventKind};
use crate::host::links::{Links, OpenLink};
use crate::limits::OWN_ADDRESSES;
use crate::net;
use crate::registry::Entry;
use crate::stats::{Counter, Rejected};
use crate::time::Duration;
use crate::wire::{Announcement, Malformed};

/// `node`: all about a node that was heard.
pub(super) fn node(out: &mut impl Write, entry: Entry<'_>, links: &Links) -> fmt::Result {
    let node = NodeLine {
        id: entry.id(),
        addresses: &heard_at(entry, links),
        age: entry.age(),
        known: entry.known(),
        expires_in: entry.expires_in(),
        heard: entry.heard(),
        contested: entry.is_contested(),
        own: false,
    };
    node.write(out)
}

/// `own` in the reply to `list`: a node of this machine's own. It can be reached at each of our own
/// addresses. Nothing is written while there is none.
pub(super) fn own_node(
    out: &mut impl Write,
    node: &Announcement,
    view: &View<'_, '_>,
) -> fmt::Result {
    let here = |number: usize| {
        let (link, ip) = view.discoverer.links().addresses().take(OWN_ADDRESSES).nth(number)?;
        let socket = (ip, node.port.get()).into();
        Some(Address { socket, interface: view.links.name(link) })
    };
    let node = NodeLine {
        id: &node.id,
        addresses: &here,
        age: Duration::ZERO,
        known: view.now.since(view.started),
        expires_in: Duration::ZERO,
        heard: 0,
        contested: false,
        own: true,
    };
    node.write(out)
}

/// `known`: a node that was there before the watch began.
pub(super) fn known(out: &mut impl Write, entry: Entry<'_>, links: &Links) -> fmt::Result {
    let address = Address { socket: entry.address(), interface: links.name(entry.link()) };
    EventLine { kind: "known", id: entry.id(), address, rival: None }.write(out)
}

/// `found`, `moved`, `contested` or `lost`: what happened to a node.
pub(super) fn event(out: &mut impl Write, event: &Event, links: &Links) -> fmt::Result {
    let address = address(event.address, links);
    let rival = match event.kind {
        EventKind::Contested { rival } => Some(Address { socket: rival, ..address }),
        _ => None,
    };
    EventLine { kind: event.kind.name(), id: &event.id, address, rival }.write(out)
}

/// `contested` in the reply to `status`: a node that speaks at several addresses.
pub(super) fn contested(out: &mut impl Write, entry: Entry<'_>, links: &Links) -> fmt::Result {
    control::contested(out, entry.id(), &heard_at(entry, links))
}

/// The addresses of a node that was heard.
fn heard_at<'a>(
    entry: Entry<'a>,
    links: &'a Links,
) -> impl Fn(usize) -> Option<Address<'a>> + Copy {
    move |number| entry.address_at(number).map(|heard| address(heard, links))
}

fn address(heard: net::Address, links: &Links) -> Address<'_> {
    Address { socket: heard.socket, interface: links.name(heard.link) }
}

/// `daemon`, `registry`, `datagrams` and `rejected`: the first lines of the reply to `status`, and
/// `host_name` if there is something to tell of that.
pub(super) fn status(out: &mut impl Write, view: &View<'_, '_>) -> fmt::Result {
    let discoverer = view.discoverer;
    let (stats, registry) = (discoverer.stats(), discoverer.registry());
    let daemon = DaemonLine {
        uptime: view.now.since(view.started),
        interval: discoverer.interval(),
        udp_port: discoverer.udp_port(),
        allowed: discoverer.links().allowed(),
    };
    daemon.write(out)?;
    let registry = RegistryLine {
        used: registry.used(),
        capacity: registry.capacity(),
        found: stats.found.get(),
        moved: stats.moved.get(),
        contested: stats.contested.get(),
        lost: stats.lost.get(),
    };
    registry.write(out)?;
    let datagrams = DatagramsLine {
        received: stats.received.get(),
        own: stats.own.get(),
        sent: stats.sent.get(),
        answers: stats.answers.get(),
    };
    datagrams.write(out)?;
    control::rejected(out, rejected(discoverer, view.links.dropped()))?;
    view.host_name.unfit().map_or(Ok(()), |name| control::host_name(out, name))
}

/// The datagrams that were rejected, by reason. The kernel drops foreign datagrams before the
/// discoverer gets them, so what it dropped counts as foreign.
fn rejected(discoverer: &Discoverer<'_>, dropped: u64) -> impl Iterator<Item = (Rejected, u64)> {
    discoverer.stats().rejected().map(move |(reason, count)| {
        let foreign = reason == Rejected::Malformed(Malformed::Foreign);
        (reason, count.saturating_add(if foreign { dropped } else { 0 }))
    })
}

/// `own` in the reply to `status`: a node that the daemon announces. While another host announces
/// it, too, `rival` follows.
pub(super) fn announced(
    out: &mut impl Write,
    node: &Announcement,
    view: &View<'_, '_>,
) -> fmt::Result {
    control::own(out, &node.id, node.port)?;
    let rival = view.discoverer.rival(view.now, &node.id);
    rival.map_or(Ok(()), |rival| {
        control::rival(out, &node.id, rival.address, view.now.since(rival.heard))
    })
}

/// `interface`: an interface in use.
pub(super) fn interface(out: &mut impl Write, link: &OpenLink, view: &View<'_, '_>) -> fmt::Result {
    let [received, sent, send_errors] =
        [link.received, link.sent, link.send_errors].map(Counter::get);
    let interface = InterfaceLine {
        name: &link.name,
        networks: view.discoverer.links().networks(link.id),
        state: link.state(),
        received,
        dropped: link.dropped(),
        sent,
        send_errors,
    };
    interface.write(out)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::discoverer::Config;
    use crate::host::host_name::HostName;
    use crate::limits::{LINKS, NETWORKS_PER_LINK, NODE_ID_CAPACITY, REPLY_CAPACITY};
    use crate::net::{Link, LinkId, Medium, Network};
    use crate::registry::Storage;
    use crate::time::Instant;
    use crate::wire::NodeId;

    const START: Instant = Instant::from_millis(1_000);

    type Out = heapless::String<REPLY_CAPACITY>;

    /// The lines about a discoverer.
    fn written(
        now: Instant,
        discoverer: &Discoverer<'_>,
        write: impl Fn(&mut Out, &View<'_, '_>) -> fmt::Result,
    ) -> Out {
        let (links, host_name) = (Links::new(vec![], 1, 100), HostName::default());
        let processor_time = || None;
        let (started, links, host_name) = (START, &links, &host_name);
        let view = View { now, processor_time, started, discoverer, links, host_name };
        let mut out = Out::new();
        write(&mut out, &view).unwrap();
        out
    }

    fn longest_network() -> Network {
        "255.255.255.255/32".parse().unwrap()
    }

    #[test]
    fn an_own_node_is_at_each_address_of_the_machine_and_those_of_loopback_come_last() {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        let node = Announcement { id: NodeId::try_from("nas").unwrap(), port: NonZeroU16::MAX };
        let now = START + Duration::from_secs(120);
        let own = |discoverer: &Discoverer<'_>| {
            written(now, discoverer, |out, view| own_node(out, &node, view))
        };
        let networks = |texts: &[&str]| {
            texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<Network>>()
        };
        let links = [&["127.0.0.1/8"][..], &["198.18.0.1/24", "198.18.1.1/24"], &["10.0.0.1/8"]];
        for (number, addresses) in (1..).zip(links) {
            let link = Link::new(LinkId(number), Medium::Shared, &networks(addresses));
            discoverer.link_up(START, link).unwrap();
        }
        assert_eq!(
            own(&discoverer),
            "own id=nas addresses=198.18.0.1:65535,198.18.1.1:65535,10.0.0.1:65535,127.0.0.1:65535 interface=- \
             age_s=0 known_s=120 expires_s=0 heard=0 contested=no own=yes\n"
        );
        for number in 1..=3 {
            discoverer.link_down(LinkId(number));
        }
        assert_eq!(own(&discoverer), "");
    }

    #[test]
    fn the_longest_own_node_fits() {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        let networks = [longest_network(); NETWORKS_PER_LINK];
        for number in 0..LINKS {
            let link = LinkId(number.try_into().unwrap());
            discoverer.link_up(START, Link::new(link, Medium::Shared, &networks)).unwrap();
        }
        let id = NodeId::new(&[b'x'; NODE_ID_CAPACITY]).unwrap();
        let node = Announcement { id, port: NonZeroU16::MAX };
        let late = Instant::from_millis(u64::MAX);
        let out = written(late, &discoverer, |out, view| own_node(out, &node, view));
        let expected = OWN_ADDRESSES.min(LINKS * NETWORKS_PER_LINK);
        assert_eq!(out.matches("255.255.255.255:65535").count(), expected);
    }

    #[test]
    fn the_status_of_many_years_fits() {
        let mut storage = Storage::<4>::new();
        let mut discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        while discoverer.allow(longest_network()).is_ok() {}
        let out = written(Instant::from_millis(u64::MAX), &discoverer, status);
        // Every counter may grow from 1 digit to 20.
        let counters = out.matches("=0").count();
        assert!(counters >= 14, "{out}");
        assert!(out.len() + 19 * counters + 200 < REPLY_CAPACITY);
    }

    #[test]
    fn what_the_kernel_dropped_counts_as_foreign() {
        let mut storage = Storage::<4>::new();
        let discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut storage);
        let counts: Vec<_> = rejected(&discoverer, 7).filter(|(_, count)| *count > 0).collect();
        assert_eq!(counts, [(Rejected::Malformed(Malformed::Foreign), 7)]);
    }
}
