//! Requests: who asks nothing, or nonsense, or in pieces.

use super::*;

#[test]
fn a_silent_client_is_disconnected_and_a_watching_one_is_not() {
    let mut memory = Memory::new();
    let mut table = Table::new("silent", &mut memory);
    let mut silent = table.client(START, b"");
    let mut halfway = table.client(START, b"look");
    let mut asking = table.client(START + Duration::from_secs(10), b"list\n");
    let mut watching = table.client(START, b"watch\n");

    let patience = START + Duration::from_secs(30);
    assert_eq!(table.server.deadline(), Some(patience));
    table.server.handle_timeout(patience - Duration::from_millis(1));
    assert!(
        ![&mut silent, &mut halfway, &mut asking, &mut watching].into_iter().any(is_disconnected)
    );
    table.server.handle_timeout(patience);
    assert!(is_disconnected(&mut silent) && is_disconnected(&mut halfway));
    assert!(!is_disconnected(&mut asking) && !is_disconnected(&mut watching));

    assert_eq!(table.server.deadline(), Some(patience + Duration::from_secs(10)));
    table.server.handle_timeout(patience + Duration::from_secs(1000));
    assert!(is_disconnected(&mut asking) && !is_disconnected(&mut watching));
    assert_eq!(table.server.deadline(), None);
}

#[test]
fn a_client_that_does_not_read_is_disconnected() {
    let mut memory = Memory::new();
    let mut table = Table::new("slow", &mut memory);
    // Far more answers than the socket and the client's buffer hold.
    let mut stuck = table.connect();
    while stuck.write(b"status\nstatus\nstatus\nstatus\n").is_ok() {
        table.turn(START);
    }
    let patience = START + Duration::from_secs(30);
    assert_eq!(table.server.deadline(), Some(patience));
    table.server.handle_timeout(patience);
    assert!(is_disconnected(&mut stuck));
}

#[test]
fn buffers_go_from_one_client_to_the_next() {
    let mut memory = Memory::new();
    let mut table = Table::new("buffers", &mut memory);
    // More clients in turn than there are buffers. Each leaves half a request behind that must not
    // become part of the next one's.
    let mut clients = [const { None }; 3 * CONTROL_CLIENTS];
    for client in &mut clients {
        let client = client.insert(table.client(START, b"version\nloo"));
        let said = told(client);
        assert!(said.starts_with("version ") && said.ends_with("ok\n"), "{said:?}");
    }
    // Silent ones gave way, and no buffer was lost.
    assert_eq!(table.server.spare.len(), 0);
    table.server.handle_timeout(START + Duration::from_secs(30));
    assert_eq!(table.server.spare.len(), CONTROL_CLIENTS);
}

#[test]
fn only_the_client_that_sends_garbage_has_to_wait() {
    let mut memory = Memory::new();
    let mut table = Table::new("garbage", &mut memory);
    let mut garbage = table.client(START, b"garbage\nversion\n");
    assert!(told(&mut garbage).starts_with("error bad-request "));
    // That there is room for more replies again.
    assert_eq!(table.turn(START), 1);
    let pause = START + Duration::from_millis(100);
    assert_eq!(table.server.deadline(), Some(pause));

    // Its bytes do not even wake the loop meanwhile.
    garbage.write_all(b"version\n").unwrap();
    assert_eq!(table.turn(pause - Duration::from_millis(1)), 0);
    let mut other = table.client(pause - Duration::from_millis(1), b"version\n");
    assert!(told(&mut other).ends_with("ok\n"));
    assert_eq!(told(&mut garbage), "");

    table.turn(pause);
    assert_eq!(told(&mut garbage).matches("ok\n").count(), 2);
}

#[test]
fn a_request_may_come_in_a_few_pieces_but_not_in_many() {
    let mut memory = Memory::new();
    let mut table = Table::new("pieces", &mut memory);
    let mut client = table.connect();
    for request in 0..3 {
        for piece in [&b"ve"[..], b"rs", b"io", b"n\n"] {
            client.write_all(piece).unwrap();
            table.turn(START);
        }
        assert!(told(&mut client).ends_with("ok\n"), "request {request}");
    }
    for piece in [b"v", b"e", b"r", b"s"] {
        client.write_all(piece).unwrap();
        assert_ne!(table.turn(START), 0);
    }
    client.write_all(b"ion\n").unwrap();
    assert_eq!(table.turn(START), 0);
    assert_eq!(told(&mut client), "");
    table.turn(START + Duration::from_millis(100));
    assert!(told(&mut client).ends_with("ok\n"));
}

#[test]
fn garbage_does_not_count_as_activity() {
    let mut memory = Memory::new();
    let mut table = Table::new("life", &mut memory);
    let (mut garbage, mut pieces) =
        (table.client(START, b"version\n"), table.client(START, b"version\n"));
    for second in 1..=29 {
        garbage.write_all(b"garbage\n").unwrap();
        pieces.write_all(b"x").unwrap();
        table.turn(START + Duration::from_secs(second));
    }
    assert_eq!(told(&mut garbage).matches("error bad-request ").count(), 29);
    table.server.handle_timeout(START + Duration::from_secs(30));
    assert_eq!(table.clients(), 0);
}

#[test]
fn own_nodes_are_listed_with_any_number_of_addresses_and_hide_others_of_their_names() {
    let mut memory = Memory::new();
    let mut table = Table::new("own", &mut memory);
    for id in 0..LINKS {
        let networks: [Network; NETWORKS_PER_LINK] = std::array::from_fn(|number| {
            format!("198.18.{id}.{}/24", 101 + number).parse().unwrap()
        });
        let link = LinkId(id.try_into().unwrap());
        table.discoverer.link_up(START, Link::new(link, Medium::Shared, &networks)).unwrap();
    }
    for name in ["nas", "pi"] {
        let announcement =
            Announcement { id: NodeId::try_from(name).unwrap(), port: NonZeroU16::MAX };
        let mut datagram = [0; ANNOUNCEMENT_CAPACITY];
        let length = emit(&announcement, &mut datagram).unwrap();
        let from = (NAS, 21025).into();
        let received =
            Received { protocol: Protocol::Foghorn, link: LinkId(0), from, to_group: true };
        table.discoverer.handle_datagram(START, &received, &datagram[..length]).unwrap();
        while table.discoverer.poll_event().is_some() {}
    }
    // Another machine has had that name before.
    let names = (1..OWN_NODES).map(|number| format!("own-{number}")).chain(["nas".to_owned()]);
    for name in names {
        let node =
            Announcement { id: NodeId::try_from(name.as_str()).unwrap(), port: NonZeroU16::MAX };
        table.discoverer.announce(START, node).unwrap();
    }
    let mut client = table.client(START, b"list\nlookup nas\n");
    let said = told(&mut client);
    let own: std::vec::Vec<_> = said.lines().filter(|line| line.starts_with("own ")).collect();
    assert_eq!(own.len(), OWN_NODES, "{said}");
    let addresses = OWN_ADDRESSES.min(LINKS * NETWORKS_PER_LINK);
    assert!(own.iter().all(|line| line.matches(":65535").count() == addresses), "{said}");
    assert!(own[0].starts_with("own id=own-1 addresses=198.18.0.101:65535,"), "{said}");
    let rest: std::vec::Vec<_> = said.lines().filter(|line| !line.starts_with("own ")).collect();
    assert!(
        matches!(rest[..], [pi, "ok", "error own-node nas is announced by this machine itself"] if pi.starts_with("node id=pi ")),
        "{rest:?}"
    );
}
