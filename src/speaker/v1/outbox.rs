//! The datagrams that wait on one link.

use core::net::{IpAddr, Ipv4Addr};

use super::answers::{Answers, Recipient};
use super::schedule::Schedule;
use crate::net::{Link, LinkId, Links};
use crate::time::Instant;

/// The datagrams that wait to be sent on a link.
#[derive(Debug)]
pub(super) struct Outbox {
    link: LinkId,
    pub(super) answers: Answers,
    round: Option<Round>,
}

/// Our own nodes, one after the other, on their way to a recipient.
#[derive(Clone, Copy, Debug)]
struct Round {
    to: Recipient,
    /// The next of our own nodes to be announced.
    node: usize,
    /// The next of the link's networks that hears it, if everyone does.
    network: usize,
}

impl Round {
    const fn new(to: Recipient) -> Self {
        Self { to, node: 0, network: 0 }
    }
}

impl Outbox {
    pub(super) fn new(link: LinkId) -> Self {
        Self { link, answers: Answers::new(), round: None }
    }

    pub(super) const fn link(&self) -> LinkId {
        self.link
    }

    /// Announces to everyone now. All that wait for an answer hear it as well.
    pub(super) fn announce(&mut self) {
        self.answers.clear();
        self.round = Some(Round::new(Recipient::Everyone));
    }

    /// Sends nothing more.
    pub(super) fn clear(&mut self) {
        self.answers.clear();
        self.round = None;
    }

    /// Starts the answer that is due, if one is.
    pub(super) fn answer(&mut self, now: Instant, links: &Links, schedule: &mut Schedule) -> bool {
        let Some(to) = self.answers.poll(now, schedule) else { return false };
        let is_here = |ip: Ipv4Addr| {
            let ip = IpAddr::V4(ip);
            ip.is_loopback() || links.get(self.link).is_some_and(|link| link.has_address(ip))
        };
        let to = match to {
            // Several processes on our own host share the port, and a unicast datagram reaches only
            // one of them.
            Recipient::One(ip) if is_here(ip) => Recipient::Everyone,
            to => to,
        };
        self.round = Some(Round::new(to));
        true
    }

    /// The next datagram: to which address, whether that stands for all hosts of a network, and
    /// which of our own `nodes` it announces.
    pub(super) fn next_transmit(
        &mut self,
        nodes: usize,
        link: &Link,
    ) -> Option<(Ipv4Addr, bool, usize)> {
        let round = self.round.as_mut()?;
        while round.node < nodes {
            let (node, network) = (round.node, round.network);
            let to = match round.to {
                Recipient::One(ip) => Some(ip),
                Recipient::Everyone => link.broadcast(network),
            };
            round.network += 1;
            let to_group = round.to == Recipient::Everyone;
            if !to_group || round.network >= link.networks().len() {
                (round.node, round.network) = (node + 1, 0);
            }
            if let Some(to) = to {
                return Some((to, to_group, node));
            }
        }
        self.round = None;
        None
    }
}
