//! What is to be sent on one interface.

use core::net::Ipv4Addr;

use crate::registry::LinkId;
use crate::time::Instant;

/// An interface in use, with what waits to be sent on it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) id: LinkId,
    /// Our own address there.
    pub(super) address: Ipv4Addr,
    answer: Option<Answer>,
    round: Option<Round>,
}

/// An answer to newcomers that waits for its time.
#[derive(Clone, Copy, Debug)]
struct Answer {
    due: Instant,
    to: Recipient,
}

/// Who is to hear something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recipient {
    Everyone,
    One(Ipv4Addr),
}

/// One datagram for each node of our own, on its way to a recipient.
#[derive(Clone, Copy, Debug)]
struct Round {
    to: Recipient,
    /// The next of our own nodes to be announced.
    next: usize,
}

impl Link {
    pub(super) fn new(id: LinkId, address: Ipv4Addr) -> Self {
        Self { id, address, answer: None, round: None }
    }

    /// Tells everyone now. Whoever waits for an answer is told with them.
    pub(super) fn announce(&mut self) {
        self.answer = None;
        self.round = Some(Round { to: Recipient::Everyone, next: 0 });
    }

    /// Answers a newcomer at `address` when it is `due`. With another one waiting, both get one broadcast.
    pub(super) fn answer(&mut self, address: Ipv4Addr, due: Instant) {
        // Several processes on our own host share the port, and a unicast datagram reaches only one of them.
        let on_our_host = address == self.address || address.is_loopback();
        let to = if on_our_host { Recipient::Everyone } else { Recipient::One(address) };
        match &mut self.answer {
            None => self.answer = Some(Answer { due, to }),
            Some(waiting) if waiting.to == to => {}
            Some(waiting) => waiting.to = Recipient::Everyone,
        }
    }

    pub(super) fn answer_due(&self) -> Option<Instant> {
        self.answer.map(|answer| answer.due)
    }

    /// Starts the answer that waits.
    pub(super) fn start_answer(&mut self) {
        if let Some(answer) = self.answer.take() {
            self.round = Some(Round { to: answer.to, next: 0 });
        }
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
