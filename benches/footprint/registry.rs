//! Filling foghorn's registry.

use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::thread;
use std::time::Duration;

use foghorn::wire::v1::UDP_PORT;

use crate::announcement::{announcement, neighbour};
use crate::daemon::status;

/// Sends the announcements of as many nodes as there are places to the daemon at that address: as
/// many from each neighbour. They are sent again while the daemon has not heard all.
pub(crate) fn fill(control: &Path, address: Ipv4Addr, neighbours: &[Ipv4Addr]) {
    let nodes: Vec<_> =
        (0..capacity(control)).map(|number| announcement(&neighbour(number))).collect();
    for _ in 0..100 {
        for (source, nodes) in
            neighbours.iter().zip(nodes.chunks(nodes.len().div_ceil(neighbours.len())))
        {
            let socket = UdpSocket::bind((*source, 0)).unwrap();
            for datagram in nodes {
                socket.send_to(datagram, (address, UDP_PORT)).unwrap();
            }
            thread::sleep(Duration::from_millis(10));
        }
        if used(control) == capacity(control) {
            return;
        }
    }
    check(control);
}

/// Stops the benchmark if a place is free.
pub(crate) fn check(control: &Path) {
    assert_eq!(used(control), capacity(control), "the registry is to be full");
}

fn used(control: &Path) -> u32 {
    status(control, "registry", "used").parse().unwrap()
}

fn capacity(control: &Path) -> u32 {
    status(control, "registry", "capacity").parse().unwrap()
}
