//! Two nodes on one cable, each over `smoltcp`, a network stack for microcontrollers.
//!
//! ```sh
//! cargo run --example smoltcp --no-default-features
//! ```
//!
//! The nas is running when the pi is switched on. They find each other, then the nas is switched
//! off and the pi notices.
//!
//! The [`Discoverer`] is the one that the daemon runs on Linux. Here it has no operating system
//! below it, and all that a node borrows is in `Memory`: nothing is allocated. There is no clock
//! either: `run` hops from one moment to the next, so that minutes pass at once. On a board, the
//! Ethernet driver takes the place of `card.rs`, and a loop that sleeps that of `run`.

mod card;

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::num::NonZeroU16;
use std::ops::Range;

use foghorn::discoverer::{
    Config, Discoverer, Event, Protocol, Received, Step, Transmit, Transport, step,
};
use foghorn::limits::{ANNOUNCEMENT_CAPACITY, DATAGRAM_CAPACITY, OWN_NODES};
use foghorn::net::{Link, LinkId, Medium, Network};
use foghorn::registry::Storage;
use foghorn::time::{Duration, Instant};
use foghorn::wire::{Announcement, NodeId};
use smoltcp::iface::{Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::socket::udp::{self, PacketBuffer, PacketMetadata, SendError};
use smoltcp::wire::{EthernetAddress, IpAddress, IpCidr};

use card::Card;

/// The one interface that a node has. The number means nothing.
const ETHERNET: LinkId = LinkId(0);

/// How many bits the addresses of all nodes begin with.
const PREFIX: u8 = 24;

/// Datagrams that wait in a socket, in each direction: all that a node announces at once, or that
/// some neighbours do.
const DATAGRAMS: usize = OWN_NODES + 8;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut nas_memory, mut pi_memory) = (Memory::new(), Memory::new());
    let mut print = |now: Instant, node: &str, event: Event| {
        say(
            now,
            &format!("{node}: {} {} at {}", event.kind.name(), event.id, event.address.socket),
        );
    };

    say(at(0), "the nas is switched on");
    let mut nas = Node::new(&mut nas_memory, at(0), "nas", "198.18.0.1:22".parse()?)?;
    run(&mut [&mut nas], at(0)..at(5), &mut print);

    say(at(5), "the pi is switched on");
    let mut pi = Node::new(&mut pi_memory, at(5), "pi", "198.18.0.2:22000".parse()?)?;
    run(&mut [&mut nas, &mut pi], at(5)..at(100), &mut print);
    say(at(100), &nas.whereabouts(at(100), "pi"));
    say(at(100), &pi.whereabouts(at(100), "nas"));

    say(at(100), "the nas is switched off");
    run(&mut [&mut pi], at(100)..at(200), &mut print);
    say(at(200), &pi.whereabouts(at(200), "nas"));
    Ok(())
}

/// That many seconds after the beginning.
fn at(secs: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(secs)
}

fn say(now: Instant, text: &str) {
    println!("{:>4}.{:03} s  {text}", now.millis() / 1000, now.millis() % 1000);
}

/// Is told when which node noticed what.
type Tell<'a> = &'a mut dyn FnMut(Instant, &str, Event);

/// Lets the nodes on one cable live through a span of time. A node that is left out is switched
/// off.
fn run(nodes: &mut [&mut Node<'_>], span: Range<Instant>, tell: Tell<'_>) {
    let mut now = span.start;
    while now < span.end {
        for node in &mut *nodes {
            node.turn(now, tell);
        }
        // A frame takes no time. When nobody has sent any, wait as a board does: until something is
        // due.
        if !carry(nodes) {
            let next =
                nodes.iter_mut().filter_map(|node| node.poll_at(now)).min().unwrap_or(span.end);
            now = next.max(now + Duration::from_millis(1));
        }
    }
}

/// The cable: all receive what another has sent. Tells whether there was anything.
fn carry(nodes: &mut [&mut Node<'_>]) -> bool {
    let mut carried = false;
    for sender in 0..nodes.len() {
        let frame = nodes.get_mut(sender).and_then(|node| node.stack.card.sent.pop_front());
        let Some(frame) = frame else { continue };
        for (_, node) in nodes.iter_mut().enumerate().filter(|(number, _)| *number != sender) {
            // A card that has no room for a frame loses it.
            let _ = node.stack.card.received.push_back(frame.clone());
        }
        carried = true;
    }
    carried
}

/// One board: its discoverer, and its network stack.
struct Node<'a> {
    name: &'a str,
    discoverer: Discoverer<'a>,
    stack: Stack<'a>,
}

impl<'a> Node<'a> {
    /// A node that announces from now on that it can be reached at that address.
    fn new(
        memory: &'a mut Memory<'a>,
        now: Instant,
        name: &'a str,
        address: SocketAddrV4,
    ) -> Result<Self, Box<dyn Error>> {
        let (ip, port) = (*address.ip(), NonZeroU16::try_from(address.port())?);
        // A board takes both from its generator of random numbers. Here each run is to be like the
        // one before.
        let config = Config::new(ip.to_bits().into(), [0; 16]);
        let mut discoverer = Discoverer::new(&config, &mut memory.registry);
        discoverer.announce(now, Announcement { id: NodeId::try_from(name)?, port })?;
        let networks = Network::new(ip, PREFIX);
        discoverer.link_up(now, Link::new(ETHERNET, Medium::Shared, networks.as_slice()))?;

        let [received, sent] = &mut memory.datagrams;
        let mut socket = udp::Socket::new(received.buffer(), sent.buffer());
        socket.bind(config.udp_port).map_err(|error| error.to_string())?;
        let mut sockets = SocketSet::new(&mut memory.sockets[..]);
        let socket = sockets.add(socket);
        let mut card = Card::default();
        // Hardware addresses that begin with 2 are free for any use.
        let [a, b, c, d] = ip.octets();
        let config = smoltcp::iface::Config::new(EthernetAddress([2, 0, a, b, c, d]).into());
        let mut interface = Interface::new(config, &mut card, smoltcp_time(now));
        // A new interface has room for an address.
        interface.update_ip_addrs(|addresses| _ = addresses.push(IpCidr::new(ip.into(), PREFIX)));
        Ok(Self { name, discoverer, stack: Stack { card, interface, sockets, socket } })
    }

    /// Does all that can be done now.
    fn turn(&mut self, now: Instant, tell: Tell<'_>) {
        self.stack.poll(now);
        self.discoverer.handle_timeout(now);
        let mut buffer = [0; DATAGRAM_CAPACITY];
        loop {
            match step(&mut self.discoverer, &mut self.stack, now, &mut buffer) {
                Ok(Step::Event(event)) => tell(now, self.name, event),
                // Anyone can send us anything. The discoverer counts what it rejects.
                Ok(Step::Heard(_) | Step::Rejected(..) | Step::Sent(_)) => {}
                // Without room, which takes a card that is stuck, a datagram is lost. The next
                // announcement makes up for it.
                Err(_) => break,
            }
        }
        self.stack.poll(now);
    }

    /// When the next turn is due, if nothing comes in before.
    fn poll_at(&mut self, now: Instant) -> Option<Instant> {
        let delay = self.stack.interface.poll_delay(smoltcp_time(now), &self.stack.sockets);
        let stack = delay.map(|delay| now + Duration::from_millis(delay.total_millis()));
        [self.discoverer.poll_at(), stack].into_iter().flatten().min()
    }

    /// The entry of another node here.
    fn whereabouts(&self, now: Instant, other: &str) -> String {
        match self.discoverer.lookup(now, other) {
            Some(entry) => format!("{}: {other} is at {}", self.name, entry.address()),
            None => format!("{}: {other} is not known", self.name),
        }
    }
}

/// smoltcp with the one socket that foghorn needs.
struct Stack<'a> {
    card: Card,
    interface: Interface,
    sockets: SocketSet<'a>,
    socket: SocketHandle,
}

impl Stack<'_> {
    /// Moves datagrams between the card and the socket.
    fn poll(&mut self, now: Instant) {
        self.interface.poll(smoltcp_time(now), &mut self.card, &mut self.sockets);
    }
}

impl Transport for Stack<'_> {
    type Error = SendError;

    fn recv(&mut self, buffer: &mut [u8]) -> nb::Result<(Received, usize), SendError> {
        let socket: &mut udp::Socket<'_> = self.sockets.get_mut(self.socket);
        let (datagram, metadata) = socket.recv().map_err(|_| nb::Error::WouldBlock)?;
        let IpAddress::Ipv4(from) = metadata.endpoint.addr;
        buffer.iter_mut().zip(datagram).for_each(|(to, byte)| *to = *byte);
        let from = (from, metadata.endpoint.port).into();
        let protocol = Protocol::Foghorn;
        let received = Received { protocol, link: ETHERNET, from, to_group: true };
        Ok((received, datagram.len().min(buffer.len())))
    }

    /// A datagram for one neighbour is sent to all hosts as well. smoltcp would first ask for that
    /// neighbour's hardware address by a broadcast, and hold back all later datagrams until the
    /// reply: a neighbour that is gone would silence us for good.
    fn send(&mut self, transmit: &Transmit, datagram: &[u8]) -> nb::Result<(), SendError> {
        let socket: &mut udp::Socket<'_> = self.sockets.get_mut(self.socket);
        socket.send_slice(datagram, (Ipv4Addr::BROADCAST, transmit.to.port())).map_err(|error| {
            match error {
                SendError::BufferFull => nb::Error::WouldBlock,
                SendError::Unaddressable => nb::Error::Other(error),
            }
        })
    }
}

/// The same point in time, as smoltcp counts it.
fn smoltcp_time(now: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::ZERO + smoltcp::time::Duration::from_millis(now.millis())
}

/// The memory that a node borrows. A board has it in a `static`.
struct Memory<'a> {
    registry: Storage<16>,
    sockets: [SocketStorage<'a>; 1],
    /// The received datagrams, and those to send.
    datagrams: [Datagrams; 2],
}

impl Memory<'_> {
    const fn new() -> Self {
        Self {
            registry: Storage::new(),
            sockets: [SocketStorage::EMPTY],
            datagrams: [Datagrams::NONE; 2],
        }
    }
}

struct Datagrams([PacketMetadata; DATAGRAMS], [[u8; ANNOUNCEMENT_CAPACITY]; DATAGRAMS]);

impl Datagrams {
    const NONE: Self =
        Self([PacketMetadata::EMPTY; DATAGRAMS], [[0; ANNOUNCEMENT_CAPACITY]; DATAGRAMS]);

    fn buffer(&mut self) -> PacketBuffer<'_> {
        PacketBuffer::new(&mut self.0[..], self.1.as_flattened_mut())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use foghorn::discoverer::EventKind::{self, Found, Lost};

    const NAS: &str = "198.18.0.1:22";
    const PI: &str = "198.18.0.2:22000";

    /// Everything that was noticed: when, by which node, what, about which node.
    type Log = Vec<(Instant, String, EventKind, String)>;

    fn node<'a>(
        memory: &'a mut Memory<'a>,
        now: Instant,
        name: &'a str,
        address: &str,
    ) -> Node<'a> {
        Node::new(memory, now, name, address.parse().unwrap()).unwrap()
    }

    /// How a datagram is sent that all are to hear.
    const EVERYONE: Transmit = Transmit {
        protocol: Protocol::Foghorn,
        link: ETHERNET,
        to: SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::BROADCAST, 21025)),
        to_group: true,
        length: 0,
    };

    fn log(nodes: &mut [&mut Node<'_>], span: Range<Instant>) -> Log {
        let mut log = Log::new();
        run(nodes, span, &mut |now, node, event| {
            log.push((now, node.to_owned(), event.kind, event.id.to_string()));
        });
        log
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn rejected(node: &Node<'_>) -> Vec<(&'static str, u64)> {
        let counts = node.discoverer.stats().rejected().filter(|(_, count)| *count > 0);
        counts.map(|(reason, count)| (reason.name(), count)).collect()
    }

    #[test]
    fn both_hear_each_other_within_200_ms_whoever_was_there_first() {
        for (nas_starts, pi_starts) in [(0, 0), (0, 5), (5, 0), (0, 300)] {
            let (mut nas_memory, mut pi_memory) = (Memory::new(), Memory::new());
            let later = at(nas_starts.max(pi_starts));
            let mut nas = node(&mut nas_memory, at(nas_starts), "nas", NAS);
            let mut pi = node(&mut pi_memory, at(pi_starts), "pi", PI);
            let first = if nas_starts < pi_starts { &mut nas } else { &mut pi };
            assert_eq!(log(&mut [first], at(0)..later), []);
            let log = log(&mut [&mut nas, &mut pi], later..later + millis(200));
            let mut who: Vec<_> =
                log.iter().map(|(_, node, kind, id)| (node.as_str(), *kind, id.as_str())).collect();
            who.sort_unstable_by_key(|(node, ..)| *node);
            assert_eq!(
                who,
                [("nas", Found, "pi"), ("pi", Found, "nas")],
                "{nas_starts} {pi_starts}"
            );
        }
    }

    #[test]
    fn a_lookup_tells_address_and_port() {
        let (mut nas_memory, mut pi_memory) = (Memory::new(), Memory::new());
        let mut nas = node(&mut nas_memory, at(0), "nas", NAS);
        let mut pi = node(&mut pi_memory, at(0), "pi", PI);
        assert_eq!(pi.whereabouts(at(0), "nas"), "pi: nas is not known");
        run(&mut [&mut nas, &mut pi], at(0)..at(1), &mut |_, _, _| {});
        assert_eq!(pi.discoverer.lookup(at(1), "nas").unwrap().address(), NAS.parse().unwrap());
        assert_eq!(nas.discoverer.lookup(at(1), "pi").unwrap().address(), PI.parse().unwrap());
        assert_eq!(pi.whereabouts(at(1), "nas"), "pi: nas is at 198.18.0.1:22");
        // A board does not hear its own frames.
        assert_eq!(nas.discoverer.stats().own.get(), 0);
        assert!(nas.discoverer.lookup(at(1), "nas").is_none());
    }

    #[test]
    fn a_silent_node_is_lost_at_its_expiry() {
        let (mut nas_memory, mut pi_memory) = (Memory::new(), Memory::new());
        let mut nas = node(&mut nas_memory, at(0), "nas", NAS);
        let mut pi = node(&mut pi_memory, at(0), "pi", PI);
        // While it goes on announcing it is never lost.
        assert_eq!(log(&mut [&mut nas, &mut pi], at(0)..at(1000)).len(), 2);
        let heard = at(1000) - pi.discoverer.lookup(at(1000), "nas").unwrap().age();
        assert!(at(1000).since(heard) < Duration::from_secs(32), "{heard:?}");
        let expiry = heard + Duration::from_secs(90);

        let before = expiry - millis(10);
        assert_eq!(log(&mut [&mut pi], at(1000)..before), []);
        assert!(pi.discoverer.lookup(expiry - millis(1), "nas").is_some());
        let lost = (expiry, "pi".to_owned(), Lost, "nas".to_owned());
        assert_eq!(log(&mut [&mut pi], before..expiry + Duration::from_secs(200)), [lost]);
        assert!(pi.discoverer.lookup(expiry, "nas").is_none());
        assert_eq!(pi.discoverer.registry().used(), 0);
    }

    #[test]
    fn a_foreign_datagram_is_counted_and_changes_nothing() {
        let (mut nas_memory, mut pi_memory) = (Memory::new(), Memory::new());
        let mut nas = node(&mut nas_memory, at(0), "nas", NAS);
        let mut pi = node(&mut pi_memory, at(0), "pi", PI);
        run(&mut [&mut nas, &mut pi], at(0)..at(10), &mut |_, _, _| {});
        let state = |nas: &Node<'_>| {
            let pi = nas.discoverer.lookup(at(10), "pi").unwrap();
            let stats = nas.discoverer.stats();
            let known = (nas.discoverer.registry().used(), pi.heard(), pi.age(), pi.address());
            (known, nas.discoverer.poll_at(), stats.sent, stats.answers, stats.found)
        };
        let before = state(&nas);
        let received = nas.discoverer.stats().received.get();
        assert_eq!(rejected(&nas), []);

        // An announcement but for its first byte.
        pi.stack.send(&EVERYONE, b"\x01\x12\x10\x25\x00\x16\x00\x02tv").unwrap();
        assert_eq!(log(&mut [&mut nas, &mut pi], at(10)..at(10) + millis(1)), []);
        assert_eq!(rejected(&nas), [("foreign", 1)]);
        assert_eq!(nas.discoverer.stats().received.get(), received + 1);
        assert_eq!(state(&nas), before);
        assert!(nas.discoverer.lookup(at(10), "tv").is_none());
    }

    #[test]
    fn a_newcomer_that_is_gone_before_its_answer_does_not_silence_a_node() {
        let (mut nas_memory, mut guest_memory, mut pi_memory) =
            (Memory::new(), Memory::new(), Memory::new());
        let mut nas = node(&mut nas_memory, at(0), "nas", NAS);
        let mut guest = node(&mut guest_memory, at(1), "guest", "198.18.0.9:80");
        run(&mut [&mut nas], at(0)..at(1), &mut |_, _, _| {});
        let found = log(&mut [&mut nas, &mut guest], at(1)..at(1) + millis(1));
        assert_eq!(found, [(at(1), "nas".to_owned(), Found, "guest".to_owned())]);
        assert_eq!(nas.discoverer.stats().answers.get(), 0, "it is too late for the guest to go");
        run(&mut [&mut nas], at(1) + millis(1)..at(5), &mut |_, _, _| {});
        assert_eq!(nas.discoverer.stats().answers.get(), 1);

        let mut pi = node(&mut pi_memory, at(5), "pi", PI);
        run(&mut [&mut nas, &mut pi], at(5)..at(5) + millis(200), &mut |_, _, _| {});
        assert_eq!(pi.whereabouts(at(6), "nas"), "pi: nas is at 198.18.0.1:22");
    }

    #[test]
    fn nothing_is_allocated() {
        let (mut nas_memory, mut pi_memory) = (Memory::new(), Memory::new());
        let mut noticed = 0;
        let allocations = allocation_counter::measure(|| {
            let mut nas = node(&mut nas_memory, at(0), "nas", NAS);
            let mut pi = node(&mut pi_memory, at(0), "pi", PI);
            run(&mut [&mut nas, &mut pi], at(0)..at(100), &mut |_, _, _| noticed += 1);
            run(&mut [&mut pi], at(100)..at(200), &mut |_, _, _| noticed += 1);
        });
        assert_eq!((noticed, allocations.count_total), (3, 0));
    }

    #[test]
    fn the_transport_blocks_when_there_is_nothing_or_no_room() {
        let (mut nas_memory, mut pi_memory) = (Memory::new(), Memory::new());
        let mut nas = node(&mut nas_memory, at(0), "nas", NAS).stack;
        let mut pi = node(&mut pi_memory, at(0), "pi", PI);
        assert_eq!(pi.stack.recv(&mut [0; 8]), Err(nb::Error::WouldBlock));
        let longest = [7; ANNOUNCEMENT_CAPACITY];
        for _ in 0..DATAGRAMS {
            assert_eq!(nas.send(&EVERYONE, &longest), Ok(()));
        }
        assert_eq!(nas.send(&EVERYONE, &longest), Err(nb::Error::WouldBlock));
        nas.poll(at(0));
        assert_eq!(nas.send(&EVERYONE, &longest), Ok(()));

        pi.stack.card.received.push_back(nas.card.sent.pop_front().unwrap()).unwrap();
        pi.stack.poll(at(0));
        // A datagram that does not fit is cut off, and the bytes behind the buffer stay untouched.
        let mut buffer = [0; 8];
        let (received, length) = pi.stack.recv(&mut buffer[..6]).unwrap();
        assert_eq!((received.from, length), ("198.18.0.1:21025".parse().unwrap(), 6));
        assert_eq!(buffer, [7, 7, 7, 7, 7, 7, 0, 0]);
        assert_eq!(pi.stack.recv(&mut buffer), Err(nb::Error::WouldBlock));
    }
}
