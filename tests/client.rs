//! The client for Rust programs, against the built daemon.

#![expect(clippy::unwrap_used, reason = "a test must fail on the unexpected")]

mod common;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use common::{Daemon, Directory, TIMEOUT, announcement, free_udp_port};
use foghorn::client::{Client, Error, Event, EventKind, PeerAddress};
use foghorn::limits::CONTROL_CLIENTS;
use foghorn::wire::NodeId;
use nix::unistd::{Uid, setfsuid};

/// A daemon on loopback.
struct Pi {
    directory: Directory,
    daemon: Daemon,
    port: String,
}

impl Pi {
    /// A daemon that forgets nodes after three intervals of this length.
    fn new(interval: &str) -> Self {
        let (directory, port) = (Directory::new(), free_udp_port());
        let daemon = start(&directory, "control.sock", &port, &["--interval", interval]);
        Self { directory, daemon, port }
    }

    fn client(&self) -> Client {
        Client::connect_to(&self.daemon.control).unwrap()
    }

    /// Sends the daemon an announcement, and waits until it knows the node.
    fn hear(&self, id: &str, port: u16) {
        let mut events = events(self.client());
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_broadcast(true).unwrap();
        let everyone = (Ipv4Addr::new(127, 255, 255, 255), self.port.parse().unwrap());
        socket.send_to(&announcement(id, port), everyone).unwrap();
        until(&mut events, id, IS_THERE);
    }

    /// The nodes that a client gets, by name, each with a flag for own nodes.
    fn nodes(client: &mut Client) -> Vec<(NodeId, bool)> {
        let mut nodes: Vec<_> =
            client.nodes().unwrap().into_iter().map(|node| (node.id, node.own)).collect();
        nodes.sort_unstable();
        nodes
    }

    /// A second daemon that announces `nas`.
    fn nas(&self, port: &str) -> Daemon {
        start(
            &self.directory,
            "nas.sock",
            &self.port,
            &["--interval", "1", "--id", "nas", "--port", port],
        )
    }
}

fn start(directory: &Directory, control: &str, port: &str, arguments: &[&str]) -> Daemon {
    let common = ["--interface", "lo", "--udp-port", port];
    Daemon::start(&directory.path(control), &[&common, arguments].concat())
}

/// The events of a watch, until none has arrived for too long.
fn events(client: Client) -> impl Iterator<Item = Result<Event, Error>> {
    let watch = client.watch().unwrap();
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || watch.for_each(|event| _ = sender.send(event)));
    std::iter::from_fn(move || receiver.recv_timeout(TIMEOUT).ok())
}

const IS_THERE: [EventKind; 2] = [EventKind::Known, EventKind::Found];

/// The first event of that kind about that node.
fn until(
    events: &mut impl Iterator<Item = Result<Event, Error>>,
    id: &str,
    kinds: impl AsRef<[EventKind]>,
) -> Event {
    let mut events = events.map(Result::unwrap);
    events.find(|event| event.id.as_str() == id && kinds.as_ref().contains(&event.kind)).unwrap()
}

fn name(text: &str) -> NodeId {
    NodeId::try_from(text).unwrap()
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

#[test]
fn a_client_gets_all_nodes_that_the_daemon_knows() {
    let pi = Pi::new("30");
    let mut client = pi.client();
    assert_eq!((client.nodes().unwrap(), client.lookup("nas").unwrap()), (vec![], None));
    let _nas = pi.nas("22");
    until(&mut events(pi.client()), "nas", IS_THERE);

    let node = client.lookup("nas").unwrap().unwrap();
    assert_eq!((&node.id, &node.addresses), (&name("nas"), &vec![loopback(22)]));
    assert_eq!((node.interface.as_deref(), node.contested), (Some("lo"), false));
    assert!(
        node.heard >= 1 && node.expires_in.as_secs() <= 90 && node.age <= node.known,
        "{node:?}"
    );
    pi.hear("tv", 80);
    assert_eq!(Pi::nodes(&mut client), [(name("nas"), false), (name("tv"), false)]);
}

#[test]
fn an_own_node_has_the_machines_own_address() {
    let pi = Pi::new("30");
    let nas = pi.nas("22");
    let mut client = Client::connect_to(&nas.control).unwrap();
    let node = client.lookup("nas").unwrap().unwrap();
    assert!(node.own && node.addresses == [loopback(22)], "{node:?}");
    assert_eq!((node.age.as_secs(), node.expires_in.as_secs(), node.heard), (0, 0, 0));
    assert_eq!(client.lookup("tv").unwrap(), None);
    assert_eq!(Pi::nodes(&mut client), [(name("nas"), true)]);
    let found = PeerAddress::Dynamic.resolve("nas", || Ok(client)).unwrap();
    assert_eq!(found, Some(loopback(22)));
}

#[test]
fn a_client_waits_for_an_unknown_node() {
    let pi = Pi::new("30");
    let mut client = pi.client();
    assert_eq!(client.lookup_timeout("nas", Duration::from_millis(1)).unwrap(), None);
    let found = thread::scope(|scope| {
        let waiting = scope.spawn(|| client.lookup_timeout("nas", TIMEOUT).unwrap());
        pi.hear("nas", 22);
        waiting.join().unwrap()
    });
    assert_eq!(found.unwrap().addresses, [loopback(22)]);
    // The client does not wait for a known node, and remains usable.
    assert!(client.lookup_timeout("nas", Duration::ZERO).unwrap().is_some());
    assert_eq!(client.nodes().unwrap().len(), 1);
}

#[test]
fn a_watch_times_out_and_stops_while_nothing_happens() {
    let pi = Pi::new("30");
    pi.hear("nas", 22);
    let mut watch = pi.client().watch().unwrap();
    let known = watch.next_timeout(TIMEOUT).unwrap().unwrap();
    assert_eq!((known.kind, known.address), (EventKind::Known, loopback(22)));
    assert_eq!(watch.next_timeout(Duration::from_millis(1)).unwrap(), None);
    let stopper = watch.stopper().unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| watch.next().is_none());
        stopper.stop();
        assert!(waiting.join().unwrap());
    });
    assert!(matches!(watch.next_timeout(TIMEOUT), Err(Error::Ended)));
}

#[test]
fn a_watch_reports_known_nodes_and_later_changes() {
    let mut pi = Pi::new("1");
    let mut nas = pi.nas("22");
    until(&mut events(pi.client()), "nas", IS_THERE);
    let mut events = events(pi.client());
    let known = events.next().unwrap().unwrap();
    assert_eq!(
        (known.id, known.address, known.interface.as_deref()),
        (name("nas"), loopback(22), Some("lo"))
    );
    nas.crash();
    assert_eq!(until(&mut events, "nas", [EventKind::Lost]).address, loopback(22));
    let _nas = pi.nas("23");
    assert_eq!(until(&mut events, "nas", [EventKind::Found]).address, loopback(23));

    pi.daemon.crash();
    assert!(matches!(events.find(Result::is_err), Some(Err(Error::Lost(_)))));
    assert!(events.next().is_none());
}

#[test]
fn a_dynamic_address_is_looked_up() {
    let pi = Pi::new("30");
    pi.hear("nas", 22);
    let connect = || Client::connect_to(&pi.daemon.control);
    let resolve = |address: &str, id| address.parse::<PeerAddress>().unwrap().resolve(id, connect);
    assert_eq!(resolve("dynamic", "nas").unwrap(), Some(loopback(22)));
    assert_eq!(resolve("dynamic", "printer").unwrap(), None);
    assert_eq!(
        resolve("198.18.0.2:22000", "nas").unwrap(),
        Some("198.18.0.2:22000".parse().unwrap())
    );
}

#[test]
fn a_client_connects_again_after_the_daemon_disconnected_it() {
    let mut pi = Pi::new("30");
    let mut client = pi.client();
    // Silent clients make room.
    let silent: Vec<_> = (0..3 * CONTROL_CLIENTS)
        .map(|_| UnixStream::connect(&pi.daemon.control).unwrap())
        .collect();
    pi.hear("nas", 22);
    drop(silent);
    assert!(client.lookup("nas").unwrap().is_some());

    pi.daemon.crash();
    let gone = client.nodes().unwrap_err();
    assert!(matches!(&gone, Error::NoDaemon { path, .. } if *path == pi.daemon.control), "{gone}");
    pi.daemon = start(&pi.directory, "control.sock", &pi.port, &[]);
    assert_eq!(client.nodes().unwrap(), []);
    pi.daemon.stop();
    pi.daemon = start(&pi.directory, "control.sock", &pi.port, &[]);
    assert!(client.watch().is_ok());
}

#[test]
fn a_refused_client_gets_the_reason() {
    let pi = Pi::new("30");
    pi.hear("nas", 22);
    // All clients but one may watch.
    for _ in 1..CONTROL_CLIENTS {
        until(&mut events(pi.client()), "nas", IS_THERE);
    }
    let refused = events(pi.client()).find(Result::is_err).unwrap().unwrap_err();
    assert!(matches!(&refused, Error::Refused { code, .. } if code == "busy"), "{refused}");
    assert!(pi.client().lookup("nas").unwrap().is_some());
}

#[test]
fn an_error_gives_the_reason_for_a_failed_connection() {
    let directory = Directory::new();
    let control = directory.path("control.sock");
    let absent = Client::connect_to(&control).unwrap_err();
    assert!(matches!(&absent, Error::NoDaemon { path, .. } if *path == control), "{absent:?}");
    assert!(absent.to_string().ends_with("start one with foghorn run"), "{absent}");
    let long = Client::connect_to(&directory.path(&"x".repeat(200))).unwrap_err();
    assert!(matches!(&long, Error::InvalidPath { .. }), "{long:?}");

    let pi = Pi::new("30");
    fs::set_permissions(&pi.daemon.control, fs::Permissions::from_mode(0o0)).unwrap();
    // A separate thread switches to an ordinary user, as far as files go. An ordinary user stays
    // the same.
    let connect = || {
        setfsuid(Uid::from_raw(65_534));
        Client::connect_to(&pi.daemon.control).unwrap_err()
    };
    let denied = thread::scope(|scope| scope.spawn(connect).join().unwrap());
    assert!(
        matches!(&denied, Error::PermissionDenied { path } if *path == pi.daemon.control),
        "{denied:?}"
    );
    assert!(denied.to_string().contains("no permission to use"), "{denied}");
}
