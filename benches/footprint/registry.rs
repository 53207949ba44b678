//! Filling foghorn's registry.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::Duration;

use foghorn::wire::v1::UDP_PORT;

use crate::announcement::{announcement, neighbour};
use crate::daemon::status;

/// Datagrams sent at once. A socket's buffer holds some 250.
const BURST: usize = 32;

/// Sends the announcements of as many nodes as there are places to the daemon at that address.
pub(crate) fn fill(control: &Path, address: Ipv4Addr) {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let nodes: Vec<_> = (0..capacity(control)).map(|number| announcement(&neighbour(number))).collect();
    for burst in nodes.chunks(BURST) {
        for datagram in burst {
            socket.send_to(datagram, (address, UDP_PORT)).unwrap();
        }
        thread::sleep(Duration::from_millis(10));
    }
    check(control);
}

/// Stops the benchmark if a place is free.
pub(crate) fn check(control: &Path) {
    assert_eq!(
        status(control, "registry", "used"),
        capacity(control).to_string(),
        "the registry is to be full"
    );
}

fn capacity(control: &Path) -> u32 {
    status(control, "registry", "capacity").parse().unwrap()
}
