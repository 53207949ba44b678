//! What is kept of one node, and which of its addresses is preferred.
//!
//! A node is looked up where it appeared last: who moves is found at once. Whether it moved shows when the address before falls silent. If that
//! speaks again instead, the node has two network cards, or somebody claims its name: it is *contested*. From then on the oldest address
//! that speaks is preferred, and no other takes its place before it has been silent for half a lease, however often others speak.
//! Told is that once, not with each datagram.

use core::net::{Ipv4Addr, SocketAddrV4};

use heapless::Vec;

use super::Saved;
use crate::limits::ADDRESSES_PER_NODE;
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

/// Names an interface. The number means nothing to the core; the host uses the kernel's interface index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct LinkId(pub u32);

impl LinkId {
    /// No interface: where a node was heard before the machine booted is not known.
    pub const NONE: Self = Self(u32::MAX);
}

/// Where a node was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Address {
    /// The node's IP address and the TCP port it announced.
    pub socket: SocketAddrV4,
    /// The interface it was last heard on.
    pub link: LinkId,
    /// When it was last heard there.
    pub heard: Instant,
}

/// A node as the registry keeps it. To be read through [`Entry`](super::Entry), which knows what time it is.
///
/// On cache lines of its own, since in a large registry each line is a wait for memory.
#[repr(C, align(64))]
pub(super) struct Node {
    /// Where it is looked up.
    preferred: Address,
    /// When it was first heard since it is known.
    first_heard: Instant,
    /// How often it was heard; 0 if it is not known.
    heard: u32,
    /// Where it came from when it became known.
    source: Ipv4Addr,
    id: NodeId,
    /// How many of the other addresses are older than the preferred one.
    older: u8,
    /// Whether several of its addresses speak.
    is_contested: bool,
    /// Whether its place is kept for it.
    is_expected: bool,
    /// Its other addresses, in the order in which they appeared.
    others: Vec<Address, OTHERS, u8>,
}

/// Addresses besides the preferred one.
const OTHERS: usize = ADDRESSES_PER_NODE - 1;

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
    pub(super) fn new(id: NodeId, address: Address) -> Self {
        Self {
            preferred: address,
            first_heard: address.heard,
            heard: 1,
            source: *address.socket.ip(),
            id,
            older: 0,
            is_contested: false,
            is_expected: false,
            others: Vec::new(),
        }
    }

    /// A place that is kept for a node that is not known yet.
    pub(super) fn expected(id: NodeId) -> Self {
        let nowhere = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let address = Address { socket: nowhere, link: LinkId::NONE, heard: Instant::ZERO };
        Self { heard: 0, is_expected: true, ..Self::new(id, address) }
    }

    /// As it was when it was saved. None if no address was.
    pub(super) fn restored(saved: &Saved) -> Option<Self> {
        let preferred = saved.preferred.min(saved.addresses.len().checked_sub(1)?);
        let mut node = Self::new(saved.id.clone(), *saved.addresses.get(preferred)?);
        let others = saved.addresses.iter().enumerate().filter(|(position, _)| *position != preferred);
        for (_, address) in others {
            // Infallible: at most one address more has been saved than there is room for others.
            let _ = node.others.push(*address);
        }
        node.older = u8::try_from(preferred).ok()?;
        node.is_contested = saved.is_contested;
        Some(Self { first_heard: saved.first_heard, heard: saved.heard.get(), source: saved.source, ..node })
    }

    pub(super) fn id(&self) -> &NodeId {
        &self.id
    }

    pub(super) fn preferred(&self) -> Address {
        self.preferred
    }

    /// Those that are live: the preferred one, then the others, the one heard last first.
    pub(super) fn addresses(&self, now: Instant, lease: Duration) -> impl Iterator<Item = &Address> {
        let others = self.others.iter().enumerate();
        // Of those that were heard at the same time, the one that appeared last is first.
        let mut last = None;
        let freshest_first = core::iter::from_fn(move || {
            let rest = others.clone().map(|(position, other)| (other.heard, position, other));
            let rest = rest.filter(|(heard, position, _)| last.is_none_or(|last| (*heard, *position) < last));
            let (heard, position, other) = rest.max_by_key(|(heard, position, _)| (*heard, *position))?;
            last = Some((heard, position));
            Some(other)
        });
        let addresses = core::iter::once(&self.preferred).chain(freshest_first);
        addresses.filter(move |address| address.heard + lease > now)
    }

    /// All of them, live or not, in the order in which they appeared, and which of them is preferred.
    pub(super) fn history(&self) -> (impl Iterator<Item = &Address>, usize) {
        let preferred = usize::from(self.older);
        let (older, younger) = self.others.split_at_checked(preferred).unwrap_or((&self.others, &[]));
        (older.iter().chain([&self.preferred]).chain(younger), preferred)
    }

    pub(super) fn first_heard(&self) -> Instant {
        self.first_heard
    }

    pub(super) fn heard(&self) -> u32 {
        self.heard
    }

    pub(super) fn is_contested(&self) -> bool {
        self.is_contested
    }

    pub(super) fn last_heard(&self) -> Instant {
        self.others.iter().fold(self.preferred.heard, |last, other| last.max(other.heard))
    }

    /// The address that it came from when it became known.
    pub(super) fn source(&self) -> Ipv4Addr {
        self.source
    }

    /// The source whose share it counts for, if it does.
    pub(super) fn in_share_of(&self) -> Option<Ipv4Addr> {
        (!self.is_expected).then_some(self.source)
    }

    pub(super) fn is_known(&self) -> bool {
        self.heard > 0
    }

    pub(super) fn is_expected(&self) -> bool {
        self.is_expected
    }

    /// Whether it stays whoever comes: it is expected, or was heard often and long enough. Once it is, it remains so.
    pub(super) fn is_established(&self, lease: Duration) -> bool {
        self.is_expected || self.heard >= 3 && self.last_heard().since(self.first_heard).times(2) >= lease
    }

    /// Its place is kept for it from now on.
    pub(super) fn expect(&mut self) {
        self.is_expected = true;
    }

    /// It comes back after it was forgotten: nothing of before holds but that it is expected.
    pub(super) fn renew(&mut self, node: Self) {
        *self = Self { is_expected: self.is_expected, ..node };
    }

    /// Takes note that it was heard at `address`.
    pub(super) fn hear(&mut self, address: Address, lease: Duration) -> Heard {
        self.heard = self.heard.saturating_add(1);
        self.forget_expired(address.heard, lease);
        let silent = address.heard.since(self.preferred.heard);
        if self.preferred.socket == address.socket {
            self.preferred = address;
            return Heard::Again(silent);
        }
        // Its preferred address has missed an announcement.
        let is_vacant = silent.times(2) > lease;
        match self.others.iter().position(|other| other.socket == address.socket) {
            Some(position) => self.hear_other(position, address, is_vacant),
            None => self.hear_new(address, is_vacant),
        }
    }

    /// It was heard at an address that it is known to have, but that is not preferred.
    fn hear_other(&mut self, position: usize, address: Address, is_vacant: bool) -> Heard {
        let was_heard = self.others.get(position).map_or(address.heard, |other| other.heard);
        let is_older = position < usize::from(self.older);
        if is_vacant || is_older {
            self.forget(position);
            self.prefer(address, position + usize::from(!is_older));
        } else if let Some(other) = self.others.get_mut(position) {
            *other = address;
        }
        if is_vacant || is_older && self.is_contested {
            self.is_contested &= !is_vacant;
            return Heard::Moved;
        }
        self.contest(address, was_heard)
    }

    /// It was heard at an address that it is not known to have.
    fn hear_new(&mut self, address: Address, is_vacant: bool) -> Heard {
        if !is_vacant && (self.is_contested || self.others.is_full()) {
            if self.others.is_full() {
                self.forget(OTHERS - 1);
            }
            // Infallible: there is room now.
            let _ = self.others.push(address);
            return self.contest(address, address.heard);
        }
        if self.others.is_full() {
            self.forget(0);
        }
        self.is_contested = false;
        let youngest = self.others.len() + 1;
        self.prefer(address, youngest);
        Heard::Moved
    }

    /// Two of its addresses speak, as was known before or not.
    fn contest(&mut self, address: Address, was_heard: Instant) -> Heard {
        if core::mem::replace(&mut self.is_contested, true) {
            return Heard::Again(address.heard.since(was_heard));
        }
        let rival = self.others.iter().max_by_key(|other| other.heard);
        Heard::Contested(rival.map_or(address.socket, |rival| rival.socket))
    }

    /// Prefers an address that is not among the others. So many of all others, with the one that was preferred, are older.
    fn prefer(&mut self, address: Address, older: usize) {
        let last = core::mem::replace(&mut self.preferred, address);
        let position = usize::from(self.older).min(self.others.len());
        // Infallible: there is room, since one was taken out or they are not full.
        let _ = self.others.insert(position, last);
        self.older = u8::try_from(older.min(self.others.len())).unwrap_or(u8::MAX);
    }

    /// Drops the other address at that position.
    fn forget(&mut self, position: usize) {
        if position < self.others.len() {
            self.others.remove(position);
            self.older -= u8::from(position < usize::from(self.older));
        }
    }

    fn forget_expired(&mut self, now: Instant, lease: Duration) {
        for position in (0..self.others.len()).rev() {
            if self.others.get(position).is_some_and(|other| other.heard + lease <= now) {
                self.forget(position);
            }
        }
        self.is_contested &= !self.others.is_empty();
    }

    /// It is not known any more.
    pub(super) fn clear(&mut self) {
        self.heard = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, Place};
    use super::*;

    const LEASE: Duration = Duration::from_secs(90);

    fn address(host: u32, secs: u64) -> Address {
        let ip = Ipv4Addr::from_bits(0xc000_0200 + host);
        let heard = Instant::from_millis(secs * 1000);
        Address { socket: SocketAddrV4::new(ip, 22), link: LinkId(1), heard }
    }

    /// A node that was heard at host 1 for a while, last at second 60.
    fn settled() -> Node {
        let mut node = Node::new(NodeId::try_from("nas").unwrap(), address(1, 0));
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
        assert_eq!(entry.is_contested(), node.is_contested && hosts.len() > 1);
        hosts
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
        assert_eq!((hosts(&node, 149), node.is_contested), (vec![2, 1], false));
        // The old one is silent and forgotten.
        assert_eq!(hosts(&node, 150), [2]);
        assert_eq!(hear(&mut node, 3, 151), Heard::Moved);
        assert_eq!(hosts(&node, 151), [3, 2]);
    }

    #[test]
    fn two_cards_are_contested_once_and_the_first_answer_stays() {
        let mut node = Node::new(NodeId::try_from("nas").unwrap(), address(1, 0));
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
            assert!(matches!(hear(&mut node, u32::try_from(100 + secs).unwrap(), secs), Heard::Again(_)));
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
        assert!(node.is_contested);
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
        assert_eq!((hosts(&node, 151), node.is_contested), (vec![2, 1], false));
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
        assert!(!node.is_contested);
        assert_eq!(hear(&mut node, 3, 181), Heard::Moved);
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
