//! Nodes on their way out of a registry and into another.

use super::{Entry, Node, Place, Registry, Saved};
use crate::time::Instant;

impl Registry<'_> {
    /// All that is worth saving: the nodes that have not expired and those that are remembered, in
    /// the order of their places.
    pub fn iter_to_save(&self, now: Instant) -> impl Iterator<Item = Entry<'_>> {
        let all = Place::all_after(None, self.nodes.len());
        all.filter_map(move |place| self.entry(now, place))
            .filter(|entry| entry.is_live() || entry.is_remembered())
    }

    /// Takes in a node that a registry knew or remembered before, with its times.
    ///
    /// False if it is left out: it is known already, has no address, has expired and is not to be
    /// remembered, or there is no free place.
    pub fn restore(&mut self, now: Instant, saved: &Saved) -> bool {
        self.touch(now);
        let Some(mut node) = Node::restored(now, saved, &mut self.slots) else { return false };
        let last_heard = node.last_heard(now);
        let is_live = node.is_known() && last_heard + self.lease > now;
        if !is_live && !node.depart(now) {
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
            self.last_heard = self.last_heard.max(Some(last_heard));
        } else {
            self.places.remember(place);
        }
        self.file(place);
        true
    }

    /// A node that is known already gets the rank that it had.
    fn enter(&mut self, place: Place) {
        let Some(node) = self.nodes.get(place.index()) else { return };
        // The source that brought it is that of the address it appeared at first.
        let Some(first) = node.sightings().first() else { return };
        let is_established = node.is_established(node.last_heard(self.clock), self.lease);
        self.places.enter(place, self.source(first.ip()));
        if is_established {
            self.places.establish(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, SocketAddr};

    use heapless::Vec;

    use super::*;
    use crate::net::{Address, LinkId, Links};
    use crate::registry::{
        Change, Claim, EventKind, Name, PARTS, Rank, Refused, Sighting, Storage,
    };
    use crate::time::Duration;
    use crate::wire::NodeId;

    const LEASE: Duration = Duration::from_secs(90);
    const KEY: [u8; 16] = [7; 16];

    fn at(secs: u64) -> Instant {
        Instant::from_millis(secs * 1000)
    }

    fn id(number: u32) -> NodeId {
        NodeId::try_from(format!("node-{number}").as_str()).unwrap()
    }

    fn address(host: u8, secs: u64) -> Address {
        let socket = SocketAddr::new(Ipv4Addr::new(192, 0, 2, host).into(), 22000);
        Address { socket, link: LinkId(2), heard: at(secs) }
    }

    /// A node at that host, heard so often between these times.
    fn node(number: u32, host: u8, heard: u8, first: u64, last: u64) -> Saved {
        let sighting = Sighting {
            address: address(host, last),
            spoken: u8::try_from((last - first) * u64::from(PARTS) / LEASE.secs()).unwrap_or(255),
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
        let (id, address) = (id(number), address(host, secs));
        let claim = Claim { name: Name::New(&id), claimant: address.ip(), address };
        registry.hear(&claim, &Links::new())
    }

    #[test]
    fn an_established_node_stays_established() {
        let mut storage = Storage::<2>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        assert!(registry.restore(at(100), &node(1, 1, 3, 40, 90)));
        assert!(registry.restore(at(100), &node(2, 2, 2, 40, 99)));
        assert_eq!(registry.last_heard(), Some(at(99)));
        // The newcomer gives way, the established node does not.
        assert_eq!(hear(&mut registry, 101, 3, 3), Ok(Change::Added));
        let lost = registry.poll_event(at(101)).unwrap();
        assert_eq!((lost.kind, lost.id), (EventKind::Lost, id(2)));
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
    fn nodes_are_restored_in_any_order_and_expire_in_theirs() {
        let mut storage = Storage::<4>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        for (number, last) in [(1, 50), (2, 51), (3, 49), (4, 50)] {
            assert!(registry.restore(at(100), &node(number, 1, 1, last, last)), "{number}");
        }
        assert_eq!(registry.last_heard(), Some(at(51)));
        let mut expired = vec![];
        while let Some(due) = registry.next_expiry() {
            expired.extend(registry.poll_event(due).map(|event| (due, event.id)));
        }
        expired[1..3].sort_by(|a, b| a.1.as_str().cmp(b.1.as_str()));
        assert_eq!(
            expired,
            [(at(139), id(3)), (at(140), id(1)), (at(140), id(4)), (at(141), id(2))]
        );
        assert_eq!((registry.used(), registry.last_heard()), (0, Some(at(51))));
    }

    #[test]
    fn addresses_of_both_families_are_restored_with_their_links() {
        let mut storage = Storage::<4>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        let sockets = ["[fe80::7]:22", "198.18.0.7:22", "[2001:db8::7]:22"];
        let sightings = (1..).zip(sockets).map(|(number, socket)| {
            let socket = socket.parse().unwrap();
            let heard = at(90 + u64::from(number));
            let address = Address { socket, link: LinkId(number), heard };
            Sighting { address, spoken: 7, times: 2, is_rival: number == 2 }
        });
        let saved = Saved { sightings: sightings.collect(), preferred: 2, ..node(1, 1, 6, 10, 93) };
        assert!(registry.restore(at(100), &saved));
        let entry = registry.get(at(100), "node-1").unwrap();
        // A link-local address says on which link it counts.
        let shown: std::vec::Vec<_> =
            entry.addresses().map(|address| address.socket.to_string()).collect();
        assert_eq!(shown, ["[2001:db8::7]:22", "198.18.0.7:22", "[fe80::7%1]:22"]);
        assert_eq!((entry.link(), entry.is_contested()), (LinkId(3), true));
        let again = entry.sightings().zip(&saved.sightings);
        assert!(again.skip(1).all(|(again, saved)| again == *saved));
        // It is heard at each of them again, and has no further one.
        for (number, socket) in (1..).zip(sockets) {
            let (id, socket) = (id(1), socket.parse().unwrap());
            let address = Address { socket, link: LinkId(number), heard: at(101) };
            let claim = Claim { name: Name::New(&id), claimant: socket.ip(), address };
            registry.hear(&claim, &Links::new()).unwrap();
        }
        assert_eq!(registry.get(at(101), "node-1").unwrap().addresses().count(), 3);
    }

    #[test]
    fn a_source_gets_back_its_share_and_no_more() {
        let mut storage = Storage::<64>::new();
        let mut registry = Registry::new(&mut storage, KEY, LEASE);
        for number in 0..64 {
            assert!(registry.restore(at(100), &node(number, 1, 3, 10, 99)));
        }
        let ranks = Place::all_after(None, 64).map(|place| registry.places.rank(place));
        assert_eq!(ranks.filter(|rank| *rank == Rank::Established).count(), 8);
    }

    #[test]
    fn a_remembered_node_stays_remembered_for_at_most_a_day() {
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
                assert_eq!(change == Change::Contested, is_remembered, "{change:?}");
            }
        }
    }
}
