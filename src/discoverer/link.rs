//! What is to be sent on one interface.

use core::net::Ipv4Addr;

use heapless::Vec;

use super::answers::{Answers, Recipient};
use crate::limits::NETWORKS_PER_LINK;
use crate::network::Network;
use crate::registry::LinkId;
use crate::schedule::Schedule;
use crate::time::Instant;

/// Our own addresses on a link, each with its network. What we broadcast comes from the first.
pub(super) type Networks = Vec<Network, NETWORKS_PER_LINK, u8>;

/// An interface in use, with what waits to be sent on it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    pub(super) networks: Networks,
    pub(super) answers: Answers,
    round: Option<Round>,
}

/// One datagram for each node of our own, on its way to a recipient.
#[derive(Clone, Copy, Debug)]
struct Round {
    to: Recipient,
    /// The next of our own nodes to be announced.
    next: usize,
}

impl Link {
    pub(super) fn new(id: LinkId, networks: Networks) -> Self {
        Self { id, networks, answers: Answers::new(), round: None }
    }

    /// Whether it is one of our own addresses there.
    pub(super) fn has_address(&self, address: Ipv4Addr) -> bool {
        self.networks.iter().any(|network| network.address() == address)
    }

    /// Whether a host with that address is on the link itself, with no router between.
    pub(super) fn reaches(&self, address: Ipv4Addr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Tells everyone now. Whoever waits for an answer is told with them.
    pub(super) fn announce(&mut self) {
        self.answers.all_told();
        self.round = Some(Round { to: Recipient::Everyone, next: 0 });
    }

    /// Starts the answer that is due, if one is.
    pub(super) fn answer(&mut self, now: Instant, schedule: &mut Schedule) -> bool {
        let Some(to) = self.answers.poll(now, schedule) else { return false };
        let to = match to {
            // Several processes on our own host share the port, and a unicast datagram reaches only
            // one of them.
            Recipient::One(address) if self.has_address(address) || address.is_loopback() => {
                Recipient::Everyone
            }
            to => to,
        };
        self.round = Some(Round { to, next: 0 });
        true
    }

    /// The next datagram: to whom, and which of our own `nodes` it announces.
    pub(super) fn next_transmit(&mut self, nodes: usize) -> Option<(Recipient, usize)> {
        let round = self.round.as_mut()?;
        let transmit = (round.to, round.next);
        round.next += 1;
        if round.next >= nodes {
            self.round = None;
        }
        (transmit.1 < nodes).then_some(transmit)
    }
}
