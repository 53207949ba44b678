//! What is kept of one node, and which of its addresses is preferred.
//!
//! A node is looked up at the address where it appeared last, so a node that moves is found at
//! once. If the address before speaks again, the node did not move: it has two network cards, or
//! somebody claims its name. Then it is *contested*. From then on the oldest address that speaks is
//! preferred. No other takes its place before it has been silent for half a lease, however often
//! others speak.
//!
//! Some addresses are remembered after they have fallen silent for a lease:
//!
//! - A *rival* is remembered for an hour, and the contest with it. A claim that pauses and comes
//!   again is not believed a second time.
//! - An *established* address, where the node spoke three times over half a lease or more, is
//!   remembered for a day. When the owner of a name returns there after a reboot, it outranks an
//!   address that appeared meanwhile.

use core::net::SocketAddrV4;

use heapless::Vec;

use super::Saved;
use super::address::{Address, Sighting};
use crate::limits::ADDRESSES_PER_NODE;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// How long an established address is remembered after it was last heard.
const MEMORY: Duration = Duration::from_secs(24 * 3600);

/// How long a contest is remembered after the rival was last heard.
const CONTEST: Duration = Duration::from_secs(3600);

/// Addresses besides the preferred one.
const OTHERS: usize = ADDRESSES_PER_NODE - 1;

/// A node as the registry keeps it. To be read through [`Entry`](super::Entry), which knows what
/// time it is.
#[repr(C)]
pub(super) struct Node {
    id: NodeId,
    /// Which of its addresses is looked up, by its position.
    preferred: u8,
    /// How often it was heard since it is known; 0 if it is not known.
    heard: u32,
    /// When it was first heard since it is known.
    first_heard: Instant,
    /// Its addresses, in the order in which they appeared.
    sightings: Vec<Sighting, ADDRESSES_PER_NODE, u8>,
}

/// What it means that a known node was heard at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing new. It had been silent there for so long.
    Again(Duration),
    /// From now on it is looked up there.
    Moved,
    /// Two of its addresses speak: the preferred one and this.
    Contested(SocketAddrV4),
}

impl Node {
    /// A node that is not known.
    pub(super) fn absent(id: NodeId) -> Self {
        Self { id, preferred: 0, heard: 0, first_heard: Instant::ZERO, sightings: Vec::new() }
    }

    /// As it was when it was saved. None if no address was.
    pub(super) fn restored(saved: &Saved) -> Option<Self> {
        let last = saved.sightings.len().checked_sub(1)?;
        Some(Self {
            id: saved.id.clone(),
            preferred: u8::try_from(saved.preferred.min(last)).ok()?,
            heard: saved.heard,
            first_heard: saved.first_heard,
            sightings: saved.sightings.clone(),
        })
    }

    pub(super) fn id(&self) -> &NodeId {
        &self.id
    }

    /// Where it is looked up.
    pub(super) fn preferred(&self) -> Address {
        self.sightings.get(usize::from(self.preferred)).unwrap_or(&Sighting::NONE).address()
    }

    /// Those of its addresses that are live: the preferred one, then the others, the one heard last
    /// first.
    pub(super) fn addresses(&self, now: Instant, lease: Duration) -> impl Iterator<Item = Address> {
        let sightings = self.sightings.iter().enumerate();
        // Of those that were heard at the same time, the one that appeared last is first.
        let rank = |(position, sighting): (usize, &Sighting)| {
            (position == usize::from(self.preferred), sighting.heard, position)
        };
        let mut last = None;
        core::iter::from_fn(move || {
            let rest = sightings
                .clone()
                .filter(|other| last.is_none_or(|last| rank(*other).cmp(&last).is_lt()));
            let next = rest.max_by_key(|other| rank(*other))?;
            last = Some(rank(next));
            Some(next.1.address())
        })
        .filter(move |address| address.heard + lease > now)
    }

    /// All of its addresses, live or remembered, in the order in which they appeared.
    pub(super) fn sightings(&self) -> &[Sighting] {
        &self.sightings
    }

    /// Which of them is preferred, by its position.
    pub(super) fn preferred_position(&self) -> usize {
        self.preferred.into()
    }

    pub(super) fn first_heard(&self) -> Instant {
        self.first_heard
    }

    pub(super) fn heard(&self) -> u32 {
        self.heard
    }

    /// Whether another address speaks beside the preferred one.
    pub(super) fn is_contested(&self, now: Instant, lease: Duration) -> bool {
        self.sightings.iter().any(|sighting| sighting.is_rival && sighting.heard + lease > now)
    }

    /// Whether it is contested, or was within the last hour.
    fn is_wary(&self) -> bool {
        self.sightings.iter().any(|sighting| sighting.is_rival)
    }

    pub(super) fn last_heard(&self) -> Instant {
        self.sightings.iter().map(|sighting| sighting.heard).max().unwrap_or(Instant::ZERO)
    }

    pub(super) fn is_known(&self) -> bool {
        self.heard > 0
    }

    /// Whether it was heard often and long enough, when it was heard then, that no newcomer
    /// displaces it. Once it is, it remains so.
    pub(super) fn is_established(&self, last_heard: Instant, lease: Duration) -> bool {
        self.heard >= 3 && last_heard.since(self.first_heard).times(2) >= lease
    }

    /// It comes back, or is heard for the first time.
    pub(super) fn arrive(&mut self, address: Address, lease: Duration) {
        self.remember(address.heard, lease);
        (self.heard, self.first_heard) = (1, address.heard);
        let known = self.position(address);
        if let Some(sighting) = known.and_then(|position| self.sightings.get_mut(position)) {
            sighting.renew(address, lease);
        }
        let position = known.unwrap_or_else(|| self.appear(address, lease));
        self.prefer(position);
    }

    /// It is no longer known. True if there is something to remember of it.
    pub(super) fn depart(&mut self, now: Instant, lease: Duration) -> bool {
        self.heard = 0;
        self.remember(now, lease);
        !self.sightings.is_empty()
    }

    /// Whether nothing of it is known or remembered but its name.
    pub(super) fn is_vacant(&self) -> bool {
        !self.is_known() && self.sightings.is_empty()
    }

    /// It is neither known nor remembered.
    pub(super) fn clear(&mut self) {
        self.heard = 0;
        self.sightings.clear();
    }

    /// Keeps the addresses that outlive an absence: the established ones, for a day.
    fn remember(&mut self, now: Instant, lease: Duration) {
        self.sightings.retain_mut(|sighting| {
            sighting.is_rival = false;
            sighting.is_established(lease) && sighting.heard + MEMORY > now
        });
        self.preferred = 0;
    }

    /// Takes note that it was heard at `address`.
    pub(super) fn hear(&mut self, address: Address, lease: Duration) -> Heard {
        let now = address.heard;
        self.heard = self.heard.saturating_add(1);
        // Nearly every node has one address.
        if let [only] = &mut *self.sightings
            && only.socket == address.socket
        {
            let silent = now.since(only.heard);
            only.renew(address, lease);
            return Heard::Again(silent);
        }
        self.forget_expired(now, lease);
        let was_contested = self.is_contested(now, lease);
        // Its preferred address has missed an announcement.
        let is_vacant = now.since(self.preferred().heard).times(2) > lease;
        let known = self.position(address);
        let takes_over = match known {
            _ if is_vacant => true,
            Some(position) => position < self.preferred_position(),
            None => !self.is_wary() && self.live_others(now, lease) < OTHERS,
        };
        let position = known.unwrap_or_else(|| self.appear(address, lease));
        let preferred = self.preferred_position();
        let mut silent = Duration::ZERO;
        if let Some(sighting) = self.sightings.get_mut(position) {
            silent = now.since(sighting.heard);
            if known.is_some() {
                sighting.renew(address, lease);
            }
        }
        if position == preferred {
            return Heard::Again(silent);
        }
        if takes_over {
            self.prefer(position);
        }
        if is_vacant || takes_over && known.is_none() {
            self.end_contest();
            return Heard::Moved;
        }
        let rival = if takes_over { preferred } else { position };
        let rival = self.sightings.get_mut(rival).map(|sighting| {
            sighting.is_rival = true;
            sighting.socket
        });
        match rival {
            Some(rival) if !was_contested => Heard::Contested(rival),
            _ if takes_over => Heard::Moved,
            _ => Heard::Again(silent),
        }
    }

    fn position(&self, address: Address) -> Option<usize> {
        self.sightings.iter().position(|sighting| sighting.socket == address.socket)
    }

    fn prefer(&mut self, position: usize) {
        self.preferred = u8::try_from(position).unwrap_or(0);
    }

    fn end_contest(&mut self) {
        for sighting in &mut self.sightings {
            sighting.is_rival = false;
        }
    }

    /// How many addresses speak besides the preferred one.
    fn live_others(&self, now: Instant, lease: Duration) -> usize {
        let others = self.others().filter(|(_, other)| other.heard + lease > now);
        others.count()
    }

    fn others(&self) -> impl DoubleEndedIterator<Item = (usize, &Sighting)> {
        let preferred = self.preferred_position();
        self.sightings.iter().enumerate().filter(move |(position, _)| *position != preferred)
    }

    /// Adds an address that it did not have, at that position. If there is no room, the youngest
    /// goes that is not established: those that claim a name in vain push out each other, and not
    /// its owner.
    fn appear(&mut self, address: Address, lease: Duration) -> usize {
        if self.sightings.is_full() {
            let youngest = self.others().rev().find(|(_, other)| !other.is_established(lease));
            let gone = youngest.or(self.others().next_back()).map(|(position, _)| position);
            gone.inspect(|gone| self.forget(*gone));
        }
        // Infallible: there is room now.
        let _ = self.sightings.push(Sighting::first(address));
        self.sightings.len() - 1
    }

    /// Drops an address that is not preferred.
    fn forget(&mut self, position: usize) {
        self.sightings.remove(position);
        self.preferred -= u8::from(position < self.preferred_position());
    }

    /// Drops each address but the preferred one whose time is over.
    fn forget_expired(&mut self, now: Instant, lease: Duration) {
        for position in (0..self.sightings.len()).rev() {
            if position == self.preferred_position() {
                continue;
            }
            let Some(other) = self.sightings.get_mut(position) else { continue };
            other.is_rival &= other.heard + CONTEST > now;
            let kept = if other.is_established(lease) {
                MEMORY
            } else if other.is_rival {
                CONTEST
            } else {
                lease
            };
            if other.heard + kept <= now {
                self.forget(position);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::super::{Entry, LinkId, Place};
    use super::*;

    const LEASE: Duration = Duration::from_secs(90);

    fn address(host: u32, secs: u64) -> Address {
        let ip = Ipv4Addr::from_bits(0xc000_0200 + host);
        let heard = Instant::from_millis(secs * 1000);
        Address { socket: SocketAddrV4::new(ip, 22), link: LinkId(1), heard }
    }

    /// A node that was heard for the first time.
    fn found(host: u32, secs: u64) -> Node {
        let mut node = Node::absent(NodeId::try_from("nas").unwrap());
        node.arrive(address(host, secs), LEASE);
        node
    }

    /// A node that was heard at host 1 for a while, last at second 60.
    fn settled() -> Node {
        let mut node = found(1, 0);
        for secs in [30, 60] {
            assert_eq!(hear(&mut node, 1, secs), Heard::Again(Duration::from_secs(30)));
        }
        node
    }

    fn hear(node: &mut Node, host: u32, secs: u64) -> Heard {
        node.hear(address(host, secs), LEASE)
    }

    /// The host that a lookup names, and all in the order in which they are told.
    fn hosts(node: &Node, secs: u64) -> std::vec::Vec<u32> {
        let now = Instant::from_millis(secs * 1000);
        let entry = Entry::new(node, Place::from_index(0).unwrap(), now, LEASE);
        let hosts: std::vec::Vec<_> =
            entry.addresses().map(|address| address.socket.ip().to_bits() - 0xc000_0200).collect();
        assert_eq!(entry.address().ip().to_bits() - 0xc000_0200, hosts[0]);
        assert!(!entry.is_contested() || hosts.len() > 1);
        hosts
    }

    fn contests(node: &Node, secs: u64) -> bool {
        node.is_contested(Instant::from_millis(secs * 1000), LEASE)
    }

    fn contested(host: u32) -> Heard {
        Heard::Contested(address(host, 0).socket)
    }

    #[test]
    fn who_moves_is_found_at_the_new_address_at_once() {
        let mut node = settled();
        // The old address spoke a moment ago.
        assert_eq!(hear(&mut node, 2, 61), Heard::Moved);
        assert_eq!(hosts(&node, 61), [2, 1]);
        for secs in [91, 121, 149] {
            assert!(matches!(hear(&mut node, 2, secs), Heard::Again(_)));
        }
        assert_eq!((hosts(&node, 149), contests(&node, 149)), (vec![2, 1], false));
        // The old one is silent and forgotten.
        assert_eq!(hosts(&node, 150), [2]);
        assert_eq!(hear(&mut node, 3, 151), Heard::Moved);
        assert_eq!(hosts(&node, 151), [3, 2]);
    }

    #[test]
    fn two_cards_are_contested_once_and_the_first_answer_stays() {
        let mut node = found(1, 0);
        assert_eq!(hear(&mut node, 2, 0), Heard::Moved);
        // In the next round it is seen that it did not move, whichever card comes first.
        assert_eq!(hear(&mut node, 2, 30), Heard::Again(Duration::from_secs(30)));
        assert_eq!(hear(&mut node, 1, 30), contested(2));
        for round in 2..100 {
            let secs = 30 * round;
            for host in if round % 3 == 0 { [1, 2] } else { [2, 1] } {
                assert!(matches!(hear(&mut node, host, secs), Heard::Again(_)));
                assert_eq!(hosts(&node, secs), [1, 2]);
            }
        }
        assert_eq!(node.last_heard(), address(1, 2970).heard);
    }

    #[test]
    fn a_claim_is_believed_until_the_owner_speaks_and_then_no_more() {
        let mut node = settled();
        assert_eq!(hear(&mut node, 66, 61), Heard::Moved);
        assert_eq!(hear(&mut node, 66, 62), Heard::Again(Duration::from_secs(1)));
        assert_eq!(hear(&mut node, 1, 90), contested(66));
        assert_eq!(hosts(&node, 90), [1, 66]);
        // Whatever the other says from here on, and from wherever.
        for secs in 91..1000 {
            assert!(matches!(
                hear(&mut node, u32::try_from(100 + secs).unwrap(), secs),
                Heard::Again(_)
            ));
            assert!(matches!(hear(&mut node, 66, secs), Heard::Again(_)));
            if secs % 30 == 0 {
                assert!(matches!(hear(&mut node, 1, secs), Heard::Again(_)));
            }
            assert_eq!(hosts(&node, secs)[0], 1);
        }
    }

    #[test]
    fn who_claims_from_everywhere_moves_it_no_more_than_it_has_room_for() {
        let mut node = settled();
        let moves = (100..1100).filter(|host| hear(&mut node, *host, 61) == Heard::Moved).count();
        assert_eq!(moves, OTHERS);
        assert!(contests(&node, 61));
        // Its own address was not lost.
        assert_eq!(hear(&mut node, 1, 90), Heard::Moved);
        assert_eq!(hosts(&node, 90)[0], 1);
    }

    #[test]
    fn an_address_that_falls_silent_gives_way_to_one_that_speaks() {
        let mut node = settled();
        hear(&mut node, 2, 61);
        assert_eq!(hear(&mut node, 1, 90), contested(2));
        // The first card is unplugged. One announcement may be lost.
        assert!(matches!(hear(&mut node, 2, 121), Heard::Again(_)));
        assert_eq!(hosts(&node, 121), [1, 2]);
        assert_eq!(hear(&mut node, 2, 151), Heard::Moved);
        assert_eq!((hosts(&node, 151), contests(&node, 151)), (vec![2, 1], false));
        // It comes back, and is the older one.
        assert_eq!(hear(&mut node, 1, 160), contested(2));
        assert_eq!(hosts(&node, 160), [1, 2]);
        // A contested node whose preferred address is silent is also found where it never was.
        assert_eq!(hear(&mut node, 3, 206), Heard::Moved);
        assert_eq!(hosts(&node, 206)[0], 3);
    }

    #[test]
    fn when_only_one_address_has_spoken_for_a_lease_nothing_is_contested() {
        let mut node = settled();
        hear(&mut node, 2, 61);
        assert_eq!(hear(&mut node, 1, 90), contested(2));
        for secs in [120, 150] {
            hear(&mut node, 1, secs);
        }
        assert_eq!((hosts(&node, 150), hosts(&node, 151)), (vec![1, 2], vec![1]));
        hear(&mut node, 1, 180);
        assert!(!contests(&node, 180));
    }

    #[test]
    fn a_claim_that_pauses_and_comes_again_is_not_believed_for_an_hour() {
        for (claimant, secs, is_believed) in [
            (66, 200, false),
            (67, 200, false),
            (66, 3600, false),
            (66, 3670, true),
            (67, 3670, true),
        ] {
            let mut node = settled();
            assert_eq!(hear(&mut node, 66, 61), Heard::Moved);
            for round in (90..secs).step_by(30) {
                hear(&mut node, 1, round);
            }
            assert_eq!((hosts(&node, secs), contests(&node, secs)), (vec![1], false));
            let expected = if is_believed { Heard::Moved } else { contested(claimant) };
            assert_eq!(hear(&mut node, claimant, secs), expected, "{claimant} at {secs} s");
            assert_eq!(hosts(&node, secs)[0], if is_believed { claimant } else { 1 });
            // A claim that was not believed is told once, and the node is looked up where it was.
            if !is_believed {
                assert!(matches!(hear(&mut node, claimant, secs + 1), Heard::Again(_)));
                assert_eq!(hosts(&node, secs + 1), [1, claimant]);
            }
        }
    }

    #[test]
    fn an_owner_that_returns_within_a_day_outranks_an_address_that_appeared_meanwhile() {
        let day = 24 * 3600;
        for (pause, is_owner) in [(91, true), (3600, true), (day - 1, true), (day, false)] {
            let mut node = settled();
            let back = 60 + pause;
            // The claimant speaks all the while, and is established, too.
            for secs in (61..back).step_by(30) {
                hear(&mut node, 66, secs);
            }
            assert_eq!(hosts(&node, back)[0], 66);
            let expected = if is_owner { contested(66) } else { Heard::Moved };
            assert_eq!(hear(&mut node, 1, back), expected, "after {pause} s");
            for secs in [1, 20, 30] {
                let host = if secs == 20 { 66 } else { 1 };
                hear(&mut node, host, back + secs);
                assert_eq!(
                    hosts(&node, back + secs)[0] == 1,
                    is_owner || secs == 1,
                    "after {pause} s"
                );
            }
        }
    }

    #[test]
    fn an_owner_is_remembered_whatever_claims_its_name_meanwhile() {
        let mut node = settled();
        // Each of many claimants stays for long enough to be established.
        for (host, secs) in (100..120)
            .flat_map(|host| [0, 1, 2].map(|round| (host, 61 + 120 * (host - 100) + 30 * round)))
        {
            hear(&mut node, host, secs.into());
        }
        assert_ne!(hosts(&node, 2440)[0], 1);
        hear(&mut node, 1, 2440);
        assert_eq!(hosts(&node, 2440)[0], 1);
    }

    #[test]
    fn a_machine_that_roams_is_found_at_each_new_address_at_once() {
        let mut node = settled();
        for move_number in 0..20 {
            let (host, secs) = (100 + move_number, 90 + 120 * u64::from(move_number));
            for round in [0, 30, 60] {
                hear(&mut node, host, secs + round);
                assert_eq!(hosts(&node, secs + round)[0], host);
            }
        }
    }

    #[test]
    fn a_node_that_was_lost_is_known_by_its_established_addresses_alone() {
        let mut node = settled();
        hear(&mut node, 66, 100);
        assert!(node.depart(Instant::from_millis(200_000), LEASE));
        assert_eq!(
            node.sightings().iter().map(|sighting| sighting.socket).collect::<std::vec::Vec<_>>(),
            [address(1, 0).socket]
        );
        let mut fleeting = found(1, 0);
        hear(&mut fleeting, 1, 30);
        assert!(!fleeting.depart(Instant::from_millis(200_000), LEASE));
    }

    #[test]
    fn an_older_address_takes_over_from_a_younger_one() {
        let mut node = settled();
        assert_eq!((hear(&mut node, 2, 61), hear(&mut node, 3, 62)), (Heard::Moved, Heard::Moved));
        assert_eq!(hosts(&node, 62), [3, 2, 1]);
        assert_eq!(hear(&mut node, 2, 63), contested(3));
        assert_eq!(hosts(&node, 63), [2, 3, 1]);
        assert_eq!(hear(&mut node, 1, 90), Heard::Moved);
        assert_eq!(hosts(&node, 90), [1, 2, 3]);
        assert!(matches!(hear(&mut node, 3, 92), Heard::Again(_)));
        assert_eq!(hosts(&node, 92), [1, 3, 2]);
    }
}
