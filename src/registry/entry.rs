//! One known node at a point in time.

use core::net::SocketAddr;

use super::node::Node;
use super::sighting::Stored;
use super::{Place, Registry, Sighting};
use crate::net::{Address, LinkId};
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// A node that is known at a point in time.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    node: &'a Node,
    place: Place,
    registry: &'a Registry<'a>,
    now: Instant,
}

impl<'a> Entry<'a> {
    pub(super) fn new(
        node: &'a Node,
        place: Place,
        registry: &'a Registry<'_>,
        now: Instant,
    ) -> Self {
        Self { node, place, registry, now }
    }

    pub(super) fn is_live(&self) -> bool {
        self.node.is_known() && self.last_heard() + self.registry.lease > self.now
    }

    /// Whether it is not known, but something of it is remembered.
    pub(super) fn is_remembered(&self) -> bool {
        !self.node.is_known() && !self.node.sightings().is_empty()
    }

    fn last_heard(&self) -> Instant {
        self.node.last_heard(self.registry.clock)
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> &'a NodeId {
        self.node.id()
    }

    /// Its place in the registry, the same for as long as it is known.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// Its live addresses: the one to use first, then the others, the one heard last first. There
    /// is at least one.
    pub fn addresses(&self) -> impl Iterator<Item = Address> + use<'a> {
        let entry = *self;
        (0..).map_while(move |number| entry.address_at(number))
    }

    /// The live address at that position in the order of [`addresses`](Self::addresses).
    pub(crate) fn address_at(&self, number: usize) -> Option<Address> {
        let (clock, preferred) = (self.registry.clock, self.node.preferred_position());
        // Of those that were heard at the same time, the one that appeared last is first.
        let rank = |(position, sighting): (usize, &Stored)| {
            (position == preferred, sighting.heard(clock), position)
        };
        let live = || {
            let sightings = self.node.sightings().iter().enumerate();
            sightings.filter(|(_, other)| other.heard(clock) + self.registry.lease > self.now)
        };
        let mut all = live();
        let found =
            all.find(|one| live().filter(|other| rank(*other) > rank(*one)).count() == number);
        found.map(|(_, sighting)| sighting.sighting(clock, &self.registry.slots).address)
    }

    /// The address to use.
    ///
    /// It is the one that the node appeared at last, or if the node is
    /// [contested](Self::is_contested), the oldest that speaks.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.preferred().socket
    }

    /// All its addresses, live or remembered, in the order in which they appeared.
    pub(crate) fn sightings(&self) -> impl ExactSizeIterator<Item = Sighting> + use<'a> {
        let registry = self.registry;
        let sightings = self.node.sightings().iter();
        sightings.map(move |sighting| sighting.sighting(registry.clock, &registry.slots))
    }

    /// Which of these is preferred, by its position.
    pub(crate) fn preferred_position(&self) -> usize {
        self.node.preferred_position()
    }

    /// Whether several of its addresses speak: it has more than one network card in one network, or
    /// somebody claims its name.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.node.is_contested(self.registry.clock, self.now, self.registry.lease)
    }

    /// The link it was last heard on at that address.
    #[must_use]
    pub fn link(&self) -> LinkId {
        self.preferred().link
    }

    /// The preferred address unless that alone has expired.
    fn preferred(&self) -> Address {
        let Self { node, registry, .. } = *self;
        self.address_at(0).unwrap_or_else(|| node.preferred(registry.clock, &registry.slots))
    }

    /// How long ago it was last heard.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.now.since(self.last_heard())
    }

    /// For how long it has been known.
    #[must_use]
    pub fn known(&self) -> Duration {
        self.now.since(self.node.first_heard())
    }

    /// The time until it is forgotten, unless it is heard again.
    #[must_use]
    pub fn expires_in(&self) -> Duration {
        (self.last_heard() + self.registry.lease).since(self.now)
    }

    /// How often it was heard since it is known.
    #[must_use]
    pub fn heard(&self) -> u32 {
        self.node.heard()
    }
}
