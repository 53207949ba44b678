//! The server under a clock of the test's own.

use std::cell::Cell;
use std::io::Read as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::num::NonZeroU16;
use std::os::unix::net::UnixStream as StdStream;
use std::path::PathBuf;

use mio::{Events, Poll};

use super::*;
use crate::discoverer::{Config, EventKind};
use crate::host::Memory;
use crate::limits::{
    ANNOUNCEMENT_CAPACITY, LINKS, NETWORKS_PER_LINK, OWN_ADDRESSES, OWN_NODES, REPLY_CAPACITY,
};
use crate::network::Network;
use crate::registry::{Address, LinkId};
use crate::time::Duration;
use crate::wire::v1::emit;
use crate::wire::{Announcement, NodeId};

const START: Instant = Instant::from_millis(1_000_000);
const FIRST_CLIENT: usize = 1;
const NAS: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 2);

/// A server and those who ask it.
struct Table<'a> {
    poll: Poll,
    events: Events,
    server: Server<'a>,
    discoverer: Discoverer<'a>,
    links: Links,
    host_name: HostName,
    path: PathBuf,
    processor_time: fn() -> Option<u64>,
}

impl<'a> Table<'a> {
    fn new(name: &str, memory: &'a mut Memory<4>) -> Self {
        // One of its own: a server locks the directory for a moment.
        let directory =
            std::env::temp_dir().join(format!("foghorn-server-{}-{name}", std::process::id()));
        // A killed run may have left one.
        let _ = std::fs::remove_dir_all(&directory);
        make_directory(&directory).unwrap();
        let path = directory.join("control.sock");
        let poll = Poll::new().unwrap();
        let server = Server::new(
            &path,
            false,
            None,
            &mut memory.clients,
            poll.registry(),
            Token(0),
            FIRST_CLIENT,
        )
        .unwrap();
        let discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut memory.registry);
        Self {
            poll,
            events: Events::with_capacity(64),
            server,
            discoverer,
            links: Links::new(vec![], 1, 100),
            host_name: HostName::default(),
            path,
            processor_time: || Some(0),
        }
    }

    /// Turns of the loop at that time, until there is nothing to do. Returns for how many clients
    /// the loop was woken.
    fn turn(&mut self, now: Instant) -> usize {
        let view = View {
            now,
            processor_time: self.processor_time,
            started: START,
            discoverer: &self.discoverer,
            links: &self.links,
            host_name: &self.host_name,
        };
        let (mut woken, mut idle) = (0, 0);
        // What a turn changes may be reported in the next.
        while idle < 2 {
            self.poll.poll(&mut self.events, Some(std::time::Duration::ZERO)).unwrap();
            for readiness in &self.events {
                if readiness.token() == Token(0) {
                    self.server.mark_ready();
                } else {
                    woken += 1;
                    self.server.handle_client(readiness, &view);
                }
            }
            let more = self.server.go_on(self.poll.registry(), &view);
            idle = if more || !self.events.is_empty() { 0 } else { idle + 1 };
        }
        woken
    }

    fn connect(&self) -> StdStream {
        let stream = StdStream::connect(&self.path).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    }

    /// The node `nas` has moved to another port, for all that the server knows.
    fn change(&mut self, now: Instant, port: u16) {
        let id = NodeId::try_from("nas").unwrap();
        self.discoverer.expect(&id).unwrap();
        let (place, _) = self.discoverer.registry().expected_after(None).next().unwrap();
        let address = Address { socket: SocketAddrV4::new(NAS, port), link: LinkId(1), heard: now };
        let event = Event { kind: EventKind::Moved, id, address, place };
        self.server.publish(&event, &self.links, now);
    }

    /// Connects a client that says something, and lets the server take it in.
    fn client(&mut self, now: Instant, says: &[u8]) -> StdStream {
        let mut stream = self.connect();
        stream.write_all(says).unwrap();
        self.turn(now);
        stream
    }

    fn clients(&self) -> usize {
        self.server.clients.iter().flatten().count()
    }
}

/// What a client has been told since the last time.
fn told(client: &mut StdStream) -> String {
    let mut said = vec![];
    let _ = client.read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}

/// Whether the server has left this client, whatever it said before.
fn is_left(client: &mut StdStream) -> bool {
    let mut said = vec![];
    match client.read_to_end(&mut said) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.path.parent().unwrap());
    }
}

#[test]
fn who_asks_nothing_is_left_and_who_watches_is_not() {
    let mut memory = Memory::new();
    let mut table = Table::new("silent", &mut memory);
    let mut silent = table.client(START, b"");
    let mut halfway = table.client(START, b"look");
    let mut asking = table.client(START + Duration::from_secs(10), b"list\n");
    let mut watching = table.client(START, b"watch\n");

    let patience = START + Duration::from_secs(30);
    assert_eq!(table.server.deadline(), Some(patience));
    table.server.handle_timeout(patience - Duration::from_millis(1));
    assert!(![&mut silent, &mut halfway, &mut asking, &mut watching].into_iter().any(is_left));
    table.server.handle_timeout(patience);
    assert!(is_left(&mut silent) && is_left(&mut halfway));
    assert!(!is_left(&mut asking) && !is_left(&mut watching));

    assert_eq!(table.server.deadline(), Some(patience + Duration::from_secs(10)));
    table.server.handle_timeout(patience + Duration::from_secs(1000));
    assert!(is_left(&mut asking) && !is_left(&mut watching));
    assert_eq!(table.server.deadline(), None);
}

#[test]
fn who_does_not_read_is_left() {
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
    assert!(is_left(&mut stuck));
}

#[test]
fn the_changes_of_a_turn_are_written_at_once() {
    let mut memory = Memory::new();
    let mut table = Table::new("changes", &mut memory);
    let mut watcher = table.client(START, b"watch\n");
    for port in 1..=5 {
        table.change(START, port);
        assert_eq!(told(&mut watcher), "");
    }
    table.turn(START);
    assert_eq!(told(&mut watcher).lines().count(), 5);

    // More than its buffer holds: that is written whenever it is full, and nothing is missed.
    let (mut writes, mut said) = (0, String::new());
    for port in 6..=1005 {
        table.change(START, port);
        let more = told(&mut watcher);
        writes += usize::from(!more.is_empty());
        said.push_str(&more);
    }
    table.turn(START);
    said.push_str(&told(&mut watcher));
    assert!(writes <= said.len().div_ceil(REPLY_CAPACITY / 2), "{writes} for {}", said.len());
    let ports =
        said.lines().map(|line| line.strip_prefix("moved id=nas address=198.18.0.2:").unwrap());
    let ports = ports.map(|rest| rest.split_once(' ').unwrap().0.parse::<u16>().unwrap());
    assert!(ports.eq(6..=1005), "{said}");
}

/// Changes until the only client, which reads nothing, has been disconnected.
fn change_until_it_is_left(table: &mut Table<'_>) {
    for port in 1..=u16::MAX {
        table.change(START, port);
        table.turn(START);
        if table.clients() == 0 {
            return;
        }
    }
    panic!("more waits for it than any socket holds");
}

#[test]
fn who_reads_changes_too_slowly_is_told_so_behind_a_whole_line() {
    let mut memory = Memory::new();
    let mut table = Table::new("behind", &mut memory);
    let mut slow = table.client(START, b"watch\n");
    change_until_it_is_left(&mut table);
    let said = told(&mut slow);
    assert!(is_left(&mut slow));
    let lines: std::vec::Vec<_> = said.lines().collect();
    let (error, changes) = lines.split_last().unwrap();
    assert!(said.ends_with('\n') && error.starts_with("error slow "), "{error}");
    assert!(changes.len() > 100);
    for (port, line) in (1..).zip(changes) {
        assert_eq!(*line, format!("moved id=nas address={NAS}:{port} interface=-"));
    }
}

#[test]
fn a_watch_that_is_not_read_ends_with_a_reason_whatever_ends_it() {
    let patience = START + Duration::from_secs(30);
    for (name, code) in [("unread", "slow"), ("dismissed", "busy")] {
        let mut memory = Memory::new();
        let mut table = Table::new(name, &mut memory);
        let mut stuck = table.client(START, b"watch\n");
        // As far as a part of a line, or whole ones that wait.
        let mut port = 0;
        while table.server.deadline().is_none() {
            port += 1;
            table.change(START, port);
            table.turn(START);
        }
        assert_eq!(table.server.deadline(), Some(patience));
        if code == "slow" {
            table.server.handle_timeout(patience);
        } else {
            table.server.dismiss(0, START);
        }
        let said = told(&mut stuck);
        let last = said.lines().last().unwrap();
        assert!(said.ends_with('\n') && last.starts_with(&format!("error {code} ")), "{last:?}");
    }
}

#[test]
fn the_file_of_the_socket_is_looked_at_once_a_minute_and_made_again() {
    let mut memory = Memory::new();
    let mut table = Table::new("gone", &mut memory);
    let mut connected = table.client(START, b"version\n");
    assert!(told(&mut connected).ends_with("ok\n"));
    std::fs::remove_file(&table.path).unwrap();
    let minute = START + Duration::from_secs(60);
    table.turn(minute - Duration::from_millis(1));
    assert!(!table.path.exists());
    // Nothing wakes the loop for that.
    assert_eq!(table.server.deadline(), Some(START + Duration::from_secs(30)));
    table.turn(minute);
    assert!(told(&mut table.client(minute, b"version\n")).ends_with("ok\n"));
    connected.write_all(b"version\n").unwrap();
    table.turn(minute);
    assert!(told(&mut connected).ends_with("ok\n"));

    // Another daemon has taken its place, and keeps it while it lives.
    std::fs::remove_file(&table.path).unwrap();
    let other = std::os::unix::net::UnixListener::bind(&table.path).unwrap();
    table.turn(minute + Duration::from_secs(60));
    other.set_nonblocking(true).unwrap();
    table.connect();
    // The first who connected was the server, to see whether somebody listens.
    assert!(other.accept().is_ok() && other.accept().is_ok());
    drop(other);
    table.turn(minute + Duration::from_secs(120));
    assert!(told(&mut table.client(minute, b"version\n")).ends_with("ok\n"));
}

#[test]
fn only_a_directory_of_its_own_is_made_again() {
    let directory =
        std::env::temp_dir().join(format!("foghorn-server-{}-directory", std::process::id()));
    for is_own in [false, true] {
        make_directory(&directory).unwrap();
        let poll = Poll::new().unwrap();
        let (path, registry) = (directory.join("control.sock"), poll.registry());
        let mut listener = Listener::new(&path, is_own, None, registry, Token(0)).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_dir(&directory).unwrap();
        listener.look(START, registry, Token(0));
        assert_eq!(path.exists(), is_own);
        drop(listener);
        let _ = std::fs::remove_dir(&directory);
    }
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
fn who_says_what_is_no_request_has_to_wait_and_nobody_else_has() {
    let mut memory = Memory::new();
    let mut table = Table::new("garbage", &mut memory);
    let mut garbage = table.client(START, b"garbage\nversion\n");
    assert!(told(&mut garbage).starts_with("error bad-request "));
    // That there is room for more replies again.
    assert_eq!(table.turn(START), 1);
    let pause = START + Duration::from_millis(100);
    assert_eq!(table.server.deadline(), Some(pause));

    // What it says meanwhile does not even wake the loop.
    garbage.write_all(b"version\n").unwrap();
    assert_eq!(table.turn(pause - Duration::from_millis(1)), 0);
    let mut other = table.client(pause - Duration::from_millis(1), b"version\n");
    assert!(told(&mut other).ends_with("ok\n"));
    assert_eq!(told(&mut garbage), "");

    table.turn(pause);
    assert_eq!(told(&mut garbage).matches("ok\n").count(), 2);
}

#[test]
fn a_request_may_come_in_some_pieces_and_not_in_any_number() {
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
fn a_watching_client_does_not_wake_the_loop_by_what_it_says() {
    let mut memory = Memory::new();
    let mut table = Table::new("watching", &mut memory);
    let mut watching = table.client(START, b"watch\n");
    watching.write_all(b"list\n").unwrap();
    assert_eq!(table.turn(START), 0);
    // But by leaving.
    drop(watching);
    assert_eq!(table.turn(START), 1);
    assert_eq!(table.clients(), 0);
}

#[test]
fn garbage_is_no_sign_of_life() {
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

thread_local! {
    static SPENT: Cell<u64> = const { Cell::new(0) };
}

#[test]
fn newcomers_are_taken_in_as_fast_as_they_may_cost() {
    let mut memory = Memory::new();
    let mut table = Table::new("pace", &mut memory);
    table.turn(START);
    // Whatever is done takes 1/16 of a millisecond, and they may cost four of these in ten
    // milliseconds.
    table.processor_time = || {
        SPENT.set(SPENT.get() + 62_500);
        Some(SPENT.get())
    };
    let mut asking = [(); 8].map(|()| table.connect());
    for client in &mut asking {
        client.write_all(b"version\n").unwrap();
    }
    let mut answered = |table: &mut Table<'_>, now| {
        table.turn(now);
        asking.iter_mut().map(told).filter(|told| told.ends_with("ok\n")).count()
    };
    assert_eq!(answered(&mut table, START), 4);
    assert_eq!(table.server.deadline(), Some(START + Duration::from_millis(10)));
    assert_eq!(answered(&mut table, START + Duration::from_millis(10)), 4);

    // Those who ask nothing cost more: what is done for them counts too.
    drop(asking);
    table.turn(START + Duration::from_secs(1));
    assert_eq!(table.clients(), 0);
    let _silent = [(); 8].map(|()| table.connect());
    table.turn(START + Duration::from_secs(2));
    assert_eq!(table.clients(), 2);
}

#[test]
fn where_no_clock_tells_what_newcomers_cost_they_come_one_at_a_time() {
    let mut memory = Memory::new();
    let mut table = Table::new("unknown-cost", &mut memory);
    table.processor_time = || None;
    table.turn(START);
    let _silent = [(); 3].map(|()| table.connect());
    for clients in 1..=3 {
        table.turn(START + Duration::from_secs(clients));
        assert_eq!(table.clients().try_into(), Ok(clients));
    }
}

#[test]
fn own_nodes_are_told_however_many_addresses_the_machine_has_and_they_hide_others_of_their_names() {
    let mut memory = Memory::new();
    let mut table = Table::new("own", &mut memory);
    for id in 0..LINKS {
        let networks: [Network; NETWORKS_PER_LINK] = std::array::from_fn(|number| {
            format!("198.18.{id}.{}/24", 101 + number).parse().unwrap()
        });
        table.discoverer.link_up(START, LinkId(id.try_into().unwrap()), &networks).unwrap();
    }
    for name in ["nas", "pi"] {
        let announcement =
            Announcement { id: NodeId::try_from(name).unwrap(), port: NonZeroU16::MAX };
        let mut datagram = [0; ANNOUNCEMENT_CAPACITY];
        let length = emit(&announcement, &mut datagram).unwrap();
        table.discoverer.handle_datagram(START, LinkId(0), NAS, &datagram[..length]).unwrap();
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
