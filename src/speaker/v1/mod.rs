//! The speaker of the protocol of 2013: it announces each own node by broadcast once in an
//! interval, and answers newcomers.

mod answers;
mod outbox;
mod schedule;

use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};

use heapless::Vec;

use super::{Context, Protocol, Received, Transmit};
use crate::limits::LINKS;
use crate::net::{Address, LinkId};
use crate::registry::{Change, Claim, Name, Place};
use crate::stats::Rejected;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;
use crate::wire::v1::{self, BufferTooSmall, Frame};

use outbox::Outbox;
use schedule::Schedule;
pub use schedule::{
    ALL_ANSWERS_BURST, ALL_ANSWERS_PERIOD, ALONE_PERIOD, ANSWER_BURST, ANSWER_DELAY, ANSWER_PERIOD,
    LEASE_INTERVALS, PATIENCE, PATIENCE_PER_NODE, QUIET, REPEAT_PERIOD, REPEATS,
};

/// The announcements and answers of all links.
pub(crate) struct Speaker {
    interval: Duration,
    udp_port: u16,
    schedule: Schedule,
    /// One for each link, in no order.
    outboxes: Vec<Outbox, LINKS>,
}

/// The name in an announcement.
enum Heard {
    /// The registry has it, at that place.
    Held(Place),
    /// It is valid, and the registry has it not.
    New(NodeId),
}

impl Speaker {
    pub(crate) fn new(interval: Duration, udp_port: u16, seed: u64) -> Self {
        let schedule = Schedule::new(interval, seed);
        Self { interval, udp_port, schedule, outboxes: Vec::new() }
    }

    /// The time between announcements.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    /// The UDP port that all is sent to.
    pub(crate) fn udp_port(&self) -> u16 {
        self.udp_port
    }

    /// Announces all nodes on all links now, and next in an interval.
    pub(crate) fn announce(&mut self, context: &Context<'_, '_>) {
        if context.own.is_empty() || self.outboxes.is_empty() {
            return;
        }
        self.outboxes.iter_mut().for_each(Outbox::announce);
        self.schedule.announced(context.now);
    }

    /// There is nothing to announce any more.
    pub(crate) fn fall_silent(&mut self) {
        self.schedule.stop_announcing();
        self.outboxes.iter_mut().for_each(Outbox::clear);
    }

    /// A link can be used, or its addresses changed: all nodes are announced there at once.
    pub(crate) fn link_up(&mut self, context: &Context<'_, '_>, id: LinkId) {
        self.remove(id);
        let mut outbox = Outbox::new(id);
        if !context.own.is_empty() {
            outbox.announce();
            if self.schedule.announce_at().is_none() {
                self.schedule.announced(context.now);
            }
        }
        // There are as many outboxes as links.
        let _ = self.outboxes.push(outbox);
    }

    /// A link can't be used any more.
    pub(crate) fn link_down(&mut self, id: LinkId) {
        self.remove(id);
        if self.outboxes.is_empty() {
            self.schedule.stop_announcing();
        }
    }

    fn remove(&mut self, id: LinkId) {
        if let Some(position) = self.outboxes.iter().position(|outbox| outbox.link() == id) {
            self.outboxes.swap_remove(position);
        }
    }

    /// Takes in one datagram. A newcomer is answered.
    pub(crate) fn hear(
        &mut self,
        context: &mut Context<'_, '_>,
        received: &Received,
        datagram: &[u8],
    ) -> Result<(), Rejected> {
        let frame = Frame::new(datagram)?;
        // A name that the registry has is valid: for nearly all datagrams that saves a look at each
        // of its bytes.
        let name = match context.registry.find(frame.id()) {
            Some(place) => Heard::Held(place),
            None => Heard::New(frame.announcement()?.id),
        };
        let port = frame.port()?.get();
        let IpAddr::V4(from) = received.from.ip() else { return Err(Rejected::BadSource) };
        let link = received.link;
        context.links.check_source(link, from)?;
        if let Some(own) = context.own.position(frame.id()) {
            context.stats.own.increment();
            return check_own(context, from, own);
        }
        let name = match &name {
            Heard::Held(place) => {
                check_claim(context, from, *place)?;
                Name::Held(*place)
            }
            Heard::New(id) => Name::New(id),
        };
        let socket = SocketAddr::V4(SocketAddrV4::new(from, port));
        let address = Address { socket, link, heard: context.now };
        let claim = Claim { name, claimant: from.into(), address };
        match context.registry.hear(&claim, context.links)? {
            Change::Refreshed { silent } => self.hear_again(link, silent),
            Change::Contested => {}
            Change::Added | Change::Moved | Change::Joined => self.answer(context, link, from),
        }
        Ok(())
    }

    fn answer(&mut self, context: &Context<'_, '_>, link: LinkId, newcomer: Ipv4Addr) {
        let is_in_reach = context.links.get(link).is_some_and(|link| link.reaches(newcomer.into()));
        if context.own.is_empty() || !is_in_reach {
            return;
        }
        let known = context.registry.used();
        if let Some(outbox) = self.outboxes.iter_mut().find(|outbox| outbox.link() == link) {
            outbox.answers.newcomer(context.now, newcomer, known, &mut self.schedule);
        }
    }

    /// A known node was heard after it had been silent for so long.
    fn hear_again(&mut self, link: LinkId, silent: Duration) {
        // After less, a network delivered the same datagram twice.
        let is_answer = ANSWER_DELAY <= silent && silent.times(4) < self.interval;
        if is_answer
            && let Some(outbox) = self.outboxes.iter_mut().find(|outbox| outbox.link() == link)
        {
            outbox.answers.others_answer();
        }
    }

    /// Starts all work that is due: announcements and answers.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context<'_, '_>) {
        if self.schedule.announce_at().is_some_and(|due| due <= context.now) {
            self.announce(context);
        }
        for outbox in &mut self.outboxes {
            if outbox.answer(context.now, context.links, &mut self.schedule) {
                context.stats.answers.increment();
            }
        }
    }

    /// When something is due next.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        let answers = self.outboxes.iter().filter_map(|outbox| outbox.answers.due(&self.schedule));
        answers.chain(self.schedule.announce_at()).min()
    }

    /// The next datagram to be sent.
    pub(crate) fn poll_transmit(
        &mut self,
        context: &mut Context<'_, '_>,
        buffer: &mut [u8],
    ) -> nb::Result<Transmit, BufferTooSmall> {
        let nodes = context.own.nodes();
        let next = self.outboxes.iter_mut().find_map(|outbox| {
            let link = context.links.get(outbox.link())?;
            let (to, to_group, node) = outbox.next_transmit(nodes.len(), link)?;
            Some((link.id(), to, to_group, node))
        });
        let (link, to, to_group, node) = next.ok_or(nb::Error::WouldBlock)?;
        let node = nodes.get(node).ok_or(nb::Error::WouldBlock)?;
        let length = v1::emit(node, buffer)?;
        let to = SocketAddr::V4(SocketAddrV4::new(to, self.udp_port));
        Ok(Transmit { protocol: Protocol::Foghorn, link, to, to_group, length })
    }
}

/// Whether a host with that address may announce the own node at that position: we hear our own
/// announcements, but another host has the same name.
fn check_own(context: &mut Context<'_, '_>, from: Ipv4Addr, own: usize) -> Result<(), Rejected> {
    if context.links.is_here(from.into()) {
        return Ok(());
    }
    context.own.set_rival(context.now, own, from.into(), context.registry.lease());
    Err(Rejected::OwnName)
}

/// Whether a host with that address may speak for the node at a place of the registry. Another
/// process on this machine may announce nodes, but not one that is known on other machines only.
fn check_claim(context: &Context<'_, '_>, from: Ipv4Addr, place: Place) -> Result<(), Rejected> {
    if !context.links.has_address(from.into()) {
        return Ok(());
    }
    let known = context.registry.at(context.now, place);
    let is_elsewhere = known
        .is_some_and(|entry| !entry.addresses().any(|address| context.links.is_here(address.ip())));
    if is_elsewhere { Err(Rejected::OwnAddress) } else { Ok(()) }
}
