//! Nodes on their way out of a registry and into another.

use core::net::Ipv4Addr;
use core::num::NonZeroU32;

use heapless::Vec;

use super::{Address, Entry, List, LiveLists, Node, Registry};
use crate::limits::ADDRESSES_PER_NODE;
use crate::time::Instant;
use crate::wire::NodeId;

/// All that a registry knew of a node, to be [restored](Registry::restore) in another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub id: NodeId,
    /// How often it was heard.
    pub heard: NonZeroU32,
    /// When it was first heard since it is known.
    pub first_heard: Instant,
    /// The address it came from when it became known: the one whose share it counts for.
    pub source: Ipv4Addr,
    /// Where it was heard, in the order in which these addresses appeared.
    pub addresses: Vec<Address, ADDRESSES_PER_NODE>,
    /// The position of the one that is looked up; the last if there are no more than that.
    pub preferred: usize,
    /// Whether several of them speak.
    pub is_contested: bool,
}

#[cfg(feature = "defmt")]
impl defmt::Format for Saved {
    fn format(&self, f: defmt::Formatter<'_>) {
        let (heard, addresses) = (self.heard.get(), self.addresses.as_slice());
        defmt::write!(
            f,
            "Saved {{ id: {}, heard: {=u32}, first_heard: {}, source: {}, addresses: {}, preferred: {=usize}, is_contested: {=bool} }}",
            self.id,
            heard,
            self.first_heard,
            self.source,
            addresses,
            self.preferred,
            self.is_contested
        );
    }
}

impl Registry<'_> {
    /// The nodes that have not expired in the order in which they are best [restored](Self::restore): those that are established before
    /// the others, and of each the one heard longest ago first.
    pub fn iter_to_save(&self, now: Instant) -> impl Iterator<Item = Entry<'_>> {
        let LiveLists { newcomers, established } = &self.live;
        let places = [established, newcomers].into_iter().flat_map(|list| list.iter(self.joints));
        places.filter_map(move |place| self.entry(now, place))
    }

    /// Takes in a node that was known to a registry before, with its times. False if it is known already or has expired, if there
    /// is no place left, or if its source has its share.
    ///
    /// O(1) for nodes in the order of [`iter_to_save`](Self::iter_to_save). Any other order costs a step for each node already there that
    /// was heard later.
    pub fn restore(&mut self, now: Instant, saved: &Saved) -> bool {
        let hash = self.index.hash(saved.id.as_str());
        let node = Node::restored(saved).filter(|node| node.last_heard() + self.lease > now);
        let Some(node) = node else { return false };
        if let Some(place) = self.find(hash, saved.id.as_str()) {
            let is_missing = self.nodes.get(place.index()).is_some_and(|node| !node.is_known());
            if is_missing {
                self.arrive(place, node);
            }
            return is_missing;
        }
        if self.check_share(saved.source).is_err() || !self.has_unused_place() {
            return false;
        }
        let place = self.occupy(hash, node);
        place.map(|place| self.enter_lists(place)).is_ok()
    }

    /// When a node was last heard.
    #[must_use]
    pub fn last_heard(&self) -> Option<Instant> {
        let newest = [&self.live.newcomers, &self.live.established].into_iter().filter_map(List::newest);
        newest.filter_map(|place| self.nodes.get(place.index()).map(Node::last_heard)).max()
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddrV4;

    use super::*;
    use crate::random::Random;
    use crate::registry::{Change, LinkId, Refused, Storage};
    use crate::time::Duration;

    const LEASE: Duration = Duration::from_secs(90);
    const KEY: [u8; 16] = [7; 16];

    fn at(secs: u64) -> Instant {
        Instant::from_millis(secs * 1000)
    }

    fn id(number: u32) -> NodeId {
        NodeId::try_from(format!("node-{number}").as_str()).unwrap()
    }

    /// A node of that source, heard so often between these times.
    fn node(number: u32, source: u8, heard: u32, first: u64, last: u64) -> Saved {
        let source = Ipv4Addr::new(192, 0, 2, source);
        let socket = SocketAddrV4::new(source, 22000);
        let addresses = Vec::from_array([Address { socket, link: LinkId(2), heard: at(last) }]);
        let heard = NonZeroU32::new(heard).unwrap();
        Saved {
            id: id(number),
            heard,
            first_heard: at(first),
            source,
            addresses,
            preferred: 0,
            is_contested: false,
        }
    }

    fn hear(registry: &mut Registry<'_>, secs: u64, number: u32, source: u8) -> Result<Change, Refused> {
        let socket = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, source), 22000);
        registry.hear(at(secs), &id(number), socket, LinkId(2)).map(|(_, change)| change)
    }

    #[test]
    fn who_was_established_still_is() {
        let mut storage = Storage::<2>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        assert!(registry.restore(at(100), &node(1, 1, 3, 40, 90)));
        assert!(registry.restore(at(100), &node(2, 2, 2, 40, 99)));
        assert_eq!(registry.last_heard(), Some(at(99)));
        // The one that was a newcomer gives way, the other does not.
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
    fn nobody_is_displaced_and_nobody_is_there_twice() {
        let mut storage = Storage::<2>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        hear(&mut registry, 100, 1, 1).unwrap();
        assert!(!registry.restore(at(100), &node(1, 1, 9, 0, 90)));
        assert!(!registry.restore(at(100), &node(2, 2, 9, 0, 10)));
        assert!(!registry.restore(at(100), &Saved { addresses: Vec::new(), ..node(3, 2, 9, 0, 90) }));
        assert_eq!((registry.used(), registry.get(at(100), "node-1").unwrap().heard()), (1, 1));
        assert!(registry.restore(at(100), &node(4, 2, 9, 0, 11)));
        assert!(!registry.restore(at(100), &node(5, 2, 9, 0, 99)));
        assert_eq!(registry.used(), 2);
    }

    #[test]
    fn a_source_gets_back_its_share_and_no_more() {
        let mut storage = Storage::<64>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        let restored = (0..20).filter(|number| registry.restore(at(100), &node(*number, 1, 1, 99, 99)));
        assert_eq!(restored.count(), 8);
        assert_eq!(hear(&mut registry, 100, 30, 1), Err(Refused::Share));
        // It counts for where it came from, wherever it was heard last.
        let moved = Saved { source: Ipv4Addr::new(192, 0, 2, 2), ..node(31, 1, 1, 99, 99) };
        assert!(registry.restore(at(100), &moved));
        // When they have expired, so has what they counted.
        while registry.pop_expired(at(189)).is_some() {}
        assert_eq!(registry.used(), 0);
        assert!((40..48).all(|number| hear(&mut registry, 190, number, 1).is_ok()));
    }

    #[test]
    fn in_whatever_order_they_come_they_expire_in_theirs() {
        let mut random = Random(1);
        for _ in 0..200 {
            let mut storage = Storage::<64>::new();
            let mut registry = Registry::new(&mut storage, KEY, LEASE);
            for number in 0..60 {
                let last = 100 + (random.next() % 60);
                let first = last - (random.next() % 90);
                let source = u8::try_from(number).unwrap();
                assert!(registry.restore(at(161), &node(number, source, 3, first, last)));
            }
            let saved: std::vec::Vec<_> = registry
                .iter_to_save(at(161))
                .map(|entry| (entry.known().millis() - entry.age().millis() < 45_000, entry.age()))
                .collect();
            assert!(saved.is_sorted_by_key(|(newcomer, age)| (*newcomer, core::cmp::Reverse(*age))));
            assert_eq!(saved.len(), 60);
            let expiry = core::iter::from_fn(|| {
                let due = registry.next_expiry()?;
                registry.pop_expired(due).map(|_| due)
            });
            let expiry: std::vec::Vec<_> = expiry.collect();
            assert!(expiry.is_sorted() && expiry.len() == 60, "{expiry:?}");
            assert_eq!((registry.used(), registry.last_heard()), (0, None));
        }
    }
}
