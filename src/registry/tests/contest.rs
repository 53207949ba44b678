//! Which address of a node is preferred, and which are remembered: all in one network.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::vec::Vec;

use super::{LEASE, at};
use crate::net::{Address, Link, LinkId, Links, Medium};
use crate::registry::contest::Outcome;
use crate::registry::link_slots::LinkSlots;
use crate::registry::node::{Node, OTHERS};
use crate::registry::sighting::{Heard, Stored};
use crate::registry::{Entry, Place, Registry, Storage};
use crate::time::Duration;
use crate::wire::NodeId;

/// Host 1 is 192.0.2.1.
fn address(host: u32, secs: u64) -> Address {
    let ip = Ipv4Addr::from_bits(0xc000_0200 + host);
    Address { socket: SocketAddr::new(ip.into(), 22), link: LinkId(1), heard: at(secs) }
}

fn host(address: Address) -> u32 {
    match address.ip() {
        IpAddr::V4(ip) => ip.to_bits() - 0xc000_0200,
        IpAddr::V6(ip) => panic!("{ip}"),
    }
}

fn heard(host: u32, secs: u64) -> Heard {
    Heard::new(address(host, secs), &mut LinkSlots::new())
}

/// Our link: all hosts of these tests are in its one network.
fn links() -> Links {
    let mut links = Links::new();
    let network = "192.0.2.254/16".parse().unwrap();
    links.add(Link::new(LinkId(1), Medium::Shared, &[network])).unwrap();
    links
}

/// A node that was heard for the first time.
fn found(host: u32, secs: u64) -> Node {
    let mut node = Node::absent(NodeId::try_from("nas").unwrap());
    node.arrive(&heard(host, secs), LEASE);
    node
}

/// A node that was heard at host 1 for a while, last at second 60.
fn settled() -> Node {
    let mut node = found(1, 0);
    for secs in [30, 60] {
        assert_eq!(hear(&mut node, 1, secs), Outcome::Again(Duration::from_secs(30)));
    }
    node
}

fn hear(node: &mut Node, host: u32, secs: u64) -> Outcome {
    node.hear(&heard(host, secs), LEASE, &links())
}

/// The host that a lookup names, and all in the order in which they are told.
fn hosts(node: &Node, secs: u64) -> Vec<u32> {
    let mut storage = Storage::<1>::new();
    let mut registry = Registry::new(&mut storage, [0; 16], LEASE);
    registry.touch(at(secs));
    let entry = Entry::new(node, Place::from_index(0).unwrap(), &registry, at(secs));
    let hosts: Vec<_> = entry.addresses().map(host).collect();
    assert_eq!(entry.address(), address(hosts[0], 0).socket);
    assert!(!entry.is_contested() || hosts.len() > 1);
    hosts
}

fn contests(node: &Node, secs: u64) -> bool {
    node.is_contested(at(secs), at(secs), LEASE)
}

/// A node is heard and contested by that. The host that is told as its rival.
fn rival(node: &mut Node, host_heard: u32, secs: u64) -> u32 {
    assert_eq!(hear(node, host_heard, secs), Outcome::Contested);
    host(node.rival(at(secs), &LinkSlots::new()).unwrap())
}

#[test]
fn a_node_that_moves_is_found_at_the_new_address_at_once() {
    let mut node = settled();
    // The old address spoke a moment ago.
    assert_eq!(hear(&mut node, 2, 61), Outcome::Moved);
    assert_eq!(hosts(&node, 61), [2, 1]);
    for secs in [91, 121, 149] {
        assert!(matches!(hear(&mut node, 2, secs), Outcome::Again(_)));
    }
    assert_eq!((hosts(&node, 149), contests(&node, 149)), (vec![2, 1], false));
    // The old one is silent and forgotten.
    assert_eq!(hosts(&node, 150), [2]);
    assert_eq!(hear(&mut node, 3, 151), Outcome::Moved);
    assert_eq!(hosts(&node, 151), [3, 2]);
}

#[test]
fn two_cards_are_contested_once_and_the_first_answer_stays() {
    let mut node = found(1, 0);
    assert_eq!(hear(&mut node, 2, 0), Outcome::Moved);
    // In the next round it is seen that it did not move, whichever card comes first.
    assert_eq!(hear(&mut node, 2, 30), Outcome::Again(Duration::from_secs(30)));
    assert_eq!(rival(&mut node, 1, 30), 2);
    for round in 2..100 {
        let secs = 30 * round;
        for host in if round % 3 == 0 { [1, 2] } else { [2, 1] } {
            assert!(matches!(hear(&mut node, host, secs), Outcome::Again(_)));
            assert_eq!(hosts(&node, secs), [1, 2]);
        }
    }
    assert_eq!(node.last_heard(at(2970)), at(2970));
}

#[test]
fn a_claim_is_believed_until_the_owner_speaks_and_then_no_more() {
    let mut node = settled();
    assert_eq!(hear(&mut node, 66, 61), Outcome::Moved);
    assert_eq!(hear(&mut node, 66, 62), Outcome::Again(Duration::from_secs(1)));
    assert_eq!(rival(&mut node, 1, 90), 66);
    assert_eq!(hosts(&node, 90), [1, 66]);
    // Whatever the other says from here on, and from wherever.
    for secs in 91..1000 {
        assert!(matches!(
            hear(&mut node, u32::try_from(100 + secs).unwrap(), secs),
            Outcome::Again(_)
        ));
        assert!(matches!(hear(&mut node, 66, secs), Outcome::Again(_)));
        if secs % 30 == 0 {
            assert!(matches!(hear(&mut node, 1, secs), Outcome::Again(_)));
        }
        assert_eq!(hosts(&node, secs)[0], 1);
    }
}

#[test]
fn claims_from_everywhere_move_a_node_only_among_the_addresses_it_has_room_for() {
    let mut node = settled();
    let moves = (100..1100).filter(|host| hear(&mut node, *host, 61) == Outcome::Moved).count();
    assert_eq!(moves, OTHERS);
    assert!(contests(&node, 61));
    // Its own address was not lost.
    assert_eq!(hear(&mut node, 1, 90), Outcome::Moved);
    assert_eq!(hosts(&node, 90)[0], 1);
}

#[test]
fn an_address_that_falls_silent_gives_way_to_one_that_speaks() {
    let mut node = settled();
    hear(&mut node, 2, 61);
    assert_eq!(rival(&mut node, 1, 90), 2);
    // The first card is unplugged. One announcement may be lost.
    assert!(matches!(hear(&mut node, 2, 121), Outcome::Again(_)));
    assert_eq!(hosts(&node, 121), [1, 2]);
    assert_eq!(hear(&mut node, 2, 151), Outcome::Moved);
    assert_eq!((hosts(&node, 151), contests(&node, 151)), (vec![2, 1], false));
    // It comes back, and is the older one.
    assert_eq!(rival(&mut node, 1, 160), 2);
    assert_eq!(hosts(&node, 160), [1, 2]);
    // A contested node whose preferred address is silent is also found where it never was.
    assert_eq!(hear(&mut node, 3, 206), Outcome::Moved);
    assert_eq!(hosts(&node, 206)[0], 3);
}

#[test]
fn when_only_one_address_has_spoken_for_a_lease_nothing_is_contested() {
    let mut node = settled();
    hear(&mut node, 2, 61);
    assert_eq!(rival(&mut node, 1, 90), 2);
    for secs in [120, 150] {
        hear(&mut node, 1, secs);
    }
    assert_eq!((hosts(&node, 150), hosts(&node, 151)), (vec![1, 2], vec![1]));
    hear(&mut node, 1, 180);
    assert!(!contests(&node, 180));
}

#[test]
fn a_claim_that_pauses_and_comes_again_is_not_believed_for_an_hour() {
    for (claimant, secs, is_believed) in
        [(66, 200, false), (67, 200, false), (66, 3600, false), (66, 3670, true), (67, 3670, true)]
    {
        let mut node = settled();
        assert_eq!(hear(&mut node, 66, 61), Outcome::Moved);
        for round in (90..secs).step_by(30) {
            hear(&mut node, 1, round);
        }
        assert_eq!((hosts(&node, secs), contests(&node, secs)), (vec![1], false));
        if is_believed {
            assert_eq!(hear(&mut node, claimant, secs), Outcome::Moved, "{claimant} at {secs} s");
        } else {
            assert_eq!(rival(&mut node, claimant, secs), claimant, "{claimant} at {secs} s");
        }
        assert_eq!(hosts(&node, secs)[0], if is_believed { claimant } else { 1 });
        // A claim that was not believed is told once, and the node is looked up where it was.
        if !is_believed {
            assert!(matches!(hear(&mut node, claimant, secs + 1), Outcome::Again(_)));
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
        if is_owner {
            assert_eq!(rival(&mut node, 1, back), 66, "after {pause} s");
        } else {
            assert_eq!(hear(&mut node, 1, back), Outcome::Moved, "after {pause} s");
        }
        for secs in [1, 20, 30] {
            let host = if secs == 20 { 66 } else { 1 };
            hear(&mut node, host, back + secs);
            assert_eq!(hosts(&node, back + secs)[0] == 1, is_owner || secs == 1, "after {pause} s");
        }
    }
}

#[test]
fn an_owner_is_remembered_while_others_claim_its_name() {
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
    assert!(node.depart(at(200)));
    assert!(node.sightings().iter().map(Stored::ip).eq([address(1, 0).ip()]));
    let mut fleeting = found(1, 0);
    hear(&mut fleeting, 1, 30);
    assert!(!fleeting.depart(at(200)));
}

#[test]
fn an_older_address_takes_over_from_a_younger_one() {
    let mut node = settled();
    assert_eq!((hear(&mut node, 2, 61), hear(&mut node, 3, 62)), (Outcome::Moved, Outcome::Moved));
    assert_eq!(hosts(&node, 62), [3, 2, 1]);
    assert_eq!(rival(&mut node, 2, 63), 3);
    assert_eq!(hosts(&node, 63), [2, 3, 1]);
    assert_eq!(hear(&mut node, 1, 90), Outcome::Moved);
    assert_eq!(hosts(&node, 90), [1, 2, 3]);
    assert!(matches!(hear(&mut node, 3, 92), Outcome::Again(_)));
    assert_eq!(hosts(&node, 92), [1, 3, 2]);
}
