//! Whose datagrams count: those of hosts on the link itself, and from further networks that are
//! allowed.
//!
//! Routers pass broadcasts on to nobody, so who is heard from another network was let in by mistake
//! or forges. And a process on this machine is not to say that it is a node on another one.

use core::net::Ipv4Addr;

use super::Discoverer;
use crate::limits::ALLOWED_NETWORKS;
use crate::network::Network;
use crate::registry::{LinkId, Place};
use crate::stats::Rejected;
use crate::time::Instant;

/// [`ALLOWED_NETWORKS`] networks are allowed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooManyNetworks;

impl Discoverer<'_> {
    /// Nodes from that network are heard too, on every interface. Without this, those from an
    /// interface's own networks are. Who is not in one of those is never answered, and hears our
    /// announcements only.
    ///
    /// # Errors
    ///
    /// [`TooManyNetworks`]: nothing has changed.
    pub fn allow(&mut self, network: Network) -> Result<(), TooManyNetworks> {
        self.allowed.push(network).map_err(|_| TooManyNetworks)
    }

    /// Our own addresses on an interface, each with its network; none if it is not in use.
    #[must_use]
    pub fn networks(&self, link: LinkId) -> &[Network] {
        self.links.iter().find(|known| known.id == link).map_or(&[], |link| &link.networks)
    }

    /// The networks that are [allowed](Self::allow).
    #[must_use]
    pub fn allowed(&self) -> &[Network] {
        &self.allowed
    }

    /// Whether who has that address counts on the link: it is one host, and no router stands
    /// between.
    pub(super) fn check_source(&self, link: LinkId, from: Ipv4Addr) -> Result<(), Rejected> {
        let networks = self.networks(link);
        if !is_one_host(from) || networks.iter().any(|network| network.is_broadcast(from)) {
            return Err(Rejected::BadSource);
        }
        let counts = networks.iter().chain(&self.allowed).any(|network| network.contains(from));
        if counts { Ok(()) } else { Err(Rejected::OffLink) }
    }

    /// Whether a host with that address may speak for the node at a place of the registry. Another
    /// process on this machine may announce nodes, but not one that is known on other machines
    /// only.
    pub(super) fn check_claim(
        &self,
        now: Instant,
        from: Ipv4Addr,
        place: Place,
    ) -> Result<(), Rejected> {
        if !self.has_address(from) {
            return Ok(());
        }
        let known = self.registry.at(now, place);
        let is_elsewhere = known.is_some_and(|entry| {
            !entry.addresses().any(|address| self.is_here(*address.socket.ip()))
        });
        if is_elsewhere { Err(Rejected::OwnAddress) } else { Ok(()) }
    }

    /// Whether it is an address of this machine, or was: where that has changed, a node here is
    /// still known at the old one.
    pub(super) fn is_here(&self, address: Ipv4Addr) -> bool {
        self.has_address(address) || self.former.contains(&address)
    }

    /// Whether it is an address of this machine.
    fn has_address(&self, address: Ipv4Addr) -> bool {
        address.is_loopback() || self.links.iter().any(|link| link.has_address(address))
    }
}

/// Whether a host can have that address: from 224.0.0.0 on there are none, only groups and
/// addresses kept for later.
pub(super) fn is_one_host(address: Ipv4Addr) -> bool {
    !address.is_unspecified() && address.octets() < [224, 0, 0, 0]
}

impl core::fmt::Display for TooManyNetworks {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "at most {ALLOWED_NETWORKS} networks can be allowed")
    }
}

impl core::error::Error for TooManyNetworks {}
