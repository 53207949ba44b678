//! Which address of a node is preferred, and whether others contest it.
//!
//! A lookup returns the address where the node appeared last, so a node that moves is found at
//! once. If the address before speaks again, the node did not move: it has two cards in one
//! network, or another host claims its name. Then the node is *contested*. From then on the oldest
//! address that speaks is preferred. No other takes its place before it has been silent for half a
//! lease, however often others speak.
//!
//! Addresses in different networks of ours are contested only if they are [out of
//! step](super::rhythm). One that appears together with the preferred one changes nothing but that
//! the node has one more address.

use super::node::{Node, OTHERS};
use super::rhythm::{is_regular, is_together};
use super::sighting::Heard;
use crate::net::Links;
use crate::time::{Duration, Instant};

/// The meaning of a known node's announcement at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing new. It had been silent there for so long.
    Again(Duration),
    /// It speaks there as well, in another network of ours.
    Joined,
    /// From now on it is looked up there.
    Moved,
    /// Two of its addresses speak: the preferred one and the [rival](Node::rival).
    Contested,
}

impl Node {
    /// It is heard while it is known.
    #[inline]
    pub(super) fn hear(&mut self, heard: &Heard, lease: Duration, links: &Links) -> Outcome {
        let now = heard.now;
        self.set_heard(self.heard().saturating_add(1));
        // Nearly every node has one address.
        if let [only] = &mut *self.sightings
            && only.is_at(heard)
        {
            let silent = only.age(now);
            only.renew(heard, lease);
            return Outcome::Again(silent);
        }
        self.hear_beside(heard, lease, links)
    }

    /// It is heard, and has several addresses or another one.
    #[cold]
    fn hear_beside(&mut self, heard: &Heard, lease: Duration, links: &Links) -> Outcome {
        let now = heard.now;
        self.forget_expired(now, lease);
        match self.position(heard) {
            Some(position) => self.hear_at(position, heard, lease, links),
            None => self.appear(heard, lease, links),
        }
    }

    /// It is heard at an address that it has.
    fn hear_at(
        &mut self,
        position: usize,
        heard: &Heard,
        lease: Duration,
        links: &Links,
    ) -> Outcome {
        let now = heard.now;
        let was_contested = self.is_contested(now, now, lease);
        let preferred = self.preferred_position();
        let between = now.since(self.last_heard_at(preferred, now));
        let silent = now.since(self.last_heard_at(position, now));
        if let Some(sighting) = self.sightings.get_mut(position) {
            sighting.renew(heard, lease);
        }
        if position == preferred {
            self.pair_waiting(now, lease, links);
            return Outcome::Again(silent);
        }
        // Of two that speak in step, one datagram of the older may be lost, and the next may come
        // after that of the younger.
        let is_companion =
            self.sightings.get(position).is_some_and(|sighting| sighting.rhythm.is_companion());
        let patience = if is_companion { lease.times(3) } else { lease.times(2) };
        if between.times(4) > patience {
            self.prefer(position);
            self.end_contest();
            return Outcome::Moved;
        }
        // The older of the two stays preferred, or becomes it.
        let takes_over = position < preferred;
        let younger = position.max(preferred);
        if takes_over {
            self.prefer(position);
        }
        let is_out_of_step = if !self.are_apart(position, preferred, links) {
            true
        } else if is_together(between, lease) {
            self.pair(younger, is_regular(silent, lease));
            false
        } else if let Some(sighting) = self.sightings.get_mut(position).filter(|_| !takes_over) {
            sighting.rhythm.mark_alone(is_regular(silent, lease))
        } else {
            false
        };
        if let Some(younger) = self.sightings.get_mut(younger).filter(|_| is_out_of_step) {
            younger.set_rival(true);
            if !was_contested {
                return Outcome::Contested;
            }
        }
        if takes_over { Outcome::Moved } else { Outcome::Again(silent) }
    }

    /// It is heard at an address that it did not have.
    fn appear(&mut self, heard: &Heard, lease: Duration, links: &Links) -> Outcome {
        let now = heard.now;
        let was_contested = self.is_contested(now, now, lease);
        let between = now.since(self.last_heard_at(self.preferred_position(), now));
        let is_vacant = between.times(2) > lease;
        let is_believed = !self.is_wary() && self.live_others(now, lease) < OTHERS;
        let preferred = self.sightings.get(self.preferred_position());
        let is_apart = preferred
            .is_some_and(|preferred| links.are_in_different_networks(preferred.ip(), heard.ip()));
        let position = self.add(heard);
        let Some(sighting) = self.sightings.get_mut(position) else { return Outcome::Moved };
        if is_apart && is_believed && is_together(between, lease) {
            sighting.rhythm.mark_together(true);
            return Outcome::Joined;
        }
        if is_vacant || is_believed {
            self.prefer(position);
            self.end_contest();
            // As regular as an announcement: this is the first.
            if let Some(sighting) = self.sightings.get_mut(position) {
                sighting.rhythm.mark_alone(true);
            }
            return Outcome::Moved;
        }
        sighting.set_rival(true);
        if was_contested { Outcome::Again(Duration::ZERO) } else { Outcome::Contested }
    }

    /// The preferred address speaks: each other that spoke just before has spoken with it.
    fn pair_waiting(&mut self, now: Instant, lease: Duration, links: &Links) {
        let preferred = self.preferred_position();
        for position in 0..self.sightings.len() {
            let waiting = self.sightings.get(position).and_then(|other| {
                let between = other.age(now);
                other.rhythm.is_waiting().filter(|_| is_together(between, lease))
            });
            if let Some(is_regular) = waiting
                && position != preferred
                && self.are_apart(position, preferred, links)
            {
                self.pair(position, is_regular);
            }
        }
    }

    /// An address has spoken together with the preferred one.
    fn pair(&mut self, position: usize, is_regular: bool) {
        if let Some(sighting) = self.sightings.get_mut(position)
            && sighting.rhythm.mark_together(is_regular)
        {
            sighting.set_rival(false);
        }
    }

    /// Whether two of its addresses are in different networks of ours.
    fn are_apart(&self, a: usize, b: usize, links: &Links) -> bool {
        match (self.sightings.get(a), self.sightings.get(b)) {
            (Some(a), Some(b)) => links.are_in_different_networks(a.ip(), b.ip()),
            _ => false,
        }
    }
}
