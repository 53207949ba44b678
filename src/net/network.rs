//! IPv4 networks, and our own addresses in them.

use core::fmt;
use core::net::Ipv4Addr;
use core::str::FromStr;

/// An address and the network that it belongs to, as `ip addr` shows them: 198.18.0.1/24.
///
/// Of an interface the address is our own. Where only the network matters, any address in it stands
/// for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Network {
    address: Ipv4Addr,
    /// The network's first address: the bits that all of its addresses begin with, then zeros.
    first: Ipv4Addr,
    /// How many bits all of its addresses begin with, 0 to 32.
    prefix: u8,
}

impl Network {
    /// The network that `address` is in. All of its addresses begin with the same `prefix` bits;
    /// none if those are more than 32.
    #[must_use]
    pub const fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        Self::with_peer(address, address, prefix)
    }

    /// The network at the other end of a point-to-point address: `peer` is in it, our own `address`
    /// need not be.
    #[must_use]
    pub const fn with_peer(address: Ipv4Addr, peer: Ipv4Addr, prefix: u8) -> Option<Self> {
        if prefix > 32 {
            return None;
        }
        let first = Ipv4Addr::from_bits(peer.to_bits() & !hosts(prefix));
        Some(Self { address, first, prefix })
    }

    /// The address: our own, if it is a network of an interface.
    #[must_use]
    pub const fn address(self) -> Ipv4Addr {
        self.address
    }

    /// Whether `ip` can be reached there without a router: it is in the network, or is the address
    /// itself.
    #[must_use]
    pub fn contains(self, ip: Ipv4Addr) -> bool {
        ip == self.address || self.includes(ip)
    }

    fn includes(self, ip: Ipv4Addr) -> bool {
        ip.to_bits() & !hosts(self.prefix) == self.first.to_bits()
    }

    /// Whether both are the same network, even with different addresses in it.
    pub(crate) fn is_same_network(self, other: Self) -> bool {
        (self.first, self.prefix) == (other.first, other.prefix)
    }

    /// Whether `ip` stands for all hosts of the network: its last address or its first one, which
    /// is an old way to write the same. Networks of one or two addresses have no such (RFC 3021).
    #[must_use]
    pub fn is_broadcast(self, ip: Ipv4Addr) -> bool {
        self.broadcast().is_some_and(|last| ip == last || ip == self.first)
    }

    /// The address that all hosts of the network hear; none if it has one or two addresses.
    #[must_use]
    pub fn broadcast(self) -> Option<Ipv4Addr> {
        let hosts = hosts(self.prefix);
        (hosts > 1).then(|| Ipv4Addr::from_bits(self.first.to_bits() | hosts))
    }
}

/// The bits in which addresses of a network differ.
const fn hosts(prefix: u8) -> u32 {
    // A prefix of 32 bits leaves none.
    match u32::MAX.checked_shr(prefix as u32) {
        Some(bits) => bits,
        None => 0,
    }
}

/// As it is read: 198.18.0.1/24. Of the network at the other end of a point-to-point address, the
/// first address is shown.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = if self.includes(self.address) { self.address } else { self.first };
        write!(f, "{}/{}", address, self.prefix)
    }
}

/// A network can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InvalidNetwork;

impl fmt::Display for InvalidNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a network is written like 10.0.0.0/8, or like 10.0.0.1 if it is a single address",
        )
    }
}

impl core::error::Error for InvalidNetwork {}

/// Reads `198.18.0.1/24`: the network, written by any address in it. An address alone is a network
/// of itself.
impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let prefix = prefix.parse().map_err(|_| InvalidNetwork)?;
        Self::new(address.parse().map_err(|_| InvalidNetwork)?, prefix).ok_or(InvalidNetwork)
    }
}

/// Networks in one word, with commas between.
pub(crate) struct Networks<'a>(pub(crate) &'a [Network]);

impl fmt::Display for Networks<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(number, network)| {
            write!(f, "{}{network}", if number == 0 { "" } else { "," })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_is_read_by_any_address_in_it() {
        for (text, address, first, prefix) in [
            ("198.18.0.1/24", "198.18.0.1", "198.18.0.0", 24),
            ("10.1.2.3/8", "10.1.2.3", "10.0.0.0", 8),
            ("10.0.0.130/25", "10.0.0.130", "10.0.0.128", 25),
            ("10.0.0.7", "10.0.0.7", "10.0.0.7", 32),
            ("10.0.0.7/31", "10.0.0.7", "10.0.0.6", 31),
            ("10.0.0.7/0", "10.0.0.7", "0.0.0.0", 0),
        ] {
            let (address, first) = (ip(address), ip(first));
            assert_eq!(network(text), Network { address, first, prefix });
        }
    }

    #[test]
    fn networks_are_shown_as_they_are_read() {
        let several = [network("10.0.0.1/8"), network("198.18.0.1/24")];
        assert_eq!(Networks(&several).to_string(), "10.0.0.1/8,198.18.0.1/24");
        assert_eq!(Networks(&[]).to_string(), "");
    }

    #[test]
    fn text_that_is_no_network_is_refused() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/256",
            "10.0.0.0/8/8",
            "10.0.0/8",
            "10.0.0.0.0/8",
            "256.0.0.0/8",
            "10.0.0.0/255.0.0.0",
            " 10.0.0.0/8",
            "10.0.0.0/8 ",
            "10.0.0.0 /8",
            "eth0",
            "fe80::/10",
            "10.0.0.0-10.0.0.9",
            "10.0.0.0/８",
        ] {
            assert_eq!(text.parse::<Network>(), Err(InvalidNetwork), "{text:?}");
        }
        assert_eq!(Network::new(Ipv4Addr::LOCALHOST, 33), None);
    }

    #[test]
    fn a_network_contains_what_begins_as_it_does() {
        for (text, inside, outside) in [
            (
                "198.18.0.1/24",
                &["198.18.0.0", "198.18.0.1", "198.18.0.255"][..],
                &["198.18.1.0", "198.17.255.255"][..],
            ),
            ("10.0.0.7/32", &["10.0.0.7"], &["10.0.0.6", "10.0.0.8"]),
            ("10.0.0.7/31", &["10.0.0.6", "10.0.0.7"], &["10.0.0.5", "10.0.0.8"]),
            ("10.0.0.7/0", &["0.0.0.0", "255.255.255.255"], &[]),
        ] {
            assert!(inside.iter().all(|inside| network(text).contains(ip(inside))), "{text}");
            assert!(!outside.iter().any(|outside| network(text).contains(ip(outside))), "{text}");
        }
    }

    #[test]
    fn the_other_end_of_a_point_to_point_address_is_in_reach_and_so_are_we() {
        let network = Network::with_peer(ip("10.0.0.1"), ip("192.168.7.2"), 30).unwrap();
        assert_eq!(
            (network.address(), network.to_string()),
            (ip("10.0.0.1"), "192.168.7.0/30".to_owned())
        );
        assert!(network.contains(ip("10.0.0.1")) && network.contains(ip("192.168.7.1")));
        assert!(!network.contains(ip("10.0.0.2")));
    }

    #[test]
    fn broadcast_addresses_are_the_first_and_the_last_where_there_are_more_than_two() {
        let all = |text: &str| {
            let network = network(text);
            let first = network.first.to_bits();
            let addresses = (first..=first | hosts(network.prefix)).map(Ipv4Addr::from_bits);
            addresses.filter(|ip| network.is_broadcast(*ip)).collect::<Vec<_>>()
        };
        assert_eq!(all("198.18.0.1/24"), [ip("198.18.0.0"), ip("198.18.0.255")]);
        assert_eq!(all("198.18.0.6/30"), [ip("198.18.0.4"), ip("198.18.0.7")]);
        assert!(all("198.18.0.6/31").is_empty() && all("198.18.0.6/32").is_empty());
        assert_eq!(network("198.18.0.1/20").broadcast(), Some(ip("198.18.15.255")));
        assert_eq!(network("198.18.0.1/31").broadcast(), None);
    }

    proptest! {
        #[test]
        fn networks_are_plain_arithmetic(
            address: u32,
            prefix in 0..=32_u8,
            other: u32,
            differs in 0..=32_u32,
        ) {
            // Random addresses hardly ever begin alike, so that the other one is made from the
            // first.
            let other = address ^ u32::try_from(u64::from(other) >> differs).unwrap();
            let size = 2_u64.pow(32 - u32::from(prefix));
            let first = u64::from(address) / size * size;
            let network = Network::new(Ipv4Addr::from_bits(address), prefix).unwrap();
            let ip = Ipv4Addr::from_bits(other);
            let is_inside = (first..first + size).contains(&u64::from(other));
            prop_assert_eq!(network.contains(ip), is_inside);
            let is_end = u64::from(other) == first || u64::from(other) == first + size - 1;
            prop_assert_eq!(network.is_broadcast(ip), size > 2 && is_end);
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9./]{0,20}|\\PC{0,20}") {
            if let Ok(network) = text.parse::<Network>() {
                prop_assert!(network.contains(network.address()));
            }
        }
    }
}
