//! Input and output, call by call.

mod answers;
mod links;
mod nodes;
mod origin;
mod two_networks;

use core::net::{Ipv4Addr, SocketAddr};
use core::num::NonZeroU16;

use super::*;
use crate::limits::{ANNOUNCEMENT_CAPACITY, OWN_NODES};
use crate::net::Medium;
use crate::speaker::v1::ANSWER_DELAY;
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

fn datagram(id: &str) -> Vec<u8> {
    let mut buffer = [0; ANNOUNCEMENT_CAPACITY];
    let length = v1::emit(&node(id, 22000), &mut buffer).unwrap();
    buffer[..length].to_vec()
}

/// Our own address with its network, as `ip addr` shows it.
fn network(text: &str) -> Network {
    text.parse().unwrap()
}

/// A link that others are on, with our own addresses there.
fn shared(id: LinkId, networks: &[Network]) -> Link {
    Link::new(id, Medium::Shared, networks)
}

/// Where a datagram of this protocol came from.
fn received(link: LinkId, from: impl Into<IpAddr>) -> Received {
    let from = SocketAddr::new(from.into(), v1::UDP_PORT);
    Received { protocol: Protocol::Foghorn, link, from, to_group: true }
}

/// A discoverer that announces nothing, on eth0.
fn listener<const N: usize>(storage: &mut Storage<N>) -> Discoverer<'_> {
    let mut discoverer = Discoverer::new(&Config::new(1, [7; 16]), storage);
    discoverer.link_up(at(0), shared(ETH0, &[network("198.18.0.1/24")])).unwrap();
    discoverer
}

fn peer(host: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 18, 0, host)
}

/// All that is to be sent now: by which link, to which address, which node.
fn transmits(discoverer: &mut Discoverer<'_>) -> Vec<(LinkId, Ipv4Addr, String)> {
    let mut buffer = [0xa5; ANNOUNCEMENT_CAPACITY];
    let mut sent = vec![];
    while let Ok(transmit) = discoverer.poll_transmit(&mut buffer) {
        assert_eq!(transmit.to.port(), v1::UDP_PORT);
        let IpAddr::V4(to) = transmit.to.ip() else { panic!("{transmit:?}") };
        assert_eq!(transmit.to_group, to.octets()[3] == 255, "{transmit:?}");
        let announcement = v1::parse(&buffer[..transmit.length]).unwrap();
        sent.push((transmit.link, to, announcement.id.as_str().into()));
    }
    sent
}

fn events(discoverer: &mut Discoverer<'_>) -> Vec<(EventKind, String)> {
    core::iter::from_fn(|| discoverer.poll_event())
        .map(|event| (event.kind, event.id.as_str().into()))
        .collect()
}

fn hear(
    discoverer: &mut Discoverer<'_>,
    now: Instant,
    from: Ipv4Addr,
    id: &str,
) -> Vec<(EventKind, String)> {
    discoverer.handle_datagram(now, &received(ETH0, from), &datagram(id)).unwrap();
    events(discoverer)
}

/// Wakes when the discoverer says so, until something happens.
fn next_event(discoverer: &mut Discoverer<'_>) -> Option<(Instant, EventKind, String)> {
    while let Some(due) = discoverer.poll_at() {
        discoverer.handle_timeout(due);
        assert_eq!(transmits(discoverer), []);
        if let Some(event) = discoverer.poll_event() {
            return Some((due, event.kind, event.id.as_str().into()));
        }
    }
    None
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
    discoverer.link_up(at(5), shared(ETH1, &[network("198.18.1.77/24")])).unwrap();
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
    assert_eq!(next_event(&mut discoverer), Some((at(90_010), EventKind::Lost, "pi".into())));
    assert_eq!(discoverer.poll_at(), None);
}

/// Lets time pass to `end`. Returns each datagram that was sent: its time and its receiver.
fn wait(discoverer: &mut Discoverer<'_>, end: Instant) -> Vec<(Instant, Ipv4Addr)> {
    let mut sent = vec![];
    while let Some(due) = discoverer.poll_at().filter(|due| *due <= end) {
        discoverer.handle_timeout(due);
        sent.extend(transmits(discoverer).into_iter().map(|(_, to, _)| (due, to)));
        events(discoverer);
    }
    sent
}

#[test]
fn a_node_that_is_withdrawn_is_announced_no_more_and_may_be_renamed() {
    let mut storage = Storage::<8>::new();
    let mut discoverer = listener(&mut storage);
    for own in ["nas", "tv"] {
        discoverer.announce(at(0), node(own, 22)).unwrap();
    }
    let told = |discoverer: &mut Discoverer<'_>| -> Vec<String> {
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
    assert_eq!(next_event(&mut discoverer), Some((at(92_000), EventKind::Lost, "box".into())));
    assert_eq!(discoverer.poll_at(), None);
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
        assert_eq!(discoverer.handle_datagram(at(10), &received(ETH0, from), bytes), Err(reason));
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
fn a_buffer_that_is_too_small_is_an_error() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.announce_now(at(1));
    assert_eq!(discoverer.poll_transmit(&mut [0; 4]), Err(nb::Error::Other(BufferTooSmall)));
}
