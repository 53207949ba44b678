//! A node in a program's own event loop, over `mio`.
//!
//! ```sh
//! cargo run --example mio -- pi 22 198.18.0.7/24
//! ```
//!
//! announces `pi` with the port of its SSH server on the network that has this machine's address
//! 198.18.0.7, and tells of the nodes that it hears. `ip -4 addr` shows the address to give;
//! 127.0.0.1/8 is for trying it out. Where a daemon runs already, ask that one instead: the example
//! `ask` shows how.
//!
//! The daemon has more: several interfaces, which come and go; a socket for each, so that
//! it hears where a datagram came in; a filter in the kernel; and a clock that goes on while the
//! machine sleeps.

use std::convert::Infallible;
use std::error::Error;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, ErrorKind};
use std::net::Ipv4Addr;
use std::time::Duration as StdDuration;

use foghorn::discoverer::{
    Config, Discoverer, Event, Protocol, Received, Step, Transmit, Transport, step,
};
use foghorn::limits::DATAGRAM_CAPACITY;
use foghorn::net::{Link, LinkId, Medium, Network};
use foghorn::registry::Storage;
use foghorn::time::{Duration, Instant};
use foghorn::wire::{Announcement, NodeId};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};

/// The one interface. The number means nothing.
const LINK: LinkId = LinkId(0);

/// mio's token of the one socket. A program has others beside it.
const SOCKET: Token = Token(0);

/// Steps before anything else has its turn: a flood must not keep the program from its other work.
const STEPS: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [id, port, network] = arguments.as_slice() else {
        return Err("usage: mio NODE PORT ADDRESS/PREFIX, like mio pi 22 198.18.0.7/24".into());
    };
    let announcement = Announcement { id: NodeId::try_from(id.as_str())?, port: port.parse()? };
    // Both are to be random, the second secret.
    let random = RandomState::new();
    let hash_key = [random.hash_one(0), random.hash_one(1)].map(u64::to_ne_bytes);
    let config = Config::new(random.hash_one(2), hash_key.as_flattened().try_into()?);

    let socket =
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, config.udp_port).into()).map_err(|error| {
            format!("cannot open UDP port {}: {error}; does a daemon run?", config.udp_port)
        })?;
    let mut storage = Storage::<64>::new();
    let mut node = Node::new(&config, &mut storage, socket, network.parse()?, announcement)?;
    loop {
        node.turn(&mut |event| {
            println!("{} {} {}", event.kind.name(), event.id, event.address.socket);
        })?;
    }
}

struct Node<'a> {
    poll: Poll,
    events: Events,
    cable: Cable,
    discoverer: Discoverer<'a>,
    started: std::time::Instant,
    /// Whether there is more to do than one turn allows.
    more: bool,
}

impl<'a> Node<'a> {
    /// Announces a node on the network with our own address. The socket hears all addresses, since
    /// broadcasts come to no single one.
    fn new<const N: usize>(
        config: &Config,
        storage: &'a mut Storage<N>,
        mut socket: UdpSocket,
        network: Network,
        announcement: Announcement,
    ) -> Result<Self, Box<dyn Error>> {
        let poll = Poll::new()?;
        poll.registry().register(&mut socket, SOCKET, Interest::READABLE)?;
        socket.set_broadcast(true)?;
        let mut discoverer = Discoverer::new(config, storage);
        discoverer.announce(Instant::ZERO, announcement)?;
        let is_loopback = network.address().is_loopback();
        let medium = if is_loopback { Medium::Loopback } else { Medium::Shared };
        discoverer.link_up(Instant::ZERO, Link::new(LINK, medium, &[network]))?;
        let (events, started) = (Events::with_capacity(8), std::time::Instant::now());
        let cable = Cable { socket, network, ready: false };
        let mut node = Self { poll, events, cable, discoverer, started, more: false };
        // Nothing has happened yet, but the first announcement is to be sent.
        node.work(&mut |_| {});
        Ok(node)
    }

    /// The time, as the discoverer counts it.
    fn now(&self) -> Instant {
        let millis = self.started.elapsed().as_millis();
        Instant::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }

    /// One turn of the loop: waits until there is something to do, and does it.
    fn turn(&mut self, tell: &mut dyn FnMut(Event)) -> io::Result<()> {
        let due = self.discoverer.poll_at().map(|due| due.since(self.now()));
        let wait = if self.more { Some(Duration::ZERO) } else { due };
        match self.poll.poll(&mut self.events, wait.map(StdDuration::from)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        self.cable.ready |= self.events.iter().any(|event| event.token() == SOCKET);
        self.work(tell);
        Ok(())
    }

    fn work(&mut self, tell: &mut dyn FnMut(Event)) {
        let now = self.now();
        self.discoverer.handle_timeout(now);
        let mut buffer = [0; DATAGRAM_CAPACITY];
        self.more = true;
        for _ in 0..STEPS {
            match step(&mut self.discoverer, &mut self.cable, now, &mut buffer) {
                Ok(Step::Event(event)) => tell(event),
                // Anyone can send us anything. The discoverer counts what it rejects.
                Ok(Step::Heard(_) | Step::Rejected(..) | Step::Sent(_)) => {}
                Err(nb::Error::WouldBlock) => {
                    self.more = false;
                    break;
                }
            }
        }
    }
}

/// The network that the node is on, by its one socket.
struct Cable {
    socket: UdpSocket,
    network: Network,
    /// Whether there may be datagrams to take: mio says so once, until all were taken.
    ready: bool,
}

impl Transport for Cable {
    /// An error tells of the interface, which may come back: a node that ended here would be deaf
    /// for good.
    type Error = Infallible;

    fn recv(&mut self, buffer: &mut [u8]) -> nb::Result<(Received, usize), Infallible> {
        if !self.ready {
            return Err(nb::Error::WouldBlock);
        }
        let (length, from) = self.socket.recv_from(buffer).map_err(|error| {
            self.ready = false;
            if error.kind() != ErrorKind::WouldBlock {
                eprintln!("cannot receive: {error}; still trying");
            }
            nb::Error::WouldBlock
        })?;
        let protocol = Protocol::Foghorn;
        Ok((Received { protocol, link: LINK, from, to_group: true }, length))
    }

    /// A datagram for all hosts goes to the network's broadcast address: the kernel sends
    /// 255.255.255.255 out of an interface that it chooses.
    fn send(&mut self, transmit: &Transmit, datagram: &[u8]) -> nb::Result<(), Infallible> {
        let mut to = transmit.to;
        if let (true, Some(everyone)) = (transmit.to_group, self.network.broadcast()) {
            to.set_ip(everyone.into());
        }
        if let Err(error) = self.socket.send_to(datagram, to) {
            // Also if there is no room for it now: the next announcement says the same.
            eprintln!("cannot send to {to}: {error}; still trying");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use foghorn::discoverer::EventKind::Found;

    fn socket() -> (UdpSocket, u16) {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0).into()).unwrap();
        let port = socket.local_addr().unwrap().port();
        (socket, port)
    }

    /// A node on loopback that sends to that port.
    fn node<'a>(storage: &'a mut Storage<4>, socket: UdpSocket, to: u16, id: &str) -> Node<'a> {
        let config = Config { udp_port: to, ..Config::new(to.into(), [0; 16]) };
        let announcement =
            Announcement { id: NodeId::try_from(id).unwrap(), port: 22.try_into().unwrap() };
        Node::new(&config, storage, socket, "127.0.0.1/8".parse().unwrap(), announcement).unwrap()
    }

    /// Lets a node run until it has found that one. What it found.
    fn find(node: &mut Node<'_>, last: &str) -> Vec<String> {
        let mut found = vec![];
        while !found.iter().any(|id| id == last) {
            node.turn(&mut |event| {
                assert_eq!(
                    (event.kind, event.address.socket),
                    (Found, "127.0.0.1:22".parse().unwrap())
                );
                found.push(event.id.to_string());
            })
            .unwrap();
        }
        found
    }

    #[test]
    fn two_find_each_other_at_once_and_what_is_foreign_is_counted() {
        let ((nas_socket, nas_port), (pi_socket, pi_port)) = (socket(), socket());
        let (mut nas_storage, mut pi_storage) = (Storage::new(), Storage::new());
        let mut nas = node(&mut nas_storage, nas_socket, pi_port, "nas");
        // The pi is not there yet when the nas announces itself: it will hear the answer to its own
        // announcement.
        assert!(pi_socket.recv_from(&mut [0; 64]).is_ok());
        let sender = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let tell_nas =
            |datagram: &[u8]| sender.send_to(datagram, (Ipv4Addr::LOCALHOST, nas_port)).unwrap();
        // More than it takes in one turn.
        let foreign = 2 * STEPS;
        (0..foreign).for_each(|_| _ = tell_nas(b"foreign"));

        thread::scope(|scope| {
            let nas = scope.spawn(|| {
                assert_eq!(find(&mut nas, "last"), ["pi", "last"]);
                nas.discoverer.stats().rejected().map(|(_, count)| count).sum::<u64>()
            });
            let mut pi = node(&mut pi_storage, pi_socket, nas_port, "pi");
            assert_eq!(find(&mut pi, "nas"), ["nas"]);
            tell_nas(b"\x00\x12\x10\x25\x00\x16\x00\x04last");
            assert_eq!(nas.join().unwrap(), u64::try_from(foreign).unwrap());
        });
    }
}
