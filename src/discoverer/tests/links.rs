//! The datagrams on each link.

use super::*;
use crate::limits::LINKS;

#[test]
fn without_a_link_nothing_is_due() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.link_down(ETH0);
    assert_eq!(discoverer.poll_at(), None);
    discoverer.handle_timeout(at(100_000));
    assert_eq!(transmits(&mut discoverer), []);
    discoverer.link_up(at(200_000), shared(ETH0, &[network("198.18.0.1/24")])).unwrap();
    assert_eq!(transmits(&mut discoverer).len(), 1);
    assert!(discoverer.poll_at() > Some(at(220_000)));
}

#[test]
fn more_links_than_there_is_room_for_are_refused() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let ours = [network("198.18.0.1/24")];
    for number in 1..LINKS {
        let link = LinkId(100 + u32::try_from(number).unwrap());
        discoverer.link_up(at(0), shared(link, &ours)).unwrap();
    }
    assert_eq!(discoverer.link_up(at(0), shared(LinkId(999), &ours)), Err(TooManyLinks));
    // A link that is up already only changes its addresses.
    assert_eq!(discoverer.link_up(at(0), shared(ETH0, &ours)), Ok(()));
}

/// All that is sent: by which link, and to which address, the nodes left out.
fn recipients(discoverer: &mut Discoverer<'_>) -> Vec<(LinkId, Ipv4Addr)> {
    transmits(discoverer).into_iter().map(|(link, to, _)| (link, to)).collect()
}

#[test]
fn each_network_of_a_link_has_a_datagram_of_its_own() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    // Two addresses in one network are one network. A host of a point-to-point link is reached by
    // the first.
    let networks = ["198.18.0.1/24", "198.18.0.2/24", "10.0.0.1/8", "192.168.7.9/31"].map(network);
    let before = discoverer.stats().sent.get();
    discoverer.link_up(at(1000), shared(ETH0, &networks)).unwrap();
    let everyone = [(ETH0, Ipv4Addr::BROADCAST), (ETH0, Ipv4Addr::new(10, 255, 255, 255))];
    assert_eq!(recipients(&mut discoverer), everyone);
    // Each is counted.
    assert_eq!(discoverer.stats().sent.get(), before + 2);
    // All nodes, one after the other.
    discoverer.announce(at(2000), node("tv", 80)).unwrap();
    let told: Vec<_> = transmits(&mut discoverer).into_iter().map(|(_, to, id)| (to, id)).collect();
    let expected = ["nas", "tv"].map(|id| everyone.map(|(_, to)| (to, id.to_owned())));
    assert_eq!(told, expected.concat());
    assert_eq!(discoverer.stats().sent.get(), before + 6);
    // A single newcomer gets an answer of its own in either network.
    let newcomer = Ipv4Addr::new(10, 0, 0, 7);
    hear(&mut discoverer, at(3000), newcomer, "pi");
    discoverer.handle_timeout(at(3000) + ANSWER_DELAY);
    assert_eq!(recipients(&mut discoverer), [(ETH0, newcomer); 2]);
    assert_eq!(discoverer.stats().answers.get(), 1);
}

#[test]
fn a_link_without_an_address_uses_the_limited_broadcast() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.link_up(at(1000), shared(ETH1, &[])).unwrap();
    assert_eq!(recipients(&mut discoverer), [(ETH1, Ipv4Addr::BROADCAST)]);
}

#[test]
fn on_loopback_a_datagram_to_its_broadcast_address_reaches_all() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let lo = LinkId(1);
    discoverer
        .link_up(at(1000), Link::new(lo, Medium::Loopback, &[network("127.0.0.1/8")]))
        .unwrap();
    let everyone = Ipv4Addr::new(127, 255, 255, 255);
    assert_eq!(recipients(&mut discoverer), [(lo, everyone)]);
    // Another process there is answered so that all processes hear it.
    discoverer
        .handle_datagram(at(2000), &received(lo, Ipv4Addr::LOCALHOST), &datagram("web"))
        .unwrap();
    events(&mut discoverer);
    discoverer.handle_timeout(at(2000) + ANSWER_DELAY);
    assert_eq!(recipients(&mut discoverer), [(lo, everyone)]);
}
