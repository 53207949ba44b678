//! Machines with a card in each of two networks, which both are ours.

use super::*;

/// Our addresses, and those of another machine that is in both networks, too.
const NETWORKS: [(LinkId, &str, &str); 2] =
    [(ETH0, "198.18.0.1/24", "198.18.0.7/24"), (ETH1, "198.18.1.1/24", "198.18.1.7/24")];

/// A machine that announces a node in both networks.
fn machine<'a>(storage: &'a mut Storage<16>, id: &str, networks: [&str; 2]) -> Discoverer<'a> {
    let seed = u64::from(id.as_bytes()[0]);
    let mut discoverer = Discoverer::new(&Config::new(seed, [7; 16]), storage);
    discoverer.announce(at(1_000_000), node(id, 22)).unwrap();
    for (link, address) in [ETH0, ETH1].into_iter().zip(networks) {
        discoverer.link_up(at(1_000_000), shared(link, &[network(address)])).unwrap();
    }
    discoverer
}

/// Hands all that a machine sends to another one, a millisecond later. In each network it comes
/// from the sender's address there.
fn carry(from: &mut Discoverer<'_>, to: &mut Discoverer<'_>, now: Instant) -> Vec<EventKind> {
    let mut told = vec![];
    for (link, _, id) in transmits(from) {
        let source = from.links().get(link).unwrap().networks()[0].address();
        let received = received(link, source);
        to.handle_datagram(now + Duration::from_millis(1), &received, &datagram(&id)).unwrap();
        told.extend(core::iter::from_fn(|| to.poll_event()).map(|event| event.kind));
    }
    told
}

#[test]
fn they_are_one_node_each_with_two_addresses_and_no_contest() {
    let mut storages = (Storage::new(), Storage::new());
    let mut ours = machine(&mut storages.0, "nas", NETWORKS.map(|(_, ours, _)| ours));
    let mut other = machine(&mut storages.1, "pi", NETWORKS.map(|(_, _, theirs)| theirs));
    let (mut now, end) = (at(1_000_000), at(1_000_000 + 24 * 3_600_000));
    let mut told = vec![];
    let mut newcomers = 0;
    while now < end {
        told.extend(carry(&mut ours, &mut other, now));
        told.extend(carry(&mut other, &mut ours, now));
        now = [ours.poll_at(), other.poll_at()].into_iter().flatten().min().unwrap().max(now);
        now = now + Duration::from_millis(1);
        // Newcomers are answered in one network alone.
        if now.millis() / 60_000 > 1_000_000 / 60_000 + newcomers {
            newcomers += 1;
            let host = 10 + u8::try_from(newcomers % 200).unwrap();
            let name = datagram(&format!("guest-{}", newcomers % 200));
            for machine in [&mut ours, &mut other] {
                let _ = machine.handle_datagram(now, &received(ETH0, peer(host)), &name);
                events(machine);
            }
        }
        for machine in [&mut ours, &mut other] {
            machine.handle_timeout(now);
            told.extend(
                core::iter::from_fn(|| machine.poll_event())
                    .filter(|event| !event.id.as_str().starts_with("guest"))
                    .map(|event| event.kind),
            );
        }
    }
    assert_eq!(told, [EventKind::Found; 2]);
    assert!(ours.stats().answers.get() > 100, "{}", ours.stats().answers.get());
    let entry = ours.lookup(now, "pi").unwrap();
    assert_eq!((entry.addresses().count(), entry.is_contested()), (2, false));
    assert_eq!(other.lookup(now, "nas").unwrap().addresses().count(), 2);
}

#[test]
fn a_node_that_joins_in_another_network_is_answered_there_without_an_event() {
    let mut storage = Storage::<16>::new();
    let mut ours = machine(&mut storage, "nas", NETWORKS.map(|(_, ours, _)| ours));
    transmits(&mut ours);
    let heard = |ours: &mut Discoverer<'_>, millis: u64, link, from: [u8; 4]| {
        let received = received(link, Ipv4Addr::from(from));
        ours.handle_datagram(at(1_000_000 + millis), &received, &datagram("pi")).unwrap();
        events(ours)
    };
    assert_eq!(heard(&mut ours, 0, ETH0, [198, 18, 0, 7]), [(EventKind::Found, "pi".into())]);
    assert_eq!(heard(&mut ours, 10, ETH1, [198, 18, 1, 7]), []);
    let mut answered = vec![];
    while answered.len() < 2 {
        let due = ours.poll_at().unwrap();
        assert!(due <= at(1_000_010) + ANSWER_DELAY);
        ours.handle_timeout(due);
        answered.extend(transmits(&mut ours).into_iter().map(|(link, to, _)| (link, to)));
    }
    answered.sort();
    let expected = [(ETH0, Ipv4Addr::new(198, 18, 0, 7)), (ETH1, Ipv4Addr::new(198, 18, 1, 7))];
    assert_eq!(answered, expected);
    // It is counted as found once, and as nothing else.
    let stats = ours.stats();
    assert_eq!((stats.found.get(), stats.moved.get(), stats.contested.get()), (1, 0, 0));
}
