//! Links by a number of one byte, as sightings keep them.

use heapless::Vec;

use crate::net::LinkId;

/// Links that can be told apart. More than a machine has in a lease.
const SLOTS: usize = 64;

/// The number of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkSlot(u8);

/// The links that nodes were heard on.
///
/// A link that comes back has its number again. When all numbers are given out, each further link
/// gets the one that was given out longest ago: an address that was heard there and nowhere since
/// is shown with the wrong link, for a lease at most.
pub(super) struct LinkSlots {
    links: Vec<LinkId, SLOTS, u8>,
    /// The number that is given out next, once all have been.
    next: u8,
}

impl LinkSlot {
    /// No link.
    const NONE: Self = Self(u8::MAX);
}

impl LinkSlots {
    pub(super) const fn new() -> Self {
        Self { links: Vec::new(), next: 0 }
    }

    /// The number of a link.
    pub(super) fn slot(&mut self, link: LinkId) -> LinkSlot {
        if link == LinkId::NONE {
            return LinkSlot::NONE;
        }
        let known = self.links.iter().zip(0..).find(|(known, _)| **known == link);
        if let Some((_, slot)) = known {
            return LinkSlot(slot);
        }
        let slot = self.next;
        if self.links.push(link).is_err()
            && let Some(taken) = self.links.get_mut(usize::from(slot))
        {
            *taken = link;
        }
        self.next = if usize::from(slot) + 1 < SLOTS { slot + 1 } else { 0 };
        LinkSlot(slot)
    }

    /// The link that has that number.
    pub(super) fn link(&self, slot: LinkSlot) -> LinkId {
        self.links.get(usize::from(slot.0)).copied().unwrap_or(LinkId::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_has_its_number_again_and_no_two_have_the_same() {
        let mut slots = LinkSlots::new();
        let of = [7, 1, u32::MAX - 1].map(|link| (LinkId(link), slots.slot(LinkId(link))));
        for (link, slot) in of {
            assert_eq!((slots.slot(link), slots.link(slot)), (slot, link));
        }
        let none = slots.slot(LinkId::NONE);
        assert_eq!(slots.link(none), LinkId::NONE);
    }

    #[test]
    fn the_oldest_number_is_given_out_again() {
        let mut slots = LinkSlots::new();
        let first = slots.slot(LinkId(0));
        for link in 1..64 {
            slots.slot(LinkId(link));
        }
        assert_eq!(slots.link(first), LinkId(0));
        assert_eq!(slots.slot(LinkId(64)), first);
        assert_eq!(slots.link(first), LinkId(64));
        assert_ne!(slots.slot(LinkId(0)), first);
    }
}
