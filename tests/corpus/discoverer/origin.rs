//! A simple model of the senders that a discoverer should accept.

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;

use foghorn::limits::{LINKS, NETWORKS_PER_LINK};
use foghorn::net::{LinkId, Network};
use foghorn::stats::Rejected;

use crate::input::Input;

/// Most hosts are in 198.18.0.0/24, and one is here.
const SECOND_NETWORK: Ipv4Addr = Ipv4Addr::new(198, 18, 1, 0);

#[derive(Default)]
pub(super) struct Origins {
    links: BTreeMap<LinkId, Vec<Subnet>>,
    /// The links in the order of the search for an address.
    order: Vec<LinkId>,
    allowed: Vec<Subnet>,
    /// Our own addresses of the past, the latest last.
    former: Vec<Ipv4Addr>,
}

/// An address and the length of its network's prefix.
#[derive(Clone, Copy)]
pub(super) struct Subnet(pub(super) Ipv4Addr, pub(super) u8);

impl From<Subnet> for Network {
    fn from(Subnet(address, prefix): Subnet) -> Self {
        Self::new(address, prefix).unwrap()
    }
}

impl Subnet {
    /// The number of the network among those of its size, and of the host in it.
    fn split(self, ip: Ipv4Addr) -> (u64, u64) {
        let size = 1 << (32 - u32::from(self.1));
        (u64::from(ip.to_bits()) / size, u64::from(ip.to_bits()) % size)
    }

    fn contains(self, ip: Ipv4Addr) -> bool {
        self.split(ip).0 == self.split(self.0).0
    }

    /// The broadcast address, unless the network has only one or two addresses.
    fn last(self) -> Option<Ipv4Addr> {
        let others = (1_u64 << (32 - u32::from(self.1))) - 1;
        let last = u64::from(self.0.to_bits()) | others;
        (others > 1).then(|| Ipv4Addr::from_bits(u32::try_from(last).unwrap()))
    }

    fn is_broadcast(self, ip: Ipv4Addr) -> bool {
        let last = (1 << (32 - u32::from(self.1))) - 1;
        self.contains(ip) && last > 1 && [0, last].contains(&self.split(ip).1)
    }
}

impl Origins {
    pub(super) fn allow(&mut self, network: Subnet) {
        self.allowed.push(network);
    }

    pub(super) fn link_up(&mut self, id: LinkId, networks: &[Subnet]) {
        self.link_down(id);
        self.links.insert(id, networks.iter().copied().take(NETWORKS_PER_LINK).collect());
        self.order.push(id);
    }

    pub(super) fn link_down(&mut self, id: LinkId) {
        if let Some(position) = self.order.iter().position(|link| *link == id) {
            self.order.swap_remove(position);
        }
        self.former.extend(self.links.remove(&id).unwrap_or_default().first().map(|first| first.0));
        if self.former.len() > LINKS {
            self.former.remove(0);
        }
    }

    fn of(&self, link: LinkId) -> impl Iterator<Item = &Subnet> {
        self.links.get(&link).into_iter().flatten()
    }

    /// Whether the discoverer accepts a sender with that address on the link.
    pub(super) fn check(&self, link: LinkId, from: Ipv4Addr) -> Result<(), Rejected> {
        let no_host = from.is_unspecified()
            || from.is_broadcast()
            || from.is_multicast()
            || from.octets()[0] >= 240;
        if no_host || self.of(link).any(|network| network.is_broadcast(from)) {
            return Err(Rejected::BadSource);
        }
        let mut networks = self.of(link).chain(&self.allowed);
        if networks.any(|network| network.contains(from)) { Ok(()) } else { Err(Rejected::OffLink) }
    }

    /// Whether the discoverer answers a sender with that address on the link.
    pub(super) fn is_answered(&self, link: LinkId, from: Ipv4Addr) -> bool {
        self.of(link).any(|network| network.contains(from))
    }

    /// Whether the address is one of our own on the link.
    pub(super) fn is_ours_on(&self, link: LinkId, ip: Ipv4Addr) -> bool {
        ip.is_loopback() || self.of(link).any(|network| network.0 == ip)
    }

    pub(super) fn is_ours(&self, ip: Ipv4Addr) -> bool {
        ip.is_loopback() || self.links.keys().any(|link| self.is_ours_on(*link, ip))
    }

    /// The addresses that together reach all hosts of a link.
    pub(super) fn everyone(&self, link: LinkId) -> Vec<Ipv4Addr> {
        let mut everyone = vec![Ipv4Addr::BROADCAST];
        // Hosts of the first network receive 255.255.255.255.
        let mut told = vec![];
        for (number, network) in self.of(link).enumerate() {
            let Some(last) = network.last().filter(|last| !told.contains(last)) else { continue };
            told.push(last);
            if number > 0 {
                everyone.push(last);
            }
        }
        everyone
    }

    /// Whether both are in networks of ours, and these differ.
    pub(super) fn are_in_different_networks(&self, a: IpAddr, b: IpAddr) -> bool {
        let network = |ip: IpAddr| {
            let IpAddr::V4(ip) = ip else { return None };
            let mut ours = self.order.iter().flat_map(|link| self.of(*link));
            ours.find(|network| network.contains(ip))
        };
        let number = |network: &Subnet| (network.1, network.split(network.0).0);
        matches!((network(a), network(b)), (Some(a), Some(b)) if number(a) != number(b))
    }

    pub(super) fn was_ours(&self, ip: Ipv4Addr) -> bool {
        self.former.contains(&ip)
    }
}

/// The link and the sender of a datagram.
pub(super) fn origin(input: &mut Input<'_>) -> Option<(LinkId, Ipv4Addr)> {
    let byte = input.byte()?;
    let from = match byte >> 4 {
        12 => Ipv4Addr::LOCALHOST,
        13 => Ipv4Addr::UNSPECIFIED,
        14 => Ipv4Addr::BROADCAST,
        15 => Ipv4Addr::new(224, 0, 0, 1),
        11 => Ipv4Addr::from_bits(SECOND_NETWORK.to_bits() + 11),
        host => Ipv4Addr::new(198, 18, 0, host),
    };
    Some((LinkId(u32::from(byte & 3)), from))
}

/// The allowed networks: mostly everyone.
pub(super) fn allowed(choice: u8) -> Option<Subnet> {
    match choice % 4 {
        1 => None,
        3 => Some(Subnet(SECOND_NETWORK, 24)),
        _ => Some(Subnet(Ipv4Addr::UNSPECIFIED, 0)),
    }
}

/// Our own addresses on a link: mostly the one in a network like that of the others.
pub(super) fn networks(address: Ipv4Addr, choice: u8) -> Vec<Subnet> {
    let first = |prefix| vec![Subnet(address, prefix)];
    match choice {
        0..4 => first(24),
        4 => first(8),
        5 => first(30),
        6 => first(31),
        7 => first(32),
        8 => first(0),
        9 => vec![Subnet(address, 24), Subnet(SECOND_NETWORK, 25)],
        10 => vec![],
        // More than a link may have.
        _ => (28..=32).map(|prefix| Subnet(address, prefix)).collect(),
    }
}
