//! Where a node was heard.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::LinkId;
use crate::time::Instant;

/// An address of a node: where it can be reached, and on which link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Address {
    /// The node's IP address and the port it announced.
    pub socket: SocketAddr,
    /// The link it was last heard on.
    pub link: LinkId,
    /// When it was last heard there.
    pub heard: Instant,
}

/// An IP address of either family as an IPv6 address: an IPv4 address is mapped.
pub(crate) const fn mapped(ip: IpAddr) -> Ipv6Addr {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    }
}

impl Address {
    /// The IP address alone.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.socket.ip()
    }
}
