//! The server under a clock of the test's own.

mod listening;
mod requests;
mod watches;

use std::cell::Cell;
use std::io::Read as _;
use std::net::Ipv4Addr;
use std::num::NonZeroU16;
use std::os::unix::net::UnixStream as StdStream;
use std::path::PathBuf;

use mio::{Events, Poll};

use super::*;
use crate::discoverer::{Config, EventKind, Protocol, Received};
use crate::host::Memory;
use crate::limits::{
    ANNOUNCEMENT_CAPACITY, LINKS, NETWORKS_PER_LINK, OWN_ADDRESSES, OWN_NODES, REPLY_CAPACITY,
};
use crate::net::{Address, Link, LinkId, Medium, Network};
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
        // A change of one turn may be reported in the next.
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
        let address = Address { socket: (NAS, port).into(), link: LinkId(1), heard: now };
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
        self.server.sessions.iter().flatten().count()
    }
}

/// The lines that a client has received since the last time.
fn told(client: &mut StdStream) -> String {
    let mut said = vec![];
    let _ = client.read_to_end(&mut said);
    String::from_utf8(said).unwrap()
}

/// Whether the server has left this client, whatever it said before.
fn is_disconnected(client: &mut StdStream) -> bool {
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
