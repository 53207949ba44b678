//! What goes in and what comes out, call by call.

mod answers;
mod origin;

use core::num::NonZeroU16;

use super::*;
use crate::limits::ANNOUNCEMENT_CAPACITY;
use crate::schedule::ANSWER_DELAY;
use crate::wire::Malformed;

const ETH0: LinkId = LinkId(2);
const ETH1: LinkId = LinkId(3);
const OUR_ADDRESS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);

fn at(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn node(id: &str, port: u16) -> Announcement {
    Announcement { id: NodeId::try_from(id).unwrap(), port: NonZeroU16::new(port).unwrap() }
}

fn datagram(id: &str) -> std::vec::Vec<u8> {
    let mut buffer = [0; ANNOUNCEMENT_CAPACITY];
    let length = v1::emit(&node(id, 22000), &mut buffer).unwrap();
    buffer[..length].to_vec()
}

/// Our own address with its network, as `ip addr` tells it.
fn network(text: &str) -> Network {
    text.parse().unwrap()
}

/// A discoverer that announces nothing, on eth0.
fn listener<const N: usize>(storage: &mut Storage<N>) -> Discoverer<'_> {
    let mut discoverer = Discoverer::new(&Config::new(1, [7; 16]), storage);
    discoverer.link_up(at(0), ETH0, &[network("198.18.0.1/24")]).unwrap();
    discoverer
}

fn peer(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 18, 0, host)
}

/// All that is to be sent now: by which link, to which address, which node.
fn transmits(discoverer: &mut Discoverer<'_>) -> std::vec::Vec<(LinkId, Ipv4Addr, String)> {
    let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
    let mut sent = vec![];
    while let Ok(transmit) = discoverer.poll_transmit(&mut buffer) {
        assert_eq!(transmit.to.port(), v1::UDP_PORT);
        let announcement = v1::parse(&buffer[..transmit.length]).unwrap();
        sent.push((transmit.link, *transmit.to.ip(), announcement.id.as_str().into()));
    }
    sent
}

fn events(discoverer: &mut Discoverer<'_>) -> std::vec::Vec<(EventKind, String)> {
    core::iter::from_fn(|| discoverer.poll_event())
        .map(|event| (event.kind, event.id.as_str().into()))
        .collect()
}

fn hear(
    discoverer: &mut Discoverer<'_>,
    now: Instant,
    from: Ipv4Addr,
    id: &str,
) -> std::vec::Vec<(EventKind, String)> {
    discoverer.handle_datagram(now, ETH0, from, &datagram(id)).unwrap();
    events(discoverer)
}

fn rejected(discoverer: &Discoverer<'_>, reason: Rejected) -> u64 {
    discoverer.stats().rejected().find(|(known, _)| *known == reason).unwrap().1
}

/// A discoverer that announces "nas" on eth0, its first announcement made at 0.
fn nas<const N: usize>(storage: &mut Storage<N>) -> Discoverer<'_> {
    let mut discoverer = listener(storage);
    discoverer.announce(at(0), node("nas", 22)).unwrap();
    assert_eq!(transmits(&mut discoverer), [(ETH0, Ipv4Addr::BROADCAST, "nas".into())]);
    discoverer
}

#[test]
fn every_node_is_announced_on_every_link_at_once_and_each_interval() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.announce(at(0), node("printer", 631)).unwrap();
    transmits(&mut discoverer);
    discoverer.link_up(at(5), ETH1, &[network("198.18.1.77/24")]).unwrap();
    let everyone = |link, id: &str| (link, Ipv4Addr::BROADCAST, id.to_owned());
    assert_eq!(transmits(&mut discoverer), [everyone(ETH1, "nas"), everyone(ETH1, "printer")]);

    let mut now = at(5);
    for _ in 0..10 {
        let due = discoverer.poll_at().unwrap();
        assert!((28_000..32_000).contains(&due.since(now).millis()));
        discoverer.handle_timeout(due - Duration::from_millis(1));
        assert_eq!(transmits(&mut discoverer), []);
        discoverer.handle_timeout(due);
        let sent = transmits(&mut discoverer);
        assert_eq!(sent.len(), 4);
        for link in [ETH0, ETH1] {
            for id in ["nas", "printer"] {
                assert!(sent.contains(&everyone(link, id)));
            }
        }
        now = due;
    }
}

#[test]
fn a_listener_sends_nothing_and_has_nothing_to_wait_for() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    assert_eq!(discoverer.poll_at(), None);
    hear(&mut discoverer, at(10), peer(2), "pi");
    discoverer.handle_timeout(at(500));
    assert_eq!(transmits(&mut discoverer), []);
    assert_eq!(discoverer.poll_at(), Some(at(90_010)));
}

#[test]
fn without_a_link_nothing_is_due() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.link_down(ETH0);
    assert_eq!(discoverer.poll_at(), None);
    discoverer.handle_timeout(at(100_000));
    assert_eq!(transmits(&mut discoverer), []);
    discoverer.link_up(at(200_000), ETH0, &[network("198.18.0.1/24")]).unwrap();
    assert_eq!(transmits(&mut discoverer).len(), 1);
    assert!(discoverer.poll_at() > Some(at(220_000)));
}

/// Lets time pass to `end`, and tells when what was sent to whom.
fn wait(discoverer: &mut Discoverer<'_>, end: Instant) -> std::vec::Vec<(Instant, Ipv4Addr)> {
    let mut sent = vec![];
    while let Some(due) = discoverer.poll_at().filter(|due| *due <= end) {
        discoverer.handle_timeout(due);
        sent.extend(transmits(discoverer).into_iter().map(|(_, to, _)| (due, to)));
        events(discoverer);
    }
    sent
}

#[test]
fn a_node_at_a_new_address_has_moved_and_is_answered() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    hear(&mut discoverer, at(0), peer(2), "pi");
    discoverer.handle_timeout(at(200));
    transmits(&mut discoverer);
    assert_eq!(hear(&mut discoverer, at(1000), peer(3), "pi"), [(EventKind::Moved, "pi".into())]);
    assert_eq!(*discoverer.lookup(at(1000), "pi").unwrap().address().ip(), peer(3));
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
    discoverer.handle_datagram(at(5_000), ETH0, peer(2), &datagram("pi")).unwrap();
    let rival = SocketAddrV4::new(peer(3), 22_000);
    let event = discoverer.poll_event().unwrap();
    assert_eq!((event.kind, *event.address.socket.ip()), (EventKind::Contested { rival }, peer(2)));
    assert_eq!(discoverer.poll_event(), None);
    assert_eq!(wait(&mut discoverer, at(20_000)), []);
    let entry = discoverer.lookup(at(20_000), "pi").unwrap();
    assert!(entry.is_contested() && *entry.address().ip() == peer(2));
    assert_eq!(discoverer.stats().contested.get(), 1);
}

#[test]
fn an_expected_node_is_admitted_when_the_registry_is_full() {
    let mut storage = Storage::<2>::new();
    let mut discoverer = Discoverer::new(&Config::new(1, [7; 16]), &mut storage);
    discoverer.link_up(at(0), ETH0, &[network("198.18.0.1/24")]).unwrap();
    discoverer.expect(&node("pi", 1).id).unwrap();
    for millis in [0, 30_000, 60_000] {
        hear(&mut discoverer, at(millis), peer(2), "other");
    }
    let full = discoverer.handle_datagram(at(60_001), ETH0, peer(4), &datagram("third"));
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
    assert_eq!(discoverer.poll_at(), Some(at(90_500)));
    discoverer.handle_timeout(at(90_499));
    assert_eq!(events(&mut discoverer), []);
    discoverer.handle_timeout(at(90_500));
    assert_eq!(events(&mut discoverer), [(EventKind::Lost, "pi".into())]);
    assert_eq!(discoverer.poll_at(), None);
    assert_eq!(hear(&mut discoverer, at(91_000), peer(2), "pi"), [(EventKind::Found, "pi".into())]);
}

#[test]
fn what_gave_way_is_lost_before_what_came_is_found() {
    let mut storage = Storage::<1>::new();
    let mut discoverer = listener(&mut storage);
    hear(&mut discoverer, at(0), peer(2), "first");
    let events = hear(&mut discoverer, at(1), peer(3), "second");
    assert_eq!(events, [(EventKind::Lost, "first".into()), (EventKind::Found, "second".into())]);
    for millis in [30_001, 60_001] {
        assert_eq!(hear(&mut discoverer, at(millis), peer(3), "second"), []);
    }
    let full = discoverer.handle_datagram(at(60_002), ETH0, peer(4), &datagram("third"));
    assert_eq!(full, Err(Rejected::RegistryFull));
    assert_eq!(rejected(&discoverer, Rejected::RegistryFull), 1);
}

#[test]
fn a_refused_newcomer_is_counted_and_not_told() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    for host in 2..18 {
        hear(&mut discoverer, at(1000), peer(host), &format!("pi{host}"));
    }
    let mut refused = 0;
    for number in 0..1_000 {
        let name = datagram(&format!("forged-{number}"));
        let outcome = discoverer.handle_datagram(at(2000), ETH0, peer(2), &name);
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
fn a_node_that_is_withdrawn_is_announced_no_more_and_may_be_renamed() {
    let mut storage = Storage::<8>::new();
    let mut discoverer = listener(&mut storage);
    for own in ["nas", "tv"] {
        discoverer.announce(at(0), node(own, 22)).unwrap();
    }
    let told = |discoverer: &mut Discoverer<'_>| -> std::vec::Vec<String> {
        transmits(discoverer).into_iter().map(|(_, _, id)| id).collect()
    };
    assert_eq!(told(&mut discoverer), ["nas", "tv"]);
    assert!(!discoverer.withdraw(&node("pi", 1).id));
    assert!(discoverer.withdraw(&node("nas", 1).id));
    discoverer.announce(at(1000), node("pi", 22)).unwrap();
    assert_eq!(told(&mut discoverer), ["tv", "pi"]);

    // A newcomer is still to be answered.
    hear(&mut discoverer, at(2000), peer(7), "box");
    for own in ["tv", "pi"] {
        assert!(discoverer.withdraw(&node(own, 1).id));
    }
    assert!(discoverer.own().is_empty());
    // Only the newcomer's lease is left.
    assert_eq!(discoverer.poll_at(), Some(at(92_000)));
    discoverer.handle_timeout(at(92_000));
    assert_eq!((told(&mut discoverer), discoverer.stats().answers.get()), (vec![], 0));
    discoverer.announce(at(92_000), node("nas", 22)).unwrap();
    assert_eq!(told(&mut discoverer), ["nas"]);
}

#[test]
fn our_own_announcements_are_ignored() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    assert_eq!(hear(&mut discoverer, at(10), OUR_ADDRESS, "nas"), []);
    assert_eq!((discoverer.stats().own.get(), discoverer.registry().used()), (1, 0));
}

#[test]
fn bad_datagrams_are_counted_by_reason_and_change_nothing() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let good = datagram("pi");
    for (from, bytes, reason) in [
        (peer(2), &good[..4], Malformed::Truncated.into()),
        (peer(2), &good[..9], Malformed::Truncated.into()),
        (peer(2), b"\x20\x0f\x10\x25\x00\x16\x00\x02pi", Malformed::Foreign.into()),
        (peer(2), b"\x00\x12\x10\x25\x00\x16\x00\x00", Malformed::EmptyNodeId.into()),
        (peer(2), b"\x00\x12\x10\x25\x00\x16\x00\x02p\n", Malformed::NodeIdNotPrintable.into()),
        (peer(2), b"\x00\x12\x10\x25\x00\x00\x00\x02pi", Malformed::NoPort.into()),
        (Ipv4Addr::UNSPECIFIED, &good, Rejected::BadSource),
        (Ipv4Addr::BROADCAST, &good, Rejected::BadSource),
        (Ipv4Addr::new(224, 0, 0, 1), &good, Rejected::BadSource),
        (peer(255), &good, Rejected::BadSource),
        (Ipv4Addr::new(198, 18, 1, 2), &good, Rejected::OffLink),
    ] {
        let before = rejected(&discoverer, reason);
        assert_eq!(discoverer.handle_datagram(at(10), ETH0, from, bytes), Err(reason));
        assert_eq!(rejected(&discoverer, reason), before + 1);
    }
    assert_eq!(discoverer.registry().used(), 0);
    assert_eq!(events(&mut discoverer), []);
    discoverer.handle_timeout(at(500));
    assert_eq!(transmits(&mut discoverer), []);
}

#[test]
fn the_same_node_or_too_many_can_not_be_announced() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    assert_eq!(discoverer.announce(at(0), node("nas", 23)), Err(AnnounceError::Duplicate));
    for number in 1..OWN_NODES {
        discoverer.announce(at(0), node(&format!("nas{number}"), 22)).unwrap();
    }
    assert_eq!(discoverer.announce(at(0), node("more", 22)), Err(AnnounceError::TooMany));
}

#[test]
fn more_links_than_there_is_room_for_are_refused() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let ours = [network("198.18.0.1/24")];
    for number in 1..LINKS {
        discoverer.link_up(at(0), LinkId(100 + u32::try_from(number).unwrap()), &ours).unwrap();
    }
    assert_eq!(discoverer.link_up(at(0), LinkId(999), &ours), Err(TooManyLinks));
    // A link that is up already only changes its addresses.
    assert_eq!(discoverer.link_up(at(0), ETH0, &ours), Ok(()));
}

#[test]
fn a_buffer_that_is_too_small_is_an_error() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.announce_now(at(1));
    assert_eq!(discoverer.poll_transmit(&mut [0; 4]), Err(nb::Error::Other(BufferTooSmall)));
}

#[test]
fn a_restored_node_is_no_newcomer() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = Discoverer::new(&Config::new(1, [2; 16]), &mut storage);
    discoverer.announce(at(60_000), node("nas", 22)).unwrap();
    let saved = |id: &str, ip: Ipv4Addr, port: u16| {
        let address =
            Address { socket: SocketAddrV4::new(ip, port), link: LinkId::NONE, heard: at(50_000) };
        let (id, sightings) =
            (NodeId::try_from(id).unwrap(), Vec::from_array([Sighting::first(address)]));
        Saved { id, heard: 1, first_heard: at(1000), sightings, preferred: 0 }
    };
    // Our own, and those that no datagram can have told of.
    let left_out = [
        saved("nas", peer(7), 22),
        saved("pi", peer(7), 0),
        saved("pi", Ipv4Addr::UNSPECIFIED, 22),
        saved("pi", Ipv4Addr::BROADCAST, 22),
        saved("pi", Ipv4Addr::new(224, 0, 0, 1), 22),
    ];
    for node in &left_out {
        assert!(!discoverer.restore(at(60_000), node), "{node:?}");
    }
    assert!(discoverer.restore(at(60_000), &saved("pi", peer(7), 22000)));
    assert_eq!(discoverer.lookup(at(60_000), "pi").unwrap().known().secs(), 59);
    assert_eq!(events(&mut discoverer), []);

    discoverer.link_up(at(60_000), ETH0, &[network("198.18.0.1/24")]).unwrap();
    assert_eq!(transmits(&mut discoverer).len(), 1);
    assert_eq!(hear(&mut discoverer, at(61_000), peer(7), "pi"), []);
    assert_eq!(
        discoverer.poll_at(),
        Some(at(61_000) + discoverer.registry().lease()).min(discoverer.schedule.announce_at())
    );
    assert_eq!(discoverer.lookup(at(61_000), "pi").unwrap().link(), ETH0);
    // It is lost as any other.
    discoverer.link_down(ETH0);
    discoverer.handle_timeout(at(151_000));
    assert_eq!(events(&mut discoverer), [(EventKind::Lost, "pi".into())]);
}
