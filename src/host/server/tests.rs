//! The server under a clock of the test's own.

use std::io::Read as _;
use std::os::unix::net::UnixStream as StdStream;
use std::path::PathBuf;

use mio::Poll;

use super::*;
use crate::discoverer::Config;
use crate::host::Memory;

const START: Instant = Instant::from_millis(1_000_000);
const FIRST_CLIENT: usize = 1;

/// A server and those who ask it.
struct Table<'a> {
    poll: Poll,
    server: Server<'a>,
    discoverer: Discoverer<'a>,
    links: Links,
    path: PathBuf,
}

impl<'a> Table<'a> {
    fn new(name: &str, memory: &'a mut Memory<4>) -> Self {
        let path = std::env::temp_dir().join(format!("foghorn-server-{}-{name}", std::process::id()));
        let poll = Poll::new().unwrap();
        let server =
            Server::new(&path, None, &mut memory.clients, poll.registry(), Token(0), FIRST_CLIENT).unwrap();
        let discoverer = Discoverer::new(&Config::new(1, [1; 16]), &mut memory.registry);
        Self { poll, server, discoverer, links: Links::new(vec![], 1, 100), path }
    }

    /// Connects a client that says something, and lets the server take it in.
    fn client(&mut self, now: Instant, says: &[u8]) -> StdStream {
        let mut stream = StdStream::connect(&self.path).unwrap();
        stream.write_all(says).unwrap();
        stream.set_nonblocking(true).unwrap();
        self.server.mark_ready();
        let view = View { now, started: START, discoverer: &self.discoverer, links: &self.links };
        while self.server.go_on(self.poll.registry(), &view) {}
        stream
    }
}

/// Whether the server has left this client, whatever it said before.
fn is_left(client: &mut StdStream) -> bool {
    let mut said = vec![];
    match client.read_to_end(&mut said) {
        Ok(_) => true,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
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
    let mut stuck = StdStream::connect(&table.path).unwrap();
    stuck.set_nonblocking(true).unwrap();
    table.server.mark_ready();
    loop {
        let view = View { now: START, started: START, discoverer: &table.discoverer, links: &table.links };
        let wrote = stuck.write(b"status\nstatus\nstatus\nstatus\n");
        for client in table.server.clients.iter_mut().flatten() {
            client.mark_readable();
        }
        table.server.more = true;
        while table.server.go_on(table.poll.registry(), &view) {}
        if wrote.is_err() {
            break;
        }
    }
    let patience = START + Duration::from_secs(30);
    assert_eq!(table.server.deadline(), Some(patience));
    table.server.handle_timeout(patience);
    assert!(is_left(&mut stuck));
}

#[test]
fn buffers_go_from_one_client_to_the_next() {
    let mut memory = Memory::new();
    let mut table = Table::new("buffers", &mut memory);
    // More clients in turn than there are buffers. Each leaves half a request behind that must not become part of the next one's.
    for _ in 0..3 * CONTROL_CLIENTS {
        let mut client = table.client(START, b"version\nloo");
        let mut said = [0; 64];
        let length = client.read(&mut said).unwrap();
        assert!(said[..length].ends_with(b"ok\n"), "{:?}", said[..length].escape_ascii().to_string());
        assert!(!said[..length].starts_with(b"error"));
    }
    // Silent ones gave way, and no buffer was lost.
    assert_eq!(table.server.spare.len(), 0);
    table.server.handle_timeout(START + Duration::from_secs(30));
    assert_eq!(table.server.spare.len(), CONTROL_CLIENTS);
}
