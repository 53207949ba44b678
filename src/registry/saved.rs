//! Nodes on their way out of a registry and into another.

use heapless::Vec;

use super::{Entry, Node, Place, Registry, Sighting};
use crate::limits::ADDRESSES_PER_NODE;
use crate::time::Instant;
use crate::wire::NodeId;

/// All that a registry knew of a node, to be [restored](Registry::restore) in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub id: NodeId,
    /// How often it was heard; 0 if it was only remembered.
    pub heard: u32,
    /// When it was first heard since it is known.
    pub first_heard: Instant,
    /// Its addresses, in the order in which they appeared.
    pub sightings: Vec<Sighting, ADDRESSES_PER_NODE, u8>,
    /// The position of the one that is looked up; the last if there are no more than that.
    pub preferred: usize,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Saved {
    fn format(&self, f: defmt::Formatter<'_>) {
        let sightings = self.sightings.as_slice();
        defmt::write!(
            f,
            "Saved {{ id: {}, heard: {=u32}, first_heard: {}, sightings: {}, preferred: {=usize} }}",
            self.id,
            self.heard,
            self.first_heard,
            sightings,
            self.preferred
        );
    }
}

impl Registry<'_> {
    /// All that is worth saving, in the order in which it is to be [restored](Self::restore): the
    /// nodes that have not expired, the one heard longest ago first, then those that are
    /// remembered.
    pub fn iter_to_save(&self, now: Instant) -> impl Iterator<Item = Entry<'_>> {
        let live = self.places.live().filter_map(move |place| self.at(now, place));
        let all = Place::all_after(None, self.nodes.len())
            .filter_map(move |place| self.entry(now, place));
        live.chain(all.filter(Entry::is_remembered))
    }

    /// Takes in a node that a registry knew or remembered before, with its times.
    ///
    /// False if it is left out: it is known already, has no address, has expired and is not to be
    /// remembered, was heard before one that was taken in earlier, or there is no free place.
    pub fn restore(&mut self, now: Instant, saved: &Saved) -> bool {
        let Some(mut node) = Node::restored(saved) else { return false };
        let is_live = node.is_known() && node.last_heard() + self.lease > now;
        if !is_live && !node.depart(now, self.lease)
            || is_live && Some(node.last_heard()) < self.last_heard()
        {
            return false;
        }
        let place = if let Some(place) = self.find(saved.id.as_str().as_bytes()) {
            let kept = self.nodes.get_mut(place.index()).filter(|kept| kept.is_vacant());
            let Some(kept) = kept else { return false };
            *kept = node;
            place
        } else {
            let Ok(place) = self.occupy(node) else { return false };
            place
        };
        if is_live {
            self.enter(place);
        } else {
            self.places.remember(place);
        }
        true
    }

    /// A node that is known already gets the rank that it had.
    fn enter(&mut self, place: Place) {
        let Some(node) = self.nodes.get(place.index()) else { return };
        // The source that brought it is that of the address it appeared at first.
        let Some(first) = node.sightings().first() else { return };
        let is_established = node.is_established(node.last_heard(), self.lease);
        self.places.enter(place, self.source(first.address()));
        if is_established {
            self.places.establish(place);
        }
    }

    /// When a node was last heard.
    #[must_use]
    pub fn last_heard(&self) -> Option<Instant> {
        self.places.newest().and_then(|place| self.nodes.get(place.index())).map(Node::last_heard)
    }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddrV4};

    use super::*;
    use crate::registry::{Change, LinkId, Rank, Refused, Storage};
    use crate::time::Duration;

    const LEASE: Duration = Duration::from_secs(90);
    const KEY: [u8; 16] = [7; 16];

    fn at(secs: u64) -> Instant {
        Instant::from_millis(secs * 1000)
    }

    fn id(number: u32) -> NodeId {
        NodeId::try_from(format!("node-{number}").as_str()).unwrap()
    }

    fn socket(host: u8) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, host), 22000)
    }

    /// A node at that host, heard so often between these times.
    fn node(number: u32, host: u8, heard: u8, first: u64, last: u64) -> Saved {
        let sighting = Sighting {
            heard: at(last),
            link: LinkId(2),
            spoken: u32::try_from((last - first) * 1000).unwrap(),
            socket: socket(host),
            times: heard,
            is_rival: false,
        };
        let sightings = Vec::from_array([sighting]);
        Saved {
            id: id(number),
            heard: heard.into(),
            first_heard: at(first),
            sightings,
            preferred: 0,
        }
    }

    fn hear(
        registry: &mut Registry<'_>,
        secs: u64,
        number: u32,
        host: u8,
    ) -> Result<Change, Refused> {
        registry.hear(at(secs), &id(number), socket(host), LinkId(2)).map(|(_, change)| change)
    }

    #[test]
    fn an_established_node_still_is() {
        let mut storage = Storage::<2>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        assert!(registry.restore(at(100), &node(1, 1, 3, 40, 90)));
        assert!(registry.restore(at(100), &node(2, 2, 2, 40, 99)));
        assert_eq!(registry.last_heard(), Some(at(99)));
        // The newcomer gives way, the established node does not.
        let change = hear(&mut registry, 101, 3, 3).unwrap();
        assert!(
            matches!(&change, Change::Added { displaced: Some(departed) } if departed.id == id(2)),
            "{change:?}"
        );
        assert!(matches!(hear(&mut registry, 101, 1, 1), Ok(Change::Refreshed { .. })));
        let entry = registry.get(at(110), "node-1").unwrap();
        assert_eq!((entry.heard(), entry.known().secs(), entry.age().secs()), (4, 70, 9));
    }

    #[test]
    fn no_node_is_displaced_and_none_is_there_twice() {
        let mut storage = Storage::<2>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        hear(&mut registry, 90, 1, 1).unwrap();
        let nowhere = Saved { sightings: Vec::new(), ..node(3, 2, 9, 0, 90) };
        for left_out in [node(1, 1, 9, 0, 95), node(2, 2, 2, 0, 10), nowhere] {
            assert!(!registry.restore(at(100), &left_out), "{left_out:?}");
        }
        assert_eq!((registry.used(), registry.get(at(100), "node-1").unwrap().heard()), (1, 1));
        assert!(registry.restore(at(100), &node(4, 2, 9, 0, 91)));
        assert!(!registry.restore(at(100), &node(5, 2, 9, 0, 99)));
        assert_eq!(registry.used(), 2);
    }

    #[test]
    fn a_node_that_is_out_of_order_is_left_out() {
        let mut storage = Storage::<4>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        for (number, last, expected) in
            [(1, 50, true), (2, 50, true), (3, 49, false), (4, 51, true)]
        {
            assert_eq!(
                registry.restore(at(100), &node(number, 1, 1, last, last)),
                expected,
                "{number}"
            );
        }
        let expiry = core::iter::from_fn(|| {
            let due = registry.next_expiry()?;
            registry.pop_expired(due).map(|departed| (due, departed.id))
        });
        assert!(expiry.eq([(at(140), id(1)), (at(140), id(2)), (at(141), id(4))]));
        assert_eq!((registry.used(), registry.last_heard()), (0, None));
    }

    #[test]
    fn a_source_gets_back_its_share_and_no_more() {
        let mut storage = Storage::<64>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        for number in 0..64 {
            assert!(registry.restore(at(100), &node(number, 1, 3, 10, 99)));
        }
        let ranks = registry.places.live().map(|place| registry.places.rank(place));
        assert_eq!(ranks.filter(|rank| *rank == Rank::Established).count(), 8);
    }

    #[test]
    fn what_was_remembered_still_is_and_for_a_day_at_most() {
        let day = 24 * 3600;
        for (age, is_remembered) in [(91, true), (day - 2, true), (day, false)] {
            let mut storages = (Storage::<4>::new(), Storage::<4>::new());
            let now = 100 + age;
            let mut registry = Registry::new(&mut storages.0, KEY, LEASE);
            registry.expect(&id(3)).unwrap();
            // Known or only remembered when it was saved; and a node that nobody would miss.
            for (saved, expected) in [
                (node(1, 1, 3, 40, 100), is_remembered),
                (Saved { heard: 0, ..node(2, 1, 3, 40, 100) }, is_remembered),
                (node(3, 1, 3, 40, 100), is_remembered),
                (node(4, 1, 2, 40, 100), false),
            ] {
                assert_eq!(registry.restore(at(now), &saved), expected, "{saved:?}");
            }
            assert_eq!((registry.used(), registry.next_expiry()), (0, None));
            let saved = registry.iter_to_save(at(now)).count();
            assert_eq!(saved, if is_remembered { 3 } else { 0 });
            for number in 1..4 {
                hear(&mut registry, now, number, 9).unwrap();
                let change = hear(&mut registry, now + 1, number, 1).unwrap();
                assert_eq!(matches!(change, Change::Contested { .. }), is_remembered, "{change:?}");
            }
        }
    }
}
