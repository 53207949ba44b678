//! Where a node was heard.

use core::net::{IpAddr, SocketAddr};

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

impl Address {
    /// The IP address alone.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.socket.ip()
    }
}
