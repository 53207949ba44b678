//! Expiry, and the events of nodes.

use super::node::News;
use super::{Event, EventKind, LONGEST_PAUSE, Place, Registry};
use crate::time::Instant;

impl Registry<'_> {
    /// The next thing that happened. Nodes that have expired are removed one by one as this tells
    /// of them.
    #[must_use = "it is handed out once"]
    pub fn poll_event(&mut self, now: Instant) -> Option<Event> {
        self.touch(now);
        if let Some(displaced) = self.displaced.take() {
            return Some(displaced);
        }
        while let Some(place) = self.places.pop_changed() {
            if let Some(event) = self.take_news(place) {
                return Some(event);
            }
        }
        let place = self.pop_overdue(now)?;
        self.remove(now, place)
    }

    /// Whether [`poll_event`](Self::poll_event) has an event of something other than expiry.
    pub(crate) fn has_news(&self) -> bool {
        self.displaced.is_some() || self.places.has_changed()
    }

    /// The event that waits at a place.
    pub(super) fn take_news(&mut self, place: Place) -> Option<Event> {
        let (clock, slots) = (self.clock, &self.slots);
        let node = self.nodes.get_mut(place.index())?;
        let kind = match node.news() {
            News::Nothing => return None,
            News::Found => EventKind::Found,
            News::Moved => EventKind::Moved,
            News::Contested => EventKind::Contested { rival: node.rival(clock, slots)?.socket },
        };
        node.set_news(News::Nothing);
        Some(Event { kind, id: node.id().clone(), address: node.preferred(clock, slots), place })
    }

    /// When a node may expire: not before this time. None while no node is known.
    #[must_use]
    pub fn next_expiry(&self) -> Option<Instant> {
        self.places.next_deadline().filter(|_| self.used() > 0)
    }

    /// Takes note of the time.
    ///
    /// A node tells times from here, and can tell 49 days. After a longer pause, as of a machine
    /// that slept, all that it remembers counts as a week old.
    pub(super) fn touch(&mut self, now: Instant) {
        if now.millis().saturating_sub(self.clock.millis()) > LONGEST_PAUSE.millis() {
            let heard = now - LONGEST_PAUSE;
            self.nodes.iter_mut().for_each(|node| node.set_all_heard(heard));
        }
        self.clock = self.clock.max(now);
    }

    /// Adds an event for the node at a place.
    pub(super) fn announce(&mut self, place: Place, news: News) {
        if let Some(node) = self.nodes.get_mut(place.index()) {
            node.set_news(news);
            self.places.mark_changed(place);
        }
    }

    /// Takes a known node out of the wheel that has expired, if there is one. Remembered ones whose
    /// time is over are forgotten on the way.
    pub(super) fn pop_overdue(&mut self, now: Instant) -> Option<Place> {
        while let Some(place) = self.places.pop_filed(now) {
            let node = self.nodes.get_mut(place.index())?;
            match node.deadline(self.clock, self.lease) {
                Some(deadline) if deadline > now => self.places.file(place, deadline),
                Some(_) if node.is_known() => return Some(place),
                _ => {
                    node.clear();
                    if !self.places.rank(place).is_kept() {
                        self.places.release(place);
                    }
                }
            }
        }
        None
    }

    /// Files a place under the next deadline of its node, if it has one.
    pub(super) fn file(&mut self, place: Place) {
        let node = self.nodes.get(place.index());
        if let Some(deadline) = node.and_then(|node| node.deadline(self.clock, self.lease)) {
            self.places.file(place, deadline);
        }
    }

    /// Takes the place of a node that has a deadline out of the wheel.
    pub(super) fn unfile(&mut self, place: Place) {
        let node = self.nodes.get(place.index());
        if node.is_some_and(|node| !node.is_vacant()) {
            self.places.unfile(place);
        }
    }

    /// A node has expired that is filed nowhere: it is no longer known.
    pub(super) fn remove(&mut self, now: Instant, place: Place) -> Option<Event> {
        let departed = self.departed(place)?;
        let node = self.nodes.get_mut(place.index())?;
        let is_remembered = node.depart(now);
        node.set_news(News::Nothing);
        self.places.depart(place, is_remembered);
        self.file(place);
        Some(departed)
    }

    /// The event of the node at a place that goes; none if it is not known.
    pub(super) fn departed(&self, place: Place) -> Option<Event> {
        let node = self.nodes.get(place.index()).filter(|node| node.is_known())?;
        let address = node.preferred(self.clock, &self.slots);
        Some(Event { kind: EventKind::Lost, id: node.id().clone(), address, place })
    }
}
