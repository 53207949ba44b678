//! A link: an interface in use, with our own addresses there.

use core::net::{IpAddr, Ipv4Addr};

use heapless::Vec;

use super::Network;
use crate::limits::NETWORKS_PER_LINK;

/// Names a link. The number means nothing to the core; the host uses the kernel's interface index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkId(pub u32);

impl LinkId {
    /// No link: where a node was heard before the machine booted is not known.
    pub const NONE: Self = Self(u32::MAX);
}

/// The kind of a link. It decides to which address a datagram for all hosts is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Medium {
    /// Other hosts are on it: Ethernet, Wi-Fi.
    Shared,
    /// Only this machine is on it.
    Loopback,
}

/// A link in use.
#[derive(Clone, Debug)]
pub struct Link {
    id: LinkId,
    medium: Medium,
    networks: Vec<Network, NETWORKS_PER_LINK, u8>,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Link {
    fn format(&self, f: defmt::Formatter<'_>) {
        let Self { id, medium, .. } = *self;
        defmt::write!(
            f,
            "Link {{ id: {}, medium: {}, networks: {} }}",
            id,
            medium,
            self.networks()
        );
    }
}

impl Link {
    /// A link with our own addresses there, each with its network. The first
    /// [`NETWORKS_PER_LINK`] count.
    #[must_use]
    pub fn new(id: LinkId, medium: Medium, networks: &[Network]) -> Self {
        let networks = networks.get(..NETWORKS_PER_LINK).unwrap_or(networks);
        Self { id, medium, networks: Vec::from_slice(networks).unwrap_or_default() }
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> LinkId {
        self.id
    }

    /// Our own addresses, each with its network.
    #[must_use]
    pub fn networks(&self) -> &[Network] {
        &self.networks
    }

    /// Whether `ip` is one of our own addresses there.
    #[must_use]
    pub fn has_address(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => self.networks.iter().any(|network| network.address() == ip),
            IpAddr::V6(_) => false,
        }
    }

    /// Whether a host with that address is on the link itself, with no router between.
    #[must_use]
    pub fn reaches(&self, ip: IpAddr) -> bool {
        matches!(ip, IpAddr::V4(ip) if self.network_of(ip).is_some())
    }

    /// Our network there that contains an address.
    pub(crate) fn network_of(&self, ip: Ipv4Addr) -> Option<&Network> {
        self.networks.iter().find(|network| network.contains(ip))
    }

    /// The address at that position among those that together reach all hosts of the link; none
    /// beyond the last.
    ///
    /// The first is 255.255.255.255, which hosts of all networks hear. The kernel sends it from our
    /// first address, and to hosts of our other networks that counts as coming from elsewhere. So
    /// each further network has its own broadcast address in the list. Two positions may have no
    /// address between them: `position` counts networks.
    pub(crate) fn broadcast(&self, position: usize) -> Option<Ipv4Addr> {
        if position == 0 {
            return Some(match self.medium {
                Medium::Shared => Ipv4Addr::BROADCAST,
                // To 255.255.255.255 a kernel sends from 0.0.0.0 here, since 127.0.0.1 is no
                // address to show to others.
                Medium::Loopback => Ipv4Addr::new(127, 255, 255, 255),
            });
        }
        let everyone = self.networks.get(position)?.broadcast()?;
        let mut earlier = self.networks.iter().take(position);
        (!earlier.any(|earlier| earlier.broadcast() == Some(everyone))).then_some(everyone)
    }
}
