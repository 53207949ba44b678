//! Bytes both ways, damage, and the effect of time on saved state.

use core::hash::Hasher as _;
use core::net::{Ipv4Addr, SocketAddr};
use core::num::NonZeroU128;

use proptest::prelude::*;
use siphasher::sip::SipHasher13;

use super::*;
use crate::net::{Address, LinkId, Links};
use crate::registry::{Change, Claim, EventKind, Name, Registry, Saved, Sighting, Storage};
use crate::time::{Duration, Instant};
use crate::wire::NodeId;

const LEASE: Duration = Duration::from_secs(90);
const LINK: LinkId = LinkId(2);

/// The boot in all of these tests; it began at [`at`]`(0)`.
const BOOT: u128 = 0x1111_1111_1111_1111_1111_1111_1111_1111;

/// A registry with the nodes 1 (established), 2 (at two addresses) and 3, saved at 60 s.
const GOLDEN: &[u8] = b"fogh\0\0\0\x03\
    \x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\x11\
    \0\0\0\0\0\0\xea`\0\0\x01\x98\x82$\x16\xe0\0\0\0\0\0\x01_\x90\
    \0\0\0\x03\0\0\0\0\0\0\xea`\x01\0\0\x06node-1\
    \0\0\0\0\0\0\x03\xe8\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01U\xf0\x9d\x03\
    \0\0\0\x02\0\0\0\0\0\0\x9c@\x02\x01\0\x06node-2\
    \0\0\0\0\0\0\x9c@\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x02U\xf0\0\x01\
    \0\0\0\0\0\0N \0\0\0\x02\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x03U\xf0\0\x01\
    \0\0\0\x01\0\0\0\0\0\0\0\0\x01\0\0\x06node-3\
    \0\0\0\0\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x04U\xf0\0\x01\
    \x94\x73\x9e\x75\x7b\xdc\x50\x3b";

/// The start of the core's clock lies before the boot, so that nodes can have been heard before.
fn at(secs: u64) -> Instant {
    Instant::from_millis(1_000_000 + secs * 1000)
}

fn id(number: u32) -> NodeId {
    NodeId::try_from(format!("node-{number}").as_str()).unwrap()
}

fn address(host: u8) -> SocketAddr {
    (Ipv4Addr::new(192, 0, 2, host), 22000).into()
}

/// Hears a node, and drops its events.
fn hear(
    registry: &mut Registry<'_>,
    now: Instant,
    number: u32,
    socket: SocketAddr,
    link: LinkId,
) -> Option<Change> {
    let (id, address) = (id(number), Address { socket, link, heard: now });
    let claim = Claim { name: Name::New(&id), claimant: socket.ip(), address };
    let change = registry.hear(&claim, &Links::new());
    while registry.has_news() {
        let _ = registry.poll_event(now);
    }
    change.ok()
}

fn moment(now: Instant) -> Moment {
    let since_boot = now.since(at(0));
    let wall = Duration::from_millis(1_754_530_000_000 + since_boot.millis());
    Moment { boot: NonZeroU128::new(BOOT), since_boot, wall }
}

fn hear_three(storage: &mut Storage<16>) -> Registry<'_> {
    let mut registry = Registry::new(storage, [1; 16], LEASE);
    for (secs, number, host) in
        [(0, 1, 1), (20, 2, 2), (30, 1, 1), (40, 2, 3), (59, 1, 1), (60, 3, 4)]
    {
        hear(&mut registry, at(secs), number, address(host), LINK).unwrap();
    }
    registry
}

/// All bytes of a state, in buffers of that size.
fn bytes_of(registry: &Registry<'_>, now: Instant, size: usize) -> Vec<u8> {
    let (mut bytes, mut buffer) = (vec![], vec![0xa5; size]);
    let mut emitter = emit(registry, now, moment(now));
    loop {
        let filled = emitter.fill(&mut buffer);
        bytes.extend(&buffer[..filled]);
        if filled == 0 {
            return bytes;
        }
    }
}

/// Content as if it had been saved so.
fn with_checksum(content: &[u8]) -> Vec<u8> {
    let mut hasher = SipHasher13::new_with_key(b"foghorn's state.");
    hasher.write(content);
    [content, &hasher.finish().to_be_bytes()].concat()
}

fn content() -> &'static [u8] {
    &GOLDEN[..GOLDEN.len() - 8]
}

/// All known nodes, sorted by name.
fn known(registry: &Registry<'_>, now: Instant) -> Vec<String> {
    let told = registry.iter_after(now, None).map(|node| {
        let addresses: Vec<_> = node.addresses().collect();
        let (id, known, heard) = (node.id(), node.known(), node.heard());
        let contested = node.is_contested();
        format!(
            "{id}, known for {known}, heard {heard} times at {addresses:?}, contested: {contested}"
        )
    });
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

fn restore(registry: &mut Registry<'_>, bytes: &[u8], now: Instant, moment: &Moment) -> usize {
    let state = parse(bytes).unwrap();
    let nodes: Vec<_> = state.nodes(now, moment, registry.lease()).collect();
    nodes.iter().filter(|node| registry.restore(now, node)).count()
}

/// Which nodes expire when, if nothing more is heard.
fn expired(registry: &mut Registry<'_>) -> Vec<(Instant, NodeId)> {
    let mut expired = vec![];
    while let Some(due) = registry.next_expiry() {
        while let Some(event) = registry.poll_event(due) {
            assert_eq!(event.kind, EventKind::Lost);
            expired.push((due, event.id));
        }
    }
    expired
}

#[test]
fn golden_bytes_both_ways() {
    let mut storage = Storage::new();
    let registry = hear_three(&mut storage);
    for size in [PIECE_CAPACITY, PIECE_CAPACITY + 1, 2 * PIECE_CAPACITY + 77, 4096] {
        assert_eq!(bytes_of(&registry, at(60), size), GOLDEN);
    }
    assert!(GOLDEN.len() <= capacity(3));

    let mut storage = Storage::<16>::new();
    let mut restored = Registry::new(&mut storage, [2; 16], LEASE);
    assert_eq!(restore(&mut restored, GOLDEN, at(60), &moment(at(60))), 3);
    assert_eq!(known(&restored, at(60)), known(&registry, at(60)));
    assert_eq!(bytes_of(&restored, at(60), 4096), GOLDEN);
}

#[test]
fn damaged_state_is_refused() {
    assert_eq!(parse(b"").err(), Some(Damaged::Truncated));
    assert_eq!(parse(b"fogh\0\0\0\x03").err(), Some(Damaged::Checksum));
    assert_eq!(parse(b"#!/bin/sh\n").err(), Some(Damaged::Foreign));
    for version in [1, 2, 4] {
        let other = [b"fogh\0\0\0", &[version][..], b"whatever"].concat();
        assert_eq!(parse(&other).err(), Some(Damaged::Version(version.into())));
    }
    for end in 0..GOLDEN.len() {
        assert!(parse(&GOLDEN[..end]).is_err(), "cut at {end}");
    }
    for byte in 0..=255 {
        assert_eq!(parse(&[GOLDEN, &[byte]].concat()).err(), Some(Damaged::Checksum));
    }
    for bit in 0..8 * GOLDEN.len() {
        let mut bytes = GOLDEN.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(parse(&bytes).is_err(), "bit {bit}");
    }
}

#[test]
fn a_right_checksum_over_half_a_node_does_not_make_it_whole() {
    let whole = |end: usize| parse(&with_checksum(&content()[..end])).is_ok();
    let ends: Vec<_> = (0..=content().len()).filter(|end| whole(*end)).collect();
    // After the header, and after each of the nodes.
    assert_eq!(ends, [48, 102, 188, 242]);
}

/// The header and the three nodes.
fn pieces() -> [&'static [u8]; 4] {
    [&content()[..48], &content()[48..102], &content()[102..188], &content()[188..242]]
}

#[test]
fn nodes_are_restored_in_any_order_of_saving() {
    let [header, nodes @ ..] = pieces();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let nodes = order.map(|node| nodes[node]).concat();
        let bytes = with_checksum(&[header, &nodes].concat());
        let mut storages = (Storage::<16>::new(), Storage::new());
        let mut restored = Registry::new(&mut storages.0, [2; 16], LEASE);
        assert_eq!(restore(&mut restored, &bytes, at(60), &moment(at(60))), 3);
        assert_eq!(known(&restored, at(60)), known(&hear_three(&mut storages.1), at(60)));
    }
}

/// The largest registry takes in files that are as unlike a saved one as they can be. If a node
/// cost more the more there are, this would take minutes.
#[test]
fn no_state_takes_long_to_restore_in_the_largest_registry() {
    const MOST: u32 = 65_535;
    let restored = |nodes: &dyn Fn(u32) -> Saved| {
        let mut storage = Box::new(Storage::<{ MOST as usize }>::new());
        let mut registry = Registry::new(&mut storage, [2; 16], LEASE);
        (0..MOST).filter(|number| registry.restore(at(100), &nodes(*number))).count()
    };
    let node = |number: u32, heard: Instant, host: u32| {
        let socket = SocketAddr::new(Ipv4Addr::from_bits(0xc612_0000 + host).into(), 22000);
        let address = Address { socket, link: LINK, heard };
        let sighting = Sighting { address, spoken: 160, times: 3, is_rival: false };
        let sightings = heapless::Vec::from_array([sighting]);
        Saved { id: id(number), heard: 3, first_heard: at(0), sightings, preferred: 0 }
    };
    let later = |number: u32| Instant::from_millis(at(99).millis() - 65_535 + u64::from(number));
    let restore_all = move || {
        // In order; each heard before the last; all at once from one source; one name for all; only
        // remembered.
        assert_eq!(restored(&|number| node(number, later(number), number)), MOST as usize);
        assert_eq!(restored(&|number| node(number, later(MOST - number), number)), MOST as usize);
        assert_eq!(restored(&|number| node(number, at(99), 1)), MOST as usize);
        assert_eq!(restored(&|number| node(1, at(99), number)), 1);
        assert_eq!(
            restored(&|number| Saved { heard: 0, ..node(number, at(99), number) }),
            MOST as usize
        );
    };
    // The storage is created on the stack.
    std::thread::Builder::new().stack_size(256 << 20).spawn(restore_all).unwrap().join().unwrap();
}

#[test]
fn nodes_that_this_build_cannot_hold_are_skipped() {
    let node = |heard: u32, id: &[u8], addresses: &[u8]| {
        let counts =
            [u8::try_from(addresses.len()).unwrap(), 0, 0, u8::try_from(id.len()).unwrap()];
        let addresses: Vec<u8> = addresses
            .iter()
            .flat_map(|host| {
                let ip = Ipv4Addr::new(192, 0, 2, *host).to_ipv6_mapped().octets();
                [&[0; 12][..], &ip, &[0x55, 0xf0, 0, 1]].concat()
            })
            .collect();
        [&heard.to_be_bytes()[..], &[0; 8], &counts, id, &addresses].concat()
    };
    let bytes = [
        &content()[..HEADER],
        &node(1, b"", &[1]),
        &node(1, b"a b", &[1]),
        &node(1, &[b'x'; 255], &[1]),
        &node(1, b"nowhere", &[]),
        &node(1, b"everywhere", &[1, 2, 3, 4, 5, 6]),
        &node(1, b"nas", &[1]),
        &node(0, b"never-heard", &[1]),
    ]
    .concat();
    let bytes = with_checksum(&bytes);
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, [2; 16], LEASE);
    restore(&mut registry, &bytes, at(60), &moment(at(60)));
    let ids: Vec<_> = registry.iter_after(at(60), None).map(|node| node.id().as_str()).collect();
    assert_eq!(ids, ["everywhere", "nas"]);
    let addresses =
        registry.get(at(60), "everywhere").unwrap().addresses().map(|address| address.socket);
    assert!(addresses.eq([1, 4, 3, 2].map(address)));
}

#[test]
fn ages_go_on_and_what_has_expired_meanwhile_is_gone() {
    for (later, live) in
        [(0, 3), (49, 3), (50, 3), (69, 3), (70, 2), (88, 2), (89, 1), (90, 0), (900, 0)]
    {
        let now = at(60 + later);
        let mut storages = (Storage::new(), Storage::<16>::new());
        let gone_on = hear_three(&mut storages.0);
        let mut restored = Registry::new(&mut storages.1, [2; 16], LEASE);
        restore(&mut restored, GOLDEN, now, &moment(now));
        assert_eq!(known(&restored, now), known(&gone_on, now));
        assert_eq!(restored.used(), live, "{later} s later");
        // They expire in their order.
        let order = [(at(130), id(2)), (at(149), id(1)), (at(150), id(3))];
        assert_eq!(expired(&mut restored), order[3 - live..]);
    }
}

#[test]
fn after_another_boot_the_interfaces_are_unknown() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, [2; 16], LEASE);
    // It was off for 10 s and has run for 20 s since. By the core's clock nothing says so: only the
    // wall clock's 30 s do.
    let wall = moment(at(60)).wall;
    let another = Moment {
        boot: NonZeroU128::new(2),
        since_boot: Duration::from_secs(20),
        wall: Duration::from_millis(wall.millis() + 30_000),
    };
    assert_eq!(restore(&mut registry, GOLDEN, at(20), &another), 3);
    let node = registry.get(at(20), "node-2").unwrap();
    assert_eq!((node.age().secs(), node.known().secs(), node.link()), (50, 70, LinkId::NONE));
    // It is heard again, and is no newcomer.
    let change = hear(&mut registry, at(21), 2, address(3), LINK);
    assert!(matches!(change, Some(Change::Refreshed { .. })));
    assert_eq!(registry.get(at(21), "node-2").unwrap().link(), LINK);
}

#[test]
fn a_contested_node_remains_so_and_is_looked_up_where_it_was() {
    let mut storages = (Storage::<16>::new(), Storage::<16>::new());
    let mut gone_on = Registry::new(&mut storages.0, [1; 16], LEASE);
    // Node 1 is contested. Of node 2 it is still open whether it moved.
    for (secs, number, host) in
        [(0, 1, 1), (30, 1, 1), (30, 2, 1), (31, 1, 2), (59, 2, 2), (60, 1, 1)]
    {
        hear(&mut gone_on, at(secs), number, address(host), LINK).unwrap();
    }
    let mut restored = Registry::new(&mut storages.1, [2; 16], LEASE);
    assert_eq!(
        restore(&mut restored, &bytes_of(&gone_on, at(60), 4096), at(61), &moment(at(61))),
        2
    );
    for (secs, number, host) in [(61, 1, 2), (62, 1, 3), (62, 2, 1), (63, 2, 2)] {
        let heard = [&mut restored, &mut gone_on]
            .map(|registry| hear(registry, at(secs), number, address(host), LINK).unwrap());
        assert_eq!(heard[0], heard[1]);
        assert_eq!(known(&restored, at(secs)), known(&gone_on, at(secs)));
    }
    for number in [1, 2] {
        let node = restored.get(at(63), id(number).as_str()).unwrap();
        assert!(node.is_contested() && node.address() == address(1));
    }
}

#[test]
fn addresses_of_both_families_outlive_the_process() {
    let mut storages = (Storage::<16>::new(), Storage::<16>::new());
    let mut registry = Registry::new(&mut storages.0, [1; 16], LEASE);
    for (secs, socket) in (50..).zip(["[fe80::7]:22", "198.18.0.7:22", "[2001:db8::7]:22"]) {
        hear(&mut registry, at(secs), 1, socket.parse().unwrap(), LINK).unwrap();
    }
    let mut restored = Registry::new(&mut storages.1, [2; 16], LEASE);
    let bytes = bytes_of(&registry, at(60), 4096);
    assert_eq!(restore(&mut restored, &bytes, at(61), &moment(at(61))), 1);
    assert_eq!(known(&restored, at(61)), known(&registry, at(61)));
    let shown: Vec<_> = restored
        .get(at(61), "node-1")
        .unwrap()
        .addresses()
        .map(|address| address.socket.to_string())
        .collect();
    assert_eq!(shown, ["[2001:db8::7]:22", "198.18.0.7:22", "[fe80::7%2]:22"]);
    assert_eq!(bytes_of(&restored, at(60), 4096), bytes);
}

#[test]
fn a_state_from_the_future_is_none() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, [2; 16], LEASE);
    assert_eq!(restore(&mut registry, GOLDEN, at(60), &moment(at(59))), 0);
    assert_eq!(restore(&mut registry, GOLDEN, at(60), &moment(at(60))), 3);
}

#[test]
fn a_clock_that_cannot_go_back_so_far_makes_nothing_younger() {
    let mut storage = Storage::<16>::new();
    let mut registry = Registry::new(&mut storage, [2; 16], LEASE);
    // The core's clock began 10 s before the state was saved. Only nodes that were heard since can
    // be told from those that expired.
    let now = Instant::from_millis(10_000);
    assert_eq!(restore(&mut registry, GOLDEN, now, &moment(at(60))), 2);
    assert!(registry.get(now, "node-2").is_none());
}

#[test]
fn with_another_lease_nothing_lives_longer() {
    for (lease, live, first_expiry) in [(15, 2, 74), (30, 3, 70), (90, 3, 130), (300, 3, 130)] {
        let mut storage = Storage::<16>::new();
        let mut registry = Registry::new(&mut storage, [2; 16], Duration::from_secs(lease));
        assert_eq!(restore(&mut registry, GOLDEN, at(60), &moment(at(60))), live, "lease {lease}");
        let (first, _) = expired(&mut registry)[0];
        assert_eq!(first, at(first_expiry), "lease {lease}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
        let bytes = with_checksum(&[&content()[..HEADER], &bytes].concat());
        if let Ok(state) = parse(&bytes) {
            let nodes: Vec<Saved> = state.nodes(at(70), &moment(at(70)), LEASE).collect();
            prop_assert!(nodes.len() * NODE <= bytes.len());
        }
    }

    #[test]
    fn everything_saved_is_restored(
        heard in proptest::collection::vec((0..20_u32, 1..8_u8, 0..5000_u64, any::<u32>()), 1..80),
        size in PIECE_CAPACITY..1000,
        later in 0..60_000_u64,
    ) {
        let mut storages = (Storage::<16>::new(), Storage::<16>::new());
        let mut registry = Registry::new(&mut storages.0, [1; 16], LEASE);
        let mut now = at(0);
        for (number, host, pause, link) in heard {
            now = now + Duration::from_millis(pause);
            hear(&mut registry, now, number, address(host), LinkId(link));
        }
        let bytes = bytes_of(&registry, now, size);
        prop_assert!(bytes.len() <= capacity(registry.used()));
        let later = now + Duration::from_millis(later);
        // With the same key: with another, in so small a registry, other sources share their
        // counters.
        let mut restored = Registry::new(&mut storages.1, [1; 16], LEASE);
        restore(&mut restored, &bytes, later, &moment(later));
        prop_assert_eq!(known(&restored, later), known(&registry, later));
    }
}
