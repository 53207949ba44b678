//! Whose datagrams count.

use super::*;
use crate::limits::{ALLOWED_NETWORKS, NETWORKS_PER_LINK};

/// Hands in the announcement of a node.
fn heard(
    discoverer: &mut Discoverer<'_>,
    link: LinkId,
    from: &str,
    id: &str,
) -> Result<(), Rejected> {
    let outcome = discoverer.handle_datagram(
        at(1000),
        &received(link, from.parse::<IpAddr>().unwrap()),
        &datagram(id),
    );
    events(discoverer);
    outcome
}

/// The outcome for each of these addresses, when it announces a node of its own.
fn outcomes<const N: usize>(
    discoverer: &mut Discoverer<'_>,
    link: LinkId,
    from: [&str; N],
) -> [Result<(), Rejected>; N] {
    from.map(|from| heard(discoverer, link, from, from))
}

#[test]
fn only_one_host_can_be_a_source() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    discoverer.allow(network("0.0.0.0/0")).unwrap();
    let bad = [
        "0.0.0.0",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.254",
        "255.255.255.255",
    ];
    assert_eq!(outcomes(&mut discoverer, ETH0, bad), [Err(Rejected::BadSource); 6]);
    // Those that stand for all hosts of our network; elsewhere who knows where networks end.
    let bad = ["198.18.0.0", "198.18.0.255"];
    assert_eq!(outcomes(&mut discoverer, ETH0, bad), [Err(Rejected::BadSource); 2]);
    let good = ["198.18.0.254", "198.18.1.0", "198.18.1.255", "223.255.255.255"];
    assert_eq!(outcomes(&mut discoverer, ETH0, good), [Ok(()); 4]);
    assert_eq!(rejected(&discoverer, Rejected::BadSource), 8);
}

#[test]
fn an_ipv6_host_can_not_be_a_source_of_the_old_protocol() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.allow(network("0.0.0.0/0")).unwrap();
    let from = ["fe80::7", "2001:db8::7", "::1", "::ffff:198.18.0.7"];
    assert_eq!(outcomes(&mut discoverer, ETH0, from), [Err(Rejected::BadSource); 4]);
    // Nor can it speak for a node of ours, or for one that is known.
    heard(&mut discoverer, ETH0, "198.18.0.2", "pi").unwrap();
    for id in ["nas", "pi"] {
        assert_eq!(heard(&mut discoverer, ETH0, "fe80::7", id), Err(Rejected::BadSource));
    }
    assert_eq!(rejected(&discoverer, Rejected::BadSource), 6);
    assert_eq!((discoverer.stats().own.get(), discoverer.registry().used()), (0, 1));
}

#[test]
fn a_source_counts_on_the_links_that_have_its_network() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    discoverer
        .link_up(at(0), shared(ETH1, &[network("10.0.0.1/8"), network("192.168.7.9/31")]))
        .unwrap();
    let off_link = Err(Rejected::OffLink);
    let from = ["198.18.0.2", "10.0.0.1", "10.200.0.2", "192.168.7.8", "192.168.7.7", "127.0.0.1"];
    assert_eq!(
        outcomes(&mut discoverer, ETH0, from),
        [Ok(()), off_link, off_link, off_link, off_link, off_link]
    );
    assert_eq!(
        outcomes(&mut discoverer, ETH1, from),
        [off_link, Ok(()), Ok(()), Ok(()), off_link, off_link]
    );
    // On a link that is not in use nobody does.
    assert_eq!(outcomes(&mut discoverer, LinkId(9), from), [off_link; 6]);
    discoverer.link_down(ETH0);
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.2", "pi"), off_link);
    assert_eq!(rejected(&discoverer, Rejected::OffLink), 15);
}

#[test]
fn the_networks_of_a_link_change_with_its_addresses() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let ours = [network("198.18.0.1/24"), network("10.0.0.1/8")];
    assert_eq!(heard(&mut discoverer, ETH0, "10.0.0.2", "pi"), Err(Rejected::OffLink));
    discoverer.link_up(at(1000), shared(ETH0, &ours)).unwrap();
    assert_eq!(discoverer.links().get(ETH0).unwrap().networks(), ours);
    // The hosts of the new network are to know, too.
    let everyone = [Ipv4Addr::BROADCAST, Ipv4Addr::new(10, 255, 255, 255)];
    assert_eq!(transmits(&mut discoverer), everyone.map(|to| (ETH0, to, "nas".into())));
    assert_eq!(heard(&mut discoverer, ETH0, "10.0.0.2", "pi"), Ok(()));
    discoverer.link_up(at(1000), shared(ETH0, &ours[..1])).unwrap();
    assert_eq!(heard(&mut discoverer, ETH0, "10.0.0.2", "pi"), Err(Rejected::OffLink));
    // A node that was heard stays known until it expires.
    assert!(discoverer.lookup(at(1000), "pi").is_some());
    // More networks than there is room for are passed over.
    let many: Vec<_> = (0..9).map(|number| network(&format!("10.{number}.0.1/16"))).collect();
    discoverer.link_up(at(1000), shared(ETH0, &many)).unwrap();
    assert_eq!(discoverer.links().get(ETH0).unwrap().networks(), &many[..NETWORKS_PER_LINK]);
    discoverer.link_up(at(1000), shared(ETH0, &[])).unwrap();
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.2", "tv"), Err(Rejected::OffLink));
}

#[test]
fn a_sender_in_an_allowed_network_counts_and_gets_no_answer() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.allow(network("10.0.0.0/8")).unwrap();
    assert_eq!(discoverer.links().allowed(), [network("10.0.0.0/8")]);
    for link in [ETH0, LinkId(9)] {
        assert_eq!(heard(&mut discoverer, link, "10.0.0.2", &format!("pi-{}", link.0)), Ok(()));
        discoverer.handle_timeout(at(1000) + ANSWER_DELAY);
        assert_eq!(transmits(&mut discoverer), []);
    }
    // Beside it others are answered alone.
    heard(&mut discoverer, ETH0, "198.18.0.2", "tv").unwrap();
    heard(&mut discoverer, ETH0, "10.0.0.3", "web").unwrap();
    discoverer.handle_timeout(at(1000) + ANSWER_DELAY);
    assert_eq!(transmits(&mut discoverer), [(ETH0, peer(2), "nas".into())]);
    assert_eq!(discoverer.stats().answers.get(), 1);
}

#[test]
fn more_networks_than_there_is_room_for_are_refused() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    for _ in 0..ALLOWED_NETWORKS {
        discoverer.allow(network("10.0.0.0/8")).unwrap();
    }
    assert_eq!(discoverer.allow(network("172.16.0.0/12")), Err(TooManyNetworks));
    assert_eq!(heard(&mut discoverer, ETH0, "172.16.0.1", "pi"), Err(Rejected::OffLink));
}

#[test]
fn a_process_on_this_machine_can_not_claim_a_node_on_another() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    discoverer.link_up(at(0), shared(ETH1, &[network("198.18.1.1/24")])).unwrap();
    discoverer.link_up(at(0), shared(LinkId(1), &[network("127.0.0.1/8")])).unwrap();
    hear(&mut discoverer, at(0), peer(2), "pi");
    for (link, from) in [
        (ETH0, "198.18.0.1"),
        (ETH1, "198.18.1.1"),
        (LinkId(1), "127.0.0.1"),
        (LinkId(1), "127.9.9.9"),
    ] {
        assert_eq!(heard(&mut discoverer, link, from, "pi"), Err(Rejected::OwnAddress), "{from}");
    }
    assert_eq!(rejected(&discoverer, Rejected::OwnAddress), 4);
    let entry = discoverer.lookup(at(1000), "pi").unwrap();
    assert_eq!((entry.addresses().count(), entry.heard()), (1, 1));
    // Another host may: the node has two cards, or has moved.
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.3", "pi"), Ok(()));
    // Once it is not known any more, the name is free.
    discoverer.handle_timeout(at(91_000));
    assert_eq!(events(&mut discoverer), [(EventKind::Lost, "pi".into())]);
    assert_eq!(
        hear(&mut discoverer, at(91_000), OUR_ADDRESS, "pi"),
        [(EventKind::Found, "pi".into())]
    );
}

#[test]
fn a_process_on_this_machine_can_announce_nodes_of_its_own() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    discoverer.link_up(at(0), shared(LinkId(1), &[network("127.0.0.1/8")])).unwrap();
    for (link, from) in [(ETH0, "198.18.0.1"), (LinkId(1), "127.0.0.1"), (ETH0, "198.18.0.1")] {
        assert_eq!(heard(&mut discoverer, link, from, "web"), Ok(()));
    }
    // Another host that claims the name does not take it from the process.
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.66", "web"), Ok(()));
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.1", "web"), Ok(()));
    assert_eq!(discoverer.lookup(at(1000), "web").unwrap().address().ip(), OUR_ADDRESS);
}

#[test]
fn another_machine_with_a_name_of_our_own_is_not_taken_for_us() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.1", "nas"), Ok(()));
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.9", "nas"), Err(Rejected::OwnName));
    // A datagram that we sent before our address changed may arrive after the change.
    discoverer.link_up(at(1000), shared(ETH0, &[network("198.18.0.77/24")])).unwrap();
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.1", "nas"), Ok(()));
    assert_eq!((discoverer.stats().own.get(), rejected(&discoverer, Rejected::OwnName)), (3, 1));
    assert!(discoverer.lookup(at(1000), "nas").is_none());
}

#[test]
fn the_rival_of_an_own_node_is_known_for_three_intervals() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    discoverer.announce(at(0), node("web", 80)).unwrap();
    let [nas, web] = ["nas", "web"].map(|id| NodeId::try_from(id).unwrap());
    let speak = |discoverer: &mut Discoverer<'_>, millis, host, id| {
        let outcome =
            discoverer.handle_datagram(at(millis), &received(ETH0, peer(host)), &datagram(id));
        assert_eq!(outcome, Err(Rejected::OwnName));
    };
    let known = |discoverer: &Discoverer<'_>, millis, id| {
        discoverer.rival(at(millis), id).map(|rival| (rival.address, rival.heard))
    };
    assert_eq!(discoverer.poll_rival(), None);
    speak(&mut discoverer, 1000, 7, "web");
    assert_eq!(discoverer.poll_rival(), Some((&web, peer(7).into())));
    assert_eq!(discoverer.poll_rival(), None);
    assert_eq!(
        (known(&discoverer, 2000, &web), known(&discoverer, 2000, &nas)),
        (Some((peer(7).into(), at(1000))), None)
    );
    // The last that was heard counts, and as long as there is one, another is no news.
    for host in 8..=200 {
        speak(&mut discoverer, 31_000, host, "web");
    }
    assert_eq!(discoverer.poll_rival(), None);
    assert_eq!(known(&discoverer, 120_999, &web), Some((peer(200).into(), at(31_000))));
    assert_eq!(known(&discoverer, 121_000, &web), None);
    speak(&mut discoverer, 121_000, 7, "web");
    assert_eq!(discoverer.poll_rival(), Some((&web, peer(7).into())));
    // Only an announcement from a host on the link makes a rival.
    for (from, id) in
        [("10.0.0.2", "nas"), ("198.18.0.255", "nas"), ("198.18.0.1", "nas"), ("198.18.0.7", "NAS")]
    {
        let _ = discoverer.handle_datagram(
            at(121_000),
            &received(ETH0, from.parse::<IpAddr>().unwrap()),
            &datagram(id),
        );
        events(&mut discoverer);
    }
    assert_eq!(known(&discoverer, 121_000, &nas), None);
    // A rival goes with its node and with no other.
    speak(&mut discoverer, 121_000, 9, "nas");
    assert_eq!(discoverer.poll_rival(), Some((&nas, peer(9).into())));
    assert!(discoverer.withdraw(&nas) && !discoverer.withdraw(&nas));
    assert_eq!(known(&discoverer, 121_000, &nas), None);
    assert_eq!(known(&discoverer, 121_000, &web), Some((peer(7).into(), at(121_000))));
    // Where it was heard before that became our own address, it was this machine.
    discoverer.link_up(at(122_000), shared(ETH0, &[network("198.18.0.7/24")])).unwrap();
    assert_eq!(known(&discoverer, 122_000, &web), None);
}

#[test]
fn a_process_on_this_machine_moves_with_its_address() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = listener(&mut storage);
    heard(&mut discoverer, ETH0, "198.18.0.1", "web").unwrap();
    // By DHCP, and after the interface was without an address for a while.
    discoverer.link_up(at(1000), shared(ETH0, &[network("198.18.0.77/24")])).unwrap();
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.77", "web"), Ok(()));
    discoverer.link_down(ETH0);
    discoverer.link_up(at(1000), shared(ETH0, &[network("198.18.0.78/24")])).unwrap();
    assert_eq!(heard(&mut discoverer, ETH0, "198.18.0.78", "web"), Ok(()));
}
