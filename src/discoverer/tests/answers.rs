//! When newcomers are answered, and how.

use super::*;
use crate::speaker::v1::{ANSWER_BURST, ANSWER_PERIOD, PATIENCE, QUIET, REPEATS};

#[test]
fn a_newcomer_is_answered_by_unicast_within_the_delay() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    assert_eq!(hear(&mut discoverer, at(1000), peer(2), "pi"), [(EventKind::Found, "pi".into())]);
    assert_eq!(transmits(&mut discoverer), []);
    let due = discoverer.poll_at().unwrap();
    assert!(due >= at(1000) && due <= at(1000) + ANSWER_DELAY);
    discoverer.handle_timeout(due);
    assert_eq!(transmits(&mut discoverer), [(ETH0, peer(2), "nas".into())]);
    // Known by now: no event, no answer.
    assert_eq!(hear(&mut discoverer, at(31_000), peer(2), "pi"), []);
    discoverer.handle_timeout(at(32_500));
    assert!(transmits(&mut discoverer).iter().all(|(_, to, _)| to.is_broadcast()));
}

#[test]
fn several_newcomers_get_one_broadcast_after_the_last_and_repeats() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let mut now = at(1000);
    for host in 2..12 {
        // Each arrives when the one before has waited long enough for its answer.
        assert_eq!(wait(&mut discoverer, now), []);
        hear(&mut discoverer, now, peer(host), &format!("pi{host}"));
        now = now
            + ANSWER_DELAY.min(if host == 2 { Duration::from_millis(40) } else { ANSWER_DELAY });
    }
    let sent = wait(&mut discoverer, at(20_000));
    assert_eq!(sent.len(), 1 + usize::from(REPEATS));
    assert!(sent.iter().all(|(_, to)| to.is_broadcast()));
    assert!(sent[0].0 <= now - ANSWER_DELAY + QUIET, "{sent:?}");
}

#[test]
fn newcomers_that_arrive_without_a_pause_are_answered() {
    let mut storage = Storage::<128>::new();
    let mut discoverer = nas(&mut storage);
    let mut first = None;
    for number in 0..100 {
        let now = at(1000 + 40 * number);
        if let [(at, to), ..] = wait(&mut discoverer, now)[..] {
            first.get_or_insert((at, to.is_broadcast()));
        }
        hear(&mut discoverer, now, peer(u8::try_from(2 + number).unwrap()), &format!("pi{number}"));
    }
    let (answered, by_broadcast) = first.unwrap();
    assert!(by_broadcast && answered.since(at(1040)) == PATIENCE, "{answered:?}");
}

#[test]
fn a_node_that_gathers_newcomers_answers_when_others_do() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    hear(&mut discoverer, at(1000), peer(2), "pi2");
    hear(&mut discoverer, at(1010), peer(3), "pi3");
    // A duplicate datagram is no answer. One that arrives long before its time is an answer.
    hear(&mut discoverer, at(1011), peer(3), "pi3");
    hear(&mut discoverer, at(1100), peer(4), "pi4");
    let due = discoverer.poll_at().unwrap();
    hear(&mut discoverer, at(1120), peer(2), "pi2");
    hear(&mut discoverer, at(1130), peer(5), "pi5");
    assert_eq!(discoverer.poll_at(), Some(due));
    assert_eq!(wait(&mut discoverer, due).len(), 1);
}

#[test]
fn a_flood_on_one_link_holds_back_no_answer_on_another() {
    let mut storage = Storage::<256>::new();
    let mut discoverer = Discoverer::new(&Config::new(1, [7; 16]), &mut storage);
    discoverer.announce(at(0), node("nas", 22)).unwrap();
    for link in [ETH0, ETH1] {
        discoverer.link_up(at(0), shared(link, &[network("198.18.0.1/24")])).unwrap();
    }
    transmits(&mut discoverer);
    let mut now = at(1000);
    while now < at(20_000) {
        let from = peer(u8::try_from(2 + now.millis() / 20 % 200).unwrap());
        hear(&mut discoverer, now, from, &format!("forged-{}", now.millis()));
        wait(&mut discoverer, now);
        now = now + Duration::from_millis(20);
    }
    let newcomer = peer(222);
    discoverer.handle_datagram(now, &received(ETH1, newcomer), &datagram("pi")).unwrap();
    events(&mut discoverer);
    let sent = wait(&mut discoverer, now + ANSWER_DELAY);
    assert!(sent.iter().any(|(_, to)| *to == newcomer), "{sent:?}");
}

#[test]
fn a_newcomer_with_several_nodes_is_still_one_newcomer() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    hear(&mut discoverer, at(1000), peer(2), "pi");
    hear(&mut discoverer, at(1000), peer(2), "pi-backup");
    discoverer.handle_timeout(at(1000) + ANSWER_DELAY);
    assert_eq!(transmits(&mut discoverer), [(ETH0, peer(2), "nas".into())]);
}

#[test]
fn a_newcomer_on_our_own_host_is_answered_by_broadcast() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let ours = [network("198.18.0.1/24"), network("198.18.1.1/24"), network("127.0.0.1/8")];
    discoverer.link_up(at(0), shared(ETH0, &ours)).unwrap();
    transmits(&mut discoverer);
    for (millis, address) in [
        (1000, OUR_ADDRESS),
        (2000, Ipv4Addr::new(198, 18, 1, 1)),
        (3000, Ipv4Addr::new(127, 0, 0, 7)),
    ] {
        hear(&mut discoverer, at(millis), address, &format!("at-{address}"));
        discoverer.handle_timeout(at(millis) + ANSWER_DELAY);
        let everyone = [
            Ipv4Addr::BROADCAST,
            Ipv4Addr::new(198, 18, 1, 255),
            Ipv4Addr::new(127, 255, 255, 255),
        ];
        assert_eq!(transmits(&mut discoverer), everyone.map(|to| (ETH0, to, "nas".into())));
    }
}

#[test]
fn answers_are_rate_limited_and_none_is_forgotten() {
    let mut storage = Storage::<16>::new();
    let mut discoverer = nas(&mut storage);
    let mut answers = vec![];
    // Newcomers from everywhere, each alone.
    for number in 0..50 {
        let now = at(1000 + 200 * number);
        answers.extend(wait(&mut discoverer, now));
        hear(
            &mut discoverer,
            now,
            peer(u8::try_from(2 + number).unwrap()),
            &format!("forged-{number}"),
        );
    }
    // The burst, and then one a second at most.
    let limit = usize::from(ANSWER_BURST) + 10;
    assert!((usize::from(ANSWER_BURST)..=limit).contains(&answers.len()), "{answers:?}");
    // All newcomers that wait share the next allowed answer.
    let due = discoverer.poll_at().unwrap();
    assert!(due > at(10_800) && due <= at(1200) + ANSWER_PERIOD, "{due:?}");
    assert!(matches!(wait(&mut discoverer, due)[..], [(_, to)] if to.is_broadcast()));
}

#[test]
fn a_newcomer_each_second_is_answered_after_any_number_of_others() {
    let mut storage = Storage::<64>::new();
    let mut discoverer = Discoverer::new(&Config::new(1, [7; 16]), &mut storage);
    discoverer.announce(at(0), node("nas", 22)).unwrap();
    discoverer.link_up(at(0), shared(ETH0, &[network("198.18.0.1/24")])).unwrap();
    transmits(&mut discoverer);
    for number in 0..20_u8 {
        let now = at(1000 + 1100 * u64::from(number));
        hear(&mut discoverer, now, peer(2 + number), &format!("pi{number}"));
        let sent = wait(&mut discoverer, now + ANSWER_DELAY);
        assert!(matches!(sent[..], [(_, to)] if to == peer(2 + number)), "{number}: {sent:?}");
    }
}
