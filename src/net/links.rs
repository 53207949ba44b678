//! The links in use, and which sources count there.
//!
//! Routers do not pass broadcasts on. So a datagram from another network was let in by mistake or
//! is forged, unless that network was allowed.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};

use heapless::{HistoryBuf, Vec};

use super::{Link, LinkId, Network};
use crate::limits::{ALLOWED_NETWORKS, LINKS};

/// There are [`LINKS`] links in use already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooManyLinks;

/// [`ALLOWED_NETWORKS`] networks are allowed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooManyNetworks;

/// The links in use.
#[derive(Debug, Default)]
pub struct Links {
    in_use: Vec<Link, LINKS>,
    /// Networks whose hosts count on every link.
    allowed: Vec<Network, ALLOWED_NETWORKS, u8>,
    /// The latest addresses that were our own and are no more.
    former: HistoryBuf<Ipv4Addr, LINKS>,
}

/// Why a source does not count on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// No host has that address.
    NoHost,
    /// It is in no network of the link, nor in one that is allowed.
    Elsewhere,
}

impl Links {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a link, or replaces the one that has its name.
    pub(crate) fn add(&mut self, link: Link) -> Result<(), TooManyLinks> {
        self.remove(link.id());
        self.in_use.push(link).map_err(|_| TooManyLinks)
    }

    /// Removes a link, and remembers its first address as one that was our own.
    pub(crate) fn remove(&mut self, id: LinkId) {
        if let Some(position) = self.in_use.iter().position(|link| link.id() == id) {
            let link = self.in_use.swap_remove(position);
            self.former.extend(link.networks().first().map(|network| network.address()));
        }
    }

    pub(crate) fn allow(&mut self, network: Network) -> Result<(), TooManyNetworks> {
        self.allowed.push(network).map_err(|_| TooManyNetworks)
    }

    /// The links, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Link> {
        self.in_use.iter()
    }

    /// The link of that name.
    #[must_use]
    pub fn get(&self, id: LinkId) -> Option<&Link> {
        self.in_use.iter().find(|link| link.id() == id)
    }

    /// Our own addresses on a link, each with its network; none if the link is not in use.
    #[must_use]
    pub fn networks(&self, id: LinkId) -> &[Network] {
        self.get(id).map_or(&[], Link::networks)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.in_use.is_empty()
    }

    /// The networks whose hosts count on every link.
    #[must_use]
    pub fn allowed(&self) -> &[Network] {
        &self.allowed
    }

    /// Our own addresses, each with its link. Those of loopback come last, since they mean
    /// something else on every machine.
    pub fn addresses(&self) -> impl Iterator<Item = (LinkId, Ipv4Addr)> {
        [false, true].into_iter().flat_map(|is_loopback| {
            let addresses = self.in_use.iter().flat_map(|link| {
                link.networks().iter().map(|network| (link.id(), network.address()))
            });
            addresses.filter(move |(_, address)| address.is_loopback() == is_loopback)
        })
    }

    /// Whether a host with that address counts on a link: it is one host, and no router stands
    /// between.
    pub(crate) fn check_source(&self, link: LinkId, from: Ipv4Addr) -> Result<(), Unheard> {
        let networks = self.networks(link);
        if !is_one_host(from.into()) || networks.iter().any(|network| network.is_broadcast(from)) {
            return Err(Unheard::NoHost);
        }
        let counts = networks.iter().chain(&self.allowed).any(|network| network.contains(from));
        if counts { Ok(()) } else { Err(Unheard::Elsewhere) }
    }

    /// Whether it is an address of this machine, or was: where that has changed, a node here is
    /// still known at the old one.
    pub(crate) fn is_here(&self, ip: IpAddr) -> bool {
        self.has_address(ip) || self.former.iter().any(|former| IpAddr::V4(*former) == ip)
    }

    /// Whether it is an address of this machine.
    pub(crate) fn has_address(&self, ip: IpAddr) -> bool {
        ip.is_loopback() || self.in_use.iter().any(|link| link.has_address(ip))
    }

    /// Whether two addresses are in different networks of ours.
    pub(crate) fn are_in_different_networks(&self, a: IpAddr, b: IpAddr) -> bool {
        let network = |ip| match ip {
            IpAddr::V4(ip) => self.in_use.iter().find_map(|link| link.network_of(ip)),
            IpAddr::V6(_) => None,
        };
        match (network(a), network(b)) {
            (Some(a), Some(b)) => !a.is_same_network(*b),
            _ => false,
        }
    }
}

/// Whether a host can have that address. From 224.0.0.0 on there are only groups, and addresses
/// kept for later.
pub(crate) fn is_one_host(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !ip.is_unspecified() && ip.octets() < [224, 0, 0, 0],
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
    }
}

impl fmt::Display for TooManyLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {LINKS} interfaces can be used")
    }
}

impl core::error::Error for TooManyLinks {}

impl fmt::Display for TooManyNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {ALLOWED_NETWORKS} networks can be allowed")
    }
}

impl core::error::Error for TooManyNetworks {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Medium;

    const ETH0: LinkId = LinkId(2);
    const WLAN0: LinkId = LinkId(3);

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    fn links(of: &[(LinkId, &[&str])]) -> Links {
        let mut links = Links::new();
        for (id, networks) in of {
            let networks: std::vec::Vec<Network> =
                networks.iter().map(|network| network.parse().unwrap()).collect();
            links.add(Link::new(*id, Medium::Shared, &networks)).unwrap();
        }
        links
    }

    #[test]
    fn a_source_counts_in_the_networks_of_its_link_and_in_allowed_ones() {
        let mut links = links(&[(ETH0, &["10.0.0.1/24"]), (WLAN0, &["10.0.1.1/24"])]);
        links.allow("172.16.0.0/12".parse().unwrap()).unwrap();
        for (link, from, expected) in [
            (ETH0, "10.0.0.9", Ok(())),
            (ETH0, "10.0.1.9", Err(Unheard::Elsewhere)),
            (WLAN0, "10.0.1.9", Ok(())),
            (WLAN0, "172.16.9.9", Ok(())),
            (LinkId(9), "172.16.9.9", Ok(())),
            (LinkId(9), "10.0.0.9", Err(Unheard::Elsewhere)),
            (ETH0, "10.0.0.255", Err(Unheard::NoHost)),
            (ETH0, "10.0.0.0", Err(Unheard::NoHost)),
            (ETH0, "0.0.0.0", Err(Unheard::NoHost)),
            (ETH0, "224.0.0.251", Err(Unheard::NoHost)),
            (ETH0, "255.255.255.255", Err(Unheard::NoHost)),
        ] {
            assert_eq!(links.check_source(link, ip(from)), expected, "{from} on {link:?}");
        }
    }

    #[test]
    fn two_addresses_are_in_different_networks_only_if_both_networks_are_ours() {
        // The third link is in the network of the first, as with a cable and Wi-Fi at one router.
        let mut links = links(&[
            (ETH0, &["10.0.0.1/24", "10.0.2.1/24"]),
            (WLAN0, &["10.0.1.1/24"]),
            (LinkId(4), &["10.0.0.2/24"]),
        ]);
        links.allow("172.16.0.0/12".parse().unwrap()).unwrap();
        for (a, b, expected) in [
            ("10.0.0.7", "10.0.1.7", true),
            ("10.0.0.7", "10.0.2.7", true),
            ("10.0.0.7", "10.0.0.8", false),
            ("10.0.0.7", "172.16.0.1", false),
            ("172.16.0.1", "10.0.0.7", false),
            ("192.0.2.1", "172.16.0.1", false),
        ] {
            let [a, b] = [a, b].map(|text| IpAddr::V4(ip(text)));
            assert_eq!(links.are_in_different_networks(a, b), expected, "{a} and {b}");
        }
        let v6 = "fe80::1".parse().unwrap();
        assert!(!links.are_in_different_networks(v6, IpAddr::V4(ip("10.0.0.7"))));
    }

    #[test]
    fn an_address_that_was_our_own_is_remembered() {
        let mut links = links(&[(ETH0, &["10.0.0.1/24"])]);
        links.remove(ETH0);
        let address = IpAddr::V4(ip("10.0.0.1"));
        assert!(links.is_empty() && links.is_here(address) && !links.has_address(address));
        assert!(links.is_here(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    #[test]
    fn all_hosts_of_a_link_are_reached_by_one_address_for_each_network() {
        let networks = ["10.0.0.1/24", "10.0.0.2/24", "10.0.1.1/31", "10.0.2.1/24"]
            .map(|network| network.parse().unwrap());
        let all =
            |link: &Link| (0..5).filter_map(|at| link.broadcast(at)).collect::<std::vec::Vec<_>>();
        let shared = Link::new(ETH0, Medium::Shared, &networks);
        // The second has the broadcast address of the first one's network, unlike 255.255.255.255.
        assert_eq!(all(&shared), [Ipv4Addr::BROADCAST, ip("10.0.2.255")]);
        let loopback = Link::new(LinkId(1), Medium::Loopback, &["127.0.0.1/8".parse().unwrap()]);
        assert_eq!(all(&loopback), [ip("127.255.255.255")]);
    }
}
