//! Events of other nodes.

use core::net::Ipv6Addr;

use heapless::Vec;

use super::*;
use crate::net::Address;
use crate::registry::Sighting;

#[test]
fn a_node_at_a_new_address_has_moved_and_is_answered() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    hear(&mut discoverer, at(0), peer(2), "pi");
    discoverer.handle_timeout(at(200));
    transmits(&mut discoverer);
    assert_eq!(hear(&mut discoverer, at(1000), peer(3), "pi"), [(EventKind::Moved, "pi".into())]);
    assert_eq!(discoverer.lookup(at(1000), "pi").unwrap().address().ip(), peer(3));
    discoverer.handle_timeout(at(1200));
    assert_eq!(transmits(&mut discoverer), [(ETH0, peer(3), "nas".into())]);
}

#[test]
fn a_node_that_speaks_at_two_addresses_is_contested_and_not_answered_again() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    for (millis, host) in [(0, 2), (1000, 3)] {
        hear(&mut discoverer, at(millis), peer(host), "pi");
    }
    wait(&mut discoverer, at(5_000));
    discoverer.handle_datagram(at(5_000), &received(ETH0, peer(2)), &datagram("pi")).unwrap();
    let rival = SocketAddr::new(peer(3).into(), 22_000);
    let event = discoverer.poll_event().unwrap();
    assert_eq!((event.kind, event.address.ip()), (EventKind::Contested { rival }, peer(2).into()));
    assert_eq!(discoverer.poll_event(), None);
    assert_eq!(wait(&mut discoverer, at(20_000)), []);
    let entry = discoverer.lookup(at(20_000), "pi").unwrap();
    assert!(entry.is_contested() && entry.address().ip() == peer(2));
    assert_eq!(discoverer.stats().contested.get(), 1);
}

#[test]
fn an_expected_node_is_admitted_when_the_registry_is_full() {
    let mut storage = Storage::<2>::new();
    let mut discoverer = Discoverer::new(&Config::new(1, [7; 16]), &mut storage);
    discoverer.link_up(at(0), shared(ETH0, &[network("198.18.0.1/24")])).unwrap();
    discoverer.expect(&node("pi", 1).id).unwrap();
    for millis in [0, 30_000, 60_000] {
        hear(&mut discoverer, at(millis), peer(2), "other");
    }
    let full = discoverer.handle_datagram(at(60_001), &received(ETH0, peer(4)), &datagram("third"));
    assert_eq!(full, Err(Rejected::RegistryFull));
    assert_eq!(hear(&mut discoverer, at(60_002), peer(3), "pi"), [(EventKind::Found, "pi".into())]);
    discoverer.handle_timeout(at(150_002));
    assert_eq!(events(&mut discoverer).len(), 2);
    assert_eq!(
        hear(&mut discoverer, at(150_003), peer(3), "pi"),
        [(EventKind::Found, "pi".into())]
    );
}

#[test]
fn a_silent_node_is_lost_after_three_intervals() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    hear(&mut discoverer, at(500), peer(2), "pi");
    discoverer.handle_timeout(at(90_499));
    assert_eq!(events(&mut discoverer), []);
    assert_eq!(next_event(&mut discoverer), Some((at(90_500), EventKind::Lost, "pi".into())));
    assert_eq!(discoverer.poll_at(), None);
    assert_eq!(hear(&mut discoverer, at(91_000), peer(2), "pi"), [(EventKind::Found, "pi".into())]);
}

#[test]
fn the_node_that_gave_way_is_lost_before_the_newcomer_is_found() {
    let mut storage = Storage::<1>::new();
    let mut discoverer = listener(&mut storage);
    hear(&mut discoverer, at(0), peer(2), "first");
    let events = hear(&mut discoverer, at(1), peer(3), "second");
    assert_eq!(events, [(EventKind::Lost, "first".into()), (EventKind::Found, "second".into())]);
    for millis in [30_001, 60_001] {
        assert_eq!(hear(&mut discoverer, at(millis), peer(3), "second"), []);
    }
    let full = discoverer.handle_datagram(at(60_002), &received(ETH0, peer(4)), &datagram("third"));
    assert_eq!(full, Err(Rejected::RegistryFull));
    assert_eq!(rejected(&discoverer, Rejected::RegistryFull), 1);
}

#[test]
fn a_refused_newcomer_is_counted_and_causes_no_event() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    for host in 2..18 {
        hear(&mut discoverer, at(1000), peer(host), &format!("pi{host}"));
    }
    let mut refused = 0;
    for number in 0..1_000 {
        let name = datagram(&format!("forged-{number}"));
        let outcome = discoverer.handle_datagram(at(2000), &received(ETH0, peer(2)), &name);
        let told = events(&mut discoverer);
        if let Err(reason) = outcome {
            assert_eq!((reason, told), (Rejected::SourceFull, vec![]));
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
    assert_eq!(rejected(&discoverer, Rejected::SourceFull), refused);
    assert_eq!(discoverer.registry().used(), 16);
}

#[test]
fn a_restored_node_is_no_newcomer() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = Discoverer::new(&Config::new(1, [2; 16]), &mut storage);
    discoverer.announce(at(60_000), node("nas", 22)).unwrap();
    let saved = |id: &str, ip: IpAddr, port: u16| {
        let address =
            Address { socket: SocketAddr::new(ip, port), link: LinkId::NONE, heard: at(50_000) };
        let sighting = Sighting { address, spoken: 0, times: 1, is_rival: false };
        let (id, sightings) = (NodeId::try_from(id).unwrap(), Vec::from_array([sighting]));
        Saved { id, heard: 1, first_heard: at(1000), sightings, preferred: 0 }
    };
    // Our own, and those that no datagram can have told of.
    let left_out = [
        saved("nas", peer(7).into(), 22),
        saved("pi", peer(7).into(), 0),
        saved("pi", Ipv4Addr::UNSPECIFIED.into(), 22),
        saved("pi", Ipv4Addr::BROADCAST.into(), 22),
        saved("pi", Ipv4Addr::new(224, 0, 0, 1).into(), 22),
        saved("pi", Ipv6Addr::UNSPECIFIED.into(), 22),
        saved("pi", "ff02::1".parse().unwrap(), 22),
    ];
    for node in &left_out {
        assert!(!discoverer.restore(at(60_000), node), "{node:?}");
    }
    assert!(discoverer.restore(at(60_000), &saved("pi", peer(7).into(), 22000)));
    assert_eq!(discoverer.lookup(at(60_000), "pi").unwrap().known().secs(), 59);
    assert_eq!(events(&mut discoverer), []);

    discoverer.link_up(at(60_000), shared(ETH0, &[network("198.18.0.1/24")])).unwrap();
    assert_eq!(transmits(&mut discoverer).len(), 1);
    assert_eq!(hear(&mut discoverer, at(61_000), peer(7), "pi"), []);
    assert_eq!(discoverer.lookup(at(61_000), "pi").unwrap().link(), ETH0);
    // It is lost as any other.
    discoverer.link_down(ETH0);
    assert_eq!(next_event(&mut discoverer), Some((at(151_000), EventKind::Lost, "pi".into())));
}

#[test]
fn a_restored_node_may_have_addresses_of_both_families() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    let sightings = ["198.18.0.7:22000", "[2001:db8::7]:22"].map(|socket| {
        let address =
            Address { socket: socket.parse().unwrap(), link: LinkId::NONE, heard: at(50_000) };
        Sighting { address, spoken: 0, times: 1, is_rival: false }
    });
    let sightings = Vec::from_slice(&sightings).unwrap();
    let id = NodeId::try_from("pi").unwrap();
    let saved = Saved { id, heard: 2, first_heard: at(1000), sightings, preferred: 0 };
    assert!(discoverer.restore(at(60_000), &saved));
    let entry = discoverer.lookup(at(60_000), "pi").unwrap();
    let shown: std::vec::Vec<_> =
        entry.addresses().map(|address| address.socket.to_string()).collect();
    assert_eq!(shown, ["198.18.0.7:22000", "[2001:db8::7]:22"]);
    // The protocol of 2013 brings the first again, and nothing is new.
    assert_eq!(hear(&mut discoverer, at(60_000), peer(7), "pi"), []);
    assert_eq!(discoverer.lookup(at(60_000), "pi").unwrap().addresses().count(), 2);
}
